"""The driver's books, with players that the test holds by the hand."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

import pytest_collab
from pytest_collab import families
from pytest_collab.agents.registry import Registry
from pytest_collab.cluster.bank import Bank
from pytest_collab.cluster.executor import ClusterExecutor, Stock
from pytest_collab.cluster.hello import About, Batch, Played
from pytest_collab.cluster.performer import Performer
from pytest_collab.cluster.spec import EpisodeSpec, Unlike
from pytest_collab.episode.condition import Condition
from pytest_collab.episode.executor import NoPlayers
from pytest_collab.episode.limits import BudgetSpent
from pytest_collab.episode.plan import Plan
from pytest_collab.families.task import Task
from tests.support.handshake import Handshake, HandshakeFamily


class Line:
    """The way to a bank that does not count: the cast's cents."""

    async def ask(self, name: str, *arguments: object) -> object:
        raise AssertionError(name)

    def tell(self, name: str, *arguments: object) -> None:
        assert name == "add"


class HeldPlayer:
    """Plays when it is let to, and may be taken for lost before."""

    version = pytest_collab.__version__
    needs: frozenset[str]

    def __init__(self, name: str, root: Path) -> None:
        self.name = name
        self.played: list[str] = []
        self.closed = False
        self.silent = asyncio.Event()
        self.let = asyncio.Event()
        self.asked = 0
        self._performer = Performer(name, Registry(cast=HandshakeFamily.cast), root, Line())

    async def ready(self) -> About:
        return About(version=self.version, python="3", host="here", pid=1)

    async def lost(self) -> str:
        await self.silent.wait()
        return "it is silent"

    async def prepare(self, batch: Batch) -> None:
        await self._performer.prepare(batch)

    async def play(self, spec: EpisodeSpec, lease: str) -> Played:
        self.asked += 1
        self.played.append(spec.task.name)
        await self.let.wait()
        return await self._performer.play(spec, lease)

    def break_off(self, lease: str) -> None:
        self._performer.break_off(lease)

    async def close(self, patience: float) -> None:
        self.closed = True
        await self._performer.close()


class HeldEngine:
    docks = 1
    """Machines that have a container engine."""
    let_all = False

    def __init__(self, root: Path, most: int = 2, budget: float | None = None) -> None:
        self.desk = Bank(root, budget)
        self.players: list[HeldPlayer] = []
        self._root = root
        self._most = most

    async def open(self) -> int:
        return self._most

    def hire(self, name: str, needs: frozenset[str]) -> HeldPlayer:
        self.players.append(HeldPlayer(name, self._root))
        self.players[-1].needs = needs
        if self.let_all:
            self.players[-1].let.set()
        return self.players[-1]

    def room(self, needs: frozenset[str]) -> int:
        return self.docks if needs else self._most

    async def close(self) -> None:
        self.desk.close()


@pytest.fixture(autouse=True)
def handshake() -> None:
    if "handshake" not in families.names():
        families.register(HandshakeFamily())
    return


def planned(seed: int = 0, name: str = "shake", params: Handshake | None = None) -> Plan:
    task = Task(name, params or Handshake())
    agent = Registry(cast=HandshakeFamily.cast).get("partner")
    condition = Condition.parse("team")
    limits = task.family.limits(task.params)
    return Plan(task.family, task.params, name, task.hash, condition, ("partner",), (agent,), seed, limits=limits)


def executor(
    engine: HeldEngine, kept: list[str], notices: list[str], likely: float = 0.0, in_flight: int = 1
) -> ClusterExecutor:
    def keep(episode, transcript):  # type: ignore[no-untyped-def]
        kept.append(episode.id)
        return episode

    stock = Stock(
        root=engine._root,
        sandbox=lambda: ("auto", "none"),
        seeds=lambda plan: (plan.seed,),
        likely=lambda plan: likely,
        keep=keep,
        beside=lambda transcript, worker: None,
        notice=lambda about, text: notices.append(text),
    )
    return ClusterExecutor(engine, stock, in_flight=in_flight)


async def until(true) -> None:  # type: ignore[no-untyped-def]
    for _ in range(1000):
        if true():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it did not come about")


@pytest.mark.parametrize("first", ["the silent one", "its successor"])
def test_the_first_result_of_an_episode_counts_and_a_later_one_is_dropped(tmp_path: Path, first: str) -> None:
    """A player is silent, and its episode goes to another; then it comes back after all."""
    kept: list[str] = []
    notices: list[str] = []
    engine = HeldEngine(tmp_path, most=1)
    driver = executor(engine, kept, notices)
    future = driver.future(plan := planned())

    async def come_back() -> None:
        await until(lambda: engine.players and engine.players[0].asked)
        engine.players[0].silent.set()
        await until(lambda: len(engine.players) == 2 and engine.players[1].asked)
        order = engine.players if first == "the silent one" else engine.players[::-1]
        order[0].let.set()
        await until(lambda: kept)
        order[1].let.set()
        await until(lambda: driver.dropped)

    driver.call(come_back(), timeout=30)
    finished = future.result(5)
    driver.close()
    assert kept == [plan.id]
    assert driver.dropped == 1
    assert finished.episode.success
    assert finished.episode.lost == 1
    assert finished.episode.worker == ("p1" if first == "the silent one" else "p2")
    assert notices == ["player p1 was lost: it is silent"]


def test_another_version_and_another_sandbox_play_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notices: list[str] = []
    monkeypatch.setattr(HeldPlayer, "version", "0.0.1")
    driver = executor(engine := HeldEngine(tmp_path, most=1), [], notices)
    with pytest.raises(NoPlayers, match=r"pytest-collab 0\.0\.1 is installed on here"):
        driver.result(planned())
    driver.close()
    assert not engine.players[0].asked

    monkeypatch.setattr(HandshakeFamily, "configure", lambda self, settings: ["collab sandbox: some"])
    performer = Performer("p1", Registry(), tmp_path, Line())
    spec = EpisodeSpec.of(planned(), tmp_path)
    with pytest.raises(Unlike, match="its sandbox would be process .* and hyperv is demanded"):
        asyncio.run(performer.prepare(Batch(task=spec.task, seeds=(0,), sandbox="process", chosen="hyperv")))


def test_a_task_goes_where_what_it_needs_is_and_others_fill_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two machines, one with a container engine. Players of tasks without needs have taken both; one makes room."""
    monkeypatch.setattr(
        HandshakeFamily, "needs", lambda self, params: frozenset({"docker"} if params.turns > 4 else ())
    )
    engine = HeldEngine(tmp_path, most=2)
    driver = executor(engine, [], [], in_flight=2)
    engine.let_all = True
    plain = [driver.future(planned(seed)) for seed in range(6)]
    boxed = [driver.future(planned(seed, "boxed", Handshake(turns=5))) for seed in range(3)]
    after = [driver.future(planned(seed)) for seed in range(6, 9)]
    for future in (*plain, *boxed, *after):
        assert future.result(20).episode.success
    driver.close()
    told = [(player.needs, player.played, player.closed) for player in engine.players]
    assert [needs for needs, *_ in told] == [frozenset(), frozenset(), frozenset({"docker"})]
    assert all("boxed" not in played for needs, played, _ in told if not needs)
    assert told[2][1].count("boxed") == 3
    assert sum(len(played) for _, played, _ in told) == 12


def test_who_waits_for_a_machine_is_not_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The only player is never idle by itself: it gets nothing more until the task that needs another had a turn."""
    monkeypatch.setattr(
        HandshakeFamily, "needs", lambda self, params: frozenset({"docker"} if params.turns > 4 else ())
    )
    engine = HeldEngine(tmp_path, most=1)
    driver = executor(engine, kept := [], [], in_flight=3)
    first = [driver.future(planned(seed)) for seed in range(2)]
    boxed = driver.future(planned(0, "boxed", Handshake(turns=5)))
    rest = [driver.future(planned(seed)) for seed in range(2, 6)]

    async def let_go() -> None:
        await until(lambda: engine.players and engine.players[0].asked == 2)
        await asyncio.sleep(0.05)
        assert len(engine.players) == 1, "it cannot be played yet"
        engine.players[0].let.set()
        await until(lambda: len(engine.players) == 2)
        assert engine.players[0].closed
        assert engine.players[0].asked == 2
        engine.players[1].let.set()

    driver.call(let_go(), timeout=30)
    assert all(future.result(20).episode.success for future in (*first, boxed, *rest))
    driver.close()
    assert len(kept) == 7
    assert [player.needs for player in engine.players] == [frozenset(), frozenset({"docker"})]


def test_an_episode_begins_only_if_the_bank_admits_it(tmp_path: Path) -> None:
    driver = executor(engine := HeldEngine(tmp_path, budget=1.0), [], [], likely=2.0)
    with pytest.raises(BudgetSpent):
        driver.result(planned())
    driver.close()
    assert not engine.players


def test_the_bank_takes_back_what_a_lost_player_held(tmp_path: Path) -> None:
    """A permit that it had, and its place in the queue for one; money that it has spent stays spent."""

    async def deal() -> None:
        bank = Bank(tmp_path, None)
        limits = {"in_flight": 1}
        await bank.admit("e", 0.0)
        assert await bank.answer("p1", "acquire", ["a", limits, 0])
        waiting = asyncio.ensure_future(bank.answer("p1", "acquire", ["a", limits, 0]))
        other = asyncio.ensure_future(bank.answer("p2", "acquire", ["a", limits, 0]))
        await bank.answer("p1", "add", ["e", 0.25])
        await asyncio.sleep(0.05)
        assert not other.done()
        await bank.forget("p1")
        number = await asyncio.wait_for(other, 5)
        assert waiting.cancelled()
        await bank.answer("p2", "release", [number, 10, True])
        assert await bank.spent_on("e") == bank.spent == 0.25
        await bank.settle("e")
        bank.close()

    asyncio.run(deal())
