"""The performer: plays episodes that it is told by name, in a process that is not the driver's."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from pathlib import Path

import anyio

from pytest_collab.agents.registry import Registry
from pytest_collab.cluster.branch import BranchBooks, Line
from pytest_collab.cluster.hello import Batch, Played
from pytest_collab.cluster.spec import EpisodeSpec, Unlike
from pytest_collab.episode.executor import play_and_judge
from pytest_collab.episode.transcript import Transcript
from pytest_collab.families.task import Task


class Performer:
    """Plays; keeps nothing: records and transcripts go back to who asked.

    Args:
        name: as records show it.
        registry: makes the agents.
        root: pytest's rootdir here.
        line: the way to the bank.
    """

    def __init__(self, name: str, registry: Registry, root: Path, line: Line) -> None:
        self.name = name
        self._registry = registry
        self._root = root
        self._line = line
        self._tasks: dict[tuple[str, str, str], Task] = {}
        self._configured: set[str] = set()
        self._preparing = threading.Lock()
        self._playing: dict[str, asyncio.Task[Played]] = {}

    async def prepare(self, batch: Batch) -> None:
        """Make a task ready to be played. Families work in a thread: some run a loop of their own.

        Raises:
            Unlike: the task's files are others here.
            UsageError, InfrastructureError: it cannot be played here; the sandbox that is demanded is not here.
        """
        await asyncio.to_thread(self._prepare, batch)

    def _prepare(self, batch: Batch) -> None:
        with self._preparing:
            task = batch.task.task(self._root)
            if task.family.name not in self._configured:
                notes = task.family.configure({"sandbox": batch.sandbox})
                if notes:
                    _demand(batch)
                self._configured.add(task.family.name)
            task.family.prepare([(task.params, batch.seeds)])
            self._tasks[task.family.name, task.name, task.hash] = task

    async def play(self, spec: EpisodeSpec, lease: str) -> Played:
        """Play an episode whose task is prepared.

        Args:
            lease: by what name `break_off` knows this play.

        Raises:
            UsageError: there is something for the user to put right, such as a recording that does not match.
        """
        begun: list[Transcript] = []
        playing = self._playing[lease] = asyncio.ensure_future(self._play(spec, begun))
        try:
            return await playing
        except asyncio.CancelledError:
            if not playing.cancelled():
                raise
            return Played(record=None, transcript="".join(map(_lines, begun)))
        finally:
            del self._playing[lease]

    async def _play(self, spec: EpisodeSpec, begun: list[Transcript]) -> Played:
        told = spec.task
        plan = spec.plan(self._tasks[told.family, told.name, told.hash], self._registry.get)
        finished = await play_and_judge(
            plan, BranchBooks(self._line, plan.id), self.name, lambda _, transcript: begun.append(transcript)
        )
        return Played(record=finished.episode.json_line(), transcript=_lines(finished.transcript))

    def break_off(self, lease: str) -> None:
        """End a play; `play` returns what there is of its transcript."""
        playing = self._playing.get(lease)
        if playing is not None:
            playing.cancel()

    async def close(self) -> None:
        """End all plays; close the agents' clients."""
        playing = [*self._playing.values()]
        for one in playing:
            one.cancel()
        if playing:
            await asyncio.wait(playing)
        for agent in self._registry.all():
            with contextlib.suppress(Exception):
                await agent.aclose()


def _demand(batch: Batch) -> None:
    """Raises Unlike where the sandbox is another one than the driver's."""
    from pytest_collab.sandbox import choose

    here = anyio.run(choose, batch.sandbox)
    if here.name != batch.chosen:
        raise Unlike(f"its sandbox would be {here.name} ({here.reason}), and {batch.chosen} is demanded")


def _lines(transcript: Transcript) -> str:
    return "".join(f"{event.json_line()}\n" for event in transcript)
