"""Whole episodes: seats in sandboxes of their own, a merge, hidden tests, and a verdict."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pytest_collab.episode.agent import Agent
from pytest_collab.episode.outcome import Outcome
from pytest_collab.families.coding.cast import PLANTED
from pytest_collab.families.coding.environment.toolchain import missing_toolchain
from pytest_collab.families.taskfile import read_task
from pytest_collab.testing import Played, play_episode
from tests.coding import small
from tests.coding.small import CLEAN, CONFLICTING

pytestmark = pytest.mark.usefixtures("own_cache")

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small.lay_out(tmp_path_factory.mktemp("pool"))


def play(
    root: Path, team: str | list[Agent], condition: str = "team", seed: int = CONFLICTING, **more: object
) -> Played:
    agents = team.split("+") if isinstance(team, str) else team
    return play_episode(small.params(root, **more), agents, condition, seed)


def codes(played: Played) -> list[tuple[str, tuple[str, ...]]]:
    return [(failure.code, failure.seats) for failure in played.episode.failures]


@pytest.mark.parametrize("seed", [CONFLICTING, CLEAN])
@pytest.mark.parametrize(
    ("team", "condition"),
    [
        ("oracle+oracle", "team"),
        ("partner+partner", "team"),
        ("partner", "solo"),
        ("partner", "with:partner"),
        ("partner+partner", "shared"),
        ("partner+partner", "git"),
        ("partner+partner", "sequential"),
        ("partner+partner", "lead"),
        ("partner+oracle", "relay:1"),
        ("partner+partner", "protocol:plan_first"),
    ],
)
def test_competent_players_succeed_under_every_condition(root: Path, team: str, condition: str, seed: int) -> None:
    played = play(root, team, condition, seed)
    assert played.episode.success, (played.episode.error, codes(played))
    assert played.episode.score == 1.0


def test_partners_who_cannot_talk_conflict_where_their_features_meet(root: Path) -> None:
    assert play(root, "partner+partner", "mute", CLEAN).episode.success
    played = play(root, "partner+partner", "mute")
    assert played.episode.outcome is Outcome.COORDINATION
    assert codes(played)[0] == ("work_overlap", ("a", "b"))
    assert played.episode.score == 0.0
    assert played.episode.metrics["own_passed"] == 1.0


def test_luck_with_a_union_of_both_sides_is_told_apart_and_is_no_success(tmp_path: Path) -> None:
    root = small.lay_out(tmp_path, combined=False)
    for name, body, check in (("double", "add(a, a)", 8), ("triple", "3 * a", 12)):
        folder = root / "features" / name
        added = f"{small.CALC}\n\ndef {name}(a):\n    return {body}\n"
        (folder / "feature.patch").write_text(small.patch({"calc.py": added}))
        tests = f"import calc\nassert calc.{name}(4) == {check}\n"
        (folder / "tests.patch").write_text(small.patch({f"tests/test_{name}.py": tests}))
    played = play(root, "silent+silent")
    metrics = played.episode.metrics
    assert (metrics["own_passed"], metrics["merge_clean"], metrics["joined_passed"]) == (1.0, 0.0, 0.0)
    assert metrics["union_passed"] == 1.0
    assert played.episode.outcome is Outcome.COORDINATION
    merges = [event.data for event in played.transcript.of("grade") if event.data["what"] == "merge"]
    assert [(merge["strategy"], merge["status"]) for merge in merges] == [("naive", "conflicts"), ("union", "clean")]
    assert merges[1]["rescued"] == ["calc.py"]


SHIPPED = [
    *(("silent", "sift", 0), ("silent", "daybook", 0), ("silent", "slotbook", 0), ("silent", "larder", 4)),
    *(("overwriter", "sift", 0), ("overwriter", "larder", 0), ("promise_breaker", "slotbook", 1)),
    *(("quitter", "daybook", 3), ("repeater", "sift", 2)),
]
"""Faults on pairs of shipped pools: textual, semantic and independent ones."""


@pytest.mark.slow
@pytest.mark.parametrize(("fault", "pool", "seed"), SHIPPED)
def test_faults_come_back_under_their_name_on_shipped_pools(fault: str, pool: str, seed: int) -> None:
    params: Any = read_task(ROOT / "tasks" / "coding" / pool / f"{pool}.collab.yaml").params
    if lacking := missing_toolchain(params):
        pytest.skip(lacking)
    episode = play_episode(params, [fault, "partner"], seed=seed).episode
    assert episode.outcome is not Outcome.INFRASTRUCTURE, episode.error
    assert not episode.success
    assert (episode.failures[0].code, episode.failures[0].seats) == (PLANTED[fault], ("a",))


@pytest.mark.slow
def test_every_planted_fault_comes_back_under_its_own_name(root: Path) -> None:
    matrix: dict[str, dict[str, int]] = {}
    wrong_seat = []
    for name in PLANTED:
        for seat, team in (("a", f"{name}+partner"), ("b", f"partner+{name}")):
            for seed in (CONFLICTING, CLEAN):
                episode = play(root, team, seed=seed).episode
                assert episode.outcome is not Outcome.INFRASTRUCTURE, episode.error
                if episode.success:
                    continue
                headline = episode.failures[0]
                row = matrix.setdefault(name, {})
                row[headline.code] = row.get(headline.code, 0) + 1
                if headline.seats != (seat,):
                    wrong_seat.append((team, seed, headline))
    lines = [f"{name:16} {row}" for name, row in matrix.items()]
    print("\n".join(["planted          headline", *lines]))
    assert set(matrix) == set(PLANTED), "a planted fault never led to a failure"
    for name, row in matrix.items():
        assert row.get(PLANTED[name], 0) >= 0.95 * sum(row.values()), "\n".join(lines)
    assert not wrong_seat
