"""Outcomes in pytest: exceptions, letters and words, properties, and the text under FAILURES."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from _pytest._code.code import ReprEntryNative, ReprExceptionInfo, ReprFileLocation, ReprTraceback, Traceback

from pytest_collab.episode.outcome import Outcome
from pytest_collab.errors import RunError
from pytest_collab.plugin.reasons import WORDS, put_back
from pytest_collab.plugin.state import EPISODE, SESSION

if TYPE_CHECKING:
    from pytest_collab.episode.executor import Finished
    from pytest_collab.episode.record import Episode


class EpisodeFailed(AssertionError):
    """The team did not do what the task asks. Subclasses say whose failure it is."""


class CoordinationFailure(EpisodeFailed):
    """The agents failed together though the parts were in reach."""


class CompetenceFailure(EpisodeFailed):
    """An agent could not do its own part."""


class UnsettledFailure(EpisodeFailed):
    """The team failed, and nothing says whether it was at working together or at the job itself."""


class LimitFailure(EpisodeFailed):
    """A declared limit ended the episode."""


class InfrastructureFailure(Exception):
    """The infrastructure failed; the episode is no evidence about the agents. Not an AssertionError."""


_EXCEPTIONS: Final[dict[Outcome, type[Exception]]] = {
    Outcome.COORDINATION: CoordinationFailure,
    Outcome.COMPETENCE: CompetenceFailure,
    Outcome.UNSETTLED: UnsettledFailure,
    Outcome.LIMIT: LimitFailure,
    Outcome.INFRASTRUCTURE: InfrastructureFailure,
}


def failure_of(episode: Episode) -> Exception:
    """The exception that stands for an unsuccessful episode."""
    from pytest_collab.report.story import headline

    return _EXCEPTIONS[episode.outcome](headline(episode))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    finished = item.stash.get(EPISODE, None)
    with _no_traceback(call) if finished is not None and _own(call, finished) else contextlib.nullcontext():
        report = yield
    if finished is None:
        return report
    if call.when == "teardown":
        del item.stash[EPISODE]  # told; items stay until the session ends, and there may be a hundred thousand
        return report
    episode = finished.episode
    judged_here = call.when == "call" or episode.outcome is Outcome.INFRASTRUCTURE
    if not judged_here:
        return report
    session = item.config.stash[SESSION]
    gated = session.settings.gate is not None
    report.collab = {  # type: ignore[attr-defined]
        "outcome": str(episode.outcome),
        "codes": [failure.code for failure in episode.failures],
        "id": episode.id,
        "score": episode.score,
        "transcript": str(session.shown_path(episode.transcript)),
        "cost_usd": episode.cost_usd,
        "evidence": gated,
    }
    if not report.failed or call.excinfo is None:
        return report
    if _own(call, finished):
        report.longrepr = _story(item, call, finished, report)
        if gated and episode.outcome is Outcome.INFRASTRUCTURE:
            # Nor is a broken one: how many may break is the gates file's to say. Nothing was judged: it is skipped.
            from pytest_collab.report.story import headline

            path, line, _ = item.location
            report.outcome = "skipped"
            report.longrepr = (path, (line or 0) + 1, f"infrastructure error: {headline(episode)}")
        elif gated:
            # Under gates an unsuccessful episode is evidence for the gates, not a failure of its own.
            report.outcome = "passed"
            report.longrepr = None
    elif session is not None:
        from pytest_collab.report.story import tell

        report.sections.append(("episode", tell(finished, session.shown_path(episode.transcript))))
    return report


def _own(call: pytest.CallInfo[None], finished: Finished) -> bool:
    """Is this failure the episode's, to be told by its story?"""
    ours = call.excinfo is not None and isinstance(call.excinfo.value, (AssertionError, InfrastructureFailure))
    return ours and not finished.episode.success


@contextlib.contextmanager
def _no_traceback(call: pytest.CallInfo[None]) -> Iterator[None]:
    """Spare pytest a traceback that nobody sees: it parses every module in it, which took 0.14 s for each failure."""
    assert call.excinfo is not None
    whole = call.excinfo.traceback
    call.excinfo.traceback = Traceback([])
    try:
        yield
    finally:
        call.excinfo.traceback = whole


def _story(
    item: pytest.Item, call: pytest.CallInfo[None], finished: Finished, report: pytest.TestReport
) -> ReprExceptionInfo:
    """What happened, in the shape that pytest, xdist, JUnit and pytest-html all keep."""
    from pytest_collab.report.story import headline, tell

    path = item.config.stash[SESSION].shown_path(finished.episode.transcript)
    try:
        text = tell(finished, path)
    except RunError as error:  # its transcript was there when it had been played
        text = str(error)
    assert call.excinfo is not None
    if not isinstance(call.excinfo.value, (EpisodeFailed, InfrastructureFailure)):
        first = str(call.excinfo.value).splitlines()[0] if str(call.excinfo.value) else "assertion failed"
        crash: Any = call.excinfo._getreprcrash()
        where = f"{item.path.name}:{crash.lineno}: " if crash is not None else ""
        text = f"{where}{first}\n\n{text}"
    file, line, _ = item.location
    return ReprExceptionInfo(
        reprtraceback=ReprTraceback([ReprEntryNative([text + "\n"])], None, "native"),
        reprcrash=ReprFileLocation(file, (line or 0) + 1, headline(finished.episode)),
    )


def attach(item: pytest.Item, finished: Finished) -> Finished:
    """Let an item stand for an episode: it is reported, and told, by what came of it.

    Raises:
        InfrastructureFailure: the infrastructure failed.
    """
    item.stash[EPISODE] = finished
    episode = finished.episode
    attach_properties(item, episode, item.config.stash[SESSION].shown_path(episode.transcript))
    if episode.outcome is Outcome.INFRASTRUCTURE:
        raise failure_of(episode)
    return finished


def attach_properties(item: pytest.Item, episode: Episode, transcript: Path) -> None:
    """JUnit `<property>` elements; set anew when a plugin re-runs the item."""
    from pytest_collab.report.story import page_of

    item.user_properties[:] = [p for p in item.user_properties if not str(p[0]).startswith("collab_")]
    item.user_properties += [
        ("collab_episode", episode.id),
        ("collab_outcome", str(episode.outcome)),
        ("collab_score", f"{episode.score:.4g}"),
        ("collab_condition", episode.condition),
        ("collab_team", "+".join(episode.team)),
        ("collab_seed", str(episode.seed)),
        ("collab_failures", json.dumps([f.model_dump(mode="json") for f in episode.failures])),
        ("collab_cost_usd", "unknown" if episode.cost_usd is None else f"{episode.cost_usd:.6f}"),
        ("collab_transcript", str(transcript)),
        ("collab_page", page_of(transcript, episode)),
    ]


def coloured(word: str, *markup: str) -> Any:
    """A status word with its colour, where pytest's short summary understands that (from 8.3 on)."""
    if not hasattr(pytest.TestReport, "_get_verbose_word_with_markup"):
        return word
    return word, dict.fromkeys(markup, True)


def pytest_report_teststatus(report: pytest.TestReport) -> Any:
    collab = getattr(report, "collab", None)
    if collab is None or collab["outcome"] not in WORDS:
        return None
    letter, word, colour = WORDS[collab["outcome"]]
    if collab["outcome"] == "infrastructure_error":
        shown = report.outcome == "skipped" and collab["evidence"]
        return (word.lower(), letter.lower(), coloured(word.lower(), colour)) if shown else None
    if report.when != "call":
        return None
    if report.outcome == "failed":
        return "failed", letter, coloured(word, colour)
    if report.outcome == "passed" and collab["evidence"]:
        return word.lower(), letter.lower(), coloured(word.lower(), colour)
    return None


def _tell_what_was_settled(stats: dict[str, list[Any]], settled: dict[str, str]) -> None:
    """Count an unsettled failure as what solo episodes of the run have settled it to since."""
    for reports in stats.values():
        for report in reports:
            collab = getattr(report, "collab", None)
            if collab is not None:
                collab["outcome"] = settled.get(collab["id"], collab["outcome"])
    for report in stats.pop(WORDS["unsettled"][1].lower(), []):  # under gates; else they are among the failed
        stats.setdefault(WORDS[report.collab["outcome"]][1].lower(), []).append(report)


def _make_printable(terminalreporter: Any) -> None:
    """Escape what the terminal has no letters for: pytest would escape a whole story, its line ends too."""
    encoding = getattr(terminalreporter._tw._file, "encoding", None) or "utf-8"
    for report in (one for reports in terminalreporter.stats.values() for one in reports):
        told = report.longrepr if getattr(report, "collab", None) is not None else None
        for entry in told.reprtraceback.reprentries if isinstance(told, ReprExceptionInfo) else ():
            entry.lines = [line.encode(encoding, "backslashreplace").decode(encoding) for line in entry.lines]


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: Any) -> Generator[None]:
    """Give each outcome its own count in the last line, after FAILURES and the short summary were written."""
    session = terminalreporter.config.stash.get(SESSION, None)
    if session is not None:
        _tell_what_was_settled(terminalreporter.stats, session.settled_outcomes())
    _make_printable(terminalreporter)
    yield
    stats: dict[str, list[Any]] = terminalreporter.stats
    put_back(stats)
    failed = stats.pop("failed", [])
    for report in failed:
        collab = getattr(report, "collab", None)
        word = WORDS.get(collab["outcome"]) if collab and collab["outcome"] != "infrastructure_error" else None
        category = word[1].lower() if word else "failed"
        stats.setdefault(category, []).append(report)
    # Where a session is stopped early (-x), pytest has looked at its categories before these were there.
    look_again = getattr(terminalreporter, "_set_main_color", None)
    if look_again is not None and any(stats.values()):
        look_again()
