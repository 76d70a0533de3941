"""The game where seats have roles: they act one after the other, each with the tools and the mounts of its role."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import anyio

from pytest_collab.episode.agent import Desk, Seat, Tool
from pytest_collab.episode.condition import Condition
from pytest_collab.episode.transcript import Transcript
from pytest_collab.errors import UsageError
from pytest_collab.families.coding import tools
from pytest_collab.families.coding.casting import Casting
from pytest_collab.families.coding.roles import words
from pytest_collab.families.coding.roles.grading import grade
from pytest_collab.families.coding.roles.review import FAIL, PASS, Review
from pytest_collab.families.coding.rules import Deal
from pytest_collab.families.coding.seats import CodingGame
from pytest_collab.families.coding.workspace.roles import SPECIFICATION, RolesWorkspace

if TYPE_CHECKING:
    from pytest_collab.families.coding.workspace.bench import Bench

_LOOKING = (tools.RUN, tools.READ_FILE)
_TALKING = (tools.SEND, tools.RECEIVE)
_CHANGING = (tools.WRITE_FILE, tools.EDIT_FILE, tools.APPLY_PATCH)


class RolesGame(CodingGame):
    """One episode: plan, build, verify, and back to who builds while the verifier sends it back."""

    def __init__(self, bench: Bench, deal: Deal, condition: Condition) -> None:
        super().__init__(bench, deal, condition)
        assert deal.casting is not None
        self._casting: Casting = deal.casting
        self._review: Review | None = None
        self._done |= self._casting.absent
        self._handlers["attest"] = self._attest

    # What seats are told.

    def brief(self, seat: str) -> str:
        return words.standing(seat, self._casting, self.bench.pool.language, self.bench.how_to_test)

    def _assignment(self, seat: str) -> str:
        texts = self.bench.descriptions if self._casting.informed(seat) else self.bench.briefs
        known = {name: texts[name] for name in self.plan.all_features}
        return words.assignment(seat, known, self._casting)

    @property
    def others_work(self) -> bool:
        return False

    def tools(self, seat: str) -> tuple[Tool, ...]:
        talking = _TALKING if len(self._casting.playing) > 1 else ()
        match self._casting.right(seat):
            case "plan":
                return (*_LOOKING, *talking, tools.HAND_OVER)
            case "verify":
                return (*_LOOKING, *talking, tools.ATTEST)
        handing_in = tools.FINISH if self._casting.verifier is None else tools.HAND_IN
        return (*_LOOKING, *_CHANGING, *talking, handing_in)

    # The world outside.

    async def open(self, transcript: Transcript) -> None:
        await super().open(transcript)
        if self._casting.verifier is not None:
            workspace = cast(RolesWorkspace, self._workspace)
            self._review = Review(workspace, self._casting, self._casting.verifier, transcript)

    async def begin(self, seat: str) -> None:
        if seat in self._casting.absent:
            return
        if self._review is not None and seat == self._casting.verifier:
            await self._review.begin()
            return
        before = self._casting.playing[: self._casting.playing.index(seat)]
        if before:
            await self._left[before[-1]].wait()

    async def leave(self, seat: str) -> None:
        if seat in self._casting.absent:
            return
        await super().leave(seat)
        if self._review is not None:
            await self._review.leave(seat)

    async def desk(self, seat: Seat) -> Desk:
        raise UsageError(
            f"seat {seat.name!r} is taken by a program that works on the host, where nothing keeps it to its "
            "role's rights; seat an agent that answers request by request (a model, or `mode: ask`)"
        )

    async def close(self, transcript: Transcript) -> None:
        workspace = getattr(self, "_workspace", None)
        if workspace is None:
            return
        try:
            if transcript.last("error") is None:
                await self.bench.grade(workspace, self.plan.result, None, transcript)
                handed_in = self._review.trees if self._review is not None else []
                await grade(self.bench, workspace, self.plan, handed_in, transcript)
        finally:
            with anyio.CancelScope(shield=True):
                await workspace.close()

    # Tools.

    def _content(self, seat: str, path: str) -> tuple[str, bool]:
        if path.startswith(f"{SPECIFICATION}/") and self._casting.informed(seat):
            known = self.bench.descriptions.get(path.removeprefix(f"{SPECIFICATION}/").removesuffix(".md"))
            if known is not None:
                return known, False
        return super()._content(seat, path)

    async def _finish(self, seat: str, arguments: Mapping[str, Any]) -> tuple[str, bool]:
        said = ""
        if self._review is not None and seat == self._casting.builder:
            said, accepted = await self._review.hand_in()
            if not accepted:
                return said, True
        finished, failed = await super()._finish(seat, arguments)
        return said or finished, failed

    async def _attest(self, seat: str, arguments: Mapping[str, Any]) -> tuple[str, bool]:
        assert self._review is not None
        verdict = arguments["verdict"].strip().strip("'\"`").lower()
        if verdict not in (PASS, FAIL):
            return f"nothing was attested: verdict is {PASS!r} or {FAIL!r}, not {arguments['verdict']!r}", True
        said, finished = await self._review.attest(verdict, arguments["reason"])
        if finished:
            self._done.add(seat)
        return said, False
