"""The words in which the one game is told: a fishery, a pasture, a river; or a harm to be removed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Telling:
    """The nouns and verbs of a telling.

    Attributes:
        unit: of the pool.
        deed: what a seat says a number of; another thing than the pool's units on the pasture and the river.
        act: what a seat does with these ("catch"); past, done: the same, yesterday and in the perfect.
        story: where this happens; no figures.
        each: what one of `deed` does to the pool, where the two differ.
        reporter: who reads the month's report.
        wish_told: whether seats are told how many they had wanted, in the study's own words.
    """

    place: str
    unit: str
    deed: str
    act: str
    past: str
    done: str
    story: str
    each: str = ""
    reporter: str = "Mayor"
    wish_told: bool = True


TELLINGS: Final = {
    "fishery": Telling(
        "lake",
        "tons of fish",
        "tons of fish",
        "catch",
        "caught",
        "caught",
        "You all fish in one lake. The fish that are left in it multiply until the next month.",
    ),
    "pasture": Telling(
        "pasture",
        "hectares of grass",
        "flocks of sheep",
        "send",
        "sent",
        "sent",
        "You all send flocks of sheep to one pasture, where a flock eats one hectare of grass a month. The grass "
        "that is left grows again until the next month.",
        each="A flock of sheep eats one hectare of grass.",
        wish_told=False,
    ),
    "pollution": Telling(
        "river",
        "percent of clean water",
        "pallets of widgets",
        "make",
        "made",
        "made",
        "Your factories all stand on one river. A pallet of widgets takes one percent of its clean water; what is "
        "left of it cleans the rest again until the next month.",
        each="A pallet of widgets takes one percent of the clean water.",
        wish_told=False,
    ),
}
DOUBLING: Final = {
    "fishery": Telling(
        "lake",
        "tons of weed",
        "tons of weed",
        "remove",
        "removed",
        "removed",
        "Your lake is being overgrown. The weed that is left in it multiplies until the next month.",
    ),
    "pasture": Telling(
        "pasture",
        "hectares of thistles",
        "hectares of thistles",
        "remove",
        "removed",
        "removed",
        "Your pasture is being overgrown. The thistles that are left spread until the next month.",
    ),
    "pollution": Telling(
        "river",
        "percent of sludge",
        "percent of sludge",
        "remove",
        "removed",
        "removed",
        "Your river is filling up with sludge. What is left of it draws in more until the next month.",
    ),
}
ADDITIVE: Final = Telling(
    "house",
    "units of trash",
    "units of trash",
    "take out",
    "took out",
    "taken out",
    "You all live in one house, and living makes trash.",
    reporter="Landlord",
)
