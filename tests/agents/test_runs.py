"""Whole pytest runs: recorded, replayed by several workers, and held to a budget."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.model_server import ModelServer, Raw, Say
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
    """A call costs a dollar. An episode begins only if what is left covers it; what was begun is finished."""
    served.answer = lambda call: Say(f"{shake(call).text:<4000}")
    served.latency_s = 0.05
    price = {"input": 0, "output": 1_000_000 / 1001}
    write_agents(suite.path, served, price=price, limits={"in_flight": 2})
    suite.makepyfile(TEST.format(seeds=40))
    budget = ("--agents=ada", "--collab-max-cost=20", "--collab-run-dir=run", "-n", "2", "--collab-in-flight=3")
    done = suite.runpytest_subprocess(*OPTIONS, *budget)
    played = episodes(suite.path, "run")
    spent = sum(usage["cost_usd"] for episode in played for usage in episode["usage"].values())
    assert spent == pytest.approx(len(served.log)), "every call belongs to an episode that was finished"
    dearest = max(sum(usage["cost_usd"] for usage in episode["usage"].values()) for episode in played)
    assert 20 - dearest * 2 * 3 <= spent <= 20 + dearest * 2 * 3, done.stdout.str()
    assert len(played) < 80
    arrivals = [line.at for line in served.log]
    together = max(sum(at <= other < at + served.latency_s for other in arrivals) for at in arrivals)
    assert together <= 2, "calls that the server held at the same time"


@pytest.mark.parametrize("latency_s", [0.01, 0.5], ids=["quick", "slow"])
def test_two_workers_look_ahead_and_keep_limits_alike(
    suite: pytest.Pytester, served: ModelServer, latency_s: float
) -> None:
    """Two workers with four episodes in flight each and six calls at a time between them, a dollar a call."""
    served.answer = lambda call: Say(f"{shake(call).text:<4000}")
    served.latency_s = latency_s
    price = {"input": 0, "output": 1_000_000 / 1001}
    write_agents(suite.path, served, price=price, limits={"in_flight": 6, "requests_per_minute": 3000})
    suite.makepyfile(TEST.format(seeds=40))
    budget = ("--agents=ada", "--collab-max-cost=30", "--collab-run-dir=run", "-n", "2", "--collab-in-flight=4")
    done = suite.runpytest_subprocess(*OPTIONS, *budget)
    costs = [sum(usage["cost_usd"] for usage in one["usage"].values()) for one in episodes(suite.path, "run")]
    assert sum(costs) == pytest.approx(len(served.log)), "every call belongs to an episode that was finished"
    assert 30 - max(costs) * 8 <= sum(costs) <= 30 + max(costs) * 8, done.stdout.str()
    arrivals = [line.at for line in served.log]
    together = max(sum(at <= other < at + latency_s for other in arrivals) for at in arrivals)
    assert together <= 6
    assert together > 4 or latency_s < 0.1, "each worker has more than one episode in play"
    assert arrivals[-1] - arrivals[0] >= (len(arrivals) - 1) * 0.02 * 0.8, "3000 a minute between them"


def test_a_budget_that_cannot_be_counted_is_refused(suite: pytest.Pytester, served: ModelServer) -> None:
    write_agents(suite.path, served)
    suite.makepyfile(TEST.format(seeds=1))
    done = suite.runpytest_subprocess(*OPTIONS, "--agents=ada", "--collab-max-cost=1")
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    done.stderr.fnmatch_lines(["*--collab-max-cost=1 cannot be kept: the price of ada is not known.*"])


def test_a_budget_that_covers_no_episode_is_no_success(suite: pytest.Pytester, served: ModelServer) -> None:
    write_agents(suite.path, served, price={"input": 1_000_000, "output": 1_000_000})
    suite.makepyfile(TEST.format(seeds=2))
    done = suite.runpytest_subprocess(*OPTIONS, "--agents=ada", "--collab-max-cost=1")
    assert done.ret == pytest.ExitCode.TESTS_FAILED
    assert served.log == []
    done.stdout.fnmatch_lines(["*--collab-max-cost=1 covered no episode: none was finished*"])


def test_what_a_server_does_not_count_is_at_least_and_still_held_to_the_budget(
    suite: pytest.Pytester, served: ModelServer
) -> None:
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "hm"}}
    served.fault = lambda call: Raw(200, {"id": "c", "choices": [choice]})
    write_agents(suite.path, served, price={"input": 0, "output": 1000})
    suite.makepyfile(TEST.format(seeds=8))
    done = suite.runpytest_subprocess(*OPTIONS, "--agents=ada", "--collab-max-cost=5", "--collab-run-dir=run")
    played = episodes(suite.path, "run")
    assert 0 < len(played) < 16
    assert all(usage["cost_usd"] is None for episode in played for usage in episode["usage"].values())
    assert "at least $" in done.stdout.str()


def test_an_agent_whose_every_call_fails_for_good_is_given_up(suite: pytest.Pytester, served: ModelServer) -> None:
    served.fault = lambda call: "401"
    write_agents(suite.path, served)
    suite.makepyfile(TEST.format(seeds=10))
    done = suite.runpytest_subprocess(*OPTIONS, "--agents=ada", "-rs")
    assert done.ret == pytest.ExitCode.TESTS_FAILED
    assert len(served.log) == 3
    done.assert_outcomes(errors=3, skipped=17)
    done.stdout.fnmatch_lines(["collab: agent 'ada' is not asked any more: its every call failed for good:*401*"])


def test_the_plan_needs_no_keys_plays_nothing_and_says_what_it_would_take(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("ANTHROPIC_API_KEY", "OPENAI_API_KEY"):
        monkeypatch.delenv(variable, raising=False)
    suite.makepyfile(TEST.format(seeds=3))
    done = suite.runpytest_subprocess("-p", "no:cacheprovider", "--agents=claude,gpt", "--collab-plan", "-n", "2")
    assert done.ret == 0, done.stdout.str() + done.stderr.str()
    assert not (suite.path / ".collab").exists()
    done.stdout.fnmatch_lines(
        [
            "*claude: anthropic/claude-sonnet-5-5, effort the model's own*, max_tokens 16000, $2 in, $10 out*",
            "*Their effort is not the same*",
            "handshake*team*claude+gpt*3*the built-in partner's play",
            "all *18 *",
            "about *",
        ]
    )
    again = suite.runpytest_subprocess(*OPTIONS, "--agents=claude", "--collect-only")
    assert again.ret == 0, "what is only collected needs no key either"


def test_the_plan_goes_by_what_earlier_episodes_took(suite: pytest.Pytester, served: ModelServer) -> None:
    write_agents(suite.path, served, price={"input": 0, "output": 1_000_000})
    suite.makepyfile(TEST.format(seeds=2))
    assert suite.runpytest_subprocess(*OPTIONS, "--agents=ada", "-k", "team").ret == 0
    spent = sum(line.output_tokens for line in served.log)
    done = suite.runpytest_subprocess(*OPTIONS, "--agents=ada", "-k", "team", "--collab-plan")
    (line,) = [line for line in done.outlines if line.startswith("handshake")]
    assert "2 earlier episodes of this team" in line
    assert f"{spent:,.2f}" in line
