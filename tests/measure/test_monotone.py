"""A worse episode never turns a verdict towards pass."""

from __future__ import annotations

from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_collab.episode.outcome import Outcome
from pytest_collab.episode.record import Episode
from pytest_collab.measure.decision import GateVerdict
from pytest_collab.measure.gate import GateFile
from pytest_collab.measure.reader import frame_of
from pytest_collab.measure.verdicts import judge_run
from tests.support.episodes import episode

TOWARDS_PASS: Final = [GateVerdict.FAIL, GateVerdict.UNDECIDED, GateVerdict.PASS]
RATES: Final[list[dict[str, Any]]] = [
    {"metric": "success_rate", "at_least": 0.5},
    {"metric": "success_rate", "at_least": 0.8, "cluster": "episode"},
    {"metric": "coordination_failure_rate", "at_most": 0.4},
    {"metric": "success_rate", "not_worse_than": "baseline", "margin": 0.2},
    {"metric": "success_rate", "better_than": "baseline"},
]
SCORES: Final[list[dict[str, Any]]] = [
    {"metric": "score", "at_least": 0.5},
    {"metric": "score", "at_least": 0.9, "cluster": "task"},
    {"metric": "score", "not_worse_than": "baseline", "margin": 0.1},
]
COSTS: Final[list[dict[str, Any]]] = [
    {"metric": "cost_usd", "at_most": 0.5},
    {"name": "of known range", "metric": "cost_usd", "at_most": 0.5, "range": [0, 20]},
    {"metric": "cost_usd", "not_worse_than": "baseline", "margin": 0.2},
]

GAPS: Final[list[dict[str, Any]]] = [
    {"metric": "collaboration_gap", "at_most": 0.3},
    {"metric": "communication_loss", "at_most": 0.5},
    {"metric": "collaboration_gap", "not_worse_than": "baseline", "margin": 0.2},
]
LOST: Final[list[dict[str, Any]]] = [
    {"metric": "success_rate", "at_least": 0.4},
    {"name": "at random", "metric": "success_rate", "at_least": 0.4, "lost": "at_random"},
    {"metric": "score", "at_least": 0.4},
]
BESIDE: Final = {
    # Played beside the teams: alone and with all shown, for gaps; and lost, to the infrastructure and unread.
    "gaps": [
        *(episode("solo", agent, seed, ok=seed % 4 > 0) for seed in range(13) for agent in "ab"),
        *(episode("shared", team, seed, ok=seed % 3 > 0) for seed in range(13) for team in ("a+b", "b+a")),
    ],
    "lost": [
        episode(seed=20, outcome=Outcome.INFRASTRUCTURE, score=0),
        episode(seed=21, outcome=Outcome.UNSETTLED, score=0.2, settled=False, metrics={"ungraded": 1.0}),
    ],
}

Play = tuple[int, int, int]
PLAYS: Final = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 2), st.integers(0, 1)), min_size=1, max_size=40)
KINDS: Final = st.sampled_from(["steady", "high", "mixed"])


def drawn(plays: list[Play], figures: list[float], kind: str) -> list[Episode]:
    made = []
    for (seed, epoch, team), figure in zip(dict.fromkeys(plays), figures, strict=False):
        score = {"steady": 1.0, "high": 1.0 - 0.02 * figure, "mixed": figure}[kind]
        name = ["a+b", "b+a"][team]
        ok = score > 0.3
        made.append(episode("team", name, seed, epoch=epoch, ok=ok, score=score, cost=2.0 * (1.0 - score)))
    return made


def order(gates: list[dict[str, Any]], episodes: list[Episode], old: list[Episode]) -> list[int]:
    void = {"infrastructure": {"at_most": 0.9}, "lost": "worst"}  # never void
    file = GateFile.model_validate({"gates": gates, "confidence": 0.9, **void})
    report = judge_run(file, frame_of(episodes), {"baseline": frame_of(old)})
    assert not report.problems
    return [TOWARDS_PASS.index(result.verdict) for result in report.gates]


@given(plays=PLAYS, figures=st.lists(st.floats(0, 1), min_size=40, max_size=40), kind=KINDS, data=st.data())
@settings(max_examples=40)
@pytest.mark.parametrize(
    ("beside", "gates"), [("", RATES), ("", SCORES), ("", COSTS), ("gaps", GAPS), ("lost", LOST)]
)
def test_a_worse_episode_turns_no_verdict_towards_pass(
    beside: str, gates: list[dict[str, Any]], plays: list[Play], figures: list[float], kind: str, data: st.DataObject
) -> None:
    run = drawn(plays, figures, kind)
    old = drawn([(seed, 0, team) for seed in range(13) for team in range(2)], [0.9] * 26, kind)
    place = data.draw(st.integers(0, len(run) - 1))
    one = run[place]
    score = one.score * data.draw(st.floats(0, 1))
    (seat, usage), *others = one.usage.items()
    spent = usage.model_copy(update={"cost_usd": (usage.cost_usd or 0.0) + data.draw(st.floats(0, 4))})
    worse = episode("team", "+".join(one.team), one.seed, epoch=one.epoch, ok=False, score=score)
    changed = worse.model_copy(update={"usage": {seat: spent, **dict(others)}})
    others = BESIDE.get(beside, [])
    after = order(gates, [*run[:place], changed, *run[place + 1 :], *others], [*old, *others])
    assert all(
        now <= before for now, before in zip(after, order(gates, [*run, *others], [*old, *others]), strict=True)
    )


@pytest.mark.parametrize(
    ("gate", "best", "worse"),
    [
        ({"metric": "success_rate", "at_least": 0.8}, [1.0] * 50, [0.0] + [1.0] * 49),
        ({"metric": "success_rate", "not_worse_than": "baseline", "margin": 0.1}, [1.0] * 60, [0.0] + [1.0] * 59),
        ({"metric": "score", "at_least": 0.9}, [1.0] * 5, [1.0] * 4 + [0.99]),
    ],
)
def test_one_failure_more_is_not_what_a_release_was_waiting_for(
    gate: dict[str, Any], best: list[float], worse: list[float]
) -> None:
    epochs = {50: 10, 60: 3, 5: 1}[len(best)]

    def run(scores: list[float]) -> list[Episode]:
        places = [(place // epochs, place % epochs, score) for place, score in enumerate(scores)]
        return [episode(seed=seed, epoch=epoch, ok=score > 0, score=score) for seed, epoch, score in places]

    file = GateFile.model_validate({"gates": [gate]})
    found = [judge_run(file, frame_of(run(scores)), {"baseline": frame_of(run(best))}) for scores in (best, worse)]
    assert [report.gates[0].verdict for report in found] == [GateVerdict.UNDECIDED] * 2
    assert found[1].gates[0].low is not None
    assert found[1].gates[0].low < (found[0].gates[0].low or 0.0)
