"""What games played in rounds share: replies in plain text, intents, solo play, evidence, players.

Not a family itself. `philosophers`, `market`, the `matrix` base and the other games of this kind are built on it;
docs/writing-tasks.md shows a new game in under 150 lines.
"""

from __future__ import annotations

from pytest_collab.families.rounds.equality import fairness, gini
from pytest_collab.families.rounds.family import RoundFamily, seat_names, somebody_else
from pytest_collab.families.rounds.game import RoundGame, Solo, Step, walk
from pytest_collab.families.rounds.guided import Guided, Sight
from pytest_collab.families.rounds.intent import Intent, deeds, intents, reported, unquoted
from pytest_collab.families.rounds.lessons import Lessons
from pytest_collab.families.rounds.memory import Entry, Notebook, Remembering
from pytest_collab.families.rounds.muted import UNHEARD, Muted
from pytest_collab.families.rounds.player import (
    AllSeats,
    Babbler,
    Changed,
    Deaf,
    Player,
    Quitter,
    Repeater,
    Say,
    Silent,
    cast_of,
)
from pytest_collab.families.rounds.reply import Got, Reading, choice, named, number, one, read, sections, speeches

__all__ = [
    "UNHEARD",
    "AllSeats",
    "Babbler",
    "Changed",
    "Deaf",
    "Entry",
    "Got",
    "Guided",
    "Intent",
    "Lessons",
    "Muted",
    "Notebook",
    "Player",
    "Quitter",
    "Reading",
    "Remembering",
    "Repeater",
    "RoundFamily",
    "RoundGame",
    "Say",
    "Sight",
    "Silent",
    "Solo",
    "Step",
    "cast_of",
    "choice",
    "deeds",
    "fairness",
    "gini",
    "intents",
    "named",
    "number",
    "one",
    "read",
    "reported",
    "seat_names",
    "sections",
    "somebody_else",
    "speeches",
    "unquoted",
    "walk",
]
