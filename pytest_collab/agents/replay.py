"""`--collab-replay` and `replay/DIR`: answers from a recording, exact or not at all."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from difflib import SequenceMatcher, unified_diff
from pathlib import Path
from typing import Any, Final

from pytest_collab.agents.record import RecordingAgent, job
from pytest_collab.agents.recorded_work import do_again, tell_again
from pytest_collab.agents.recording import Exchange, Recording, asked, opening_hash, request_hash
from pytest_collab.episode.agent import Agent, Desk, Reply, Request, Seat
from pytest_collab.episode.text import counted, plural
from pytest_collab.errors import UsageError

DIFF_LINES: Final = 40


class ReplayAgent(Agent):
    """Answers from a recording; needs no key and no network.

    A request is looked up among the exchanges of its own episode and seat. Where the recording does not hold that
    episode (it was renamed, or the agent is `replay/DIR` in another team), equal requests of any episode will do: the
    recorded answers to a request are then dealt out by epoch, the same way in every process.

    Args:
        settings: the settings that can change an answer; None takes any that were recorded (`replay/DIR`).
        missing: asked, and recorded, when the recording holds no answer; None refuses.
    """

    def __init__(
        self,
        name: str,
        recording: Recording,
        settings: Mapping[str, Any] | None,
        *,
        model: str = "",
        context_tokens: int | None = None,
        missing: RecordingAgent | None = None,
    ) -> None:
        self.name = name
        self.model = model
        self.context_tokens = context_tokens
        self.autonomous = missing is not None and missing.autonomous
        self.recording = recording
        self.settings = settings
        self.missing = missing

    def seated(self, seat: Seat) -> Agent:
        return _ReplaySeat(self, seat)

    async def reply(self, request: Request) -> Reply:
        raise UsageError(f"agent {self.name!r} was asked before it was seated")

    async def aclose(self) -> None:
        if self.missing is not None:
            await self.missing.aclose()

    def describe(self) -> dict[str, Any]:
        about = self.missing.describe() if self.missing is not None else {"name": self.name, "model": self.model}
        return about | {"replayed_from": str(self.recording.folder)}

    def anywhere(self) -> list[Exchange]:
        """All exchanges that this agent may answer from."""
        agents = self.recording.agents()
        if self.settings is None:
            return [exchange for exchanges in agents.values() for exchange in exchanges]
        return agents.get(self.name, [])


class _ReplaySeat(Agent):
    def __init__(self, replayer: ReplayAgent, seat: Seat) -> None:
        self._replayer = replayer
        self._seat = seat
        self.name = replayer.name
        self.model = replayer.model
        self.context_tokens = replayer.context_tokens
        self._own = replayer.recording.of(replayer.name, seat.episode, seat.name)
        self.autonomous = replayer.autonomous or (seat.own_pace and self._worked_alone())
        self._asked: Counter[str] = Counter()
        self._live: Agent | None = None

    async def reply(self, request: Request) -> Reply:
        position = self._asked.total()
        key = request_hash(request, self._replayer.settings or {})
        ordinal = self._asked[key]
        self._asked[key] += 1
        found = self._in_order(request, position) if self._seat.own_pace else self._find(request, ordinal)
        if found is not None:
            outcome = found.outcome
            missing = self._replayer.missing
            tell_again(found.beside, self._seat)
            if missing is not None and missing.folder != self._replayer.recording.folder:
                missing.keep(self._seat, request, ordinal, outcome, beside=found.beside)
            if isinstance(outcome, Reply):
                return replace(outcome, replayed=True)
            raise outcome
        if self._replayer.missing is None:
            raise UsageError(refusal(self._replayer, self._seat, request, self._own, position))
        if self._live is None:
            self._live = self._replayer.missing.seated(self._seat)
        return await self._live.reply(request)

    def _worked_alone(self) -> bool:
        """Did the recorded agent do a whole job by itself, rather than answer?"""
        kept = self._replayer.anywhere() if self._own is None else self._own
        return any(exchange.work is not None for exchange in kept if exchange.head.seat == self._seat.name)

    def _begun_alike(self, request: Request) -> list[Exchange] | None:
        """The exchanges of another episode whose seat started from the same; dealt out by epoch."""
        episodes: dict[int, list[Exchange]] = {}
        for exchange in self._replayer.anywhere():
            episodes.setdefault(id(exchange.head), []).append(exchange)
        alike = [one for one in episodes.values() if one[0].opening == self._opening(request, one[0])]
        preferred = [one for one in alike if one[0].head.seat == self._seat.name] or alike
        return preferred[self._seat.epoch % len(preferred)] if preferred else None

    def _opening(self, request: Request, exchange: Exchange) -> str:
        settings = self._replayer.settings
        return opening_hash(request, exchange.head.settings if settings is None else settings)

    def _in_order(self, request: Request, position: int) -> Exchange | None:
        """The next answer of a seat that works at its own pace, if it started from the same."""
        if self._own is None and position == 0:
            self._own = self._begun_alike(request)
        if self._own is None or position >= len(self._own):
            return None
        found = self._own[position]
        return found if found.opening == self._opening(request, found) else None

    def _find(self, request: Request, ordinal: int) -> Exchange | None:
        exchanges = self._own
        if exchanges is not None:
            same = _matching(exchanges, request, self._replayer.settings)
            return same[ordinal] if ordinal < len(same) else None
        same = _matching(self._replayer.anywhere(), request, self._replayer.settings)
        preferred = [exchange for exchange in same if exchange.head.seat == self._seat.name] or same
        return preferred[(self._seat.epoch + ordinal) % len(preferred)] if preferred else None

    async def work(self, desk: Desk) -> Reply:
        request = job(desk)
        found = self._in_order(request, 0)
        if found is not None and found.work is not None:
            await do_again(found.work, desk)
            missing = self._replayer.missing
            if missing is not None and missing.folder != self._replayer.recording.folder:
                missing.keep(self._seat, request, 0, found.outcome, found.work)
            if isinstance(found.outcome, Reply):
                return replace(found.outcome, replayed=True)
            raise found.outcome
        if self._replayer.missing is None:
            raise UsageError(refusal(self._replayer, self._seat, request, self._own, 0))
        if self._live is None:
            self._live = self._replayer.missing.seated(self._seat)
        return await self._live.work(desk)

    async def leave(self) -> None:
        if self._live is not None:
            await self._live.leave()


def _matching(exchanges: Iterable[Exchange], request: Request, settings: Mapping[str, Any] | None) -> list[Exchange]:
    """Exchanges with the same request; under their own settings when none are given."""
    if settings is not None:
        key = request_hash(request, settings)
        return [exchange for exchange in exchanges if exchange.request == key]
    keys: dict[str, str] = {}
    found = []
    for exchange in exchanges:
        recorded = json.dumps(exchange.head.settings, sort_keys=True)
        if recorded not in keys:
            keys[recorded] = request_hash(request, exchange.head.settings)
        if exchange.request == keys[recorded]:
            found.append(exchange)
    return found


def refusal(replayer: ReplayAgent, seat: Seat, request: Request, own: list[Exchange] | None, position: int) -> str:
    """Why a request cannot be answered from the recording, with the difference to the nearest one."""
    folder = replayer.recording.folder
    where = f"episode {seat.episode}, seat {seat.name!r}, turn {request.turn}"
    head = f"agent {replayer.name!r}: the recording {folder} holds no answer to this request ({where})."
    remedy = (
        "The task, its prompts or the agent's settings have changed since it was recorded. "
        f"Record again with --collab-record={folder}, or add --collab-record to ask for what is missing only."
    )
    candidates = own if own is not None else replayer.anywhere()
    if not candidates:
        return f"{head} It holds nothing of this agent. {remedy}"
    if own is not None and position >= len(own):
        return f"{head} It ends before: it holds {len(own)} exchanges of this seat. {remedy}"
    nearest = own[position] if own is not None else _nearest(candidates, request)
    changes = _setting_changes(nearest.head.settings, replayer.settings)
    if changes:
        return f"{head} It was made with other settings: {changes}. {remedy}"
    diff = list(
        unified_diff(
            f"{nearest.head.system}\n\n{nearest.asked}".split("\n"),
            f"{request.system}\n\n{asked(request)}".split("\n"),
            f"recorded ({nearest.head.episode}, turn {nearest.turn})",
            "asked now",
            lineterm="",
            n=1,
        )
    )
    if not diff:
        diff = [
            "the newest message is the same; the conversation before it or the tools differ "
            f"({counted(nearest.turns, 'turn')} {plural(nearest.turns, 'was', 'were')} recorded, "
            f"{len(request.conversation)} are asked now)"
        ]
    if len(diff) > DIFF_LINES:
        diff = [*diff[:DIFF_LINES], f"... {len(diff) - DIFF_LINES} more lines"]
    return "\n".join([head, *(f"  {line}" for line in diff), remedy])


def _nearest(exchanges: list[Exchange], request: Request) -> Exchange:
    text = asked(request)[:2000]

    def likeness(exchange: Exchange) -> tuple[bool, float]:
        matcher = SequenceMatcher(None, exchange.asked[:2000], text, autojunk=False)
        return exchange.turn == request.turn, matcher.quick_ratio()

    return max(exchanges[:500], key=likeness)


def _setting_changes(recorded: Mapping[str, Any], now: Mapping[str, Any] | None) -> str:
    if now is None:
        return ""
    keys = sorted({*recorded, *now})
    return ", ".join(
        f"{key} was {recorded.get(key)!r}, is {now.get(key)!r}" for key in keys if recorded.get(key) != now.get(key)
    )


def replay_folder(name: str) -> Recording:
    """The recording that `replay/DIR` names.

    Raises:
        UsageError: there is none.
    """
    folder = Path(name.removeprefix("replay/"))
    return open_recording(folder, f"agent {name!r}")


def open_recording(folder: Path, whose: str) -> Recording:
    """A recording that exists.

    Raises:
        UsageError: it does not.
    """
    if not folder.is_dir() or next(folder.rglob("*.yaml"), None) is None:
        raise UsageError(
            f"{whose}: there is no recording in {folder} (looked in {folder.resolve()}). "
            "Make one with --collab-record=DIR."
        )
    return Recording(folder)
