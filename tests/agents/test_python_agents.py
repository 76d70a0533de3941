"""Agents that are Python: callables, classes, whole teams, named on the command line."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pytest_collab.agents.registry import Registry
from pytest_collab.episode.outcome import Outcome
from pytest_collab.errors import UsageError
from pytest_collab.testing import Played, play_episode
from tests.coding import small
from tests.support.handshake import Handshake, HandshakeFamily

CODE = '''
import re
from pytest_collab import Reply

async def plain(request):
    heard = re.findall(r"\\d+", request.text)
    return f"I say {heard[-1]}." if heard else "What is it?"

async def with_usage(request):
    from pytest_collab.episode.agent import Usage
    return Reply(await plain(request), usage=Usage(input_tokens=5, cost_usd=0.5))

async def number(request):
    return 7

def not_async(request):
    return "hello"

class Seated:
    def __init__(self, seat):
        self.seat = seat
        self.asked = 0

    async def __call__(self, request):
        self.asked += 1
        return await plain(request) + f" (seat {self.seat.name}, {self.asked})"

async def builder(desk):
    await desk.send(None, "I change words.py")
    await desk.run(["sh", "-c", "sed -i 's/return .*/return (\\"hello \\" + who).upper()/' words.py"])
    return "done"

class Team:
    """Knows everything that any of its seats was told; tells it on by its own channel."""

    made = 0

    def __init__(self, table):
        Team.made += 1
        self.table = table
        self.number = None

    async def reply(self, request):
        found = re.search(r"The number is (\\d+)", request.text)
        if found:
            self.number = found[1]
            self.table.tell(request.seat, f"between us: {self.number}")
            self.table.note(request.seat, "thought", text="told the others")
        return f"I say {self.number}." if self.number else "What is it?"

class Crew:
    def __init__(self, table):
        self.table = table

    async def work(self, desk):
        me = desk.seat.name
        self.table.tell(me, f"{me} works", to=[name for name in self.table.seats if name != me])
        return "done"

class Nothing:
    def __init__(self, table):
        pass
'''


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    name = f"players_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(CODE)
    return name


def shake(*team: str, condition: str = "team") -> Played:
    registry = Registry(cast=HandshakeFamily.cast)
    return play_episode(Handshake(), team, condition, 3, family=HandshakeFamily(), registry=registry)


def test_any_async_callable_takes_a_seat(module: str) -> None:
    played = shake(f"python/{module}:plain", f"python/{module}:with_usage")
    assert played.episode.outcome is Outcome.SUCCESS
    assert played.episode.usage["b"].cost_usd == 0.5
    assert played.episode.usage["a"].model == f"{module}:plain"


def test_a_class_is_made_once_for_each_seat(module: str) -> None:
    played = shake("stubborn", f"python/{module}:Seated")
    texts = [event.data["text"] for event in played.transcript.of("reply", seat="b")]
    assert [text.partition("(")[2] for text in texts] == ["seat b, 1)", "seat b, 2)"]


def test_an_answer_of_another_kind_is_the_agents_own_failure(module: str) -> None:
    played = shake(f"python/{module}:number", "partner")
    assert "the answer is int, neither text nor a Reply" in played.transcript.of("malformed")[0].data["why"]


def test_a_callable_with_a_desk_does_a_whole_job(
    module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLLAB_CACHE", str(tmp_path / "cache"))
    params = small.params(small.lay_out(tmp_path / "pool"))
    played = play_episode(params, ["partner", f"python/{module}:builder"], "team", small.CLEAN)
    assert played.episode.outcome is Outcome.SUCCESS, played.episode
    assert "I change words.py" in [event.data["text"] for event in played.transcript.of("message", seat="b")]
    with pytest.raises(UsageError, match="does whole jobs at a desk"):
        shake(f"python/{module}:builder", "partner")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("python/MODULE", "Write python/MODULE:NAME"),
        ("python/:x", "Write python/MODULE:NAME"),
        ("python/no_such_module:x", "no module 'no_such_module'"),
        ("python/MODULE:missing", "has no 'missing'"),
        ("python/MODULE:not_async", "Write `async def`"),
        ("team/MODULE:missing", "has no 'missing'"),
    ],
)
def test_names_that_cannot_be_seated_are_refused_before_play(module: str, name: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        Registry().get(name.replace("MODULE", module) if ":" in name[8:] else name)


def test_one_object_fills_several_seats_and_its_own_channel_is_heard(module: str) -> None:
    name = f"team/{module}:Team"
    played = shake(name, name)
    assert played.episode.outcome is Outcome.SUCCESS
    told = [event for event in played.transcript.of("message") if event.data.get("overheard")]
    assert [(event.seat, event.data["text"], event.data["delivered"]) for event in told] == [
        ("a", "between us: 1", ["b"])
    ]
    assert played.transcript.of("activity")[0].data["what"] == "thought"
    made = sys.modules[module].Team.made
    assert made == 1
    shake(name, "partner")
    assert sys.modules[module].Team.made == 2  # a new one for each episode


def test_a_team_that_talks_by_its_own_channel_cannot_be_muted(module: str) -> None:
    name = f"team/{module}:Team"
    with pytest.raises(UsageError, match="condition mute cannot hold"):
        shake(name, name, condition="mute")


def test_a_team_works_at_desks_and_one_that_can_do_nothing_is_refused(
    module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLLAB_CACHE", str(tmp_path / "cache"))
    params = small.params(small.lay_out(tmp_path / "pool"))
    name = f"team/{module}:Crew"
    played = play_episode(params, [name, name], "team", small.CLEAN)
    said = {event.seat: event.data["to"] for event in played.transcript.of("message")}
    assert said == {"a": ["b"], "b": ["a"]}
    with pytest.raises(UsageError, match="neither `async def reply"):
        shake(f"team/{module}:Nothing", "partner")


def test_names_of_python_agents_play_in_a_session_and_under_xdist(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    pytester.path.joinpath("players.py").write_text(CODE)
    (pytester.path / "t.collab.yaml").write_text(
        "family: maze\nparams: {size: 4, path: [3, 6], turns: 4}\nseeds: 2\nconditions: [team]\n"
    )
    arguments = (
        "t.collab.yaml",
        "--agents=python/players:plain,team/players:Team",
        "--collab-pairing=self",
    )
    result = pytester.runpytest_subprocess(*arguments, "-n", "2", "--collab-run-dir=run")
    assert "4 " in result.stdout.str().splitlines()[-1]
    assert "INFRASTRUCTURE" not in result.stdout.str()
    assert len((pytester.path / "run" / "episodes.jsonl").read_text().splitlines()) == 4
