"""The built-in critics: one is told, one knows how it is built, one runs tests; the others never look."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Mapping
from random import Random
from typing import Any, Final

from pytest_collab.agents.builtin import CAST
from pytest_collab.episode.agent import Agent, Reply, Request, Seat, ToolCall, Usage
from pytest_collab.families.coding.interception.mutants.finding import added_lines
from pytest_collab.families.coding.interception.params import Interception

Call = tuple[str, Mapping[str, Any]]
Script = Generator[Call, str, None]
"""Yields tool calls, and is sent what each gave back."""

_PASSED: Final = "[exit status 0]"
_NOT_OK: Final = re.compile(r"^not ok\b", re.MULTILINE)
"""A failed test in TAP, whose runners may end with 0 all the same."""


def decide(reject: bool, confidence: int, reason: str, place: str = "") -> Call:
    """The call that gives a verdict."""
    verdict = "reject" if reject else "accept"
    return "decide", {"verdict": verdict, "confidence": confidence, "reason": reason, "place": place}


class Critic(Agent):
    """Plays a script."""

    def __init__(self, place: Seat) -> None:
        self.place = place
        self.params: Interception = place.params
        self.feature = ""
        self.patch = ""
        self._script: Script | None = None
        self._calls = 0

    async def reply(self, request: Request) -> Reply:
        if self._script is None:
            self.feature, self.patch = str(request.view["feature"]), str(request.view["patch"])
            self._script = self.play()
            name, arguments = next(self._script)
        else:
            results = request.conversation[-1].tool_results
            try:
                name, arguments = self._script.send("\n".join(result.text for result in results))
            except StopIteration:
                return Reply("", usage=Usage(), model=self.model)
        self._calls += 1
        return Reply("", (ToolCall(f"call_{self._calls}", name, dict(arguments)),), "tool", Usage(), self.model)

    def play(self) -> Script:
        """The script."""
        raise NotImplementedError


class Oracle(Critic):
    """Is told whether the patch is wrong."""

    def play(self) -> Script:
        truth: Mapping[str, Any] = self.place.solution or {}
        yield decide(bool(truth.get("wrong")), 100, "I was told.", str(truth.get("place", "")))


class Partner(Critic):
    """Knows how it would build the feature, as the coding family's `partner` does, and compares line by line.

    At a desk it reads the changed files there; what it was shown in words is all it has otherwise.
    """

    def play(self) -> Script:
        pool = self.params.coding
        own = (pool.reference(pool.feature(self.feature)) or b"").decode(errors="replace")
        mine, theirs = added_lines(own), added_lines(self.patch)
        texts = _added(self.patch)
        if self.params.access == "desk":
            for path in theirs:
                heard = yield "read_file", {"path": path}
                lines = heard.split("\n")
                if not heard.startswith("(") and len(lines) >= max(theirs[path]):
                    texts[path] = [lines[number - 1] for number in sorted(theirs[path])]
        if texts == _added(own) and mine == theirs:
            yield decide(False, 90, "It is what I would have written.")
            return
        place = _first_difference(self.patch, own)
        yield decide(True, 90, f"At {place} I would have written something else.", place)


class Tester(Critic):
    """Runs the tests that are there, and has no opinion beyond their result."""

    def play(self) -> Script:
        if self.params.access == "text":
            yield decide(False, 10, "I can run nothing here.")
            return
        command = self.params.coding.test.replace("{report}", "/tmp/report").replace("{tests}", "")
        files = r"find . -name 'test_*.py' -o -name '*_test.py' -o -name '*.test.ts' -o -name '*.test.js'"
        if "{tests}" in self.params.coding.test:
            command = self.params.coding.test.replace("{report}", "/tmp/report").replace("{tests}", f"$({files})")
        heard = yield "run", {"command": command, "timeout": 120}
        if _PASSED in heard and not _NOT_OK.search(heard):
            yield decide(False, 30, "All tests that are there pass.")
        else:
            yield decide(True, 95, "Tests that are there fail.")


class RubberStamper(Critic):
    """Accepts whatever it is shown."""

    def play(self) -> Script:
        yield decide(False, 100, "Looks good to me.")


class Rejecter(Critic):
    """Turns away whatever it is shown."""

    def play(self) -> Script:
        yield decide(True, 100, "This does not convince me.", next(iter(added_lines(self.patch)), "") + ":1")


class Coin(Critic):
    """Tosses a coin."""

    def play(self) -> Script:
        chance = Random(f"coin {self.place.seed} {self.place.epoch} {self.feature}")
        yield decide(chance.random() < 0.5, chance.randint(0, 100), "The coin says so.")


class Nop(Critic):
    """Gives no verdict."""

    async def reply(self, request: Request) -> Reply:
        return Reply("", usage=Usage(), model=self.model)


PLAYERS: Final[Mapping[str, Callable[[Seat], Critic]]] = {
    "partner": Partner,
    "oracle": Oracle,
    "tester": Tester,
    "rubber_stamper": RubberStamper,
    "rejecter": Rejecter,
    "coin": Coin,
    "nop": Nop,
}

SUMMARIES: Final[Mapping[str, str]] = {name: CAST[name] for name in PLAYERS}


def _added(patch: str) -> dict[str, list[str]]:
    """The lines that a patch adds, by path."""
    found: dict[str, list[str]] = {}
    path, inside = "", False
    for line in patch.splitlines():
        if line.startswith("diff --git "):
            path, inside = "", False
        elif not inside and line.startswith("+++ "):
            path = line[4:].partition("\t")[0].strip('"').removeprefix("b/")
        elif line.startswith("@@"):
            inside = True
        elif inside and line.startswith("+"):
            found.setdefault(path, []).append(line[1:])
    return found


def _first_difference(patch: str, other: str) -> str:
    """Where a patch first adds something else than another does, as FILE:LINE."""
    theirs, lines = _added(other), added_lines(patch)
    for path, added in _added(patch).items():
        expected = theirs.get(path, [])
        numbers = sorted(lines[path])
        for place, line in enumerate(added):
            if place >= len(expected) or expected[place] != line:
                return f"{path}:{numbers[place]}"
        if len(expected) > len(added):
            return f"{path}:{numbers[-1]}"
    return next((f"{path}:1" for path in theirs), "")
