"""What became of a call: which faults are tried again, which are the agent's own, which end the episode."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from time import time
from typing import Any, Final

from pytest_collab.agents.error_body import read_error
from pytest_collab.agents.fault_rules import RULES, TOO_LARGE_AT_ONCE, Kind
from pytest_collab.agents.prices import Tokens
from pytest_collab.agents.room import Room, room_in

FIRST_PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 30.0
LONGEST_RETRY_AFTER_S: Final = 7 * 24 * 3600.0

_AMOUNT: Final = re.compile(
    r"(\d+(?:\.\d+)?) ?(ms|milliseconds?|d|days?|h|hrs?|hours?|m|mins?|minutes?|s|secs?|seconds?)(?![a-z])",
    re.IGNORECASE,
)
_DELAY_IN_TEXT: Final = re.compile(
    r"(?:retry|try again)(?: after| in)?:? "
    rf"(?:(?P<amounts>(?:{_AMOUNT.pattern},? ?(?:and )?)+)|(?P<bare>\d+(?:\.\d+)?))",
    re.IGNORECASE,
)
_UNITS: Final = (("ms", 0.001), ("mil", 0.001), ("d", 86_400.0), ("h", 3600.0), ("m", 60.0), ("s", 1.0))
"""What units of time begin with, in seconds; the first that fits counts."""

NO_TOKENS: Final = Tokens()
NOTHING_SAID: Final = Room()


@dataclass(frozen=True, slots=True)
class Fault:
    """One attempt that brought no answer.

    Attributes:
        kind: what it leads to (`fault_rules.KINDS`).
        told: for people; no secrets.
        retry_after_s: what the provider asked for.
        tokens: what the attempt consumed all the same, as far as it is known.
        unknown: it may have consumed more than that: the provider began to answer.
        room: what the provider said of the model's window and its longest answer.
        lasting: no later call of this agent will fare better.
        remedy: what the user can do.
    """

    kind: Kind
    told: str
    status: int | None = None
    retry_after_s: float | None = None
    tokens: Tokens = NO_TOKENS
    unknown: bool = False
    room: Room = NOTHING_SAID
    lasting: bool = False
    remedy: str = ""


class BadAnswer(Exception):
    """The provider answered with success, but not with an answer: an error, cut, or not what the format says.

    Attributes:
        tokens: what the attempt consumed all the same, as far as it is known.
        fault: what it means.
    """

    def __init__(
        self, told: str, tokens: Tokens | None = None, *, fault: Fault | None = None, cut: bool = False
    ) -> None:
        super().__init__(told)
        self.tokens = tokens or NO_TOKENS
        self.fault = fault or Fault("retry", told, unknown=cut)


def classify(status: int | None, message: str, *, code: str = "", headers: Any = None) -> Fault:
    """What an error (or, with no status, a broken connection) means; see `fault_rules.RULES`.

    Args:
        code: the provider's own names of the error, where it gives any.
        headers: the response's, for `retry-after`.
    """
    told = message if status is None else f"HTTP {status}: {message}"
    after = retry_after(headers)
    text = f"{code}\n{message}" + (f"\nretry in {after:g} s" if after else "")
    if status in (429, 413, 400) and _larger_than_allowed(message):
        text += "\nrequest too large"
    rule = next(rule for rule in RULES if rule.fits(status, text))
    room = room_in(message) if rule.kind in ("overflow", "shorten") else NOTHING_SAID
    kind = rule.kind
    if kind == "shorten" and room.left == 0:
        kind = "overflow"
    elif kind == "overflow" and room.about_the_answer and room.left:
        kind = "shorten"
    if after is None and kind in ("slow_down", "retry"):
        after = delay_in(message)
    return Fault(kind, told, status, after, room=room, lasting=rule.lasting, remedy=rule.remedy)


def classify_body(body: Any, status: int | None, fallback: str, *, code: str = "", headers: Any = None) -> Fault:
    """What an error's body means, whatever its shape. A status inside it counts where the response has no error's."""
    found = read_error(body, fallback)
    if status is None or status < 400:
        status = found.status or 500
    return classify(status, found.message, code=f"{code} {found.code}", headers=headers)


def _larger_than_allowed(message: str) -> bool:
    found = TOO_LARGE_AT_ONCE.search(message)
    if found is None or found[1] is None:
        return False
    return int(found[2].replace(",", "")) > int(found[1].replace(",", ""))


def delay_in(message: str) -> float | None:
    """Seconds that an error's text asks to wait (`try again in 6m0s`, `in 5 minutes`); None where it names none."""
    found = _DELAY_IN_TEXT.search(message)
    if found is None:
        return None
    if found["bare"]:
        return float(found["bare"])
    seconds = 0.0
    for amount, unit in _AMOUNT.findall(found["amounts"]):
        seconds += float(amount) * next(worth for begins, worth in _UNITS if unit.lower().startswith(begins))
    return seconds


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
