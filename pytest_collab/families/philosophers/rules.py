"""Dining philosophers, step for step as DPBench 0.2.1 plays them (arXiv 2602.13255, `dpbench` on PyPI).

Philosopher i sits between fork i (left) and fork i + 1 (right), and is always hungry. Who holds both forks eats one
meal; in the step after, it puts both back whatever it does. Two orders of acting:

simultaneous: releases happen first, then grabs of forks that are free by then (the lowest number wins a contested
    fork), then eaters put their forks back, in the order of their numbers.
sequential: one philosopher after the other; each sees what those before it did; every action is a step. Deadlock
    and the end of the episode are looked at when all have acted.

An eater that also releases frees its forks a moment early; a neighbour that takes one in that same step has it for
this step alone, since the eater's own putting back empties the place again. That is the reference's order of
events, kept because every figure published with it rests on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final, TypeVar

ACTIONS: Final = ("grab_left", "grab_right", "release", "wait")
FREE: Final = -1

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class State:
    """The table after `timestep` steps.

    Attributes:
        eating, meals, left, right: one entry per philosopher; `left[i]` says that i has its left fork.
        forks: who holds each fork, `FREE` (-1) for nobody.
    """

    eating: tuple[bool, ...]
    meals: tuple[int, ...]
    left: tuple[bool, ...]
    right: tuple[bool, ...]
    forks: tuple[int, ...]
    timestep: int = 0

    @property
    def seats(self) -> int:
        return len(self.meals)


def initial(seats: int) -> State:
    """All hungry, all forks on the table."""
    no = (False,) * seats
    return State(no, (0,) * seats, no, no, (FREE,) * seats)


def simultaneous(state: State, actions: Sequence[str]) -> State:
    """All act at once; one step."""
    n = state.seats
    forks = list(state.forks)
    for i, action in enumerate(actions):
        if action == "release":
            if state.left[i]:
                forks[i] = FREE
            if state.right[i]:
                forks[(i + 1) % n] = FREE
    wanted: dict[int, int] = {}
    for i, action in enumerate(actions):
        fork = i if action == "grab_left" else (i + 1) % n if action == "grab_right" else None
        if fork is not None and forks[fork] == FREE:
            wanted.setdefault(fork, i)
    for fork, i in wanted.items():
        forks[fork] = i
    eating, meals, left, right = list(state.eating), list(state.meals), [False] * n, [False] * n
    for i in range(n):
        if state.eating[i]:
            forks[i] = forks[(i + 1) % n] = FREE
            eating[i] = False
            continue
        left[i], right[i] = forks[i] == i, forks[(i + 1) % n] == i
        if left[i] and right[i]:
            eating[i] = True
            meals[i] += 1
    return State(tuple(eating), tuple(meals), tuple(left), tuple(right), tuple(forks), state.timestep + 1)


def alone(state: State, i: int, action: str) -> State:
    """Philosopher i acts; one step of the sequential protocol."""
    n = state.seats
    forks = list(state.forks)
    left, right = state.left[i], state.right[i]
    fork_left, fork_right = i, (i + 1) % n
    if action == "grab_left" and forks[fork_left] == FREE:
        forks[fork_left], left = i, True
    elif action == "grab_right" and forks[fork_right] == FREE:
        forks[fork_right], right = i, True
    elif action == "release":
        if left:
            forks[fork_left], left = FREE, False
        if right:
            forks[fork_right], right = FREE, False
    eating, meals = state.eating[i], state.meals[i]
    if eating:
        forks[fork_left] = forks[fork_right] = FREE
        eating = left = right = False
    elif left and right:
        eating = True
        meals += 1
    return State(
        _with(state.eating, i, eating),
        _with(state.meals, i, meals),
        _with(state.left, i, left),
        _with(state.right, i, right),
        tuple(forks),
        state.timestep + 1,
    )


def is_deadlock(state: State) -> bool:
    """Everyone is hungry and holds exactly one fork."""
    return not any(state.eating) and all(a != b for a, b in zip(state.left, state.right, strict=True))


def resolved(state: State) -> State:
    """The table after a deadlock was broken from outside: all forks back, meals kept."""
    return replace(initial(state.seats), meals=state.meals, timestep=state.timestep)


def backed_off(state: State, held: Sequence[int], falls: Sequence[bool], after: int) -> tuple[State, tuple[int, ...]]:
    """Randomised back-off: who has held exactly one fork for `after` steps may lose it.

    Args:
        held: by philosopher, for how many steps in a row it has held exactly one fork, hungry.
        falls: by philosopher, whether its fork falls now if it may.

    Returns:
        The table, and the new counts: this step included, 0 for who holds none, both, or has just lost one.
    """
    forks, left, right, counts = list(state.forks), list(state.left), list(state.right), []
    for i in range(state.seats):
        one = left[i] != right[i] and not state.eating[i]
        count = held[i] + 1 if one else 0
        if one and count >= after and falls[i]:
            forks[i if left[i] else (i + 1) % state.seats] = FREE
            left[i] = right[i] = False
            count = 0
        counts.append(count)
    return replace(state, forks=tuple(forks), left=tuple(left), right=tuple(right)), tuple(counts)


def capacity(seats: int, timesteps: int, protocol: str) -> int:
    """An upper bound of the meals that an episode can hold, as long as no eater releases early.

    Simultaneous: no fork can be grabbed in the step in which it is put back, so a meal takes one fork for three
    steps and the other for two: five fork-steps of the `seats * timesteps` there are, two fewer for those who eat
    in the very last step. Sequential: a meal takes its eater three of its turns, two for the last one.
    Early releases (see the module's text) can beat the bound at some tables; scores stop at 1.
    """
    if protocol == "sequential":
        rounds = -(-timesteps // seats)
        return seats * ((rounds + 1) // 3)
    return min((seats * timesteps + 2 * (seats // 2)) // 5, seats * ((timesteps + 1) // 3))


def slots(seats: int) -> tuple[int, tuple[int, ...]]:
    """A table manner without deadlock: everyone takes the left fork at step `slot[i]` of every period, the right one
    in the next, and eats then. Returns (period, slots).

    Neighbours must start two steps apart, or three: the ring closes with a period of five when five divides the
    number of seats, and then no fork ever lies idle; with a period of six otherwise.
    """
    period = 5 if seats % 5 == 0 else 6
    late = -2 * seats % period
    starts = [0]
    for i in range(1, seats):
        starts.append((starts[-1] - 2 - (i <= late)) % period)
    return period, tuple(starts)


def mannered(state: State, i: int, moment: int) -> str:
    """What the table manner of `slots` lets philosopher i do at `moment` (a step, or a round when sequential).

    Looks only at what i itself holds. A fork that did not become a meal in its slot is put back at once.
    """
    period, starts = slots(state.seats)
    phase = (moment - starts[i]) % period
    return manner(phase, state.left[i], state.right[i], state.eating[i])


def manner(phase: int, left: bool, right: bool, eating: bool) -> str:
    """The same from one's own phase and hands."""
    if eating:
        return "wait"
    if phase == 0 and not left and not right:
        return "grab_left"
    if phase == 1 and left and not right:
        return "grab_right"
    return "release" if left or right else "wait"


@lru_cache(maxsize=256)
def taking_turns(seats: int, timesteps: int, protocol: str) -> State:
    """The table after an episode in which everyone keeps to `slots`."""
    state = initial(seats)
    while state.timestep < timesteps:
        if protocol == "simultaneous":
            state = simultaneous(state, [mannered(state, i, state.timestep) for i in range(seats)])
        else:
            moment = state.timestep // seats
            for i in range(seats):
                state = alone(state, i, mannered(state, i, moment))
    return state


def _with(values: tuple[T, ...], i: int, value: T) -> tuple[T, ...]:
    return (*values[:i], value, *values[i + 1 :])
