"""Which convention a seat's coordinates follow, told from what is known for sure.

Adjacent cells stay adjacent under every convention, so a path alone says nothing. What tells are things
that both the seat and the reader know: where the start and the goal are, the size of the grid, a
direction named beside two coordinates, and what the seat says about its own convention.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import Final

from pytest_collab.families.maze.reading.atoms import CELL, Atoms, Mention, Step
from pytest_collab.families.maze.reading.dialogue import Cell


@dataclass(frozen=True, slots=True)
class Grid:
    """What is known about the maze without looking at it."""

    size: int
    start: Cell
    goal: Cell

    def holds(self, cell: Cell) -> bool:
        return 0 <= cell[0] < self.size and 0 <= cell[1] < self.size


@dataclass(frozen=True, slots=True)
class Frame:
    """One convention: the order of the two numbers, where counting begins, whether rows count from below."""

    swapped: bool = False
    base: int = 0
    up: bool = False

    def cell(self, mention: Mention, grid: Grid) -> Cell:
        """The cell that `mention` means in this frame; may lie outside the grid."""
        if mention.of is not None:
            row, col = self.cell(mention.of, grid)
            return (row + mention.delta[0], col + mention.delta[1])
        if mention.kind == "start":
            return grid.start
        if mention.kind == "goal":
            return grid.goal
        if mention.kind == "ordinal":
            return (mention.first, mention.second)
        if mention.kind == "a1":
            col, row = mention.first, mention.second - 1
            if self.swapped:
                row, col = col, row
        else:
            row, col = mention.first - self.base, mention.second - self.base
            if mention.kind == "xy" or (mention.kind == "pair" and self.swapped):
                row, col = col, row
        return (grid.size - 1 - row if self.up else row, col)

    def name(self, letters: bool) -> str:
        if letters:
            text = "1A (letter is the row)" if self.swapped else "A1 (letter is the column)"
        else:
            text = f"{'x,y' if self.swapped else 'row,col'} {self.base}-based"
        return text + (" from the bottom" if self.up else "")


FRAMES: Final = tuple(
    Frame(swapped, base, up) for up in (False, True) for swapped in (False, True) for base in (0, 1)
)
OUTSIDE_AT_MOST: Final = 6.0
"""What cells outside the grid weigh against a convention, however many: less than what a seat declared."""

SURELY: Final = 2.0
"""The lead of one convention over another from which on a seat surely follows it."""

BEGINS: Final = 1.7
"""What it weighs that a way begins at the start: counted from the bottom, no more than that it begins next to it."""

HARDLY: Final = 1.0
"""The lead of an unusual convention over the usual one up to which it may be chance."""

_LETTER_FRAMES: Final = tuple(frame for frame in FRAMES if frame.base == 0)

_ROW_FIRST = re.compile(
    r"[(\[]?\b(?:r|row|rows|i)\b[ ]?[,/|][ ]?\b(?:c|col|cols|column|columns|j)\b[)\]]?|\[row\]\[col\]|"
    r"\brow first\b|\bfirst (?:number|coordinate|value|one|index|entry) (?:is|=|means|for|"
    r"gives|tells|says|counts) (?:the )?(?:rows?\b|vertical|y\b|how (?:far|many) (?:\w+ ){0,2}down)|\brow-major\b",
    re.I,
)
_COL_FIRST = re.compile(
    r"[(\[]\b(?:x[ ]?,[ ]?y|(?:c|col|column)[ ]?,[ ]?(?:r|row))\b[)\]]|\bcolumn first\b|\bfirst (?:number|"
    r"coordinate|value|one|index|entry) (?:is|=|means|for|gives|tells|says|counts) (?:the "
    r")?(?:col(?:umn)?s?\b|x\b|horizontal|"
    r"how (?:far|many) (?:\w+ ){0,2}(?:right|across))|\bx,[ ]?y\b",
    re.I,
)
_ROWS_LETTERED = re.compile(
    r"\brows? (?:are |is |as |by |get |have |use |using |with |named |labell?ed |lettered |= ?|: ?|\()*(?:the )?"
    r"(?:letters?\b|a(?=[ ]?(?:-|to\b|through\b|,|=)))|\bletters? (?:is |are |= ?|for |names? |means? |gives? |"
    r"denotes? |indicates? |stands? for |marks? )*(?:the )?rows?\b|\brow letters?\b",
    re.I,
)
_COLUMNS_LETTERED = re.compile(
    r"\bcol(?:umn)?s? (?:are |is |as |by |get |have |use |using |with |named |labell?ed |lettered |= ?|: ?|"
    r"\()*(?:the )?"
    r"(?:letters?\b|a(?=[ ]?(?:-|to\b|through\b|,|=)))|\bletters? (?:is |are |= ?|for |names? |means? |gives? |"
    r"denotes? |indicates? |stands? for |marks? )*(?:the )?col(?:umn)?s?\b|\bcol(?:umn)? letters?\b",
    re.I,
)
_FROM_0 = re.compile(
    r"\b(?:0|zero)[- ]?(?:based|index|indexed|indexing)\b|\b(?:start|starts|starting|count|counting|begin|"
    r"beginning|numbered|indexed|indices|index) (?:rows and columns )?(?:at|from|with) (?:0|zero)\b|"
    r"\b(?:rows?|columns?|indices) 0[- ]|\bfrom 0 to\b",
    re.I,
)
_FROM_1 = re.compile(
    r"\b(?:1|one)[- ]?(?:based|index|indexed|indexing)\b|\b(?:start|starts|starting|count|counting|begin|"
    r"beginning|numbered|indexed|indices|index) (?:rows and columns )?(?:at|from|with) (?:1|one)\b|\b(?:rows?|"
    r"columns?|indices) 1[- ]\d|\bfrom 1 to\b",
    re.I,
)
_UPWARD = re.compile(
    r"\b(?:from|at|in) the bottom\b(?! (?:right|row))|\borigin (?:is |at |in )*(?:the )?(?:bottom|lower)|"
    r"\bbottom(?:-| )left (?:corner |cell )?(?:is |as |=|being )",
    re.I,
)
_DOWNWARD = re.compile(
    r"\b(?:from|at|in) the top\b(?! right)|\brows? (?:increase|go|grow|increasing|going)s? (?:down|\uf000)|"
    r"\btop(?:-| )(?:to|row)",
    re.I,
)
_CORNER = re.compile(
    rf"(?P<corner>top|upper|bottom|lower)[- ]?(?P<side>left|right)(?: corner| cell| square)?(?: (?:is|as|being|"
    rf"at|=|called)|[ ]?[=:(])[ (]{{0,2}}(?P<cell>{CELL})|(?P<cell2>{CELL})[ ]?(?:is |as |=|\(|"
    rf"at )[ ]?(?:the )?(?P<corner2>top|upper|bottom|lower)[- ]?(?P<side2>left|right)",
    re.I,
)
_MARK = re.compile(
    rf"(?:\b(?:my|our|the|i)? ?(?P<mark>start(?:ing(?= (?:point|cell|position|square|tile|location)))?|goal|"
    rf"exit|target|finish)(?: (?:point|cell|position|"
    rf"square|tile))?(?: \([@*s g]\))?|(?P<sign>[@*]))(?: (?:is|are|being|located|right|now|both))*[ ]?(?:at|=|"
    rf":|is|in|\()?[ ]?(?:the )?(?:position |cell |coordinates? |square )?(?P<cell>{CELL})|"
    rf"(?P<cell2>{CELL})[ ]?(?:\(|is|=|:)[ ]?(?:the |our |my )?(?:(?P<mark2>start|goal|exit|target|finish)\b|"
    rf"(?P<sign2>[@*]))",
    re.I,
)


_STANDING = re.compile(
    rf"\b(?:(?:we|i)(?:'re| are|'m| am|re)?|current(?:ly)?(?: position| location)?) ?(?:now |currently |both |"
    rf"standing )?(?:at|is|:|in) ?(?:the )?(?:cell |position )?(?P<cell>{CELL})",
    re.I,
)


@dataclass(slots=True)
class Evidence:
    """What has been seen of one seat's coordinates, and how much each thing weighs."""

    swapped: Counter[bool] = field(default_factory=Counter)
    lettered_rows: Counter[bool] = field(default_factory=Counter)
    base: Counter[int] = field(default_factory=Counter)
    up: Counter[bool] = field(default_factory=Counter)
    known: list[tuple[float, Mention, Cell]] = field(default_factory=list)
    ends: list[Mention] = field(default_factory=list)
    turns: list[tuple[float, Mention, Mention, tuple[int, int]]] = field(default_factory=list)
    mentions: set[Mention] = field(default_factory=set)
    opening: Mention | None = None
    begins: bool = False

    def explicit(self) -> bool:
        return any((*self.swapped.values(), *self.lettered_rows.values(), *self.base.values(), *self.up.values()))

    def keeps(self, frame: Frame) -> bool:
        """Whether the seat named the convention that it follows."""
        told = [
            *([self.swapped[frame.swapped] >= max(self.swapped.values())] if any(self.swapped.values()) else []),
            *([self.base[frame.base] >= max(self.base.values())] if any(self.base.values()) else []),
            *([self.up[frame.up] >= max(self.up.values())] if any(self.up.values()) else []),
        ]
        return bool(told) and all(told)

    def score(self, frame: Frame, grid: Grid, letters: bool) -> float:
        """How well `frame` fits; differences between frames matter, not the value."""
        total = 0.0
        if not letters:
            total += 2.0 * self.swapped[frame.swapped] + 2.0 * self.base[frame.base]
        else:
            total += 2.0 * self.lettered_rows[frame.swapped]
        total += 2.0 * self.up[frame.up]
        total -= 0.6 * frame.swapped + 0.4 * frame.base + 0.9 * frame.up
        for weight, mention, cell in self.known:
            if (mention.kind == "a1") == letters:
                total += weight if frame.cell(mention, grid) == cell else -weight
        for weight, one, two, delta in self.turns:
            if (one.kind == "a1") == letters:
                a, b = frame.cell(one, grid), frame.cell(two, grid)
                total += weight if _sign(b[0] - a[0], b[1] - a[1]) == delta else -weight
        if self.opening is not None and (self.opening.kind == "a1") == letters:
            cell = frame.cell(self.opening, grid)
            gap = abs(cell[0] - grid.start[0]) + abs(cell[1] - grid.start[1])
            total += BEGINS if gap == 0 and self.begins else 0.85 if gap <= 1 else 0.0
        hits = [frame.cell(mention, grid) == grid.goal for mention in self.ends if (mention.kind == "a1") == letters]
        total += 1.0 * any(hits)
        outside = sum(
            (mention.kind == "a1") == letters and not grid.holds(frame.cell(mention, grid))
            for mention in self.mentions
        )
        return total - min(3.0 * outside, OUTSIDE_AT_MOST)


def _sign(rows: int, cols: int) -> tuple[int, int]:
    return ((rows > 0) - (rows < 0), (cols > 0) - (cols < 0))


@lru_cache(maxsize=2048)
def _declared(plain: str) -> tuple[bool, ...]:
    """Which conventions the text names. Kept, since a dialogue is read again after every message."""
    signs = (_ROW_FIRST, _COL_FIRST, _FROM_0, _FROM_1, _UPWARD, _DOWNWARD, _ROWS_LETTERED, _COLUMNS_LETTERED)
    return tuple(sign.search(plain) is not None for sign in signs)


@lru_cache(maxsize=2048)
def _stood_on(text: str) -> str | None:
    """The cell that the text says its writer stands on."""
    match = _STANDING.search(text)
    return None if match is None else match["cell"]


@lru_cache(maxsize=2048)
def _marked(text: str) -> tuple[tuple[str, str], ...]:
    """(word, cell) of everything that the text calls the start or the goal."""
    return tuple(
        (
            (match["mark"] or match["mark2"] or match["sign"] or match["sign2"]).lower(),
            match["cell"] or match["cell2"],
        )
        for match in _MARK.finditer(text)
    )


@lru_cache(maxsize=2048)
def _cornered(text: str) -> tuple[tuple[bool, bool, str], ...]:
    """(on top?, on the left?, cell) of everything that the text calls a corner."""
    return tuple(
        (
            (match["corner"] or match["corner2"]).lower() in ("top", "upper"),
            (match["side"] or match["side2"]).lower() == "left",
            match["cell"] or match["cell2"],
        )
        for match in _CORNER.finditer(text)
    )


def observe(evidence: Evidence, atoms: Atoms, plain: str, grid: Grid) -> None:
    """Add what one message shows about its writer's convention.

    Args:
        atoms: the message with its coordinates taken out.
        plain: the cleaned message.
    """
    if not evidence.mentions and (standing := _stood_on(atoms.text)) is not None:
        here = atoms.item(standing)
        if isinstance(here, Mention) and here.kind not in ("start", "goal"):
            evidence.known.append((2.0, here, grid.start))
    for mention in atoms.mentions[:400]:
        if mention.kind in ("pair", "rowcol", "xy", "a1"):
            evidence.mentions.add(mention)
    declared = _declared(plain)
    if any(declared):
        row_first, column_first, from_0, from_1, upward, downward, lettered_rows, lettered_columns = declared
        evidence.lettered_rows[True] += 4 * lettered_rows
        evidence.lettered_rows[False] += 4 * lettered_columns
        evidence.swapped[False] += 4 * row_first
        evidence.swapped[True] += 4 * column_first
        evidence.base[0] += 4 * from_0
        evidence.base[1] += 4 * from_1
        evidence.up[True] += 4 * upward
        evidence.up[False] += 4 * downward
    if not atoms.mentions:
        return
    for word, named in _marked(atoms.text):
        found = atoms.item(named)
        cell = grid.start if word.startswith("start") or word == "@" else grid.goal
        if isinstance(found, Mention) and found.kind not in ("start", "goal"):
            evidence.known.append((4.0, found, cell))
    for top, left, named in _cornered(atoms.text):
        found = atoms.item(named)
        if isinstance(found, Mention) and found.kind not in ("start", "goal"):
            evidence.known.append((4.0, found, (0 if top else grid.size - 1, 0 if left else grid.size - 1)))


def observe_walk(evidence: Evidence, items: Sequence[Mention | Step], notes: frozenset[int], *, first: bool) -> None:
    """Add what a list of cells, perhaps with directions between them, shows.

    Args:
        notes: positions of directions that tell how the cell before them was reached.
        first: nothing was agreed before.
    """
    cells = [item for item in items if isinstance(item, Mention) and item.kind not in ("start", "goal")]
    if len(cells) >= 3:
        evidence.ends.append(cells[-1])
    if (first or len(cells) >= 2) and cells and evidence.opening is None:
        evidence.opening, evidence.begins = cells[0], isinstance(items[0], Mention)
    for index, (one, step, two) in enumerate(zip(items, items[1:], items[2:], strict=False)):
        if index + 1 in notes:
            continue
        if isinstance(one, Mention) and isinstance(step, Step) and isinstance(two, Mention) and one.kind == two.kind:
            evidence.turns.append((2.0, one, two, step.delta))
    told = [(index, item) for index, item in enumerate(items) if isinstance(item, Mention)]
    for (before, one), (here, two) in pairwise(told):
        after = items[here + 1] if here + 1 < len(items) else None
        near = here == before + 1 or (here == before + 2 and here - 1 in notes)
        if near and one.kind == two.kind and isinstance(after, Step):
            evidence.turns.append((2.0 if here + 1 in notes else 1.0, one, two, after.delta))


def conflicts(
    walks: Iterable[tuple[int, str, Sequence[Mention | Step]]],
    evidence: Mapping[str, Evidence],
    frames: Mapping[str, tuple[Frame, Frame]],
    grid: Grid,
    setter: str | None,
) -> tuple[int, ...]:
    """Events of seats whose coordinates surely follow another convention than that of the seat that set it.

    Who keeps to what it declared is never the one that left the others' convention, whoever wrote first.

    Args:
        walks: (event, seat, items) of every message with coordinates.
        setter: the seat that was first to name a convention, or to use one where nobody named any.
    """
    if setter is None:
        return ()
    found: list[int] = []
    for event, seat, items in walks:
        if seat == setter or event in found:
            continue
        kinds = {item.kind for item in items if isinstance(item, Mention)}
        letters = "a1" in kinds
        if not letters and not kinds & {"pair", "rowcol"}:
            continue
        theirs, own = frames[setter][letters], frames[seat][letters]
        if own == theirs or not any((mention.kind == "a1") == letters for mention in evidence[setter].mentions):
            continue
        sure = all(
            evidence[who].score(used, grid, letters) - evidence[who].score(not_used, grid, letters) >= SURELY
            for who, used, not_used in ((seat, own, theirs), (setter, theirs, own))
        )
        if (
            sure
            and not evidence[seat].keeps(own)
            and any(own.cell(item, grid) != theirs.cell(item, grid) for item in items if isinstance(item, Mention))
        ):
            found.append(event)
    return tuple(found)


def best(evidence: Evidence, grid: Grid, *, letters: bool, prior: Frame | None = None) -> tuple[Frame, float]:
    """The frame that fits best, and its lead over the next that reads the seat's mentions differently.

    Args:
        prior: the convention that the others have set; it decides where the seat's own evidence does not.
    """
    frames = _LETTER_FRAMES if letters else FRAMES
    scored = sorted(
        (
            (evidence.score(frame, grid, letters) + 2.5 * (frame == prior), -index, frame)
            for index, frame in enumerate(frames)
        ),
        reverse=True,
    )
    return scored[0][2], scored[0][0] - scored[1][0]


def guessed(evidence: Evidence, frame: Frame, grid: Grid) -> bool:
    """Whether a seat's pairs are read in an unusual convention that it did not name and little speaks for."""
    if frame == Frame() or evidence.explicit() or not any(mention.kind == "pair" for mention in evidence.mentions):
        return False
    return evidence.score(frame, grid, letters=False) - evidence.score(Frame(), grid, letters=False) < HARDLY
