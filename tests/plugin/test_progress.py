"""Live progress, on a real pseudo-terminal."""

from __future__ import annotations

import os
import pty
import re
import struct
import subprocess
import sys
import termios
from fcntl import ioctl
from pathlib import Path

import pytest

from pytest_collab.episode.journal import Journals
from pytest_collab.episode.transcript import Transcript
from pytest_collab.plugin.progress import clock
from pytest_collab.plugin.standing import Standing


def on_a_terminal(suite: pytest.Pytester, *args: str, term: str = "xterm") -> str:
    """What pytest writes to a terminal of 24 lines."""
    ours, theirs = pty.openpty()
    ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *args],
        cwd=suite.path,
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
        env=environment | {"TERM": term},
    )
    os.close(theirs)
    written = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # the other end was closed
            break
        if not piece:
            break
        written += piece
    process.wait()
    os.close(ours)
    return written.decode(errors="replace")


@pytest.fixture
def shake(suite: pytest.Pytester) -> pytest.Pytester:
    (suite.path / "shake.collab.yaml").write_text("family: handshake\nseeds: 3\nconditions: [team]\n")
    return suite


def test_the_bottom_line_tells_done_in_play_failed_and_spent(shake: pytest.Pytester) -> None:
    written = on_a_terminal(shake, "--agents=slow,stubborn", "--collab-pairing=self")
    assert "\x1b[1;23r" in written, "the bottom line is fenced off"
    lines = re.findall(r"episodes: (\d+) of 6 done, (\d+) in play, (\d+) unsuccessful, \$(\d\.\d\d)", written)
    assert lines
    assert any(playing == "1" for _, playing, _, _ in lines)
    assert written.rindex("\x1b[r") > written.rindex("\x1b[7m episodes"), "and given back at the end"
    assert written.rindex("short test summary") > written.rindex("\x1b[r"), "before anything is summed up"


def test_workers_count_too(shake: pytest.Pytester) -> None:
    written = on_a_terminal(shake, "--agents=slow", "-n2")
    assert any(int(playing) >= 1 for playing in re.findall(r"of 3 done, (\d+) in play", written))


def test_the_log_of_a_ci_says_it_once_in_a_while(shake: pytest.Pytester) -> None:
    conftest = shake.path / "conftest.py"
    conftest.write_text(
        f"import pytest_collab.plugin.progress as p\n\np.LOG_INTERVAL_S = 0.3\n{conftest.read_text()}"
    )
    result = shake.runpytest_subprocess("--agents=slow", "-n2", "-q", "--collab-seeds=6")
    lines = [line for line in result.outlines if line.startswith("collab: episodes: ")]
    assert any(re.search(r"[1-5] of 6 done, [12] in play, 0 unsuccessful, \$0.\d\d, \d:\d\d", line) for line in lines)


def test_the_log_says_what_is_prepared_while_nothing_can_begin(shake: pytest.Pytester) -> None:
    conftest = shake.path / "conftest.py"
    conftest.write_text(
        "import pytest_collab.plugin.progress as p\nfrom pytest_collab.episode.preparing import preparing\n\n"
        "p.PREPARING_INTERVAL_S = 0.2\ngoing = preparing('sift: base and environment')\ngoing.__enter__()\n\n\n"
        f"def pytest_runtest_teardown():\n    going.__exit__(None, None, None)\n\n\n{conftest.read_text()}"
    )
    result = shake.runpytest_subprocess("--agents=slow", "-q", "--collab-seeds=1")
    lines = [line for line in result.outlines if line.startswith("collab: episodes: ")]
    assert any(re.search(r"; preparing sift: base and environment \(0:0\d\)$", line) for line in lines)


def test_time_is_told_as_clocks_tell_it() -> None:
    assert [clock(seconds) for seconds in (0.4, 65, 3905)] == ["0:00", "1:05", "1:05:05"]


@pytest.mark.parametrize(("args", "term"), [(["-q"], "xterm"), (["-s"], "xterm"), ([], "dumb")])
def test_who_wants_no_progress_gets_none(shake: pytest.Pytester, args: list[str], term: str) -> None:
    assert "in play" not in on_a_terminal(shake, "--agents=partner", *args, term=term)


GATES = """
gates:
  - {name: half of them, metric: success_rate, at_least: 0.5}
  - {name: nearly all, metric: success_rate, at_least: 0.95}
"""


def test_the_log_says_how_the_gates_stand(shake: pytest.Pytester) -> None:
    conftest = shake.path / "conftest.py"
    quick = "progress.LOG_INTERVAL_S = 0.3\nstanding.EVERY_S = 0.1\n"
    quick = f"from pytest_collab.plugin import progress, standing\n\n{quick}"
    conftest.write_text(quick + conftest.read_text())
    (shake.path / "gates.yaml").write_text(GATES)
    result = shake.runpytest_subprocess("--agents=slow", "-q", "--collab-seeds=8", "--collab-gate=gates.yaml")
    told = [line for line in result.outlines if line.startswith("collab: episodes: ")]
    assert any(re.search(r"gates so far: (1 pass, 1 undecided|2 undecided)", line) for line in told), told


def test_an_episode_that_takes_long_is_named_with_its_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_collab.plugin.standing.LONG_S", 0.0)
    monkeypatch.setattr("pytest_collab.plugin.standing.LOOK_S", 0.0)
    journals, standing = Journals(tmp_path, "gw1"), Standing(tmp_path)
    assert standing.longest() == ""
    transcript = Transcript()
    journals.begin("maze-six-team-slow-s3-1a2b3c4d", transcript)
    transcript.add("start", None)
    transcript.add("prompt", "a", turn=8, text="so")
    assert re.fullmatch(r"longest maze-six-team-slow-s3 turn 9, \d s", standing.longest())
    journals.end("maze-six-team-slow-s3-1a2b3c4d")
    assert standing.longest() == ""
