"""Is a limit of requests per minute kept by all xdist workers together, and used?

    python benchmarks/rate_limit.py [--workers 4] [--limit 600] [--seconds 75]

Runs pytest with real workers whose agents share one limit, and reads the server's own log of arrivals: every
sliding window of a minute is checked. Shorter windows are shown, for the evenness of the load.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from bisect import bisect_left
from pathlib import Path

ROOT = Path(__file__).parents[1]

CONFTEST = """
import os
from pathlib import Path
from pytest_collab.agents.registry import Registry
from tests.support.handshake import HandshakeFamily

HERE = Path(__file__).parent
registry = Registry(agents_file=HERE / "collab-agents.yaml", shared=HERE / "shared")

def pytest_collab_families(config):
    return [HandshakeFamily()]

def pytest_collab_make_agent(config, name):
    return registry.get(name) if name == "limited" else None
"""

TEST = """
from pytest_collab import task
from tests.support.handshake import Handshake

@task(Handshake(turns=2, numbers=1000), seeds={seeds}, conditions=["team"])
def test_shake(episode):
    assert episode.usage
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--limit", type=int, default=600)
    parser.add_argument("--seconds", type=float, default=75.0)
    options = parser.parse_args()
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tests.support.model_server", "0.2"]
    server = subprocess.Popen(command, cwd=ROOT, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    url = server.stdout.readline().strip()
    agent = {"provider": "openai-chat", "model": "m", "base_url": f"{url}/v1", "price": {"input": 0, "output": 0}}
    agent["limits"] = {"requests_per_minute": options.limit}
    calls = int(options.limit * options.seconds / 60)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "collab-agents.yaml").write_text(json.dumps({"agents": {"limited": agent}}))
        (folder / "conftest.py").write_text(CONFTEST)
        (folder / "test_limit.py").write_text(TEST.format(seeds=calls // 2))
        pytest = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "--tb=line",
            "-p",
            "no:cacheprovider",
            "-n",
            str(options.workers),
        ]
        run = [*pytest, "--agents=limited", "--collab-teams=limited+limited", "--collab-in-flight=8"]
        done = subprocess.run(run, cwd=folder, env=env, capture_output=True, text=True, check=False)
    output, _ = server.communicate()
    arrivals = sorted(json.loads(output.strip().splitlines()[-1]))
    if len(arrivals) < calls // 2:
        raise SystemExit(done.stdout[-2000:] + done.stderr[-2000:])
    report(arrivals, options.limit, options.workers)


def report(arrivals: list[float], limit: int, workers: int) -> None:
    """Print what the server saw.

    Raises:
        SystemExit: a window held more calls than the limit allows, or less than 90 % of it was used.
    """
    span = arrivals[-1] - arrivals[0]
    print(f"{len(arrivals)} calls by {workers} workers in {span:.1f} s; the limit is {limit} a minute")
    kept = True
    for window in (60.0, 10.0, 1.0):
        fullest = max(bisect_left(arrivals, start + window) - index for index, start in enumerate(arrivals))
        kept &= window < 60 or fullest <= limit
        print(f"fullest sliding window of {window:.0f} s: {fullest} calls ({limit * window / 60:.0f} is the mean)")
    used = (len(arrivals) - 1) * 60 / span / limit
    print(f"used: {used:.1%} of the limit")
    if not kept or used < 0.9:
        raise SystemExit("the limit was not kept, or not used to 90 %")


if __name__ == "__main__":
    main()
