"""`--collab-stop-when-decided`: the order of play, and whether an episode is still needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from pytest_collab.measure.gate import read_gates
from pytest_collab.measure.judging import plan_json, read_plan
from pytest_collab.measure.plan import PlannedEpisode, concerns
from pytest_collab.measure.reader import PLAN_JSON, FrameReader
from pytest_collab.measure.stopping import Following, follow, play_order

if TYPE_CHECKING:
    from pytest_collab.plugin.cases import Case
    from pytest_collab.plugin.session import CollabSession

PATIENCE: Final = 50
"""Gates are looked at again when a fiftieth more episodes are there: the cost stays small beside playing them."""


class Follower:
    """Follows the gates in every process of a session. All agree, since all read the same run directory.

    The sequence that is followed holds at all times at once, so it does no harm that one process looks earlier
    than another.
    """

    def __init__(self, session: CollabSession) -> None:
        assert session.settings.gate is not None
        self._session = session
        self._file = read_gates(session.settings.gate)
        self._reader: FrameReader | None = None
        self._plan: list[PlannedEpisode] = []
        self._following: tuple[Following, ...] = ()
        self._looked_at = -1

    def pytest_report_header(self) -> str:
        early = [gate for gate in self._file.gates if gate.measured.early and gate.baseline is None]
        return f"collab gates: {len(early)} of {len(self._file.gates)} can be decided early"

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Put the episodes in the order of play; other tests keep their places."""
        from pytest_collab.plugin.cases import case_of

        places: list[int] = []
        by_episode: dict[PlannedEpisode, list[pytest.Item]] = {}
        for place, item in enumerate(items):
            case = case_of(item)
            if case is not None and case.skip is None:
                places.append(place)
                by_episode.setdefault(PlannedEpisode(*case.key), []).append(item)
        run = self._session.run
        earlier = (read_plan(run.path) if run is not None else None) or []
        known = set(earlier)
        new = [planned for planned in by_episode if planned not in known]
        self._plan = [*earlier, *play_order(self._file, new, self._session.settings.seed)]
        ordered = [item for planned in self._plan for item in by_episode.get(planned, ())]
        for place, item in zip(places, ordered, strict=True):
            items[place] = item
        if run is not None and new and not config.option.collectonly:
            run.write(PLAN_JSON, plan_json(self._file, self._plan))

    def unneeded(self, case: Case) -> str | None:
        """Why no gate needs a case any more; None when it is to be played."""
        self._look()
        planned = PlannedEpisode(*case.key)
        asking = [one for one in self._following if concerns(one.gate, planned)]
        if not all(one.decided for one in asking):
            return None
        if not asking:
            return "decided: no gate asks for this episode"
        told = ", ".join(f"{one.gate.title}: {one.decision.verdict}" for one in asking if one.decision is not None)
        return f"decided: {told}"

    def _look(self) -> None:
        run = self._session.run
        if run is None:
            return
        if self._reader is None:
            self._reader = FrameReader(run.path)
        count = self._reader.update()
        if self._looked_at < 0 or count - self._looked_at >= max(1, self._looked_at // PATIENCE):
            self._looked_at = count
            frame = self._reader.frame()
            self._following = follow(self._file, frame, self._plan, self._following, brief=True)
