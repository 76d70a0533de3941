"""A market of information in which sharing is free (after arXiv 2604.07821).

Every agent holds unique pieces and works on a few tasks at once, each of which needs pieces that others hold.
Sending a piece copies it: the sender keeps it and pays nothing. A task that is submitted with all its pieces at
hand earns the same revenue, whoever's it is, or half of it if one of them came with an altered value; a new one opens
at the beginning of the next round.

Which task an agent gets next depends on the seed alone, never on play, so perfect play can be computed exactly. A
recipient takes every piece that it has not got, asked for or not: who sends everything to everybody can do more than
the study's ceiling, which is flawless play on request.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final, Literal, TypeVar

T = TypeVar("T")
Order = Literal["random", "in_turn", "at_once"]
Known = Literal["asked", "announced", "sent", "answered", "open"]
"""How holders know what to send: they were asked; all needs are announced; needs are sent to a holder at the end of
each round; asking is answered automatically; or they do not care, and send everything to everybody."""
LEAST_VALUE: Final = 10
GREATEST_VALUE: Final = 100


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
        halved: tasks that paid half.
        altered: values other than the true ones with which pieces came.
    """

    round: int
    held: tuple[frozenset[str], ...]
    open: tuple[tuple[Task, ...], ...]
    drawn: tuple[int, ...]
    done: tuple[int, ...]
    expired: tuple[int, ...]
    sent: tuple[int, ...]
    asked: tuple[frozenset[tuple[str, int]], ...]
    halved: tuple[int, ...]
    altered: tuple[Mapping[str, int], ...]

    @property
    def earned(self) -> float:
        """Revenue of all, in tasks."""
        return sum(self.done) - sum(self.halved) / 2

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


def value(game: Deal, piece: str) -> int:
    """The true value of a piece."""
    return random.Random(f"market:{game.seed}:{piece}").randint(LEAST_VALUE, GREATEST_VALUE)


def turns(game: Deal, order: Order, number: int) -> tuple[int, ...]:
    """The seats (as indices) in the order in which they act in a round."""
    seats = list(range(len(game.seats)))
    if order == "random":
        random.Random(f"market:{game.seed}:turns:{number}").shuffle(seats)
    return tuple(seats)


def begin(game: Deal) -> State:
    """Round 0: everyone holds what was dealt, and has its first tasks."""
    n = len(game.seats)
    first = tuple(tuple(draw(game, i, number, 0) for number in range(game.tasks)) for i in range(n))
    none = (0,) * n
    hands = tuple(map(frozenset, game.pieces))
    return State(0, hands, first, (game.tasks,) * n, none, none, none, (frozenset(),) * n, none, ({},) * n)


def submit(state: State, i: int, names: Iterable[str]) -> tuple[State, tuple[str, ...], Mapping[str, str]]:
    """Submit tasks of seat i. Returns the state, what was done, and what was refused, with the reason in words."""
    own = {task.name: task for task in state.open[i]}
    done, refused = [], {}
    for name in dict.fromkeys(names):
        if name not in own:
            refused[name] = "it is none of your open tasks"
            continue
        lacking = [piece for piece in own[name].needs if piece not in state.held[i]]
        if lacking:
            refused[name] = f"you lack {' and '.join(lacking)}"
        else:
            done.append(name)
    half = sum(any(piece in state.altered[i] for piece in own[name].needs) for name in done)
    left = tuple(task for task in state.open[i] if task.name not in done)
    state = replace(
        state,
        open=_with(state.open, i, left),
        done=_with(state.done, i, state.done[i] + len(done)),
        halved=_with(state.halved, i, state.halved[i] + half),
    )
    return state, tuple(done), refused


def request(state: State, game: Deal, asker: int, pieces: Iterable[str], to: Iterable[str]) -> State:
    """Let a request reach the seats in `to`: they know of it, as far as the asker needs what it names."""
    wanted = frozenset((piece, asker) for piece in state.lacks(asker).intersection(pieces))
    for name in to:
        if wanted and name in game.seats:
            j = game.seats.index(name)
            state = replace(state, asked=_with(state.asked, j, state.asked[j] | wanted))
    return state


def requests_of_all(state: State, game: Deal) -> list[tuple[int, str, int]]:
    """What everyone lacks, as (asker, piece, holder): of several holders the first one is asked."""
    return [
        (asker, piece, next(j for j, held in enumerate(state.held) if piece in held))
        for asker in range(len(game.seats))
        for piece in sorted(state.lacks(asker), key=lambda name: int(name[1:]))
    ]


def refusal(state: State, game: Deal, i: int, piece: str, to: str) -> str | None:
    """Why a piece cannot be sent, in words; None when it can."""
    if piece not in state.held[i]:
        return "you do not hold it"
    if to not in game.seats:
        return f"there is no agent {to}"
    if to == game.seats[i]:
        return "that is you"
    return f"{to} has it already" if piece in state.held[game.seats.index(to)] else None


def hand_over(state: State, game: Deal, i: int, piece: str, to: str, told: int | None = None) -> State:
    """Let a recipient take a piece, unless there is a reason why not (`refusal`).

    Args:
        told: the value that goes along; the one that seat i knows if none.
    """
    if refusal(state, game, i, piece, to) is not None:
        return state
    j = game.seats.index(to)
    state = replace(
        state,
        held=_with(state.held, j, state.held[j] | {piece}),
        sent=_with(state.sent, i, state.sent[i] + 1),
    )
    told = state.altered[i].get(piece) if told is None else told
    if told is None or told == value(game, piece):
        return state
    return replace(state, altered=_with(state.altered, j, {**state.altered[j], piece: told}))


def answer(state: State, game: Deal, asker: int, pieces: Iterable[str], to: Iterable[str]) -> State:
    """Answer a request automatically: whoever of `to` holds a piece that the asker lacks sends it."""
    for piece in sorted(state.lacks(asker).intersection(pieces)):
        for name in to:
            if name in game.seats and piece in state.held[game.seats.index(name)]:
                i = game.seats.index(name)
                state = hand_over(state, game, i, piece, game.seats[asker], value(game, piece))
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
    """The greatest number of tasks that the group can submit when holders send what they know to be needed.

    The play that reaches it: everyone submits what is ready, sends everything that it holds and knows to be needed,
    and asks everybody for everything it lacks. Nothing is better: sending and asking cost nothing and take nothing
    away, and which task comes next does not depend on play; so every piece, and with it every task, is had as early
    as the order of acting and of knowing allows. With `asked` it is the study's ceiling, with `open` the most that
    any play can come to.
    """
    state = begin(game)
    while state.round < game.rounds:
        before, sends = state, []
        seats = turns(game, order, state.round)
        for i in seats:
            state = submit(state, i, [task.name for task in state.open[i]])[0]
            sends += (own := _everything(state if order != "at_once" else before, game, i, known))
            if order != "at_once":
                state = _ask(_handed(state, game, own), game, i, known)
        if order == "at_once":
            state = _handed(state, game, sends)
            for i in seats:
                state = _ask(state, game, i, known)
        state = next_round(state, game)
    return sum(state.done)


def _handed(state: State, game: Deal, sends: Iterable[tuple[int, str, str]]) -> State:
    for i, piece, to in sends:
        state = hand_over(state, game, i, piece, to)
    return state


def _ask(state: State, game: Deal, i: int, known: Known) -> State:
    act = answer if known == "answered" else request
    return act(state, game, i, state.lacks(i), [name for name in game.seats if name != game.seats[i]])


def _everything(state: State, game: Deal, i: int, known: Known) -> list[tuple[int, str, str]]:
    """What seat i sends when it sends all that it knows to be needed."""
    found = []
    for j, to in enumerate(game.seats):
        if j == i:
            continue
        new = state.held[i] - state.held[j]
        if known in ("asked", "answered"):
            new = frozenset(piece for piece in new if (piece, j) in state.asked[i])
        elif known == "announced":
            new &= state.lacks(j)
        found += [(i, piece, to) for piece in new]
    return found


def _with(values: tuple[T, ...], i: int, value: T) -> tuple[T, ...]:
    return (*values[:i], value, *values[i + 1 :])
