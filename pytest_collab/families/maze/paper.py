"""The game of The Collaboration Gap (arXiv 2511.02687): its rules in our words, and how its dialogues are read.

It differs from the house's own game in what is told and in when it ends:

- Agents talk through a user who relays; every line that comes from somebody begins with who it is from.
- They are told to hurry, to make one move a turn, that a move is made once all have agreed, and that a wall ends the
  game; they are not told after how many turns the talk is cut.
- It ends when somebody says the completion phrase, whether they are at the goal or not, and when a move has surely
  gone into a wall.
- Alone, an agent has one shot, and then one look at its own answer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from pytest_collab.episode.channel import Message
from pytest_collab.episode.condition import Condition
from pytest_collab.families.maze.layout import drawn

NAME: Final = "paper"
"""`protocol:paper`, and `rules: paper` of a task."""

TURNS: Final = 50
"""Messages of all seats, after which the paper's dialogues are cut."""

PHRASE: Final = "ACTI!"
"""What ends a dialogue."""

ALONE_TURNS: Final = 2
"""One shot and one review."""

_PHRASE = re.compile(r"\bACTI\s?!")


def says_phrase(text: str) -> bool:
    """Whether a message holds the completion phrase. Talking about it is saying it, as in the paper."""
    return _PHRASE.search(text) is not None


def brief(seats: Sequence[str]) -> str:
    """The system prompt: who relays, and what marks whose words."""
    if len(seats) == 1:
        return "A user gives you a puzzle. What the user says begins with [user]:. Begin your answer with no prefix."
    two = len(seats) == 2
    who = "another agent" if two else f"{len(seats) - 1} other agents"
    mark = "[other agent]:" if two else "[agent NAME]:, with the agent's name"
    return (
        f"You work with {who}. A user stands between you and passes each message on as it is, without reading or "
        f"changing it. The words of {'the other agent' if two else 'another agent'} begin with {mark}; the user's "
        "own begin with [user]:. Begin yours with no prefix, and end them with none."
    )


def task(seats: Sequence[str], shown: Mapping[str, Sequence[str]], condition: Condition, view: str) -> str:
    """The first user message: the game, its rules, the map or maps."""
    alone = len(seats) == 1
    if alone:
        opening = "Find a way through a maze, from the start to the goal."
        rules = [
            "You have one attempt: think it through before you commit to it.",
            "Write down what you considered, and the whole way.",
            "Give the way at the end as a list of coordinates.",
        ]
    else:
        other = "the other agent" if len(seats) == 2 else "the other agents"
        opening = (
            f"You and {other} get through a maze together, from the start to the goal. Every one of you has a map of "
            "the same maze with other cells hidden"
        )
        if condition.muted:
            opening += "."
            agreed = "In this game nobody hears what you write, and you hear nobody."
        else:
            opening += ", so you have to tell each other what you see and agree on where to go."
            agreed = f"A move is made the moment {'both' if len(seats) == 2 else 'all'} of you have agreed to it."
        rules = ["Make one move a turn.", agreed, f'As soon as you are at the goal, say "{PHRASE}".']
    common = [
        "A move goes to the next cell: up, down, left or right.",
        "No move goes diagonally or into a wall.",
        "The game is over when the goal is reached, and when a wall is entered.",
        "Time counts, and there is a leader board. Be quick!",
    ]
    maps = list(shown.values())
    many = len(maps) > 1
    listed = [f"Map {number}:\n{drawn(rows, view)}" for number, rows in enumerate(maps, 1)]
    heading = "Maps of one and the same maze, each with other cells hidden:" if many else "Your map:"
    body = "\n\n".join(listed) if many else drawn(maps[0], view)
    legend = {"ascii": "@ where you are, * goal, . path, # wall, ? hidden"}.get(view)
    return "\n\n".join(
        [
            opening,
            "\n".join(["Rules:", *(f"- {rule}" for rule in [*common, *rules])]),
            "\n".join([heading, body, *([f"({legend})"] if legend else [])]),
            "Please begin.",
        ]
    )


REVIEW: Final = (
    "Go over the way that you have given once more. Is it complete, and does every step keep the rules of the maze? "
    "Change what has to be changed, and hand in your final way."
)


def prompt(
    seats: Sequence[str],
    inbox: Sequence[Message],
    spoken: int,
    opening: str,
) -> str:
    """What a seat reads when it is its turn.

    Args:
        inbox: what came since its last turn.
        spoken: how many messages the seat has written so far.
        opening: the task, told with the first.
    """
    lines = [f"[user]: {opening}"] if spoken == 0 else []
    if len(seats) == 1 and spoken:
        lines.append(f"[user]: {REVIEW}")
    for message in inbox:
        mark = "[other agent]" if len(seats) == 2 else f"[agent {message.sender}]"
        lines.append(f"{mark}: {message.text}")
    return "\n\n".join(lines) or "[user]: Nothing was said. Please go on."
