"""The built-in players: competent ones, and ones with a planted fault each.

They act through the same tools and hear the same words as a model does. A competent engineer can build a feature, so
every player knows the reference patch of its own seat's features, and how the features of its group fit together once
that has been agreed (the pool's combined patch); it does not know what the others do unless they say it.

A player is a script: a generator that yields tool calls and is sent what it heard.
"""

from __future__ import annotations

import random
import re
import shlex
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, Final

from pytest_collab.agents.builtin import CAST
from pytest_collab.episode.agent import Agent, Reply, Request, Seat, ToolCall, ToolResult, Usage
from pytest_collab.families.coding.evidence.claims import read
from pytest_collab.families.coding.pool import answers
from pytest_collab.families.coding.pool.answers import Span

PATIENCE_SECONDS: Final = 120
"""How long a player waits for a teammate's message. Teammates that have finished are not waited for."""

_MESSAGE: Final = re.compile(r"^Message from (\w+): ", re.MULTILINE)
_AGREES: Final = re.compile(r"\bI agree\b|\bI propose that we all write\b", re.IGNORECASE)
_TO_BASE: Final = "git read-tree -u --reset main && git clean -fdq"


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


def _call(name: str, **arguments: Any) -> Call:
    return name, arguments


class Player(Agent):
    """Plays a script. What it heard so far is in `letters`, by sender."""

    def __init__(self, place: Seat) -> None:
        from pytest_collab.families.coding import CodingFamily

        family = place.family
        assert isinstance(family, CodingFamily)
        self.place = place
        self.deal = family.deal_of(place.params, place.seed, place.condition)
        self.others = tuple(seat for seat in place.seats if seat != place.name)
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
            name, arguments = _call("finish")
        self._calls += 1
        call = ToolCall(f"call_{self.place.name}{self._calls}", name, dict(arguments))
        return Reply("", (call,), "tool", Usage(), self.model)

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
        heard = yield _call("apply_patch", patch=patch)
        if heard.failed and self.together is not None and self.deal.joining != "merge":
            yield _call("run", command=_TO_BASE)
            yield _call("apply_patch", patch=self.together)

    def hand_over(self, summary: str = "") -> Script:
        """Integrate the members' work (as the lead), finish, and resolve what comes back (as a member)."""
        if self.leads:
            for member in self.others:
                for _ in range(4):
                    heard = yield _call("integrate", seat=member, wait=PATIENCE_SECONDS)
                    if not heard.failed or "went back" not in heard.text:
                        break
        heard = yield _call("finish", summary=summary or f"built {self.feature}")
        while heard.failed and self.together is not None:
            yield _call("run", command=_TO_BASE)
            yield _call("apply_patch", patch=self.together)
            heard = yield _call("finish", summary=f"resolved the conflicts of {self.feature}")

    def wait(self, enough: Callable[[], bool]) -> Script:
        """Receive messages until there is enough, everybody has gone, or patience is at its end."""
        while not enough():
            heard = yield _call("receive_messages", wait=PATIENCE_SECONDS)
            if not heard.messages:
                return


class Partner(Player):
    """Tells its plan first, hears the others', agrees with them on one combined version, and builds.

    Lines that do not meet are no proof that features fit together: where it knows how to build all of them, it
    proposes that whether plans overlap or not. One who comes after the others has nobody left to agree with, and
    brings what it finds and its own part together by itself.
    """

    def play(self) -> Script:
        patch = self.own
        if self.others:
            agreed = yield from self.agree()
            patch = self.together if agreed and self.together else patch
        if self.deal.joining == "last" and self.others and self.place.name != self.place.seats[0] and self.together:
            yield _call("run", command=_TO_BASE)
            patch = self.together
        yield from self.build(patch)
        yield from self.hand_over()

    def agree(self) -> Generator[Call, Heard, bool]:
        """Talk; true when all are to write the same combined version."""
        heard = yield _call("send_message", text=self.plan())
        if "delivered to" not in heard.text.replace("not delivered to", ""):
            return False
        yield from self.wait(lambda: all(self.letters.values()))
        if self.together is None or not self.heard_spans():
            return False
        files = ", ".join(dict.fromkeys(span.path for span in self.overlapping()))
        why = f"Our plans overlap in {files}." if files else "Our lines do not meet, but our features may."
        before = {sender: len(texts) for sender, texts in self.letters.items()}
        proposal = f"{why} I propose that we all write the same combined version. Do you agree?"
        yield _call("send_message", text=proposal)
        yield from self.wait(lambda: all(self._answer(sender, before) or self._agrees(sender) for sender in before))
        if not all(self._agrees(sender) for sender in before):
            return False
        yield _call("send_message", text="I agree: we write the same combined version.")
        return True

    def overlapping(self) -> list[Span]:
        """Where its own plan meets what others have announced."""
        return [span for span in answers.spans(self.own) if any(span.meets(other) for other in self.heard_spans())]

    def _answer(self, sender: str, before: Mapping[str, int]) -> bool:
        return len(self.letters[sender]) > before[sender]

    def _agrees(self, sender: str) -> bool:
        return any(_AGREES.search(text) for text in self.letters[sender])


class Oracle(Player):
    """Is told the hidden solution: the pool's combined patch where there is one, else the references."""

    def play(self) -> Script:
        solution: Mapping[str, Any] = self.place.solution or {}
        if solution.get("combined"):
            heard = yield _call("apply_patch", patch=solution["combined"])
            if not heard.failed:
                yield from self.hand_over()
                return
        yield from self.build(self.own)
        yield from self.hand_over()


class Nop(Player):
    """Finishes at once."""

    def play(self) -> Script:
        yield _call("finish")


class Random(Player):
    """Looks around, writes a file that nobody asked for, and finishes."""

    def play(self) -> Script:
        chance = random.Random(f"{self.place.seed}/{self.place.name}")
        for _ in range(chance.randint(1, 4)):
            command = chance.choice(["ls", "git log --oneline", "git status --short", "cat README*"])
            yield _call("run", command=command)
        yield _call("write_file", path=f"notes-{self.place.name}.txt", content=f"{chance.random()}\n")
        yield _call("finish")


class Silent(Player):
    """Builds its part and never says anything."""

    def play(self) -> Script:
        yield _call("run", command="git status --short")
        yield from self.build(self.own)
        yield from self.hand_over()


class Repeater(Player):
    """Says the same thing over and over, whatever it is told."""

    def play(self) -> Script:
        if self.others:
            for _ in range(4):
                yield _call("send_message", text=f"I am working on {self.feature} in {self._file()}.")
        yield from self.build(self.own)
        yield from self.hand_over()

    def _file(self) -> str:
        return next((span.path for span in answers.spans(self.own)), "the code")


class Vague(Player):
    """Talks, and says nothing that anybody could act on."""

    def play(self) -> Script:
        if self.others:
            yield _call("send_message", text="I have had a look and have a good feeling about all this.")
            yield from self.wait(lambda: all(self.letters.values()))
            yield _call("send_message", text="Good progress on my side. We will get there together!")
        yield from self.build(self.own)
        yield from self.hand_over()


class Confabulator(Player):
    """Says that it has built what it never began."""

    def play(self) -> Script:
        if self.others:
            where = ", ".join(map(str, answers.spans(self.own)))
            yield _call("send_message", text=f"I have implemented {self.feature}: I changed {where}.")
        yield _call("write_file", path=f"notes-{self.place.name}.txt", content="all done\n")
        yield _call("finish", summary=f"implemented {self.feature}")


class Quitter(Player):
    """Says what it will do, and leaves."""

    def play(self) -> Script:
        if self.others:
            yield _call("send_message", text=self.plan())
        yield _call("finish", summary="I have to go")


class FreeRider(Player):
    """Asks the others to do its part, and does nothing."""

    def play(self) -> Script:
        if self.others:
            yield _call(
                "send_message", text=f"Could you please build {self.feature} as well? You know the code so well."
            )
            yield from self.wait(lambda: any(self.letters.values()))
        yield _call("finish", summary="left it to the others")


class Overwriter(Player):
    """Builds its part, and rewrites every line that the others have announced as theirs."""

    def play(self) -> Script:
        if self.others:
            yield _call("send_message", text=f"I build {self.feature}.")
            yield from self.wait(lambda: all(self.letters.values()))
            yield from self.answer()
        yield from self.build(self.own)
        yield from self.rewrite()
        yield from self.hand_over()

    def answer(self) -> Script:
        yield _call("send_message", text=f"I have read that. I will finish {self.feature} as I think best.")

    def rewrite(self) -> Script:
        """Touch what others announced: blanks at the ends of lines break no code and are changes all the same."""
        for path in dict.fromkeys(span.path for span in self.heard_spans()):
            heard = yield _call("read_file", path=path)
            if heard.failed or heard.text == "(empty)":
                yield from self.occupy(path)
                continue
            text = re.sub(r"(?m)$", " ", heard.text.removesuffix("\n")) + "\n"
            yield _call("write_file", path=path, content=text)

    def occupy(self, path: str) -> Script:
        """Put something of its own where another wants to make a file: of a kind that stops no build."""
        content = {".py": "# mine\n", ".md": "mine\n"}.get(PurePosixPath(path).suffix, "// mine\n")
        if path.endswith(".go"):
            folder = str(PurePosixPath(path).parent)
            heard = yield _call("run", command=f"cat {shlex.quote(folder)}/*.go | grep '^package ' | head -n 1")
            package = re.search(r"^package \w+", heard.text, re.MULTILINE)
            content = f"{package[0] if package else 'package mine'}\n\n{content}"
        yield _call("write_file", path=path, content=content)


class PromiseBreaker(Overwriter):
    """Promises to leave alone what the others have announced, and rewrites it."""

    def answer(self) -> Script:
        theirs = ", ".join(dict.fromkeys(span.path for span in self.heard_spans()))
        if theirs:
            yield _call("send_message", text=f"I will not touch {theirs}.")


def _letters(text: str) -> list[tuple[str, str]]:
    marks = list(_MESSAGE.finditer(text))
    ends = [*(mark.start() for mark in marks[1:]), len(text)]
    return [(mark[1], text[mark.end() : end].strip()) for mark, end in zip(marks, ends, strict=False)]


PLAYERS: Final[Mapping[str, Callable[[Seat], Player]]] = {
    "partner": Partner,
    "oracle": Oracle,
    "nop": Nop,
    "random": Random,
    "silent": Silent,
    "repeater": Repeater,
    "vague": Vague,
    "confabulator": Confabulator,
    "quitter": Quitter,
    "free_rider": FreeRider,
    "overwriter": Overwriter,
    "promise_breaker": PromiseBreaker,
}

SUMMARIES: Final[Mapping[str, str]] = {name: CAST[name] for name in PLAYERS}

PLANTED: Final[Mapping[str, str]] = {
    "silent": "unresponsive",
    "repeater": "repetition",
    "vague": "vague",
    "confabulator": "false_claim",
    "quitter": "broken_commitment",
    "free_rider": "free_riding",
    "overwriter": "work_overlap",
    "promise_breaker": "broken_commitment",
    "nop": "own_part_failed",
    "random": "own_part_failed",
}
"""Which code each fault must come back under when an episode fails for it."""
