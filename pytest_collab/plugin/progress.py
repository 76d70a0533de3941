"""Live progress: episodes done, in play and failed, what was spent, the time that is left, and how gates stand.

On a terminal it is the bottom line; in the log of a CI a line a minute, and one every 15 seconds while something is
prepared that keeps episodes from beginning.
"""

from __future__ import annotations

import os
import shutil
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Generator
from pathlib import Path
from typing import Any, Final

import pytest

from pytest_collab.agents.purse import SessionPurse
from pytest_collab.agents.trouble import leave_notice
from pytest_collab.plugin.shared import in_play, in_preparation, planned
from pytest_collab.plugin.standing import Standing

INTERVAL_S: Final = 0.2
LOG_INTERVAL_S: Final = 60.0
PREPARING_INTERVAL_S: Final = 15.0


class Tally:
    """What a session has come to so far, over all its processes."""

    def __init__(self, shared: Path, standing: Standing) -> None:
        self._shared = shared
        self._standing = standing
        self._purse = SessionPurse(shared, None)
        self._done = self._failed = 0
        self._spent = 0.0
        self._unknown = False
        self._began = time.monotonic()

    def begin(self) -> None:
        """The first episode may begin: time runs."""
        self._began = time.monotonic()

    def take(self, report: pytest.TestReport) -> None:
        """Count a report, where it is one of an episode."""
        collab = getattr(report, "collab", None)
        if collab is None:
            return
        self._done += 1
        self._failed += collab["outcome"] != "success"
        self._unknown |= collab["cost_usd"] is None
        self._spent += collab["cost_usd"] or 0.0

    def text(self) -> str:
        """One line. What was spent counts what is in play, too."""
        total = planned(self._shared)
        of = f" of {total}" if total else ""
        known = "at least " if self._unknown else ""
        spent = max(self._spent, self._purse.spent)
        elapsed = time.monotonic() - self._began
        left = f", about {clock(elapsed / self._done * (total - self._done))} left" if 1 < self._done < total else ""
        return (
            f"episodes: {self._done}{of} done, {in_play(self._shared)} in play, {self._failed} unsuccessful, "
            f"{known}${spent:.2f}, {clock(elapsed)}{left}{self._preparing()}"
            + "".join(f"; {told}" for told in (self._standing.gates(), self._standing.longest()) if told)
        )

    def _preparing(self) -> str:
        going = in_preparation(self._shared)
        if not going:
            return ""
        what, since = going[0]
        more = f" and {len(going) - 1} more" if len(going) > 1 else ""
        return f"; preparing {what}{more} ({clock(max(time.time() - since, 0))})"


def clock(seconds: float) -> str:
    """`1:05:09`, or `5:09` within the hour."""
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


class Telling(ABC):
    """Tells the tally from a thread while tests run. Registered in the controller."""

    def __init__(self, shared: Path, standing: Standing) -> None:
        self._tally = Tally(shared, standing)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._keep_telling, name="collab-progress", daemon=True)

    def pytest_runtestloop(self) -> None:
        if not self._thread.is_alive():
            self._tally.begin()
            self._thread.start()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._tally.take(report)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self) -> Generator[None]:
        """Be silent before anything is summed up."""
        self.stop()
        yield

    def pytest_unconfigure(self) -> None:
        self.stop()

    def stop(self) -> None:
        """Tell no more; however often it is called."""
        self._over.set()

    @abstractmethod
    def _keep_telling(self) -> None:
        """What the thread does until it is over."""


class Log(Telling):
    """A line now and then, where there is no terminal to draw on."""

    def __init__(self, shared: Path, standing: Standing) -> None:
        super().__init__(shared, standing)
        self._shared = shared

    def _keep_telling(self) -> None:
        told = time.monotonic()
        while not self._over.wait(min(LOG_INTERVAL_S, PREPARING_INTERVAL_S)):
            if time.monotonic() - told >= LOG_INTERVAL_S or in_preparation(self._shared):
                told = time.monotonic()
                leave_notice(self._shared, "progress", self._tally.text())


class Progress(Telling):
    """Keeps the terminal's last line for itself by a scroll region, as package managers do.

    Registered in the controller when its output is a terminal; `-q`, `-s` and `TERM=dumb` do without.
    """

    def __init__(self, shared: Path, standing: Standing, terminal: Any) -> None:
        super().__init__(shared, standing)
        # While a test runs, pytest's capture sits on the standard descriptors: draw on a copy of the real one.
        self._file = os.fdopen(os.dup(terminal._tw._file.fileno()), "w", encoding="utf-8")
        self._rows = 0
        self._lock = threading.Lock()

    @classmethod
    def wanted(cls, config: pytest.Config, terminal: Any) -> bool:
        """Is there a terminal to draw on, and does the user want it?"""
        return bool(
            terminal is not None
            and terminal.isatty
            and os.environ.get("TERM", "dumb") != "dumb"
            and config.option.verbose >= 0
            and config.option.capture != "no"
        )

    def stop(self) -> None:
        """Clear the line and the scroll region; once."""
        if self._file.closed:
            return
        super().stop()
        if self._thread.is_alive():
            self._thread.join(2)
        with self._lock:
            if self._rows:
                self._write(f"\x1b7\x1b[r\x1b[{self._rows};1H\x1b[2K\x1b8")
                self._rows = 0
            self._file.close()

    def _keep_telling(self) -> None:
        while not self._over.wait(INTERVAL_S):
            self._draw()

    def _draw(self) -> None:
        columns, rows = shutil.get_terminal_size()
        with self._lock:
            if self._over.is_set() or rows < 4:
                return
            if rows != self._rows:
                # Make room first, so that the region's new bottom line is empty; then fence it off.
                self._write(f"\n\x1b[1A\x1b7\x1b[1;{rows - 1}r\x1b8")
                self._rows = rows
            self._write(f"\x1b7\x1b[{rows};1H\x1b[2K\x1b[7m{f' {self._tally.text()} '[:columns]}\x1b[0m\x1b8")

    def _write(self, text: str) -> None:
        try:
            self._file.write(text)
            self._file.flush()
        except (OSError, ValueError):  # the terminal went away: so does the progress
            self._over.set()
