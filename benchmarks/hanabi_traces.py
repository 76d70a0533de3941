"""Record games of other people's Hanabi, which tests/families/test_hanabi_rules.py holds our rules against.

CMAKE_POLICY_VERSION_MINIMUM=3.5 pip install hanabi-learning-environment==0.0.4
python -m benchmarks.hanabi_traces --peer learning-environment
pip install jaxmarl==0.2.0 jax==0.4.38 jaxlib==0.4.38  # in an environment of its own
python -m benchmarks.hanabi_traces --peer jaxmarl
python -m benchmarks.hanabi_traces --peer jaxmarl --check 20  # record nothing, compare 20 games a table

Games of the other peer, and those at tables that are not asked for, stay in the file. States are kept as digests;
`--check` prints both where they differ.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.support import hanabi_peers as peers

FILE = Path(__file__).parent.parent / "tests" / "families" / "hanabi_traces.json"
CUNNING = (0.95, 0.6, 0.0, 1.0)


def games(peer: str, count: int, tables: Sequence[int]) -> Iterator[dict[str, Any]]:
    """`count` games at each table."""
    for rules in (peers.SIZES[table] for table in tables):
        if peer == "jaxmarl":
            yield from peers.of_jaxmarl(rules, [(seed, CUNNING[seed % len(CUNNING)]) for seed in range(count)])
        else:
            for seed in range(1, count + 1):  # its seed 0 is not a seed but chance
                yield peers.of_learning_environment(rules, seed, CUNNING[(seed - 1) % len(CUNNING)])


def check(traces: Iterator[dict[str, Any]]) -> int:
    """Compare every state with ours; the number of games that differ."""
    wrong = played = states = 0
    for trace in traces:
        ours = peers.replayed(trace)
        played, states = played + 1, states + len(ours)
        differ = [at for at, pair in enumerate(zip(ours, trace["states"], strict=True)) if pair[0] != pair[1]]
        if differ:
            wrong, at = wrong + 1, differ[0]
            print(f"{trace['rules']}, state {at}\n  ours  {ours[at]}\n  peer  {trace['states'][at]}")
    print(f"{played} games, {states} states: {wrong} games differ")
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", choices=["learning-environment", "jaxmarl"], required=True)
    parser.add_argument("--check", type=int, default=0, metavar="GAMES", help="compare so many games a table instead")
    everywhere = list(range(len(peers.SIZES)))
    parser.add_argument("--tables", type=int, nargs="*", default=everywhere, help="by number; all unless given")
    asked = parser.parse_args()
    if asked.check:
        return min(1, check(games(asked.peer, asked.check, asked.tables)))
    kept = json.loads(FILE.read_text()) if FILE.exists() else []
    anew = [asdict(peers.SIZES[table]) for table in asked.tables]
    kept = [trace for trace in kept if asked.peer not in trace["peer"] or trace["rules"] not in anew]
    for trace in games(asked.peer, 2, asked.tables):
        kept.append({**trace, "states": [peers.digest(state) for state in trace["states"]]})
    lines = (json.dumps(trace, separators=(",", ":")) for trace in sorted(kept, key=lambda trace: trace["peer"]))
    FILE.write_text("[\n" + ",\n".join(lines) + "\n]\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
