"""Gates decide a session: verdicts, exit statuses, terminal and JUnit."""

from __future__ import annotations

import json
from typing import Any

import pytest
from defusedxml import ElementTree

TASK = "family: handshake\nparams: {numbers: 10}\nseeds: 20\nconditions: [team]\n"
GATES = """
gates:
  - name: hands are shaken
    metric: success_rate
    at_least: 0.6
  - name: cheap
    metric: cost_usd
    at_most: 1
"""


def write(suite: pytest.Pytester, gates: str = GATES, task: str = TASK) -> None:
    (suite.path / "shake.collab.yaml").write_text(task)
    (suite.path / "gates.yaml").write_text(gates)


def play(suite: pytest.Pytester, agents: str, *args: str, gate: bool = True) -> pytest.RunResult:
    gates = ["--collab-gate=gates.yaml"] if gate else []
    return suite.runpytest_inprocess(
        f"--agents={agents}", "--collab-pairing=self", "--collab-run-dir=out", "-p", "no:cacheprovider", *gates, *args
    )


def verdicts(suite: pytest.Pytester) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((suite.path / "out" / "gates.json").read_text())
    return found


@pytest.mark.parametrize("workers", [[], ["-n2"]], ids=["alone", "xdist"])
def test_gates_that_pass_make_a_green_session(suite: pytest.Pytester, workers: list[str]) -> None:
    write(suite)
    result = play(suite, "partner", *workers)
    assert result.ret == 0
    result.stdout.re_match_lines([r".*gates: PASS\. 2 passed, 0 failed, 0 undecided\.", r"=+ 22 passed in .*"])
    assert verdicts(suite)["verdict"] == "pass"
    assert json.loads((suite.path / "out" / "run.json").read_text())["exit_status"] == 0


def test_a_failed_gate_is_told_like_a_failed_test(suite: pytest.Pytester) -> None:
    write(suite)
    result = play(suite, "stubborn", "--junitxml=j.xml", "-x")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["gates.yaml G.*", "GATE gates.yaml::hands are shaken - success_rate 0.0 %*"])
    result.stdout.re_match_lines([r"=+ 1 failed, 1 passed, 20 coordination in .*"])
    result.stdout.no_fnmatch_line("*stopping after*")
    cases = {case.get("name"): case for case in ElementTree.parse(suite.path / "j.xml").getroot().iter("testcase")}
    assert len(cases) == 22
    failure = cases["hands are shaken"].find("failure")
    assert failure is not None
    assert "wanted >= 60.0 %" in str(failure.get("message"))
    properties = {p.get("name"): p.get("value") for p in cases["hands are shaken"].iter("property")}
    assert properties["collab_gate_verdict"] == "fail"
    assert [name for name, case in cases.items() if case.find("failure") is not None] == ["hands are shaken"]


def test_too_few_episodes_are_undecided_and_stop_a_release(suite: pytest.Pytester) -> None:
    write(suite, task=TASK.replace("20", "3"))
    result = play(suite, "partner", "-v")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["gates.yaml::hands are shaken UNDECIDED*", "*more seeds would settle it*"])


def test_an_undecided_gate_may_be_waved_through(suite: pytest.Pytester) -> None:
    write(suite, "undecided: warn\n" + GATES, TASK.replace("20", "3"))
    result = play(suite, "partner")
    assert result.ret == 0
    result.stdout.re_match_lines([r"=+ 4 passed, 1 undecided in .*"])


def test_infrastructure_errors_are_no_failures_and_too_many_void_the_run(suite: pytest.Pytester) -> None:
    write(suite, "infrastructure: {at_most: 0.4}\n" + GATES)
    result = play(suite, "partner,provider_down")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*VOID*", "gates: VOID. 20 of 40 episodes (50.0%) were lost to infrastructure*"])
    result.stdout.re_match_lines([r"=+ 1 failed, 22 passed, 20 infrastructure in .*"])
    assert verdicts(suite)["verdict"] == "void"


def test_few_infrastructure_errors_leave_the_verdict_to_the_gates(suite: pytest.Pytester) -> None:
    write(suite, "infrastructure: {at_most: 0.6}\n" + GATES)
    result = play(suite, "partner,provider_down", "--junitxml=j.xml")
    assert result.ret == 0
    root = ElementTree.parse(suite.path / "j.xml").getroot()
    assert len(list(root.iter("skipped"))) == 20
    assert not list(root.iter("error"))


@pytest.mark.parametrize("workers", [[], ["-n2"]], ids=["alone", "xdist"])
def test_a_selection_that_matches_nothing_is_an_error_before_anything_is_spent(
    suite: pytest.Pytester, workers: list[str]
) -> None:
    write(suite, GATES + "    where: {task: shaek}\n")
    result = play(suite, "partner", *workers)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "Did you mean 'shake'?" in result.stdout.str() + result.stderr.str()
    assert not (suite.path / "out").exists()


def test_a_selection_that_only_the_run_shows_to_be_empty_is_an_error(suite: pytest.Pytester) -> None:
    write(suite, GATES + "    where: {task: shaek}\n")
    suite.makepyfile(
        """
        from tests.support.handshake import Handshake

        def test_shake(run_episode):
            assert run_episode(Handshake(), seed=1).success
        """
    )
    result = play(suite, "partner")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stdout.fnmatch_lines(["ERROR gates.yaml::cheap - *Did you mean 'shake'?*"])
    assert verdicts(suite)["verdict"] == "error"


@pytest.mark.parametrize(
    ("gates", "words"),
    [
        ("gates:\n  - metric: succes_rate\n    at_least: 0.5\n", ["gates.yaml:2", "success_rate"]),
        ("gates:\n  - metric: score\n    at_least: 0\n", ["gates.yaml:3", "can never fail"]),
        ("gates:\n  - {metric: score, better_than: baseline}\n", ["--collab-baseline=DIR"]),
        ("gates:\n  - {metric: score, better_than: runs/x}\n", ["runs/x", "no run directory"]),
    ],
)
def test_mistakes_are_told_before_anything_is_played(suite: pytest.Pytester, gates: str, words: list[str]) -> None:
    write(suite, gates)
    result = play(suite, "partner")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    said = result.stderr.str()
    assert all(word in said for word in words), said
    assert not (suite.path / "out").exists()


def test_a_failing_ordinary_test_fails_a_session_whose_gates_pass(suite: pytest.Pytester) -> None:
    write(suite)
    suite.makepyfile("def test_plain():\n    assert False\n")
    assert play(suite, "partner").ret == 1
    assert verdicts(suite)["verdict"] == "pass"


def test_a_resumed_run_is_judged_whole(suite: pytest.Pytester) -> None:
    write(suite)
    assert play(suite, "partner", "--collab-seeds=3").ret == 1
    result = play(suite, "partner", "--collab-resume")
    assert result.ret == 0
    assert verdicts(suite)["gates"][0]["n"] == 20


def test_collecting_only_judges_nothing(suite: pytest.Pytester) -> None:
    write(suite)
    result = play(suite, "partner", "--co", "-q")
    assert result.ret == 0
    assert not (suite.path / "out").exists()


def test_a_baseline_of_other_content_is_refused_before_anything_is_spent(suite: pytest.Pytester) -> None:
    write(suite, "gates:\n  - {metric: success_rate, not_worse_than: baseline, margin: 0.2}\n")
    play(suite, "partner", "--collab-seeds=1", gate=False)
    (suite.path / "out").rename(suite.path / "base")
    write(suite, (suite.path / "gates.yaml").read_text(), TASK.replace("10", "11"))
    result = play(suite, "partner", "--collab-baseline=base")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "shake changed between them" in result.stdout.str() + result.stderr.str()
    assert not (suite.path / "out").exists()


def test_a_run_is_held_against_its_baseline(suite: pytest.Pytester) -> None:
    write(suite, "gates:\n  - {metric: success_rate, not_worse_than: baseline, margin: 0.2}\n")
    play(suite, "partner", gate=False)
    (suite.path / "out").rename(suite.path / "base")
    assert play(suite, "stubborn", "--collab-baseline=base").ret == 1
    assert verdicts(suite)["gates"][0]["value"] == -1.0


def test_gates_without_agents_are_no_green_light(suite: pytest.Pytester) -> None:
    write(suite)
    result = suite.runpytest_inprocess("--collab-gate=gates.yaml")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--collab-gate needs agents*"])


def test_without_gates_a_baseline_shows_what_got_worse(suite: pytest.Pytester) -> None:
    write(suite)
    with (suite.path / "conftest.py").open("a") as conftest:
        conftest.write(RELEASES)
    for player, more in (("partner", []), ("stubborn", ["--collab-baseline=base"])):
        (suite.path / "release.txt").write_text(player)
        result = play(suite, "mine", *more, gate=False)
        (suite.path / "out").rename(suite.path / ("base" if player == "partner" else "new"))
    result.stdout.fnmatch_lines(
        [
            "*since base*",
            "worse   handshake shake team mine+mine  100% -> 0%     -100 (-100 .. *)",
            "1 worse, 0 better beyond noise*",
        ]
    )


RELEASES = """
from pathlib import Path

def pytest_collab_make_agent(config, name):
    from pytest_collab.agents.builtin import BuiltinAgent

    return BuiltinAgent(Path("release.txt").read_text()) if name == "mine" else None
"""


def test_a_baseline_of_other_content_is_refused_by_name(suite: pytest.Pytester) -> None:
    write(suite)
    play(suite, "partner", "--collab-seeds=1", gate=False)
    (suite.path / "out").rename(suite.path / "base")
    write(suite, task=TASK.replace("10", "11"))
    alone = play(suite, "partner", "--collab-baseline=base", gate=False)
    assert alone.ret == pytest.ExitCode.USAGE_ERROR
    assert "shake changed between them" in alone.stderr.str()
    workers = play(suite, "partner", "--collab-baseline=base", "-n1", "--collab-seeds=2", gate=False)
    assert workers.ret == pytest.ExitCode.USAGE_ERROR
    assert "shake changed between them" in workers.stdout.str()


def test_shared_and_solo_tell_why_teams_fail(suite: pytest.Pytester) -> None:
    write(suite, task=TASK.replace("20", "6"))
    conditions = "--collab-conditions=solo,shared,team,with:partner"
    result = play(suite, "partner,silent", "--collab-teams=partner+silent", conditions, "--tb=no", "-v", gate=False)
    result.stdout.fnmatch_lines(
        [
            "why teams fail:*",
            "  agent *competence*cooperation*communication*",
            "  silent *",
            "*the weaker partner is silent",
        ]
    )


@pytest.mark.slow
def test_an_interrupted_session_is_not_judged(suite: pytest.Pytester) -> None:
    write(suite)
    suite.makepyfile("def test_stop():\n    raise KeyboardInterrupt\n")
    result = suite.runpytest_subprocess("--agents=partner", "--collab-gate=gates.yaml", "--collab-run-dir=out")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["the gates were not judged: the session did not come to its end"])
    assert not (suite.path / "out" / "gates.json").exists()
