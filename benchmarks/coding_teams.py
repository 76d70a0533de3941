"""Planted faults in coding with several teams: does each come back under its code, at its seat, and nobody else's?

    python -m benchmarks.coding_teams [POOL ...] [--seeds 0,3] [--faults silent,nop] [--json FILE]

Each fault sits on every seat of two teams in turn, under `teams:2` and `teams:2:apart`. Its teammate is a partner;
the other team is a partner and a `nop`, so that no team saves the episode (with `--saved`, two partners, who should).
Of each episode that fails, the first failure told of the fault's team counts. The last columns are the share that
came back under the fault's own code at its own seat, the share in which the `nop` did, and how often anybody else was
named alone.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from pytest_collab.episode.outcome import Outcome
from pytest_collab.families.coding.cast import PLANTED, PLANTED_IN_TEAMS
from pytest_collab.families.taskfile import read_task
from pytest_collab.testing import play_episode

ROOT: Final = Path(__file__).parents[1]
CONDITIONS: Final = ("teams:2", "teams:2:apart")
SEATS: Final = ("a1", "b1", "a2", "b2")
Key = tuple[str, int, str, str]
Row = dict[str, Any]


class Blame(NamedTuple):
    """What an episode's failures say of those who have a fault.

    Attributes:
        first: code of the first failure of the fault's team; None where there is none.
        right: it has the fault's own code, and names its own seat alone.
        other_right: so does the first failure of the other team, for its own fault.
        innocent: seats without a fault that a failure names alone.
    """

    first: str | None
    right: bool
    other_right: bool
    innocent: tuple[str, ...]


def seated(fault: str, seat: str, *, saved: bool = False) -> tuple[str, ...]:
    """The agents in seat order: a fault at a seat, its teammate a partner, the other team with a `nop` or without."""
    agents = dict.fromkeys(SEATS, "partner") | {seat: fault}
    if not saved:
        agents["b2" if seat.endswith("1") else "b1"] = "nop"
    return tuple(agents.values())


def blamed(team: tuple[str, ...], seat: str, failures: list[tuple[str, list[str]]]) -> Blame:
    """Read an episode's failures, each a code and its seats, for the fault at `seat`."""
    faults = {name: agent for name, agent in zip(SEATS, team, strict=True) if agent != "partner"}
    firsts = {name: next((one for one in failures if one[1] and one[1][0][-1] == name[-1]), None) for name in faults}
    right = {name: firsts[name] == (PLANTED_IN_TEAMS[fault], [name]) for name, fault in faults.items()}
    first = firsts[seat]
    innocent = {named[0] for _, named in failures if len(named) == 1} - set(faults)
    other = all(found for name, found in right.items() if name != seat)
    return Blame(first[0] if first else None, right[seat], other, tuple(sorted(innocent)))


def main() -> int:
    """Play, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pools", nargs="*", default=["sift", "daybook", "slotbook"])
    parser.add_argument("--seeds", default="0", help="these pairs of each pool, e.g. 0,3")
    parser.add_argument("--faults", default=",".join(PLANTED_IN_TEAMS))
    parser.add_argument("--saved", action="store_true", help="the other team is two partners")
    parser.add_argument("--json", type=Path, help="append each episode as a line; what is there is not played again")
    args = parser.parse_args()
    rows = _known(args.json)
    for key in _keys(args):
        if key not in rows:
            rows[key] = _play(*key)
            if args.json:
                with args.json.open("a") as file:
                    file.write(json.dumps([key, rows[key]]) + "\n")
    print(table(rows, args.faults.split(","), saved=args.saved))
    return 0


def _keys(args: argparse.Namespace) -> Iterator[Key]:
    for seed in map(int, args.seeds.split(",")):
        for fault in args.faults.split(","):
            for pool in args.pools:
                for condition in _conditions(fault):
                    for seat in SEATS:
                        yield pool, seed, condition, "+".join(seated(fault, seat, saved=args.saved))


def _conditions(fault: str) -> tuple[str, ...]:
    """Where nothing can be taken over, who takes anything over has no fault."""
    return CONDITIONS if fault in PLANTED else CONDITIONS[:1]


def _known(path: Path | None) -> dict[Key, Row]:
    if path is None or not path.exists():
        return {}
    return {tuple(key): row for key, row in map(json.loads, path.read_text().splitlines())}


def _play(pool: str, seed: int, condition: str, team: str) -> Row:
    params: Any = read_task(ROOT / "tasks" / "coding" / pool / f"{pool}.collab.yaml").params
    started = time.monotonic()
    episode = play_episode(params, team.split("+"), condition, seed).episode
    row = {
        "outcome": str(episode.outcome),
        "failures": [(failure.code, list(failure.seats)) for failure in episode.failures],
        "error": episode.error,
        "seconds": round(time.monotonic() - started, 2),
    }
    print(pool, seed, condition, team, row["outcome"], row["failures"], row["seconds"], file=sys.stderr, flush=True)
    return row


def table(rows: dict[Key, Row], faults: list[str], *, saved: bool) -> str:
    """Faults down, what became of them across, as Markdown."""
    lines = [
        "| fault | condition | played | failed | first of its team | own code, own seat | the `nop`'s | others |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for fault in faults:
        for condition in _conditions(fault):
            played = {
                (key, seat): row
                for seat in SEATS
                for key, row in rows.items()
                if key[2:] == (condition, "+".join(seated(fault, seat, saved=saved)))
            }
            if not played:
                continue
            told = [
                blamed(tuple(key[3].split("+")), seat, [(code, seats) for code, seats in row["failures"]])
                for (key, seat), row in played.items()
                if row["outcome"] != str(Outcome.SUCCESS)
            ]
            codes = Counter(blame.first or "none" for blame in told).most_common()
            firsts = ", ".join(f"`{code}` {count}" for code, count in codes) or "-"
            shares = " | ".join(
                _share([*whose]) for whose in zip(*((b.right, b.other_right) for b in told), strict=True)
            )
            others = sum(len(blame.innocent) for blame in told)
            cells = f"{len(played)} | {len(told)} | {firsts} | {shares or '- | -'} | {others}"
            lines.append(f"| `{fault}` | `{condition}` | {cells} |")
    return "\n".join(lines)


def _share(right: list[bool]) -> str:
    return f"{sum(right) / len(right):.1%}"


if __name__ == "__main__":
    raise SystemExit(main())
