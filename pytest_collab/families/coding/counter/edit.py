"""What a counter-test is: hidden files with a few expectations changed, and the tests that must fail with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Final, Protocol

from pydantic import BaseModel, ConfigDict

STRONG, WEAK, TURNED = 0, 1, 2
"""How much a changed expectation shows: another value; another shape around the value; the opposite condition."""

_SHOWN: Final = 80


@dataclass(frozen=True, slots=True)
class Change:
    """Bytes `start` to `end` of a file become `new`."""

    start: int
    end: int
    new: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """One expectation that can be changed.

    Attributes:
        test: name of the test that holds it, as its source says; `*` where a part is only known at run time; empty
            where it is not in a test, but in what tests call or read.
        line: of the assertion, from 1.
        strength: `STRONG`, `WEAK` or `TURNED`.
        old, new: what is expected, in the file and after the change.
        lines: where the test must fail then, first and last line; None where the runner does not tell.
    """

    test: str
    line: int
    strength: int
    old: str
    new: str
    changes: tuple[Change, ...]
    lines: tuple[int, int] | None = None


class Expectations(Protocol):
    """What knows the expectations of a language's tests."""

    def find(self, source: bytes, rng: Random) -> list[Candidate]:
        """Every expectation of a file that every right implementation must come to; empty where it cannot be read.

        Args:
            rng: what it is changed to.
        """
        ...

    def beside(self, source: bytes, rng: Random) -> list[Candidate]:
        """Expectations of a file that stand in functions which tests call; they name no test."""
        ...

    def holds(self, test: str, name: str) -> bool:
        """Whether a test of a report (`test`, its id) is the one that the source calls `name`."""
        ...


class Edit(BaseModel):
    """A changed expectation of a counter-test, for people to read."""

    model_config = ConfigDict(frozen=True)

    path: str
    line: int
    test: str
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line} expects {self.new} in the place of {self.old}"


class CounterTest(BaseModel):
    """One set of files, in the place of the hidden ones of these names.

    Attributes:
        files: path to content.
        edits: what was changed.
        must_fail: ids of tests to the number of the edit (in `edits`) for whose sake the reference fails them.
        places: of these tests, where the runner tells, the line at which the reference failed.
        strong: whether one of them expects another value (and not only the opposite of a condition).
    """

    model_config = ConfigDict(frozen=True)

    files: dict[str, str]
    edits: tuple[Edit, ...]
    must_fail: dict[str, int]
    places: dict[str, int] = {}
    strong: bool = True

    def accepted(self, results: Mapping[str, str]) -> list[Edit]:
        """The wrong expectations that a tree met, by what its tests came to."""
        found = {number for test, number in self.must_fail.items() if results.get(test) == "passed"}
        return [self.edits[number] for number in sorted(found)]

    def tells(self, places: Mapping[str, int]) -> bool:
        """Whether a tree's failures show anything: each is where the reference's was, at the changed expectation.

        Who fails before it comes there has failed what it meets when nothing is changed.
        """
        return all(places.get(test) == line for test, line in self.places.items())


def changed(source: bytes, changes: Iterable[Change]) -> bytes:
    """A file with changes made; they do not overlap."""
    for change in sorted(changes, key=lambda change: change.start, reverse=True):
        source = source[: change.start] + change.new.encode() + source[change.end :]
    return source


def shown(text: str) -> str:
    """A piece of source in one short line."""
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else f"{line[: _SHOWN - 3]}..."
