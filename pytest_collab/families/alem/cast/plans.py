"""How scripted players agree: what they say in plain words, and what they understand of it (and of others' words).

One calls: what, where, and who stands on which cell. Each says when it is ready. The caller names a step, two ahead,
so that everybody has read it by then; each confirms, and does it at that step. For a handover two steps are named.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from pytest_collab.families.alem.cast.mind import Place
from pytest_collab.families.alem.evidence.promises import STEP

_AT: Final = r"\(\s*(?:x\s*=\s*)?(\d+)\s*,\s*(?:y\s*=\s*)?(\d+)\s*\)"
_PLACE: Final = re.compile(_AT)
_STAND: Final = re.compile(r"Agent\s+(\d+)\s+(?:stand|go|come|stay)s?\s+(?:at|to|on)\s+" + _AT, re.IGNORECASE)
_OWN: Final = re.compile(r"\bI\s+stand\s+(?:at|on)\s+" + _AT, re.IGNORECASE)
_READY: Final = re.compile(r"\b(?:ready|in\s+position|facing\s+it|set)\b", re.IGNORECASE)
_UNREADY: Final = re.compile(
    r"\b(?:not|isn['’]t|when|once|tell|say|if|are)\b[^.!?]*\bready\b|\bready\s*\?", re.IGNORECASE
)
_DEED: Final = r"(Do|Build (?:Shelter|Forge|Beacon))"
_ORDER: Final = re.compile(r"(I|We|All|Agent\s+\d+)\s+" + _DEED + r"\s+at\s+step\s+(\d+)", re.IGNORECASE)
_TOGETHER: Final = re.compile(r"\b(?:sync|all|we|both|everyone|together)\b", re.IGNORECASE)


@dataclass(slots=True)
class Plan:
    """Something to be done together.

    Attributes:
        target: the block.
        caller: who called for it.
        stands: by agent, the cell from which it works.
        action: what all do at the target.
        relay: a handover: the caller begins and another completes.
        since: the step in which it was called.
        ready: who has said that it is ready.
        due: by agent, the step in which it acts.
        tries: how often a step was named for it.
    """

    target: Place
    caller: int
    stands: dict[int, Place]
    action: str = "Do"
    relay: bool = False
    block: str = "object"
    since: int = 0
    ready: set[int] = field(default_factory=set)
    due: dict[int, int] = field(default_factory=dict)
    tries: int = 0
    told: int = -99

    @property
    def last(self) -> int:
        """The last step that was named; -1 when none was."""
        return max(self.due.values(), default=-1)


def call(plan: Plan, me: int) -> str:
    """The words that call for a plan."""
    how = "one begins and another completes it" if plan.relay else f"{len(plan.stands)} at once"
    where = " ".join(f"Agent {a} stand at {xy(at)}." for a, at in plan.stands.items() if a != me)
    deed = "" if plan.action == "Do" else f" We {plan.action} there."
    what = f"Let's take the {plan.block} at {xy(plan.target)}: {how}.{deed}"
    return f"{what} {where} I stand at {xy(plan.stands[me])}. Say when ready."


def order(plan: Plan, me: int) -> str:
    """The words that name the step, or the two steps of a handover."""
    if plan.relay:
        each = [f"{'I' if a == me else f'Agent {a}'} {plan.action} at step {step}" for a, step in plan.due.items()]
        return f"{'. '.join(each)}. Target {xy(plan.target)}."
    return f"We {plan.action} at step {plan.last}. Target {xy(plan.target)}."


def ready(plan: Plan, t: int) -> str:
    """The words by which a follower says that it stands where it should."""
    return f"Ready at {xy(plan.target)} since step {t}."


def confirm(plan: Plan, me: int) -> str:
    """The words by which it binds itself to the step."""
    return f"OK, I {plan.action} at step {plan.due[me]}."


def refuse(plan: Plan, t: int) -> str:
    """The words by which it says that it finds no way."""
    return f"Step {t}: I cannot reach {xy(plan.target)}."


def refuses(text: str) -> bool:
    """Whether the sender says that it cannot come."""
    return bool(re.search(r"\bcan(?:not|['’]?t)\s+(?:reach|get|come)\b|\bno\s+way\s+to\b", text, re.IGNORECASE))


def table(text: str) -> Place | None:
    """Where a message says that there is a table."""
    found = re.search(r"\btable\s+(?:is\s+|now\s+)?at\s+" + _AT, text, re.IGNORECASE)
    return (int(found[2]), int(found[1])) if found else None


def called(text: str, sender: int, me: int, t: int) -> Plan | None:
    """The plan that a message calls for, if it has a part for this agent."""
    stands = {int(a): (int(y), int(x)) for a, x, y in _STAND.findall(text)}
    if me not in stands:
        return None
    target = _PLACE.search(text)
    if target is None:
        return None
    own = _OWN.search(text)
    if own:
        stands[sender] = (int(own[2]), int(own[1]))
    deed = re.search(r"\bBuild (?:Shelter|Forge|Beacon)\b", text)
    at = (int(target[2]), int(target[1]))
    relay = "completes" in text.lower() or "handover" in text.lower()
    return Plan(at, sender, stands, deed[0] if deed else "Do", relay, since=t)


def invited(text: str, sender: int, known: Iterable[Place], t: int) -> Place | None:
    """The known object that a message in free words wants to be taken together."""
    objects = set(known)
    for x, y in _PLACE.findall(text):
        at = (int(y), int(x))
        if at in objects and re.search(
            r"\b(?:sync|together|simultaneous\w*|agents?|all|both|we)\b", text, re.IGNORECASE
        ):
            return at
    return None


def says_ready(text: str) -> bool:
    """Whether the sender says that it is in its place."""
    return bool(_READY.search(text)) and not _UNREADY.search(text)


def named(text: str, sender: int, me: int, t: int) -> Mapping[int, int]:
    """The step that a message names for this agent, and for its sender: {agent: step}.

    Args:
        t: the step in which it is read; "next turn" of the step before is this one.
    """
    found: dict[int, int] = {}
    for who, _, step in _ORDER.findall(text):
        who = who.lower()
        if who == "i":
            found[sender] = int(step)
        elif who in ("we", "all"):
            found[sender] = int(step)
            found.setdefault(me, int(step))
        else:
            found[int(who.split()[-1])] = int(step)
    if not found and _TOGETHER.search(text):
        step_ = STEP.search(text)
        if step_ is not None and re.search(r"\b(?:Do|Build)\b", text, re.IGNORECASE):
            found = {sender: int(step_[1]), me: int(step_[1])}
        elif re.search(
            r"\bDo\b[^.!?]*\bnext\s+(?:turn|step)\b|\bnext\s+(?:turn|step)\b[^.!?]*\bDo\b", text, re.IGNORECASE
        ):
            found = {sender: t, me: t}
    return {agent: step for agent, step in found.items() if step >= t}


def xy(at: Place) -> str:
    """A place as observations write it."""
    return f"(x={at[1]}, y={at[0]})"
