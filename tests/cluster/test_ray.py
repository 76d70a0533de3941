"""The same promises on a real Ray cluster: a head and two nodes on this machine, each with its own files.

Every node is `ray start --block` in a mount namespace of its own: private /tmp, /dev/shm and HOME, and no sight
of the folder that the session is started in. Where namespaces are not allowed the tests are skipped.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import pytest

from pytest_collab import families
from pytest_collab.cluster import ray_engine
from pytest_collab.cluster.hello import Hello, Played
from pytest_collab.cluster.ray_actors import BankGone, PlayerActor
from pytest_collab.cluster.spec import EpisodeSpec
from pytest_collab.errors import UsageError
from tests.cluster.test_executor import planned
from tests.cluster.test_subprocess import ROOT, alive, lines, told, wait_until
from tests.support.handshake import HandshakeFamily
from tests.support.model_server import ModelServer, Say
from tests.support.soak import shake

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
pytest.importorskip("ray", reason="needs pip install 'pytest-collab[ray]'")
from ray.exceptions import ActorUnavailableError  # noqa: E402

PORT = 23790
CANARY = "sk-canary-5c19d07be4"
CONFTEST = """
from tests.support.handshake import HandshakeFamily

def pytest_collab_families(config):
    return [HandshakeFamily()]
"""


@dataclass
class Node:
    """One node. `process` is `ray start`, in a namespace that others can enter or look into by its pid."""

    number: int
    process: subprocess.Popen[bytes]

    @property
    def raylet(self) -> int:
        mine = ((pid, command) for pid, parent, command in processes() if parent == self.process.pid)
        return next(pid for pid, command in mine if command.partition(" ")[0].endswith("/raylet"))

    @property
    def seen(self) -> Path:
        """The node's own file system, from outside."""
        return Path(f"/proc/{self.process.pid}/root")


def processes() -> Iterator[tuple[int, int, str]]:
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int(folder.joinpath("stat").read_text().rpartition(")")[2].split()[1])
            command = folder.joinpath("cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except (OSError, ValueError):
            continue
        yield int(folder.name), parent, command


def environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("RAY_", "PYTEST_"))}
    return kept | {
        "PYTHONPATH": str(ROOT),
        "RAY_USAGE_STATS_ENABLED": "0",
        "PYTHONUNBUFFERED": "1",
        "HOME": "/tmp/home",
        "TMPDIR": "/tmp",
    }


def start(number: int, processors: int, log: Path) -> Node:
    """Start a node; its address is 127.0.0.1N. Under load a node may not come up within Ray's own 30 s: once more."""
    first = 24000 + 1000 * number
    where = (
        ["--head", f"--port={PORT}", "--include-dashboard=false"] if number == 1 else [f"--address=127.0.0.11:{PORT}"]
    )
    ray = [
        sys.executable, "-c", "from ray.scripts.scripts import main; main()", "start", "--block", *where,
        f"--node-ip-address=127.0.0.1{number}", f"--num-cpus={processors}", "--object-store-memory=150000000",
        f"--min-worker-port={first}", f"--max-worker-port={first + 400}", f"--node-manager-port={first + 501}",
        f"--object-manager-port={first + 502}", f"--dashboard-agent-listen-port={first + 503}",
        f"--dashboard-agent-grpc-port={first + 504}", f"--metrics-export-port={first + 505}",
        "--include-log-monitor=false",
        f"--runtime-env-agent-port={first + 506}",
    ]  # fmt: skip
    hidden = ["/tmp"] if number == 1 else ["/tmp", "/var/tmp"]
    mounts = " && ".join(f"mount -t tmpfs -o size=2g tmpfs {folder}" for folder in ["/dev/shm", *hidden])
    for _ in range(2):
        with log.open("wb") as out:
            process = subprocess.Popen(
                ["unshare", "-m", "sh", "-c", f'{mounts} && mkdir -p /tmp/home && cd / && exec "$@"', "sh", *ray],
                env=environment(), stdout=out, stderr=out, start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + 90
        while process.poll() is None and time.monotonic() < deadline:
            if b"Ray runtime started" in log.read_bytes():
                return Node(number, process)
            time.sleep(0.2)
        process.kill()
    pytest.fail(f"node {number} did not come up: {log.read_text(errors='replace')[-2000:]}")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Node]]:
    if subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode:
        pytest.skip("a node with files of its own needs mount namespaces: run the tests as root")
    for needed in (Path(sys.prefix), ROOT):
        if needed.is_relative_to("/tmp") or needed.is_relative_to("/var/tmp"):
            pytest.skip(f"nodes have a /tmp of their own and could not see {needed}: check out somewhere else")
    logs = tmp_path_factory.mktemp("nodes")
    nodes: list[Node] = []
    try:
        for number, processors in ((1, 0), (2, 2), (3, 2)):
            nodes.append(start(number, processors, logs / f"{number}.log"))
        yield nodes
    finally:
        mine = {node.process.pid for node in nodes}
        for _ in range(3):  # what a node has started, and that again
            mine |= {pid for pid, parent, _ in processes() if parent in mine}
        for pid in mine:
            if alive(pid):
                os.kill(pid, 9)
        for node in nodes:
            node.process.wait()


@pytest.fixture
def folder() -> Iterator[Path]:
    """Where the session is started: of the nodes, only the head's machine has it."""
    made = Path(tempfile.mkdtemp(dir="/var/tmp", prefix="collab-ray-"))
    (made / "conftest.py").write_text(CONFTEST)
    (made / "pytest.ini").write_text("[pytest]\n")
    yield made
    shutil.rmtree(made)
    made.with_name(f"{made.name}.log").unlink(missing_ok=True)


def session(cluster: list[Node], folder: Path, *arguments: str, **more: str) -> subprocess.Popen[bytes]:
    command = [
        "nsenter", "-t", str(cluster[0].process.pid), "-m", "sh", "-c", f'cd {folder} && exec "$@"', "sh",
        sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments,
    ]  # fmt: skip
    with (folder.parent / f"{folder.name}.log").open("ab") as log:
        return subprocess.Popen(
            command, env=environment() | {"RAY_ADDRESS": f"127.0.0.11:{PORT}"} | more, stdout=log, stderr=log
        )


def test_a_killed_node_costs_no_episode_and_no_key_is_anywhere(cluster: list[Node], folder: Path) -> None:
    """Rates and keys over the whole cluster, while the raylet above a player is killed: the server's log decides."""
    with ModelServer(answer=shake) as served:
        served.latency_s = 0.3
        agent = {
            "provider": "openai-chat", "model": "m", "base_url": f"{served.url}/v1", "api_key_env": "RUN_KEY",
            "price": {"input": 0, "output": 100}, "limits": {"in_flight": 4},
        }  # fmt: skip
        (folder / "collab-agents.yaml").write_text(json.dumps({"agents": {"ada": agent}}))
        (folder / ".gitignore").write_text("collab-agents.yaml\n")
        (folder / "shake.collab.yaml").write_text(
            "family: handshake\nparams: {numbers: 10}\nseeds: 24\nconditions: [team]\n"
        )
        driver = session(
            cluster, folder, "--agents=ada", "--collab-executor=ray", "--collab-in-flight=8", "--collab-players=2",
            "--collab-run-dir=out", "--collab-max-cost=100", RUN_KEY=CANARY,
        )  # fmt: skip
        wait_until(lambda: len(served.log) >= 12 or driver.poll() is not None, "calls are made", 200)
        assert driver.poll() is None, log_of(folder)
        shown = [place for node in cluster for place in where_it_shows(node)]
        players = {parent for _, parent, command in processes() if "ray::PlayerActor" in command}
        victim = next(node for node in cluster[1:] if node.raylet in players)
        os.kill(victim.raylet, 9)
        assert driver.wait(400) == pytest.ExitCode.OK, log_of(folder)
    played = lines(folder, "out")
    assert [one["seed"] for one in played] == list(range(24)), "all of them, each once"
    assert any(one.get("lost") for one in played), "some had to be played again"
    assert not shown
    assert not [place for node in cluster for place in where_it_shows(node)]
    arrivals = [line.at for line in served.log]
    together = max(sum(at <= other < at + served.latency_s for other in arrivals) for at in arrivals)
    assert together <= 4 + 4, "no more than are allowed, and those that were under way on the lost node"


def log_of(folder: Path) -> str:
    return (folder.parent / f"{folder.name}.log").read_text(errors="replace")[-4000:]


def where_it_shows(node: Node) -> list[str]:
    """Files of a node (Ray's logs are among them), and what can be read of all processes, in which the key stands."""
    found = []
    for path in (node.seen / "tmp").rglob("*"):
        if path.is_file() and not path.is_symlink() and CANARY.encode() in path.read_bytes():
            found.append(str(path))
    for pid, _, command in processes():
        try:
            if "ray" in command and CANARY.encode() in Path(f"/proc/{pid}/environ").read_bytes() + command.encode():
                found += [command] if "pytest" not in command else []  # the driver's own, which was given it
        except OSError:
            continue
    return found


def test_records_are_those_of_one_machine(cluster: list[Node], folder: Path) -> None:
    tasks = [str(ROOT / "tasks" / name) for name in ("maze/six_by_six.collab.yaml", "market/quick.collab.yaml")]
    for task in tasks:
        shutil.copy(task, folder)
    (folder / "shake.collab.yaml").write_text("family: handshake\nseeds: 5\nconditions: [team, solo]\n")
    ends: list[Any] = []
    for run, more in (("one", ()), ("many", ("--collab-executor=ray", "--collab-in-flight=4", "--collab-players=2"))):
        arguments = ("--collab-teams=partner+silent", "--collab-seeds=2", f"--collab-run-dir={run}", "--tb=no")
        status = session(cluster, folder, *arguments, *more).wait(300)
        assert (folder / run / "episodes.jsonl").exists(), log_of(folder)
        ends.append((status, told(folder, run)))
    assert len(ends[0][1]) > 15
    assert ends[0] == ends[1]
    hosts = {one["worker"].partition("/")[0] for one in lines(folder, "many")}
    assert len(hosts) == 1, "host and player"


def test_the_budget_is_kept_over_all_players(cluster: list[Node], folder: Path) -> None:
    """A dollar a call; an episode begins only if what is left covers it, and what was begun is finished."""
    with ModelServer(answer=lambda call: Say(f"{shake(call).text:<4000}")) as served:
        agent = {
            "provider": "openai-chat", "model": "m", "base_url": f"{served.url}/v1", "api_key_env": "RUN_KEY",
            "price": {"input": 0, "output": 1_000_000 / 1001},
        }  # fmt: skip
        (folder / "collab-agents.yaml").write_text(json.dumps({"agents": {"ada": agent}}))
        (folder / "shake.collab.yaml").write_text("family: handshake\nseeds: 40\nconditions: [team]\n")
        arguments = ("--agents=ada", "--collab-executor=ray", "--collab-in-flight=4", "--collab-players=2")
        more = ("--collab-run-dir=out", "--collab-max-cost=20")
        assert session(cluster, folder, *arguments, *more, RUN_KEY=CANARY).wait(300) == 0, log_of(folder)
    costs = [sum(seat["cost_usd"] for seat in one["usage"].values()) for one in lines(folder, "out")]
    assert sum(costs) == pytest.approx(len(served.log))
    assert 20 - max(costs) * 4 <= sum(costs) <= 20 + max(costs) * 4


def test_other_files_play_nothing(cluster: list[Node], folder: Path) -> None:
    """A node whose family is another one: its conftest.py is that of a player."""
    (folder / "conftest.py").write_text(
        CONFTEST.replace(
            "    return [HandshakeFamily()]",
            "    HandshakeFamily.version = 1 + config.pluginmanager.has_plugin('collab-player')\n"
            "    return [HandshakeFamily()]",
        )
    )
    (folder / "shake.collab.yaml").write_text("family: handshake\nseeds: 5\nconditions: [team]\n")
    arguments = ("--agents=partner", "--collab-executor=ray", "--collab-players=1", "--collab-run-dir=out")
    assert session(cluster, folder, *arguments).wait(200) != 0
    assert "is another one here" in log_of(folder)
    assert not (folder / "out" / "transcripts").exists() or not lines(folder, "out")


def test_what_a_killed_driver_and_a_killed_head_leave_is_resumed(cluster: list[Node], folder: Path) -> None:
    """Last of all: no cluster is left after it. Players end with their driver; without a head no session goes on."""
    with ModelServer(answer=shake) as served:
        served.latency_s = 0.3
        agent = {"provider": "openai-chat", "model": "m", "base_url": f"{served.url}/v1", "api_key_env": "RUN_KEY"}
        (folder / "collab-agents.yaml").write_text(json.dumps({"agents": {"ada": agent}}))
        (folder / "shake.collab.yaml").write_text("family: handshake\nseeds: 16\nconditions: [team]\n")
        arguments = ("--agents=ada", "--collab-executor=ray", "--collab-in-flight=2", "--collab-players=1")
        driver = session(cluster, folder, *arguments, "--collab-run-dir=out", RUN_KEY=CANARY)
        wait_until(lambda: len(served.log) >= 6 or driver.poll() is not None, "calls are made", 200)
        driver.kill()
        driver.wait()
        wait_until(lambda: not any("ray::PlayerActor" in command for *_, command in processes()), "players end", 60)
        before = lines(folder, "out")
        assert 0 < len(before) < 16
        calls = len(served.log)
        driver = session(cluster, folder, *arguments, "--collab-run-dir=out", "--collab-resume", RUN_KEY=CANARY)
        wait_until(lambda: len(served.log) >= calls + 4 or driver.poll() is not None, "calls are made", 200)
        head = cluster[0].process.pid
        os.kill(next(pid for pid, parent, command in processes() if parent == head and "gcs_server" in command), 9)
        assert driver.wait(200) not in (None, pytest.ExitCode.OK), log_of(folder)
        assert "Ray is gone from the driver's machine" in log_of(folder)
        here = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--agents=ada", "--collab-run-dir=out"]
        own = os.environ | {"RUN_KEY": CANARY, "PYTHONPATH": str(ROOT)}
        done = subprocess.run([*here, "--collab-resume"], cwd=folder, env=own, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout
    played = lines(folder, "out")
    assert [one["seed"] for one in played] == list(range(16))
    assert [one for one in played if one in before] == before


@pytest.mark.parametrize("when", ["it is asked", "it is told"])
def test_a_bank_that_cannot_be_reached_is_no_agents_fault(when: str) -> None:
    """What a player plays then is lost: no record of it names an exception of Ray's as what an agent did."""

    class Bank:
        @property
        def answer(self) -> Bank:
            return self

        async def remote(self, *told: object) -> None:
            raise ActorUnavailableError("connection refused", None)

    class Plays:
        async def play(self, spec: object, lease: str) -> Played:
            if when == "it is asked":
                with suppress(Exception):  # as an agent's call of the model, whose errors are its own
                    await actor._line.ask("acquire", "a", {}, 0)
            else:
                actor._line.tell("add", "e", 0.5)
            return Played(record="{}", transcript="")

    if "handshake" not in families.names():
        families.register(HandshakeFamily())
    hello = Hello(name="p1", root=None, folder=".", ini=None, arguments=(), options={})
    actor = PlayerActor(hello.model_dump(), None, Bank())
    actor._performer = Plays()  # type: ignore[assignment]
    spec = EpisodeSpec.of(planned(), ROOT).model_dump(mode="json")
    with pytest.raises(BankGone, match="cannot be reached from"):
        asyncio.run(asyncio.wait_for(actor.play(spec, "e#1"), 20))


@pytest.mark.parametrize(
    ("address", "words"),
    [("", "RAY_ADDRESS is not set"), ("ray://head:10001", "is a Ray Client")],
)
def test_no_cluster_is_refused(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, address: str, words: str
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", address)
    done = suite.runpytest_inprocess("--agents=partner", "--collab-executor=ray")
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    assert words in done.stderr.str()


def test_another_version_of_ray_and_none_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_engine, "version", lambda name: "3.0.1")
    with pytest.raises(UsageError, match=r"works with ray >=2\.50,<3, and 3\.0\.1 is here"):
        ray_engine.RayEngine.check()

    def missing(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(ray_engine, "version", missing)
    with pytest.raises(UsageError, match=r"pip install 'pytest-collab\[ray\]'"):
        ray_engine.RayEngine.check()
