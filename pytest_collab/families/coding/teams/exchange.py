"""What teams propose, and what becomes of it: all wait until all have proposed, then each is shown the others'.

The exchange is that of Cross-Team Collaboration (arXiv 2406.08979), at one point: when all have built. A proposal is
what a team's trees merge to. What a team makes of others' proposals is its own doing; nothing is merged for it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import anyio
import anyio.to_thread

from pytest_collab.episode.text import bounded, printable
from pytest_collab.episode.transcript import Transcript
from pytest_collab.families.coding.repository.merge import MergeCheck, check_merge
from pytest_collab.families.coding.repository.work import Work
from pytest_collab.families.coding.rules import Deal
from pytest_collab.families.coding.tools import RESULT_LIMIT
from pytest_collab.families.coding.workspace.changes import DIFF_LIMIT
from pytest_collab.families.coding.workspace.workspace import Workspace

_ROOM: Final = RESULT_LIMIT - 4096
"""Characters of all diffs together in what a seat is told."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a team had when all teams had proposed.

    Attributes:
        number: the team's, from 1.
        works: by seat.
        merge: of these.
        diff: of the merged tree, or of one seat's tree after the other where they do not merge.
        said: what its seats said of it.
    """

    number: int
    works: Mapping[str, Work]
    merge: MergeCheck
    diff: str
    said: Mapping[str, str]

    @property
    def tree(self) -> str | None:
        """What another seat can take over; None where the team's trees do not merge."""
        return self.merge.tree if self.merge.clean else None

    def files(self) -> dict[str, str]:
        """The diff by file."""
        parts = re.split(r"(?m)^(?=diff --git )", self.diff)
        found: dict[str, str] = {}
        for part in filter(str.strip, parts):
            path = part.splitlines()[0].rpartition(" b/")[2].strip('"')
            found[path] = found.get(path, "") + part
        return found

    def told(self, room: int, *, own: bool = False) -> str:
        """The proposal in words, with as much of its diff as there is room for, in characters."""
        whose = f"Your team, {self.number}," if own else f"Team {self.number}"
        if not self.diff.strip():
            return f"{whose} proposes nothing: it has changed no file."
        fate = (
            "its trees merge"
            if self.merge.clean
            else f"its trees do not merge: {', '.join(self.merge.files)} conflict"
        )
        words = "".join(f"\n{seat} says: {printable(text, 600)}" for seat, text in self.said.items() if text.strip())
        return (
            f"{whose} proposes this; {fate}.{words}\n--- proposal of team {self.number} ---\n"
            f"{bounded(self.diff, room).rstrip()}\n--- end of proposal {self.number} ---"
        )


class Exchange:
    """Who has proposed, and what was proposed.

    Attributes:
        proposals: by team; empty until all have proposed.
    """

    def __init__(self, workspace: Workspace, deal: Deal, transcript: Transcript) -> None:
        self._workspace = workspace
        self._deal = deal
        self._transcript = transcript
        self._said: dict[str, str] = {}
        self._gone: set[str] = set()
        self._news = anyio.Event()
        self._making = False
        self.proposals: dict[int, Proposal] = {}

    @property
    def held(self) -> bool:
        """Whether all have proposed, and each has been shown what there is."""
        return bool(self.proposals)

    async def leave(self, seat: str) -> None:
        """The seat works no more, whether it has proposed or not."""
        self._gone.add(seat)
        self._tell()
        await self.hand_in(seat)

    async def propose(self, seat: str, summary: str) -> str:
        """A seat's first `finish`: returns when all have proposed, with what it is told then."""
        await self.hand_in(seat, summary)
        while not self.held:
            await self._news.wait()
        return self._told(seat)

    async def hand_in(self, seat: str, summary: str = "") -> None:
        """The seat has proposed, or gone; who is the last of all makes the proposals."""
        if seat not in self._said:
            self._said[seat] = summary
            self._tell()
        if len(self._said) < len(self._deal.seats) or self._making:
            return
        self._making = True
        made = {}
        for number, team in enumerate(self._deal.teams, 1):
            made[number] = await self._propose(number, team)
        self.proposals = made
        self._tell()

    async def until_silent(self, seats: tuple[str, ...]) -> None:
        """Returns when none of these seats writes anything before something else happens.

        They have proposed and wait for the other teams, or have gone.
        """
        while not all(seat in self._gone or (seat in self._said and not self.held) for seat in seats):
            await self._news.wait()

    def show(self, number: int, path: str | None) -> tuple[str, bool]:
        """A proposal's diff, or what it does to one file.

        Returns:
            What the seat is told, and whether there is no such thing.
        """
        proposal = self.proposals.get(number)
        if proposal is None:
            return f"there is no team {number}; teams are {', '.join(map(str, self.proposals))}", True
        files = proposal.files()
        if path is None:
            return proposal.diff or "(it has changed no file)", False
        part = files.get(path.removeprefix("./"))
        if part is None:
            return f"team {number} does not change {path}; it changes {', '.join(files) or 'no file'}", True
        return part, False

    async def take_over(self, seat: str, number: int) -> tuple[str, bool]:
        """Make the seat's tree what a team proposed.

        Returns:
            What the seat is told, and whether it was in vain.
        """
        proposal = self.proposals.get(number)
        if proposal is None:
            return f"there is no team {number}; teams are {', '.join(map(str, self.proposals))}", True
        if proposal.tree is None:
            return f"the trees of team {number} do not merge, so there is no whole to take over", True
        own = await self._workspace.collect(seat)
        problem = await self._workspace.put(seat, proposal.tree, own.tree)
        if problem:
            return problem, True
        self._transcript.add("state", seat, took_over=number)
        return f"your tree is what team {number} proposed", False

    async def _propose(self, number: int, team: Deal) -> Proposal:
        store = self._workspace.store
        works = {seat: await self._workspace.collect(seat) for seat in team.seats}
        commits = [work.commit for work in works.values()]
        merge = await anyio.to_thread.run_sync(lambda: check_merge(store, commits))
        trees = [merge.tree] if merge.clean else [work.tree for work in works.values()]
        patches = [await anyio.to_thread.run_sync(store.patch, tree) for tree in trees]
        diff = "\n".join(printable(bounded(patch, DIFF_LIMIT)) for patch in patches)
        self._transcript.add(
            "state",
            None,
            proposed=number,
            seats=list(team.seats),
            merge=merge.status,
            conflicts=list(merge.files),
            diff=bounded(diff, DIFF_LIMIT),
        )
        return Proposal(number, works, merge, diff, {seat: self._said.get(seat, "") for seat in team.seats})

    def _told(self, seat: str) -> str:
        mine = self._deal.number_of(seat)
        shown = [self.proposals[mine]]
        if not self._deal.apart:
            shown += [proposal for number, proposal in self.proposals.items() if number != mine]
        texts = [proposal.told(_ROOM // len(shown), own=proposal.number == mine) for proposal in shown]
        if self._deal.apart:
            return "\n\n".join([texts[0], "Look at it once more, go on where it needs it, and finish again."])
        return "\n\n".join(
            [
                "All teams have proposed.",
                *texts,
                "Judge which is best, make yours better by what you have read, or take another over whole, together "
                "with your teammates. `proposal` shows a diff again, and what was left out of it. Then finish again.",
            ]
        )

    def _tell(self) -> None:
        self._news.set()
        self._news = anyio.Event()
