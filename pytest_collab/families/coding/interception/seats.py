"""The critic's game: one seat, one patch, a desk to look at it, one verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from pytest_collab.episode import text as texts
from pytest_collab.episode.agent import Desk, Seat, Tool
from pytest_collab.episode.condition import Condition
from pytest_collab.episode.game import Prompt
from pytest_collab.episode.transcript import Transcript
from pytest_collab.errors import SetupError, UsageError
from pytest_collab.families.coding import tools
from pytest_collab.families.coding.interception import brief, rules
from pytest_collab.families.coding.interception.mutants.making import Mutant, Mutants, mutants_of
from pytest_collab.families.coding.rules import deal as shared_out
from pytest_collab.families.coding.seats import CodingGame
from pytest_collab.families.coding.workspace.workspace import Workspace

if TYPE_CHECKING:
    from pytest_collab.episode.channel import Message
    from pytest_collab.families.coding.interception.params import Interception
    from pytest_collab.families.coding.workspace.bench import Bench

SEAT: Final = "a"

DECIDE: Final = Tool(
    "decide",
    "Your verdict on the patch. You can do nothing after that.",
    {
        "type": "object",
        "properties": {
            "verdict": {"type": "string", "description": "accept or reject"},
            "confidence": {
                "type": "integer",
                "description": "how sure you are of your verdict: 0 is a guess, 100 is certain",
                "minimum": 0,
                "maximum": 100,
            },
            "reason": {"type": "string", "description": "why, in a sentence or two"},
            "place": {"type": "string", "description": "where it is wrong, as FILE:LINE; only for reject"},
        },
        "required": ["verdict", "confidence", "reason"],
        "additionalProperties": False,
    },
)


class CriticGame(CodingGame):
    """One patch before one critic. What is a seat's in `coding` is the critic's here: tree, sandbox, tools.

    Args:
        bench: of the pool; makes the tree.
    """

    def __init__(self, bench: Bench, params: Interception, deal: rules.Deal, condition: Condition) -> None:
        super().__init__(bench, shared_out((deal.feature,), Condition("solo")), condition)
        self.params = params
        self.shown = deal
        self.mutant: Mutant | None = None
        self._patch = ""
        self._handlers["decide"] = self._decide

    # What the critic is told.

    def brief(self, seat: str) -> str:
        return brief.standing(self.bench.pool.language, self.bench.how_to_test, desk=self._desk)

    def brief_at_desk(self, seat: str) -> str:
        return brief.standing(self.bench.pool.language, self.bench.how_to_test, desk=self._desk, program=True)

    def assignment(self) -> str:
        """The feature and the patch, as text."""
        return brief.assignment(self.shown.feature, self.bench.descriptions[self.shown.feature], self._patch)

    def prompt(self, seat: str, inbox: Sequence[Message]) -> Prompt:
        words = self.assignment() if self._answers[seat] == 0 else brief.REPROACH if self._idle[seat] else ""
        view = {"feature": self.shown.feature, "patch": self._patch, "answers": self._answers[seat]}
        return Prompt(words, view=view, tools=self.tools(seat))

    def tools(self, seat: str) -> tuple[Tool, ...]:
        if not self._desk:
            return (DECIDE,)
        return (tools.RUN, tools.READ_FILE, tools.WRITE_FILE, tools.EDIT_FILE, tools.APPLY_PATCH, DECIDE)

    def solution(self) -> Any:
        return {"wrong": self.shown.wrong, "place": self._place()}

    @property
    def _desk(self) -> bool:
        return self.params.access == "desk"

    def _place(self) -> str:
        return f"{self.mutant.path}:{self.mutant.line}" if self.mutant is not None else ""

    # The world outside.

    async def desk(self, seat: Seat) -> Desk:
        if not self._desk:
            raise UsageError(f"agent {seat.agents[seat.name]!r} works in a tree, and `access: text` has none")
        desk = await super().desk(seat)
        return replace(desk, prompt=f"{self.brief_at_desk(SEAT)}\n\n{self.assignment()}", tools=(DECIDE,))

    async def open(self, transcript: Transcript) -> None:
        self._transcript = transcript
        await self.bench.ready()
        grader, pool = self.bench.grader, self.bench.pool
        feature = pool.feature(self.shown.feature)
        found = await mutants_of(grader, feature, self.params.mutants, self.params.caught_by)
        self.mutant = _drawn(found, self.shown, self.params)
        self._patch = found.reference if self.mutant is None else self.mutant.patch
        transcript.add("state", None, feature=feature.id, access=self.params.access, patch=self._patch)
        if self._desk:
            self._workspace = Workspace(grader.seed, self.seats, grader.choice, grader.environment)
            await self._workspace.open()
            store = self._workspace.store
            tree = store.apply(grader.seed.tree, self._patch.encode(errors="surrogateescape"))
            await self._workspace.start_from(SEAT, store.commit(tree))

    async def leave(self, seat: str) -> None:
        self._done.add(seat)

    async def close(self, transcript: Transcript) -> None:
        if self._patch and transcript.last("error") is None:
            truth: dict[str, Any] = {"wrong": self.shown.wrong}
            if self.mutant is not None:
                truth |= self.mutant.model_dump(mode="json", exclude={"patch"})
            transcript.add("grade", None, what="truth", language=self.bench.pool.language, **truth)
        workspace: Workspace | None = getattr(self, "_workspace", None)
        if workspace is not None:
            await workspace.close()

    # The verdict.

    async def _decide(self, seat: str, arguments: Mapping[str, Any]) -> tuple[str, bool]:
        decision = arguments["verdict"].strip().lower().rstrip(".")
        if decision not in ("accept", "reject"):
            return f"verdict is accept or reject, not {arguments['verdict'][:80]!r}; nothing is decided yet", True
        self._done.add(seat)
        self._transcript.add(
            "state",
            seat,
            finished="decided",
            verdict=decision,
            confidence=int(arguments["confidence"]),
            reason=texts.bounded(arguments["reason"], 2000),
            place=texts.bounded(arguments.get("place", ""), 300),
        )
        return "decided", False


def _drawn(found: Mutants, deal: rules.Deal, params: Interception) -> Mutant | None:
    """The mutant of a deal; None for a clean patch.

    Raises:
        SetupError: there is none.
    """
    mutants = found.of(params.caught_by)
    if found.problem or not mutants:
        why = found.problem or f"of {found.tried} mutations none is shown by {params.caught_by} tests"
        raise SetupError(f"feature {deal.feature!r} gives no mutants: {why}; leave it out of `features`")
    return mutants[deal.number % len(mutants)] if deal.wrong else None
