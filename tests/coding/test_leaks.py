"""Many episodes leave no descriptor, no process and no folder behind, however they end."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

import pytest

from pytest_collab.episode.limits import Limits
from pytest_collab.episode.outcome import Outcome
from pytest_collab.sandbox.tree import descendants
from pytest_collab.testing import play_episode
from tests.coding import small

ENDINGS = (
    ("oracle+oracle", "team", None, Outcome.SUCCESS),
    ("partner+silent", "git", None, Outcome.COORDINATION),
    ("partner+partner", "lead", Limits(turns=3), Outcome.LIMIT),
    ("partner+partner", "sequential", Limits(seconds=0.05), Outcome.LIMIT),
)


def held() -> tuple[int, list[str], set[str]]:
    """Open descriptors, what living descendants run, and folders of episodes."""
    folders = {name for name in os.listdir(tempfile.gettempdir()) if name.startswith("collab-coding-")}
    return len(os.listdir("/proc/self/fd")), sorted(map(command, descendants(os.getpid()))), folders


def command(pid: int) -> str:
    """What a process runs; empty when it has gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")[:300]
    except OSError:
        return ""


def calm() -> tuple[int, list[str], set[str]]:
    """The same when it has stayed so for half a second: what was killed takes a moment to be gone."""
    last, since = held(), time.monotonic()
    deadline = since + 20
    while time.monotonic() - since < 0.5 and time.monotonic() < deadline:
        time.sleep(0.05)
        if (now := held()) != last:
            last, since = now, time.monotonic()
    return last


@pytest.mark.slow
def test_episodes_leave_nothing_behind(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLLAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path_factory.mktemp("tmp")))
    params = small.params(small.lay_out(tmp_path / "pool"))
    before: tuple[int, list[str], set[str]] | None = None
    for number in range(16):
        team, condition, limits, outcome = ENDINGS[number % len(ENDINGS)]
        episode = play_episode(params, team.split("+"), condition, limits=limits).episode
        assert episode.outcome is outcome, (episode.error, episode.failures)
        if number == len(ENDINGS) - 1:  # what is opened once and kept is open by now
            before = calm()
    assert calm() == before
