"""What became of a call: which faults are tried again, which are the agent's own, which end the episode."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from time import time
from typing import Any, Final, Literal

from pytest_collab.agents.prices import Tokens

RETRIED: Final = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529})
"""HTTP statuses after which the same call may well succeed."""

FIRST_PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 30.0
LONGEST_RETRY_AFTER_S: Final = 300.0

_OVERFLOW: Final = re.compile(
    r"prompt is too long|context.{0,3}length|context.{0,3}window|context limit|maximum context|"
    r"exceed(?:s|_|ed)? ?(?:the )?(?:available )?context|too many (?:input )?tokens|input is too long",
    re.IGNORECASE,
)
_FILTERED: Final = re.compile(r"content[_ ]?(?:filter|policy)|content management policy|_policy\b|invalid_prompt")
_LIMIT_IN_TEXT: Final = re.compile(r"(?:>|maximum|limit of|length is|size \(?)\D{0,24}?(\d{3,})")

NO_TOKENS: Final = Tokens()

Kind = Literal["retry", "slow_down", "overflow", "filter", "fatal"]


@dataclass(frozen=True, slots=True)
class Fault:
    """One attempt that brought no answer.

    Attributes:
        kind: `retry` (try again), `slow_down` (the provider asks everybody to wait), `overflow` (the conversation
            does not fit the context), `filter` (the provider's filter took the answer: the agent's own),
            `fatal` (trying again cannot help: a wrong key, a model that does not exist).
        told: for people; no secrets.
        retry_after_s: what the provider asked for.
        tokens: what the attempt consumed all the same.
        limit: tokens that fit, for `overflow`, where the provider says it.
    """

    kind: Kind
    told: str
    status: int | None = None
    retry_after_s: float | None = None
    tokens: Tokens = NO_TOKENS
    limit: int | None = None


class BadAnswer(Exception):
    """The provider answered with success, but not with an answer: empty, cut, or not what the format says.

    Attributes:
        tokens: what the attempt consumed all the same.
        empty: the answer was well formed and held nothing at all.
    """

    def __init__(self, told: str, tokens: Tokens = NO_TOKENS, *, empty: bool = False) -> None:
        super().__init__(told)
        self.tokens = tokens
        self.empty = empty


def classify(status: int | None, message: str, *, code: str = "", headers: Any = None) -> Fault:
    """What an error response (or, with no status, a broken connection) means.

    Args:
        code: the provider's own name of the error, where it gives one.
        headers: the response's, for `retry-after`.
    """
    told = message if status is None else f"HTTP {status}: {message}"
    after = retry_after(headers)
    if status is None:
        return Fault("retry", told)
    if status in (400, 413, 422, 403):
        if status == 413 or _OVERFLOW.search(code) or _OVERFLOW.search(message):
            return Fault("overflow", told, status, limit=_limit_in(message))
        if _FILTERED.search(code) or _FILTERED.search(message):
            return Fault("filter", told, status)
    if code == "insufficient_quota":
        return Fault("fatal", f"{told} (the account has no credit left)", status)
    if status in (429, 529):
        return Fault("slow_down", told, status, after)
    if status in RETRIED or status >= 500:
        return Fault("retry", told, status, after)
    return Fault("fatal", told, status)


def retry_after(headers: Any) -> float | None:
    """Seconds that a response asks to wait (`retry-after-ms`, or `retry-after` as seconds or as a date)."""
    if headers is None:
        return None
    try:
        if headers.get("retry-after-ms"):
            seconds = float(headers["retry-after-ms"]) / 1000
        elif (text := headers.get("retry-after")) is None:
            return None
        elif re.fullmatch(r"\s*\d+(\.\d+)?\s*", str(text)):
            seconds = float(text)
        else:
            seconds = parsedate_to_datetime(str(text)).timestamp() - time()
    except (ValueError, TypeError):
        return None
    return min(max(float(seconds), 0.0), LONGEST_RETRY_AFTER_S)


def pause(retry: int, after_s: float | None = None) -> float:
    """Seconds before attempt number `retry` (from 1): exponential with jitter, never less than `after_s`."""
    ceiling = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** (retry - 1))
    drawn: float = ceiling * random.uniform(0.5, 1.0)
    return drawn if after_s is None else max(after_s * random.uniform(1.0, 1.1), min(drawn, 0.05))


def _limit_in(message: str) -> int | None:
    found = _LIMIT_IN_TEXT.search(message)
    return int(found[1]) if found else None
