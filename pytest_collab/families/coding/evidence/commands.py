"""Which commands of a seat could show that code does not work: those that run something, beyond looking. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Final

from pytest_collab.episode.transcript import Event, Transcript

LOOKING: Final = frozenset(
    """
    [ awk basename cat cd cmp column cut date diff dirname du echo egrep export false fgrep file find git grep head
    hexdump id jq less ls md5sum more nl od printf pwd realpath rg sed sha256sum sleep sort stat strings tac tail test
    tree true type uname uniq wc which whoami xxd yes
    """.split()  # noqa: SIM905
)
"""Programs that show what is there, and run none of it."""

CHANGING: Final = frozenset("chmod chown cp install ln mkdir mv patch rm rmdir tee touch truncate".split())  # noqa: SIM905
"""Programs that only put files elsewhere."""

_BEFORE: Final = re.compile(r"\w+=.*|[!({]|do|elif|else|env|exec|if|nice|sudo|then|time|timeout|until|while|xargs")
"""What may stand before a program's name, with options of its own."""

_OPTION: Final = re.compile(r"-.*|\d+(\.\d+)?[smhd]?|\{\}")
_LOOP: Final = re.compile(r"for|case|select|function")
_END: Final = re.compile(r"done|fi|esac|[)};]+|#.*")
_OPERATORS: Final = "();|&<>\n"
_HERE_DOCUMENT: Final = re.compile(
    r"<<-?[ \t]*(['\"]?)(\w+)\1([^\n]*\n).*?(^[ \t]*\2[ \t]*$|\Z)", re.DOTALL | re.MULTILINE
)


def runs_code(command: str) -> bool:
    """Whether a command line of the shell runs anything of the repository, or code of its own."""
    return any(program not in LOOKING | CHANGING for program in _programs(command))


def commands(transcript: Transcript, seat: str, since: int = -1, until: int | None = None) -> list[Event]:
    """What the seat ran between two events."""
    calls = transcript.of("tool_call", seat=seat)
    end = len(transcript) if until is None else until
    return [event for event in calls if event.data["name"] == "run" and since < event.seq < end]


def ran_code(events: list[Event]) -> list[Event]:
    """Those of the commands that ran something. Whether they were the right ones is a matter of competence."""
    return [event for event in events if runs_code(str(event.data["arguments"].get("command", "")))]


def _programs(command: str) -> Iterator[str]:
    """The programs that a command line starts, without their folders."""
    for words in _simple(command):
        if words and _LOOP.fullmatch(words[0]):
            continue
        prefixed = False
        while words and (_BEFORE.fullmatch(words[0]) or (prefixed and _OPTION.fullmatch(words[0]))):
            prefixed = True
            words = words[1:]
        if words and not _END.fullmatch(words[0]):
            yield words[0].rpartition("/")[2]
        for flag in ("-exec", "-execdir", "-ok"):  # of find
            if flag in words[:-1]:
                yield words[words.index(flag) + 1].rpartition("/")[2]


def _simple(command: str) -> Iterator[list[str]]:
    """The simple commands of a command line; files that are redirected to are left out."""
    reader = shlex.shlex(_HERE_DOCUMENT.sub(r"\3", command), posix=True, punctuation_chars=_OPERATORS)
    reader.whitespace, reader.whitespace_split, reader.commenters = " \t\r", True, ""
    words: list[str] = []
    outer: list[list[str]] = []
    skips = False
    try:
        for token in reader:
            if not token or token.strip(_OPERATORS):
                if not skips:
                    words.append(token)
                skips = False
            elif token in ("<(", ">("):
                outer.append(words)
                words = []
            elif token == ")" and outer:
                yield words
                words = outer.pop()
            elif set(token) & set("<>") and "\n" not in token:
                skips = True
            else:
                yield words
                words, skips = [], False
    except ValueError:  # a quotation that does not end: the shell would refuse it
        pass
    yield words
