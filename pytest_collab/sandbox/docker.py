"""The `docker` sandbox: one locked-down container, in which commands are executed one after another."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeVar

import anyio
import anyio.to_thread

from pytest_collab.errors import SandboxError
from pytest_collab.sandbox.attached import STDOUT, Attached
from pytest_collab.sandbox.base import (
    HOME,
    NOT_EXECUTABLE,
    Command,
    Completed,
    KilledBy,
    Probe,
    Sandbox,
    SandboxSpec,
    environment,
)
from pytest_collab.sandbox.disk import DiskQuota
from pytest_collab.sandbox.engine import LABEL, connect, connected, sweep
from pytest_collab.sandbox.image import ensure_image
from pytest_collab.sandbox.output import BoundedOutput
from pytest_collab.sandbox.owner import owner
from pytest_collab.sandbox.rlimits import OPEN_FILES
from pytest_collab.sandbox.watchdog import Watchdog

_MEGABYTE = 1024 * 1024
_KILL_SECONDS = 10.0
_OOM_SECONDS = 0.5
_INSTALL = "install and start docker (apt-get install docker.io), or set DOCKER_HOST to an engine that runs"

# The container's first process sleeps and reaps orphans. Its user is not the commands': they can neither trace
# nor signal it, and `kill -9 -1` spares it and its one child.
_OWN_PROCESSES = 2
_FIRST = "while :; do sleep 86400 & wait $!; done"
# The command's shell outlives it by one system call, which ends whatever it left in the background.
_LAUNCH = f'cd -- "$1" || exit {NOT_EXECUTABLE}\nshift\n(exec "$@")\ncode=$?\nkill -9 -1 2>/dev/null\nexit $code'
_KILLED = 128 + 9

T = TypeVar("T")


class DockerSandbox(Sandbox):
    """Runs commands in a container without network, capabilities, privileges or a writable root.

    Commands of one sandbox run one after another: a command's processes end with it, and all processes of a
    container are one namespace. The user is the one who runs pytest; for root that is root without any
    capability. A command that has to be killed while it holds the container's last process slot costs the
    container a restart, which empties /tmp and home.
    """

    name: ClassVar[str] = "docker"
    isolating: ClassVar[bool] = True
    imaged: ClassVar[bool] = True

    def __init__(self, spec: SandboxSpec) -> None:
        super().__init__(spec)
        self._api: Any = None
        self._container = ""
        self._turn = anyio.Lock()
        self._quota = DiskQuota((), 0, 0)

    @classmethod
    async def probe(cls) -> Probe:
        """See the base class. An engine has to answer; what images it has is not looked at."""

        def ask() -> Probe:
            with connected() as api:
                found = api.version()
            if found.get("Os") != "linux":
                return Probe(cls.name, False, f"the engine runs {found.get('Os')} containers", "switch it to linux")
            return Probe(cls.name, True, f"docker engine {found.get('Version')} answers")

        try:
            return await anyio.to_thread.run_sync(ask)
        except SandboxError as error:
            return Probe(cls.name, False, str(error), _INSTALL)

    async def start(self) -> None:
        """See the base class."""
        if self._container:
            raise SandboxError("the docker sandbox has been started already")
        self.check_mounts()
        self._quota = DiskQuota(
            (mount.host for mount in self.spec.writable), self.spec.disk_mb * _MEGABYTE, self.spec.entries
        )
        await self._quota.start()
        try:
            with anyio.CancelScope(shield=True):
                self._api = await anyio.to_thread.run_sync(connect)
                self._container = await self._call(self._create)
                await self._call(self._api.start, self._container)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """See the base class."""
        api, self._api = self._api, None
        container, self._container = self._container, ""
        if api is None:
            return

        def remove() -> None:
            from docker.errors import APIError, NotFound

            try:
                if container:
                    api.remove_container(container, force=True, v=True)
            except NotFound:
                pass
            except APIError as error:
                raise SandboxError(f"docker could not remove container {container[:12]}: {error}") from error
            finally:
                api.close()

        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(remove)

    async def execute(self, command: Command) -> Completed:
        """See the base class. The time limit starts when this command's turn comes."""
        if not self._container:
            raise SandboxError("the docker sandbox is not started; use it as `async with`")
        words = ["/bin/sh", "-c", _LAUNCH, "sh", command.cwd, *command.words]
        variables = environment(self.spec, command.env, home=HOME, path=None, tmp="/tmp")
        async with self._turn:
            started = time.monotonic()
            # Once it runs, nothing may keep us from watching it.
            with anyio.CancelScope(shield=True):
                started_as, attached = await self._call(self._execute, words, variables, bool(command.stdin))
            streams = (BoundedOutput(command.output_limit), BoundedOutput(command.output_limit))
            try:
                killed_by = await self._follow(started_as, attached, command.stdin, streams, command.timeout)
            finally:
                attached.close()
            code = await self._exit_code(started_as) if killed_by is None else None
            if code is not None:
                # A command can keep its shell from ending what it left in the background.
                if await self._call(self._has_strays):
                    await self._kill_all(started_as)
                if code == _KILLED and await self._out_of_memory(time.time() - (time.monotonic() - started)):
                    killed_by = "memory"
            return Completed(
                exit_code=code,
                stdout=streams[0].text(),
                stderr=streams[1].text(),
                timed_out=killed_by == "timeout",
                killed_by=killed_by,
                duration_s=time.monotonic() - started,
            )

    def _execute(self, words: list[str], variables: Mapping[str, str], stdin: bool) -> tuple[str, Attached]:
        """Start a command; its id at the engine, and the connection to it."""
        made = self._api.exec_create(self._container, words, stdin=stdin, environment=variables, user=_user())
        return made["Id"], Attached(self._api.exec_start(made["Id"], socket=True))

    async def _follow(
        self,
        command: str,
        attached: Attached,
        stdin: bytes,
        streams: tuple[BoundedOutput, BoundedOutput],
        timeout: float,
    ) -> KilledBy | None:
        """Feed and read a command to its end; kill it if a limit is broken or the caller is cancelled."""
        killed_by: KilledBy | None = None
        done = anyio.Event()
        complete = anyio.Event()  # nobody holds the streams any more
        received = anyio.Event()  # or nobody reads them any more

        def end(reason: KilledBy | None) -> None:
            nonlocal killed_by
            if not done.is_set():
                killed_by = reason
                done.set()

        async def receive() -> None:
            try:
                async for stream, chunk in attached.receive():
                    streams[0 if stream == STDOUT else 1].feed(chunk)
                    if streams[0].total + streams[1].total > self.spec.output_mb * _MEGABYTE:
                        end("output")
                complete.set()
                end(None)
            finally:
                received.set()

        async def watch() -> None:
            end(await watchdog.watch(None))

        watchdog = Watchdog(self.spec, self._quota, frozenset({"memory", "pids"}))
        failure: SandboxError | None = None
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(receive)
            if stdin:
                tasks.start_soon(attached.send, stdin)
            if watchdog.needed:
                tasks.start_soon(watch)
            try:
                with anyio.move_on_after(timeout) as clock:
                    await done.wait()
                if clock.cancelled_caught:
                    end("timeout")
            finally:
                if not complete.is_set():
                    with anyio.CancelScope(shield=True):
                        try:
                            await self._kill_all(command)
                            with anyio.move_on_after(_KILL_SECONDS):
                                await received.wait()
                        except SandboxError as error:  # raised below: a task group would wrap it
                            failure = error
            tasks.cancel_scope.cancel()
        if failure is not None:
            raise failure
        return killed_by

    def _has_strays(self) -> bool:
        """Whether anything runs in the container besides its first process and that one's child."""
        return len(self._api.top(self._container)["Processes"]) > _OWN_PROCESSES

    async def _kill_all(self, command: str) -> None:
        """Kill every process in the container but its first; restart it if that is refused.

        The engine answers before a command has started, so killing goes on until it has ended.
        """

        def kill() -> bool | None:
            """True if it has ended, None if it has not, False if nothing can be executed there."""
            from docker.errors import APIError

            try:
                killer = self._api.exec_create(self._container, ["/bin/sh", "-c", "kill -9 -1"], user=_user())["Id"]
                self._api.exec_start(killer)
                if self._api.exec_inspect(killer)["ExitCode"] not in (0, 1):  # 1: there was nothing to kill
                    return False
                return True if self._api.exec_inspect(command)["ExitCode"] is not None else None
            except APIError:
                return False

        def restart() -> None:
            self._api.kill(self._container)
            self._api.wait(self._container, timeout=_KILL_SECONDS)
            self._api.start(self._container)

        ended = None
        with anyio.move_on_after(_KILL_SECONDS):
            while (ended := await self._call(kill)) is None:
                await anyio.sleep(0.01)
        if not ended:
            await self._call(restart)

    async def _exit_code(self, command: str) -> int:
        """The exit code, which the engine may know a moment after the streams have ended."""
        with anyio.move_on_after(_KILL_SECONDS):
            pause = 0.001
            while True:
                found = await self._call(self._api.exec_inspect, command)
                if not found["Running"] and found["ExitCode"] is not None:
                    return int(found["ExitCode"])
                await anyio.sleep(pause)
                pause = min(2 * pause, 0.1)
        raise SandboxError("docker does not say how the command ended")

    async def _out_of_memory(self, since: float) -> bool:
        """Whether the engine tells of an out-of-memory kill; its notice may come a moment late."""

        def look() -> bool:
            filters = {"container": self._container, "event": "oom"}
            events = self._api.events(since=f"{since:.9f}", until=f"{time.time():.9f}", filters=filters)
            with contextlib.closing(events):
                return any(True for _ in events)

        deadline = time.monotonic() + _OOM_SECONDS
        while not (found := await self._call(look)) and time.monotonic() < deadline:
            await anyio.sleep(0.05)
        return found

    def _create(self) -> str:
        from docker.types import Mount as Bind
        from docker.types import Ulimit

        sweep(self._api)
        spec = self.spec
        uid, gid = os.getuid(), os.getgid()
        size = spec.disk_mb * _MEGABYTE
        own = f"uid={uid},gid={gid},mode=755,size={size},exec,nosuid,nodev"
        scratch = {"/tmp": f"mode=1777,size={size},exec,nosuid,nodev", HOME: own}
        if spec.mount_of(spec.workdir) is None:
            scratch[spec.workdir] = own
        limits = {"core": 0, "fsize": spec.file_bytes, "nofile": OPEN_FILES}
        mounts = sorted(spec.mounts, key=lambda mount: mount.inside.count("/"))
        options: dict[str, Any] = {}
        if spec.cpus is not None:
            options["nano_cpus"] = int(spec.cpus * 1e9)
        host = self._api.create_host_config(
            mounts=[Bind(m.inside, str(m.host), type="bind", read_only=not m.writable) for m in mounts],
            tmpfs=scratch,
            read_only=True,
            network_mode="bridge" if spec.network else "none",
            ipc_mode="private",
            mem_limit=spec.memory_mb * _MEGABYTE,
            memswap_limit=spec.memory_mb * _MEGABYTE,
            pids_limit=spec.pids,
            shm_size=size,
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            ulimits=[Ulimit(name=name, soft=value, hard=value) for name, value in limits.items()],
            log_config={"Type": "none"},
            **options,
        )
        made = self._api.create_container(
            ensure_image(self._api, spec),
            entrypoint=["/bin/sh", "-c"],
            command=[_FIRST],
            user=_other_user(),
            working_dir="/",
            hostname="sandbox",
            healthcheck={"test": ["NONE"]},
            labels={LABEL: owner()},
            host_config=host,
        )
        identity: str = made["Id"]
        return identity

    async def _call(self, function: Callable[..., T], *args: object, **kwargs: object) -> T:
        """Call the engine in a thread; what it refuses becomes a SandboxError."""

        def guarded() -> T:
            import requests
            from docker.errors import DockerException

            try:
                return function(*args, **kwargs)
            except (DockerException, requests.RequestException) as error:
                raise SandboxError(f"docker: {error}") from error

        return await anyio.to_thread.run_sync(guarded)


def _user() -> str:
    return f"{os.getuid()}:{os.getgid()}"


def _other_user() -> str:
    return "65534:65534" if os.getuid() != 65534 else "65533:65533"
