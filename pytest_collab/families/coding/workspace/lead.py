"""Integration by a lead: members hand in, the lead merges, and conflicts go back to whoever caused them.

The rule is that of CAID (arXiv 2603.21489): the engineer whose branch conflicts with what has been integrated before
is the one to resolve it. A member that gets its work back finds the merge, conflict markers and all, in its tree;
what it hands in next is taken as resting on what had been integrated by then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import anyio
import anyio.to_thread

from pytest_collab.episode.transcript import Transcript
from pytest_collab.families.coding.repository.merge import MergeCheck, check_merge
from pytest_collab.families.coding.repository.work import Work
from pytest_collab.families.coding.rules import RETURNS
from pytest_collab.families.coding.workspace.workspace import Workspace

LONGEST_HAND_IN_SECONDS: Final = 600.0
"""How long a member waits for the lead to take what it handed in; then it has finished all the same."""


@dataclass(slots=True)
class _Member:
    """A member's side: `commit` is what it handed in, None while it works."""

    commit: str | None = None
    tree: str = ""
    rests_on: str | None = None
    returned: int = 0
    integrated: bool = False
    gone: bool = False
    answer: tuple[str, bool] | None = None
    changed: anyio.Event = field(default_factory=anyio.Event)

    def tell(self) -> None:
        self.changed.set()
        self.changed = anyio.Event()


class Integration:
    """What has been handed in, and what became of it. The first seat is the lead."""

    def __init__(self, workspace: Workspace, seats: Sequence[str]) -> None:
        self._workspace = workspace
        self._lead = seats[0]
        self._lead_gone = False
        self._members = {seat: _Member() for seat in seats[1:]}
        self._one_at_a_time = anyio.Lock()

    @property
    def integrated(self) -> tuple[str, ...]:
        """Members whose work is in the lead's tree."""
        return tuple(seat for seat, member in self._members.items() if member.integrated)

    async def hand_in(self, seat: str) -> tuple[str, bool]:
        """A member's `finish`: returns when the lead has dealt with it.

        Returns:
            What the member is told, and whether it has finished.
        """
        member = self._members[seat]
        await self._take(seat)
        member.answer = None
        member.tell()
        with anyio.move_on_after(LONGEST_HAND_IN_SECONDS):
            while member.answer is None and not self._lead_gone:
                await member.changed.wait()
        return member.answer or ("finished", True)

    async def leave(self, seat: str) -> None:
        """The seat works no more: what a member's tree holds now counts as handed in."""
        if seat == self._lead:
            self._lead_gone = True
            for member in self._members.values():
                member.tell()
            return
        member = self._members[seat]
        member.gone = True
        if member.commit is None:
            await self._take(seat)
        member.tell()

    async def _take(self, seat: str) -> None:
        member = self._members[seat]
        work: Work = await self._workspace.collect(seat)
        commit = work.commit
        if member.rests_on is not None:
            store, rests_on = self._workspace.store, member.rests_on
            commit = await anyio.to_thread.run_sync(lambda: store.commit(work.tree, rests_on))
        member.commit, member.tree = commit, work.tree

    async def integrate(self, seat: str, wait: float, transcript: Transcript) -> tuple[str, bool]:
        """The lead's `integrate`.

        Returns:
            What the lead is told, and whether it was in vain.
        """
        member = self._members.get(seat)
        if member is None:
            return f"there is no member {seat!r}; members are {', '.join(self._members)}", True
        if member.integrated:
            return f"{seat}'s work is in your tree already", True
        with anyio.move_on_after(wait):
            while member.commit is None:
                await member.changed.wait()
        if member.commit is None:
            return f"{seat} has not handed in its work yet", True
        async with self._one_at_a_time:
            return await self._merge(seat, member, transcript)

    async def _merge(self, seat: str, member: _Member, transcript: Transcript) -> tuple[str, bool]:
        assert member.commit is not None
        store, theirs = self._workspace.store, member.commit
        own = await self._workspace.collect(self._lead)
        check = await anyio.to_thread.run_sync(lambda: check_merge(store, [self._rebased(own, theirs), theirs]))
        transcript.add(
            "state", seat, integration=check.status, files=list(check.files), returned=member.returned, by=self._lead
        )
        if check.status == "error":
            return f"git could not merge it: {check.message[:500]}", True
        if check.clean:
            problem = await self._workspace.put(self._lead, check.tree, own.tree)
            if problem:
                return problem, True
            member.integrated = True
            member.answer = ("finished: the lead has integrated your work", True)
            member.tell()
            return f"integrated {seat}'s work; it is in your tree", False
        return await self._send_back(seat, member, own, check)

    def _rebased(self, own: Work, theirs: str) -> str:
        """The lead's tree as a commit on what `theirs` rests on, where it rests on an earlier state of that tree."""
        store = self._workspace.store
        parent = store.git("rev-parse", "--verify", f"{theirs}^").stdout.decode().strip()
        return own.commit if parent == store.base else store.commit(own.tree, parent)

    async def _send_back(self, seat: str, member: _Member, own: Work, check: MergeCheck) -> tuple[str, bool]:
        files = ", ".join(check.files)
        if member.gone or member.returned >= RETURNS:
            why = "it has finished" if member.gone else f"it has had it back {RETURNS} times"
            return f"it conflicts in {files}, and {seat} cannot resolve it: {why}. Your tree is unchanged.", True
        problem = await self._workspace.put(seat, check.tree, member.tree)
        if problem:
            return problem, True
        member.returned += 1
        member.rests_on = own.commit
        member.commit = None
        member.answer = (
            f"Not finished: your work conflicts with what has been integrated, in {files}. The merge is in your "
            "tree; resolve the conflict markers (<<<<<<<, =======, >>>>>>>) so that the right code of both sides "
            "is kept and both features work, delete nothing that others wrote, and finish again.",
            False,
        )
        member.tell()
        return f"it conflicts in {files} and went back to {seat}; your tree is as it was", True
