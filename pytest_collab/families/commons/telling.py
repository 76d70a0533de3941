"""The words in which the one game is told: a fishery, a pasture, a river; or a harm to be removed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Telling:
    """The nouns and verbs of a telling.

    Attributes:
        act: what a seat does with units ("catch"); past: the same, done.
        story: where this happens; no figures.
    """

    place: str
    unit: str
    act: str
    past: str
    story: str


TELLINGS: Final = {
    "fishery": Telling(
        "lake",
        "tons of fish",
        "catch",
        "caught",
        "You all fish in one lake. The fish that are left in it multiply until the next month.",
    ),
    "pasture": Telling(
        "pasture",
        "hectares of grass",
        "graze",
        "grazed",
        "Your flocks all graze on one pasture. The grass that is left grows again until the next month.",
    ),
    "pollution": Telling(
        "river",
        "percent of clean water",
        "use",
        "used",
        "Your factories all stand on one river. What they produce takes its clean water; what is left of it cleans "
        "the rest again until the next month.",
    ),
}
HARM: Final = {
    "fishery": Telling(
        "lake",
        "tons of weed",
        "remove",
        "removed",
        "Your lake is being overgrown. The weed that is left in it multiplies until the next month.",
    ),
    "pasture": Telling(
        "pasture",
        "hectares of thistles",
        "remove",
        "removed",
        "Your pasture is being overgrown. The thistles that are left spread until the next month.",
    ),
    "pollution": Telling(
        "river",
        "percent of sludge",
        "remove",
        "removed",
        "Your river is filling up with sludge. What is left of it draws in more until the next month.",
    ),
}
