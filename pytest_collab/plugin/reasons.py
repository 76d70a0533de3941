"""Why each episode failed, in the short test summary: on a line that fits, however long its test's name is."""

from __future__ import annotations

import os
from typing import Any, Final

import pytest

from pytest_collab.episode.text import one_line

WORDS: Final[dict[str, tuple[str, str, str]]] = {
    "coordination_failure": ("C", "COORDINATION", "red"),
    "competence_failure": ("K", "COMPETENCE", "purple"),
    "unsettled": ("U", "UNSETTLED", "red"),
    "limit": ("L", "LIMIT", "yellow"),
    "infrastructure_error": ("E", "INFRASTRUCTURE", "yellow"),
}
"""Letter, word and colour of each outcome; an infrastructure error has them under gates, and is an ERROR else."""

ASIDE: Final = "collab-error"
"""Where errors of episodes wait until pytest has written its own lines; they count as its errors again then."""


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Write the lines of episodes. This runs between pytest's FAILURES and its short test summary."""
    stats: dict[str, list[Any]] = terminalreporter.stats
    told: list[tuple[str, str, Any]] = []
    for kind, letter in (("failed", "f"), ("error", "E")):
        if not terminalreporter.hasopt(letter):
            continue
        ours = [one for one in stats.get(kind, []) if getattr(one, "collab", None) is not None]
        stats[kind] = [one for one in stats.get(kind, []) if one not in ours]
        for report in ours:
            known = WORDS.get(report.collab["outcome"]) if kind == "failed" else None
            told.append((known[1] if known else kind.upper(), known[2] if known else "red", report))
            # What fails its own test though the episode succeeded stays pytest's; an error is one again afterwards.
            stats.setdefault(ASIDE if kind == "error" else known[1].lower() if known else "failed", []).append(report)
    if told:
        terminalreporter.ensure_newline()
        terminalreporter.section("short test summary info", "=", cyan=True, bold=True)
    for word, colour, report in told:
        _write(terminalreporter, word, colour, report)


def put_back(stats: dict[str, list[Any]]) -> None:
    """Let errors of episodes count as errors."""
    waiting = stats.pop(ASIDE, [])
    if waiting:
        stats.setdefault("error", []).extend(waiting)


def _write(terminalreporter: Any, word: str, colour: str, report: Any) -> None:
    config: pytest.Config = terminalreporter.config
    name = _from_here(config, report.nodeid)
    crash = getattr(report.longrepr, "reprcrash", None)
    why = "" if crash is None else str(crash.message)
    width = terminalreporter._tw.fullwidth
    whole = f" {name} - {why}" if why else f" {name}"
    terminalreporter.write(word, **{colour: True})
    if len(word) + len(whole) <= width or config.option.verbose >= 2 or {"CI", "BUILD_NUMBER"} & set(os.environ):
        terminalreporter.write(f"{whole}\n")
    else:
        terminalreporter.write(f" {name}\n  {one_line(why, width - 3)}\n")


def _from_here(config: pytest.Config, nodeid: str) -> str:
    """A test's name with its file as seen from where pytest was started. (pytest's own function takes other types
    from version to version.)"""
    here = config.invocation_params.dir
    if here == config.rootpath:
        return nodeid
    file, joined, rest = nodeid.partition("::")
    return f"{os.path.relpath(config.rootpath / file, here)}{joined}{rest}"
