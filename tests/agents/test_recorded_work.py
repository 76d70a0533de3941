"""Recordings of work at one's own pace: answers in their order, and whole jobs of programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import anyio
import pytest

from pytest_collab.agents.record import RecordingAgent
from pytest_collab.agents.recorded_work import Log, Work, as_json, do_again, from_json
from pytest_collab.agents.recording import Recording
from pytest_collab.agents.replay import ReplayAgent
from pytest_collab.episode.agent import Agent, Desk, Reply, Request, Seat, ToolCall, ToolResult
from pytest_collab.episode.channel import Channel
from pytest_collab.episode.condition import Condition
from pytest_collab.episode.family import Family, Params
from pytest_collab.episode.game import Ask, Game, Move, Note, Prompt
from pytest_collab.episode.outcome import Outcome, Verdict
from pytest_collab.episode.transcript import Transcript
from pytest_collab.errors import RunError, UsageError
from pytest_collab.testing import Played, play_episode


class Clocked(Params):
    family: ClassVar[str] = "clocked"


class ClockedGame(Game):
    """What a tool says is never the same twice, as with commands that print times."""

    pace = "own"
    ticks = 0

    def __init__(self, folder: Path, brief: str) -> None:
        self.seats = ("a", "b")
        self.folder, self.told = folder, brief
        self.done: set[str] = set()

    def brief(self, seat: str) -> str:
        return self.told

    def ask(self) -> Ask | None:
        return None

    def finished(self, seat: str) -> bool:
        return seat in self.done

    def prompt(self, seat: str, inbox: Sequence[Any]) -> Prompt:
        return Prompt("go on " + " ".join(message.text for message in inbox))

    def parse(self, seat: str, reply: Reply) -> Move:
        return Move()

    def apply(self, moves: Mapping[str, Move]) -> Sequence[Note]:
        return []

    def connect(self, channel: Channel) -> None:
        self.channel = channel

    async def call(self, seat: str, call: ToolCall) -> ToolResult:
        type(self).ticks += 1
        if call.name == "finish":
            self.done.add(seat)
        return ToolResult(call.id, f"passed in 0.{type(self).ticks}s")

    async def desk(self, seat: Seat) -> Desk:
        tree = self.folder / seat.name
        tree.mkdir(parents=True, exist_ok=True)
        (tree / "old.txt").write_text("old")
        (tree / "gone.txt").write_text("gone")

        async def send(to: str | None, text: str) -> str:
            return str(self.channel.send(seat.name, text, None if to is None else (to,)))

        async def nothing(*_: Any) -> Any:
            return ()

        return Desk(seat, f"work in {tree}", tree, nothing, send, nothing)


class ClockedFamily(Family[Clocked]):
    name = "clocked"
    params_type = Clocked
    cast: ClassVar[Mapping[str, str]] = {}

    def __init__(self, folder: Path, brief: str = "do it") -> None:
        self.folder, self.brief = folder, brief

    def seats(self, params: Clocked) -> tuple[str, ...]:
        return ("a", "b")

    def deal(self, params: Clocked, seed: int, condition: Condition) -> Game:
        return ClockedGame(self.folder, self.brief)

    def verdict(self, params: Clocked, seed: int, condition: Condition, transcript: Transcript) -> Verdict:
        return Verdict(Outcome.SUCCESS, 1.0)


class Steps(Agent):
    name = "steps"

    async def reply(self, request: Request) -> Reply:
        made = len(request.conversation) // 2
        return Reply(f"step {made}", (ToolCall(f"t{made}", "finish" if made == 3 else "run", {}),), "tool")


class Program(Agent):
    name, autonomous = "program", True

    async def reply(self, request: Request) -> Reply:
        raise AssertionError("it works alone")

    async def work(self, desk: Desk) -> Reply:
        await desk.send(None, "I begin")
        (desk.folder / "new").mkdir()
        (desk.folder / "new" / "file.bin").write_bytes(b"\xff\x00")
        (desk.folder / "old.txt").write_text("changed\n")
        (desk.folder / "gone.txt").unlink()
        (desk.folder / "run.sh").write_text("#!/bin/sh\n")
        (desk.folder / "run.sh").chmod(0o755)
        (desk.folder / "link").symlink_to("old.txt")
        return Reply("done")


def play(agent: Agent, folder: Path, brief: str = "do it") -> Played:
    return play_episode(Clocked(), [agent, agent], family=ClockedFamily(folder, brief))


def said(played: Played) -> list[tuple[Any, ...]]:
    return sorted(
        (event.seat, event.kind, event.data.get("text")) for event in played.transcript.of("reply", "message")
    )


def test_answers_at_ones_own_pace_are_played_back_in_their_order_whatever_the_clock_said(tmp_path: Path) -> None:
    live = play(RecordingAgent(Steps(), tmp_path / "tape", {}), tmp_path)
    again = play(ReplayAgent("steps", Recording(tmp_path / "tape"), {}), tmp_path)
    assert said(again) == said(live)
    assert len(again.transcript.of("reply")) == 8
    results = [[event.data["text"] for event in one.transcript.of("tool_result")] for one in (live, again)]
    assert results[0] != results[1], "the clock went on"


def test_a_changed_task_is_refused_with_the_difference(tmp_path: Path) -> None:
    play(RecordingAgent(Steps(), tmp_path / "tape", {}), tmp_path)
    with pytest.raises(BaseException) as caught:
        play(ReplayAgent("steps", Recording(tmp_path / "tape"), {}), tmp_path, brief="do something else")
    told = caught.value
    while isinstance(told, BaseExceptionGroup):
        told = told.exceptions[0]
    assert isinstance(told, UsageError)
    assert "+do something else" in str(told)


def test_a_programs_whole_job_is_played_back_without_it(tmp_path: Path) -> None:
    live = play(RecordingAgent(Program(), tmp_path / "tape", {}), tmp_path / "live")
    replayed = ReplayAgent("program", Recording(tmp_path / "tape"), {})
    replayed.autonomous = True
    again = play(replayed, tmp_path / "again")
    assert said(again) == said(live)
    for seat in ("a", "b"):
        tree = tmp_path / "again" / seat
        assert (tree / "new" / "file.bin").read_bytes() == b"\xff\x00"
        assert (tree / "old.txt").read_text() == "changed\n"
        assert not (tree / "gone.txt").exists()
        assert (tree / "run.sh").stat().st_mode & 0o777 == 0o755
        assert (tree / "link").readlink() == Path("old.txt")


def test_a_recording_leads_nowhere_out_of_the_tree(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "out").symlink_to(tmp_path)

    async def nothing(*_: Any) -> Any:
        return ""

    desk = Desk(None, "", tmp_path / "tree", nothing, nothing, nothing)  # type: ignore[arg-type]
    for path in ("../evil", "out/evil", "/tmp/../evil"):
        with pytest.raises(RunError, match="outside"):
            anyio.run(do_again, Work({path: (b"x", 0o644)}), desk)
    assert not (tmp_path / "evil").exists()


def test_a_job_too_large_for_a_recording_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_collab.agents.recorded_work.LARGEST_FILE", 10)

    async def nothing(*_: Any) -> Any:
        return ""

    log = Log(Desk(None, "", tmp_path, nothing, nothing, nothing))  # type: ignore[arg-type]
    (tmp_path / "big").write_text("x" * 11)
    with pytest.raises(RunError, match="big has 11 bytes"):
        log.work()


def test_a_job_survives_its_file() -> None:
    work = Work({"a": (b"x\n", 0o644), "b": (b"\xff", 0o755)}, {"l": "a"}, ("c",), (["send", None, "hi"],))
    assert from_json(as_json(work)) == work
