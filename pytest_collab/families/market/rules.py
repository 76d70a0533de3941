"""A market of information in which sharing is free (after arXiv 2604.07821).

Every agent holds unique pieces and works on a few tasks at once, each of which needs pieces that others hold.
Sending a piece copies it: the sender keeps it and pays nothing. A task that is submitted with all its pieces at
hand earns the same revenue, whoever submits it; a new one opens at the beginning of the next round.

Fixed here, since the study's text beyond its abstract could not be looked up: which task an agent gets next depends
on the seed alone, never on play; there is no limit to what can be sent; and a recipient takes a piece only for an
open task, and only when the sender can know of the need, because it was asked or because needs are announced. So
sending everything to everybody is no substitute for talking, and the optimum can be computed exactly.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal, TypeVar

T = TypeVar("T")
Order = Literal["in_turn", "at_once"]
Known = Literal["asked", "announced", "answered"]
"""How holders know of a need: they were asked; all needs are announced; asking is answered automatically."""


@dataclass(frozen=True, slots=True)
class Deal:
    """What does not change during an episode.

    Attributes:
        seats: in the order in which they act.
        pieces: the pieces dealt to each seat.
        tasks: how many tasks a seat has open at once.
        needs: how many pieces a task needs, all of them dealt to others.
        deadline: rounds after its opening in which a task can be submitted; None for no end.
    """

    seats: tuple[str, ...]
    pieces: tuple[tuple[str, ...], ...]
    rounds: int
    tasks: int
    needs: int
    deadline: int | None
    seed: int

    def owner(self, piece: str) -> str | None:
        """Who was dealt the piece."""
        return next((seat for seat, own in zip(self.seats, self.pieces, strict=True) if piece in own), None)


@dataclass(frozen=True, slots=True)
class Task:
    """One open task.

    Attributes:
        name: the seat and a running number (`b3`).
        opened: the round in which it can first be worked on.
    """

    name: str
    needs: tuple[str, ...]
    opened: int


@dataclass(frozen=True, slots=True)
class State:
    """Where the market stands. All tuples have one entry per seat.

    Attributes:
        round: from 0.
        held: pieces at hand, dealt or received.
        open: tasks that can be worked on.
        drawn: how many tasks have been drawn so far.
        done, expired: tasks submitted, and tasks whose deadline passed.
        sent: pieces that recipients took.
        asked: requests that reached the seat, as (piece, asker).
    """

    round: int
    held: tuple[frozenset[str], ...]
    open: tuple[tuple[Task, ...], ...]
    drawn: tuple[int, ...]
    done: tuple[int, ...]
    expired: tuple[int, ...]
    sent: tuple[int, ...]
    asked: tuple[frozenset[tuple[str, int]], ...]

    def lacks(self, i: int) -> frozenset[str]:
        """The pieces that seat i's open tasks need and that it has not got."""
        return frozenset(piece for task in self.open[i] for piece in task.needs if piece not in self.held[i])


def deal(
    seats: Sequence[str], pieces: int, rounds: int, tasks: int, needs: int, deadline: int | None, seed: int
) -> Deal:
    """Deal the pieces `p1`, `p2`, ... evenly and at random."""
    names = [f"p{number + 1}" for number in range(pieces)]
    random.Random(f"market:{seed}").shuffle(names)
    order = {name: number for number, name in enumerate(sorted(names, key=lambda name: int(name[1:])))}
    hands = tuple(tuple(sorted(names[i :: len(seats)], key=order.__getitem__)) for i in range(len(seats)))
    return Deal(tuple(seats), hands, rounds, tasks, needs, deadline, seed)


def draw(game: Deal, i: int, number: int, opened: int) -> Task:
    """The task `number` (from 0) of seat i; the same in every play of the seed."""
    others = [piece for j, own in enumerate(game.pieces) if j != i for piece in own]
    chosen = random.Random(f"market:{game.seed}:{i}:{number}").sample(others, game.needs)
    return Task(f"{game.seats[i]}{number + 1}", tuple(sorted(chosen, key=lambda name: int(name[1:]))), opened)


def begin(game: Deal) -> State:
    """Round 0: everyone holds what was dealt, and has its first tasks."""
    n = len(game.seats)
    first = tuple(tuple(draw(game, i, number, 0) for number in range(game.tasks)) for i in range(n))
    none = (0,) * n
    hands = tuple(map(frozenset, game.pieces))
    return State(0, hands, first, (game.tasks,) * n, none, none, none, (frozenset(),) * n)


def submit(state: State, i: int, names: Iterable[str]) -> tuple[State, tuple[str, ...], tuple[str, ...]]:
    """Submit tasks of seat i. Returns the state, what was done, and what was refused (not its own, not ready)."""
    wanted = tuple(dict.fromkeys(names))
    ready = {task.name for task in state.open[i] if set(task.needs) <= state.held[i]}
    done = tuple(name for name in wanted if name in ready)
    left = tuple(task for task in state.open[i] if task.name not in done)
    state = replace(state, open=_with(state.open, i, left), done=_with(state.done, i, state.done[i] + len(done)))
    return state, done, tuple(name for name in wanted if name not in ready)


def request(state: State, game: Deal, asker: int, pieces: Iterable[str], to: Iterable[str]) -> State:
    """Let a request reach the seats in `to`: what of it the asker needs can be sent to it from now on."""
    wanted = frozenset((piece, asker) for piece in state.lacks(asker).intersection(pieces))
    for name in to:
        if wanted and name in game.seats:
            j = game.seats.index(name)
            state = replace(state, asked=_with(state.asked, j, state.asked[j] | wanted))
    return state


def refusal(state: State, game: Deal, i: int, piece: str, to: str, known: Known = "asked") -> str | None:
    """Why a piece cannot be sent (`not held`, `self`, `nobody`, `not needed`, `not asked for`), or None."""
    if piece not in state.held[i]:
        return "not held"
    if to not in game.seats:
        return "nobody"
    if to == game.seats[i]:
        return "self"
    j = game.seats.index(to)
    if piece not in state.lacks(j):
        return "not needed"
    return None if known == "announced" or (piece, j) in state.asked[i] else "not asked for"


def hand_over(state: State, game: Deal, sends: Iterable[tuple[int, str, str]], known: Known = "asked") -> State:
    """Let recipients take the pieces (sender, piece, recipient) that they can take; all others are passed over."""
    for i, piece, to in sends:
        if refusal(state, game, i, piece, to, known) is None:
            j = game.seats.index(to)
            held = _with(state.held, j, state.held[j] | {piece})
            state = replace(state, held=held, sent=_with(state.sent, i, state.sent[i] + 1))
    return state


def answer(state: State, game: Deal, asker: int, pieces: Iterable[str], to: Iterable[str]) -> State:
    """Answer a request automatically: whoever of `to` holds a piece that the asker lacks sends it."""
    for piece in sorted(state.lacks(asker).intersection(pieces)):
        for name in to:
            if name in game.seats and piece in state.held[game.seats.index(name)]:
                i = game.seats.index(name)
                state = hand_over(state, game, [(i, piece, game.seats[asker])], "announced")
                break
    return state


def next_round(state: State, game: Deal) -> State:
    """Close the round: late tasks expire, and as many new ones open as have gone."""
    now = state.round + 1
    for i in range(len(game.seats)):
        alive = tuple(t for t in state.open[i] if game.deadline is None or now - t.opened < game.deadline)
        late = len(state.open[i]) - len(alive)
        fresh = range(state.drawn[i], state.drawn[i] + game.tasks - len(alive))
        state = replace(
            state,
            open=_with(state.open, i, (*alive, *(draw(game, i, number, now) for number in fresh))),
            drawn=_with(state.drawn, i, state.drawn[i] + len(fresh)),
            expired=_with(state.expired, i, state.expired[i] + late),
        )
    return replace(state, round=now)


@lru_cache(maxsize=256)
def optimum(game: Deal, order: Order, known: Known = "asked") -> int:
    """The greatest number of tasks that the group can submit, exactly.

    The play that reaches it: everyone submits what is ready, sends everything that it holds, that is needed and that
    it can know of, and asks everybody for everything it lacks. Nothing is better: sending and asking cost nothing and
    take nothing away, and which task comes next does not depend on play; so every piece, and with it every task, is
    had as early as the order of acting and of knowing allows.
    """
    state = begin(game)
    everyone = range(len(game.seats))
    while state.round < game.rounds:
        sends: list[tuple[int, str, str]] = []
        before = state
        for i in everyone:
            state = submit(state, i, [task.name for task in state.open[i]])[0]
            own = _everything(state if order == "in_turn" else before, game, i, known)
            if order == "in_turn":
                state = _ask(hand_over(state, game, own, known), game, i, known)
            sends += own
        if order == "at_once":
            state = hand_over(state, game, sends, known)
            for i in everyone:
                state = _ask(state, game, i, known)
        state = next_round(state, game)
    return sum(state.done)


def _ask(state: State, game: Deal, i: int, known: Known) -> State:
    act = answer if known == "answered" else request
    return act(state, game, i, state.lacks(i), [name for name in game.seats if name != game.seats[i]])


def _everything(state: State, game: Deal, i: int, known: Known) -> list[tuple[int, str, str]]:
    return [
        (i, piece, to)
        for to in game.seats
        for piece in state.held[i]
        if refusal(state, game, i, piece, to, known) is None
    ]


def _with(values: tuple[T, ...], i: int, value: T) -> tuple[T, ...]:
    return (*values[:i], value, *values[i + 1 :])
