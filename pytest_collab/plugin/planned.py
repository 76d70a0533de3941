"""The episodes that a session is about to play, as columns: what can be refused is refused before it costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pytest

from pytest_collab.errors import CollabError
from pytest_collab.measure.reader import frame_of_rows
from pytest_collab.plugin.cases import Case, case_of
from pytest_collab.plugin.gates import check_gates
from pytest_collab.plugin.state import SESSION

if TYPE_CHECKING:
    from pytest_collab.plugin.session import CollabSession


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Before families do their batch work for what is planned."""
    collab = session.config.stash[SESSION]
    if session.config.option.collectonly:
        return
    try:
        cases = [case for case in map(case_of, session.items) if case is not None and case.skip is None]
        check_plan(collab, session.items, cases)
    except CollabError as error:
        raise pytest.UsageError(str(error)) from None


def check_plan(session: CollabSession, items: Sequence[pytest.Item], cases: Sequence[Case]) -> None:
    """Refuse gates and baselines that the planned episodes cannot be held against.

    Raises:
        UsageError: a gate matches nothing, or a task has changed since the baseline.
    """
    settings = session.settings
    controller = session.config.pluginmanager.get_plugin("collab-controller")
    baseline = getattr(controller, "baseline", None)
    gated = settings.gate is not None and settings.shard is None
    if not (gated or baseline is not None) or not all(_known_before(item) for item in items):
        return
    frame = frame_of_rows(_as_raw(key, session) for key in [*(case.key for case in cases), *session.stage.finished()])
    if not len(frame):
        return
    if baseline is not None:
        baseline.check(frame)
    if gated:
        check_gates(session, frame)


def _known_before(item: pytest.Item) -> bool:
    """Whether what an item plays is known before it runs: a test may play anything with these fixtures."""
    return not {"team", "run_episode"} & set(getattr(item, "fixturenames", ()))


def _as_raw(key: tuple[str, str, str, tuple[str, ...], int, int], session: CollabSession) -> dict[str, Any]:
    """The line that a success would leave in episodes.jsonl, with no more on it than who plays what."""
    family, task, condition, team, seed, epoch = key
    known = session.collected.tasks.get((family, task))
    return {
        "id": "",
        "family": family,
        "task": task,
        "condition": condition,
        "team": team,
        "seed": seed,
        "epoch": epoch,
        "outcome": "success",
        "score": 1.0,
        "task_hash": known.hash if known is not None else "",
    }
