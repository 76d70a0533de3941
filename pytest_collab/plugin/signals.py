"""SIGTERM and SIGHUP end a session as Ctrl-C does: what is finished is kept and shown, nothing goes on."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any, Final

ENDING: Final = (signal.SIGTERM, signal.SIGHUP)
"""A cancelled step of a CI, `timeout 30m pytest`, a closed terminal."""


class Endings:
    """Registered on the controller while a session lasts."""

    def __init__(self) -> None:
        self._before: dict[int, Any] = {}

    def pytest_sessionstart(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            return
        for number in ENDING:
            if signal.getsignal(number) is signal.SIG_DFL:  # not under nohup, nor where somebody has other plans
                self._before[number] = signal.signal(number, _interrupt)

    def pytest_unconfigure(self) -> None:
        while self._before:
            signal.signal(*self._before.popitem())


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt(f"ended by {signal.Signals(number).name}")
