"""Rate limits and calls in flight, shared by all processes of a session.

Each provider account has a lane: one small file, mapped into every worker and changed under a file lock. Calls are
started one after the other with an even gap (so that no window of a minute ever holds more than the limit allows),
by reserving the next free moment and then sleeping until it comes. On a busy machine sleepers wake late, and many at
once: the lane remembers when calls were really started, and none starts while the last minute is full. A provider
that answers 429 pauses the lane for everybody; one that goes on refusing widens the gap until calls succeed again.
"""

from __future__ import annotations

import asyncio
import fcntl
import mmap
import os
import re
import struct
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from time import monotonic
from typing import Final

from pytest_collab.agents.lane import Permit
from pytest_collab.agents.settings import RateLimits
from pytest_collab.episode.limits import excused

MINUTE_S: Final = 60.0
SLACK_S: Final = 2.0
"""A call reaches the provider some time after its moment has come, on a busy machine later than another whose moment
came after it: minutes are taken this much too long."""
WAY_S: Final = 1.0
"""What of it is left for the way from the start of a call to the provider, where calls were started late."""

WIDEST_GAP_S: Final = 5.0
NARROWEST_GAP_S: Final = 0.002
GAP_GROWS_BY: Final = 1.5
GAP_SHRINKS_BY: Final = 0.97
ONE_BURST_S: Final = 1.0
"""Refusals within this time are one burst, and widen the gap once."""

MEMORY: Final = 0.05
"""The weight of the newest call in the running means."""

TOO_MANY: Final = 0.15
"""The share of refused calls from which on calls are started more slowly; single refusals only pause the lane."""

REMEMBERED: Final = 100_000
"""Starts of no more calls than this are remembered; no more are ever started in a minute."""

POLL_S: Final = 0.02

_HEAD: Final = struct.Struct("<dddddddd")
"""next request, next token, pause until, gap, last slow-down, last start, mean time between starts, share refused.
Moments are those of the monotonic clock, which all processes share."""
_ENTRY: Final = struct.Struct("<II")
"""process id, its calls in flight"""
_ENTRIES: Final = 512
_STARTS: Final = _HEAD.size + _ENTRIES * _ENTRY.size
"""From here on: how many calls were started, then the moments of the newest of them, as many as a minute may hold."""
_COUNT: Final = struct.Struct("<q")
_MOMENT: Final = struct.Struct("<d")
_FAR: Final = 24 * 3600.0


class FileLane:
    """The shared limits of one provider account.

    Args:
        path: the file shared with the other processes; created when missing.
    """

    def __init__(self, path: Path, limits: RateLimits) -> None:
        self.limits = limits
        path.parent.mkdir(parents=True, exist_ok=True)
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        most = limits.requests_per_minute
        self._most = 0 if most is None or int(most) > REMEMBERED else max(int(most), 1)
        size = _STARTS + _COUNT.size + self._most * _MOMENT.size
        with self._locked():
            if os.fstat(self._fd).st_size < size:
                os.ftruncate(self._fd, size)
        self._map = mmap.mmap(self._fd, size)
        self._queue: asyncio.Lock | None = None
        self._freed: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._mine: tuple[int, int] | None = None
        self._request_gap = 0.0
        if limits.requests_per_minute is not None:
            self._request_gap = (MINUTE_S + SLACK_S) / limits.requests_per_minute
        self._token_gap = 0.0
        if limits.tokens_per_minute is not None:
            self._token_gap = (MINUTE_S + SLACK_S) / limits.tokens_per_minute

    @asynccontextmanager
    async def permit(self, tokens: int = 0) -> AsyncIterator[Permit]:
        """Wait for the right to make one call; give it back at the end.

        Args:
            tokens: an estimate of what the call will consume; corrected by `Permit.tokens`.
        """
        queue, freed = self._of_this_loop()
        with excused():
            async with queue:
                while not self._enter():
                    freed.clear()
                    with suppress(TimeoutError):
                        await asyncio.wait_for(freed.wait(), POLL_S)
        permit = Permit()
        try:
            with excused():
                await self._sleep_until(self._reserve(tokens))
                while again := self._start(monotonic()):
                    await self._sleep_until(again)
            yield permit
        finally:
            self._leave(permit, tokens)
            freed.set()

    def slow_down(self, seconds: float) -> None:
        """The provider refused a call because there are too many: everybody waits, and goes on more slowly."""
        now = monotonic()
        with self._state() as state:
            state.paused = max(state.paused, now + seconds)
            state.refused += (1 - state.refused) * MEMORY
            if state.refused > TOO_MANY and now - state.slowed > ONE_BURST_S:
                state.gap = min(max(state.gap, state.pace, NARROWEST_GAP_S) * GAP_GROWS_BY, WIDEST_GAP_S)
                state.slowed = now

    @property
    def paused_until(self) -> float:
        """The moment (monotonic clock) before which no call is started."""
        return float(struct.unpack_from("<d", self._map, 16)[0])

    @property
    def in_flight(self) -> int:
        """Calls under way in all processes."""
        with self._locked():
            return sum(count for _, count in self._entries())

    def close(self) -> None:
        """Let go of the file."""
        self._map.close()
        os.close(self._fd)

    async def _sleep_until(self, moment: float) -> None:
        now = monotonic()
        if moment > now:
            await asyncio.sleep(moment - now)

    def _reserve(self, tokens: int) -> float:
        """Take the next free moment."""
        now = monotonic()
        with self._state() as state:
            if state.started:
                state.pace += (min(now - state.started, WIDEST_GAP_S) - state.pace) * MEMORY
            state.started = now
            gap = max(self._request_gap, state.gap)
            if not gap and not self._token_gap:
                return state.paused
            moment = max(now, state.paused)
            if gap:
                moment = max(moment, state.request)
            if self._token_gap:
                moment = max(moment, state.token)
                state.token = moment + tokens * self._token_gap
            if gap:
                state.request = moment + gap
        return moment

    def _start(self, now: float) -> float:
        """Start a call: 0. Where the lane pauses, or the last minute is full: when to try again (monotonic clock)."""
        if self.paused_until > now:
            return self._reserve(0)
        if not self._most:
            return 0.0
        with self._locked():
            count = _COUNT.unpack_from(self._map, _STARTS)[0]
            place = _STARTS + _COUNT.size + count % self._most * _MOMENT.size
            oldest = _MOMENT.unpack_from(self._map, place)[0]
            if count >= self._most and oldest <= now < oldest + MINUTE_S + WAY_S:
                return float(oldest + MINUTE_S + WAY_S)
            _MOMENT.pack_into(self._map, place, now)
            _COUNT.pack_into(self._map, _STARTS, count + 1)
        return 0.0

    def _enter(self) -> bool:
        """Count one more call in flight; False when there are as many as may be."""
        limit = self.limits.in_flight
        with self._locked():
            mine = self._place()
            if limit is not None:
                total = sum(count for _, count in self._entries())
                if total >= limit:
                    total -= self._forget_the_dead()
                if total >= limit:
                    return False
            self._write_entry(mine, os.getpid(), self._count(mine) + 1)
        return True

    def _leave(self, permit: Permit, estimate: int) -> None:
        with self._state() as state:
            mine = self._place()
            self._write_entry(mine, os.getpid(), max(self._count(mine) - 1, 0))
            if self._token_gap and permit.tokens:
                state.token += (permit.tokens - estimate) * self._token_gap
            if permit.served:
                state.refused *= 1 - MEMORY
                state.gap = state.gap * GAP_SHRINKS_BY if state.gap > NARROWEST_GAP_S else 0.0

    def _place(self) -> int:
        """This process's entry; the first call takes one."""
        me = os.getpid()
        if self._mine is not None and self._mine[0] == me:
            return self._mine[1]
        pids = [pid for pid, _ in self._entries()]
        if me in pids:
            index = pids.index(me)
        elif len(pids) < _ENTRIES:
            index = len(pids)
        else:
            self._forget_the_dead()
            index = next((i for i, (_, count) in enumerate(self._entries()) if not count), 0)
        self._write_entry(index, me, self._count(index) if me in pids else 0)
        self._mine = (me, index)
        return index

    def _forget_the_dead(self) -> int:
        """Drop the calls of processes that are gone; how many those were."""
        dropped = 0
        for index, (pid, count) in enumerate(list(self._entries())):
            if count and not _alive(pid):
                self._write_entry(index, pid, 0)
                dropped += count
        return dropped

    def _of_this_loop(self) -> tuple[asyncio.Lock, asyncio.Event]:
        loop = asyncio.get_running_loop()
        if self._loop is not loop or self._queue is None or self._freed is None:
            self._loop, self._queue, self._freed = loop, asyncio.Lock(), asyncio.Event()
        return self._queue, self._freed

    @contextmanager
    def _locked(self) -> Iterator[None]:
        fcntl.flock(self._fd, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._fd, fcntl.LOCK_UN)

    @contextmanager
    def _state(self) -> Iterator[_State]:
        with self._locked():
            values = _HEAD.unpack_from(self._map, 0)
            state = _State(*values)
            yield state
            after = state.values()
            if after != values:
                _HEAD.pack_into(self._map, 0, *after)

    def _entries(self) -> Iterator[tuple[int, int]]:
        for pid, count in _ENTRY.iter_unpack(self._map[_HEAD.size : _STARTS]):
            if not pid:
                return
            yield pid, count

    def _count(self, index: int) -> int:
        return int(_ENTRY.unpack_from(self._map, _HEAD.size + index * _ENTRY.size)[1])

    def _write_entry(self, index: int, pid: int, count: int) -> None:
        _ENTRY.pack_into(self._map, _HEAD.size + index * _ENTRY.size, pid, count)


class _State:
    """The moments of a lane while its lock is held."""

    __slots__ = ("gap", "pace", "paused", "refused", "request", "slowed", "started", "token")

    def __init__(self, *values: float) -> None:
        if max(values[:3]) > monotonic() + _FAR:  # the clock was reset since: a file of an earlier boot
            values = (0.0,) * len(values)
        self.request, self.token, self.paused, self.gap, self.slowed, self.started, self.pace, self.refused = values

    def values(self) -> tuple[float, ...]:
        return (
            self.request,
            self.token,
            self.paused,
            self.gap,
            self.slowed,
            self.started,
            self.pace,
            self.refused,
        )


class FileLanes:
    """All lanes of a session, by account.

    Args:
        shared: a directory that all processes of the session can write to.
    """

    def __init__(self, shared: Path) -> None:
        self._shared = shared
        self._lanes: dict[str, FileLane] = {}

    def get(self, account: str, limits: RateLimits) -> FileLane:
        """The lane of an account; whoever asks first in this process sets its limits."""
        if account not in self._lanes:
            readable = re.sub(r"[^A-Za-z0-9.-]+", "_", account)[:40].strip("_")
            name = f"lane-{readable}-{sha256(account.encode()).hexdigest()[:8]}"
            self._lanes[account] = FileLane(self._shared / name, limits)
        return self._lanes[account]


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
