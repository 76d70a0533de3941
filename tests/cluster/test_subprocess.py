"""What a session promises whoever plays its episodes, shown with players in processes of this machine."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_collab.families.taskfile import read_task
from tests.support.model_server import ModelServer, Say
from tests.support.model_wire import Call
from tests.support.soak import shake

ROOT = Path(__file__).parents[2]
PLAYERS = ("--collab-executor=subprocess", "--collab-players=2", "-p", "no:cacheprovider")
CANARY = "sk-canary-9f3b27aa61c0"

CONFTEST = """
import os
from pathlib import Path

from pytest_collab import Agent, Reply
from pytest_collab.episode.agent import Usage
from tests.support.handshake import HandshakeFamily
import asyncio

IS_PLAYER = False

def pytest_collab_families(config):
    global IS_PLAYER
    IS_PLAYER = config.pluginmanager.has_plugin("collab-player")
    return [HandshakeFamily()]

def pytest_addoption(parser):
    parser.addoption("--nap", type=float, default=0.0)
    parser.addoption("--wrong", type=int, default=0)

class Once(Agent):
    '''Answers rightly, from seed 3 on after a nap; at seed 1 it kills its process, the first time.'''
    name = "once"

    def __init__(self, nap, wrong, seed=None):
        self.nap, self.wrong, self.seed = nap, wrong, seed

    def seated(self, seat):
        Path("pids").mkdir(exist_ok=True)
        Path("pids", str(os.getpid())).touch()
        return Once(self.nap, self.wrong, seat.seed)

    async def reply(self, request):
        await asyncio.sleep(self.nap if self.seed > 2 else 0.01)
        if self.seed == 1 and IS_PLAYER and not Path("killed").exists():
            Path("killed").touch()
            os.kill(os.getpid(), 9)
        return Reply(str(self.seed * 7 % 10) if request.turn >= self.wrong else "no", usage=Usage(cost_usd=0.01))

def pytest_collab_make_agent(config, name):
    return Once(config.getoption("--nap"), config.getoption("--wrong")) if name == "once" else None
"""


@pytest.fixture
def folder(suite: pytest.Pytester) -> pytest.Pytester:
    """A folder with a task, whose conftest makes an agent that kills its process once."""
    suite.makeconftest(CONFTEST)
    suite.path.joinpath("shake.collab.yaml").write_text(
        "family: handshake\nparams: {numbers: 10}\nseeds: 12\nconditions: [solo]\n"
    )
    return suite


def lines(folder: Path, run: str) -> list[dict[str, Any]]:
    found = (folder / run / "episodes.jsonl").read_text().splitlines()
    return sorted((json.loads(line) for line in found), key=lambda one: (one["seed"], one["id"]))


def pids(folder: Path) -> list[int]:
    return [int(path.name) for path in (folder / "pids").iterdir()]


def wait_until(true: Any, what: str, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


# Nothing is lost, and nothing twice.


def test_an_episode_whose_player_is_killed_is_played_by_another(folder: pytest.Pytester) -> None:
    """Agents and options of conftest.py are what they are here; a session without its own killing is its equal."""
    result = folder.runpytest_inprocess(
        *PLAYERS, "--agents=once", "--collab-in-flight=4", "--collab-run-dir=out", "--nap=0.05"
    )
    result.assert_outcomes(passed=12)
    played = lines(folder.path, "out")
    assert [one["seed"] for one in played] == list(range(12))
    assert played[1]["lost"] == 1, "it says that it had to be played again"
    assert {one["worker"] for one in played} <= {"p1", "p2", "p3"}
    assert len(list((folder.path / "out" / "transcripts").iterdir())) == 12
    assert not [pid for pid in pids(folder.path) if alive(pid)], "players end with the session"
    local = folder.runpytest_inprocess("--agents=once", "--collab-run-dir=local")
    local.assert_outcomes(passed=12)
    assert [same(one) for one in played] == [same(one) for one in lines(folder.path, "local")]


def same(record: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key not in ("worker", "duration_s", "lost", "lost_usd")}


def test_an_episode_that_kills_every_player_is_given_up_and_others_are_not(folder: pytest.Pytester) -> None:
    """The last time it had a player for itself: what was lost beside it is played, however often that was."""
    result = folder.runpytest_inprocess(*PLAYERS, "--agents=killer", "--collab-in-flight=6", "--collab-run-dir=out")
    result.assert_outcomes(passed=11, errors=1)
    played = lines(folder.path, "out")
    assert [one["seed"] for one in played] == list(range(12))
    lost = [one for one in played if one["outcome"] != "success"]
    assert [(one["seed"], one["lost"], one["failures"][0]["code"]) for one in lost] == [(1, 3, "worker_lost")]


def test_a_killed_driver_leaves_no_player_and_what_is_missing_is_played_by_resume(folder: pytest.Pytester) -> None:
    folder.path.joinpath("killed").touch()
    arguments = (*PLAYERS, "--agents=once", "--collab-in-flight=2", "--collab-run-dir=out", "--nap=0.3", "-q")
    driver = folder.popen([os.sys.executable, "-m", "pytest", *arguments])
    kept = folder.path / "out" / "episodes.jsonl"
    wait_until(lambda: kept.exists() and kept.read_text().count("\n") >= 3, "episodes are played")
    driver.kill()
    driver.wait()
    wait_until(lambda: not any(map(alive, pids(folder.path))), "players end when their driver is gone")
    before = lines(folder.path, "out")
    assert 3 <= len(before) < 12
    result = folder.runpytest_inprocess(*arguments[:-2], "--collab-resume")
    result.assert_outcomes(passed=12)
    played = lines(folder.path, "out")
    assert [one["seed"] for one in played] == list(range(12))
    assert [one for one in played if one in before] == before, "nothing that was kept is played again"


# Money, rates, keys.


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelServer]:
    monkeypatch.setenv("RUN_KEY", CANARY)
    with ModelServer(answer=shake) as running:
        yield running


def test_money_rates_and_keys_are_kept_over_all_players(
    folder: pytest.Pytester, served: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call costs a dollar. The server's log decides; on the way the machine is searched for the key."""
    monkeypatch.setenv("TMPDIR", str(folder.path))
    monkeypatch.setenv("OTHER_TOKEN", "tok-canary-7d1e88b25f")
    looked: list[str] = []

    def answer(call: Call) -> Say:
        if len(served.log) in (8, 16):
            looked.extend(where_it_shows(folder.path, CANARY) + where_it_shows(folder.path, "tok-canary"))
        return Say(f"{shake(call).text:<4000}")

    served.answer = answer
    served.latency_s = 0.05
    agent = {
        "provider": "openai-chat", "model": "m", "base_url": f"{served.url}/v1", "api_key_env": "RUN_KEY",
        "price": {"input": 0, "output": 1_000_000 / 1001}, "limits": {"in_flight": 3, "requests_per_minute": 1200},
    }  # fmt: skip
    folder.path.joinpath("collab-agents.yaml").write_text(json.dumps({"agents": {"ada": agent}}))
    folder.path.joinpath("shake.collab.yaml").write_text(
        "family: handshake\nparams: {numbers: 10}\nseeds: 40\nconditions: [team, solo]\n"
    )
    arguments = ("--agents=ada", "--collab-max-cost=20", "--collab-run-dir=run", "--collab-in-flight=6")
    done = folder.runpytest_subprocess(*PLAYERS, *arguments)
    done.stdout.fnmatch_lines(["collab executor: subprocess*players are told RUN_KEY"])
    played = lines(folder.path, "run")
    costs = [sum(seat["cost_usd"] for seat in one["usage"].values()) for one in played]
    assert {one["worker"] for one in played} == {"p1", "p2"}
    assert sum(costs) == pytest.approx(len(served.log)), "every call belongs to an episode that was finished"
    assert 20 - max(costs) * 6 <= sum(costs) <= 20 + max(costs) * 6
    arrivals = [line.at for line in served.log]
    together = max(sum(at <= other < at + served.latency_s for other in arrivals) for at in arrivals)
    assert together <= 3, "calls that the server held at the same time"
    assert arrivals[-1] - arrivals[0] >= (len(arrivals) - 1) * 0.05 * 0.8, "1200 a minute over both players"
    assert {line.call.headers["authorization"] for line in served.log} == {f"Bearer {CANARY}"}
    assert len(looked) == 0, looked
    assert not where_it_shows(folder.path, CANARY)


def where_it_shows(folder: Path, secret: str) -> list[str]:
    """Files below `folder`, and command lines and environments of players, in which a secret stands."""
    found = [str(path) for path in folder.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]
    players = 0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = process.joinpath("cmdline").read_bytes()
            if b"pytest_collab.cluster.player" in command:
                players += 1
                shown = command + process.joinpath("environ").read_bytes()
                found += [str(process)] if secret.encode() in shown else []
        except OSError:
            continue
    return found


# A session is a session.


def test_the_first_failure_ends_it_and_no_traceback_is_made(
    folder: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`-x`, and what a failed episode costs the driver."""
    made: list[object] = []
    whole = pytest.ExceptionInfo.getrepr
    monkeypatch.setattr(
        pytest.ExceptionInfo, "getrepr", lambda self, *a, **k: made.append(self) or whole(self, *a, **k)
    )
    folder.path.joinpath("killed").touch()
    arguments = (*PLAYERS, "--agents=once", "--collab-in-flight=2", "--nap=0.05", "--wrong=9")
    every = folder.runpytest_inprocess(*arguments, "--collab-run-dir=every")
    every.assert_outcomes(failed=0)
    assert every.ret == pytest.ExitCode.TESTS_FAILED
    assert len(lines(folder.path, "every")) == 12
    first = folder.runpytest_inprocess(*arguments, "--collab-run-dir=first", "--collab-seeds=60", "-x")
    assert first.ret == pytest.ExitCode.TESTS_FAILED
    assert 1 <= len(lines(folder.path, "first")) < 60
    assert not made


def test_ctrl_c_keeps_what_is_finished_and_what_was_spent_on_the_rest(folder: pytest.Pytester) -> None:
    folder.path.joinpath("killed").touch()
    arguments = (*PLAYERS, "--agents=once", "--collab-in-flight=2", "--collab-run-dir=out", "--nap=3", "--wrong=1")
    # As from a terminal: a shell's background jobs are started deaf to Ctrl-C.
    heard = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        driver = folder.popen([os.sys.executable, "-m", "pytest", *arguments])
    finally:
        signal.signal(signal.SIGINT, heard)
    kept = folder.path / "out" / "episodes.jsonl"
    wait_until(lambda: kept.exists() and kept.read_text().count("\n") >= 3, "episodes are played")
    driver.send_signal(signal.SIGINT)
    assert driver.wait(60) == pytest.ExitCode.INTERRUPTED
    assert not any(map(alive, pids(folder.path)))
    assert 3 <= len(lines(folder.path, "out")) < 12
    beside = (folder.path / "out" / "superseded.jsonl").read_text().splitlines()
    assert {json.loads(line)["failures"][0]["code"] for line in beside} == {"worker_lost"}


def test_gates_stop_it_when_they_are_decided(folder: pytest.Pytester) -> None:
    folder.path.joinpath("gates.yaml").write_text(
        "gates:\n  - {name: agreed, metric: success_rate, at_least: 0.5, where: {condition: solo}}\n"
    )
    folder.path.joinpath("shake.collab.yaml").write_text(
        "family: handshake\nparams: {numbers: 10}\nseeds: 200\nconditions: [solo]\n"
    )
    arguments = (
        "--agents=stubborn",
        "--collab-in-flight=4",
        "--collab-gate=gates.yaml",
        "--collab-stop-when-decided",
    )
    ends = []
    for run, more in (("local", ()), ("players", PLAYERS)):
        done = folder.runpytest_inprocess(*arguments, f"--collab-run-dir={run}", *more)
        gates = json.loads((folder.path / run / "gates.json").read_text())
        ends.append((done.ret, [gate["verdict"] for gate in gates["gates"]]))
        assert len(lines(folder.path, run)) < 200
    assert ends[0] == ends[1]


def test_a_player_that_would_play_something_else_plays_nothing(folder: pytest.Pytester) -> None:
    conftest = folder.path / "conftest.py"
    conftest.write_text(
        conftest.read_text().replace(
            "return [HandshakeFamily()]", "f = HandshakeFamily(); type(f).version = 1 + IS_PLAYER; return [f]"
        )
    )
    done = folder.runpytest_inprocess(*PLAYERS, "--agents=once", "--collab-in-flight=2", "--collab-run-dir=out")
    assert done.ret != 0
    done.stdout.fnmatch_lines(
        ["*no player can play: player p?: task 'shake' of family 'handshake' is another one here*"]
    )
    assert not (folder.path / "pids").exists(), "nobody sat down"


def test_a_player_that_does_not_come_up_is_told_of_once(folder: pytest.Pytester) -> None:
    (folder.path / "conftest.py").write_text(
        CONFTEST
        + "\ndef pytest_configure(config):\n    assert not config.pluginmanager.has_plugin('collab-player'), 'no'\n"
    )
    done = folder.runpytest_inprocess(*PLAYERS, "--agents=once", "--collab-in-flight=2", "--collab-run-dir=out")
    done.stdout.fnmatch_lines(["*no player can play: player p?: pytest cannot be configured: AssertionError: no*"])
    assert done.parseoutcomes()["errors"] == 1, "the session does not go on"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--collab-executor=slurm",), "there is no such engine; choose from local, subprocess, ray"),
        (("--collab-executor=subprocess", "-n", "2"), "cannot be used with -n"),
        (("--collab-players=2",), "needs --collab-executor=subprocess"),
        (("--collab-executor=subprocess", "--collab-teams=human+once", "-s"), "sits at this terminal"),
    ],
)
def test_what_does_not_go_together_is_refused(
    folder: pytest.Pytester, arguments: tuple[str, ...], words: str
) -> None:
    done = folder.runpytest_inprocess("--agents=once", *arguments)
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    assert words in " ".join(done.stderr.str().split())


# What comes out is what comes out of one process.

QUICK = [
    *(f"tasks/{name}/quick.collab.yaml" for name in ("commons", "dilemma", "donor", "experts", "kitchen", "market")),
    *(f"tasks/{name}/quick.collab.yaml" for name in ("network", "philosophers", "public_goods")),
    "tasks/maze/six_by_six.collab.yaml",
    "tasks/alem/first_steps.collab.yaml",
    "tasks/coding/sift",
]


def can_be_played(path: Path) -> bool:
    """Whether the package is here that a task's family needs; without it items are skipped."""
    if path.is_dir():
        return True
    task = read_task(path)
    return task.family.missing(task.params) is None


CLOCKS = ("duration_s", "seconds", "at", "t", "worker")


def untimed(value: Any) -> Any:
    """Records and events without what says when, how long and where they were played."""
    if isinstance(value, dict):
        return {key: untimed(one) for key, one in value.items() if key not in CLOCKS}
    return [untimed(one) for one in value] if isinstance(value, list) else value


def told(folder: Path, run: str) -> dict[str, Any]:
    found = {}
    for record in lines(folder, run):
        events = (folder / run / record["transcript"]).read_text().splitlines()
        if record["family"] == "coding":  # what its test runners print has times in it
            events = []
        found[record["id"]] = untimed([record, *map(json.loads, events)])
    return found


@pytest.mark.slow
def test_every_family_is_played_as_in_one_process(suite: pytest.Pytester) -> None:
    """Records and transcripts of the shipped quick tasks are equal, but for clocks and names of workers."""
    suite.path.joinpath("conftest.py").unlink()
    quick = [name for name in QUICK if can_be_played(ROOT / name)]
    tasks = [str(ROOT / name) for name in quick]
    arguments = (
        *tasks,
        "-p",
        "no:cacheprovider",
        "--collab-teams=partner+silent",
        "--collab-seeds=1",
        "--collab-conditions=solo,team",
        "--tb=no",
        "-q",
    )
    ends = []
    for run, more in (("local", ()), ("players", (*PLAYERS, "--collab-in-flight=8"))):
        done = suite.runpytest_inprocess(*arguments, f"--rootdir={ROOT}", f"--collab-run-dir={run}", *more)
        ends.append((done.ret, told(suite.path, run)))
    assert len(ends[0][1]) >= 2 * len(quick)
    assert {name.partition("-")[0] for name in ends[0][1]} == {Path(name).parts[1] for name in quick}, (
        "all were played"
    )
    assert ends[0] == ends[1]
