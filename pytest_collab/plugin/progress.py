"""Live progress on a terminal: episodes done, in play and failed, and what was spent, on the bottom line."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Generator
from pathlib import Path
from typing import Any, Final

import pytest

from pytest_collab.plugin.shared import in_play

INTERVAL_S: Final = 0.2


class Progress:
    """Keeps the terminal's last line for itself by a scroll region, as package managers do.

    Registered in the controller when its output is a terminal; `-q`, `-s` and `TERM=dumb` do without.
    """

    def __init__(self, shared: Path, terminal: Any) -> None:
        self._shared = shared
        # While a test runs, pytest's capture sits on the standard descriptors: draw on a copy of the real one.
        self._file = os.fdopen(os.dup(terminal._tw._file.fileno()), "w", encoding="utf-8")
        self._done = self._failed = self._total = 0
        self._spent = 0.0
        self._unknown = False
        self._rows = 0
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._keep_drawing, name="collab-progress", daemon=True)

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

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        from pytest_collab.plugin.cases import case_of

        self._total = sum(case_of(item) is not None for item in session.items)

    def pytest_runtestloop(self) -> None:
        if not self._thread.is_alive():
            self._thread.start()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        collab = getattr(report, "collab", None)
        if collab is None:
            return
        self._done += 1
        self._failed += collab["outcome"] != "success"
        self._unknown |= collab["cost_usd"] is None
        self._spent += collab["cost_usd"] or 0.0

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self) -> Generator[None]:
        """Give the line back before anything is summed up."""
        self.stop()
        yield

    def pytest_unconfigure(self) -> None:
        self.stop()

    def stop(self) -> None:
        """Clear the line and the scroll region; once."""
        if self._file.closed:
            return
        self._over.set()
        if self._thread.is_alive():
            self._thread.join(2)
        with self._lock:
            if self._rows:
                self._write(f"\x1b7\x1b[r\x1b[{self._rows};1H\x1b[2K\x1b8")
                self._rows = 0
            self._file.close()

    def text(self) -> str:
        """The line."""
        total = f" of {self._total}" if self._total else ""
        known = "at least " if self._unknown else ""
        return (
            f" episodes: {self._done}{total} done, {in_play(self._shared)} in play, {self._failed} unsuccessful, "
            f"{known}${self._spent:.2f} "
        )

    def _keep_drawing(self) -> None:
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
            self._write(f"\x1b7\x1b[{rows};1H\x1b[2K\x1b[7m{self.text()[:columns]}\x1b[0m\x1b8")

    def _write(self, text: str) -> None:
        try:
            self._file.write(text)
            self._file.flush()
        except (OSError, ValueError):  # the terminal went away: so does the progress
            self._over.set()
