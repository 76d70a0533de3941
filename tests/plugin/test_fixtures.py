"""Test functions that drive agents themselves."""

from __future__ import annotations

import json

import pytest


def test_team_is_parametrized_over_the_teams(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        """
        def test_pair(team):
            assert len(team) == 2
            assert [agent.name for agent in team.agents] == list(team.names)
        """
    )
    result = suite.runpytest_inprocess("--agents=partner,silent", "-v")
    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(["*test_pair?partner+silent?*"])


def test_a_team_plays_what_the_test_says_and_the_run_keeps_it(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        """
        from tests.support.handshake import Handshake

        def test_talk_helps(team):
            talking = team.play(Handshake(), seed=1)
            mute = team.play(Handshake(), condition="mute", seed=1)
            assert talking.success and not mute.success
        """
    )
    result = suite.runpytest_inprocess("--agents=partner", "--collab-run-dir=out")
    result.assert_outcomes(passed=1)
    lines = [json.loads(line) for line in (suite.path / "out" / "episodes.jsonl").read_text().splitlines()]
    assert [(line["task"], line["condition"]) for line in lines] == [("talk_helps", "team"), ("talk_helps", "mute")]


def test_run_episode_and_agents(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        """
        from tests.support.handshake import Handshake

        def test_both(run_episode, agents):
            assert list(agents) == ["partner", "silent"]
            assert run_episode(Handshake(), team="partner+partner").success
            assert not run_episode(Handshake(), team=["silent", "partner"], seed=3).success
        """
    )
    suite.runpytest_inprocess("--agents=partner,silent").assert_outcomes(passed=1)


def test_a_task_may_take_the_team_and_play_its_own_params(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        """
        from pytest_collab import task
        from tests.support.handshake import Handshake

        @task(Handshake(), seeds=[3], conditions=["team"])
        def test_twice(team):
            assert team.play().success
            assert team.seed == 3
        """
    )
    suite.runpytest_inprocess("--agents=partner").assert_outcomes(passed=1)


def test_a_team_can_simply_be_asked(suite: pytest.Pytester) -> None:
    suite.makeconftest(
        """
        from pytest_collab import Agent
        from pytest_collab.episode.agent import Reply

        class Echo(Agent):
            async def reply(self, request):
                return Reply(f"{len(request.conversation)}: {request.text}")

        def pytest_collab_make_agent(config, name):
            return Echo() if name == "echo" else None
        """
    )
    suite.makepyfile(
        """
        def test_echo(team):
            assert team.ask(0, "hello") == "1: hello"
            assert team.ask(0, "again") == "3: again"
            assert team.ask(1, "you") == "1: you"
        """
    )
    suite.runpytest_inprocess("--agents=echo").assert_outcomes(passed=1)


def test_episode_without_a_task_says_what_to_do(suite: pytest.Pytester) -> None:
    suite.makepyfile("def test_it(episode): pass")
    result = suite.runpytest_inprocess("--agents=partner")
    result.stdout.fnmatch_lines(["*decorate it with @task(...)*"])


def test_every_finished_episode_is_told_to_plugins(suite: pytest.Pytester) -> None:
    with (suite.path / "conftest.py").open("a") as file:
        file.write(
            "\ndef pytest_collab_episode_finished(episode, transcript):\n"
            "    print('HEARD', episode.task, len(transcript) > 3)\n"
        )
    (suite.path / "s.collab.yaml").write_text("family: handshake\nconditions: [solo]\n")
    result = suite.runpytest_inprocess("--agents=partner", "-s")
    result.stdout.fnmatch_lines(["*HEARD s True*"])
