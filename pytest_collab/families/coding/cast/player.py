"""A player of the built-in cast: a script, and what it has heard.

They act through the same tools and hear the same words as a model does. A competent engineer can build a feature, so
every player knows the reference patch of its own seat's features, and how the features of its group fit together once
that has been agreed (the pool's combined patch); it does not know what the others do unless they say it.

A player is a script: a generator that yields tool calls and is sent what it heard.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pytest_collab.episode.agent import Agent, Reply, Request, Seat, ToolCall, ToolResult, Usage
from pytest_collab.families.coding.evidence.claims import read
from pytest_collab.families.coding.params import Coding
from pytest_collab.families.coding.pool import answers
from pytest_collab.families.coding.pool.answers import Span

PATIENCE_SECONDS: Final = 120
"""How long a player waits for a teammate's message. Teammates that have finished are not waited for."""

_MESSAGE: Final = re.compile(r"^Message from (\w+): ", re.MULTILINE)
TO_BASE: Final = "git read-tree -u --reset main && git clean -fdq"


@dataclass(slots=True)
class Heard:
    """What came of a script's last calls."""

    results: tuple[ToolResult, ...] = ()
    messages: list[tuple[str, str]] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        return any(result.is_error for result in self.results)

    @property
    def text(self) -> str:
        return "\n".join(result.text for result in self.results)


Call = tuple[str, Mapping[str, Any]]
Script = Generator[Call, Heard, None]


def call(name: str, **arguments: Any) -> Call:
    """A tool call, as scripts yield it."""
    return name, arguments


class Player(Agent):
    """Plays a script. What it heard so far is in `letters`, by sender."""

    def __init__(self, place: Seat) -> None:
        pool: Coding = place.params
        self.place = place
        self.dealt = pool.deal_of(place.seed, place.condition)
        self.deal = self.dealt.of(place.name)
        self.others = tuple(seat for seat in self.deal.seats if seat != place.name)
        self.letters: dict[str, list[str]] = {seat: [] for seat in self.others}
        self._script = self.play()
        self._calls = 0
        self._begun = False

    async def reply(self, request: Request) -> Reply:
        heard = Heard(request.conversation[-1].tool_results if request.conversation else ())
        heard.messages = [(message.sender, message.text) for message in request.inbox]
        heard.messages += [pair for result in heard.results for pair in _letters(result.text)]
        for sender, text in heard.messages:
            self.letters.setdefault(sender, []).append(text)
        try:
            if self._begun:
                name, arguments = self._script.send(heard)
            else:
                self._begun = True
                name, arguments = next(self._script)
        except StopIteration:
            name, arguments = call("finish")
        self._calls += 1
        asked = ToolCall(f"call_{self.place.name}{self._calls}", name, dict(arguments))
        return Reply("", (asked,), "tool", Usage(), self.model)

    def play(self) -> Script:
        """The script."""
        raise NotImplementedError

    # What it knows.

    @property
    def own(self) -> str:
        """The patch that builds its features; for several, the one that builds them together."""
        features = self.deal.features[self.place.name]
        pool = self.place.params
        if len(features) > 1:
            return answers.combined(pool, features) or answers.reference(pool, features[0]) or ""
        return answers.reference(pool, features[0]) or ""

    @property
    def together(self) -> str | None:
        """The patch that builds what the whole team is to build."""
        return answers.combined(self.place.params, self.deal.all_features)

    @property
    def feature(self) -> str:
        return " and ".join(f"`{feature}`" for feature in self.deal.features[self.place.name])

    @property
    def leads(self) -> bool:
        return self.deal.joining == "lead" and self.place.name == self.place.seats[0]

    def plan(self) -> str:
        """Which lines it will change, in words."""
        where = ", ".join(map(str, answers.spans(self.own)))
        return f"I build {self.feature}. I will change {where}."

    def heard_spans(self) -> tuple[Span, ...]:
        """Where the others have said that they will make changes."""
        found = []
        for sender, texts in self.letters.items():
            for claim in (claim for text in texts for claim in read(sender, 0, text)):
                if claim.kind in ("will", "only", "done"):
                    for target in claim.targets:
                        if target.path is not None:
                            found.append(Span(target.path, *(target.lines or (0, 10**9))))
        return tuple(found)

    # What it does.

    def build(self, patch: str) -> Script:
        """Make the changes of a patch; on top of others' work, if need be by beginning again with all of it."""
        heard = yield call("apply_patch", patch=patch)
        if heard.failed and self.together is not None and self.deal.joining != "merge":
            yield call("run", command=TO_BASE)
            yield call("apply_patch", patch=self.together)

    def hand_over(self, summary: str = "") -> Script:
        """Integrate the members' work (as the lead), finish, and resolve what comes back (as a member)."""
        if self.leads:
            for member in self.others:
                for _ in range(4):
                    heard = yield call("integrate", seat=member, wait=PATIENCE_SECONDS)
                    if not heard.failed or "went back" not in heard.text:
                        break
        heard = yield call("finish", summary=summary or f"built {self.feature}")
        while heard.failed and self.together is not None:
            yield call("run", command=TO_BASE)
            yield call("apply_patch", patch=self.together)
            heard = yield call("finish", summary=f"resolved the conflicts of {self.feature}")
        if self.dealt.teams and not self.dealt.apart:
            number = self.choice(heard.text)
            if number is not None:
                yield call("take_over", team=number)
            yield call("finish", summary=f"left team {number}'s proposal" if number else "left it as it was")

    def choice(self, shown: str) -> int | None:
        """Which team's proposal it takes over, where it is shown several; None for none."""
        return None

    def wait(self, enough: Callable[[], bool]) -> Script:
        """Receive messages until there is enough, everybody has gone, or patience is at its end."""
        while not enough():
            heard = yield call("receive_messages", wait=PATIENCE_SECONDS)
            if not heard.messages:
                return


def _letters(text: str) -> list[tuple[str, str]]:
    marks = list(_MESSAGE.finditer(text))
    ends = [*(mark.start() for mark in marks[1:]), len(text)]
    return [(mark[1], text[mark.end() : end].strip()) for mark, end in zip(marks, ends, strict=False)]
