"""One process, xdist's workers and player processes: do they look ahead, and keep budget and limits, alike?

    python benchmarks/look_ahead.py [--only fill|limit] [--answers 0.01,2] [--seeds 160] [--limit 96]

Whole pytest sessions against a loopback server, which answers in 10 ms or in 2 s. What is told is what that server
saw: calls in flight, the fullest sliding minute, and dollars (a call costs a cent, an episode is two calls). Sessions
with a budget can pay for four fifths of the episodes; those with a limit of calls a minute last for somewhat longer
than one, with quick and with slow answers side by side.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from bisect import bisect_right
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from time import time

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.support.model_server import ModelServer  # noqa: E402
from tests.support.model_wire import Call, Say  # noqa: E402

ACCOUNT = 64
"""Calls in flight that an account allows by itself."""

TOKENS = 600
"""Of an answer: what a budget takes an answer to hold before the first is there."""

CENT = 0.01
TURNS = 2
PAID = 0.8

CONFTEST = """
from benchmarks.harness import ChatFamily

def pytest_collab_families(config):
    return [ChatFamily()]
"""


@dataclass(frozen=True)
class Way:
    """How a session is asked to play; `places` episodes at once, at most, over all its processes."""

    options: tuple[str, ...]
    places: int


WAYS = (
    Way(("--collab-in-flight=32",), 32),
    Way(("-n", "8", "--collab-in-flight=4"), 32),
    Way(("-n", "8", "--collab-in-flight=32"), 256),
    Way(("--collab-executor=subprocess", "--collab-players=2", "--collab-in-flight=32"), 32),
)
LIMITED = (WAYS[0], WAYS[2])
LONG_S = 75
"""How long a session lasts whose calls a minute are limited, starting up not counted."""


@dataclass(frozen=True)
class Played:
    """What a session did: by the server's account, when each call came and went; by the run, its episodes' ids."""

    calls: list[tuple[float, float]]
    episodes: list[str]
    told: str

    @property
    def dollars(self) -> float:
        return len(self.calls) * CENT

    def highest(self) -> int:
        """The most calls in flight."""
        changes = sorted([(came, 1) for came, _ in self.calls] + [(went, -1) for _, went in self.calls])
        return max(accumulate(change for _, change in changes))

    def steady(self) -> float:
        """Mean calls in flight while the middle half of all calls came."""
        came = sorted(came for came, _ in self.calls)
        first, last = came[len(came) // 4], came[len(came) * 3 // 4]
        return sum(max(min(went, last) - max(came, first), 0.0) for came, went in self.calls) / (last - first)

    def fullest(self, window_s: float = 60.0) -> int:
        """The most calls that came within so many seconds."""
        came = sorted(came for came, _ in self.calls)
        return max(bisect_right(came, start + window_s) - index for index, start in enumerate(came))

    def check(self, episodes: int) -> None:
        """Raises SystemExit unless just so many episodes were played, each of them once, and all calls are theirs."""
        if not episodes == len(self.episodes) == len(set(self.episodes)) == len(self.calls) / TURNS:
            found = f"{len(self.episodes)} episodes, {len(set(self.episodes))} of them different"
            raise SystemExit(f"{found}, {len(self.calls)} calls; {episodes} episodes are right\n{self.told[-2000:]}")


def play(way: Way, answer_s: float, seeds: int, *, limit: int | None = None, budget: float | None = None) -> Played:
    """A pytest session of so many episodes."""
    came: dict[int, float] = {}
    calls: list[tuple[float, float]] = []

    def arrive(call: Call) -> None:
        came[call.number] = time()

    def leave(call: Call) -> Say:
        calls.append((came[call.number], time()))
        return Say(f"{'I see.':<{(TOKENS - 1) * 4}}")

    agent = {
        "provider": "openai-chat",
        "model": "m",
        "price": {"input": 0, "output": CENT * 1e6 / TOKENS},
        "limits": {"in_flight": ACCOUNT} | ({} if limit is None else {"requests_per_minute": limit}),
    }
    with tempfile.TemporaryDirectory() as name, ModelServer(leave, arrive, latency_s=answer_s) as server:
        folder = Path(name)
        agents = {"agents": {"limited": agent | {"base_url": f"{server.url}/v1"}}}
        (folder / "collab-agents.yaml").write_text(json.dumps(agents))
        (folder / "conftest.py").write_text(CONFTEST)
        task = f"family: chat\nparams: {{turns: {TURNS}}}\nseeds: {seeds}\nconditions: [team]\n"
        (folder / "chat.collab.yaml").write_text(task)
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-r", "N", "--agents=limited"]
        command += ["--collab-run-dir=run", *way.options]
        if budget is not None:
            command.append(f"--collab-max-cost={budget:g}")
        env = os.environ | {"PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
        kept = folder / "run" / "episodes.jsonl"
        if not kept.exists():
            raise SystemExit(done.stdout[-3000:] + done.stderr[-3000:])
        ids = [json.loads(line)["id"] for line in kept.read_text().splitlines()]
    return Played(calls, ids, done.stdout)


def fill(way: Way, answer_s: float, seeds: int) -> str:
    """A session with a budget, as a line of the first table. Raises SystemExit where the budget was not kept."""
    paid = round(seeds * PAID)
    budget = paid * TURNS * CENT
    played = play(way, answer_s, seeds, budget=budget)
    played.check(paid)
    allowed = min(way.places, ACCOUNT)
    return (
        f"| `{' '.join(way.options)}` | {answer_s:g} s | {allowed} | {played.highest()} | {played.steady():.1f} "
        f"| ${played.dollars:.2f} of ${budget:.2f} | {len(played.episodes)} |"
    )


def limited(way: Way, answer_s: float, limit: int) -> str:
    """A session with a limit of calls a minute, as a line of the second table. Raises SystemExit as `fill`."""
    episodes = limit * LONG_S // 60 // TURNS
    played = play(way, answer_s, episodes, limit=limit)
    played.check(episodes)
    fullest = played.fullest()
    if fullest > limit:
        raise SystemExit(f"{way.options}: {fullest} calls in a minute, and {limit} are allowed")
    return f"| `{' '.join(way.options)}` | {answer_s:g} s | {fullest} of {limit} | {len(played.episodes)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=("fill", "limit"))
    parser.add_argument("--answers", default="0.01,2")
    parser.add_argument("--seeds", type=int, default=160)
    parser.add_argument("--limit", type=int, default=96)
    asked = parser.parse_args()
    answers = [float(one) for one in asked.answers.split(",")]
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}")
    if asked.only != "limit":
        print("\n| session | answers | may be in flight | most | mean, middle half | spent | episodes |")
        print("|---|---|---|---|---|---|---|")
        for way in WAYS:
            for answer_s in answers:
                print(fill(way, answer_s, asked.seeds), flush=True)
    if asked.only != "fill":
        print("\n| session | answers | fullest sliding minute | episodes |\n|---|---|---|---|")
        with ThreadPoolExecutor() as pool:
            for way in LIMITED:
                for line in pool.map(lambda answer_s, way=way: limited(way, answer_s, asked.limit), answers):
                    print(line, flush=True)
    print(f"\nload {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
