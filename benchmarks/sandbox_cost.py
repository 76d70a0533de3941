"""What a command costs in each sandbox, as a multiple of a bare subprocess measured in the same run.

    python -m benchmarks.sandbox_cost [--commands 50] [--rounds 5]

Rounds alternate between the sandboxes, so that a busy machine slows all of them alike; the figure of each is
the median over rounds of the mean per command. `docker` needs an engine: DOCKER_HOST, or, as root with
docker.io installed, one that is started for the benchmark.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import resource
import statistics
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio

from pytest_collab.sandbox import Mount, Sandbox, SandboxSpec
from pytest_collab.sandbox.choose import sandbox_types
from tests.support.docker_engine import IMAGE, EngineUnavailable, add_image, running_engine

COMMAND = ["true"]
Round = Callable[[int], Awaitable[float]]


async def bare(commands: int) -> float:
    """Seconds for plain subprocesses with captured output."""
    started = time.perf_counter()
    for _ in range(commands):
        subprocess.run(COMMAND, stdin=subprocess.DEVNULL, capture_output=True, check=True)
    return time.perf_counter() - started


def in_sandbox(sandbox: Sandbox) -> Round:
    """The same commands, in a sandbox that is started already."""

    async def run(commands: int) -> float:
        started = time.perf_counter()
        for _ in range(commands):
            done = await sandbox.run(COMMAND, timeout=60)
            assert done.ok, done
        return time.perf_counter() - started

    return run


async def measure(commands: int, rounds: int, image: str | None) -> None:
    """Print a line per sandbox."""
    rows: dict[str, Round] = {"bare subprocess": bare}
    starts: dict[str, float] = {}
    async with contextlib.AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for name, kind in sandbox_types().items():
            spec = SandboxSpec(
                mounts=(Mount(folder, "/work", writable=True),), image=image if name == "docker" else None
            )
            if name == "docker" and image is None:
                continue
            found = await kind.probe()
            if not found.works:
                print(f"{name}: {found.reason}; {found.fix}")
                continue
            sandbox = kind(spec)
            began = time.perf_counter()
            await stack.enter_async_context(sandbox)
            starts[name] = time.perf_counter() - began
            rows[name] = in_sandbox(sandbox)
        times: dict[str, list[float]] = {name: [] for name in rows}
        for _ in range(rounds):
            for name, run in rows.items():
                times[name].append(await run(commands) / commands)
    base = statistics.median(times["bare subprocess"])
    print(f"{'':18}{'ms a command':>14}{'x bare':>9}{'ms to start':>13}")
    for name, found_times in times.items():
        median = statistics.median(found_times)
        start = f"{starts[name] * 1000:13.1f}" if name in starts else ""
        print(f"{name:18}{median * 1000:14.2f}{median / base:9.1f}{start}")
    print(
        f"load average {os.getloadavg()[0]:.1f}, {os.cpu_count()} processors, {rounds} rounds of {commands} commands"
    )
    print(f"peak memory of this process {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--commands", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with contextlib.ExitStack() as stack:
        image = None
        try:
            address = stack.enter_context(running_engine())
            os.environ["DOCKER_HOST"] = address
            add_image(address, Path(stack.enter_context(tempfile.TemporaryDirectory())))
            image = IMAGE
        except EngineUnavailable as reason:
            print(f"docker: {reason}")
        anyio.run(measure, options.commands, options.rounds, image)


if __name__ == "__main__":
    main()
