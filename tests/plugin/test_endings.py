"""However a session ends, nothing of it goes on, and what is finished is shown."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pytest_collab.episode.run import RunDirectory

SLOW = """

from pathlib import Path
from tests.support.handshake import HandshakeFamily

def pytest_collab_families(config):
    return [HandshakeFamily()]

def pytest_collab_episode_finished(episode, transcript):
    if episode.seed == 1:
        Path("ready").touch()
"""

PROGRAM = "import os, sys, time; open('program.pid', 'w').write(str(os.getpid())); time.sleep(600)"


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def until(condition: object, seconds: float) -> bool:
    assert callable(condition)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


@pytest.fixture
def playing(suite: pytest.Pytester) -> subprocess.Popen[str]:
    """A session in play: two episodes are finished, and a program that will never answer sits in the third."""
    (suite.path / "conftest.py").write_text(SLOW)
    (suite.path / "tmp").mkdir()
    told = {"provider": "command", "command": [sys.executable, "-c", PROGRAM]}
    (suite.path / "collab-agents.yaml").write_text(json.dumps({"agents": {"cli": told}}))
    (suite.path / "a.collab.yaml").write_text(
        "family: handshake\nname: quick\nseeds: 2\nconditions: [team]\nparams: {}\n"
    )
    args = ["--collab-teams=partner+partner,cli+cli", "--collab-run-dir=out"]
    return subprocess.Popen(
        [sys.executable, "-m", "pytest", "a.collab.yaml", *args],
        cwd=suite.path,
        env={**os.environ, "TMPDIR": str(suite.path / "tmp")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        preexec_fn=_as_from_a_terminal,
    )


def _as_from_a_terminal() -> None:
    """Under nohup, and in the background of a script, signals are ignored, and what is started inherits that."""
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_signal_ends_a_session_as_ctrl_c_does(
    suite: pytest.Pytester, playing: subprocess.Popen[str], name: str
) -> None:
    pid_file = suite.path / "program.pid"
    assert until(lambda: pid_file.exists() and pid_file.read_text(), 120)
    playing.send_signal(getattr(signal, name))
    output, _ = playing.communicate(timeout=120)
    assert playing.returncode == pytest.ExitCode.INTERRUPTED
    assert "episodes: 2, cost:" in output
    assert f"ended by {name}" in output
    run = RunDirectory(suite.path / "out")
    assert len(run.record().plays) == 2
    (broken,) = run.superseded()
    assert broken.team == ("cli", "cli")
    assert broken.error is not None
    assert "the session ended before the episode did" in broken.error
    assert run.transcript(broken).last("prompt") is not None
    assert "plays: 3 of 2 episodes, all paid" in output, "nobody knows what the answer would have cost"
    assert "cost: at least $" in output
    assert (suite.path / "out" / "report.html").exists()
    assert until(lambda: not alive(int(pid_file.read_text())), 10)
    assert list((suite.path / "tmp").glob("collab-*")) == []


def test_a_signal_that_comes_twice_is_one(suite: pytest.Pytester, playing: subprocess.Popen[str]) -> None:
    """`timeout` sends its signal to the process and to its group."""
    assert until((suite.path / "program.pid").exists, 120)
    playing.send_signal(signal.SIGINT)
    playing.send_signal(signal.SIGINT)
    output, _ = playing.communicate(timeout=120)
    assert playing.returncode == pytest.ExitCode.INTERRUPTED
    assert "Traceback" not in output
    assert "KeyboardInterrupt" in output
    assert RunDirectory(suite.path / "out").info().exit_status == pytest.ExitCode.INTERRUPTED


def test_a_session_whose_end_is_interrupted_is_no_whole_one(suite: pytest.Pytester) -> None:
    """pytest itself would go on with the exit status of a session that came to its end."""
    (suite.path / "a.collab.yaml").write_text("family: handshake\nseeds: 2\nconditions: [team]\nparams: {}\n")
    (suite.path / "gates.yaml").write_text("gates:\n  - {metric: success_rate, at_least: 0.1}\n")
    conftest = suite.path / "conftest.py"
    conftest.write_text(
        conftest.read_text()
        + """
def pytest_runtest_logreport(report):
    if report.when == "teardown":
        raise KeyboardInterrupt

def pytest_keyboard_interrupt(excinfo):
    raise KeyboardInterrupt
"""
    )
    result = suite.runpytest_subprocess("--agents=partner", "--collab-gate=gates.yaml", "--collab-run-dir=out")
    assert result.ret != 0
    assert "the gates were not judged: the session did not come to its end" in result.stdout.str()
    assert RunDirectory(suite.path / "out").info().exit_status == pytest.ExitCode.INTERRUPTED


def test_a_killed_session_leaves_nothing_running(suite: pytest.Pytester, playing: subprocess.Popen[str]) -> None:
    pid_file = suite.path / "program.pid"
    assert until(lambda: pid_file.exists() and pid_file.read_text(), 120)
    playing.kill()
    playing.communicate(timeout=60)
    assert until(lambda: not alive(int(pid_file.read_text())), 10), "the agent's program went on"
    assert until(lambda: not list((suite.path / "tmp").glob("collab-*")), 10), "folders stayed"


def test_a_passing_session_passes_where_warnings_are_errors(suite: pytest.Pytester) -> None:
    (suite.path / "a.collab.yaml").write_text("family: handshake\nseeds: 2\nconditions: [team]\nparams: {}\n")
    result = suite.runpytest_subprocess("--agents=partner", "-W", "error")
    assert result.ret == 0, result.stdout.str()


@pytest.mark.parametrize("stop", ["-x", "--maxfail=1"])
def test_a_session_that_stops_early_counts_its_failures(suite: pytest.Pytester, stop: str) -> None:
    (suite.path / "a.collab.yaml").write_text("family: handshake\nseeds: 3\nconditions: [team]\nparams: {}\n")
    result = suite.runpytest_subprocess("--agents=silent", stop, "--tb=no")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.re_match_lines([r"=+ 1 coordination in .*"])


def test_a_terminal_of_ascii_letters_shows_a_story_line_by_line(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    (suite.path / "a.collab.yaml").write_text("family: handshake\nseeds: 1\nconditions: [team]\nparams: {}\n")
    result = suite.runpytest_subprocess("--agents=silent")
    text = result.stdout.str()
    assert "\\n" not in text
    assert len(text[text.index("FAILURES") : text.index("short test summary")].splitlines()) > 5
