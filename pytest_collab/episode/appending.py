"""Appending to files that several processes write, so that a crash loses no line but the one it tears."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from pytest_collab.errors import RunError


def append_line(path: Path, line: str) -> None:
    """Append one line as a single O_APPEND write, flushed to the disk before returning.

    A line torn by an earlier crash is closed first, so that it costs no other line; a write that does not fit on
    the disk is taken back.

    Raises:
        RunError: the line could not be written.
    """
    data = line.encode("ascii") + b"\n"
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
    except OSError as error:
        raise RunError(f"{path} cannot be written: {error.strerror or error}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        size = os.fstat(descriptor).st_size
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            data = b"\n" + data
        try:
            written = os.write(descriptor, data)
            if written == len(data):
                os.fsync(descriptor)
                return
            reason = "No space left on device"
        except OSError as error:
            reason = error.strerror or str(error)
        os.ftruncate(descriptor, size)
        raise RunError(f"{path} cannot be written: {reason}")
    finally:
        os.close(descriptor)
