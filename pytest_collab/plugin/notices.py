"""What is worth knowing while a session runs: a provider that asks to wait, an agent that is given up."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Generator
from pathlib import Path
from typing import Any, Final, TextIO

import pytest

from pytest_collab.agents.trouble import notices_file

INTERVAL_S: Final = 0.5


class Notices:
    """Writes what any process of the session left word of to the terminal, as it comes. Registered in the controller.

    Args:
        shared: the folder that all processes of the session share.
    """

    def __init__(self, shared: Path, terminal: Any) -> None:
        self._path = notices_file(shared)
        self._terminal = terminal
        self._read = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="collab-notices", daemon=True)
        self._file: TextIO | None = None
        try:
            # While a test runs, pytest's capture sits on the standard descriptors: write on a copy of the real one.
            self._file = os.fdopen(os.dup(terminal._tw._file.fileno()), "w", encoding="utf-8")
        except (OSError, ValueError, AttributeError):
            return  # no real terminal: the reporter's own words will do

    def pytest_runtestloop(self) -> None:
        if not self._thread.is_alive():
            self._thread.start()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self) -> Generator[None]:
        """Say what is left to say before anything is summed up."""
        self.stop()
        yield

    def pytest_unconfigure(self) -> None:
        self.stop()

    def stop(self) -> None:
        """Say the last notices; once."""
        if self._over.is_set():
            return
        self._over.set()
        if self._thread.is_alive():
            self._thread.join(2)
        self._tell()
        if self._file is not None:
            self._file.close()

    def _watch(self) -> None:
        while not self._over.wait(INTERVAL_S):
            self._tell()

    def _tell(self) -> None:
        for text in self._new():
            line = f"collab: {text}"
            if self._file is None:
                self._terminal.ensure_newline()
                self._terminal.write_line(line, yellow=True)
                continue
            self._terminal._tw._file.flush()
            self._file.write(f"\n{line}\n")
            self._file.flush()

    def _new(self) -> list[str]:
        """Notices that were not read yet; each once, whichever worker left it."""
        try:
            with self._path.open(encoding="utf-8") as notices:
                notices.seek(self._read)
                raw = notices.read()
        except OSError:
            return []
        whole = raw[: raw.rfind("\n") + 1]
        self._read += len(whole.encode())
        said = {}
        for line in whole.splitlines():
            notice = json.loads(line)
            said[notice["about"]] = str(notice["text"])
        return list(said.values())
