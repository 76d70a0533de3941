"""Loaded by the Python that runs graded pytest, before anything of the graded tree can be.

It takes pytest from the environment (not from a `pytest.py` in the tree), notes each test's result itself, signs
the notes with a key that is gone from the disk before foreign code runs, and ends the process as soon as the
session has ended, so that nothing registered at exit can rewrite anything. After each test it looks whether what
decides results is still pytest's own. It cannot keep code of the same process from looking for the key in memory;
docs/families/coding-merge-and-grading.md says so.
"""

from __future__ import annotations

import operator
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    import pytest

    _Owner = tuple[str, Any, tuple[str, ...], tuple[Any, ...], tuple[Any, ...], tuple[Any, ...]]

_DECIDING = (
    "runner",
    "python",
    "unittest",
    "reports",
    "main",
    "nodes",
    "skipping",
    "outcomes",
    "raises",
    "python_api",
)
_HOOKS = (
    *("pytest_runtest_makereport", "pytest_runtest_protocol", "pytest_runtest_call", "pytest_pyfunc_call"),
    *("pytest_runtest_logreport", "pytest_collection_modifyitems", "pytest_sessionfinish", "pytest_runtestloop"),
    *("pytest_itemcollected", "pytest_runtest_setup", "pytest_runtest_teardown", "pytest_collection_finish"),
    *("pytest_pycollect_makeitem", "pytest_pycollect_makemodule", "pytest_make_collect_report"),
    *("pytest_collect_file", "pytest_fixture_setup", "pytest_generate_tests", "pytest_report_teststatus"),
)
_TRACEBACKS = 1
"""So many failing tests are told in full."""


class _Watch:
    """What decides whether a test passes, as it was before foreign code: functions of pytest, and hooks."""

    def __init__(self) -> None:
        names = [name for name in sys.modules if name.rpartition(".")[2] in _DECIDING and name.startswith("_pytest.")]
        names += [name for name in sys.modules if name.startswith("pluggy") or name == "pytest"]
        names += [name for name in sys.modules if name.startswith("_pytest.assertion.")]
        names += [name for name in ("random",) if name in sys.modules]  # where tests draw what they give
        self.modules = [sys.modules[name] for name in names]
        self.before = list(self._look())
        # Places of installed code; anything else that hooks in is a conftest of the pool, or foreign.
        self.trusted = (os.path.join(sys.prefix, ""), os.path.join(sys.base_prefix, "lib", ""), __file__)
        # After every test some thousand functions are compared; by what foreign code has not touched.
        self.tools = all, map, vars, operator.is_, operator.attrgetter("__code__")

    def _look(self) -> Iterator[_Owner]:
        function, kinds = type(lambda: 0), (type(lambda: 0), classmethod, staticmethod, property)
        for module in self.modules:
            own: dict[str, Any] = {}
            for name, value in list(vars(module).items()):
                if isinstance(value, type) and value.__module__ == module.__name__:
                    parts = {inner: part for inner, part in list(vars(value).items()) if isinstance(part, kinds)}
                    yield _owner(f"{module.__name__}.{name}", value, parts)
                elif isinstance(value, function) or (module.__name__ == "random" and callable(value)):
                    own[name] = value
            yield _owner(module.__name__, module, own)

    def replaced(self) -> Iterator[str]:
        """Names of functions that are no longer what they were."""
        every, each, names_of, same, code_of = self.tools
        for label, owner, names, parts, functions, codes in self.before:
            now = names_of(owner)
            if every(each(same, each(now.get, names), parts)) and every(each(same, each(code_of, functions), codes)):
                continue
            code = dict(zip(functions, codes, strict=True))
            for name, part in zip(names, parts, strict=True):
                if (part in code and part.__code__ is not code[part]) or now.get(name) is not part:
                    yield f"{label}.{name} is replaced"

    def hooked(self, manager: pytest.PytestPluginManager) -> Iterator[str]:
        """Hooks that decide results and come from neither installed code nor a conftest."""
        for name in _HOOKS:
            for found in getattr(manager.hook, name).get_hookimpls():
                code = getattr(found.function, "__code__", None)
                place = code.co_filename if code is not None else "?"
                if place.startswith(self.trusted):
                    continue
                loaded = getattr(found.plugin, "__file__", None) == place and os.path.isfile(place)
                if not loaded or os.path.basename(place) != "conftest.py":
                    yield f"{os.path.basename(place)} hooks into {name}"


def _owner(label: str, owner: Any, parts: dict[str, Any]) -> _Owner:
    functions = tuple(part for part in parts.values() if isinstance(part, type(_owner)))
    return label, owner, (*parts,), (*parts.values(),), functions, tuple(one.__code__ for one in functions)


def _install() -> None:
    place = os.environ.get("COLLAB_GUARD")
    words = sys.orig_argv[1:]
    named = any(os.path.basename(word) in ("pytest", "py.test") for word in words[:4])
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or ".") != here]
    if not place or not named:
        return
    for name in ("COLLAB_GUARD", "PYTHONPATH", "PYTHONSAFEPATH", "PYTHONNOUSERSITE"):
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
    # What is imported before foreign code stays: it is not looked through for garbage, neither now nor later.
    import gc

    gc.disable()
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

    meddling: set[str] = set()
    watches: list[tuple[_Watch, pytest.PytestPluginManager]] = []
    configs: list[pytest.Config] = []
    styles: list[str] = []

    def look() -> None:
        for watch, manager in watches:
            meddling.update(watch.replaced())
            meddling.update(watch.hooked(manager))

    @pytest.hookimpl(tryfirst=True)
    def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
        watches.append((_Watch(), early_config.pluginmanager))
        configs.append(early_config)
        gc.freeze()
        gc.enable()
        if "-m" in words[:4] and getattr(sys.flags, "safe_path", False):
            sys.path.insert(0, os.getcwd())  # where `python -m` has it, and where tests of the pool may count on it

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(config: pytest.Config) -> None:
        written = getattr(config.option, "xmlpath", None)
        if written and os.path.dirname(os.path.abspath(written)) == place:
            config.option.xmlpath = None  # the notes stand in its place

    def pytest_runtest_logreport(report: pytest.TestReport) -> None:
        if report.when == "call":
            look()
        if report.failed:
            note(report.nodeid, "failed" if report.when == "call" else "error")
            if len(styles) < _TRACEBACKS and configs:
                # Where everything fails, as in a counter-test, tracebacks take longer than the tests.
                styles.append(configs[-1].option.tbstyle)
                if len(styles) == _TRACEBACKS:
                    configs[-1].option.tbstyle = "no"
        elif report.skipped:
            note(report.nodeid, "skipped")
        elif report.when == "call":
            note(report.nodeid, "passed")

    places: dict[str, int] = {}

    def pytest_exception_interact(node: Any, call: Any) -> None:
        where = [entry.lineno + 1 for entry in call.excinfo.traceback if entry.path == getattr(node, "path", None)]
        if where:
            places[node.nodeid] = where[-1]

    def pytest_collectreport(report: pytest.CollectReport) -> None:
        if report.failed:
            note(report.nodeid, "error")

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(exitstatus: int) -> None:
        look()
        if len(styles) == _TRACEBACKS:
            configs[-1].option.tbstyle = styles[0]
        ended.append(int(exitstatus))

    write, dump, digest, leave, opener = os.write, json.dumps, hmac.new, os._exit, os.open
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure() -> None:
        if not ended:
            return
        noted = {"results": results, "exit": ended[-1], "meddling": sorted(meddling)[:50], "places": places}
        body = dump(noted).encode()
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        descriptor = opener(os.path.join(place, "record"), flags, 0o600)
        data = digest(key, body, hashlib.sha256).hexdigest().encode() + b"\n" + body
        while data:
            data = data[write(descriptor, data) :]
        leave(ended[-1])

    module = types.ModuleType("collab_guard", "PYTEST_DONT_REWRITE (nor warn: a pool may make warnings errors)")
    hooks = (pytest_load_initial_conftests, pytest_configure, pytest_runtest_logreport, pytest_collectreport)
    for hook in (*hooks, pytest_exception_interact, pytest_sessionfinish, pytest_unconfigure):
        setattr(module, hook.__name__, hook)
    sys.modules["collab_guard"] = module
    os.environ["PYTEST_PLUGINS"] = "collab_guard"


_install()
