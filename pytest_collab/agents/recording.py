"""Recordings: every exchange with an agent, in files that people can read and diff.

One file an agent, episode and seat: `DIR/<agent>/<episode>.<seat>.yaml`. It is a stream of JSON documents set apart
by `---` (which is YAML too): first a head with what stays the same, then one document an exchange. Text stands as a
list of lines. Files only grow while they are written: a crash leaves every finished exchange.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from pytest_collab.agents.recorded_work import Work, as_json, from_json
from pytest_collab.agents.secrets import redact, redacted
from pytest_collab.episode.agent import Reply, Request, ToolCall, Turn, Usage
from pytest_collab.episode.text import valid
from pytest_collab.errors import AgentFault, ContextFull, LimitReached, RunError, UsageError

VERSION: Final = 1
_SEPARATOR: Final = "\n---\n"
_BEYOND_ASCII: Final = re.compile(r"[^\n -~]")


@dataclass(frozen=True, slots=True)
class Head:
    """What stays the same over a file.

    Attributes:
        settings: the settings that can change an answer.
    """

    agent: str
    model: str
    episode: str
    seat: str
    system: str
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and what came of it.

    Attributes:
        request: hash of the request, settings included.
        ordinal: how often the same request had been made before, in this episode and seat.
        asked: the newest user turn, for people and for diffs.
        outcome: a `Reply`, or the exception that the agent raised as its own doing.
        opening: hash of what a seat at its own pace starts from; empty in recordings that do not have it.
        work: what an autonomous agent did in its tree, in place of answers.
        beside: what was told beside the answer (`recorded_work.Beside`).
    """

    head: Head
    request: str
    ordinal: int
    turn: int
    turns: int
    asked: str
    outcome: Reply | Exception
    opening: str = ""
    work: Work | None = None
    beside: tuple[Sequence[Any], ...] = ()


def opening_hash(request: Request, settings: Mapping[str, Any]) -> str:
    """The key of a seat that works at its own pace: what it was told at first, its tools and settings.

    What comes later (results of commands with their times, news of who is where) depends on the clock, so that its
    answers are known by their order.
    """
    return request_hash(replace(request, conversation=request.conversation[:1]), settings)


def request_hash(request: Request, settings: Mapping[str, Any]) -> str:
    """The key of a request: system, conversation, tools and settings; not seat, turn number or provider blocks."""
    content = {
        "system": request.system,
        "conversation": [_turn(turn) for turn in request.conversation],
        "tools": [[tool.name, tool.description, tool.parameters] for tool in request.tools],
        "settings": settings,
    }
    raw = json.dumps(content, sort_keys=True, ensure_ascii=True, default=str)
    return sha256(raw.encode("ascii")).hexdigest()[:20]


def asked(request: Request) -> str:
    """The newest user turn as text, tool results first."""
    if not request.conversation:
        return ""
    turn = request.conversation[-1]
    results = [f"[{result.id}{' error' if result.is_error else ''}] {result.text}" for result in turn.tool_results]
    return "\n".join([*results, turn.text] if turn.text or not results else results)


class Recording:
    """A directory of recorded exchanges.

    Files are read when they are needed: a worker that plays ten of a thousand episodes reads ten files.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._all: dict[str, list[Exchange]] | None = None

    def of(self, agent: str, episode: str, seat: str) -> list[Exchange] | None:
        """The exchanges of one seat in one episode, in order; None when there is no such file."""
        path = self.path(agent, episode, seat)
        return list(read(path)) if path.is_file() else None

    def agents(self) -> dict[str, list[Exchange]]:
        """All exchanges, by agent; in the order of episodes, seats and turns."""
        if self._all is None:
            found: dict[str, list[Exchange]] = {}
            for path in sorted(self.folder.rglob("*.yaml")):
                for exchange in read(path):
                    found.setdefault(exchange.head.agent, []).append(exchange)
            self._all = found
        return self._all

    def holds(self, agent: str) -> bool:
        """Are there exchanges of this agent?"""
        return self.path(agent, "x", "x").parent.is_dir()

    def path(self, agent: str, episode: str, seat: str) -> Path:
        """Where the exchanges of one seat in one episode are kept."""
        readable = re.sub(r"[^A-Za-z0-9_.+-]+", "_", agent).strip("._") or "agent"
        if readable != agent:  # two names must not share a folder
            readable = f"{readable}-{sha256(agent.encode()).hexdigest()[:6]}"
        return self.folder / readable / f"{episode}.{re.sub(r'[^A-Za-z0-9_-]', '_', seat)}.yaml"


def read(path: Path) -> Iterator[Exchange]:
    """The exchanges of a file. A last document that a crash cut short is left out.

    Raises:
        UsageError: the file cannot be read, or is not a recording.
    """
    try:
        parts = path.read_text(encoding="utf-8").split(_SEPARATOR)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the recording {path} cannot be read: {error}") from None
    head = None
    for number, part in enumerate(parts):
        if not part.strip():
            continue
        try:
            raw = json.loads(part)
            if head is None:
                if raw["recording"] > VERSION:
                    raise UsageError(f"{path} was written by a newer version; upgrade pytest-collab")
                head = Head(
                    raw["agent"], raw["model"], raw["episode"], raw["seat"], _joined(raw["system"]), raw["settings"]
                )
                continue
            yield Exchange(
                head,
                raw["request"],
                raw["ordinal"],
                raw["turn"],
                raw["turns"],
                _joined(raw["asked"]),
                _outcome(raw),
                raw.get("opening", ""),
                from_json(raw["work"]) if "work" in raw else None,
                tuple(raw.get("beside", ())),
            )
        except (ValueError, KeyError, TypeError) as error:
            if number and number == len(parts) - 1:
                return
            raise UsageError(
                f"{path}, document {number + 1}: not a recorded exchange ({type(error).__name__}: {error}). "
                "Record it again with --collab-record."
            ) from None


def write(path: Path, exchange: Exchange, *, fresh: bool) -> None:
    """Append an exchange; `fresh` starts the file anew.

    Raises:
        RunError: the file cannot be written.
    """
    head = exchange.head
    documents = []
    if fresh or not path.exists():
        top = asdict(head) | {"system": _lines(head.system), "settings": dict(head.settings)}
        documents.append({"recording": VERSION, **top})
    body: dict[str, Any] = {
        "request": exchange.request,
        "ordinal": exchange.ordinal,
        "turn": exchange.turn,
        "turns": exchange.turns,
        "asked": _lines(exchange.asked),
    }
    if exchange.opening:
        body["opening"] = exchange.opening
    if exchange.work is not None:
        body["work"] = as_json(exchange.work)
    if exchange.beside:
        body["beside"] = [list(one) for one in exchange.beside]
    documents.append(body | _told(exchange.outcome))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w" if fresh else "a", encoding="utf-8") as out:
            out.write("".join(_dump(document) + _SEPARATOR for document in documents))
    except OSError as error:
        raise RunError(f"the recording {path} cannot be written: {error.strerror or error}") from error


def settled(outcome: Reply | Exception) -> Reply | Exception:
    """The outcome as it will be read again: what a recorder hands on is exactly what a replay will give."""
    return _outcome(json.loads(_dump(_told(outcome))))


def _dump(document: Any) -> str:
    text = json.dumps(redacted(document), indent=1, ensure_ascii=False)
    return _BEYOND_ASCII.sub(lambda match: match[0] if match[0].isprintable() else _escaped(match[0]), redact(text))


def _escaped(character: str) -> str:
    return json.dumps(character)[1:-1]


def _lines(text: str) -> list[str]:
    return text.split("\n")


def _joined(lines: Sequence[str]) -> str:
    return "\n".join(lines)


def _turn(turn: Turn) -> list[Any]:
    return [
        turn.role,
        turn.text,
        [[call.id, call.name, dict(call.arguments)] for call in turn.tool_calls],
        [[result.id, result.text, result.is_error] for result in turn.tool_results],
    ]


def _told(outcome: Reply | Exception) -> dict[str, Any]:
    if isinstance(outcome, ContextFull):
        return {"context_full": {"window": outcome.window, "seat": outcome.seat}}
    if isinstance(outcome, LimitReached):
        return {"limit": {"code": outcome.code, "limit": outcome.limit, "seat": outcome.seat}}
    if isinstance(outcome, Exception):
        return {"fault": str(outcome), "kind": type(outcome).__name__}
    raw: dict[str, Any] = {"text": _lines(valid(outcome.text)), "stop": outcome.stop}
    if outcome.tool_calls:
        raw["tool_calls"] = [{"id": c.id, "name": c.name, "arguments": dict(c.arguments)} for c in outcome.tool_calls]
    if outcome.reasoning:
        raw["reasoning"] = _lines(valid(outcome.reasoning))
    if outcome.opaque is not None:
        raw["opaque"] = outcome.opaque
    return {"reply": raw | {"model": outcome.model, "usage": asdict(outcome.usage)}}


def _outcome(raw: Mapping[str, Any]) -> Reply | Exception:
    if "context_full" in raw:
        return ContextFull(raw["context_full"]["window"], raw["context_full"]["seat"])
    if "limit" in raw:
        return LimitReached(raw["limit"]["code"], raw["limit"]["limit"], raw["limit"]["seat"])
    if "fault" in raw:
        kind = raw.get("kind", AgentFault.__name__)  # told of by its name, and else nothing but a fault
        return (
            AgentFault(raw["fault"]) if kind == AgentFault.__name__ else type(kind, (AgentFault,), {})(raw["fault"])
        )
    reply = raw["reply"]
    return Reply(
        text=_joined(reply["text"]),
        tool_calls=tuple(ToolCall(c["id"], c["name"], c["arguments"]) for c in reply.get("tool_calls", ())),
        stop=reply["stop"],
        usage=Usage(**reply["usage"]),
        model=reply["model"],
        opaque=reply.get("opaque"),
        reasoning=_joined(reply.get("reasoning", [])),
    )
