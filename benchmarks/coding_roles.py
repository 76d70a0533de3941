"""Planted faults in coding with roles, over the pools that we ship: which code, and at whose seat?

    python -m benchmarks.coding_roles [POOL ...] [--seeds 0,3] [--faults silent,deaf] [--json FILE]

Each fault plays every feature of a pool in its role, beside those who would have succeeded with a good player in its
place. What fails is counted by the headline of its verdict. The last column is the share that came back under the
fault's own code, at its own seat. Below it, the table of conditions with `partner` at every seat, and its necessity.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any, Final, NamedTuple

from pytest_collab.episode.outcome import Outcome
from pytest_collab.families.taskfile import read_task
from pytest_collab.testing import play_episode

ROOT = Path(__file__).parents[1]
CONDITIONS: Final = ("solo", "brief", "no_plan", "no_verify", "team")
Row = dict[str, Any]


class Planted(NamedTuple):
    """A fault, the role that has it, who plays, and the code that it must come back under."""

    fault: str
    seat: str
    team: str
    condition: str
    code: str


PLANTED: Final = (
    Planted("silent", "planner", "silent+partner", "no_verify", "withholding"),
    Planted("vague", "planner", "vague+partner", "no_verify", "withholding"),
    Planted("trespasser", "planner", "trespasser+partner", "no_verify", "role_breach"),
    Planted("deaf", "executor", "partner+deaf+partner", "team", "own_part_failed"),
    Planted("nop", "executor", "partner+nop+partner", "team", "own_part_failed"),
    Planted("trespasser", "executor", "partner+trespasser+partner", "team", "role_breach"),
    Planted("rubber_stamper", "verifier", "partner+hasty+rubber_stamper", "team", "rubber_stamp"),
    Planted("rejecter", "verifier", "partner+pushover+rejecter", "team", "false_claim"),
    Planted("trespasser", "verifier", "partner+hasty+trespasser", "team", "role_breach"),
)
"""With a good player at its seat each of these teams succeeds: `hasty` mends what comes back, `pushover` builds well.
"""


def main() -> int:
    """Play, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pools", nargs="*", default=["sift", "daybook", "slotbook"])
    parser.add_argument("--seeds", help="only these features of each pool, e.g. 0,3 (default all)")
    parser.add_argument("--faults", help="only these (default all)")
    parser.add_argument("--json", type=Path, help="append each episode as a line; what is there is not played again")
    args = parser.parse_args()
    rows = _known(args.json)
    faults = [one for one in PLANTED if args.faults is None or one.fault in args.faults.split(",")]
    for pool in args.pools:
        params: Any = read_task(ROOT / "tasks" / "coding" / "roles" / f"roles_{pool}.collab.yaml").params
        chosen = args.seeds.split(",") if args.seeds else range(len(params.deals))
        for seed in map(int, chosen):
            wanted = [(one.team, one.condition) for one in faults] + [("partner", name) for name in CONDITIONS]
            for team, condition in wanted:
                key = (pool, seed, team, condition)
                if key not in rows:
                    rows[key] = _play(params, *key)
                    if args.json:
                        with args.json.open("a") as file:
                            file.write(json.dumps([key, rows[key]]) + "\n")
    print(table(rows, faults))
    print()
    print(conditions(rows))
    return 0


def _known(path: Path | None) -> dict[tuple[str, int, str, str], Row]:
    if path is None or not path.exists():
        return {}
    return {tuple(key): row for key, row in map(json.loads, path.read_text().splitlines())}


def _play(params: Any, pool: str, seed: int, team: str, condition: str) -> Row:
    started = time.monotonic()
    episode = play_episode(params, team.split("+"), condition, seed).episode
    head = episode.failures[0] if episode.failures else None
    row = {
        "outcome": str(episode.outcome),
        "code": head.code if head else None,
        "seats": list(head.seats) if head else [],
        "note": head.note if head else episode.error,
        "metrics": episode.metrics,
        "seconds": round(time.monotonic() - started, 2),
    }
    print(pool, seed, condition, team, row["outcome"], row["code"], row["seats"], row["seconds"], file=sys.stderr)
    return row


def table(rows: dict[tuple[str, int, str, str], Row], faults: list[Planted]) -> str:
    """Faults down, what became of them across, as Markdown."""
    lines = ["| fault | seat | played | failed | headlines | own code, own seat |", "|---|---|---|---|---|---|"]
    for one in faults:
        mine = [row for key, row in rows.items() if key[2:] == (one.team, one.condition)]
        failed = [row for row in mine if row["outcome"] != str(Outcome.SUCCESS)]
        codes = Counter(row["code"] or row["outcome"] for row in failed)
        right = sum(row["code"] == one.code and row["seats"] == [one.seat] for row in failed)
        told = ", ".join(f"`{name}` {count}" for name, count in codes.most_common()) or "-"
        share = f"{right / len(failed):.1%}" if failed else "-"
        lines.append(f"| `{one.fault}` | {one.seat} | {len(mine)} | {len(failed)} | {told} | {share} |")
    return "\n".join(lines)


def conditions(rows: dict[tuple[str, int, str, str], Row]) -> str:
    """How `partner` fares at every seat under each condition."""
    lines = ["| condition | played | solved |", "|---|---|---|"]
    for name in CONDITIONS:
        mine = [row for key, row in rows.items() if key[2:] == ("partner", name)]
        solved = sum(row["outcome"] == str(Outcome.SUCCESS) for row in mine)
        lines.append(f"| `{name}` | {len(mine)} | {solved} |")
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main())
