"""Players on a Ray cluster."""

from __future__ import annotations

import asyncio
import logging
import os
import zlib
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from pytest_collab.cluster.engine import CannotStart, PlayerLost, Session
from pytest_collab.cluster.hello import About, Batch, Played
from pytest_collab.cluster.ray_actors import BankActor, PlayerActor
from pytest_collab.cluster.spec import EpisodeSpec
from pytest_collab.cluster.wire import Failed, unpacked
from pytest_collab.episode.executor import NoPlayers
from pytest_collab.episode.limits import BudgetSpent
from pytest_collab.errors import UsageError

OLDEST: Final = (2, 50)
BEYOND: Final = 3
"""Versions of Ray that were tried: from the first to below the second."""

INSTALL: Final = "pip install 'pytest-collab[ray]'"

SPARE: Final = 16
"""Calls beside its plays that a player takes at the same time."""

LEAVING_S: Final = 5.0
"""How long the cluster may take to let the driver go."""

PULSE_S: Final = 5.0
"""How often the driver looks whether the head's services are there."""

GONE_S: Final = 40.0
"""When they have not answered for so long, the session ends. A head that is fault-tolerant comes back sooner; after
60 s Ray ends the driver's process without a word."""

NOT_SHIPPED: Final = ("/.git", "/.venv", "/venv", "/.collab", "__pycache__")
"""What of the rootdir players do not need, as in .gitignore."""


class RayEngine:
    """Long-lived actors, each of which plays many episodes; Ray's own retries are off.

    The files below pytest's rootdir go to the nodes but for those that git ignores; the agents file goes as it is.
    """

    shares_disk = False

    def __init__(self, session: Session) -> None:
        self._session = session
        self.desk = RayDesk()
        self._ray: Any = None
        self._most = 1
        self._has: dict[str, float] = {}
        self._watch: asyncio.Task[None] | None = None

    @classmethod
    def check(cls) -> None:
        """See that there is a cluster to play on, without asking it.

        Raises:
            UsageError: Ray is not installed, is of another version, or nobody says where its cluster is.
        """
        try:
            found = version("ray")
        except PackageNotFoundError:
            raise UsageError(f"--collab-executor=ray needs the package ray: {INSTALL}") from None
        numbers = tuple(int(part) for part in found.split(".")[:2] if part.isdecimal())
        if not OLDEST <= numbers < (BEYOND,):
            raise UsageError(
                f"--collab-executor=ray works with ray >={OLDEST[0]}.{OLDEST[1]},<{BEYOND}, and {found} is here: "
                f"{INSTALL}, on every node"
            )
        address = os.environ.get("RAY_ADDRESS", "")
        if not address:
            raise UsageError(
                "--collab-executor=ray: RAY_ADDRESS is not set, and no cluster is started in silence. Start one "
                "(`ray start --head`) and set RAY_ADDRESS=auto on a machine of it, or run this by `ray job submit`"
            )
        if address.startswith("ray://"):
            raise UsageError(
                f"--collab-executor=ray: RAY_ADDRESS={address} is a Ray Client, which loses long sessions. "
                "Run pytest on a machine of the cluster: `ray job submit -- pytest ...`, or in a pod"
            )

    async def open(self) -> int:
        """Connect. As many players as the cluster has processors, or as were asked for."""
        await asyncio.to_thread(self._connect)
        ray, session = self._ray, self._session
        self._watch = asyncio.create_task(self._watched(ray.get_runtime_context().gcs_address))
        bank = ray.remote(BankActor).options(
            name=f"collab-bank-{uuid4().hex[:8]}",
            num_cpus=0,
            max_restarts=0,
            max_task_retries=0,
            max_concurrency=2 * session.in_flight + 100,
            scheduling_strategy=ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(
                ray.get_runtime_context().get_node_id(), soft=False
            ),
        )
        self.desk.bank = bank.remote(str(session.shared), session.max_cost_usd)
        self._has = ray.cluster_resources()
        processors = int(self._has.get("CPU", 0))
        self._most = session.most or max(1, processors)
        return self._most

    async def _watched(self, address: str) -> None:
        """See when the head is gone: a call to an actor may wait for ever then, since nobody says that it is dead.

        What the cluster has is asked here, too: asked on the event loop, it would wait for the head, and all with it.
        """
        host, _, port = address.rpartition(":")
        silent_s = 0.0
        while silent_s < GONE_S:
            await asyncio.sleep(PULSE_S)
            try:
                _, writer = await asyncio.wait_for(asyncio.open_connection(host.strip("[]"), int(port)), PULSE_S)
                writer.close()
                self._has = await asyncio.wait_for(asyncio.to_thread(self._ray.cluster_resources), PULSE_S)
                silent_s = 0.0
            except Exception:  # OSError, TimeoutError, what Ray has for it
                silent_s += PULSE_S
        self.desk.gone.set()

    def _connect(self) -> None:
        import ray
        import ray.exceptions
        import ray.util.scheduling_strategies

        self._ray = ray
        if ray.is_initialized():
            return
        try:
            ray.init(
                namespace="pytest-collab",
                log_to_driver=False,
                logging_level=logging.ERROR,
                configure_logging=False,
                runtime_env=self._files(),
            )
        except (ConnectionError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
            raise UsageError(f"--collab-executor=ray: no cluster at RAY_ADDRESS: {error}") from None

    def _files(self) -> dict[str, Any]:
        """What nodes are given. No variable of the environment is in it: Ray writes those to its logs."""
        if "RAY_JOB_CONFIG_JSON_ENV_VAR" in os.environ:
            return {}  # submitted as a job, whose files the nodes have already
        root = self._session.root
        runs = [f"/{path.parent.name}" for path in root.glob("*/episodes.jsonl")]
        return {"working_dir": str(root), "excludes": [*NOT_SHIPPED, *runs]}

    def hire(self, name: str, needs: frozenset[str]) -> RayPlayer:
        """Start an actor, on a node that has what is needed, where nodes say what they have."""
        ray, session = self._ray, self._session
        special = {need: 1 for need in needs if need in self._has and need != "gpu"}
        actor = ray.remote(PlayerActor).options(
            num_cpus=1,
            num_gpus=1 if "gpu" in needs else 0,
            resources=special,
            max_restarts=0,
            max_task_retries=0,
            max_concurrency=session.in_flight + SPARE,
            scheduling_strategy="SPREAD",
        )
        options = dict(session.hello.options)
        told = options.pop("collab_agents_file", None) or session.agents_file
        root = None if "working_dir" in self._files() else os.path.relpath(session.root)
        hello = session.hello.model_copy(update={"name": name, "root": root, "options": options})
        text = Path(told).read_text(encoding="utf-8") if told else None
        return RayPlayer(name, actor.remote(hello.model_dump(), text, self.desk.bank), ray, self.desk.gone)

    def room(self, needs: frozenset[str]) -> int:
        """What nodes say that they have is shared out, one a player. What no node names, all are taken to have."""
        names = ("GPU" if need == "gpu" else need for need in needs)
        return min([self._most, *(int(self._has[name]) for name in names if name in self._has)])

    async def close(self) -> None:
        """Leave the cluster."""
        if self._watch is not None:
            self._watch.cancel()
        with suppress(Exception):
            self._ray.kill(self.desk.bank)
        with suppress(TimeoutError):  # without the head's services it may take for ever
            await asyncio.wait_for(asyncio.to_thread(self._ray.shutdown), LEAVING_S)


class RayDesk:
    """The bank, as the driver asks it. When it is gone, with Ray on the driver's machine, nothing can be played.

    Attributes:
        bank: the actor; set when the cluster is connected.
        gone: set when the head's services are.
    """

    bank: Any = None

    def __init__(self) -> None:
        self.gone = asyncio.Event()

    async def admit(self, episode: str, likely_usd: float) -> None:
        """As `Desk.admit`."""
        refusal = await self._asked(self.bank.admit.remote(episode, likely_usd))
        if refusal is not None:
            raise BudgetSpent(refusal)

    async def spent_on(self, episode: str) -> float:
        """As `Desk.spent_on`."""
        return float(await self._asked(self.bank.spent_on.remote(episode)))

    async def settle(self, episode: str) -> None:
        """As `Desk.settle`."""
        with suppress(NoPlayers):  # the episode has ended all the same
            await self._asked(self.bank.settle.remote(episode))

    async def forget(self, player: str) -> None:
        """As `Desk.forget`."""
        await self._asked(self.bank.forget.remote(player))

    async def _asked(self, answer: Any) -> Any:
        from ray.exceptions import RayError

        try:
            return await _answered(answer, self.gone)
        except (RayError, _Gone) as error:
            raise NoPlayers(
                f"Ray is gone from the driver's machine, and with it the count of money and calls "
                f"({type(error).__name__.strip('_')}). Finish the run with --collab-resume"
            ) from None


class _Gone(Exception):
    """The head's services do not answer."""


async def _answered(reference: Any, gone: asyncio.Event) -> Any:
    """What an actor answers.

    Raises:
        _Gone: Ray's head was gone before.
    """

    async def answer() -> Any:
        return await reference

    told, ended = asyncio.ensure_future(answer()), asyncio.ensure_future(gone.wait())
    try:
        await asyncio.wait([told, ended], return_when=asyncio.FIRST_COMPLETED)
        if told.done():
            return told.result()
    finally:
        told.cancel()
        ended.cancel()
    raise _Gone("Ray's head is gone")


class RayPlayer:
    """One actor, as the driver sees it."""

    def __init__(self, name: str, actor: Any, ray: Any, gone: asyncio.Event) -> None:
        self.name = name
        self._gone = gone
        self._actor = actor
        self._ray = ray
        self._host = ""

    async def ready(self) -> About:
        """Wait until it is scheduled and has read what a session reads."""
        try:
            about = About.model_validate(await self._ask(self._actor.ready.remote))
        except (UsageError, Failed) as error:
            raise CannotStart(str(error)) from None
        self._host = about.host
        return about

    async def lost(self) -> str:
        """Never: Ray notices what is gone, and says so to who waits for it."""
        return str(await asyncio.get_running_loop().create_future())

    async def prepare(self, batch: Batch) -> None:
        """Let it make a task ready."""
        await self._ask(partial(self._actor.prepare.remote, batch.model_dump(mode="json")))

    async def play(self, spec: EpisodeSpec, lease: str) -> Played:
        """Let it play."""
        record, transcript = await self._ask(partial(self._actor.play.remote, spec.model_dump(mode="json"), lease))
        return Played(record=record, transcript=zlib.decompress(transcript).decode("ascii"))

    async def _ask(self, call: Callable[[], Any]) -> Any:
        """What the actor answers. That a call may have run all the same when its actor is not there is the lease's
        affair."""
        try:
            return unpacked(await _answered(call(), self._gone))
        except (self._ray.exceptions.RayError, _Gone) as error:
            kind = type(error).__name__.strip("_")
            first = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
            raise PlayerLost(f"{kind}: {first[:300]}") from None

    def break_off(self, lease: str) -> None:
        """End a play."""
        with suppress(self._ray.exceptions.RayError):
            self._actor.break_off.remote(lease)

    async def close(self, patience: float) -> None:
        """End it, gently where there is time."""
        with suppress(Exception):
            if patience:
                await asyncio.wait_for(self._actor.close.remote(), patience)
        with suppress(Exception):
            self._ray.kill(self._actor)
