"""The memory that two cooks share: how entries are written, and what they say in plain words.

An entry stands under a topic, which says how it is meant; with that it is read as the sentence that a message would
have been. Whether it is so follows from what was done, as with messages.
"""

from __future__ import annotations

from dataclasses import replace

from pytest_collab.episode.transcript import Transcript
from pytest_collab.families.kitchen.seats import SEATS, KitchenGame
from pytest_collab.families.rounds import Notebook
from pytest_collab.families.rounds.evidence import Said
from pytest_collab.families.rounds.memory import written


def notebook(game: KitchenGame) -> Notebook:
    """The cooks' memory."""
    item = game.kitchen.shelf[0] if game.order else "onion"
    return Notebook(
        example=f"`MEMORY: goal/first = {item}, from cook b` on a line of its own",
        name=lambda seat: f"cook {seat}",
        now=lambda: f"step {game.state.state.time}",
    )


def sentence(seat: str, topic: str, name: str, text: str) -> str:
    """An entry as the sentence of a message from its writer; empty where it tells nothing about this kitchen."""
    owner = name.removeprefix("cook ").strip()
    others = owner in SEATS and owner != seat
    if topic == "lesson" or not text:
        return ""
    if topic == "doing" and not others:
        return text if text.lower().startswith(("i ", "i'", "i’")) else f"I will {text}"
    if topic == "fact" and "counter" in name:
        return f"The {text} is on the {name}."
    if topic == "fact":
        at = text.lower().startswith(("on ", "at "))
        return f"The {name} is {text}" if at else text if "counter" in text else f"{name}: {text}"
    return f"I need {name}: {text}" if owner not in SEATS else f"I need {text}" if topic == "doing" else text


def said(transcript: Transcript) -> tuple[Said, ...]:
    """What stood in the memory, as messages."""
    found = (
        replace(one, text=sentence(one.seat, one.event.data["topic"], one.event.data["name"], one.text))
        for one in written(transcript)
    )
    return tuple(one for one in found if one.text)
