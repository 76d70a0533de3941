"""Loaded by the Python that runs graded pytest, before anything of the graded tree can be.

It takes pytest from the environment (not from a `pytest.py` in the tree), notes each test's result itself, signs
the notes with a key that is gone from the disk before foreign code runs, and ends the process as soon as the
session has ended, so that nothing registered at exit can rewrite anything. It cannot keep code of the same
process from looking for the key in memory; docs/families/coding-merge-and-grading.md says so.
"""

from __future__ import annotations

import os
import sys


def _install() -> None:
    place = os.environ.get("COLLAB_GUARD")
    words = sys.orig_argv[1:]
    named = any(os.path.basename(word) in ("pytest", "py.test") for word in words[:4])
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or ".") != here]
    if not place or not named:
        return
    for name in ("COLLAB_GUARD", "PYTHONPATH"):
        os.environ.pop(name, None)
    rest = os.environ.pop("COLLAB_PYTHONPATH", None)
    if rest:
        os.environ["PYTHONPATH"] = rest
    try:
        with open(os.path.join(place, "key"), "rb") as file:
            key = file.read()
        os.unlink(os.path.join(place, "key"))
    except OSError:
        return  # another process of this run has it: a worker of xdist, or a pytest that a test started
    import hashlib
    import hmac
    import json
    import types

    import pytest

    results: dict[str, str] = {}
    rank = {"passed": 0, "skipped": 1, "error": 2, "failed": 3}
    ended: list[int] = []

    def note(name: str, status: str) -> None:
        if name not in results or rank[status] > rank[results[name]]:
            results[name] = status

    def pytest_runtest_logreport(report: pytest.TestReport) -> None:
        if report.failed:
            note(report.nodeid, "failed" if report.when == "call" else "error")
        elif report.skipped:
            note(report.nodeid, "skipped")
        elif report.when == "call":
            note(report.nodeid, "passed")

    def pytest_collectreport(report: pytest.CollectReport) -> None:
        if report.failed:
            note(report.nodeid, "error")

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(exitstatus: int) -> None:
        ended.append(int(exitstatus))

    write, dump, digest, leave, opener = os.write, json.dumps, hmac.new, os._exit, os.open
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure() -> None:
        if not ended:
            return
        body = dump({"results": results, "exit": ended[-1]}).encode()
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        descriptor = opener(os.path.join(place, "record"), flags, 0o600)
        data = digest(key, body, hashlib.sha256).hexdigest().encode() + b"\n" + body
        while data:
            data = data[write(descriptor, data) :]
        leave(ended[-1])

    module = types.ModuleType("collab_guard", "PYTEST_DONT_REWRITE (nor warn: a pool may make warnings errors)")
    for hook in (pytest_runtest_logreport, pytest_collectreport, pytest_sessionfinish, pytest_unconfigure):
        setattr(module, hook.__name__, hook)
    sys.modules["collab_guard"] = module
    os.environ["PYTEST_PLUGINS"] = "collab_guard"


_install()
