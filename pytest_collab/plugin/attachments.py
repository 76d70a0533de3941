"""What pytest-html and Allure show of an episode, where the user has them: outcome, codes, story, transcript."""

from __future__ import annotations

import base64
import html
import sys
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from pytest_collab.plugin.state import EPISODE, SESSION

if TYPE_CHECKING:
    from pytest_collab.episode.executor import Finished

LARGEST: Final = 256 * 1024
"""Bytes of a transcript that is attached whole; a larger one is named by its path."""


def register(config: pytest.Config) -> None:
    """Take part where somebody takes attachments. To be called after `outcomes`, whose report is read, took part."""
    if _html(config) or _allure(config):
        config.pluginmanager.register(sys.modules[__name__], "collab-attachments")


def _html(config: pytest.Config) -> bool:
    """Also in an xdist worker, where pytest-html itself does nothing and reports are made all the same."""
    return bool(config.getoption("htmlpath", None))


def _allure(config: pytest.Config) -> bool:
    """By the option, not by the plugin's being there: it may set itself up later than this one."""
    return bool(config.getoption("allure_report_dir", None))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    finished = item.stash.get(EPISODE, None)
    if finished is None or getattr(report, "collab", None) is None:
        return report
    path = item.config.stash[SESSION].shown_path(finished.episode.transcript)
    if _html(item.config):
        report.extras = [*getattr(report, "extras", []), *_extras(finished, path)]  # type: ignore[attr-defined]
    if _allure(item.config):
        _attach(finished, path)
    return report


def _story(finished: Finished, path: Path) -> str:
    from pytest_collab.report.story import tell

    return tell(finished, path, whole=True)


def _lines(finished: Finished) -> str | None:
    """The transcript as its file has it; None where that is too long to be attached."""
    text = "".join(f"{event.json_line()}\n" for event in finished.transcript)
    return text if len(text) <= LARGEST else None


def _picture(finished: Finished) -> str | None:
    from pytest_collab.report.story import draw

    picture = None if finished.episode.success else draw(finished.episode, finished.transcript)
    return None if picture is None else picture.svg or None


def _extras(finished: Finished, path: Path) -> list[dict[str, Any]]:
    """Plain data, which xdist carries to the controller."""
    from pytest_html import extras

    lines = _lines(finished)
    found = [extras.text(_story(finished, path), name="episode")]
    found.append(extras.url(str(path), name="transcript") if lines is None else extras.text(lines, name="transcript"))
    svg = _picture(finished)
    if svg is not None:
        found.append(extras.svg(base64.b64encode(svg.encode()).decode(), name="the end"))
    return found


def _attach(finished: Finished, path: Path) -> None:
    """Labels are what Allure groups and filters by. Its history of a test follows from the parameters.

    Without parameters it would take all episodes of a task file for attempts at one test, and show the last.
    """
    import allure

    episode = finished.episode
    dynamic: Any = allure.dynamic  # half typed
    dynamic.parameter("condition", episode.condition)
    dynamic.parameter("team", "+".join(episode.team))
    dynamic.parameter("seed", episode.seed)
    if episode.epoch:
        dynamic.parameter("epoch", episode.epoch)
    dynamic.feature(episode.family)
    dynamic.story(episode.task)
    dynamic.label("collab_outcome", str(episode.outcome))
    dynamic.tag(str(episode.outcome), *dict.fromkeys(failure.code for failure in episode.failures))
    allure.attach(_story(finished, path), "episode", allure.attachment_type.TEXT)
    lines = _lines(finished)
    kind = allure.attachment_type.TEXT
    allure.attach(f"too long to be attached: {path}\n" if lines is None else lines, "transcript", kind)
    svg = _picture(finished)
    if svg is not None:
        allure.attach(svg, "the end", allure.attachment_type.SVG)


# A column of its own in pytest-html's table: its "Failed" does not tell coordination from competence.


@pytest.hookimpl(optionalhook=True)
def pytest_html_results_table_header(cells: list[str]) -> None:
    cells.insert(1, '<th class="sortable" data-column-type="outcome">Outcome</th>')


@pytest.hookimpl(optionalhook=True)
def pytest_html_results_table_row(report: pytest.TestReport, cells: list[str]) -> None:
    collab = getattr(report, "collab", None)
    told = "" if collab is None else ": ".join([collab["outcome"], ", ".join(dict.fromkeys(collab["codes"]))])
    cells.insert(1, f'<td class="col-outcome">{html.escape(told.removesuffix(": "))}</td>')
