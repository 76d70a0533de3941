"""The `kubernetes` sandbox: a pod of a cluster, in which commands are executed one after another."""

from __future__ import annotations

import contextlib
import functools
import threading
import time
import weakref
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import ClassVar, Final, TypeVar

import anyio
import anyio.from_thread
import anyio.to_thread

from pytest_collab.errors import SandboxError
from pytest_collab.sandbox.base import HOME, Command, Completed, KilledBy, Probe, Sandbox, SandboxSpec, environment
from pytest_collab.sandbox.kubernetes import pod as pods
from pytest_collab.sandbox.kubernetes import reaper, script, starting
from pytest_collab.sandbox.kubernetes.cluster import Cluster, Json, connect, connected
from pytest_collab.sandbox.kubernetes.exec import STDOUT, Exec, run
from pytest_collab.sandbox.kubernetes.files import Files, OverQuota
from pytest_collab.sandbox.kubernetes.pod import FILES, SEAT
from pytest_collab.sandbox.output import BoundedOutput

_MEGABYTE: Final = 1024 * 1024
_KILL_SECONDS: Final = 15.0
_LOOK_SECONDS: Final = 1.0  # between looks at what a command has written so far
_LOOK_SHARE: Final = 20.0
_TOLD_SECONDS: Final = 10.0  # the API server hears of the end of a container a moment later
_THREADS: Final = 6
_POLICY_SECONDS: Final = 15.0  # policies reach a new pod's network a moment after it begins
_HELP: Final = (
    "point KUBECONFIG at a cluster (kubectl get pods must work), and give its user the Role of "
    "docs/examples/kubernetes-sandbox.yaml"
)
_KILLED: Final = 128 + 9
_TURNS: weakref.WeakValueDictionary[tuple[int, Path], anyio.Lock] = weakref.WeakValueDictionary()

T = TypeVar("T")


class KubernetesSandbox(Sandbox):
    """Runs commands in a pod without network, token, capabilities, privileges or a writable root.

    The pod may be on any machine, so files are sent: mounts when it starts, what has changed on the host before each
    command, what a command has changed in writable mounts when it has ended. Commands of one sandbox, and of all that
    share a writable mount, run one after another.
    """

    name: ClassVar[str] = "kubernetes"
    isolating: ClassVar[bool] = True
    imaged: ClassVar[bool] = True

    def __init__(self, spec: SandboxSpec) -> None:
        super().__init__(spec)
        self._cluster: Cluster | None = None
        self._pod = ""
        self._files: Files | None = None
        self._threads = anyio.CapacityLimiter(_THREADS)
        self._out_of_memory = 0
        self._held = False
        self._locks = [_turn(host) for host in sorted({mount.host for mount in spec.writable})] or [anyio.Lock()]

    @classmethod
    async def probe(cls) -> Probe:
        """See the base class. An API server has to answer and to allow pods; none is made."""

        def ask() -> Probe:
            with connected() as cluster:
                found = starting.version(cluster)
                lacking = starting.may(cluster)
                if lacking is not None:
                    return Probe(cls.name, False, f"{cluster.place} does not let this user {lacking}", _HELP)
                place = f"{cluster.place}, namespace {cluster.namespace}"
                return Probe(cls.name, True, f"Kubernetes {found} answers ({place})")

        try:
            return await anyio.to_thread.run_sync(ask)
        except SandboxError as error:
            return Probe(cls.name, False, " ".join(str(error).split()), _HELP)

    async def start(self) -> None:
        """See the base class."""
        if self._pod:
            raise SandboxError("the kubernetes sandbox has been started already")
        pods.check(self.spec)
        self.check_mounts()
        try:
            with anyio.CancelScope(shield=True):
                self._cluster = await self._call(connect)
                await self._call(starting.version, self._cluster)
                await self._call(starting.sweep, self._cluster)
                if not self.spec.network:
                    await self._call(starting.ensure_policy, self._cluster)
            await self._raise_pod()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """See the base class."""
        cluster, self._cluster = self._cluster, None
        pod, self._pod = self._pod, ""
        if cluster is None:
            return
        with anyio.CancelScope(shield=True):
            try:
                if pod:
                    await self._call(starting.delete, cluster, pod)
            finally:
                if self._held:
                    self._held = False
                    await self._call(reaper.release)
                await self._call(cluster.close)

    async def execute(self, command: Command) -> Completed:
        """See the base class. The time limit starts when this command's turn comes and its files have been sent."""
        if not self._pod:
            raise SandboxError("the kubernetes sandbox is not started; use it as `async with`")
        variables = environment(self.spec, command.env, home=HOME, path=None, tmp="/tmp")
        async with self._turn():
            assert self._files is not None
            with anyio.CancelScope(shield=True):
                control = {"launch": script.launch(self.spec, command, variables), "stdin": command.stdin}
                await self._call(self._files.send, control)
            started = time.monotonic()
            streams = (BoundedOutput(command.output_limit), BoundedOutput(command.output_limit))
            try:
                code, killed_by = await self._follow(streams, command.timeout)
            finally:
                duration = time.monotonic() - started
                with anyio.CancelScope(shield=True):
                    over = await self._take_back()
            killed_by = killed_by or ("disk" if over else None)
            return Completed(
                exit_code=None if killed_by not in (None, "memory") else code,
                stdout=streams[0].text(),
                stderr=streams[1].text(),
                timed_out=killed_by == "timeout",
                killed_by=killed_by,
                duration_s=duration,
            )

    async def _raise_pod(self) -> None:
        """Make a pod, fill it, and see that what it should not reach is out of reach."""
        cluster = self._require()
        trees = Files(cluster, self.spec)
        with anyio.CancelScope(shield=True):
            size = await self._call(trees.look)
            if not self._held:
                await self._call(reaper.hold)
                self._held = True
            body = pods.pod(self.spec, -(-size // _MEGABYTE))
            # Known before it is made: should the answer be lost, it is deleted all the same.
            self._pod = body["metadata"]["name"]
            await self._call(starting.create, cluster, body)
        await starting.until_running(cluster, self._pod, FILES, self._call)
        if not self.spec.network:
            await self._check_network(cluster)
        await self._call(trees.lay, self._pod)
        await starting.until_running(cluster, self._pod, SEAT, self._call)
        self._files = trees
        self._out_of_memory = await self._clean()

    async def _check_network(self, cluster: Cluster) -> None:
        """Raise SandboxError where a pod without network reaches the API server: no one enforces policies then."""
        deadline = time.monotonic() + _POLICY_SECONDS
        while True:
            code, _, said = await self._call(run, cluster, self._pod, FILES, ["/bin/sh", "-c", starting.REACH])
            if code == 1:
                return
            if code == 3:
                raise SandboxError(
                    f"image {self.spec.image} has nothing to try its network with, so that nobody can say "
                    "whether it is off; add bash, python3, nc or curl"
                )
            if code:
                told = said.decode("utf-8", "replace").strip()
                raise SandboxError(f"whether pod {self._pod} has a network cannot be tried: exit code {code} {told}")
            if time.monotonic() > deadline:
                raise SandboxError(
                    f"a pod of {cluster.place} reaches the API server although its network is off: this cluster's "
                    "network plugin does not enforce NetworkPolicies; use one that does (Calico, Cilium, ...)"
                )
            await anyio.sleep(0.5)

    async def _follow(
        self, streams: tuple[BoundedOutput, BoundedOutput], timeout: float
    ) -> tuple[int | None, KilledBy | None]:
        """Read a command to its end; end everything in the pod's seat when it has ended, or must."""
        cluster = self._require()
        killed_by: KilledBy | None = None
        code: int | None = None
        lost: SandboxError | None = None
        done, received = anyio.Event(), anyio.Event()

        def end(reason: KilledBy | None) -> None:
            nonlocal killed_by
            if not done.is_set():
                killed_by = reason
                done.set()

        def feed(stream: int, chunk: bytes) -> None:
            streams[0 if stream == STDOUT else 1].feed(chunk)
            if streams[0].total + streams[1].total > self.spec.output_mb * _MEGABYTE and not done.is_set():
                anyio.from_thread.run_sync(end, "output")

        async def watch() -> None:
            pause = _LOOK_SECONDS
            while self._files is not None:
                await anyio.sleep(pause)
                started = time.monotonic()
                try:
                    if await self._call(self._files.over):
                        end("disk")
                        return
                except SandboxError:  # what has become of the pod is found out when the command has ended
                    return
                pause = max(_LOOK_SECONDS, _LOOK_SHARE * (time.monotonic() - started))

        async def receive() -> None:
            nonlocal code, lost
            try:
                code = await self._call(command.follow, feed)
            except SandboxError as error:
                lost = error
            finally:
                received.set()
                end(None)

        with anyio.CancelScope(shield=True):
            words = ["/bin/sh", script.LAUNCH]
            command = await self._call(Exec, cluster, self._pod, SEAT, words, stdin=False)
        trouble: SandboxError | None = None
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(receive)
                if self.spec.writable:
                    tasks.start_soon(watch)
                try:
                    with anyio.move_on_after(timeout) as clock:
                        await done.wait()
                    if clock.cancelled_caught:
                        end("timeout")
                finally:
                    with anyio.CancelScope(shield=True):
                        try:
                            killed_by = await self._end(killed_by, code, lost)
                            with anyio.move_on_after(_KILL_SECONDS):
                                await received.wait()
                        except SandboxError as error:  # raised below: a task group would wrap it
                            trouble = error
                        command.hang_up()
                        with anyio.move_on_after(_KILL_SECONDS):
                            await received.wait()
                tasks.cancel_scope.cancel()
        finally:
            command.close()
        if trouble is not None:
            raise trouble
        return code, killed_by

    async def _end(self, killed_by: KilledBy | None, code: int | None, lost: SandboxError | None) -> KilledBy | None:
        """End all that a command has left; what ended the command, in the end.

        Raises:
            SandboxError: the pod, or the way to it, was lost for no reason of the command's.
        """
        try:
            count = await self._clean()
        except SandboxError as error:
            return await self._recover(lost or error, killed_by)
        more, self._out_of_memory = count > self._out_of_memory, count
        if killed_by is None and code == _KILLED and more:
            return "memory"
        if killed_by is None and (lost is not None or code == _KILLED):
            return await self._recover(lost, None)
        return killed_by

    async def _clean(self) -> int:
        """Kill every process in the seat but its first; how many were ever killed there for want of memory.

        What is running may kill whoever comes to end it: then the next one tries.
        """
        cluster = self._require()
        deadline = time.monotonic() + _KILL_SECONDS
        while True:
            code, said, told = await self._call(run, cluster, self._pod, SEAT, ["/bin/sh", "-c", script.CLEAN])
            if code == 0:
                return sum(int(line) for line in said.split() if line.isdigit())
            if time.monotonic() > deadline:
                raise SandboxError(f"what runs in pod {self._pod} cannot be ended: {told.decode('utf-8', 'replace')}")
            await anyio.sleep(0.02)

    async def _recover(self, error: SandboxError | None, killed_by: KilledBy | None) -> KilledBy | None:
        """After the seat's container, or its pod, may have ended: find out why, and make it ready again.

        Args:
            error: what shows that it has; None where only an exit code makes one think so.

        Raises:
            SandboxError: it was not the command's doing.
        """
        cluster = self._require()
        deadline = time.monotonic() + (_TOLD_SECONDS if error is not None else 0.0)
        while True:
            found: Json = await self._call(cluster.call, "GET", f"{starting.PODS}/{self._pod}")
            why = starting.ended_by(found)
            if why is not None or time.monotonic() > deadline:
                break
            await anyio.sleep(0.3)
        if why is None and killed_by is None:
            if error is None:
                return None
            raise error
        if why not in ("OOMKilled", "Evicted", None):
            raise SandboxError(f"pod {self._pod} of {cluster.place} was ended: {starting.told(found)}") from error
        if why == "Evicted" and "storage" not in starting.told(found) and "emptyDir" not in starting.told(found):
            raise SandboxError(f"pod {self._pod} of {cluster.place} was evicted: {starting.told(found)}") from error
        if why == "OOMKilled" and self._files is not None:
            with contextlib.suppress(OverQuota):
                await self._call(self._files.fetch)
        await self._renew()
        return killed_by or ("memory" if why == "OOMKilled" else "disk")

    async def _renew(self) -> None:
        """A new pod in place of one that cannot go on; its mounts are the host's, scratch space is empty."""
        await self._call(starting.delete, self._require(), self._pod)
        await self._raise_pod()

    async def _take_back(self) -> bool:
        """Bring what was changed to the host; whether it was too much, and was left."""
        if self._files is None:
            return False
        try:
            await self._call(self._files.fetch)
        except OverQuota:
            await self._renew()
            return True
        return False

    def _require(self) -> Cluster:
        if self._cluster is None:
            raise SandboxError("the kubernetes sandbox is closed")
        return self._cluster

    @contextlib.asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        async with contextlib.AsyncExitStack() as stack:
            for lock in self._locks:
                await stack.enter_async_context(lock)
            yield

    async def _call(self, function: Callable[..., T], *args: object, **kwargs: object) -> T:
        """Run something that blocks in a thread."""
        return await anyio.to_thread.run_sync(functools.partial(function, *args, **kwargs), limiter=self._threads)


def _turn(host: Path) -> anyio.Lock:
    """What sandboxes of this thread hold while they use a writable mount: two pods' changes cannot be merged."""
    key = threading.get_ident(), host
    lock = _TURNS.get(key)
    if lock is None:
        lock = _TURNS[key] = anyio.Lock()
    return lock
