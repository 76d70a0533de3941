"""`collab export`: other tools read what it writes, and find the same figures."""

from __future__ import annotations

import csv
from datetime import datetime
from pathlib import Path

import pytest

from pytest_collab.cli import main
from pytest_collab.episode.outcome import Failure
from pytest_collab.episode.run import RunDirectory
from pytest_collab.testing import play_episode
from tests.support.episodes import episode, write_run
from tests.support.handshake import Handshake, HandshakeFamily


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    """Two episodes, really played: one team that succeeds, one that does not."""
    directory = RunDirectory.create(tmp_path / "run")
    for team in (["partner", "partner"], ["partner", "silent"]):
        played = play_episode(Handshake(), team, family=HandshakeFamily())
        directory.add(played.episode, played.transcript)
    return directory


def test_csv_has_a_row_per_episode_and_no_formulas(tmp_path):
    failures = [Failure.of("vague", "a", events=[1]), Failure.of("deadlock", "b", events=[2])]
    written = [episode(metrics={"meals": 3.0}), episode(seed=1, ok=False, task="=cmd()", failures=failures)]
    out = tmp_path / "new" / "episodes.csv"
    assert main(["export", str(write_run(tmp_path / "run", written)), "--format=csv", f"--out={out}"]) == 0
    with out.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert [row["outcome"] for row in rows] == ["success", "coordination_failure"]
    assert [row["codes"] for row in rows] == ["", "vague;deadlock"]
    assert [row["metric.meals"] for row in rows] == ["3.0", ""]
    assert rows[1]["task"] == "'=cmd()"
    assert float(rows[0]["cost_usd"]) == written[0].cost_usd


def test_parquet_keeps_types_and_what_is_not_known(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet", reason="pip install 'pytest-collab[parquet]'")
    written = [episode(cost=None, metrics={"meals": 3.0}), episode(seed=1)]
    out = tmp_path / "episodes.parquet"
    assert main(["export", str(write_run(tmp_path / "run", written)), "--format=parquet", f"--out={out}"]) == 0
    rows = parquet.read_table(out).to_pylist()
    assert [row["seed"] for row in rows] == [0, 1]
    assert [row["cost_usd"] for row in rows] == [None, written[1].cost_usd]
    assert [row["metric.meals"] for row in rows] == [3.0, None]


@pytest.mark.slow
def test_inspect_opens_the_logs(run, tmp_path):
    log = pytest.importorskip("inspect_ai.log", reason="pip install 'pytest-collab[inspect]'")
    out = tmp_path / "logs"
    assert main(["export", str(run.path), "--format=inspect", f"--out={out}"]) == 0
    logs = [log.read_eval_log(str(path)) for path in sorted(out.iterdir())]
    assert len({one.eval.eval_id for one in logs}) == len({one.eval.task_id for one in logs}) == 2
    assert len({one.eval.run_id for one in logs}) == 1
    assert len({sample.uuid for one in logs for sample in one.samples}) == 2
    assert {one.eval.task for one in logs} == {"handshake/played team"}
    by_model = {one.eval.model: one for one in logs}
    good, bad = by_model["team/partner+partner"], by_model["team/partner+silent"]
    assert good.samples[0].scores["success"].value == 1
    assert bad.samples[0].metadata["codes"] == ["unresponsive"]
    assert bad.results.scores[1].metrics["mean"].value == 0
    replies = [event.data["text"] for event in run.transcript(run.record().episodes()[0]).of("reply")]
    assert [m.text.partition("] ")[2] for m in good.samples[0].messages if m.role == "assistant"] == replies
    first = run.record().episodes()[0]
    events = good.samples[0].events
    assert [one.output.completion for one in events if one.event == "model"] == replies
    assert {one.source for one in events if one.event == "info"} >= {"start", "a: message", "end"}
    lasted = [
        datetime.fromisoformat(one.stats.completed_at) - datetime.fromisoformat(one.stats.started_at)
        for one in (good, bad)
    ]
    assert [one.total_seconds() for one in lasted] == pytest.approx(
        [episode.duration_s for episode in run.record().episodes()], abs=2e-3
    )
    assert good.stats.model_usage["partner"].total_tokens == sum(
        seat.input_tokens + seat.output_tokens for seat in first.usage.values()
    )
    told = [message.text for message in good.samples[0].messages if message.role == "system"]
    assert [text[:3] for text in told] == ["[a]", "[b]"]
    assert all(text.endswith("\n\n") for text in told)
