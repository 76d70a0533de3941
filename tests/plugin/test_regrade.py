"""Every outcome can be computed again from the transcripts, and says so when it differs."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


def collab(*args: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest_collab.cli", *map(str, args)], capture_output=True, text=True, timeout=120
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("played")
    for number, family in enumerate(("philosophers", "market")):
        (folder / f"t{number}.collab.yaml").write_text(f"family: {family}\nseeds: 2\nconditions: [team, solo]\n")
    subprocess.run(
        [sys.executable, "-m", "pytest", "--agents=partner,silent", "--collab-run-dir=out", "-n2", "-q"],
        cwd=folder,
        capture_output=True,
        timeout=300,
    )
    return folder / "out"


def test_regrading_gives_what_was_written(run: Path) -> None:
    done = collab("regrade", run)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "24 episodes graded again, 0 changed, 0 could not be graded again" in done.stdout


def test_a_changed_outcome_is_named_and_written_only_when_asked(run: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(run, copy)
    path = copy / "episodes.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    lines[0] |= {"outcome": "limit", "score": 0.123}
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    done = collab("regrade", copy)
    assert done.returncode == 1
    assert f"{lines[0]['id']}: limit 0.123" in done.stdout
    assert json.loads(path.read_text().splitlines()[0])["outcome"] == "limit"
    collab("regrade", copy, "--write")
    assert collab("regrade", copy).returncode == 0
    assert (copy / "episodes.jsonl.bak").is_file()


def test_show_lists_and_tells_one_episode(run: Path) -> None:
    whole = collab("show", run)
    assert whole.returncode == 0
    assert "philosophers" in whole.stdout
    assert "market" in whole.stdout
    identity = json.loads((run / "episodes.jsonl").read_text().splitlines()[0])["id"]
    one = collab("show", run, identity)
    assert one.returncode == 0, one.stderr
    assert "transcript: " in one.stdout
    none = collab("show", run, "nothing-like-it")
    assert none.returncode == 2
    assert "no episode of this run has 'nothing-like-it'" in none.stderr


def test_shards_are_merged_and_other_tasks_refused(run: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(run, other)
    done = collab("merge", run, other, "--out", tmp_path / "all")
    assert done.returncode == 0, done.stderr
    assert "episodes: 24" in done.stdout, "the same episode in two shards counts once"
    info = json.loads((other / "run.json").read_text())
    info["tasks"][0]["hash"] = "0" * 16
    (other / "run.json").write_text(json.dumps(info))
    refused = collab("merge", run, other, "--out", tmp_path / "no")
    assert refused.returncode == 2
    assert "is not the same in" in refused.stderr


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    done = collab("show", tmp_path)
    assert done.returncode == 2
    assert "is no run directory" in done.stderr
