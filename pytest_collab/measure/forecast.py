"""What episodes will take before any is played: calls, tokens, dollars and minutes, and where each guess comes from.

The best source that there is counts: what the same teams took in earlier runs or recordings, then what other teams
took at the same task, then what the family says that it comes to at the most, then a play of the built-in partner,
whose calls and prompts are like a model's and whose answers are not. Nothing is played for those who cost nothing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any, Final

from pytest_collab.agents.prices import Tariff, Tokens
from pytest_collab.agents.recording import Recording
from pytest_collab.episode.agent import Agent, Reply, Request, Seat
from pytest_collab.episode.limits import Limits
from pytest_collab.episode.plan import Plan
from pytest_collab.episode.record import Episode
from pytest_collab.episode.run import RunDirectory
from pytest_collab.errors import CollabError
from pytest_collab.measure.reader import read_frame
from pytest_collab.measure.records import Records

ANSWER_TOKENS: Final = 600
"""What a model's answer is taken to hold, reasoning included, where nothing was measured."""

ANSWER_SECONDS: Final = 8.0
"""And how long it is taken to think."""

OWN_PACE_CALLS: Final = 40
OWN_PACE_INPUT: Final = 12_000
"""Calls of a seat that works with tools at its own pace, and the mean input of one, where nothing was measured."""

PARTNERS_TURNS: Final = 200
PARTNERS_SECONDS: Final = 20.0
"""A play of the built-in partner is cut here; it is then a lower bound."""

Pricing = Callable[[str], Tariff | None]
"""The tariff of an agent by name; None where it is not known."""


@dataclass(frozen=True, slots=True)
class Seats:
    """What one seat takes: calls, and tokens over all of them."""

    calls: float
    input_tokens: float
    output_tokens: float

    def __add__(self, other: Seats) -> Seats:
        return Seats(
            self.calls + other.calls,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
        )


@dataclass(frozen=True, slots=True)
class Forecast:
    """What one episode is likely to take.

    Attributes:
        cost_usd: at list price, without what prompt caches save; None where a price is not known.
        source: where the figures come from, for people.
    """

    calls: float
    input_tokens: float
    output_tokens: float
    cost_usd: float | None
    seconds: float
    source: str


class _Past:
    """What episodes took, in sums: a budget asks before every episode, and there may be a hundred thousand."""

    def __init__(self) -> None:
        self.n = self.priced = 0
        self.seconds = self.cost_usd = 0.0
        # By seat: how many, calls, input tokens, output tokens; of all, and of those that were asked anything.
        self._all: dict[str, tuple[int, int, int, int]] = {}
        self._asked: dict[str, tuple[int, int, int, int]] = {}

    def add(self, episode: Episode) -> None:
        self.n += 1
        self.seconds += episode.duration_s
        cost = episode.cost_usd
        if cost is not None:
            self.priced += 1
            self.cost_usd += cost
        for seat, usage in episode.usage.items():
            for sums in (self._all, *([self._asked] if usage.input_tokens else [])):
                n, calls, given, answered = sums.get(seat, (0, 0, 0, 0))
                calls += usage.calls + usage.retries
                sums[seat] = (n + 1, calls, given + usage.input_tokens, answered + usage.output_tokens)

    def mean(self, seats: Iterable[str]) -> dict[str, Seats]:
        """Of each seat, over the episodes in which it was asked anything, where there are such."""
        found = {}
        for seat in seats:
            n, *sums = self._asked.get(seat) or self._all.get(seat) or (1, 0, 0, 0)
            found[seat] = Seats(*(total / n for total in sums))
        return found


class Forecaster:
    """Forecasts episodes from what is known.

    Args:
        pricing: by agent.
        free: names of agents that cost nothing (built-in players).
        runs: earlier run directories; those that cannot be read are left out.
        recording: where exchanges are played back from, or were kept.
        stand_in: the built-in partner.
    """

    def __init__(
        self,
        pricing: Pricing,
        *,
        free: Callable[[str], bool],
        runs: Iterable[Path] = (),
        recording: Path | None = None,
        stand_in: Agent | None = None,
    ) -> None:
        self._pricing = pricing
        self._free = free
        self._stand_in = stand_in
        self._recording = Recording(recording) if recording is not None and recording.is_dir() else None
        self._exact: dict[tuple[Any, ...], _Past] = {}
        self._alike: dict[tuple[Any, ...], _Past] = {}
        self._played: dict[tuple[Any, ...], tuple[Mapping[str, Seats], str]] = {}
        for run in runs:
            self._read(run)

    def _read(self, run: Path) -> None:
        with contextlib.suppress(CollabError, OSError):
            for episode in Records(RunDirectory.open(run), read_frame(run)):
                self.learn(episode)

    def learn(self, episode: Episode) -> None:
        """Take an episode that has been played into account."""
        if episode.outcome == "infrastructure_error" or not any(one.input_tokens for one in episode.usage.values()):
            return
        self._exact.setdefault((*_what(episode), episode.team), _Past()).add(episode)
        self._alike.setdefault(_what(episode), _Past()).add(episode)

    def of(self, plan: Plan, *, play: bool = True) -> Forecast:
        """What an episode will take.

        Args:
            play: let the built-in partner play the episode where nothing else is known; it takes seconds.
        """
        names = {seat: agent.name for seat, agent in plan.seating(_seats(plan)).items()}
        recorded = self._recorded(plan, names)
        if recorded is not None:
            return self._priced(names, recorded, "recordings", None)
        what = (plan.family.name, plan.task, str(plan.condition))
        for known, told in (
            (self._exact.get((*what, plan.team)), "earlier episodes of this team"),
            (self._alike.get(what), "earlier episodes of other teams"),
        ):
            if known is not None:
                own = told.endswith("this team") and known.priced == known.n
                exact = known.cost_usd / known.n if own else None
                return self._priced(names, known.mean(names), f"{known.n} {told}", known.seconds / known.n, exact)
        if all(map(self._free, names.values())):
            return self._priced(names, {}, "built-in players cost nothing", None)
        if not play:
            one = Seats(1, ANSWER_TOKENS, ANSWER_TOKENS)
            return self._priced(names, dict.fromkeys(names, one), "one call a seat", None)
        stand_in, told = self._partners(plan, names)
        return self._priced(names, stand_in, told, None)

    def _priced(
        self,
        names: Mapping[str, str],
        taken: Mapping[str, Seats],
        source: str,
        seconds: float | None,
        exact: float | None = None,
    ) -> Forecast:
        total, cost, known, slowest = Seats(0, 0, 0), 0.0, True, 0.0
        for seat, name in names.items():
            if self._free(name):
                continue
            one = taken.get(seat, Seats(0, 0, 0))
            total += one
            slowest = max(slowest, one.calls * ANSWER_SECONDS)
            tariff = self._pricing(name)
            if tariff is None:
                known = False
                continue
            calls = max(one.calls, 1.0)
            each = Tokens(int(one.input_tokens / calls), int(one.output_tokens / calls))
            cost += tariff.cost(each) * one.calls + (tariff.price.episode or 0.0)
        spent = exact if exact is not None else (cost if known else None)
        return Forecast(
            total.calls,
            total.input_tokens,
            total.output_tokens,
            spent,
            slowest if seconds is None else seconds,
            source,
        )

    def _recorded(self, plan: Plan, names: Mapping[str, str]) -> dict[str, Seats] | None:
        """What a recording of this very episode holds; None where a seat is missing from it."""
        if self._recording is None:
            return None
        taken = {}
        for seat, name in names.items():
            if self._free(name):
                continue
            try:
                exchanges = self._recording.of(name, plan.id, seat)
            except CollabError:
                return None
            if not exchanges:
                return None
            replies = [one.outcome for one in exchanges if isinstance(one.outcome, Reply)]
            taken[seat] = Seats(
                len(replies),
                sum(reply.usage.input_tokens for reply in replies),
                sum(reply.usage.output_tokens for reply in replies),
            )
        return taken or None

    def _partners(self, plan: Plan, names: Mapping[str, str]) -> tuple[Mapping[str, Seats], str]:
        """What the built-in partner takes in the place of everybody, with a model's answers."""
        key = (plan.family.name, plan.task_hash or plan.task, str(plan.condition))
        if key not in self._played:
            self._played[key] = self._play(plan, tuple(names))
        return self._played[key]

    def _play(self, plan: Plan, seats: tuple[str, ...]) -> tuple[Mapping[str, Seats], str]:
        own_pace = {
            seat: Seats(OWN_PACE_CALLS, OWN_PACE_CALLS * OWN_PACE_INPUT, OWN_PACE_CALLS * ANSWER_TOKENS)
            for seat in seats
        }
        load = plan.family.load(plan.params, plan.condition)
        if load is not None:
            most = Seats(load.calls, load.calls * load.characters / 4, load.calls * ANSWER_TOKENS)
            return dict.fromkeys(seats, most), "the family's figures, at most"
        if self._stand_in is None:
            return own_pace, "a rule of thumb"
        try:
            plan.family.prepare([(plan.params, [plan.seed])])
            game = plan.family.deal(plan.params, plan.seed, plan.condition)
            if game.pace != "turns":
                return own_pace, "a rule of thumb for work with tools"
            counting = _Counting(self._stand_in)
            ended = _run(plan, counting)
        except Exception:  # a family that cannot be played here can be forecast by a rule of thumb only
            return own_pace, "a rule of thumb"
        taken = {
            seat: Seats(calls, characters / 4 + extra, calls * ANSWER_TOKENS)
            for seat, (calls, characters, extra) in counting.seats.items()
        }
        return taken, "the built-in partner's play" + ("" if ended else ", cut short")


class _Counting(Agent):
    """The built-in partner, and a count of what it is asked; its own words grow to a model's."""

    def __init__(self, live: Agent) -> None:
        self.live = live
        self.name, self.model = live.name, live.model
        self.seats: dict[str, tuple[int, int, int]] = {}

    def seated(self, seat: Seat) -> Agent:
        return _CountingSeat(self, self.live.seated(seat), seat.name)

    async def reply(self, request: Request) -> Reply:
        return await self.live.reply(request)


class _CountingSeat(Agent):
    def __init__(self, count: _Counting, live: Agent, seat: str) -> None:
        self._count, self._live, self._seat = count, live, seat
        self.name, self.model, self.wants_solution = live.name, live.model, live.wants_solution

    async def reply(self, request: Request) -> Reply:
        calls, characters, extra = self._count.seats.get(self._seat, (0, 0, 0))
        size = len(request.system) + sum(
            len(turn.text) + sum(len(result.text) for result in turn.tool_results) for turn in request.conversation
        )
        spoken = sum(turn.role == "assistant" for turn in request.conversation)
        # A model's own words are longer than the partner's, and stand in its history without their reasoning.
        self._count.seats[self._seat] = (calls + 1, characters + size, extra + spoken * ANSWER_TOKENS // 4)
        return await self._live.reply(request)

    async def leave(self) -> None:
        await self._live.leave()


def _run(plan: Plan, agent: Agent) -> bool:
    """Play the plan with one agent on every seat, in this thread; whether it came to its end."""
    import anyio

    from pytest_collab.episode.engine import play

    limits = Limits(turns=PARTNERS_TURNS, seconds=PARTNERS_SECONDS)
    others = agent if plan.others is not None else None
    stand_in = replace(
        plan, agents=tuple(agent for _ in plan.agents), others=others, grader=None, limits=limits, attempt=1
    )
    transcript = anyio.run(play, stand_in)
    return transcript.last("limit") is None and transcript.last("error") is None


def _seats(plan: Plan) -> tuple[str, ...]:
    if plan.condition.solo:
        return ("a",)
    return tuple(chain.from_iterable(plan.condition.by_team(plan.family.seats(plan.params))))


def _what(episode: Episode) -> tuple[str, str, str]:
    return (episode.family, episode.task, episode.condition)
