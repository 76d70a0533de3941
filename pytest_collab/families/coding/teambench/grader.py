"""Runs grade.sh as TeamBench's harness does, ends what it left running, and says in TAP what score.json says."""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from typing import NoReturn

MODIFIED, ATTRIBUTES, WRITTEN, MOVED_AWAY, MOVED_HERE = 0x2, 0x4, 0x8, 0x40, 0x80
CREATED, DELETED, FOLDER_DELETED, FOLDER_MOVED, OVERFLOW = 0x100, 0x200, 0x400, 0x800, 0x4000
WATCHED = MODIFIED | ATTRIBUTES | WRITTEN | MOVED_AWAY | MOVED_HERE | CREATED | DELETED
WATCHED |= FOLDER_DELETED | FOLDER_MOVED
"""Kinds of events of Linux' inotify."""

SUBREAPER = 36
"""Of prctl: who has lost its parent becomes a child of this process."""

PATIENCE = 10
"""Seconds until what was killed has ended."""

libc = ctypes.CDLL(None, use_errno=True)


def refuse(why: str) -> NoReturn:
    """Say that there is no word, and why."""
    print(f"Bail out! {why}")
    sys.exit(2)


def children() -> Iterator[int]:
    """Whoever this process is the parent of; with SUBREAPER also what was left behind by its parent."""
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as file:
                parent = int(file.read().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if parent == os.getpid():
            yield int(name)


def end_all() -> None:
    """Kill what the grader has left running, and what that leaves in turn."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        for child in children():
            os.kill(child, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
            time.sleep(0.005)
        except ChildProcessError:
            return
    refuse("what grade.sh has left running does not end")


def watch(folder: str) -> int:
    """Have everything noted that happens in a folder."""
    noted: int = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
    if noted < 0 or libc.inotify_add_watch(noted, os.fsencode(folder), WATCHED) < 0:
        refuse(f"the folder of the score cannot be watched: {os.strerror(ctypes.get_errno())}")
    return noted


def happened(noted: int) -> Iterator[tuple[str, int]]:
    """What has been noted, in order: (name, kind); the folder itself has no name."""
    while True:
        try:
            data = os.read(noted, 1 << 16)
        except BlockingIOError:
            return
        while data:
            _, kind, _, length = struct.unpack_from("iIII", data)
            yield data[16 : 16 + length].rstrip(b"\0").decode(errors="replace"), kind
            data = data[16 + length :]


def written_once(noted: int) -> bool:
    """Whether score.json was written one time, and neither it nor its folder touched otherwise."""
    writings = 0
    for name, kind in happened(noted):
        if kind & (FOLDER_DELETED | FOLDER_MOVED | OVERFLOW) or (not name and kind & ATTRIBUTES):
            return False
        if name == "score.json":
            if writings or kind & (ATTRIBUTES | MOVED_AWAY | DELETED):
                return False
            writings += bool(kind & (WRITTEN | MOVED_HERE))
    return writings == 1


def main() -> None:
    """Run it; the status is 0 where it passes, 1 where it does not, 2 where there is no word."""
    here, place = os.path.dirname(os.path.abspath(__file__)), tempfile.mkdtemp()
    restored = os.path.join(here, "restored")
    if os.path.isdir(restored):
        shutil.copytree(restored, os.getcwd(), dirs_exist_ok=True)
    reports, submission = os.path.join(place, "reports"), os.path.join(place, "submission")
    os.mkdir(reports)
    os.mkdir(submission)
    with open(os.path.join(submission, "attestation.json"), "w", encoding="utf-8") as file:
        json.dump({"verdict": "pass", "notes": "attested outside"}, file)
    words = [os.getcwd(), reports, submission, here]
    if os.path.isfile(os.path.join(here, "expected.json")):
        words.append(shutil.copy(os.path.join(here, "expected.json"), reports))
    script = os.path.join(here, "grade.sh")
    with open(script, encoding="utf-8", errors="surrogateescape") as file:
        grader = file.read()  # bash reads a script as it goes, and who runs below it could write on in it
    if libc.prctl(SUBREAPER, 1, 0, 0, 0):
        refuse("what grade.sh leaves running cannot be ended here")
    noted, nothing = watch(reports), subprocess.DEVNULL
    done = subprocess.run(
        ["bash", "-c", grader, script, *words], stdin=nothing, stdout=nothing, stderr=nothing, check=False
    )
    end_all()
    if done.returncode < 0:
        refuse(f"grade.sh was ended by signal {-done.returncode}")
    if not os.path.lexists(os.path.join(reports, "score.json")):
        refuse("grade.sh left no score.json")
    if not written_once(noted):
        refuse("score.json was touched by somebody else than grade.sh, or more than once")
    try:
        with open(os.path.join(reports, "score.json"), encoding="utf-8") as file:
            score = json.load(file)
        passed = score["pass"]
        assert isinstance(passed, bool)
    except Exception as error:
        refuse(f"grade.sh left no readable score.json: {error!r}")
    modes = ", ".join(map(str, score.get("failure_modes") or []))
    print("1..1")
    print("ok 1 - grade.sh" if passed else "not ok 1 - grade.sh")
    if not passed:
        print(f"# failure modes: {modes[:500]}")
    sys.exit(0 if passed else 1)


if __name__ == "__main__":
    main()
