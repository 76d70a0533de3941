"""The recordings that the project ships are whole episodes, and play back as they were."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_collab.agents.recording import Recording
from pytest_collab.episode.agent import Reply

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "fixtures" / "recordings"


@pytest.mark.slow
def test_the_shipped_recordings_play_back_without_a_key(tmp_path: Path) -> None:
    env = {key: value for key, value in os.environ.items() if "KEY" not in key} | {"PYTHONPATH": str(ROOT)}
    teams = "--collab-teams=ada+bob,ada+mum"
    where = (f"--collab-replay={FOLDER / 'maze'}", f"--collab-run-dir={tmp_path / 'run'}")
    command = [sys.executable, "-m", "pytest", str(FOLDER / "small_maze.collab.yaml"), teams, *where, "-n", "2"]
    done = subprocess.run(
        [*command, "-p", "no:cacheprovider"], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )
    remedy = f"{done.stdout}\nIf the maze's prompts have changed, record again: see tests/support/scripted.py"
    assert "holds no answer" not in done.stdout, remedy
    lines = (tmp_path / "run" / "episodes.jsonl").read_text().splitlines()
    outcomes = {(episode["team"][1], episode["outcome"]) for episode in map(json.loads, lines)}
    assert outcomes == {("bob", "success"), ("mum", "coordination_failure")}, remedy
    assert len(lines) == 6


def test_every_shipped_file_is_readable_and_ends_in_an_answer() -> None:
    agents = Recording(FOLDER / "maze").agents()
    assert set(agents) == {"ada", "bob", "mum"}
    assert all(isinstance(exchange.outcome, Reply) for exchanges in agents.values() for exchange in exchanges)
