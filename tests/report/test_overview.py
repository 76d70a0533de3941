"""The first page: a gate a line, a family a row, who was at fault now and before, what was won before."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_collab.episode.outcome import Failure, Outcome
from pytest_collab.episode.planned import PlannedCount
from pytest_collab.episode.record import Episode
from pytest_collab.episode.run import RunDirectory, RunInfo
from pytest_collab.episode.transcript import Transcript
from pytest_collab.measure.gate import GateFile
from pytest_collab.measure.reader import frame_of
from pytest_collab.measure.verdicts import judge_run
from pytest_collab.report.gateline import more, short, strip
from pytest_collab.report.html import render
from pytest_collab.report.overview import overview
from pytest_collab.report.quotes import proving
from pytest_collab.report.reading import read_report
from tests.support.episodes import episode

SAID = "I name cells (row, column), both from 0. In my copy these cells are walls: (0, 1), (3, 1). Shall we go?"


def put(run: RunDirectory, one: Episode) -> None:
    """Keep an episode; where it failed, with a saying of seat b as the proof."""
    transcript = Transcript()
    transcript.add("start", family=one.family, params={}, seats=["a", "b"])
    said = transcript.add("message", "b", to=["a"], text=SAID, delivered=["a"], dropped={})
    if not one.success and one.outcome is not Outcome.INFRASTRUCTURE:
        claim = Failure.of("false_claim", "b", events=[said.seq], note="b sees that (0, 1) is not '#'")
        one = one.model_copy(update={"failures": (claim,)})
    run.add(one.model_copy(update={"transcript": f"transcripts/{one.id}.jsonl"}), transcript)


def played(path: Path, name: str, wrong: int, seeds: int = 12, **info: object) -> RunDirectory:
    """Two families, solo and in teams; the first `wrong` seeds of the maze's team fail."""
    run = RunDirectory.create(path)
    run.write("run.json", RunInfo(finished="2026-01-01T00:00:00+00:00", exit_status=0, **info))  # type: ignore[arg-type]
    for family in ("maze", "market"):
        for seed in range(seeds):
            ok = family == "market" or seed >= wrong
            put(run, episode("team", f"{name}+{name}", seed, ok=ok, family=family))
            put(run, episode("solo", name, seed, family=family))
    return run


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunDirectory, RunDirectory]:
    """Last night's run with one failure, and tonight's with ten."""
    folder = tmp_path_factory.mktemp("pair")
    return played(folder / "nightly", "old", 1), played(folder / "tonight", "new", 10)


def test_the_sentence_says_worse_where_and_by_how_much(pair: tuple[RunDirectory, RunDirectory]) -> None:
    before, now = pair
    found = read_report(now, before.path).answer
    assert found.tone == "bad"
    assert found.title == "new is worse than old: success 79 %, was 98 %, −19 points (−32 .. −10)"
    assert found.where == "Worse: maze −38 (58 %, was 96 %). Same: market."


def test_a_family_has_one_row_with_gaps_and_where_it_was(pair: tuple[RunDirectory, RunDirectory]) -> None:
    before, now = pair
    found = read_report(now, before.path).matrix
    assert found is not None
    assert (found.conditions, found.gaps) == (("solo", "team"), ("collaboration_gap",))
    maze, market, whole = found.rows
    _, team = maze.squares
    assert team is not None
    assert (team.successes, team.n, team.before, team.mark) == (2, 12, pytest.approx(11 / 12), "worse")
    assert team.low < team.rate < team.high
    assert maze.gaps[0] is not None
    assert maze.gaps[0].estimate.value == pytest.approx(10 / 12)
    assert [square and (square.rate, square.mark) for square in market.squares] == [(1.0, ""), (1.0, "")]
    assert whole.family is None
    assert whole.squares[1] is not None
    assert whole.squares[1].n == 24
    alone = read_report(now).matrix
    assert alone is not None
    assert all(square and square.before is None for row in alone.rows for square in row.squares)


def test_a_fault_is_told_with_its_share_before_and_the_words_that_prove_it(
    pair: tuple[RunDirectory, RunDirectory],
) -> None:
    before, now = pair
    view = overview(read_report(now, before.path))
    (fault,) = view.faults
    assert (fault.agent, fault.complaint.code, fault.complaint.episodes, fault.of) == ("new", "false_claim", 10, 24)
    assert fault.complaint.before == (1, 24)
    assert fault.complaint.examples[0].quote == "In my copy these cells are walls: (0, 1), (3, 1)."
    assert view.lost_in_all == 9, "seed 0 was lost before, too"
    assert {one.episode.family for one in view.lost} == {"maze"}
    assert render(read_report(now, before.path), now).text.count("“In my copy these cells are walls") == 1


@pytest.mark.parametrize(
    ("note", "quote"),
    [
        ("b sees that (0, 1) is not '#'", "In my copy these cells are walls: (0, 1), (3, 1)."),
        ("said 'Shall we go?' and stayed", "Shall we go?"),
        ("nothing in common", SAID),
    ],
)
def test_a_quote_is_the_sentence_that_the_note_speaks_of(note: str, quote: str) -> None:
    assert proving(SAID, note) == quote


def test_a_gate_is_one_line_in_one_unit_with_its_place_on_the_strip() -> None:
    episodes = [episode(seed=seed, ok=seed < 8) for seed in range(16)]
    gates = [
        {"metric": "success_rate", "at_least": 0.9},
        {"metric": "success_rate", "at_least": 0.4},
        {"metric": "cost_usd", "at_most": 1},
    ]
    report = judge_run(GateFile.model_validate({"gates": gates}), frame_of(episodes))
    high, open_, cost = report.gates
    assert short(high) == "50 % (28 .. 72), wanted >= 90 %"
    assert more(high) == ""
    assert short(open_) == "50 % (28 .. 72), wanted >= 40 %"
    assert more(open_).endswith(" more seeds")
    assert short(cost).startswith("$0.02 ($0.0166 .. ")
    place = strip(high)
    assert place.value == 0.5
    assert place.low < 0.5 < place.high < place.threshold == 0.9
    assert place.above
    assert not strip(cost).above
    assert strip(cost).value < strip(cost).threshold < 1.0  # type: ignore[operator]


def test_what_is_missing_is_named_and_nothing_is_green(tmp_path: Path) -> None:
    planned = [PlannedCount(family="maze", task="t", condition=one, episodes=12) for one in ("solo", "team")]
    run = played(tmp_path / "run", "new", 0, seeds=5, planned=planned)
    report = read_report(run, played(tmp_path / "base", "new", 0, seeds=5).path)
    assert report.answer.tone == "open"
    assert report.answer.title.startswith("Ended after 20 of 24 episodes: ")
    assert [(one.condition, one.played, one.planned) for one in report.missing] == [("solo", 5, 12), ("team", 5, 12)]
    text = render(report, run).text
    assert "maze/t solo 7 of 12, maze/t team 7 of 12" in text
    assert "--collab-resume" in text


def test_nobody_is_blamed_by_a_run_that_says_nothing(tmp_path: Path) -> None:
    run = played(tmp_path / "run", "new", 12)
    for seed in range(8):
        put(run, episode(seed=100 + seed, outcome=Outcome.INFRASTRUCTURE).model_copy(update={"error": "503 from it"}))
    gates = GateFile.model_validate({"gates": [{"metric": "success_rate", "at_least": 0.9}]})
    run.write("gates.json", judge_run(gates, frame_of(run.record().episodes())))
    report = read_report(run)
    assert report.answer.title == (
        "This run says nothing about the agents: 8 of 56 episodes (14.3%) were lost to infrastructure"
    )
    text = render(report, run).text
    assert "8 × 503 from it" in text
    assert "What to tell" not in text
