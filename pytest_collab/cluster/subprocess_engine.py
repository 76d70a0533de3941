"""Players in processes of this machine, spoken to over pipes."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Final

from pytest_collab.agents.secrets import sensitive
from pytest_collab.cluster.bank import Bank
from pytest_collab.cluster.engine import CannotStart, PlayerLost, Session
from pytest_collab.cluster.hello import About, Batch, Hello, Played
from pytest_collab.cluster.spec import EpisodeSpec
from pytest_collab.cluster.wire import LONGEST_LINE, Failed, Gone, Wire
from pytest_collab.errors import CollabError, UsageError

KILL_S: Final = 5.0
"""A player that is told to end, or that has been killed, is waited for so long."""


PULSE_S: Final = 10.0
"""How often a player is asked whether it is there."""

SILENT_S: Final = 120.0
"""A player that does not answer for so long is taken for lost. Compiling may keep one busy for a minute."""


class SubprocessEngine:
    """Players are `python -m pytest_collab.cluster.player`; the bank is in the driver."""

    shares_disk = True

    def __init__(self, session: Session) -> None:
        self._session = session
        self._bank = Bank(session.shared, session.max_cost_usd)
        self.desk = self._bank
        self._most = session.most or max(1, len(os.sched_getaffinity(0)))

    async def open(self) -> int:
        """As many players as there are processors, or as were asked for."""
        return self._most

    def hire(self, name: str, needs: frozenset[str]) -> SubprocessPlayer:
        """Start a player."""
        log = self._session.shared / f"player-{name}.log"
        hello = self._session.hello.model_copy(update={"name": name, "modules": tuple(sys.path)})
        return SubprocessPlayer(name, hello, log, self._bank)

    def room(self, needs: frozenset[str]) -> int:
        """All are on this machine."""
        return self._most

    async def close(self) -> None:
        """Close the books."""
        self._bank.close()


class SubprocessPlayer:
    """One process.

    Args:
        log: what it, its agents and its conftest.py print goes there.
    """

    def __init__(self, name: str, hello: Hello, log: Path, bank: Bank) -> None:
        self.name = name
        self.pid: int | None = None
        self._log = log
        self._bank = bank
        self._up = asyncio.ensure_future(self._start(hello))
        self._wire: Wire | None = None
        self._process: asyncio.subprocess.Process | None = None

    async def _start(self, hello: Hello) -> About:
        # Its environment can be read by others while it lives: what is secret in ours it is told instead.
        plain = {name: value for name, value in os.environ.items() if not sensitive(name, value)}
        with self._log.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-P", "-m", "pytest_collab.cluster.player",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env=plain,
                limit=LONGEST_LINE,
                start_new_session=True,  # Ctrl-C is the driver's to deal with
            )  # fmt: skip
        self.pid = self._process.pid
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._wire = Wire(self._process.stdout, self._process.stdin, partial(self._bank.answer, self.name))
        self._serving = asyncio.ensure_future(self._wire.serve())
        try:
            return About.model_validate(await self._wire.ask("hello", hello.model_dump(mode="json")))
        except UsageError as error:
            raise CannotStart(str(error)) from None
        except (Gone, Failed) as error:
            raise CannotStart(f"it ended before it was ready: {self._last_words() or error}") from None

    def _last_words(self) -> str:
        with suppress(OSError):
            lines = self._log.read_text(encoding="utf-8", errors="replace").split("\n")
            return next((line.strip() for line in reversed(lines) if line.strip()), "")
        return ""

    async def ready(self) -> About:
        """Wait until it has read what a session reads."""
        return await asyncio.shield(self._up)

    async def lost(self) -> str:
        """Ask now and then whether it is there; a player that is gone is told of by whatever waits for it."""
        await asyncio.wait([self._up])
        while True:
            await asyncio.sleep(PULSE_S)
            try:
                await asyncio.wait_for(self._ask("pulse"), SILENT_S)
            except TimeoutError:
                return f"it has not answered for {SILENT_S:g} s"
            except CollabError:
                await asyncio.Event().wait()

    async def prepare(self, batch: Batch) -> None:
        """Let it make a task ready."""
        await self._ask("prepare", batch.model_dump(mode="json"))

    async def play(self, spec: EpisodeSpec, lease: str) -> Played:
        """Let it play."""
        return Played.model_validate(await self._ask("play", spec.model_dump(mode="json"), lease))

    async def _ask(self, name: str, *arguments: Any) -> Any:
        assert self._wire is not None
        try:
            return await self._wire.ask(name, *arguments)
        except Gone:
            raise PlayerLost(await self._epitaph()) from None

    async def _epitaph(self) -> str:
        assert self._process is not None
        with suppress(TimeoutError):
            status = await asyncio.wait_for(self._process.wait(), KILL_S)
            return f"its process ended by signal {-status}" if status < 0 else f"its process ended with {status}"
        return "it closed its pipe"

    def break_off(self, lease: str) -> None:
        """End a play."""
        if self._wire is not None:
            self._wire.tell("break_off", lease)

    async def close(self, patience: float) -> None:
        """End it, gently where there is time."""
        if not self._up.done():
            self._up.cancel()
        process, wire = self._process, self._wire
        if process is None:
            return
        with suppress(TimeoutError, Exception):
            if wire is not None and self._up.done() and not self._up.cancelled() and patience:
                await asyncio.wait_for(wire.ask("close"), patience)
        if process.stdin is not None:
            process.stdin.close()
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), patience)
        with suppress(ProcessLookupError):
            process.kill()
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), KILL_S)
        self._serving.cancel()
