"""The suite's libraries and fixtures are what tasks are set in; they are not collected."""

from __future__ import annotations

from pathlib import Path

collect_ignore = ["repos", "fixtures"]


def pytest_report_collectionfinish() -> list[str]:
    """Say why nothing is there where the package is used from its repository."""
    here = Path(__file__).parent
    if (here / "tasks").exists():
        return []
    return [f"the suite is in the installed wheel only; in a checkout play {here.parents[1] / 'tasks'}"]
