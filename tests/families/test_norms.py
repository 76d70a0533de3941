"""Norms of a commons: how far takes are from what was stated, and whom punishment hits."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_collab.families.commons import Commons, CommonsFamily
from pytest_collab.families.commons.norms import stated
from pytest_collab.families.taskfile import read_task
from pytest_collab.testing import play_episode
from tests.support.says import Says

FAMILY = CommonsFamily()
TASKS = Path(__file__).parents[2] / "tasks" / "commons"
SMALL = Commons(seats=4, rounds=4, norms=True, punishment=6, punishment_cost=2, rewards_told=False)


def figures(*team: str | Says, params: Commons = SMALL) -> dict[str, float]:
    return dict(play_episode(params, list(team), family=FAMILY).episode.metrics)


def test_the_norm_is_the_median_of_the_last_proposals() -> None:
    assert [stated(norms) for norms in ([None, None], [None, 7], [3, 9], [3, 9, 5])] == [None, 7, 3, 5]


def test_the_gap_is_the_mean_take_less_the_norm_that_stood_then() -> None:
    told = figures(Says("ACTION: 10\nNORM: 8"))
    assert (told["norm"], told["norm_gap"], told["norm_kept"]) == (8, 2, 0)
    kept = figures("partner")
    assert (kept["norm_gap"], kept["norm_kept"]) == (0, 1)
    none = figures(Says("ACTION: 10"))
    assert not {"norm", "norm_gap", "norm_kept"} & none.keys()


@pytest.mark.parametrize(
    ("player", "others", "prosocial"),
    [("punisher", "free_rider", 1), ("spiteful", "partner", 0), ("spiteful", "punisher", None)],
)
def test_punishment_is_told_by_whom_it_hits(player: str, others: str, prosocial: float | None) -> None:
    team = ["partner", player, others, others]
    found = figures(*team)
    if prosocial is None:  # the punisher has nobody to punish: all keep the norm
        prosocial = 0
    assert found["prosocial_punishment"] == prosocial
    assert found["antisocial_punishment"] == 1 - prosocial
    assert found["punishments"] > 0
    if player == "punisher":
        assert found["violators_punished"] == 1
    else:
        assert "violators_punished" not in found


def test_breaches_that_nobody_punishes_are_counted_and_nobody_punished_has_no_share() -> None:
    found = figures("partner", "partner", "partner", "free_rider")
    assert found["violators_punished"] == 0
    assert "prosocial_punishment" not in found
    unpunishable = figures("partner", "free_rider", params=SMALL.model_copy(update={"punishment": 0}))
    assert "violators_punished" not in unpunishable


def test_where_a_harm_is_removed_doing_less_than_the_norm_breaks_it() -> None:
    params = Commons(seats=3, rounds=3, harm="doubling", norms=True, punishment=2)
    found = figures("punisher", "partner", "free_rider", params=params)
    assert found["norm_gap"] < 0
    assert found["prosocial_punishment"] == 1


def test_the_four_tasks_are_the_grid_and_differ_in_nothing_else() -> None:
    grid = {}
    for name in ("rich_altruistic", "rich_selfish", "scarce_altruistic", "scarce_selfish"):
        params = read_task(TASKS / f"norms_{name}.collab.yaml").params
        assert isinstance(params, Commons)
        grid[name] = params
        assert not params.rewards_told
        assert params.norms
        assert params.punishment
        assert params.social_learning
    assert {(p.start, p.attitude) for p in grid.values()} == {
        (start, attitude) for start in (100, 40) for attitude in ("altruistic", "selfish")
    }
    rest = [p.model_dump(exclude={"start", "attitude"}) for p in grid.values()]
    assert all(one == rest[0] for one in rest)


def test_nobody_is_told_that_units_are_gain() -> None:
    played = play_episode(SMALL, ["partner"], family=FAMILY)
    briefs = [event.data["text"] for event in played.transcript.of("brief")]
    plain = play_episode(SMALL.model_copy(update={"rewards_told": True}), ["partner"], family=FAMILY)
    assert all(brief != event.data["text"] for brief, event in zip(briefs, plain.transcript.of("brief"), strict=True))
