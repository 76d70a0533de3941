"""A run's episodes in columns: what figures of a hundred thousand episodes are computed from."""

from __future__ import annotations

import math
from array import array
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from pytest_collab.episode.examiner import GRADER
from pytest_collab.episode.outcome import Outcome
from pytest_collab.episode.record import SCHEMA_VERSION, Episode
from pytest_collab.episode.run import BadLine
from pytest_collab.errors import RunError

T = TypeVar("T", bound=Hashable)
Mask = NDArray[np.bool_]

OUTCOMES: Final = tuple(Outcome)
_OUTCOME_CODE: Final = {str(outcome): code for code, outcome in enumerate(OUTCOMES)}
_SUMMED: Final = ("input_tokens", "output_tokens", "cached_tokens", "calls", "retries")
_SEED_LIMIT: Final = 2**63
_INFRASTRUCTURE: Final = OUTCOMES.index(Outcome.INFRASTRUCTURE)


class Fault(NamedTuple):
    """One failure of an episode, without its evidence."""

    code: str
    cause: str
    seats: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Column(Generic[T]):
    """A column of few different values.

    Attributes:
        codes: shape (n,), the place of each row's value in `values`.
        values: the different values, in the order in which they first appear.
    """

    codes: NDArray[np.int32]
    values: tuple[T, ...]

    def __getitem__(self, row: int) -> T:
        value: T = self.values[int(self.codes[row])]
        return value

    def __iter__(self) -> Iterator[T]:
        values = self.values
        return (values[code] for code in self.codes)

    def among(self, wanted: Iterable[T]) -> Mask:
        """Which rows have one of the wanted values: shape (n,)."""
        wanted = set(wanted)
        hit = np.array([value in wanted for value in self.values], dtype=bool)
        return hit[self.codes] if len(hit) else np.zeros(len(self.codes), dtype=bool)


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """The episodes of a run, one a row; each episode once, however often it was played.

    Attributes:
        id: shape (n,).
        family, task, condition: names.
        team: agents in seat order as the item names them (one for `solo` and `with:AGENT`).
        seating: who sat where, as (seat, agent); empty where no usage was recorded.
        task_hash: content hash of the task, empty where unknown.
        seed, epoch: shape (n,), int64.
        outcome: shape (n,), place in `OUTCOMES`.
        settled: shape (n,), False where solo episodes have to tell coordination from competence.
        score: shape (n,), 0..1.
        cost_usd: shape (n,); NaN where a price is unknown.
        known_cost_usd: shape (n,), over the seats whose price is known.
        input_tokens, output_tokens, cached_tokens: shape (n,).
        calls: shape (n,), answers asked of agents.
        retries: shape (n,).
        duration_s, turns: shape (n,).
        faults: failures of the rows that have any.
        metrics: the families' figures, shape (n,) each; NaN where an episode has none.
        bad: lines of episodes.jsonl that were no episode.
    """

    id: tuple[str, ...]
    family: Column[str]
    task: Column[str]
    condition: Column[str]
    team: Column[tuple[str, ...]]
    seating: Column[tuple[tuple[str, str], ...]]
    task_hash: Column[str]
    seed: NDArray[np.int64]
    epoch: NDArray[np.int64]
    outcome: NDArray[np.int8]
    settled: Mask
    score: NDArray[np.float64]
    cost_usd: NDArray[np.float64]
    known_cost_usd: NDArray[np.float64]
    input_tokens: NDArray[np.float64]
    output_tokens: NDArray[np.float64]
    cached_tokens: NDArray[np.float64]
    calls: NDArray[np.float64]
    retries: NDArray[np.float64]
    duration_s: NDArray[np.float64]
    turns: NDArray[np.float64]
    faults: Mapping[int, tuple[Fault, ...]]
    metrics: Mapping[str, NDArray[np.float64]]
    bad: tuple[BadLine, ...] = ()

    @property
    def bad_lines(self) -> int:
        """How many lines of episodes.jsonl were no episode."""
        return len(self.bad)

    def __len__(self) -> int:
        return len(self.id)

    @property
    def tokens(self) -> NDArray[np.float64]:
        """Input and output tokens, shape (n,)."""
        return self.input_tokens + self.output_tokens

    @property
    def evidence(self) -> Mask:
        """Rows that say something about agents: all but infrastructure errors."""
        return np.asarray(self.outcome != _INFRASTRUCTURE)

    @property
    def success(self) -> Mask:
        """Rows that succeeded."""
        return self.is_outcome(Outcome.SUCCESS)

    def is_outcome(self, outcome: Outcome) -> Mask:
        """Rows that came to `outcome`."""
        return np.asarray(self.outcome == OUTCOMES.index(outcome))

    def has_agent(self, agents: Iterable[str]) -> Mask:
        """Rows whose team has one of the agents on any seat."""
        wanted = set(agents)
        return self.team.among(team for team in self.team.values if wanted & set(team))

    def has_fault(self, code_or_cause: str) -> Mask:
        """Rows with a failure of that code, or of that cause."""
        mask = np.zeros(len(self), dtype=bool)
        for row, faults in self.faults.items():
            if any(code_or_cause in (fault.code, fault.cause) for fault in faults):
                mask[row] = True
        return mask

    def clusters(self, rows: NDArray[np.intp], *, by_seed: bool = True) -> NDArray[np.int64]:
        """Cluster labels of rows: the task and, unless `by_seed` is off, the seed. Shape as `rows`."""
        task = self.family.codes[rows].astype(np.int64) * len(self.task.values) + self.task.codes[rows]
        if not by_seed:
            return task
        seeds = np.unique(self.seed[rows], return_inverse=True)[1]
        return task * (int(seeds.max()) + 1 if len(seeds) else 1) + seeds


def changed_tasks(frame: Frame, other: Frame, rows: Mask | None = None) -> list[str]:
    """Tasks that both runs have, with contents that are not the same: their figures cannot be compared.

    Args:
        frame: one run.
        other: the other.
        rows: shape (n,), which rows of `frame` matter; all when left out.

    Returns:
        Task names, sorted; tasks whose hash either run does not know are not among them.
    """
    ours, theirs = _hashes(frame, rows), _hashes(other, None)
    return sorted(
        {task for family, task in ours if ours[family, task] != theirs.get((family, task), ours[family, task])}
    )


def _hashes(frame: Frame, rows: Mask | None) -> dict[tuple[str, str], str]:
    chosen = slice(None) if rows is None else rows
    codes = np.stack([frame.family.codes[chosen], frame.task.codes[chosen], frame.task_hash.codes[chosen]], axis=1)
    return {
        (frame.family.values[family], frame.task.values[task]): frame.task_hash.values[content]
        for family, task, content in np.unique(codes, axis=0).tolist()
        if frame.task_hash.values[content]
    }


@dataclass
class _Rows:
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

    def __post_init__(self) -> None:
        for name in ("family", "task", "condition", "team", "seating", "task_hash"):
            self.names[name] = {}
            self.codes[name] = array("i")
        for name in ("cost_usd", "known_cost_usd", *_SUMMED, "duration_s", "turns", "score"):
            self.numbers[name] = array("d")
        for name in ("seed", "epoch", "outcome", "settled"):
            self.codes[name] = array("q")

    def code(self, name: str, value: Any) -> int:
        known = self.names[name]
        return known.setdefault(value, len(known))

    def add(self, raw: Mapping[str, Any]) -> None:
        """Take in one play.

        The first play of an episode that is evidence stands, as in `Record.episodes`: a re-run after a
        failure does not launder it, a re-run after an infrastructure error replaces it.
        """
        family, task = self.code("family", raw["family"]), self.code("task", raw["task"])
        condition, team = self.code("condition", raw["condition"]), self.code("team", tuple(raw["team"]))
        seed, epoch = int(raw["seed"]), int(raw.get("epoch", 0))
        outcome = _OUTCOME_CODE[raw["outcome"]]
        usage = raw.get("usage") or {}
        known, unpriced = 0.0, False
        for seat in usage.values():
            price = seat.get("cost_usd", 0.0)
            if price is None:
                unpriced = True
            else:
                known += price
        numbers = {
            "score": float(raw["score"]),
            "cost_usd": math.nan if unpriced else known,
            "known_cost_usd": known,
            **{name: float(sum(seat.get(name, 0) for seat in usage.values())) for name in _SUMMED},
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
        }
        identity = str(raw["id"])
        if not (0.0 <= numbers["score"] <= 1.0 and abs(seed) < _SEED_LIMIT and abs(epoch) < _SEED_LIMIT):
            raise ValueError("score, seed or epoch out of range")
        # Nothing is kept of a line until all of it has been read: a broken one must not leave half a row.
        key = (family, task, condition, team, seed, epoch)
        before = self.place.get(key)
        if before is not None:
            if self.codes["outcome"][before] != _INFRASTRUCTURE:
                return
            self.replaced.add(before)
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
            bad=tuple(bad),
        )


class FrameReader:
    """Reads a run that may still be growing: every `update` takes in the lines written since.

    Args:
        path: the run directory.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path / "episodes.jsonl"
        self._rows = _Rows()
        self._bad: list[BadLine] = []
        self._offset = 0
        self._line = 0

    def update(self, *, last: bool = False) -> int:
        """Take in what was written since the last time.

        Args:
            last: also a last line without an end, which nobody will finish any more.

        Returns:
            How many lines have been read so far.

        Raises:
            RunError: it is no run directory, cannot be read, or was written by a newer version.
        """
        try:
            with self._file.open("rb") as lines:
                lines.seek(self._offset)
                for line in lines:
                    if not (last or line.endswith(b"\n")):
                        break
                    self._offset += len(line)
                    self._line += 1
                    if line.strip():
                        self._take(line)
        except FileNotFoundError:
            raise RunError(f"{self._path} is no run directory (it has no episodes.jsonl)") from None
        except OSError as error:
            raise RunError(f"{self._file} cannot be read: {error.strerror or error}") from error
        return self._line

    def _take(self, line: bytes) -> None:
        from pydantic_core import from_json

        try:
            raw = from_json(line)
            version = raw.get("schema_version", 1)
            if version > SCHEMA_VERSION:
                raise RunError(
                    f"{self._file}:{self._line} has schema_version {version}; this version of pytest-collab reads up "
                    f"to {SCHEMA_VERSION}. Upgrade pytest-collab to read this run."
                )
            self._rows.add(raw)
        except KeyError as error:
            self._bad.append(BadLine(self._line, f"there is no {error}"))
        except (ValueError, TypeError, AttributeError) as error:
            self._bad.append(BadLine(self._line, str(error)))

    def frame(self) -> Frame:
        """All that was read so far."""
        return self._rows.frame(self._bad)


def read_frame(path: Path) -> Frame:
    """Read a run directory's episodes into columns, without building a model of each.

    Lines that are no episode (torn by a crash) are counted and left out, as `RunDirectory.record` does.

    Args:
        path: the run directory.

    Raises:
        RunError: it is no run directory, cannot be read, or was written by a newer version.
    """
    reader = FrameReader(path)
    reader.update(last=True)
    return reader.frame()


def frame_of(episodes: Iterable[Episode]) -> Frame:
    """Episodes in memory, as columns."""
    rows = _Rows()
    for episode in episodes:
        rows.add(episode.model_dump(mode="json"))
    return rows.frame(())


def frame_of_rows(raws: Iterable[Mapping[str, Any]]) -> Frame:
    """Episodes given as the mappings that their JSON lines are, as columns."""
    rows = _Rows()
    for raw in raws:
        rows.add(raw)
    return rows.frame(())
