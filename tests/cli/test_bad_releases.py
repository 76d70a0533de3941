"""Runs that once got past a gate, or a comparison, and must not: as the commands judge them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from pytest_collab.cli import main
from pytest_collab.episode.outcome import Failure, Outcome
from pytest_collab.episode.record import Episode
from tests.support.episodes import episode, write_run

RATE = {"metric": "success_rate", "at_least": 0.8}
WORSE = {"metric": "success_rate", "not_worse_than": "baseline", "margin": 0.1}
DEADLOCK = Failure.of("deadlock", "a", events=(1,))


def play(
    n: int = 40,
    ok: int | None = None,
    team: str = "a+a",
    task: str = "t",
    first: int = 0,
    condition: str = "team",
) -> list[Episode]:
    good = n if ok is None else ok
    return [episode(condition, team, first + s, ok=s < good, task=task) for s in range(n)]


def often(seeds: int, epochs: int, failed: int = 0) -> list[Episode]:
    return [episode(seed=s, epoch=e, ok=s * epochs + e >= failed) for s in range(seeds) for e in range(epochs)]


def lost(n: int, first: int, team: str = "a+a") -> list[Episode]:
    return [episode(seed=first + s, team=team, outcome=Outcome.INFRASTRUCTURE, score=0) for s in range(n)]


OPEN = [
    episode(seed=s, ok=s >= 15, outcome=Outcome.UNSETTLED if s < 15 else None, settled=s >= 15) for s in range(40)
]
SOLO = [episode("solo", agent, s, ok=False) for agent in "ab" for s in range(40)]

Case = tuple[dict[str, Any], list[Episode], list[Episode] | None, str, str]
CASES: dict[str, Case] = {
    "five seeds, all well": (RATE, often(5, 10), None, "UNDECIDED", "(95% bounds 54.9 % to 100.0 %"),
    "five seeds, one failure more": (RATE, often(5, 10, 1), None, "UNDECIDED", "(95% bounds 53.8 % to 99.9 %"),
    "20 seeds against a perfect baseline": (WORSE, often(20, 3), often(20, 3), "UNDECIDED", "-13.9 % to 13.9 %"),
    "one failure more against it": (WORSE, often(20, 3, 1), often(20, 3), "UNDECIDED", "-15.6 % to 12.7 %"),
    "five scores": (
        {"metric": "score", "at_least": 0.9},
        [episode(seed=s, score=1.0 if s else 0.99) for s in range(5)],
        None,
        "UNDECIDED",
        "0.5482 to 0.9999",
    ),
    "new teams that fail": (
        WORSE,
        [*play(), *(one for team in ("a+w", "w+a", "w+w") for one in play(ok=0, team=team))],
        play(),
        "UNDECIDED",
        "teams a+w (40), w+a (40), w+w (40)",
    ),
    "new teams that hide a loss": (
        WORSE,
        [*play(ok=30), *(one for team in ("a+x", "x+a", "x+x") for one in play(team=team))],
        play(),
        "FAIL",
        "-25.0 %",
    ),
    "half of what was played is new": (WORSE, play() + play(ok=0, team="a+b"), play(), "UNDECIDED", "team a+b (40)"),
    "a new task that fails": (
        WORSE,
        play(task="easy") + play(ok=0, task="brandnew"),
        play(task="easy") + play(task="hard"),
        "UNDECIDED",
        "task maze/brandnew (40)",
    ),
    "the hard task left out": (
        WORSE,
        play(task="easy"),
        play(task="easy") + play(task="hard"),
        "UNDECIDED",
        "task maze/hard (40)",
    ),
    "two scores of other seeds": (
        {"metric": "score", "not_worse_than": "baseline", "margin": 0.05},
        play(2, first=100),
        play(2),
        "UNDECIDED",
        "-0.7764 to 0.7764",
    ),
    "lost where it counts": (
        RATE,
        [
            *play(85),
            *lost(15, 85),
            *(one for condition in ("shared", "mute", "solo") for one in play(100, condition=condition)),
        ],
        None,
        "VOID",
        "15 of its 100 episodes were lost",
    ),
    "optimal where it succeeded at all": (
        {"metric": "metrics.optimality", "better": "higher", "not_worse_than": "baseline", "margin": 0.05},
        [episode(seed=s, ok=s < 3, metrics={"optimality": 0.97} if s < 3 else {}) for s in range(40)],
        [episode(seed=s, metrics={"optimality": 0.85}) for s in range(40)],
        "ERROR",
        "37 of 80 episodes have no metrics.optimality",
    ),
    "settled by nobody": (
        {"metric": "coordination_failure_rate", "at_most": 0.2},
        OPEN,
        None,
        "UNDECIDED",
        "between 0.0 % and 37.5 %",
    ),
    "settled in one of the runs": (
        {"metric": "coordination_failure_rate", "not_worse_than": "baseline", "margin": 0.1},
        OPEN,
        OPEN + SOLO,
        "UNDECIDED",
        "15 episodes are unsettled",
    ),
    "diluted by what cannot deadlock": (
        {"metric": "failure_rate.deadlock", "at_most": 0.05},
        [
            *play(200),
            *(episode(family="philosophers", seed=s, ok=s > 3, failures=[DEADLOCK][: s < 4]) for s in range(20)),
        ],
        None,
        "FAIL",
        "20.0 % (95% bounds 7.1 % to 40.1 %, 20 episodes)",
    ),
    "a team lost as a whole": (RATE, [*play(200), *lost(10, 0, "a+c")], None, "VOID", "team a+c (10 of 10)"),
    "a baseline lost where the run fails": (
        WORSE,
        play(200, 100),
        [*play(100), *lost(100, 100)],
        "UNDECIDED",
        "100 of the 200 episodes of baseline were lost to the infrastructure (50.0%), above the declared 5.0%",
    ),
    "a baseline that lost a whole team": (
        WORSE,
        [*play(200), *play(10, 0, "a+c")],
        [*play(200), *lost(10, 0, "a+c")],
        "UNDECIDED",
        "10 of the 210 episodes of baseline were lost",
    ),
    "a baseline that lost what decides it": (
        {**WORSE, "margin": 0.05},
        play(200, 192),
        [*play(192), *lost(8, 192)],
        "UNDECIDED",
        "what the lost episodes would have been decides it",
    ),
    "figures beyond counting": (
        {"metric": "metrics.pace", "at_most": 0.5},
        [episode(seed=s, metrics={"pace": 1e308 if s == 0 else 0.1}) for s in range(30)],
        None,
        "FAIL",
        "to inf",
    ),
    "never above the floor": (WORSE, play(ok=0), play(ok=0), "UNDECIDED", "no run could be worse by 0.1"),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_gate_lets_it_out_no_more(tmp_path: Path, capsys: pytest.CaptureFixture[str], case: Case) -> None:
    gate, run, baseline, word, told = case
    (tmp_path / "gates.yaml").write_text(yaml.safe_dump({"gates": [gate]}))
    given: Sequence[str] = ()
    if baseline is not None:
        given = ("--baseline", str(_recorded(tmp_path / "baseline", baseline)))
    command = ["gate", str(_recorded(tmp_path / "run", run)), "--gate", str(tmp_path / "gates.yaml"), *given]
    assert main(command) == (2 if word == "ERROR" else 1)
    line = capsys.readouterr().out.splitlines()[0]
    assert line.startswith(word)
    assert told in line


def test_a_collapse_of_forty_cells_is_worse_though_none_of_them_can_be(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = [
        _recorded(
            tmp_path / name,
            [
                episode("team", team, seed, task=f"t{task}", ok=name == "before")
                for task in range(10)
                for team in ("a+a", "a+b", "b+a", "b+b")
                for seed in range(10)
            ],
        )
        for name in ("before", "after")
    ]
    assert main(["compare", *map(str, runs), "--json"]) == 1
    (found,) = json.loads(capsys.readouterr().out)["comparisons"]
    assert (found["conclusion"], found["seeds_needed"], found["pooled"][0]["pairs"]) == ("worse", 11, 400)
    assert {change["status"] for change in found["changes"]} == {"unclear"}


def _recorded(path: Path, episodes: Sequence[Episode]) -> Path:
    write_run(path, episodes)
    (path / "run.json").write_text("{}")
    return path
