"""What an episode costs the thread that reports it, by what came of it. Prints milliseconds of CPU.

    python benchmarks/failed_episodes.py [--episodes 300]

Episodes are played in another thread, whose time does not count, and neither does that of the report page, which has
a budget of its own. What is left is what a driver cannot share: looking ahead, waiting, telling the story.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
PARAMS = {"maze": "{size: 6, walls: 0.30, path: [7, 9]}", "handshake": "{numbers: 10}"}
TASK = "family: %s\nparams: %s\nseeds: %d\nconditions: [team]\n"

CONFTEST = """
import json, time
from pathlib import Path

import pytest
from tests.support.handshake import HandshakeFamily

SPENT = []

def pytest_collab_families(config):
    return [HandshakeFamily()]

@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item):
    began = time.thread_time()
    result = yield
    SPENT.append(1000 * (time.thread_time() - began))
    return result

def pytest_sessionfinish():
    Path("spent.json").write_text(json.dumps(SPENT))
"""

FUNCTION = """
from pytest_collab import task
from tests.support.handshake import Handshake

@task(Handshake(numbers=10), seeds=%d, conditions=["team"])
def test_shake(episode):
    assert episode.success
"""


def spent(family: str, agent: str, episodes: int, *, function: bool = False) -> float:
    """Milliseconds of CPU for each item, the median, without the first, which imports what is needed."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "conftest.py").write_text(CONFTEST)
        if function:
            (folder / "test_shake.py").write_text(FUNCTION % episodes)
        else:
            (folder / "a.collab.yaml").write_text(TASK % (family, PARAMS[family], episodes))
        subprocess.run(
            [
                sys.executable,
                "-m",
                "pytest",
                "-q",
                "-p",
                "no:cacheprovider",
                f"--agents={agent}",
                "--collab-pairing=self",
            ],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.DEVNULL,
            check=False,
        )
        found: list[float] = json.loads((folder / "spent.json").read_text())[1:]
        return median(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--episodes", type=int, default=300)
    episodes = parser.parse_args().episodes
    print("| episode | ms of the driver |\n| --- | --- |")
    print(f"| handshake, success | {spent('handshake', 'partner', episodes):.2f} |")
    print(f"| handshake, failure | {spent('handshake', 'stubborn', episodes):.2f} |")
    print(f"| handshake, success of a @task function | {spent('', 'partner', episodes, function=True):.2f} |")
    print(f"| handshake, failure of a @task function | {spent('', 'stubborn', episodes, function=True):.2f} |")
    print(f"| handshake, infrastructure error | {spent('handshake', 'provider_down', episodes):.2f} |")
    print(f"| maze, success | {spent('maze', 'partner', episodes):.2f} |")
    print(f"| maze, failure, drawn | {spent('maze', 'nop', episodes):.2f} |")


if __name__ == "__main__":
    main()
