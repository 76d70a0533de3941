"""The competent players: one that agrees before it builds, one that is told the solution."""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping
from typing import Any, Final

from pytest_collab.families.coding.cast.player import TO_BASE, Call, Heard, Player, Script, call
from pytest_collab.families.coding.pool import answers
from pytest_collab.families.coding.pool.answers import Span

_PROPOSED: Final = re.compile(
    r"^(?:Team|Your team,) (\d+),? proposes this; its trees (merge|do not merge)", re.MULTILINE
)
"""How a proposal begins that there is anything in, and whether it can be taken over."""

_AGREES: Final = re.compile(r"\bI agree\b|\bI propose that we all write\b", re.IGNORECASE)


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
            yield call("run", command=TO_BASE)
            patch = self.together
        yield from self.build(patch)
        yield from self.hand_over()

    def agree(self) -> Generator[Call, Heard, bool]:
        """Talk; true when all are to write the same combined version."""
        heard = yield call("send_message", text=self.plan())
        if "delivered to" not in heard.text.replace("not delivered to", ""):
            return False
        yield from self.wait(lambda: all(self.letters.values()))
        if self.together is None or not self.heard_spans():
            return False
        files = ", ".join(dict.fromkeys(span.path for span in self.overlapping()))
        why = f"Our plans overlap in {files}." if files else "Our lines do not meet, but our features may."
        before = {sender: len(texts) for sender, texts in self.letters.items()}
        proposal = f"{why} I propose that we all write the same combined version. Do you agree?"
        yield call("send_message", text=proposal)
        yield from self.wait(lambda: all(self._answer(sender, before) or self._agrees(sender) for sender in before))
        if not all(self._agrees(sender) for sender in before):
            return False
        yield call("send_message", text="I agree: we write the same combined version.")
        return True

    def choice(self, shown: str) -> int | None:
        """The first that merges, where its own team's does not."""
        merging = {int(number): fate == "merge" for number, fate in _PROPOSED.findall(shown)}
        if merging.get(self.dealt.number_of(self.place.name), False):
            return None
        return next((number for number, merges in merging.items() if merges), None)

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
            heard = yield call("apply_patch", patch=solution["combined"])
            if not heard.failed:
                yield from self.hand_over()
                return
        yield from self.build(self.own)
        yield from self.hand_over()
