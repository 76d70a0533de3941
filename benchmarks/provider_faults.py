"""A soak against servers that misbehave: every fault a provider can have, at 30 % of all calls together.

    python benchmarks/provider_faults.py [--episodes 1000] [--rate 0.3]

Plays episodes with the real SDKs against a loopback server, and compares the clients' books with the server's: no
episode lost, doubled or blamed on the wrong one; every retry and every token counted. Ends with an error when
they differ.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.support.model_server import AGENTS_OWN, RETRIED, ModelServer
from tests.support.soak import Mischief, shake, soak


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--episodes", type=int, default=1000)
    parser.add_argument("--rate", type=float, default=0.3)
    parser.add_argument("--in-flight", type=int, default=64)
    options = parser.parse_args()
    os.environ.setdefault("OPENAI_API_KEY", "none")
    os.environ.setdefault("ANTHROPIC_API_KEY", "none")
    began = time.monotonic()
    with ModelServer(answer=shake, fault=Mischief(options.rate)) as server, tempfile.TemporaryDirectory() as shared:
        providers = ("anthropic", "openai", "openai-chat")
        books = soak(server, Path(shared), options.episodes, providers, in_flight=options.in_flight)
        figures = books.check(options.episodes)
    outcomes = Counter(episode.outcome.value for episode in books.episodes)
    faults = Counter(line.fault for line in server.log if line.fault)
    print(f"{options.episodes} episodes, {len(server.log)} calls in {time.monotonic() - began:.1f} s")
    print("injected: " + ", ".join(f"{name} {faults[name]}" for name in (*RETRIED, *AGENTS_OWN, "overflow")))
    print(f"faulty calls: {sum(faults.values()) / len(server.log):.1%}")
    print("outcomes: " + ", ".join(f"{name} {count}" for name, count in outcomes.most_common()))
    print("both books: " + ", ".join(f"{name} {value}" for name, value in figures.items()))
    print("lost 0, doubled 0, blamed on the wrong one 0, books equal")


if __name__ == "__main__":
    main()
