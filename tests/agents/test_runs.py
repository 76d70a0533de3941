"""Whole pytest runs: recorded, replayed by several workers, and held to a budget."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.model_server import ModelServer, Say
from tests.support.soak import shake

TEST = """
from pytest_collab import task
from tests.support.handshake import Handshake

@task(Handshake(), seeds={seeds}, conditions=["team", "solo"])
def test_shake(episode):
    assert episode.success
"""
OPTIONS = ("-q", "-p", "no:cacheprovider")

pytestmark = pytest.mark.slow


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelServer]:
    monkeypatch.setenv("RUN_KEY", "sk-run-0123456789")
    with ModelServer(answer=shake) as running:
        yield running


def write_agents(folder: Path, server: ModelServer, **rest: Any) -> None:
    agent = {"provider": "openai-chat", "model": "m", "base_url": f"{server.url}/v1", "api_key_env": "RUN_KEY"}
    (folder / "collab-agents.yaml").write_text(json.dumps({"agents": {"ada": agent | rest}}))


def episodes(folder: Path, run: str) -> list[dict[str, Any]]:
    lines = (folder / run / "episodes.jsonl").read_text().splitlines()
    found = [json.loads(line) for line in lines]
    for episode in found:
        del episode["duration_s"], episode["worker"]
    return sorted(found, key=lambda episode: str(episode["id"]))


def test_a_recorded_run_is_replayed_exactly_by_two_workers_without_a_key(
    suite: pytest.Pytester, served: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_agents(suite.path, served, price={"input": 1, "output": 2})
    suite.makepyfile(TEST.format(seeds=3))
    first = suite.runpytest_subprocess(*OPTIONS, "--agents=ada", "--collab-record=tape", "--collab-run-dir=first")
    assert first.ret == 0, first.stdout.str()
    calls = len(served.log)
    monkeypatch.delenv("RUN_KEY")
    replay = ("--agents=ada", "--collab-replay=tape", "--collab-run-dir=second", "-n", "2", "--collab-in-flight=4")
    second = suite.runpytest_subprocess(*OPTIONS, *replay)
    assert second.ret == 0, second.stdout.str()
    assert len(served.log) == calls > 0
    assert episodes(suite.path, "first") == episodes(suite.path, "second")


def test_a_replay_that_does_not_fit_shows_what_changed(suite: pytest.Pytester, served: ModelServer) -> None:
    write_agents(suite.path, served)
    suite.makepyfile(TEST.format(seeds=1))
    suite.runpytest_subprocess(*OPTIONS, "--agents=ada", "--collab-record=tape")
    write_agents(suite.path, served, temperature=0.5)
    done = suite.runpytest_subprocess(*OPTIONS, "--agents=ada", "--collab-replay=tape")
    assert done.ret != 0
    done.stdout.fnmatch_lines(["*other settings: temperature was None, is 0.5*"])
    assert "During handling" not in done.stdout.str()


def test_limits_and_budget_hold_over_all_workers(suite: pytest.Pytester, served: ModelServer) -> None:
    """A call costs a dollar: two workers with three episodes each in play may overshoot by five calls at most."""
    served.answer = lambda call: Say(f"{shake(call).text:<4000}")
    served.latency_s = 0.05
    price = {"input": 0, "output": 1_000_000 / 1001}
    write_agents(suite.path, served, price=price, limits={"in_flight": 2})
    suite.makepyfile(TEST.format(seeds=40))
    budget = ("--agents=ada", "--collab-max-cost=20", "--collab-run-dir=run", "-n", "2", "--collab-in-flight=3")
    done = suite.runpytest_subprocess(*OPTIONS, *budget)
    assert 20 <= len(served.log) <= 20 + 2 * 3 - 1, done.stdout.str()
    arrivals = [line.at for line in served.log]
    together = max(sum(at <= other < at + served.latency_s for other in arrivals) for at in arrivals)
    assert together <= 2, "calls that the server held at the same time"


def test_a_budget_that_cannot_be_counted_is_refused(suite: pytest.Pytester, served: ModelServer) -> None:
    write_agents(suite.path, served)
    suite.makepyfile(TEST.format(seeds=1))
    done = suite.runpytest_subprocess(*OPTIONS, "--agents=ada", "--collab-max-cost=1")
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    done.stderr.fnmatch_lines(["*--collab-max-cost=1 cannot be kept: the price of ada is not known.*"])
