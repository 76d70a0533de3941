"""How seats are told in plain words: every rule, each month as it stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pytest_collab.families.commons.telling import Telling

if TYPE_CHECKING:
    from pytest_collab.families.commons.params import Commons


def brief(params: Commons, words: Telling, seat: str, seats: Sequence[str]) -> list[str]:
    """The rules, in the standing instructions."""
    nature = params.nature
    lines = [f"You are {seat}, one of {params.seats}: {', '.join(seats)}. {words.story}"]
    if nature.increment:
        lines.append(
            f"Every month all say at the same time how many {words.unit} they want to {words.act}; each takes ten "
            "minutes of your time. If that is more than there is, it is dealt out at random. At the end of the "
            f"month there are {nature.increment} more, up to {nature.capacity}. If more than "
            f"{nature.capacity - nature.threshold} are left before that, you all have to leave the {words.place}."
        )
    elif nature.harmful:
        lines.append(
            f"Every month each of you has {nature.effort} hours and says how many {words.unit} to {words.act}, "
            f"one hour each; the hours you do not spend are your own. What is left grows {nature.growth}-fold, "
            f"and at least {nature.floor} are there again. At {nature.capacity} all is lost."
        )
    else:
        lines.append(
            f"Every month all say at the same time how many {words.deed} they want to {words.act}. If that is "
            f"more than there is, it is dealt out at random. What is left grows {nature.growth}-fold, up to "
            f"{nature.capacity}. When less than {nature.threshold} is left, the {words.place} is dead, for ever."
        )
    if params.rewards_told:
        kept = "time you keep" if nature.increment else "hours you keep"
        what = kept if nature.harmful else f"{words.deed} you {words.act}"
        lines.append(f"Your gain is the {what}, over many months. Nobody knows how many months there will be.")
    return lines


def scene(view: Mapping[str, Any], words: Telling) -> list[str]:
    """The month as it stands, and the last harvest with everyone's wishes."""
    lines = [f"Month {view['month'] + 1}. The {words.place} holds {view['pool']} {words.unit}."]
    if view["phase"] == "talk":
        lines = [f"Month {view['month']} is over."]
        if view["collapsed"]:
            lines.append("All is lost." if view["inverse"] else f"The {words.place} is dead.")
        else:
            lines.append(f"The {words.place} will hold {view['pool']} {words.unit}.")
    if view["takes"]:
        told = [f"{name} wanted {wish} and {words.past} {take}" for name, (wish, take) in view["takes"].items()]
        lines.append("Last harvest: " + "; ".join(told) + ".")
    return lines
