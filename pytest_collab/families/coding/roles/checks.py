"""Which commands of a seat can show that code does not work: those that run something, beyond looking. Pure."""

from __future__ import annotations

import re
import shlex
from typing import Final

from pytest_collab.episode.transcript import Event, Transcript

_LOOKING_WORDS: Final = """
awk basename cat cd cmp cut date diff dirname du echo egrep env export false fgrep file find grep
head hexdump id jq less ls md5sum more nl od printf pwd realpath rg sed sha256sum sleep sort stat
strings tail test tree true type uname uniq wc which whoami xxd yes [
"""
_LOOKING: Final = frozenset(_LOOKING_WORDS.split())
_CHANGING_WORDS: Final = """
chmod chown cp install ln mkdir mv rm rmdir tee touch truncate patch
"""
_CHANGING: Final = frozenset(_CHANGING_WORDS.split())
_SEPARATORS: Final = re.compile(r"\|\||&&|[|;&\n]")
_ASSIGNMENT: Final = re.compile(r"^\w+=")


def runs_code(command: str) -> bool:
    """Whether a command of the shell runs anything but programs that look at files, move them, or are git."""
    for part in _SEPARATORS.split(command):
        try:
            words = shlex.split(part, comments=True)
        except ValueError:
            words = part.split()
        while words and (
            _ASSIGNMENT.match(words[0]) or words[0] in ("sudo", "time", "then", "do", "else", "!", "(", "{")
        ):
            words = words[1:]
        if not words:
            continue
        program = words[0].lstrip("({").rpartition("/")[2]
        if program and program not in _LOOKING and program not in _CHANGING and program != "git":
            return True
    return False


def commands(transcript: Transcript, seat: str, since: int, until: int) -> list[Event]:
    """What the seat ran between two events."""
    calls = transcript.of("tool_call", seat=seat)
    return [event for event in calls if event.data["name"] == "run" and since < event.seq < until]
