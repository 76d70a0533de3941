"""What each seat is told: its copy of the maze, the rules in words, and the messages as they come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from pytest_collab.core.maze.spec import MazeRecord
from pytest_collab.episode.channel import Message
from pytest_collab.episode.condition import Condition
from pytest_collab.families.maze.layout import drawn
from pytest_collab.families.maze.rules import Cell

SEAT_NAMES: Final = "abcd"
HIDDEN: Final = "?"
OPEN: Final = "."
WALL: Final = "#"
START: Final = "@"
GOAL: Final = "*"

PROTOCOLS: Final[Mapping[str, str]] = {
    "coordinates": (
        "Before anything else, agree on how you name cells: which number comes first, whether you count from 0 or "
        "from 1, and at which corner. Check it on the start cell. Keep to it from then on."
    ),
    "step_by_step": (
        "Go one move at a time: one of you proposes the next single move, every other one checks it on their own "
        "copy and accepts it or says what is in the way. Only then go on to the next move."
    ),
    "share_first": (
        "In your first message write down every wall that you can see, and nothing else. Propose a path only when "
        "everyone has done so."
    ),
}
"""What `protocol:NAME` adds to the instructions."""


def content(maze: MazeRecord, cell: Cell) -> str:
    """What the cell truly holds."""
    if cell == maze.start:
        return START
    if cell == maze.goal:
        return GOAL
    return WALL if maze.is_wall(*cell) else OPEN


def copy_of(maze: MazeRecord, seat: int | None) -> tuple[str, ...]:
    """The rows of a seat's copy, top first; the whole maze when `seat` is None."""
    return tuple(
        "".join(
            content(maze, (row, column)) if seat is None or maze.sees(seat, row, column) else HIDDEN
            for column in range(maze.size)
        )
        for row in range(maze.size)
    )


def cells_of(rows: Sequence[str]) -> dict[Cell, str]:
    """What a copy tells: content by cell, hidden cells left out. The inverse of drawing it."""
    return {
        (row, column): symbol
        for row, line in enumerate(rows)
        for column, symbol in enumerate(line)
        if symbol != HIDDEN
    }


def copies(maze: MazeRecord, seat: str, condition: Condition) -> dict[str, tuple[str, ...]]:
    """The copies that a seat is shown under a condition, by whose they are (`everyone` for the whole maze)."""
    if condition.solo and condition.argument == "views":
        return {SEAT_NAMES[index]: copy_of(maze, index) for index in range(len(maze.visible))}
    if condition.solo or condition.shared:
        return {"everyone": copy_of(maze, None)}
    return {seat: copy_of(maze, SEAT_NAMES.index(seat))}


def brief(
    maze: MazeRecord,
    seat: str,
    seats: Sequence[str],
    turns: int,
    condition: Condition,
    view: str = "ascii",
    circle: Sequence[str] = (),
) -> str:
    """The standing instructions of a seat: the task, its copy or copies, how to talk, when it ends."""
    shown = copies(maze, seat, condition)
    parts = [_task(maze.size, seat, seats), _legend(shown, view)]
    parts += [_drawn(owner, seat, rows, view) for owner, rows in shown.items()]
    parts += [_manner(seats, turns, condition)]
    if circle and len(circle) < len(seats):
        near = _named([other for other in circle if other != seat])
        parts.append(f"You hear {near} only, and only they hear you. What another one has to know must be passed on.")
    if condition.kind == "protocol":
        parts.append(PROTOCOLS[condition.argument])
    return "\n\n".join(parts)


def _task(size: int, seat: str, seats: Sequence[str]) -> str:
    others = _named([other for other in seats if other != seat])
    who = f"You are player {seat}. You and {others} must" if others else "You must"
    one = "Together find one path" if others else "Find a path"
    return (
        f"{who} get through a maze of {size} rows and {size} columns. {one} from the start to the goal. A move goes "
        "to the next cell up, down, left or right; it never enters a wall and never leaves the maze."
    )


def _legend(shown: Mapping[str, Sequence[str]], view: str) -> str:
    symbols = f"{START} start, {GOAL} goal, {OPEN} open cell, {WALL} wall"
    hides = any(HIDDEN in row for rows in shown.values() for row in rows)
    if view != "ascii":  # its words need no key
        return (
            "Everyone has a copy of the same maze with other cells hidden; together they show it all."
            if hides
            else ("All of the maze is shown.")
        )
    if not hides:
        return f"Symbols: {symbols}."
    if len(shown) > 1:
        return (
            f"Symbols: {symbols}, {HIDDEN} hidden. You have {len(shown)} copies of the same maze, each with some "
            "cells hidden; what one hides another shows."
        )
    return (
        f"Symbols: {symbols}, {HIDDEN} hidden from you. Everyone has a copy of the same maze with other cells "
        "hidden; together the copies show all of it."
    )


def _drawn(owner: str, seat: str, rows: Sequence[str], view: str) -> str:
    if owner == "everyone":
        title = "The maze:"
    elif owner == seat:
        title = "Your copy:"
    else:
        title = "A further copy:"
    return f"{title}\n{drawn(rows, view)}"


def _manner(seats: Sequence[str], turns: int, condition: Condition) -> str:
    if len(seats) == 1:
        return (
            "Say in your own words which path you take, move by move or cell by cell. It ends when your path is at "
            f"the goal, or after {turns} messages. The path is then checked on the true maze."
        )
    checked = (
        "Nobody tells you on the way whether a move is legal: the agreed path is checked on the true maze in the end."
    )
    if condition.muted:
        return (
            "In this episode nobody hears what you write, and you hear nobody. A path counts only if every one of "
            f"you proposes the same one. It ends then, or after {turns} messages in all. {checked}"
        )
    return (
        f"You talk in turns, player {seats[0]} first, in any words you like. Your whole answer is your message: it "
        "is delivered as it stands. A move counts only when all of you have agreed on it. It ends when the path you "
        f"agreed on is at the goal, when all of you have said that you are done, or after {turns} messages in all. "
        f"{checked}"
    )


def prompt(
    seat: str, seats: Sequence[str], inbox: Sequence[Message], turn: int, turns: int, condition: Condition
) -> str:
    """What a seat reads when it is its turn; `turn` counts from 0."""
    lines = [f"Message {turn + 1} of at most {turns}."]
    for message in inbox:
        lines.append(f"\n{message.sender} writes:\n{message.text}")
    if len(seats) == 1:
        lines.append("\nSay which path you take." if turn == 0 else "\nYou are not at the goal yet. Go on.")
    elif condition.muted:
        lines.append("\nWrite the path that you propose.")
    else:
        lines.append(f"\nWrite your message to {_named([other for other in seats if other != seat])}.")
    return "\n".join(lines)


def _named(players: Sequence[str]) -> str:
    named = [f"player {player}" for player in players]
    return " and ".join([", ".join(named[:-1]), named[-1]] if len(named) > 1 else named)
