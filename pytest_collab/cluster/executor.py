"""The driver: hands episodes to players, takes what they bring, and is the only one that writes."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest_collab
from pytest_collab.cluster.bank import Desk
from pytest_collab.cluster.engine import CannotStart, Engine, Player, PlayerLost, WorkerLost
from pytest_collab.cluster.hello import Batch, Played
from pytest_collab.cluster.spec import EpisodeSpec, TaskSpec, Unlike
from pytest_collab.episode.executor import Finished, Keep, LoopExecutor, NoPlayers
from pytest_collab.episode.judge import record, voided
from pytest_collab.episode.limits import OpenPurse
from pytest_collab.episode.plan import Plan
from pytest_collab.episode.record import Episode
from pytest_collab.episode.table import Table
from pytest_collab.episode.text import counted
from pytest_collab.episode.transcript import Transcript
from pytest_collab.errors import CollabError, SandboxError

MOST_LOSSES: Final = 3
"""An episode that was lost so often with its player is not played again: it is what kills them. The last time it had
a player for itself, so that nothing beside it can have been."""

BREAK_OFF_S: Final = 3.0
"""How long a player may take to end a play and tell what there is of it."""


@dataclass(slots=True, eq=False)
class _Hired:
    """A player, and what it has to do with."""

    player: Player
    needs: frozenset[str]
    ready: asyncio.Task[None]
    lost: asyncio.Task[str]
    busy: int = 0
    alone: bool = False
    leaving: bool = False
    prepared: dict[tuple[str, str, str], asyncio.Task[None]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stock:
    """What the driver asks of its own side.

    Attributes:
        root: pytest's rootdir.
        sandbox: what was asked for, and what that comes to here; demanded of all players.
        seeds: the seeds that the session may play of a plan's task.
        likely: what an episode will cost, in dollars, as far as can be said before.
        keep: stores a finished episode.
        beside: stores what there is of one that was broken off: its events, and who played it.
        notice: leaves a line for whoever sits at the terminal.
        reread: the transcript of an episode that was stored; where it is given, results that wait hold none.
    """

    root: Path
    sandbox: Callable[[], tuple[str, str]]
    seeds: Callable[[Plan], Sequence[int]]
    likely: Callable[[Plan], float]
    keep: Keep
    beside: Callable[[Transcript, str], None]
    notice: Callable[[str, str], None]
    reread: Callable[[Episode], Transcript] | None = None


class ClusterExecutor(LoopExecutor):
    """Has episodes played by players elsewhere.

    A play is a lease: an episode, and how often it was tried. The first result of an episode is kept, whichever lease
    brings it; later ones are counted and dropped. An episode whose player is lost keeps its place in flight and goes
    to another player at once. A player that would play something else than was planned here, or that does not have
    the sandbox, is dismissed and not replaced. A player's machine has what the task needs for which it was hired; one
    that plays tasks without needs makes room, when it is through, for one that a task with needs can go to.

    Args:
        in_flight: episodes at the same time, over all players.
        watch: told how many episodes are in play, whenever that changes.

    Attributes:
        dropped: results that came too late.
    """

    def __init__(
        self, engine: Engine, stock: Stock, in_flight: int = 1, *, watch: Callable[[int], None] | None = None
    ) -> None:
        super().__init__(in_flight, watch=watch)
        self._engine = engine
        self._stock = stock
        self._hired: list[_Hired] = []
        self._opening: asyncio.Task[int] | None = None
        self._names = 0
        self._dismissed: list[str] = []
        self._silent: list[_Hired] = []
        self._came_up = self._cannot = False
        self._stillborn = 0
        self._eased = asyncio.Condition()
        self._late: set[asyncio.Task[Played]] = set()
        self.dropped = 0

    async def _finish(self, plan: Plan) -> Finished:
        await self._opened()
        desk = self._engine.desk
        await desk.admit(plan.id, self._stock.likely(plan))
        try:
            finished = await self._played(plan, desk)
        finally:
            await asyncio.shield(desk.settle(plan.id))
        kept = self._stock.keep(finished.episode, finished.transcript)
        return finished.stored(kept, None if self._is_awaited(plan) else self._stock.reread)

    async def _opened(self) -> int:
        if self._opening is None:
            self._opening = asyncio.ensure_future(self._engine.open())
        return await asyncio.shield(self._opening)

    async def _played(self, plan: Plan, desk: Desk) -> Finished:
        lost, lost_usd = 0, 0.0
        open_leases: list[asyncio.Task[Played]] = []
        while lost < MOST_LOSSES:
            alone = lost == MOST_LOSSES - 1
            hired = await self._free_player(plan.family.needs(plan.params), alone=alone)
            try:
                await self._prepared(hired, plan)
                played = await self._leased(hired, plan, f"{plan.id}#{lost + 1}", open_leases)
            except PlayerLost as why:
                lost, lost_usd = lost + 1, await desk.spent_on(plan.id)
                await self._lost(hired, str(why))
            except (Unlike, SandboxError) as why:
                await self._dismiss(hired, str(why))
            else:
                return _finished(played, lost, lost_usd)
            finally:
                await self._ease(hired, alone=alone)
        self._drop_later(open_leases)
        return _given_up(plan, lost, lost_usd)

    async def _leased(self, hired: _Hired, plan: Plan, lease: str, open_leases: list[asyncio.Task[Played]]) -> Played:
        """A play, or what an earlier lease of the same episode brings first."""
        spec = EpisodeSpec.of(plan, self._stock.root)
        playing = asyncio.ensure_future(hired.player.play(spec, lease))
        open_leases.append(playing)
        try:
            while True:
                silence = () if hired.lost.done() else (hired.lost,)
                await asyncio.wait([*open_leases, *silence], return_when=asyncio.FIRST_COMPLETED)
                if not playing.done() and hired.lost.done() and not hired.lost.cancelled():
                    raise PlayerLost(hired.lost.result())
                for one in [one for one in open_leases if one.done()]:
                    open_leases.remove(one)
                    if one is playing or one.exception() is None:
                        self._drop_later(open_leases)
                        return one.result()
        except asyncio.CancelledError:
            self._drop_later([one for one in open_leases if one is not playing])
            await self._break_off(hired, lease, playing)
            raise

    def _drop_later(self, leases: Sequence[asyncio.Task[Played]]) -> None:
        def drop(one: asyncio.Task[Played]) -> None:
            self._late.discard(one)
            if not one.cancelled() and one.exception() is None:
                self.dropped += 1

        for one in leases:
            self._late.add(one)
            one.add_done_callback(drop)

    async def _break_off(self, hired: _Hired, lease: str, playing: asyncio.Task[Played]) -> None:
        """The session ends: what the play has cost is kept among plays that do not count."""
        hired.player.break_off(lease)
        await asyncio.wait([playing], timeout=BREAK_OFF_S)
        if playing.done() and not playing.cancelled() and playing.exception() is None:
            played = playing.result()
            if played.record is None and played.transcript:
                self._stock.beside(Transcript.parse(played.transcript.splitlines()), hired.player.name)
        playing.cancel()

    # Players.

    async def _free_player(self, needs: frozenset[str], *, alone: bool) -> _Hired:
        """The least busy of the players that are ready; one more is hired while there may be more.

        Args:
            needs: what its machine must have.
            alone: one that plays nothing else meanwhile.

        Raises:
            NoPlayers: no player can play.
        """
        while True:
            most = min(await self._opened(), self.in_flight) - len(self._dismissed)
            if most <= 0 or (self._cannot and not self._came_up):
                raise NoPlayers(f"no player can play: {self._dismissed[-1]}")
            fit = [one for one in self._hired if needs <= one.needs and not one.leaving]
            room = math.ceil(self.in_flight / most)
            others: list[_Hired] = []
            if len(fit) < min(most, self._engine.room(needs)):
                if len(self._hired) < most:
                    fit.append(self._hire(needs))
                elif all(one.busy >= room or one.alone for one in fit):
                    others = [one for one in self._hired if not needs <= one.needs and not one.alone]
            idle = next((one for one in others if not one.busy), None)
            if idle is not None:
                await self._see_off(idle)
                continue
            free = (one for one in fit if not one.alone)
            chosen = min(free, key=lambda one: (not one.ready.done(), one.busy), default=None)
            if chosen is None or chosen.busy >= (1 if alone else room):
                if alone and chosen is not None:
                    chosen.alone = True  # it gets nothing more until it is through
                    await self._emptied(chosen)
                else:
                    await self._change(None if fit else min(others, key=lambda one: one.busy, default=None))
                continue
            chosen.busy += 1
            chosen.alone = chosen.alone or alone
            if await self._is_ready(chosen, alone=alone):
                return chosen

    async def _change(self, leaving: _Hired | None) -> None:
        """Wait until a player has less to do.

        Args:
            leaving: gets nothing more meanwhile, so that it can be seen off when it is through.
        """
        async with self._eased:
            if leaving is not None:
                leaving.leaving = True
            try:
                await self._eased.wait()
            finally:
                if leaving is not None:
                    leaving.leaving = False

    async def _see_off(self, hired: _Hired) -> None:
        """Close a player that is through, and is needed no more."""
        self._hired.remove(hired)
        hired.lost.cancel()
        await self._engine.desk.forget(hired.player.name)
        await hired.player.close(BREAK_OFF_S)

    async def _emptied(self, hired: _Hired) -> None:
        try:
            async with self._eased:
                await self._eased.wait_for(lambda: not hired.busy or hired not in self._hired)
        finally:
            hired.alone = False

    async def _is_ready(self, chosen: _Hired, *, alone: bool) -> bool:
        """Wait until a player that was taken is up; False, and let go of it, when it does not come up."""
        ready = False
        try:
            await asyncio.shield(chosen.ready)
            ready = self._came_up = True
        except CannotStart as why:
            self._cannot = True
            await self._dismiss(chosen, str(why))
        except PlayerLost as why:
            self._stillborn += 1
            if self._came_up or self._stillborn < MOST_LOSSES:
                await self._lost(chosen, str(why))
            else:  # no machine is lost so often: there is something that no player survives
                self._cannot = True
                await self._dismiss(chosen, str(why))
        finally:
            if not ready:
                await self._ease(chosen, alone=alone)
        return ready

    def _hire(self, needs: frozenset[str]) -> _Hired:
        self._names += 1
        player = self._engine.hire(f"p{self._names}", needs)
        hired = _Hired(player, needs, asyncio.ensure_future(_ready(player)), asyncio.ensure_future(player.lost()))
        self._hired.append(hired)
        return hired

    async def _prepared(self, hired: _Hired, plan: Plan) -> None:
        """Let a player make the plan's task ready, once."""
        key = (plan.family.name, plan.task, plan.task_hash)
        if key not in hired.prepared:
            hired.prepared[key] = asyncio.ensure_future(self._prepare(hired.player, plan))
        await asyncio.shield(hired.prepared[key])

    async def _prepare(self, player: Player, plan: Plan) -> None:
        sandbox, chosen = await asyncio.to_thread(self._stock.sandbox)
        seeds = tuple(dict.fromkeys((*self._stock.seeds(plan), plan.seed)))
        await player.prepare(
            Batch(task=TaskSpec.of(plan, self._stock.root), seeds=seeds, sandbox=sandbox, chosen=chosen)
        )

    async def _ease(self, hired: _Hired, *, alone: bool) -> None:
        hired.busy -= 1
        hired.alone = hired.alone and not alone  # one that is kept free for somebody else stays so
        async with self._eased:
            self._eased.notify_all()

    async def _lost(self, hired: _Hired, why: str) -> None:
        if hired in self._hired:
            self._hired.remove(hired)
            self._stock.notice(f"lost {hired.player.name}", f"player {hired.player.name} was lost: {why}")
            hired.lost.cancel()
            if hired.lost.done() and not hired.lost.cancelled():
                self._silent.append(hired)
            else:
                await hired.player.close(0.0)
        await self._engine.desk.forget(hired.player.name)

    async def _dismiss(self, hired: _Hired, why: str) -> None:
        if hired in self._hired:
            self._hired.remove(hired)
            self._dismissed.append(f"player {hired.player.name}: {why}")
            self._stock.notice(f"dismissed {hired.player.name}", f"{self._dismissed[-1]}; it plays nothing")
            await self._engine.desk.forget(hired.player.name)
            hired.lost.cancel()
            await hired.player.close(0.0)

    async def _shut(self, patience: float) -> None:
        await asyncio.gather(
            *(hired.player.close(patience) for hired in self._hired),
            *(hired.player.close(0.0) for hired in self._silent),
            return_exceptions=True,
        )
        for hired in self._hired:
            hired.lost.cancel()
        self._hired.clear()
        for one in self._late:
            one.cancel()
        if self._opening is not None:
            with contextlib.suppress(CollabError):
                await self._engine.close()


async def _ready(player: Player) -> None:
    about = await player.ready()
    if about.version != pytest_collab.__version__:
        raise CannotStart(
            f"pytest-collab {about.version} is installed on {about.host}, and {pytest_collab.__version__} here; "
            "install the same version everywhere"
        )


def _finished(played: Played, lost: int, lost_usd: float) -> Finished:
    assert played.record is not None
    episode = Episode.model_validate_json(played.record)
    if lost:
        episode = episode.model_copy(update={"lost": lost, "lost_usd": lost_usd})
    return Finished(episode, Transcript.parse(played.transcript.splitlines(), name=episode.id))


def _given_up(plan: Plan, lost: int, lost_usd: float) -> Finished:
    """An infrastructure error in the place of an episode that kills its players, or has bad luck."""
    table = Table(plan, OpenPurse())
    table.start()
    why = WorkerLost(f"lost {counted(lost, 'time')} with the player that played it: killed, or its machine is gone")
    broken = table.transcript.add("error", None, code=why.code, text=str(why))
    table.transcript.add("end", turns=0)
    episode = record(table.transcript, voided(broken), episode_id=plan.id, attempt=plan.attempt)
    return Finished(episode.model_copy(update={"lost": lost, "lost_usd": lost_usd}), table.transcript)
