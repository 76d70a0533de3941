"""An ini file that names agents is in nobody's way, and a run leaves no trace that was not asked for."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

PLAIN = "def test_plain():\n    assert 1\n"


@pytest.fixture
def asked(suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project whose ini file names an agent that needs a key, on a machine that has none."""
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    monkeypatch.setenv("TMPDIR", str(suite.mkdir("tmp")))
    (suite.path / "pytest.ini").write_text("[pytest]\nagents = claude\n")
    (suite.path / "test_plain.py").write_text(PLAIN)
    return suite


@pytest.mark.parametrize("workers", [[], ["-n2"]], ids=["alone", "xdist"])
def test_agents_of_the_ini_file_without_a_key_stop_nobodys_tests(asked: pytest.Pytester, workers: list[str]) -> None:
    result = asked.runpytest_subprocess("test_plain.py", *workers)
    result.assert_outcomes(passed=1)
    assert not (asked.path / ".collab").exists()
    assert list((asked.path / "tmp").glob("collab-*")) == []


def test_they_are_refused_where_a_task_is_collected(asked: pytest.Pytester) -> None:
    (asked.path / "shake.collab.yaml").write_text("family: handshake\nseeds: 1\nparams: {}\n")
    result = asked.runpytest_subprocess()
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*agent 'claude' needs a key*ANTHROPIC_API_KEY*pytest.ini*"])


def test_agents_of_the_command_line_are_refused_at_once(asked: pytest.Pytester) -> None:
    result = asked.runpytest_subprocess("--agents=claude", "test_plain.py")
    assert result.ret == pytest.ExitCode.USAGE_ERROR


def test_a_session_that_played_nothing_leaves_nothing(suite: pytest.Pytester) -> None:
    (suite.path / "pytest.ini").write_text("[pytest]\nagents = partner\n")
    (suite.path / "test_plain.py").write_text(PLAIN)
    suite.runpytest_subprocess().assert_outcomes(passed=1)
    assert not (suite.path / ".collab").exists()


def test_the_folder_of_runs_ignores_itself_in_git(suite: pytest.Pytester) -> None:
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    subprocess.run(["git", "init", "-q", "."], check=True, cwd=suite.path, env=env)
    (suite.path / "shake.collab.yaml").write_text("family: handshake\nseeds: 1\nconditions: [team]\nparams: {}\n")
    suite.runpytest_subprocess("--agents=partner")
    done = subprocess.run(
        ["git", "status", "--porcelain"], check=True, cwd=suite.path, env=env, capture_output=True, text=True
    )
    assert (suite.path / ".collab" / "runs").is_dir()
    assert "?? .collab/" not in done.stdout


@pytest.mark.parametrize("hook", [True, False], ids=["in a hook", "outside"])
def test_a_repository_without_commits_has_no_commit(
    suite: pytest.Pytester, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hook: bool
) -> None:
    from pytest_collab.plugin.runinfo import _commit

    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    other, empty = tmp_path / "other", tmp_path / "empty"
    for folder in (other, empty):
        subprocess.run(["git", "init", "-q", str(folder)], check=True, env=env)
    words = ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-m", "one"]
    subprocess.run(["git", "-C", str(other), *words], check=True, env=env)
    if hook:
        monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    assert _commit(empty) is None
    commit = _commit(other)
    assert commit is not None
    assert len(commit) == 40


def test_a_shard_is_the_same_wherever_pytest_is_started(suite: pytest.Pytester) -> None:
    (suite.path / "tasks").mkdir()
    (suite.path / "tasks" / "a.collab.yaml").write_text(
        "family: handshake\nseeds: 16\nconditions: [team]\nparams: {}\n"
    )

    def chosen(*args: str) -> set[str]:
        shown = suite.runpytest_subprocess("--agents=partner", "--collab-shard=1/2", "--collect-only", "-q", *args)
        return {line.partition("::")[2] for line in shown.outlines if "::" in line}

    whole = chosen("--rootdir=.")
    assert 0 < len(whole) < 16
    assert chosen("--rootdir=tasks", "--confcutdir=.", "tasks") == whole
