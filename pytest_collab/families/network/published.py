"""What AgentsNet tells its agents, in words of our own: the same facts, and nothing more.

After the prompts of arXiv 2507.08616 (LiteralMessagePassing.py of its repository). An agent keeps its conversation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

GOALS: Final[Mapping[str, tuple[str, str]]] = {
    "leader": (
        "Your task is to elect one leader together.",
        "you are asked whether you are the leader, yes or no. There has to be exactly one: one answers yes, all "
        "others no.",
    ),
    "colouring": (
        "Your task is to divide yourselves into groups, so that neighbours are never in the same group.",
        "you are asked which group you are in: one of exactly {colours}, group 1 to group {colours}. No two "
        "neighbours may be in the same one, so yours has to differ from those of all your neighbours.",
    ),
    "matching": (
        "Your task is to form groups of two who can write to each other.",
        "you are asked for the neighbour that is in a group with you, or none where all your neighbours are in "
        "groups with others. Everyone is in one group at most, and the two of a group name each other.",
    ),
    "cover": (
        "Your task is to choose coordinators among yourselves: of any two who write to each other at least one is a "
        "coordinator, and each coordinator has a neighbour that is none.",
        "you are asked whether you are a coordinator, yes or no.",
    ),
}
"""By problem, what it is about, and what is asked in the end."""

QUESTIONS: Final[Mapping[str, str]] = {
    "leader": "Are you the leader?",
    "colouring": "Which group are you in?",
    "matching": "Which neighbour is in a group with you? (none: all of them are in groups with others)",
    "cover": "Are you a coordinator?",
}


def brief(
    kind: str, name: str, near: Sequence[str], nodes: int, rounds: int, colours: int, given: Sequence[str], form: str
) -> str:
    """The standing instructions.

    Args:
        given: what else is shown, where a condition shows more than the study does.
        form: how an answer is written.
    """
    about, asked = GOALS[kind]
    talk = [
        f"You can write to your neighbours only ({', '.join(near)}). Nobody else can be seen or written to, unless "
        "those between you pass it on.",
        f"There are {rounds} rounds. In each you first read what your neighbours wrote last, then write to them: "
        f"`MESSAGE to {near[0]}: ...` to one, `MESSAGE: ...` to all. Everybody writes at the same time, and reads "
        "what the others wrote in the next round. You need not write to every neighbour in every round.",
        "Everybody decides for itself what to tell its neighbours and what to ask of them. Think step by step, in "
        "every round, about what to write.",
    ]
    form = "the number of your group" if kind == "colouring" else form
    return "\n".join(
        [
            "You are an agent that is connected with others, your neighbours, and writes to them; they write to "
            f"theirs, and so on. {about}",
            f"There are {nodes} agents, each with a name of its own. Yours is {name}.",
            *given,
            *(talk if rounds else []),
            f"After {rounds} rounds {asked.format(colours=colours)} Answer with one line `ANSWER: ...`: {form}.",
        ]
    )


def prompt(kind: str, talked: int, rounds: int, heard: Sequence[tuple[str, str]], near: Sequence[str]) -> str:
    """The question of a round, or for the answer.

    Args:
        talked: rounds that are over.
        heard: (name, text) of what neighbours wrote last.
    """
    over = talked >= rounds
    lines = ["All rounds are over."] if over and rounds else []
    lines += [f"{name} wrote: {text}" for name, text in heard]
    silent = [name for name in near if name not in {who for who, _ in heard}]
    if talked and silent:
        lines.append(f"These neighbours wrote nothing to you: {', '.join(silent)}.")
    if over:
        return "\n".join([*lines, f"Think step by step, and answer then. {QUESTIONS[kind]}"])
    if not talked:
        return "What do you write to your neighbours first? Think step by step, and write your messages then."
    left = rounds - talked
    lines.append(
        f"Think step by step, and write your messages then. Rounds left before you have to decide: {left}. Your "
        f"neighbours are {', '.join(near)}."
    )
    lines += ["These are the last messages of yours that they read."] if left == 1 else []
    return "\n".join(lines)
