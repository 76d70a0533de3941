"""Gates in pytest: read before anything is played, judged at the end, shown and counted like tests."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from _pytest._code.code import ReprEntryNative, ReprExceptionInfo, ReprFileLocation, ReprTraceback

from pytest_collab.episode.text import one_line
from pytest_collab.errors import CollabError, UsageError
from pytest_collab.measure.decision import GateVerdict
from pytest_collab.measure.frame import Frame
from pytest_collab.measure.gatereport import GateReport, GateResult
from pytest_collab.measure.judging import GATES_JSON, judge_directory, read_baselines, read_gates_file
from pytest_collab.measure.verdicts import check_gate
from pytest_collab.plugin.outcomes import coloured
from pytest_collab.plugin.shared import REFUSAL

if TYPE_CHECKING:
    from pytest_collab.plugin.session import CollabSession

JUDGED: Final = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED)
"""A session that ends otherwise (interrupted, broken) is not whole: its gates are not judged."""

_OBSERVERS: Final = ("lfplugin", "stepwiseplugin", "session")
"""Plugins that must not take a gate for a test to run again, or to stop at."""


class Gatekeeper:
    """The gates of a session; on the controller only.

    Raises:
        UsageError: the file has a mistake, or a run that it compares with cannot be read.
    """

    def __init__(self, session: CollabSession, path: Path) -> None:
        self._session = session
        self._path = path
        file = read_gates_file(path)
        self.file = file.model_copy(update={"stand_ins": {**file.stand_ins, **session.settings.stand_ins}})
        self.baselines: dict[str, Frame] = {}
        if session.settings.shard is None:
            base = session.config.invocation_params.dir
            self.baselines = read_baselines(self.file, session.settings.baseline, base, session.settings.run_dir)
        self.report: GateReport | None = None
        self._not_judged = ""
        self._uncollected: list[str] = []

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Remember what could not be collected: xdist, unlike pytest alone, plays the rest all the same."""
        if report.failed and report.nodeid not in self._uncollected:
            self._uncollected.append(report.nodeid)

    def judge(self, session: pytest.Session) -> None:
        """Judge the run, report every gate like a test, and decide the exit status."""
        if session.config.option.collectonly or self._session.run is None:
            return
        run = self._session.run
        with contextlib.suppress(OSError):
            (run.path / GATES_JSON).unlink()  # of the session that this one resumes
        if session.exitstatus not in JUDGED:
            self._not_judged = "the session did not come to its end"
            return
        if self._uncollected:
            self._not_judged = f"not everything was collected: {', '.join(self._uncollected)}"
            return
        if self._session.settings.shard is not None:
            self._not_judged = "this is a shard; judge the whole with `collab merge` and `collab gate`"
            if session.exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED:
                session.exitstatus = pytest.ExitCode.OK
            return
        if self._refusal.exists():
            self._not_judged = self._refusal.read_text(encoding="utf-8")
            session.exitstatus = pytest.ExitCode.USAGE_ERROR
            return
        try:
            report = judge_directory(self.file, run.path, self.baselines)
            run.write(GATES_JSON, report)
        except CollabError as error:
            self._not_judged = str(error)
            session.exitstatus = pytest.ExitCode.USAGE_ERROR
            return
        self.report = report
        self._emit(session, report)
        if report.problems:
            session.exitstatus = pytest.ExitCode.USAGE_ERROR
        elif not report.ok:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    @property
    def _refusal(self) -> Path:
        return self._session.shared / REFUSAL

    def check(self, frame: Frame) -> None:
        """Refuse gates that the planned episodes cannot answer. Raises UsageError."""
        for gate in self.file.gates:
            check_gate(self.file, gate, frame, self.baselines)

    def _emit(self, session: pytest.Session, report: GateReport) -> None:
        config = session.config
        left_out = [config.pluginmanager.get_plugin(name) for name in _OBSERVERS]
        call = config.pluginmanager.subset_hook_caller(
            "pytest_runtest_logreport", [plugin for plugin in left_out if plugin is not None]
        )
        reports = [*self._reports(report)]
        terminal = config.pluginmanager.get_plugin("terminalreporter")
        if terminal is not None:
            terminal.currentfspath = None  # its last line is whole: no second percentage
        session.testscollected += len(reports)
        for nodeid, location, phases in reports:
            config.hook.pytest_runtest_logstart(nodeid=nodeid, location=location)
            for phase in phases:
                call(report=phase)
                session.testsfailed += phase.failed
            config.hook.pytest_runtest_logfinish(nodeid=nodeid, location=location)

    def _reports(self, report: GateReport) -> Iterator[tuple[str, tuple[str, int, str], list[pytest.TestReport]]]:
        """Node id, location, and the reports of setup, call and teardown, of every gate."""
        for problem in report.problems:
            nodeid, location = self._address(problem.name)
            broken = self._failed(problem.message, location)
            yield nodeid, location, [_phase(nodeid, location, "setup", "failed", broken), _phase(nodeid, location)]
        for result in report.gates:
            nodeid, location = self._address(result.name)
            longrepr = None if result.ok else self._failed(result.message, location)
            judged = _phase(nodeid, location, "call", "passed" if result.ok else "failed", longrepr)
            judged.collab_gate = str(result.verdict)  # type: ignore[attr-defined]
            over = _phase(nodeid, location)
            judged.user_properties = over.user_properties = _properties(result)  # JUnit reads the last one's
            yield nodeid, location, [_phase(nodeid, location, "setup"), judged, over]
        if report.verdict == "void":
            from pytest_collab.report.gates import verdict_line

            nodeid, location = self._address("infrastructure")
            judged = _phase(nodeid, location, "call", "failed", self._failed(verdict_line(report), location))
            judged.collab_gate = "void"  # type: ignore[attr-defined]
            yield nodeid, location, [_phase(nodeid, location, "setup"), judged, _phase(nodeid, location)]

    def _address(self, name: str) -> tuple[str, tuple[str, int, str]]:
        root = self._session.config.rootpath
        path = self._path.resolve()
        shown = path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name
        return f"{shown}::{one_line(name, 200)}", (shown, 0, one_line(name, 200))

    def _failed(self, message: str, location: tuple[str, int, str]) -> ReprExceptionInfo:
        return ReprExceptionInfo(
            reprtraceback=ReprTraceback([ReprEntryNative([message + "\n"])], None, "native"),
            reprcrash=ReprFileLocation(location[0], 1, message),
        )

    def pytest_report_teststatus(self, report: pytest.TestReport) -> Any:
        verdict = getattr(report, "collab_gate", None)
        if verdict is None:
            return None
        if verdict == GateVerdict.UNDECIDED:
            category = "failed" if report.failed else "undecided"
            word = "UNDECIDED" if report.failed else "undecided"
            return category, "?", coloured(word, "yellow")
        if verdict == "void":
            return "failed", "V", coloured("VOID", "red", "bold")
        return ("failed", "G", coloured("GATE", "red")) if report.failed else None

    def write(self, reporter: Any) -> None:
        """The verdicts, last of all in the terminal."""
        if self.report is not None:
            from pytest_collab.report.gates import write_gates

            write_gates(reporter, self.report, whole=self._session.config.get_verbosity() > 0)
        elif self._not_judged:
            reporter.section("gates", sep="=")
            reporter.write_line(f"the gates were not judged: {self._not_judged}", red=True, bold=True)


def _phase(
    nodeid: str,
    location: tuple[str, int, str],
    when: Any = "teardown",
    outcome: Any = "passed",
    longrepr: Any = None,
) -> pytest.TestReport:
    return pytest.TestReport(
        nodeid=nodeid, location=location, keywords={}, outcome=outcome, longrepr=longrepr, when=when, duration=0.0
    )


def _properties(result: GateResult) -> list[tuple[str, object]]:
    """JUnit `<property>` elements of a gate."""
    fields = ("verdict", "metric", "rule", "value", "low", "high", "n", "needed")
    values = ((name, getattr(result, name)) for name in fields)
    return [(f"collab_gate_{name}", str(value)) for name, value in values if value is not None]


def check_gates(session: CollabSession, frame: Frame) -> None:
    """Refuse gates that match none of the planned episodes, before anything is spent.

    An xdist worker cannot end the session: it plays nothing and leaves word for the controller.

    Raises:
        UsageError: without xdist.
    """
    keeper = session.config.pluginmanager.get_plugin("collab-gates")
    if keeper is not None:
        keeper.check(frame)
        return
    assert session.settings.gate is not None
    try:
        file = read_gates_file(session.settings.gate)
        for gate in file.gates:
            check_gate(file, gate, frame, None)
    except UsageError as error:
        session.stage.refused = f"not played: {error}"
        (session.shared / REFUSAL).write_text(str(error), encoding="utf-8")
