"""Executors: play many episodes at once, and hand over results in any order."""

from __future__ import annotations

import asyncio
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from pytest_collab.episode.engine import play
from pytest_collab.episode.journal import Journals
from pytest_collab.episode.judge import judge, record
from pytest_collab.episode.limits import Books, OpenPurse, Purse
from pytest_collab.episode.plan import Plan
from pytest_collab.episode.record import Episode
from pytest_collab.episode.transcript import Transcript
from pytest_collab.errors import UsageError


@dataclass(frozen=True, slots=True)
class Finished:
    """A played and judged episode.

    Attributes:
        kept: the transcript, or how to read it where it lies: results that wait for their turn hold no transcripts.
    """

    episode: Episode
    kept: Transcript | Callable[[], Transcript]

    @property
    def transcript(self) -> Transcript:
        """What happened, read at every call where it is not held. Raises RunError when it cannot be read any more."""
        return self.kept if isinstance(self.kept, Transcript) else self.kept()

    def stored(self, episode: Episode, reread: Callable[[Episode], Transcript] | None) -> Finished:
        """The same under the record as it was stored, without its transcript where that can be read again."""
        return Finished(episode, self.kept if reread is None else partial(reread, episode))


Keep = Callable[[Episode, Transcript], Episode]
"""Given every finished episode, in the executor's thread, before anybody waits for it; returns it as it is kept."""


class NoPlayers(UsageError):
    """Nobody can play any episode: the session need not go on."""


class Executor(Protocol):
    """Where a session's episodes are played: in this process, or elsewhere."""

    @property
    def free(self) -> int:
        """Places that no episode is in or waits for."""

    def start(self, plans: Iterable[Plan]) -> None:
        """Let these episodes begin as places become free, in this order; those known already are left alone."""

    def result(self, plan: Plan, meanwhile: Callable[[], None] = lambda: None) -> Finished:
        """Wait for an episode, starting it if nobody has, and let go of it.

        Args:
            plan: which.
            meanwhile: called before waiting, and whenever an episode ends while this one is waited for: the place to
                start others. All in the caller's thread.

        Raises:
            BudgetSpent: what is left of the session's money does not cover it; it was not begun.
            RunError: it could not be kept.
            NoPlayers: nobody can play it, nor any other.
        """

    def knows(self, plan: Plan) -> bool:
        """Whether this episode was asked for, and its result not yet taken."""

    def call(self, coroutine: Any, timeout: float | None = None) -> Any:
        """Run a coroutine on the executor's own loop, in this process (clients of agents live there)."""

    def close(self, patience: float = 5.0) -> None:
        """Stop: episodes in play are cancelled and not kept; agents' clean-up gets `patience` seconds."""


class LoopExecutor(ABC):
    """The queue that all executors of ours share: futures, and an event loop in a background thread.

    Args:
        in_flight: how many episodes are in play at the same time.
        watch: told how many episodes are in play, whenever that changes.
    """

    def __init__(self, in_flight: int = 1, *, watch: Callable[[int], None] | None = None) -> None:
        self.in_flight = in_flight
        self._watch = watch
        self._futures: dict[str, Future[Finished]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._gate: asyncio.Semaphore | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._changed = threading.Condition()
        self._open = 0
        self._awaited: str | None = None
        self._ended = 0
        self.playing = 0

    @property
    def free(self) -> int:
        """Places that no episode is in or waits for."""
        return max(0, self.in_flight - self._open)

    def start(self, plans: Iterable[Plan]) -> None:
        """As `Executor.start`."""
        for plan in plans:
            if plan.id not in self._futures:
                self._submit(plan)

    def result(self, plan: Plan, meanwhile: Callable[[], None] = lambda: None) -> Finished:
        """As `Executor.result`."""
        self._awaited = plan.id
        self.start([plan])
        future = self._futures[plan.id]
        while not future.done():
            ended = self._ended
            meanwhile()
            with self._changed:
                while not future.done() and self._ended == ended:
                    self._changed.wait()
        del self._futures[plan.id]
        return future.result()

    def future(self, plan: Plan) -> Future[Finished]:
        """The episode to come, starting it if nobody has; raises as `result` when asked for its own result."""
        self.start([plan])
        return self._futures[plan.id]

    def knows(self, plan: Plan) -> bool:
        """Whether this episode was asked for, and its result not yet taken."""
        return plan.id in self._futures

    def close(self, patience: float = 5.0) -> None:
        """Stop: episodes in play are cancelled and not kept; agents' clean-up gets `patience` seconds."""
        loop, thread = self._loop, self._thread
        if loop is None or thread is None:
            return

        def cancel() -> None:
            for task in list(self._tasks):
                task.cancel()

        async def drain() -> None:
            if self._tasks:
                await asyncio.wait(list(self._tasks), timeout=patience)
            await self._shut(patience)

        loop.call_soon_threadsafe(cancel)
        drained = asyncio.run_coroutine_threadsafe(drain(), loop)
        try:
            drained.result(3 * patience + 1)
        finally:
            loop.call_soon_threadsafe(loop.stop)
            thread.join(1.0)
            self._loop = self._thread = None

    def call(self, coroutine: Any, timeout: float | None = None) -> Any:
        """Run a coroutine on the executor's loop (agents' clients live there)."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._running()).result(timeout)

    def _submit(self, plan: Plan) -> None:
        future: Future[Finished] = Future()
        self._futures[plan.id] = future
        with self._changed:
            self._open += 1
        future.add_done_callback(self._one_ended)
        loop = self._running()

        def begin() -> None:
            task = loop.create_task(self._play(plan, future), name=plan.id)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        loop.call_soon_threadsafe(begin)

    def _one_ended(self, future: Future[Finished]) -> None:
        with self._changed:
            self._open -= 1
            self._ended += 1
            self._changed.notify_all()

    async def _play(self, plan: Plan, future: Future[Finished]) -> None:
        assert self._gate is not None
        try:
            async with self._gate:
                self._in_play(+1)
                try:
                    future.set_result(await self._finish(plan))
                finally:
                    self._in_play(-1)
        except asyncio.CancelledError:
            future.cancel()
            raise
        except BaseException as error:
            future.set_exception(error)

    def _is_awaited(self, plan: Plan) -> bool:
        """Whether somebody waits for just this result: it will not have to wait."""
        return plan.id == self._awaited

    def _in_play(self, change: int) -> None:
        self.playing += change
        if self._watch is not None:
            self._watch(self.playing)

    @abstractmethod
    async def _finish(self, plan: Plan) -> Finished:
        """Have one episode played, and keep it."""

    async def _shut(self, patience: float) -> None:
        """Nothing plays any more: end what else there is."""

    def _running(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            ready = threading.Event()
            loop = asyncio.new_event_loop()

            def run() -> None:
                asyncio.set_event_loop(loop)
                self._gate = asyncio.Semaphore(self.in_flight)
                loop.call_soon(ready.set)
                try:
                    loop.run_forever()
                finally:
                    loop.run_until_complete(loop.shutdown_asyncgens())
                    loop.close()

            self._thread = threading.Thread(target=run, name="collab-executor", daemon=True)
            self._thread.start()
            ready.wait()
            self._loop = loop
        return self._loop


class LocalExecutor(LoopExecutor):
    """Plays episodes in this process.

    Args:
        in_flight: how many episodes are in play at the same time.
        keep: stores a finished episode; what it raises is raised by `result`.
        reread: the transcript of an episode that was stored; where it is given, results that wait hold none.
        purse: the session's money.
        likely: what an episode will cost, in dollars, as far as can be said before.
        worker: name written to the records.
        watch: told how many episodes are in play, whenever that changes.
        journals: keep what happens in an episode while it is in play.
    """

    def __init__(
        self,
        in_flight: int = 1,
        *,
        keep: Keep | None = None,
        reread: Callable[[Episode], Transcript] | None = None,
        purse: Purse | None = None,
        likely: Callable[[Plan], float] = lambda plan: 0.0,
        worker: str = "main",
        watch: Callable[[int], None] | None = None,
        journals: Journals | None = None,
    ) -> None:
        super().__init__(in_flight, watch=watch)
        self._keep = keep
        self._reread = reread
        self._purse = purse or OpenPurse()
        self._likely = likely
        self._worker = worker
        self._journals = journals

    async def _finish(self, plan: Plan) -> Finished:
        try:
            with self._purse.admit(self._likely(plan)) as books:
                begun = self._journals.begin if self._journals is not None else None
                finished = await play_and_judge(plan, books, self._worker, begun)
            if self._keep is not None:
                kept = self._keep(finished.episode, finished.transcript)
                finished = finished.stored(kept, None if self._is_awaited(plan) else self._reread)
            return finished
        except asyncio.CancelledError:
            if self._journals is not None:
                self._journals.broken_off(plan.id)
            raise
        finally:
            if self._journals is not None:
                self._journals.end(plan.id)


async def play_and_judge(
    plan: Plan, books: Books, worker: str, begun: Callable[[str, Transcript], None] | None = None
) -> Finished:
    """Play an episode here, and judge it.

    Args:
        books: where its calls are booked.
        begun: given the episode's id and its transcript before anything is in it.
    """
    transcript = await play(plan, books, begun)
    verdict = judge(plan.family, plan.params, plan.seed, plan.condition, transcript)
    episode = record(transcript, verdict, episode_id=plan.id, attempt=plan.attempt, worker=worker)
    return Finished(episode, transcript)
