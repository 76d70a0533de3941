"""Outcomes in the terminal, in JUnit XML, and beside other plugins."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from defusedxml import ElementTree

YAML = """
family: handshake
params: {numbers: 10}
seeds: [1]
conditions: [team]
"""


def write(suite: pytest.Pytester, name: str = "shake.collab.yaml", text: str = YAML) -> None:
    (suite.path / name).write_text(text)


def episodes(suite: pytest.Pytester) -> list[dict[str, Any]]:
    (run,) = (suite.path / ".collab" / "runs").iterdir()
    return [json.loads(line) for line in (run / "episodes.jsonl").read_text().splitlines()]


def test_each_outcome_has_its_own_letter_word_and_count(suite: pytest.Pytester) -> None:
    write(suite)
    result = suite.runpytest_subprocess("--agents=partner,stubborn,provider_down", "--collab-pairing=self")
    assert result.ret == 1
    result.stdout.re_match_lines([r"shake\.collab\.yaml \.CE .*"])
    result.stdout.fnmatch_lines(["COORDINATION shake.collab.yaml::shake?team-stubborn+stubborn-s1? - disagreement*"])
    result.stdout.fnmatch_lines(
        ["ERROR shake.collab.yaml::shake?team-provider_down+provider_down-s1? - provider_error*"]
    )
    result.stdout.re_match_lines([r"=+ 1 passed, 1 error, 1 coordination in .*"])


def test_why_an_episode_failed_stands_on_a_line_that_fits(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("CI", raising=False)
    name = f"{'a-task-of-a-long-name-' * 3}.collab.yaml"
    write(suite, name)
    result = suite.runpytest_subprocess("--agents=stubborn,provider_down", "--collab-pairing=self", "--tb=no")
    begin = next(place for place, line in enumerate(result.outlines) if "short test summary info" in line)
    kind, why, error, trouble = result.outlines[begin + 1 : begin + 5]
    assert kind.startswith(f"COORDINATION {name}::")
    assert why.startswith("  disagreement (a): seat a said 999, not ")
    assert error.startswith(f"ERROR {name}::")
    assert trouble.startswith("  provider_error: ")
    assert len(why) <= 80
    assert len(trouble) <= 80
    assert sum("short test summary info" in line for line in result.outlines) == 1
    result.stdout.re_match_lines([r"=+ 1 error, 1 coordination in .*"])


def test_names_in_the_short_summary_are_those_to_be_typed_where_pytest_was_started(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    suite.makeini("[pytest]\n")
    suite.mkdir("tasks")
    write(suite, "tasks/shake.collab.yaml")
    monkeypatch.chdir(suite.mkdir("below"))
    result = suite.runpytest_subprocess("../tasks", "--agents=stubborn", "--tb=no")
    result.stdout.fnmatch_lines(["COORDINATION ../tasks/shake.collab.yaml::shake?team-stubborn+stubborn-s1? - *"])


def test_words_are_shown_when_verbose(suite: pytest.Pytester) -> None:
    write(suite)
    result = suite.runpytest_subprocess("--agents=stubborn", "-v")
    result.stdout.fnmatch_lines(["*shake?team-stubborn+stubborn-s1? COORDINATION*"])


def test_limits_have_their_own_letter(suite: pytest.Pytester) -> None:
    write(suite, text=YAML + "limits: {turns: 1}\n")
    result = suite.runpytest_subprocess("--agents=stubborn")
    result.stdout.fnmatch_lines(["LIMIT shake.collab.yaml::*turn_limit*", "*1 limit in*"])


def test_the_failure_text_tells_the_episode_and_shows_no_traceback(suite: pytest.Pytester) -> None:
    write(suite)
    result = suite.runpytest_subprocess("--agents=stubborn")
    result.stdout.fnmatch_lines(
        [
            "handshake · shake · team · stubborn+stubborn · seed 1",
            "coordination failure, score 0.00, a = stubborn, b = stubborn",
            "failures:",
            "*disagreement [[]expectation] seat a: seat a said 999, not 7",
            "*the dialogue:",
            "*a: It is 999. Believe me.",
            "the end:",
            "*the number was 7",
            "transcript: .collab/runs/*/transcripts/handshake-shake-team-stubborn+stubborn-s1-*.jsonl",
        ]
    )
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.no_fnmatch_line("*pytest_collab/*.py*")
    assert "\x1b" not in str(result.stdout)


def test_a_python_task_shows_its_own_assertion_and_the_episode(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        """
        from pytest_collab import task
        from tests.support.handshake import Handshake

        @task(Handshake(), conditions=["team"])
        def test_shake(episode):
            assert episode.score > 0.9, "not good enough"
        """
    )
    result = suite.runpytest_subprocess("--agents=stubborn")
    result.stdout.fnmatch_lines(["*.py:6: not good enough", "*handshake · shake · team*"])
    result.stdout.no_fnmatch_line("*pytest_collab/*.py*")


def test_junit_has_properties_failures_and_errors(suite: pytest.Pytester) -> None:
    write(suite)
    suite.runpytest_subprocess("--agents=partner,stubborn,provider_down", "--collab-pairing=self", "--junitxml=j.xml")
    root = ElementTree.parse(suite.path / "j.xml").getroot()
    cases = {case.get("name"): case for case in root.iter("testcase")}
    good = cases["shake[team-partner+partner-s1]"]
    bad = cases["shake[team-stubborn+stubborn-s1]"]
    broken = cases["shake[team-provider_down+provider_down-s1]"]
    properties = {p.get("name"): p.get("value") for p in bad.iter("property")}
    assert properties["collab_outcome"] == "coordination_failure"
    assert json.loads(properties["collab_failures"] or "")[0]["code"] == "disagreement"
    assert (suite.path / str(properties["collab_transcript"])).is_file()
    page, _, fragment = str(properties["collab_page"]).partition("#/episode/")
    assert (suite.path / page).is_file()
    assert unquote(fragment) == properties["collab_episode"]
    assert good.find("failure") is None
    assert str(bad.find("failure").get("message")).startswith("disagreement (a)")  # type: ignore[union-attr]
    assert broken.find("error") is not None
    assert broken.find("failure") is None


@pytest.mark.parametrize("workers", [[], ["-n2"]], ids=["alone", "xdist"])
def test_outcomes_are_the_same_in_workers(suite: pytest.Pytester, workers: list[str]) -> None:
    write(suite, text=YAML.replace("[1]", "3"))
    result = suite.runpytest_subprocess("--agents=partner,stubborn", *workers)
    result.stdout.re_match_lines([r"=+ 3 passed, 9 coordination in .*"])
    result.stdout.fnmatch_lines(["COORDINATION shake.collab.yaml::*disagreement*"])
    result.stdout.fnmatch_lines(["*the number was *"])
    assert len(episodes(suite)) == 12
    workers_seen = {line["worker"] for line in episodes(suite)}
    assert workers_seen == ({"gw0", "gw1"} if workers else {"main"})


def test_x_stops_at_the_first_failure(suite: pytest.Pytester) -> None:
    write(suite, text=YAML.replace("[1]", "5"))
    result = suite.runpytest_subprocess("--agents=stubborn", "-x")
    result.stdout.fnmatch_lines(["*stopping after 1 failures*"])
    assert len(episodes(suite)) == 1


def test_lf_runs_just_the_failed_ones(suite: pytest.Pytester) -> None:
    write(suite)
    suite.runpytest_subprocess("--agents=partner,stubborn", "--collab-pairing=self")
    result = suite.runpytest_subprocess("--agents=partner,stubborn", "--collab-pairing=self", "--lf")
    result.stdout.re_match_lines([r"=+ 1 coordination in .*"])


def test_a_rerun_neither_launders_a_failure_nor_doubles_the_cost(suite: pytest.Pytester) -> None:
    write(suite)
    result = suite.runpytest_subprocess("--agents=stubborn", "--reruns=1", "--junitxml=j.xml")
    result.stdout.re_match_lines([r"=+ 1 rerun, 1 coordination in .*"])
    first, second = episodes(suite)
    assert first["attempt"] == 1
    assert second["attempt"] == 2
    assert first["id"] != second["id"]
    (run,) = (suite.path / ".collab" / "runs").iterdir()
    summary = json.loads((run / "summary.json").read_text())
    assert summary["episodes"] == 1
    properties = [
        (p.get("name"), p.get("value")) for p in ElementTree.parse(suite.path / "j.xml").getroot().iter("property")
    ]
    costs = [float(value or "nan") for name, value in properties if name == "collab_cost_usd"]
    assert sum(costs) == pytest.approx(
        sum(usage["cost_usd"] for e in (first, second) for usage in e["usage"].values())
    )


def test_rerun_except_knows_the_outcomes_by_name(suite: pytest.Pytester) -> None:
    write(suite)
    result = suite.runpytest_subprocess("--agents=stubborn", "--reruns=2", "--rerun-except=CoordinationFailure")
    result.stdout.no_fnmatch_line("*rerun in*")
    assert len(episodes(suite)) == 1


def test_pytest_timeout_ends_an_episode_that_hangs(suite: pytest.Pytester) -> None:
    write(suite)
    result = suite.runpytest_subprocess("--agents=hangs", "--timeout=1", "--timeout-method=signal")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*Timeout*1.0*"])


def test_pytest_html_keeps_working(suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTEST_ADDOPTS")  # which leaves it out
    write(suite)
    result = suite.runpytest_subprocess("--agents=partner,stubborn", "--html=r.html", "--self-contained-html", "-n2")
    result.stdout.re_match_lines([r"=+ 1 passed, 3 coordination in .*"])
    assert "disagreement" in (suite.path / "r.html").read_text()


def test_no_agents_no_play_and_the_rest_of_the_session_is_untouched(suite: pytest.Pytester) -> None:
    write(suite)
    suite.makepyfile(
        """
        from pytest_collab import task
        from tests.support.handshake import Handshake

        @task(Handshake())
        def test_shake(episode): assert episode.success
        def test_driven(team): assert team
        def test_run(run_episode): assert run_episode(Handshake()).success
        def test_plain(): pass
        """
    )
    result = suite.runpytest_subprocess("-rs")
    result.stdout.re_match_lines([r"=+ 1 passed, 4 skipped in .*"])
    result.stdout.fnmatch_lines(["SKIPPED*collaboration tasks need agents: pass --agents=NAME*"])
    assert not (suite.path / ".collab").exists()


def test_users_own_fixtures_of_the_same_name_win(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        """
        import pytest
        @pytest.fixture
        def team(): return "mine"
        @pytest.fixture
        def episode(): return 7
        def test_mine(team, episode): assert (team, episode) == ("mine", 7)
        """
    )
    suite.runpytest_subprocess().assert_outcomes(passed=1)
    suite.runpytest_subprocess("--agents=partner").assert_outcomes(passed=1)


def test_loading_the_plugin_imports_nothing_heavy(pytester: pytest.Pytester) -> None:
    heavy = ["pydantic", "jax", "numpy", "scipy", "openai", "anthropic", "docker", "git", "anyio", "yaml"]
    result = pytester.run(
        __import__("sys").executable,
        "-c",
        "import sys, pytest_collab.plugin, pytest_collab.plugin.collection, pytest_collab.plugin.fixtures\n"
        f"found = [name for name in {heavy} if name in sys.modules]\n"
        "assert not found, found",
    )
    assert result.ret == 0, result.stderr.str()


def test_the_run_directory_holds_what_was_promised(suite: pytest.Pytester) -> None:
    write(suite)
    suite.runpytest_subprocess("--agents=partner,stubborn", "--collab-run-dir=out")
    names = {path.name for path in (suite.path / "out").iterdir() if not path.name.startswith(".")}
    assert {"run.json", "episodes.jsonl", "transcripts", "summary.json"} <= names
    info = json.loads((suite.path / "out" / "run.json").read_text())
    assert info["schema_version"] == 1
    assert [task["name"] for task in info["tasks"]] == ["shake"]
    planned = {tuple(one["team"]): one["episodes"] for one in info["planned"]}
    names = ("partner", "stubborn")
    assert planned == {(first, second): 1 for first in names for second in names}
    assert info["finished"]
    assert info["exit_status"] == 1
    for line in (suite.path / "out" / "episodes.jsonl").read_text().splitlines():
        episode = json.loads(line)
        events = [json.loads(text) for text in (suite.path / "out" / episode["transcript"]).read_text().splitlines()]
        assert [event["seq"] for event in events] == list(range(len(events)))
        assert [event["t"] for event in events] == sorted(event["t"] for event in events)
        for failure in episode["failures"]:
            assert all(seq < len(events) for seq in failure["events"])


def test_a_task_whose_episode_failed_may_still_pass_by_its_own_assertion(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        """
        from pytest_collab import task, Outcome
        from tests.support.handshake import Handshake

        @task(Handshake(), seeds=[1], conditions=["team"])
        def test_shake(episode):
            assert episode.outcome is Outcome.COORDINATION
            assert episode.failures[0].seats == ("a",)
        """
    )
    suite.runpytest_subprocess("--agents=stubborn").assert_outcomes(passed=1)


def test_paths_in_reports_are_relative_to_where_the_user_stands(suite: pytest.Pytester) -> None:
    write(suite)
    result = suite.runpytest_subprocess("--agents=stubborn", f"--collab-run-dir={Path('deep') / 'run'}")
    result.stdout.fnmatch_lines(["transcript: deep/run/transcripts/*"])


def test_the_run_keeps_what_the_environment_tells_jax(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JAX_THREEFRY_PARTITIONABLE", "0")
    write(suite)
    suite.runpytest_subprocess("--agents=partner", "--collab-run-dir=run")
    info = json.loads((suite.path / "run" / "run.json").read_text())
    assert "JAX_THREEFRY_PARTITIONABLE=0" in info["notes"]
    assert {"jax", "jaxlib"} <= set(info["versions"])
