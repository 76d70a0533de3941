"""Handing in, vouching, and sending back: what goes on between who builds and who verifies."""

from __future__ import annotations

from typing import Final

import anyio

from pytest_collab.episode.text import counted
from pytest_collab.episode.transcript import Transcript
from pytest_collab.families.coding.casting import Casting
from pytest_collab.families.coding.workspace.roles import RolesWorkspace

PASS: Final = "pass"
FAIL: Final = "fail"


class Review:
    """What has been handed in, and what was said of it.

    Attributes:
        trees: what was handed in, in order: ids of trees in the workspace's store.
    """

    def __init__(self, workspace: RolesWorkspace, casting: Casting, verifier: str, transcript: Transcript) -> None:
        self._workspace = workspace
        self._casting = casting
        self._builder, self._verifier = casting.builder, verifier
        self._transcript = transcript
        self._verdict: tuple[str, str] | None = None
        self._gone: set[str] = set()
        self._news = anyio.Event()
        self.trees: list[str] = []

    async def hand_in(self) -> tuple[str, bool]:
        """The builder's `finish`: returns when the verifier has spoken, or has gone.

        Returns:
            What the builder is told, and whether it has finished.
        """
        if self._verifier in self._gone:
            return "finished", True
        await self._show()
        while self._verdict is None and self._verifier not in self._gone:
            await self._news.wait()
        if self._verdict is None:
            return "finished; nobody vouched for it", True
        verdict, reason = self._verdict
        if verdict == PASS:
            return f"finished: {self._verifier} accepted it. {reason}".strip(), True
        if self._last:
            return f"finished: {self._verifier} did not accept it, and it goes back no more. {reason}".strip(), True
        left = self._casting.returns - len(self.trees)
        more = f"and {counted(left, 'more time')} after that" if left else "for the last time"
        return f"{self._verifier} did not accept it. {reason}\nMend it and hand it in again, {more}.", False

    async def begin(self) -> None:
        """Returns when there is something to verify."""
        while not self.trees and self._builder not in self._gone:
            await self._news.wait()

    async def attest(self, verdict: str, reason: str) -> tuple[str, bool]:
        """The verifier's `attest`: after a fail, returns when there is something new to verify.

        Returns:
            What the verifier is told, and whether it has finished.
        """
        number = len(self.trees)
        self._transcript.add("state", self._verifier, attested=verdict, reason=reason, submission=number)
        last = self._last or self._builder in self._gone
        self._verdict = (verdict, reason if self._heard else "")
        self._tell()
        if verdict == PASS or last:
            return "attested; you have finished", True
        while len(self.trees) == number and self._builder not in self._gone:
            await self._news.wait()
        if len(self.trees) == number:
            return f"{self._builder} has finished and handed in nothing more; you have finished", True
        return (
            f"{self._builder} has handed in again: your tree and /scratch hold what it is now. Verify and attest it.",
            False,
        )

    async def leave(self, seat: str) -> None:
        """The seat works no more: what a builder leaves that never handed in counts as handed in."""
        if seat == self._builder and not self.trees and self._verifier not in self._gone:
            await self._show()
        self._gone.add(seat)
        self._tell()

    @property
    def _last(self) -> bool:
        return len(self.trees) > self._casting.returns

    @property
    def _heard(self) -> bool:
        return not self._casting.muted

    async def _show(self) -> None:
        work = await self._workspace.show(self._verifier, self._builder)
        self._verdict = None
        self.trees.append(work.tree)
        self._transcript.add("state", self._builder, submitted=len(self.trees), tree=work.tree)
        self._tell()

    def _tell(self) -> None:
        self._news.set()
        self._news = anyio.Event()
