"""Calls a second and CPU time a call, beside the bare SDK's, at a simulated latency of 200 ms.

    python benchmarks/provider_throughput.py [--latency 0.2] [--in-flight 1,8,64,256]

The server runs in a process of its own; CPU time is that of the client's process.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from pytest_collab.agents.registry import Registry  # noqa: E402
from pytest_collab.agents.settings import AgentSettings  # noqa: E402
from pytest_collab.episode.agent import Request, Turn  # noqa: E402

REQUEST = Request("a", 0, "Be brief. " * 50, (Turn("user", "What is the number? " * 20),))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--latency", type=float, default=0.2)
    parser.add_argument("--in-flight", default="1,8,64,256")
    options = parser.parse_args()
    command = [sys.executable, "-m", "tests.support.model_server", str(options.latency)]
    server = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    url = server.stdout.readline().strip()
    head = f"{'provider':<12}{'in flight':>10}{'ideal/s':>9}{'SDK/s':>8}{'ours/s':>8}{'SDK ms':>9}{'ours ms':>9}"
    print(f"{head}  (CPU a call)")
    try:
        for provider in ("anthropic", "openai", "openai-chat"):
            for in_flight in map(int, options.in_flight.split(",")):
                asyncio.run(row(provider, url, in_flight, options.latency))
    finally:
        server.communicate()


async def row(provider: str, url: str, in_flight: int, latency: float) -> None:
    """Measure one line of the table."""
    with tempfile.TemporaryDirectory() as shared:
        settings = AgentSettings.model_validate(
            {
                "provider": provider,
                "model": "tested",
                "base_url": url if provider == "anthropic" else f"{url}/v1",
                "limits": {"in_flight": in_flight},
            }
        )
        agent = Registry(shared=Path(shared))._model("tested", settings)
        client = agent._client()
        calls = max(8, in_flight * 5)
        bare = await measure(lambda: sdk(agent, client), calls, in_flight)
        ours = await measure(lambda: agent.reply(REQUEST), calls, in_flight)
        await agent.aclose()
    print(
        f"{provider:<12}{in_flight:>10}{in_flight / latency:>9.0f}{bare[0]:>8.1f}{ours[0]:>8.1f}"
        f"{bare[1] * 1000:>9.2f}{ours[1] * 1000:>9.2f}",
        flush=True,
    )


def sdk(agent: Any, client: Any) -> Awaitable[Any]:
    """The same call by the SDK alone."""
    body = agent.body(REQUEST)
    if agent.settings.provider == "anthropic":
        return client.messages.create(**body)
    return (
        client.responses.create(**body)
        if agent.settings.provider == "openai"
        else client.chat.completions.create(**body)
    )


async def measure(call: Callable[[], Awaitable[Any]], calls: int, in_flight: int) -> tuple[float, float]:
    """Calls a second, and CPU seconds a call."""
    await asyncio.gather(*(call() for _ in range(in_flight)))  # connections are open from here on
    gc.collect()
    left = calls

    async def worker() -> None:
        nonlocal left
        while left > 0:
            left -= 1
            await call()

    began, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(worker() for _ in range(in_flight)))
    return calls / (time.perf_counter() - began), (time.process_time() - cpu) / calls


if __name__ == "__main__":
    main()
