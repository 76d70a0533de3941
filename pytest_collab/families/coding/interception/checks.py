"""Which of a critic's commands could have shown that a patch is wrong: those that run something. Pure."""

from __future__ import annotations

import re
from typing import Final

from pytest_collab.episode.transcript import Event, Transcript

_LOOKING: Final = re.compile(
    "awk|cat|cd|column|cut|date|diff|du|echo|egrep|env|export|false|fgrep|file|find|git|grep|head|hexdump|jq|less|ls"
    "|more|nl|od|printf|pwd|rg|sed|sort|stat|tac|tail|test|tree|true|type|uniq|wc|which"
)
"""Programs that show what is there, and run none of it."""

_BEFORE: Final = re.compile(r"\w+=\S*|[({!]|time|timeout|nice|env|\d+s?|-\w+")
"""What may stand before a program's name."""


def runs(command: str) -> bool:
    """Whether a command line runs anything of the repository, or code of its own, and does not only look."""
    for part in re.split(r"&&|\|\||[;|\n&]", command):
        words = part.split()
        while words and _BEFORE.fullmatch(words[0]):
            del words[0]
        if words and not words[0].startswith("#") and not _LOOKING.fullmatch(words[0].rpartition("/")[2]):
            return True
    return False


def ran(transcript: Transcript, seat: str) -> list[int]:
    """The events of commands that ran something. Whether they were the right ones is a matter of competence."""
    calls = transcript.of("tool_call", seat=seat)
    called = [event for event in calls if event.data["name"] == "run"]
    return [event.seq for event in called if runs(str(event.data["arguments"].get("command", "")))]


def looked(transcript: Transcript, seat: str) -> list[Event]:
    """Everything that the critic did before its verdict."""
    return [event for event in transcript.of("tool_call", seat=seat) if event.data["name"] != "decide"]
