"""What the terminal says of a run: its tables where they are short, else the digest, which is short for any run."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_collab.cli import main
from pytest_collab.episode.outcome import Cause, Failure, Outcome
from pytest_collab.episode.record import Episode
from pytest_collab.episode.run import RunDirectory, RunInfo
from pytest_collab.measure.bulk import summarise_frame
from pytest_collab.measure.gate import GateFile
from pytest_collab.measure.reader import frame_of, read_frame
from pytest_collab.measure.verdicts import judge_run
from pytest_collab.report.changes import brief_lines as brief_changes
from pytest_collab.report.digest import digest_lines
from pytest_collab.report.gates import brief_lines as brief_gates
from pytest_collab.report.gates import verdict_line
from pytest_collab.report.lead import lead_lines
from pytest_collab.report.reading import read_report
from pytest_collab.report.terminal import FEW, run_lines
from tests.support.episodes import episode, write_run

TEAMS = [("good", "good"), *(("good", f"a-rather-long-name-{number}") for number in range(7))]


def played(family: str, condition: str, team: tuple[str, ...], seed: int) -> Episode:
    """Teams of the good one with itself succeed, the others do not, for the second seat's claims."""
    ok = len(set(team)) == 1 or condition == "shared"
    failure = Failure(code="false_claim", cause=Cause.COMMUNICATION, seats=("b",), events=(1,), note="no such wall")
    failures = () if ok else (failure,)
    return episode(condition, "+".join(team), seed, ok=ok, family=family, failures=failures)


def many(families: int = 14) -> list[Episode]:
    episodes = []
    for number in range(families):
        name = f"family_number_{number}"
        for seed in range(3):
            episodes += [played(name, "solo", (agent,), seed) for agent in dict.fromkeys(a for t in TEAMS for a in t)]
            episodes += [played(name, c, team, seed) for c in ("team", "shared", "mute", "relay:2") for team in TEAMS]
    return episodes


def test_the_digest_of_any_run_is_short_and_narrow() -> None:
    frame = frame_of(many())
    lines = digest_lines(frame, summarise_frame(frame))
    assert len(lines) <= 28
    assert max(map(len, lines)) <= 80


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of many families that gates and a baseline found worse, and some of whose episodes were lost."""
    folder = tmp_path_factory.mktemp("judged")
    good = [one.model_copy(update={"outcome": Outcome.SUCCESS, "failures": ()}) for one in many()]
    write_run(folder / "last-night", good)
    lost = [
        episode(
            "team", "good+good", 90 + number, family="maze", outcome=Outcome.INFRASTRUCTURE, score=0.0
        ).model_copy(
            update={"error": f"ProviderError: agent 'good' (openai-chat/{'model' * 20}): reason {number} of many"}
        )
        for number in range(6)
    ]
    run = write_run(folder / "tonight", [*many(), *lost])
    info = RunInfo(finished="2026-01-01T00:00:00Z", exit_status=1, options={"baseline": str(folder / "last-night")})
    (run / "run.json").write_text(info.model_dump_json())
    gates = [
        {"name": f"gate number {number} on {metric}, by name", "metric": metric, rule: threshold}
        for number in range(4)
        for metric, rule, threshold in (
            ("success_rate", "at_least", 0.9),
            ("collaboration_gap", "at_most", 0.05),
            ("score", "at_least", 0.01),
        )
    ]
    file = GateFile.model_validate({"gates": gates})
    (run / "gates.json").write_text(judge_run(file, read_frame(run)).model_dump_json())
    return run


def test_all_that_a_session_ends_with_is_forty_lines_of_eighty_columns(judged: Path) -> None:
    run = RunDirectory.open(judged)
    frame = read_frame(judged)
    report = read_report(run)
    assert report.gates is not None
    assert report.baseline is not None
    assert report.baseline.comparison is not None
    parts = [
        ["= collaboration =", *lead_lines(report, Path("runs/tonight")), ""],
        run_lines(judged, frame, summarise_frame(frame), Path("runs/tonight"), brief=True),
        ["= since last-night =", *brief_changes(report.baseline.comparison, "last-night")],
        ["= gates =", *brief_gates(report.gates), verdict_line(report.gates)],
        ["report: runs/tonight/report.html", "= 1 failed, 2 passed in 1 s ="],
    ]
    lines = [line for part in parts for line in part]
    assert len(lines) <= 40, "\n".join(lines)
    assert max(map(len, lines)) <= 80
    assert lines[1].startswith("Worse than last-night: success ")
    assert any(line.startswith("most to answer for: a-rather-long-name-") for line in lines[:8])
    assert any(line.startswith("look at it: collab show runs/tonight ") for line in lines[:10])
    assert [line for line in lines if line.startswith("and ") and line.endswith("more that stop a release")]


def test_the_digest_says_how_teams_did_and_who_was_at_fault() -> None:
    frame = frame_of(many(families=2))
    lines = digest_lines(frame, summarise_frame(frame))
    assert lines[0].split() == ["all", "teams", "solo", "team", "mute", "shared", "relay:2", "gap,", "in", "points"]
    name, *rates = lines[1].split()
    assert (name, *rates[:3]) == ("family_number_0", "100%", "12%", "12%")
    assert rates[5].startswith("+88")
    told = "\n".join(lines)
    assert "and 4 that did better together" in told, "good+good is among those that are left out"
    # Two families, three seeds, the three conditions under which claims do harm.
    assert "18 of 18  false_claim 18" in told
    assert "  good " not in told, "who is never at fault has no line"
    assert lines[-2] == "why teams fail (88% do): competence 0%, cooperation 0%, communication 100%"
    assert lines[-1] == "coordination failure 126, success 114"


def test_what_is_unsettled_is_nobodys_fault_there() -> None:
    one = played("maze", "team", ("good", "bad"), 0)
    frame = frame_of([one.model_copy(update={"outcome": Outcome.UNSETTLED, "settled": False})])
    lines = digest_lines(frame, summarise_frame(frame))
    assert not [line for line in lines if "false_claim" in line]
    assert lines[-1] == "unsettled 1"


def test_short_tables_are_shown_and_long_ones_on_demand(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    few = [played("maze", condition, ("good", "good"), seed) for condition in ("team", "shared") for seed in range(2)]
    frame = frame_of(few)
    assert run_lines(tmp_path, frame, summarise_frame(frame))[0] == "maze", "a table a family"
    run = write_run(tmp_path / "run", many(families=2))
    (run / "run.json").write_text("{}")
    assert main(["show", str(run)]) == 0
    short = capsys.readouterr().out.splitlines()
    assert len(short) <= 38
    assert short[-1] == f"look closer: collab show {run} --failed (or --tables)"
    assert main(["show", str(run), "--tables"]) == 0
    whole = capsys.readouterr().out.splitlines()
    assert len(whole) > FEW
    assert {"family_number_0", "family_number_1"} <= set(whole)
