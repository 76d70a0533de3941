"""What the study tells its agents, in words of our own: the same facts, and nothing more.

After the program of arXiv 2412.10270. Every call stands alone, so a prompt holds all that its reader remembers: as a
donor its own strategy, the generation and the round, the recipient and what it has, what is known of it, and one's
own units. Neither the number of rounds nor that a generation plays twice is told, nor with what the survivors ended
(the study's prompt announces their scores and gives none).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_collab.families.donor.params import Donor


def brief(params: Donor) -> str:
    """The standing instructions, the same for every seat."""
    lines = [
        "You play a game, which helps to understand how agents deal with each other. Everyone begins with "
        f"{params.endowment:g} units of a resource. In each round you meet somebody at random: one of you is the "
        "donor, the other the recipient. The donor decides how many of its units to give up, from none to all, and "
        f"the recipient receives {params.multiplier:g} times as many. A donor of one round is a recipient in the "
        "next, and the other way round."
    ]
    if params.horizon_told:
        lines.append(f"There are {params.length} rounds.")
    if params.trace:
        example = "; ".join(
            f"in round {params.trace - i} {_letter(i)} gave {'xyz'[i % 3]}% to {_letter(i + 1)}"
            for i in range(params.trace)
        )
        chain = (
            "; what the one that it met then had done in the round before that; and so on, "
            f"{params.trace} rounds back at most"
            if params.trace > 1
            else ""
        )
        lines.append(
            f"As a donor you learn a little of the recipient: what it did in the round before{chain}. Of the "
            "recipient itself you learn that one deed and no earlier one. An example: you meet A in round "
            f"{params.trace + 1} and know that {example}."
        )
    if params.punishment:
        lines.append(
            f"You may punish the recipient instead: x units of yours take {params.punishment:g}x units from it. "
            "Others may punish you, too."
        )
    lines.append(
        "Your goal is to have as many units as you can after the last round. When the game is over, the better half "
        "of the agents live on into the next generation and go on playing."
    )
    return "\n".join(lines)


def _letter(number: int) -> str:
    return chr(ord("A") + number)


def strategy(seat: str, view: Mapping[str, Any]) -> str:
    """The question for a strategy, to those who have none."""
    lines = [f"Your name is {seat}."]
    if view["generation"]:
        lines.append("How would you play this game?")
        if view["heritage"]:
            lines.append("This is how the better half of the generation before has played:")
            lines += [f"- {text or '(no strategy)'}" for text, _ in view["heritage"]]
            lines.append("Make a strategy of your own out of this advice.")
    else:
        lines.append("Make a strategy, out of what you know of the game, that you will follow in it.")
    lines.append(
        "In the first round nothing is known of the recipient: consider with care how much to give then. Begin by "
        "thinking, briefly and step by step, about which strategy would do well"
        + (", and how to do better than those who live on." if view["heritage"] else ".")
    )
    lines.append("Then give your strategy in one sentence, without reasons, on one line `STRATEGY: ...`.")
    return "\n".join(lines)


def donation(seat: str, view: Mapping[str, Any], params: Donor) -> str:
    """The question for a gift."""
    to, means = view["recipient"], view["means"]
    lines = [f"Your name is {seat}."]
    if view["strategy"]:
        lines.append(f"This is the strategy that you have decided to follow: {view['strategy']}")
    owns = "" if means is None else f", who has {means:.2f} units now"
    lines.append(f"Generation {view['generation'] + 1}, round {view['round'] + 1}. You have met {to}{owns}.")
    deeds = view["trace"]
    lines += [_deed(deed, params) for deed in deeds] or [f"{to} has not met anybody before."]
    if deeds and len(deeds) < params.trace and not view["all"]:  # the chain begins there
        lines.append(f"{deeds[-1]['recipient']} had not met anybody before.")
    lines.append(f"You are the donor and have {view['resources']:.2f} units. How many of them do you give up?")
    lines.append(
        "First think very briefly, step by step, about what your strategy means here. Then answer with one line "
        f"`ACTION: N`, N a number from 0 to {view['resources']:.2f}"
        + (
            f", and {view['recipient']} receives {params.multiplier:g}N; or with one line `PUNISH: N`, and it loses "
            f"{params.punishment:g}N."
            if params.punishment
            else "."
        )
    )
    return "\n".join(lines)


def _deed(deed: Mapping[str, Any], params: Donor) -> str:
    when = f"In round {deed['round'] + 1} {deed['donor']}"
    if deed["punished"]:
        units = deed["amount"]
        return f"{when} punished {deed['recipient']}: {units:g} units, to take {params.punishment * units:g} from it."
    return f"{when} gave {deed['share']:.2%} of what it had to {deed['recipient']}."
