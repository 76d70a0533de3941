"""What providers ask for while a session runs, and agents that are past help: shared by all its processes."""

from __future__ import annotations

import fcntl
import json
import os
from hashlib import sha256
from pathlib import Path
from time import time
from typing import Final

from pytest_collab.episode.text import counted, one_line

LOST_FOR_GOOD: Final = 3
"""An agent is given up after so many calls in a row that failed for good."""

SAME_NOTICE_S: Final = 60.0
"""The same is not said again within this time."""


class Trouble:
    """Notices for the user, and the calls that each agent has lost.

    Args:
        shared: a directory that all processes of the session can write to; None keeps nothing.
    """

    def __init__(self, shared: Path | None) -> None:
        self._folder = shared
        self._said: dict[str, float] = {}
        self._served: set[str] = set()

    def notice(self, about: str, text: str) -> None:
        """Leave word for whoever sits at the terminal; `about` is what the same notice is known by."""
        now = time()
        if self._folder is None or now - self._said.get(about, -SAME_NOTICE_S) < SAME_NOTICE_S:
            return
        self._said[about] = now
        leave_notice(self._folder, about, text)

    def lost(self, agent: str, why: str, *, lasting: bool) -> None:
        """A call failed and will not be made again.

        Args:
            lasting: no later call of the agent will fare better.
        """
        if self._folder is None:
            return
        before = self.given_up(agent)
        _append(self._file("lost", agent), json.dumps({"lasting": lasting, "why": one_line(why, 300)}))
        if before is None and (now := self.given_up(agent)) is not None:
            self.notice(f"given up {agent}", now)

    def served(self, agent: str) -> None:
        """A call of the agent was answered."""
        if self._folder is None:
            return
        if agent not in self._served:
            self._served.add(agent)
            self._file("served", agent).touch()
        self._file("lost", agent).unlink(missing_ok=True)

    def given_up(self, agent: str) -> str | None:
        """Why the agent need not be asked any more; None while there is hope.

        Hope ends when the last calls failed for good in a way that lasts (a key, credit, a model that is not there),
        or when none was ever answered.
        """
        if self._folder is None:
            return None
        try:
            lines = self._file("lost", agent).read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return None
        lost = [json.loads(line) for line in lines]
        lasting = sum(bool(one["lasting"]) for one in lost)
        never = len(lost) >= LOST_FOR_GOOD and not self._file("served", agent).exists()
        if lasting < LOST_FOR_GOOD and not never:
            return None
        which = f"its last {counted(len(lost), 'call')}" if self._file("served", agent).exists() else "its every call"
        return f"agent {agent!r} is not asked any more: {which} failed for good: {lost[-1]['why']}"

    def _file(self, kind: str, agent: str) -> Path:
        assert self._folder is not None
        return self._folder / f"{kind}-{sha256(agent.encode('utf-8', 'replace')).hexdigest()[:16]}"


def notices_file(shared: Path) -> Path:
    """Where notices are left: one JSON object a line, `about`, `at` (seconds of the epoch) and `text`."""
    return shared / "notices.jsonl"


def leave_notice(shared: Path, about: str, text: str) -> None:
    """Leave a line that people are to see while the session runs."""
    _append(notices_file(shared), json.dumps({"about": about, "at": time(), "text": one_line(text, 400)}))


def _append(path: Path, line: str) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        os.write(fd, f"{line}\n".encode())
    finally:
        os.close(fd)
