"""What coding CLIs print about themselves: their last words, tokens, cost, and whether they call it a failure.

Each format is known by its shape, so nothing has to be set: Claude Code (`--output-format json` or `stream-json`),
Codex (`exec --json`), Gemini CLI (`--output-format json`), opencode (`run --format json`), mini-swe-agent's
trajectory (`--output FILE`), and the plain objects of this package's own protocol.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final

from pytest_collab.episode.agent import Usage

_PASSING: Final = re.compile(
    r"\b(?:408|425|429|5\d\d)\b|overloaded|rate.?limit|too many requests|temporarily|try again|unavailable|"
    r"ECONNRE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|timed? ?out|connection (?:error|refused|reset)|network error|"
    r"fetch failed|stream disconnected",
    re.IGNORECASE,
)
"""Words of a failure that is the provider's or the network's, and may well be over at the next try."""


@dataclass(frozen=True, slots=True)
class Printed:
    """What a program's output says.

    Attributes:
        text: its last words to people; empty where only figures were found.
        usage: None where it says nothing of what it consumed.
        error: what the program itself calls a failure.
        again: it says that the failure was not its own and that another try may do.
    """

    text: str = ""
    usage: Usage | None = None
    error: str = ""
    again: bool = False


def read(output: str) -> Printed | None:
    """Read a program's standard output, or a file that it wrote; None where no known format is found in it."""
    objects = list(_objects(output))
    for reader in _READERS:
        found = reader(objects)
        if found is not None:
            return replace(found, again=found.again or passing(found.error))
    return None


def passing(error: str) -> bool:
    """Whether what is said of a failure sounds like one that may be over at the next try."""
    return bool(error) and _PASSING.search(error) is not None


def usage(raw: Mapping[str, Any]) -> Usage:
    """`{"input_tokens": ..., "output_tokens": ..., "cached_tokens": ..., "cost_usd": ..., "calls": ...}`.

    A cost that is left out is not known.
    """
    return _usage(
        _number(raw.get("input_tokens")),
        _number(raw.get("output_tokens")),
        _number(raw.get("cached_tokens")),
        raw.get("cost_usd"),
        _number(raw.get("calls")),
    )


def refusal(raw: Mapping[str, Any]) -> Printed | None:
    """`{"error": "...", "retry": true}`, by which a program says that it could not work; None for anything else."""
    said = raw.get("error")
    if not isinstance(said, str) or not isinstance(raw.get("retry"), bool):
        return None
    return Printed(error=said or "no reason given", again=raw["retry"])


def _objects(output: str) -> Iterator[dict[str, Any]]:
    """The JSON objects of an output: all of it, the members of an array, one a line, or one amid other lines."""
    try:
        whole = json.loads(output)
    except ValueError:
        whole = [_line(line) for line in output.splitlines() if line.lstrip().startswith("{")]
        if not any(whole):  # one object over many lines, with a warning above or below
            decoder = json.JSONDecoder()
            for start in re.finditer(r"^\{", output, re.MULTILINE):
                with suppress(ValueError):
                    whole.append(decoder.raw_decode(output, start.start())[0])
    yield from (one for one in (whole if isinstance(whole, list) else [whole]) if isinstance(one, dict))


def _line(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _claude(objects: Sequence[Mapping[str, Any]]) -> Printed | None:
    for one in reversed(objects):
        if one.get("type") == "result" and "total_cost_usd" in one:
            used = _mapping(one.get("usage"))
            cached = _number(used.get("cache_read_input_tokens"))
            fresh = _number(used.get("input_tokens")) + _number(used.get("cache_creation_input_tokens"))
            output, calls = _number(used.get("output_tokens")), _number(one.get("num_turns"))
            text = str(one.get("result") or "")
            failed = bool(one.get("is_error")) or str(one.get("subtype", "success")) != "success"
            error = (text or str(one.get("subtype"))) if failed else ""
            return Printed(text, _usage(fresh + cached, output, cached, one["total_cost_usd"], calls), error)
    return None


def _codex(objects: Sequence[Mapping[str, Any]]) -> Printed | None:
    kinds = {str(one.get("type")) for one in objects}
    if not kinds & {"thread.started", "turn.started", "turn.completed", "turn.failed"}:
        return None
    text, error, total = "", "", None
    for one in objects:
        item = _mapping(one.get("item"))
        if one.get("type") == "item.completed" and item.get("type") in ("agent_message", "assistant_message"):
            text = str(item.get("text") or "")
        elif one.get("type") == "turn.completed":
            used = _mapping(one.get("usage"))
            cached = _number(used.get("cached_input_tokens"))
            now = _usage(_number(used.get("input_tokens")), _number(used.get("output_tokens")), cached, None)
            total, error = now if total is None else total + now, ""
        elif one.get("type") in ("turn.failed", "error"):
            error = str(_mapping(one.get("error")).get("message") or one.get("message") or "the turn failed")
    return Printed(text, total, error)


def _gemini(objects: Sequence[Mapping[str, Any]]) -> Printed | None:
    for one in reversed(objects):
        models = _mapping(one.get("stats")).get("models")
        trouble = _mapping(one.get("error"))
        if not isinstance(models, Mapping) and not ("session_id" in one and trouble):
            continue
        total = None
        for model in _mapping(models).values():
            tokens, calls = _mapping(_mapping(model).get("tokens")), _mapping(_mapping(model).get("api"))
            output = _number(tokens.get("candidates")) + _number(tokens.get("thoughts"))
            cached = _number(tokens.get("cached"))
            now = _usage(_number(tokens.get("prompt")), output, cached, None, _number(calls.get("totalRequests")))
            total = now if total is None else total + now
        error = str(trouble.get("message") or trouble.get("type") or "") if trouble else ""
        return Printed(str(one.get("response") or ""), total, error)
    return None


def _opencode(objects: Sequence[Mapping[str, Any]]) -> Printed | None:
    if not any("sessionID" in one and "type" in one for one in objects):
        return None
    text, error, again, total = "", "", False, None
    for one in objects:
        part = _mapping(one.get("part"))
        if one.get("type") == "text":
            text = str(part.get("text") or "")
        elif one.get("type") == "step_finish":
            tokens, cache = _mapping(part.get("tokens")), _mapping(_mapping(part.get("tokens")).get("cache"))
            cached = _number(cache.get("read"))
            fresh = _number(tokens.get("input")) + _number(cache.get("write"))
            output = _number(tokens.get("output")) + _number(tokens.get("reasoning"))
            cost = part.get("cost") or (
                None if output else 0.0
            )  # it books 0 for a model whose price it does not know
            now = _usage(fresh + cached, output, cached, cost)
            total, error = now if total is None else total + now, ""
        elif one.get("type") == "error":
            trouble = _mapping(one.get("error"))
            data = _mapping(trouble.get("data"))
            error = str(data.get("message") or trouble.get("name") or "it failed")
            again = data.get("isRetryable") is True
    return Printed(text, total, error, again and bool(error))


def _mini(objects: Sequence[Mapping[str, Any]]) -> Printed | None:
    for one in reversed(objects):
        info = _mapping(one.get("info"))
        stats = info.get("model_stats")
        if isinstance(stats, Mapping):
            used = _chat_tokens(one.get("messages"))
            cost, calls = stats.get("instance_cost"), _number(stats.get("api_calls"))
            if not cost and used[1]:
                cost = None  # litellm books 0 for a model whose price it does not know
            ended = str(info.get("exit_status") or "")
            error = ended if ended and ended not in ("Submitted", "LimitsExceeded") else ""
            return Printed(str(info.get("submission") or ""), _usage(*used, cost, calls), error)
    return None


def _chat_tokens(messages: Any) -> tuple[int, int, int]:
    """Input, output and cached tokens of the answers in a trajectory of chat completions."""
    totals = [0, 0, 0]
    for message in messages if isinstance(messages, list) else []:
        response = _mapping(_mapping(_mapping(message).get("extra")).get("response"))
        used = _mapping(response.get("usage"))
        totals[0] += _number(used.get("prompt_tokens"))
        totals[1] += _number(used.get("completion_tokens"))
        totals[2] += _number(_mapping(used.get("prompt_tokens_details")).get("cached_tokens"))
    return totals[0], totals[1], totals[2]


def _own(objects: Sequence[Mapping[str, Any]]) -> Printed | None:
    for one in reversed(objects):
        refused = refusal(one)
        if refused is not None:
            return refused
    last = objects[-1] if objects else {}
    return Printed(usage=usage(last)) if {"input_tokens", "output_tokens", "cost_usd"} & set(last) else None


_READERS: Final[tuple[Callable[[Sequence[Mapping[str, Any]]], Printed | None], ...]] = (
    _claude,
    _codex,
    _opencode,
    _gemini,
    _mini,
    _own,
)


def _usage(input_tokens: int, output_tokens: int, cached: int, cost: Any, calls: int = 1) -> Usage:
    known = isinstance(cost, (int, float)) and not isinstance(cost, bool) and 0 <= cost < float("inf")
    return Usage(
        calls=max(calls, 1),
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        cached_tokens=min(cached, input_tokens),
        cost_usd=float(cost) if known else None,
    )


def _number(value: Any) -> int:
    return int(value) if isinstance(value, (int, float)) and 0 <= value < 1e15 else 0


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
