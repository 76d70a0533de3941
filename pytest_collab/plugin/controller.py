"""The controller's side (and the only side without xdist): makes the run, sums it up, shows it."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from filelock import FileLock, Timeout

from pytest_collab.episode.journal import keep_lost
from pytest_collab.episode.run import DEFAULT_BASE, RunDirectory
from pytest_collab.episode.text import counted
from pytest_collab.errors import RunError
from pytest_collab.plugin import engines, runinfo
from pytest_collab.plugin.introduction import introduced, settings_lines
from pytest_collab.plugin.notices import Notices
from pytest_collab.plugin.progress import Log, Progress
from pytest_collab.plugin.resuming import set_tasks_aside, words
from pytest_collab.plugin.settling import settle
from pytest_collab.plugin.stage import unpaid
from pytest_collab.plugin.standing import Standing

if TYPE_CHECKING:
    from pytest_collab.measure.summary import Summary
    from pytest_collab.plugin.baseline import Baseline
    from pytest_collab.plugin.gates import Gatekeeper
    from pytest_collab.plugin.session import CollabSession
    from pytest_collab.report.github import Silence
    from pytest_collab.report.model import Report


class Controller:
    """Registered in the process that the user started."""

    def __init__(self, session: CollabSession) -> None:
        self._session = session
        self._lock: FileLock | None = None
        self._exit_status = 0
        self._gates: Gatekeeper | None = None
        self.baseline: Baseline | None = None
        self._silence: Silence | None = None
        self._lost: list[str] = []

    def begin(self) -> None:
        """Read the gates and open the run.

        Raises:
            UsageError: the gates file has a mistake, or a baseline is missing.
            RunError: the run cannot be written or is in use.
        """
        if self._session.settings.gate is not None:
            from pytest_collab.plugin.gates import Gatekeeper

            self._gates = Gatekeeper(self._session, self._session.settings.gate)
            self._session.config.pluginmanager.register(self._gates, "collab-gates")
        if self._session.settings.baseline is not None and not self._session.agents.unasked:
            from pytest_collab.plugin.baseline import Baseline

            self.baseline = Baseline(self._session.settings)
        if self._session.settings.stop_when_decided:
            _hand_out_one_by_one(self._session.config)
        self._have_places_filled()
        if not self._session.agents.unasked:
            self._open_run()

    def _have_places_filled(self) -> None:
        """Where there are xdist's workers, and each of them has more than one place."""
        session = self._session
        if session.settings.in_flight > 1 and session.config.pluginmanager.has_plugin("xdist"):
            from pytest_collab.plugin.handing_out import HandingOut

            session.config.pluginmanager.register(HandingOut(session.settings), "collab-handing-out")

    def _open_run(self) -> None:
        session = self._session
        settings = session.settings
        if settings.resume and settings.run_dir is not None and (settings.run_dir / "episodes.jsonl").exists():
            run = RunDirectory.open(settings.run_dir)
            resumed = True
        else:
            base = session.config.invocation_params.dir / DEFAULT_BASE
            run = RunDirectory.create(settings.run_dir, base=base)
            resumed = False
        self._own(run)
        if resumed:
            self._keep_lost(run)
        session.collected.notes += runinfo.begin(run, settings, session.agents, session.config.rootpath)
        session.take_up(run)

    def _own(self, run: RunDirectory) -> None:
        """Hold the run for this session; a second session on the same directory is refused."""
        self._lock = FileLock(run.path / ".lock", timeout=0)
        try:
            self._lock.acquire()
        except Timeout:
            raise RunError(
                f"run directory {run.path} is in use by another session. "
                "Wait for its end, or name another --collab-run-dir."
            ) from None
        except OSError as error:
            raise RunError(f"run directory {run.path} cannot be written: {error.strerror or error}") from error

    def _keep_lost(self, run: RunDirectory) -> None:
        """Count episodes that went down with their process as plays, and say so."""
        with contextlib.suppress(RunError):  # a run that cannot be written any more has been told of
            self._lost += [f"lost: {play.id}: {play.error}" for play in keep_lost(run)]

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        terminal = session.config.pluginmanager.get_plugin("terminalreporter")
        if self._session.run is not None and Progress.wanted(session.config, terminal):
            progress = Progress(self._session.shared, self._standing(self._session.run), terminal)
            session.config.pluginmanager.register(progress, "collab-progress")
        elif self._session.run is not None and terminal is not None and not terminal.isatty:
            log = Log(self._session.shared, self._standing(self._session.run))
            session.config.pluginmanager.register(log, "collab-progress")
        if self._session.run is not None and terminal is not None:
            session.config.pluginmanager.register(Notices(self._session.shared, terminal), "collab-notices")
            self._silence_commands(terminal)

    def _standing(self, run: RunDirectory) -> Standing:
        """What the gates are held against while the run is played; a shard is judged when it has been joined."""
        if self._gates is None or self._session.settings.shard is not None:
            return Standing(run.path)
        return Standing(run.path, self._gates.file, self._gates.baselines)

    def _silence_commands(self, terminal: Any) -> None:
        """In a GitHub workflow, let nothing that agents say give commands to the runner."""
        from pytest_collab.report import github

        if github.in_workflow():
            self._silence = github.Silence()
            terminal.write_line(self._silence.begin)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        assert self._session.run is not None
        node.workerinput["collab_run_dir"] = str(self._session.run.path.absolute())
        node.workerinput["collab_shared"] = str(self._session.shared)

    def pytest_report_header(self) -> list[str]:
        session = self._session
        made = [session.agents.registry.get(name) for name in session.settings.agents]
        agents = ", ".join(map(introduced, made))
        reader = session.agents.grader
        grader = session.settings.grader or ("rules" if session.agents.only_built_in else "seats")
        if reader is not None:
            grader = introduced(reader) + (
                f", {counted(session.agents.gradings, 'time')}" if session.agents.gradings > 1 else ""
            )
        header = [f"collab agents: {agents}", *settings_lines(made), f"collab grader: {grader}"]
        header += engines.header(session.settings, session.agents)
        if session.run is not None:
            header.append(f"collab run: {session.shown_path('')}")
        return header

    def pytest_report_collectionfinish(self) -> list[str]:
        """What families said when they heard what is to be played (without xdist)."""
        return self._session.collected.notes

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any) -> None:
        """The same, said by the workers, which leave it in the run's record."""
        session = self._session
        terminal = session.config.pluginmanager.get_plugin("terminalreporter")
        if session.run is None or terminal is None:
            return
        # Nobody plays before all workers have collected.
        for line in [*set_tasks_aside(session.run, words(session.shared)), *session.run.info().notes]:
            if line not in session.collected.notes:
                session.collected.notes.append(line)
                terminal.write_line(line)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> Generator[None]:
        """Judge before anybody else learns of the end: JUnit files and counts have the gates too."""
        settle(self._session, exitstatus)
        self._session.close()
        if self._session.run is not None:
            self._keep_lost(self._session.run)
        if self._gates is not None:
            self._gates.judge(session)
        self._compare(session)
        self._refuse_nothing(session)
        self._exit_status = int(session.exitstatus)
        yield

    def _refuse_nothing(self, session: pytest.Session) -> None:
        """A budget under which no episode was finished is no success."""
        run, budget = self._session.run, self._session.settings.max_cost
        terminal = session.config.pluginmanager.get_plugin("terminalreporter")
        if run is None or budget is None or terminal is None or session.exitstatus != pytest.ExitCode.OK:
            return
        skipped = any(unpaid(report) for report in (terminal.stats.get("skipped", [])))
        if skipped and next(run.mentioning(""), None) is None:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
            terminal.write_line(
                f"collab: --collab-max-cost={budget:g} covered no episode: none was finished", red=True
            )

    def _compare(self, session: pytest.Session) -> None:
        """A comparison that was asked for and is refused is no success."""
        from pytest_collab.measure.reader import read_frame

        run = self._session.run
        if self.baseline is None or run is None:
            return
        with contextlib.suppress(RunError):
            frame = read_frame(run.path)
            if len(frame) and not self.baseline.compare(frame) and session.exitstatus == pytest.ExitCode.OK:
                session.exitstatus = pytest.ExitCode.USAGE_ERROR

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: Any) -> Generator[None]:
        """Sum up last of all, below the short test summary, where a reader's eye rests."""
        yield
        self._sum_up(terminalreporter)

    def _sum_up(self, terminalreporter: Any) -> None:
        run = self._session.run
        if run is None:
            return
        summary, report = self._write_run_summary(terminalreporter, run)
        for line in self._lost:
            terminalreporter.write_line(line, yellow=True)
        if self._gates is not None:
            self._gates.write(terminalreporter)
        self._publish(terminalreporter, summary, report)
        if report is not None:
            self._write_page(terminalreporter, run, report)

    def _publish(self, terminalreporter: Any, summary: Summary | None, report: Report | None) -> None:
        from pytest_collab.report import github

        gates = None if self._gates is None else self._gates.report
        changes = None if self.baseline is None else self.baseline.comparison
        lines: list[str] = []
        if summary is not None or gates is not None:
            try:
                lines = github.publish(self._session.shown_path(""), gates, summary, changes, report)
            except (OSError, RunError) as error:
                terminalreporter.write_line(f"collab: the job summary cannot be written: {error}", red=True)
        if self._silence is not None:
            lines = [self._silence.end, *lines]
            self._silence = None
        for line in lines:
            terminalreporter.write_line(line)

    def _write_run_summary(self, reporter: Any, run: RunDirectory) -> tuple[Summary | None, Report | None]:
        """Write the run's files and its lines; None for what could not be made."""
        from pytest_collab.measure.judging import summarise_run
        from pytest_collab.measure.reader import read_frame
        from pytest_collab.report.terminal import run_lines

        try:
            frame = read_frame(run.path)
            if not len(frame) and not frame.bad:
                return None, None
            summary = summarise_run(run.path, frame)
            run.write("summary.json", summary)
            runinfo.end(run, self._exit_status)
            report = self._told(reporter, run)
            whole = self._session.config.get_verbosity() > 0
            shown = self._session.shown_path("")
            brief = self._gates is not None or self.baseline is not None
            reporter.section("collaboration", sep="=")
            self._write_lead(reporter, report, shown)
            for line in run_lines(run.path, frame, summary, shown, tables=whole, brief=brief):
                reporter.write_line(line)
            if self.baseline is not None:
                self.baseline.write(reporter, frame, whole=whole)
        except RunError as error:
            reporter.write_line(f"collab: {error}", red=True)
            return None, None
        return summary, report

    def _told(self, reporter: Any, run: RunDirectory) -> Report | None:
        """The run as its page tells it; whatever goes wrong with it, the session's verdict stands."""
        from pytest_collab.report.reading import read_report

        try:
            return read_report(run)
        except Exception as error:  # families and run files of anybody's making are read here
            self._no_page(reporter, error)
            return None

    def _write_lead(self, reporter: Any, report: Report | None, shown: Path) -> None:
        from pytest_collab.report.lead import lead_lines

        if report is None:
            return
        first, *others = lead_lines(report, shown)
        tone = report.answer.tone
        reporter.write_line(first, red=tone == "bad", green=tone == "good", yellow=tone == "open", bold=True)
        for line in [*others, ""]:
            reporter.write_line(line)

    def _write_page(self, reporter: Any, run: RunDirectory, report: Report) -> None:
        """Last of all, the page that shows it all; whatever goes wrong with it, the session's verdict stands."""
        from pytest_collab.report.html import SECONDS_AT_SESSION_END, render
        from pytest_collab.report.story import PAGE

        try:
            run.write(PAGE, render(report, run, seconds=SECONDS_AT_SESSION_END).text)
        except Exception as error:  # families and run files of anybody's making are read here
            self._no_page(reporter, error)
        else:
            reporter.write_line(f"report: {self._session.shown_path(PAGE)}")

    def _no_page(self, reporter: Any, error: Exception) -> None:
        from pytest_collab.episode.text import one_line

        why = one_line(f"{type(error).__name__}: {error}", 300)
        reporter.write_line(f"collab: report.html was not written: {why}", yellow=True)

    def pytest_unconfigure(self) -> None:
        self._session.close()
        run = self._session.run
        if self._lock is not None:
            self._lock.release()
        if run is not None:
            runinfo.discard_if_empty(run)
        shutil.rmtree(self._session.shared, ignore_errors=True)


def _hand_out_one_by_one(config: pytest.Config) -> None:
    """Keep xdist from handing out items by the dozen: verdicts are read in planned order, without a hole."""
    if getattr(config.option, "maxschedchunk", 0) is None:
        config.option.maxschedchunk = 1
