"""What grading wrote into a transcript, by what it is about. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pytest_collab.episode.transcript import Event, Transcript
from pytest_collab.families.coding.evidence.claims import Change, Region


@dataclass(frozen=True, slots=True)
class Findings:
    """What the `grade` events say.

    Attributes:
        own: feature to the event of its tests on its seat's own tree.
        joined: strategy (`naive`, `union`, `last`, `lead`) to feature to the event of its tests on the joined tree.
        merges: strategy (`plain`: without the base's attributes) to the event of the merge.
    """

    work: Mapping[str, Event]
    own: Mapping[str, Event]
    joined: Mapping[str, Mapping[str, Event]]
    merges: Mapping[str, Event]
    overlap: Event | None
    files: frozenset[str]

    @classmethod
    def of(cls, transcript: Transcript, **tags: Any) -> Findings:
        """Read them from a transcript.

        Args:
            tags: what events must say, where several teams were graded; what is said of all of them counts as well.
        """
        work: dict[str, Event] = {}
        own: dict[str, Event] = {}
        joined: dict[str, dict[str, Event]] = {}
        merges: dict[str, Event] = {}
        overlap: Event | None = None
        files: frozenset[str] = frozenset()
        for event in transcript.of("grade"):
            if any(event.data.get(name, value) != value for name, value in tags.items()):
                continue
            match event.data.get("what"):
                case "base":
                    files = frozenset(event.data["files"])
                case "work":
                    work[str(event.seat)] = event
                case "merge":
                    merges[event.data["strategy"]] = event
                case "overlap":
                    overlap = event
                case "tests" if event.data["on"] == "own":
                    own[event.data["feature"]] = event
                case "tests":
                    joined.setdefault(event.data["on"], {})[event.data["feature"]] = event
        return cls(work, own, joined, merges, overlap, files)

    def change(self, seat: str) -> Change:
        """What the seat did to the base."""
        event = self.work.get(seat)
        if event is None:
            return Change(())
        regions = tuple(Region(path, start, end, tuple(names)) for path, start, end, names in event.data["regions"])
        return Change(regions, event.data["added"])

    def passed(self, tests: Mapping[str, Event], features: tuple[str, ...]) -> float:
        """The share of features whose tests pass."""
        return sum(bool(tests[f].data["passed"]) for f in features if f in tests) / len(features)
