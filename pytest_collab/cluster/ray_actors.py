"""What runs on a Ray cluster: the bank, and players. Ray itself is imported by whoever makes actors of them."""

from __future__ import annotations

import asyncio
import os
import tempfile
import zlib
from pathlib import Path
from typing import Any

from pytest_collab.cluster.bank import Bank
from pytest_collab.cluster.boot import boot
from pytest_collab.cluster.hello import Batch, Hello
from pytest_collab.cluster.performer import Performer
from pytest_collab.cluster.player import about
from pytest_collab.cluster.spec import EpisodeSpec
from pytest_collab.cluster.wire import packed
from pytest_collab.episode.limits import BudgetSpent


class BankActor:
    """The bank, on the driver's machine. Nothing that it raises is an exception of Ray's.

    Args:
        shared: the session's folder there.
    """

    def __init__(self, shared: str, max_cost_usd: float | None) -> None:
        self._bank = Bank(Path(shared), max_cost_usd)

    async def admit(self, episode: str, likely_usd: float) -> str | None:
        """Why an episode may not begin; None when it may."""
        try:
            await self._bank.admit(episode, likely_usd)
        except BudgetSpent as error:
            return str(error)
        return None

    async def spent_on(self, episode: str) -> float:
        """As `Desk.spent_on`."""
        return await self._bank.spent_on(episode)

    async def settle(self, episode: str) -> None:
        """As `Desk.settle`."""
        await self._bank.settle(episode)

    async def forget(self, player: str) -> None:
        """As `Desk.forget`."""
        await self._bank.forget(player)

    async def answer(self, player: str, name: str, arguments: list[Any]) -> Any:
        """As `Bank.answer`; what a player waits for when it is forgotten never comes."""
        return await self._bank.answer(player, name, arguments)


class BankGone(Exception):
    """A player cannot reach the bank: what it plays does not count, and is nobody's fault."""


class RayLine:
    """The way to the bank. What is told is known to have arrived after `flush`.

    Attributes:
        cut: set when the bank could not be reached once. Who asks waits for ever then: no agent, and no episode, is
            to hear of it.
    """

    def __init__(self, bank: Any, player: str) -> None:
        self._bank = bank
        self._player = player
        self._told: list[Any] = []
        self.cut = asyncio.Event()

    async def ask(self, name: str, *arguments: Any) -> Any:
        from ray.exceptions import RayError

        try:
            return await self._bank.answer.remote(self._player, name, list(arguments))
        except RayError:
            self.cut.set()
            return await asyncio.get_running_loop().create_future()

    def tell(self, name: str, *arguments: Any) -> None:
        self._told.append(self._bank.answer.remote(self._player, name, list(arguments)))

    async def flush(self) -> None:
        """Wait until the bank has heard everything so far."""
        from ray.exceptions import RayError

        told, self._told = self._told, []
        try:
            await asyncio.gather(*told)
        except RayError:
            self.cut.set()


class PlayerActor:
    """A player: an asynchronous actor, in which many episodes wait for their models at once.

    Args:
        hello: with the keys that its agents need: they are in the memory of this process, and nowhere else.
        agents_file: the content of the agents file; None where there is none.
        bank: the actor.
    """

    def __init__(self, hello: dict[str, Any], agents_file: str | None, bank: Any) -> None:
        self._hello = Hello.model_validate(hello)
        self._agents_file = agents_file
        self._line = RayLine(bank, self._hello.name)
        self._performer: Performer | None = None

    async def ready(self) -> dict[str, Any]:
        """Come up; what `About` holds, or what went wrong."""
        return await packed(self._boot())

    async def _boot(self) -> dict[str, Any]:
        hello = self._hello
        if self._agents_file is not None:
            with tempfile.NamedTemporaryFile("w", suffix=".yaml", prefix="collab-agents-", delete=False) as copy:
                copy.write(self._agents_file)
            hello = hello.model_copy(update={"options": {**hello.options, "collab_agents_file": copy.name}})
        try:
            self._performer = await asyncio.to_thread(boot, hello, self._line)
        finally:
            if self._agents_file is not None:
                os.unlink(copy.name)
        here = about()
        self._performer.name = f"{here.host}/{hello.name}"
        return here.model_dump()

    async def prepare(self, batch: dict[str, Any]) -> dict[str, Any]:
        """As `Performer.prepare`."""
        return await packed(self._up.prepare(Batch.model_validate(batch)))

    async def play(self, spec: dict[str, Any], lease: str) -> dict[str, Any]:
        """As `Performer.play`: the record's line, and the transcript compressed.

        Raises:
            BankGone: which is Ray's to tell, so that the driver takes this player for lost.
        """

        async def play() -> tuple[str | None, bytes]:
            played = await self._up.play(EpisodeSpec.model_validate(spec), lease)
            await self._line.flush()
            return played.record, zlib.compress(played.transcript.encode("ascii"), 1)

        playing, cut = asyncio.ensure_future(packed(play())), asyncio.ensure_future(self._line.cut.wait())
        try:
            await asyncio.wait([playing, cut], return_when=asyncio.FIRST_COMPLETED)
            if self._line.cut.is_set():
                raise BankGone(f"the driver's machine cannot be reached from {about().host}")
            return playing.result()
        finally:
            playing.cancel()
            cut.cancel()

    async def break_off(self, lease: str) -> None:
        """As `Performer.break_off`."""
        self._up.break_off(lease)

    async def close(self) -> None:
        """Clean up; the driver ends the process then."""
        if self._performer is not None:
            await self._performer.close()
            await self._line.flush()

    @property
    def _up(self) -> Performer:
        assert self._performer is not None
        return self._performer
