"""The published protocol of replies: what a seat is asked to write, and how it is read.

A reply holds `<action>` (required), `<communication>` (up to 400 characters) and `<scratchpad>` (up to 1000), after
`<think>` where reasoning is asked for. The reference harness reads actions leniently and so does this reader: a tag,
an unclosed tag, `ACTION: ...`, or a reply that is nothing but an action; a name written nearly right is that action.
One thing is stricter: two different actions are none, where the harness takes the first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

MESSAGE_CHARACTERS: Final = 400
NOTE_CHARACTERS: Final = 1000
ANSWER_TOKENS: Final = 8192
"""What the published runs let a model write per answer; agents' own settings decide (`max_tokens`)."""

NEAR: Final = 0.6
"""How alike (difflib's ratio) a name must be to an action to be taken for it: the harness's cut-off."""

PROBLEMS: Final[Mapping[str, str]] = {
    "no_action": "no action in the reply",
    "two_actions": "two different actions",
    "unknown_action": "not an action of this game",
    "long_message": f"the message was cut to {MESSAGE_CHARACTERS} characters",
    "long_note": f"the scratchpad was cut to {NOTE_CHARACTERS} characters",
}
"""What can be amiss with a reply. The first three leave the seat without an action: it does Noop."""

UNREADABLE: Final = ("no_action", "two_actions", "unknown_action")

_THINKING: Final = re.compile(r"<think\b[^>]*>(.*?)</think\s*>", re.DOTALL | re.IGNORECASE)
_ACTION_LINE: Final = re.compile(r"^\W*ACTION\s*:\s*(.+)$", re.IGNORECASE | re.MULTILINE)
_GIVE: Final = re.compile(r"give\s+(?:to\s+)?(?:agent|teammate)[_\s-]*(\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Reading:
    """A reply, read.

    Attributes:
        action: its name as the game spells it; None when there is none.
        message: for the others; empty for none.
        note: the new scratchpad; None leaves the old one.
        thought: the visible reasoning.
        problems: keys of `PROBLEMS`, each with what it is about.
    """

    action: str | None = None
    message: str = ""
    note: str | None = None
    thought: str = ""
    problems: tuple[tuple[str, str], ...] = ()

    @property
    def why(self) -> str | None:
        """All problems in words; None when there are none."""
        told = [f"{PROBLEMS[code]}: {about}" if about else PROBLEMS[code] for code, about in self.problems]
        return "; ".join(told) or None


def read(text: str, actions: Sequence[str], *, memory: bool = True, talk: bool = True) -> Reading:
    """Read a reply.

    Args:
        actions: all actions of the seat by name.
        memory, talk: without them the tag is not read.
    """
    thoughts = [found.strip() for found in _THINKING.findall(text)]
    spoken = _THINKING.sub("", text)
    action, problem = _action(spoken, actions)
    problems = [problem] if problem else []
    message = _tagged(spoken, "communication") if talk else None
    if message is not None and len(message) > MESSAGE_CHARACTERS:
        problems.append(("long_message", f"it had {len(message)}"))
    note = _tagged(spoken, "scratchpad") if memory else None
    if note is not None and len(note) > NOTE_CHARACTERS:
        problems.append(("long_note", f"it had {len(note)}"))
    return Reading(
        action,
        (message or "")[:MESSAGE_CHARACTERS],
        None if note is None else note[:NOTE_CHARACTERS],
        "\n".join(thought for thought in thoughts if thought),
        tuple(problems),
    )


def _action(text: str, actions: Sequence[str]) -> tuple[str | None, tuple[str, str] | None]:
    candidates = [inside for inside in _all_tagged(text, "action") if _bare(inside)]
    if not candidates:
        candidates = _ACTION_LINE.findall(text)
    if not candidates:
        first = next(iter(text.strip().splitlines()), "")
        found = _exact(text, actions) or _exact(first.partition(":")[0], actions)
        return (found, None) if found else (None, ("no_action", ""))
    found_all = list(dict.fromkeys(filter(None, (_named(one, actions) for one in candidates))))
    if len(found_all) > 1:
        return None, ("two_actions", " and ".join(found_all[:2]))
    if not found_all:
        return None, ("unknown_action", _bare(candidates[0])[:60])
    return found_all[0], None


def _named(candidate: str, actions: Sequence[str]) -> str | None:
    """The action that was meant: exactly, before a colon, or nearly."""
    bare = _bare(candidate)
    if _GIVE.fullmatch(bare):
        return _exact(bare, actions)  # a wrong teammate is no other action
    tries = [bare, bare.partition(":")[0].strip()] if ":" in bare else [bare]
    lower = {action.lower(): action for action in actions}
    for one in tries:
        found = _exact(one, actions)
        if found:
            return found
    for one in reversed(tries):
        near = get_close_matches(one.lower(), list(lower), n=1, cutoff=NEAR)
        if near:
            return lower[near[0]]
    return None


def _exact(candidate: str, actions: Iterable[str]) -> str | None:
    bare = _bare(candidate)
    give = _GIVE.fullmatch(bare)
    wanted = f"give to agent {int(give[1])}" if give else bare.lower()
    return next((action for action in actions if action.lower() == wanted), None)


def _bare(text: str) -> str:
    return text.strip().strip("\"'`*").rstrip(".,;:!?").strip()


def _all_tagged(text: str, tag: str) -> list[str]:
    """What stands in each tag of this name; one that is not closed runs to the next tag or the end."""
    closed = re.findall(rf"<{tag}\b[^>]*>(.*?)</{tag}\s*>", text, re.DOTALL | re.IGNORECASE)
    if any(one.strip() for one in closed):
        return closed
    return re.findall(rf"<{tag}\b[^>]*>(.*?)(?=<[a-zA-Z/]|\Z)", text, re.DOTALL | re.IGNORECASE)


def _tagged(text: str, tag: str) -> str | None:
    """The first of them that is not empty."""
    return next((one.strip() for one in _all_tagged(text, tag) if one.strip()), None)


def instructions(*, memory: bool, reasoning: bool, talk: bool, together: bool = True) -> str:
    """What is said about the form of replies, once, at the end of the standing instructions.

    After the harness of the published runs (baselines/llm of alem-env's repository).

    Args:
        together: whether seats are told how to work together (`prompt_mode: specific_collaborative`).
    """
    parts = ["## Your reply", "Write these tags, in this order, and close each of them."]
    if reasoning:
        parts.append("<think>...</think> required: think first, briefly.")
    parts.append("<action>...</action> required: one action, by its name in your list of available actions.")
    if talk:
        parts.append(
            f"<communication>...</communication> optional: up to {MESSAGE_CHARACTERS} characters to all teammates. "
            "They read it with their next observation."
            + " They know nothing of your plans otherwise: name places, agents and steps, and answer what they ask "
            "for." * together
        )
    if memory:
        parts.append(
            f"<scratchpad>...</scratchpad> optional: up to {NOTE_CHARACTERS} characters for yourself. You see your "
            "last scratchpad again, and only a few past observations: note what you will need and do not see anyway."
            + " Note what the others plan, too."
            * (together and talk)
        )
    if not reasoning:
        parts.append("Write nothing outside the tags.")
    parts.append(
        f"All of it, reasoning included, may take {ANSWER_TOKENS:,} tokens; an answer that breaks off before its "
        "action is none. Be brief."
    )
    return "\n".join(parts)


def missing(reading: Reading) -> str:
    """What a seat is told whose reply held no action."""
    return (
        f"Your last answer held no valid action ({reading.why or 'it was empty'}), and Noop was done in its place. "
        "Write <action>...</action>."
    )


def reminder(*, memory: bool, reasoning: bool, talk: bool) -> str:
    """The same in one line, under every observation."""
    tags = [("<think>", reasoning), ("<action>", True), ("<communication>", talk), ("<scratchpad>", memory)]
    return "Reply with " + ", ".join(tag for tag, on in tags if on) + "."
