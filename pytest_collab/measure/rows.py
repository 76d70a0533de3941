"""A frame's columns while they grow, one play at a time."""

from __future__ import annotations

import math
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pytest_collab.episode.examiner import GRADER
from pytest_collab.episode.outcome import CAUSE_OF
from pytest_collab.episode.run import BadLine
from pytest_collab.measure.frame import INFRASTRUCTURE, NO_SPARE, OUTCOMES, Column, Fault, Frame, Spare

_OUTCOME_CODE: Final = {str(outcome): code for code, outcome in enumerate(OUTCOMES)}
_SUMMED: Final = ("input_tokens", "output_tokens", "cached_tokens", "calls", "retries")
_SEED_LIMIT: Final = 2**63


@dataclass
class Rows:
    """Columns while they grow."""

    names: dict[str, dict[Any, int]] = field(default_factory=dict)
    codes: dict[str, array[int]] = field(default_factory=dict)
    numbers: dict[str, array[float]] = field(default_factory=dict)
    ids: list[str] = field(default_factory=list)
    place: dict[tuple[int, ...], int] = field(default_factory=dict)
    faults: dict[int, tuple[Fault, ...]] = field(default_factory=dict)
    metrics: dict[str, tuple[array[int], array[float]]] = field(default_factory=dict)
    known_faults: dict[Any, Any] = field(default_factory=dict)
    replaced: set[int] = field(default_factory=set)
    spare: Spare = NO_SPARE

    def __post_init__(self) -> None:
        for name in ("family", "task", "condition", "team", "seating", "task_hash"):
            self.names[name] = {}
            self.codes[name] = array("i")
        for name in ("cost_usd", "known_cost_usd", *_SUMMED, "duration_s", "turns", "score"):
            self.numbers[name] = array("d")
        for name in ("seed", "epoch", "outcome", "settled", "at"):
            self.codes[name] = array("q")

    def code(self, name: str, value: Any) -> int:
        known = self.names[name]
        return known.setdefault(value, len(known))

    def add(self, raw: Mapping[str, Any], at: int = -1) -> None:
        """Take in one play, whose line begins at the byte `at` of its file.

        The first play of an episode that is evidence stands, as in `Record.episodes`: a re-run after a
        failure does not launder it, a re-run after an infrastructure error replaces it.
        """
        family, task = self.code("family", raw["family"]), self.code("task", raw["task"])
        if not isinstance(raw["team"], list | tuple):
            raise ValueError(f"the team is no list: {raw['team']!r}")
        condition, team = self.code("condition", raw["condition"]), self.code("team", tuple(raw["team"]))
        seed, epoch = int(raw["seed"]), int(raw.get("epoch", 0))
        outcome = _OUTCOME_CODE.get(raw["outcome"])
        if outcome is None:
            raise ValueError(f"unknown outcome {raw['outcome']!r} (of a newer version?)")
        usage = raw.get("usage") or {}
        known, unpriced = 0.0, False
        summed = dict.fromkeys(_SUMMED, 0.0)
        for seat in usage.values():
            for name in _SUMMED:
                summed[name] += seat.get(name, 0)
            price = seat.get("cost_usd", 0.0)
            if price is None or not 0.0 <= price < math.inf:  # what no price list can come to is not known
                unpriced = True
            else:
                known += price
        numbers = {
            "score": float(raw["score"]),
            "cost_usd": math.nan if unpriced else known,
            "known_cost_usd": known,
            **summed,
            "duration_s": float(raw.get("duration_s", 0.0)),
            "turns": float(raw.get("turns", 0)),
        }
        found = tuple(self._fault(one) for one in raw.get("failures") or ())
        measured = {str(name): float(value) for name, value in (raw.get("metrics") or {}).items()}
        codes = {
            "family": family,
            "task": task,
            "condition": condition,
            "team": team,
            "seating": self.code(
                "seating", tuple((name, seat.get("agent", "")) for name, seat in usage.items() if name != GRADER)
            ),
            "task_hash": self.code("task_hash", raw.get("task_hash", "")),
            "seed": seed,
            "epoch": epoch,
            "outcome": outcome,
            "settled": int(raw.get("settled", True)),
            "at": at,
        }
        identity = str(raw["id"])
        if not (0.0 <= numbers["score"] <= 1.0 and abs(seed) < _SEED_LIMIT and abs(epoch) < _SEED_LIMIT):
            raise ValueError("score, seed or epoch out of range")
        # Nothing is kept of a line until all of it has been read: a broken one must not leave half a row.
        key = (family, task, condition, team, seed, epoch)
        before = self.place.get(key)
        if before is not None:
            if self.codes["outcome"][before] != INFRASTRUCTURE:
                self.spare = self.spare.and_one(known, unpriced)
                return
            self.replaced.add(before)
            lost = self.numbers["known_cost_usd"][before]
            self.spare = self.spare.and_one(lost, math.isnan(self.numbers["cost_usd"][before]))
        row = len(self.ids)
        self.place[key] = row
        self.ids.append(identity)
        for name, code in codes.items():
            self.codes[name].append(code)
        for name, number in numbers.items():
            self.numbers[name].append(number)
        if found:
            self.faults[row] = found
        for name, value in measured.items():
            rows, values = self.metrics.setdefault(name, (array("q"), array("d")))
            rows.append(row)
            values.append(value)

    def _fault(self, raw: Mapping[str, Any]) -> Fault:
        fault = Fault(raw["code"], raw["cause"], tuple(raw.get("seats") or ()))
        if fault.code not in CAUSE_OF:
            raise ValueError(f"unknown failure code {fault.code!r} (of a newer version?)")
        known: Fault = self.known_faults.setdefault(fault, fault)
        return known

    def frame(self, bad: Sequence[BadLine]) -> Frame:
        n = len(self.ids)
        keep = np.ones(n, dtype=bool)
        keep[list(self.replaced)] = False
        moved = np.cumsum(keep) - 1

        def column(name: str) -> Column[Any]:
            return Column(np.frombuffer(self.codes[name], dtype=np.int32)[keep], tuple(self.names[name]))

        def whole(name: str) -> NDArray[np.int64]:
            return np.frombuffer(self.codes[name], dtype=np.int64)[keep]

        def number(name: str) -> NDArray[np.float64]:
            return np.frombuffer(self.numbers[name], dtype=np.float64)[keep]

        metrics = {}
        for name in sorted(self.metrics):
            rows, values = self.metrics[name]
            full = np.full(n, np.nan)
            full[np.frombuffer(rows, dtype=np.int64)] = np.frombuffer(values, dtype=np.float64)
            metrics[name] = full[keep]
        ids = self.ids if not self.replaced else [self.ids[row] for row in np.flatnonzero(keep)]
        return Frame(
            id=tuple(ids),
            family=column("family"),
            task=column("task"),
            condition=column("condition"),
            team=column("team"),
            seating=column("seating"),
            task_hash=column("task_hash"),
            seed=whole("seed"),
            epoch=whole("epoch"),
            outcome=whole("outcome").astype(np.int8),
            settled=whole("settled").astype(bool),
            score=number("score"),
            cost_usd=number("cost_usd"),
            known_cost_usd=number("known_cost_usd"),
            input_tokens=number("input_tokens"),
            output_tokens=number("output_tokens"),
            cached_tokens=number("cached_tokens"),
            calls=number("calls"),
            retries=number("retries"),
            duration_s=number("duration_s"),
            turns=number("turns"),
            faults={int(moved[row]): faults for row, faults in self.faults.items() if keep[row]},
            metrics=metrics,
            at=whole("at"),
            bad=tuple(bad),
            spare=self.spare,
        )
