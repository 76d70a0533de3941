"""Planted faults over the pools that we ship: under which code does each come back, and at whose seat?

    python -m benchmarks.coding_faults [POOL ...] [--seeds 0,3] [--faults silent,vague] [--json FILE]

Each fault plays every pair of a pool beside a partner, once on each seat. What fails is counted by the headline of
its verdict. The last column is the share that came back under the fault's own code, at its own seat.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from pytest_collab.episode.outcome import Outcome
from pytest_collab.families.coding.cast import PLANTED
from pytest_collab.families.taskfile import read_task
from pytest_collab.testing import play_episode

ROOT = Path(__file__).parents[1]
Row = dict[str, Any]


def main() -> int:
    """Play, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pools", nargs="*", default=["sift", "daybook", "slotbook"], help="names, or task files")
    parser.add_argument("--seeds", help="only these pairs of each pool, e.g. 0,3 (default all)")
    parser.add_argument("--faults", default=",".join(PLANTED))
    parser.add_argument("--json", type=Path, help="append each episode as a line; what is there is not played again")
    args = parser.parse_args()
    rows = _known(args.json)
    for pool in args.pools:
        path = Path(pool) if pool.endswith(".yaml") else ROOT / "tasks" / "coding" / pool / f"{pool}.collab.yaml"
        params: Any = read_task(path).params
        chosen = args.seeds.split(",") if args.seeds else range(len(params.deals))
        for seed in map(int, chosen):
            for fault in args.faults.split(","):
                for seat in ("a", "b"):
                    key = (path.name.partition(".")[0], seed, fault, seat)
                    if key not in rows:
                        rows[key] = _play(params, *key)
                        if args.json:
                            with args.json.open("a") as file:
                                file.write(json.dumps([key, rows[key]]) + "\n")
    wanted = {row_key: row for row_key, row in rows.items() if row_key[2] in args.faults.split(",")}
    print(table(wanted))
    return 0


def _known(path: Path | None) -> dict[tuple[str, int, str, str], Row]:
    if path is None or not path.exists():
        return {}
    return {tuple(key): row for key, row in map(json.loads, path.read_text().splitlines())}


def _play(params: Any, pool: str, seed: int, fault: str, seat: str) -> Row:
    team = (fault, "partner") if seat == "a" else ("partner", fault)
    started = time.monotonic()
    episode = play_episode(params, team, seed=seed).episode
    head = episode.failures[0] if episode.failures else None
    row = {
        "outcome": str(episode.outcome),
        "code": head.code if head else None,
        "seats": list(head.seats) if head else [],
        "note": head.note if head else episode.error,
        "seconds": round(time.monotonic() - started, 2),
    }
    print(
        pool, seed, "+".join(team), row["outcome"], row["code"], row["seats"], f"{row['seconds']} s", file=sys.stderr
    )
    return row


def table(rows: dict[tuple[str, int, str, str], Row]) -> str:
    """Faults down, what became of them across, as Markdown."""
    lines = ["| fault | played | failed | headlines | own code, own seat |", "|---|---|---|---|---|"]
    for fault, code in PLANTED.items():
        mine = {key: row for key, row in rows.items() if key[2] == fault}
        failed = {key: row for key, row in mine.items() if row["outcome"] != str(Outcome.SUCCESS)}
        if not mine:
            continue
        codes = Counter(row["code"] or row["outcome"] for row in failed.values())
        right = sum(row["code"] == code and row["seats"] == [key[3]] for key, row in failed.items())
        told = ", ".join(f"`{name}` {count}" for name, count in codes.most_common()) or "-"
        share = f"{right / len(failed):.1%}" if failed else "-"
        lines.append(f"| `{fault}` | {len(mine)} | {len(failed)} | {told} | {share} |")
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main())
