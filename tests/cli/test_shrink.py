"""The smallest failing case: the same agents, the same code, and nothing that is luck."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_collab import families
from pytest_collab.agents.registry import Registry
from pytest_collab.cli.fuzz import _search
from pytest_collab.cli.shrink import smallest
from pytest_collab.cli.trial import Trial, task_file
from pytest_collab.episode.agent import Agent, Reply, Request, Seat
from pytest_collab.episode.condition import Condition
from pytest_collab.families.difficulty import dials_of, params_at
from pytest_collab.families.market import Market
from pytest_collab.families.maze import Maze
from pytest_collab.families.taskfile import read_task
from pytest_collab.measure.reproduction import shows
from pytest_collab.strategies import games, mazes

NUMBERED = ("maze", "market", "commons", "philosophers", "donor", "public_goods", "experts", "alem")


def trial(family: str, team: tuple[str, ...], budget: int = 40, **made: Any) -> Trial:
    known = families.get(family)
    registry = Registry([lambda name: made[name]() if name in made else None], set(known.cast))
    return Trial(known, registry, team, Condition.parse("team"), budget)


def headline(playing: Trial, params: Any, seed: int) -> str:
    found = playing.once(params, seed).episode.headline
    assert found is not None
    playing.played = 0
    return found.code


@pytest.mark.slow
@pytest.mark.parametrize(
    ("team", "code"),
    [
        (("silent", "silent"), "unresponsive"),
        (("partner", "confabulator"), "false_claim"),
        (("partner", "deaf"), "ungrounded"),
    ],
    ids=lambda one: "+".join(one) if isinstance(one, tuple) else one,
)
def test_a_failure_in_a_large_maze_comes_down_to_a_small_one_under_its_own_code(
    team: tuple[str, ...], code: str
) -> None:
    playing = trial("maze", team)
    params = Maze(size=12, path=(12, 16))
    assert headline(playing, params, 3) == code
    found = smallest(playing, params, 3, code, shows)
    assert found is not None
    least, seed, finished = found
    assert least.model_dump()["size"] <= 4
    assert playing.played <= 40
    assert code in [failure.code for failure in finished.episode.failures]
    again = trial("maze", team).once(least, seed)
    assert code in [failure.code for failure in again.episode.failures]


@pytest.mark.parametrize("fault", ["silent", "promise_breaker"])
def test_a_failure_in_a_market_comes_down_to_few_agents_and_rounds(fault: str, tmp_path: Any) -> None:
    playing = trial("market", (fault, fault))
    params = Market(agents=6, rounds=12, pieces=30)
    code = headline(playing, params, 2)
    found = smallest(playing, params, 2, code, shows)
    assert found is not None
    least, seed, _ = found
    values = least.model_dump()
    assert (values["agents"], values["rounds"]) < (6, 12)
    assert values["agents"] <= 3
    assert playing.played <= 40
    path = tmp_path / "smallest.collab.yaml"
    path.write_text(task_file("market", least, playing.condition, seed, None))
    assert read_task(path).params == least
    assert yaml.safe_load(path.read_text())["seeds"] == [seed]


class Sometimes(Agent):
    """Fails half of the time, whatever it is asked: silent in every other episode, else the family's partner."""

    episodes = itertools.count()

    def __init__(self) -> None:
        self.name = "sometimes"
        self.silent = False
        self.player: Agent | None = None

    def seated(self, seat: Seat) -> Agent:
        mine = Sometimes()
        character = "silent" if next(Sometimes.episodes) // len(seat.seats) % 2 else "partner"
        mine.player = seat.family.player(character, seat)
        return mine

    async def reply(self, request: Request) -> Reply:
        assert self.player is not None
        return await self.player.reply(request)


def test_an_agent_that_fails_half_of_the_time_is_not_shrunk_to_nothing() -> None:
    Sometimes.episodes = itertools.count(3)  # the first play fails
    playing = trial("market", ("sometimes", "sometimes"), sometimes=Sometimes)
    params = Market(agents=3, rounds=5, pieces=12)
    code = headline(trial("market", ("silent", "silent")), params, 0)
    assert smallest(playing, params, 0, code, shows) is None
    assert playing.played < 10


@pytest.mark.parametrize(
    ("seen", "settled"),
    [([True] * 3, None), ([True] * 4, True), ([False], False), ([True, False], None), ([True, False, False], False)],
)
def test_a_failure_that_did_not_show_four_times_in_a_row_is_open_or_luck(
    seen: list[bool], settled: bool | None
) -> None:
    assert shows(seen) is settled


@pytest.mark.parametrize("family", NUMBERED)
def test_every_family_of_numbers_has_an_easiest_game_and_a_hard_one(family: str) -> None:
    kind = families.get(family).params_type
    dials = [dial for dial in dials_of(kind) if kind.model_fields[dial.name].default is not None]
    assert dials
    assert params_at(kind, {}, dials, [0] * len(dials)) is not None
    assert params_at(kind, {}, dials, [dial.levels for dial in dials]) is not None


@pytest.mark.parametrize("family", NUMBERED)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_strategies_draw_games_that_can_be_dealt(family: str, data: st.DataObject) -> None:
    params = data.draw(games(family))
    assert families.of(params).seats(params)


def test_ranges_are_kept_and_shrink_to_the_smallest_maze() -> None:
    from hypothesis import find

    drawn = find(mazes(size=(4, 9), crossing=(0.25, 1.0)), lambda maze: True, settings=settings(database=None))
    assert (drawn.size, drawn.crossing) == (4, 0.25)
    with pytest.raises(TypeError, match="no 'sise'"):
        mazes(sise=4)


def test_fuzz_finds_where_a_team_fails_and_remembers_it(tmp_path: Any) -> None:
    first = trial("market", ("silent", "silent"), budget=30)
    worst = _search(first, 2, tmp_path)
    assert worst is not None
    params, rate, seed = worst
    assert rate == 1.0
    assert not first.once(params, seed).episode.success
    again = trial("market", ("silent", "silent"), budget=2)
    second = _search(again, 2, tmp_path)
    assert second is not None
    assert (second[0], second[1]) == (params, 1.0), "what was found is played first"
