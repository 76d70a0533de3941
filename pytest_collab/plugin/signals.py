"""SIGTERM and SIGHUP end a session as Ctrl-C does: what is finished is kept and shown, nothing goes on."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Generator
from types import FrameType
from typing import Any, Final

import pytest

ENDING: Final = {
    signal.SIGTERM: signal.SIG_DFL,
    signal.SIGHUP: signal.SIG_DFL,
    signal.SIGINT: signal.default_int_handler,
}
"""A cancelled step of a CI, `timeout 30m pytest`, a closed terminal, Ctrl-C; each with the handler that it has where
nobody (nohup, another plugin) has other plans."""

AT_ONCE: Final = 2.0
"""Seconds within which signals are one: `timeout` sends its own twice, to the process and to its group."""


class Endings:
    """Registered on the controller while a session lasts."""

    def __init__(self) -> None:
        self._before: dict[int, Any] = {}
        self._last: float | None = None

    def pytest_sessionstart(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            return
        for number, usual in ENDING.items():
            if signal.getsignal(number) is usual:
                self._before[number] = signal.signal(number, self._interrupt)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, Any, Any]:
        """pytest takes a session that is interrupted again while it says so for one that came to its end."""
        try:
            return (yield)
        except BaseException:
            session.exitstatus = pytest.ExitCode.INTERRUPTED  # until pytest says otherwise
            raise

    def pytest_unconfigure(self) -> None:
        while self._before:
            signal.signal(*self._before.popitem())

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if self._last is not None and now - self._last < AT_ONCE:
            return
        self._last = now
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        raise KeyboardInterrupt(f"ended by {signal.Signals(number).name}")
