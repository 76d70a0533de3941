"""What philosophers are told: in our words, or what DPBench tells and nothing more.

As published, a seat knows its own state, hands, forks and meals, what its neighbours said last, however long ago, and
as much of the past as the task's window holds; not the steps, not that all act at once or who gets a contested fork,
not the neighbours' names, and no call remembers another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pytest_collab.families.philosophers import rules

if TYPE_CHECKING:
    from pytest_collab.families.philosophers.params import Philosophers


@dataclass(frozen=True, slots=True)
class Variant:
    """A way of instructing everyone (`protocol:NAME`): the study's ablations of its prompt.

    Attributes:
        advice: what is added to the rules.
        goal: whether the common goal, and with it the danger of a deadlock, is told.
        thinking: what a seat is asked to think of before it acts.
    """

    advice: str = ""
    goal: bool = True
    thinking: str = "a few words on how things stand"


PLAIN: Final = Variant()
VARIANTS: Final[Mapping[str, Variant]] = {
    "minimal": Variant(goal=False, thinking="a few words"),
    "resource_ordering": Variant(
        "Keep to this order. Everyone has a number, from 0 on. With an even number take your right fork first and "
        "then your left one; with an odd number take your left fork first and then your right one. Take the second "
        "only when you have the first, and WAIT while the first cannot be had. This order makes it impossible that "
        "all wait for one another.",
        goal=False,
    ),
    "symmetry_breaking": Variant(
        "Do not always reach for a fork at once because both are free: now and then WAIT a turn or two first, above "
        "all early on, and act when you have waited long. What matters is that a deadlock comes about when everyone "
        "grabs at the same moment."
    ),
    "theory_of_mind": Variant(
        "Before you choose, ask yourself what your neighbours are about to do. Hungry ones whose forks are free will "
        "most likely grab. Choose what does not clash with that even if they think as you do, and rather WAIT where "
        "everyone is likely to grab at once.",
        thinking="what each neighbour will do, then what you do",
    ),
}
"""What `protocol:NAME` makes of everyone's instructions."""

_ACTS: Final = (
    "GRAB_LEFT, GRAB_RIGHT: take that fork, if it is free. RELEASE: put back what you hold. WAIT: do nothing."
)


def brief(params: Philosophers, number: int, seats: Sequence[str], near: Sequence[str], variant: Variant) -> str:
    """The standing instructions of philosopher `number`; `near` are the neighbours to the left and to the right."""
    if params.prompts == "as_published":
        return _published(params, number, variant)
    left, right = near
    order = (
        "All of you act at the same time; if two reach for one fork, the lower number gets it."
        if params.protocol == "simultaneous"
        else "You act one after the other; every single action is a step."
    )
    end = "the dinner is over" if params.deadlock == "terminal" else "all forks are taken away again"
    parts = [
        f"You are philosopher {seats[number]}, number {number} of {len(seats)} at a round table ("
        f"{', '.join(seats)} in this order; {left} sits to your left, {right} to your right).",
        "Between each two neighbours lies one fork. To eat you need both of yours; in the step after a meal you "
        "put both back without doing anything for it. Everyone is always hungry.",
        f"There are {params.timesteps} steps. {order} Each step you choose one action:",
        _ACTS,
    ]
    if variant.goal:
        parts.append(f"When everyone holds exactly one fork, the table is deadlocked and {end}.")
    if params.backoff_after:
        parts.append(
            f"Who has held exactly one fork for {params.backoff_after} steps lets go of it by itself, with a chance "
            f"of {params.backoff_chance:.0%} in each step from then on."
        )
    if variant.goal:
        parts.append("Your common goal: no deadlock, many meals, and everyone gets their share.")
    if variant.advice:
        parts.append(variant.advice)
    if params.talk:
        parts.append(
            f"You may send short messages (at most {params.message_characters} characters) to your "
            f"neighbours {left} and {right}, and to nobody else: a line `MESSAGE: ...` goes to both, "
            f"`MESSAGE to {left}: ...` to one of them. It is read when its reader is next asked."
            + (
                f" Before every action there {'are' if params.talk > 2 else 'is'} {params.talk - 1} round"
                f"{'s' * (params.talk > 2)} of talk alone, in which you write messages and no action."
                if params.talk > 1
                else ""
            )
        )
    parts.append("Answer with one line `ACTION: X`" + (", beside your messages." if params.talk else "."))
    return "\n".join(parts)


def _published(params: Philosophers, number: int, variant: Variant) -> str:
    n = params.seats
    parts = [
        f"You are P{number}, one of {n} philosophers around a round table. Between each two neighbours lies one "
        "fork, which one philosopher at a time can hold. To eat you need the fork on your left and the fork on "
        "your right together; after a meal both go back by themselves."
    ]
    if variant.goal:
        parts.append(
            "What you are after: no deadlock, in which everyone holds one fork and waits for ever; as many meals as "
            "possible in all; and a fair share of them for each philosopher."
        )
    if variant.advice:
        parts.append(variant.advice)
    if params.talk:
        parts.append(
            "In each turn you may send your neighbours a message. Use it to work together and to keep out of each "
            "other's way; say it briefly and clearly."
        )
    parts += [
        f"In each turn you do one of these. {_ACTS}",
        f"Answer in this form:\nTHINKING: ({variant.thinking})\n"
        + ("MESSAGE: (short, to your neighbours; None for none)\n" if params.talk else "")
        + "ACTION: (GRAB_LEFT, GRAB_RIGHT, RELEASE or WAIT)",
    ]
    return "\n".join(parts)


def now(params: Philosophers, view: Mapping[str, Any], heard: Mapping[str, str], round_of_talk: int) -> str:
    """What a seat is told when it is asked, as published. `heard` holds texts by `left` and `right`.

    The study's question in a round of talk tells neither what is in one's hands nor of earlier tables.
    """
    hands = [f"{side} fork" for side in ("left", "right") if view[side]]
    fork = {True: "AVAILABLE", False: "TAKEN"}
    held = "" if view["phase"] == "talk" else f" In your hands: {' and '.join(hands) or 'nothing'}."
    lines = [
        f"You are P{view['number']}. State: {'EATING' if view['eating'] else 'HUNGRY'}. "
        f"Meals so far: {view['meals']}.{held}",
        f"Left fork: {fork[view['left_free']]}. Right fork: {fork[view['right_free']]}.",
    ]
    if params.talk:
        lines += [f"Your {side} neighbour's message: {heard.get(side, '(none)')}" for side in ("left", "right")]
    if view["phase"] == "talk":
        lines.insert(0, f"Talk, round {round_of_talk} of {params.talk}: you act when all rounds of talk are over.")
        lines.append("Tell your neighbours what you are going to do.\nTHINKING: ...\nMESSAGE: ...")
    else:
        lines.append("What do you do?" + (" You may add a message." if params.talk else ""))
    return "\n".join(lines)


def table(state: rules.State, names: Sequence[str]) -> str:
    """Everyone's hands and meals on one line."""
    hands = {(False, False): "nothing", (True, False): "left", (False, True): "right", (True, True): "both"}
    return "; ".join(
        f"{name} {'eating' if state.eating[i] else 'hungry'}, holds {hands[state.left[i], state.right[i]]}, "
        f"{state.meals[i]} meals"
        for i, name in enumerate(names)
    )
