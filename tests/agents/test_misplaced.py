"""Agents that can take no seat in a family are told so when tasks are collected, before anything is played."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

MAZE = """
family: maze
params: {size: 4, path: [3, 6]}
seeds: 1
conditions: [team]
"""
AGENTS = {
    "cli": {"provider": "command", "mode": "work", "command": ["true"]},
    "remote": {"provider": "a2a", "base_url": "http://127.0.0.1:9"},
}
SIFT = Path(__file__).parents[2] / "tasks" / "coding" / "sift" / "sift.collab.yaml"
OPTIONS = ("-q", "-p", "no:cacheprovider", "--collab-pairing=self", "--collab-seeds=1", "--collab-conditions=team")
WHY = (
    "agent 'cli' works at its own pace (mode: work), and family 'maze' asks its seats turn by turn. Seat it in coding"
)

pytestmark = pytest.mark.slow


@pytest.fixture
def folder(suite: pytest.Pytester) -> pytest.Pytester:
    (suite.path / "collab-agents.yaml").write_text(json.dumps({"agents": AGENTS}))
    (suite.path / "maze.collab.yaml").write_text(MAZE)
    return suite


@pytest.mark.parametrize("more", [(), ("-n", "1")], ids=["alone", "xdist"])
def test_an_agent_that_can_be_seated_nowhere_is_an_error_of_collection(
    folder: pytest.Pytester, more: tuple[str, ...]
) -> None:
    done = folder.runpytest_subprocess(*OPTIONS, "--agents=cli,partner", *more)
    assert done.ret == (pytest.ExitCode.TESTS_FAILED if more else pytest.ExitCode.INTERRUPTED)
    assert WHY in " ".join(done.stdout.str().split())
    assert not list(folder.path.glob(".collab/runs/*/transcripts/*cli*"))


def test_where_it_can_be_seated_elsewhere_it_is_left_out_with_the_reason(folder: pytest.Pytester) -> None:
    done = folder.runpytest_subprocess(*OPTIONS, "maze.collab.yaml", str(SIFT), "--agents=cli", "-rs")
    done.stdout.fnmatch_lines([f"SKIPPED*{WHY}*", "1 skipped, 1 competence in *"])


def test_an_agent_of_messages_is_refused_where_there_are_tools(folder: pytest.Pytester) -> None:
    done = folder.runpytest_subprocess(*OPTIONS, str(SIFT), "--agents=remote")
    assert done.ret == pytest.ExitCode.INTERRUPTED
    done.stdout.fnmatch_lines(
        ["*agent 'remote' is asked by messages and has no tools of ours, which family 'coding'*"]
    )
