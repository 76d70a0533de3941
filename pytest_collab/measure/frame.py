"""A run's episodes in columns: what figures of a hundred thousand episodes are computed from."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from pytest_collab.episode.outcome import Outcome
from pytest_collab.episode.run import BadLine, RunInfo

T = TypeVar("T", bound=Hashable)
Mask = NDArray[np.bool_]

OUTCOMES: Final = tuple(Outcome)
INFRASTRUCTURE: Final = OUTCOMES.index(Outcome.INFRASTRUCTURE)
UNGRADED: Final = "ungraded"
"""The figure by which a family says that what was said in an episode could not be read surely."""


class Fault(NamedTuple):
    """One failure of an episode, without its evidence."""

    code: str
    cause: str
    seats: tuple[str, ...]


class Spare(NamedTuple):
    """Plays that were paid and do not count: re-runs, repeats, plays that broke or were set aside.

    Attributes:
        known_cost_usd: of the seats whose price is known.
        unpriced: some seat's price is not.
    """

    plays: int = 0
    known_cost_usd: float = 0.0
    unpriced: bool = False

    def and_one(self, known_cost_usd: float, unpriced: bool) -> Spare:
        """With one play more."""
        return Spare(self.plays + 1, self.known_cost_usd + known_cost_usd, self.unpriced or unpriced)


NO_SPARE: Final = Spare()


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


@dataclass(frozen=True, slots=True)
class Plan:
    """What there was to play in a run that is stopped when decided (plan.json).

    Attributes:
        episodes: in the order of play, each as `Episode.key`.
        gates: the gates file that it is followed by, as JSON; None where that is not known.
    """

    episodes: tuple[tuple[str, str, str, tuple[str, ...], int, int], ...]
    gates: Mapping[str, Any] | None = None


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
        at: shape (n,), where each row's line begins in episodes.jsonl, in bytes; -1 where it was read from nowhere.
        info: the run's own record of its circumstances; empty where it was not read.
        bad: lines of episodes.jsonl that were no episode.
        spare: plays that are no row.
        plan: what there was to play, of a run that is stopped when decided; None for any other.
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
    at: NDArray[np.int64]
    info: RunInfo = field(default_factory=RunInfo)
    bad: tuple[BadLine, ...] = ()
    spare: Spare = NO_SPARE
    plan: Plan | None = None
    _known: dict[Hashable, Any] = field(default_factory=dict, init=False, repr=False)

    def once(self, name: Hashable, make: Callable[[], Any]) -> Any:
        """What `make` finds of this frame, found once: columns never change, and gates ask for the same."""
        if name not in self._known:
            self._known[name] = make()
        return self._known[name]

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
        return np.asarray(self.outcome != INFRASTRUCTURE)

    @property
    def unread(self) -> Mask:
        """Rows of which no reading was sure: what they came to is not known (the family's figure `ungraded`)."""
        marks = self.metrics.get(UNGRADED)
        return np.zeros(len(self), dtype=bool) if marks is None else np.asarray(marks == 1.0)

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

    @property
    def fault_codes(self) -> set[str]:
        """The codes of all failures."""
        return {fault.code for faults in self.faults.values() for fault in faults}

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


def mixed_tasks(frame: Frame) -> list[str]:
    """Tasks that the run has played with more than one content: their figures would mix what is not alike.

    Returns:
        Task names, sorted; hashes that are not known do not matter.
    """
    codes = np.stack([frame.family.codes, frame.task.codes, frame.task_hash.codes], axis=1)
    seen: dict[tuple[int, int], set[str]] = {}
    for family, task, content in np.unique(codes, axis=0).tolist():
        if frame.task_hash.values[content]:
            seen.setdefault((family, task), set()).add(frame.task_hash.values[content])
    return sorted(frame.task.values[task] for (_, task), contents in seen.items() if len(contents) > 1)


def changed_tasks(frame: Frame, other: Frame, rows: Mask | None = None) -> list[str]:
    """Tasks that both runs have, with contents that are not the same: their figures cannot be compared.

    Args:
        frame: one run.
        other: the other.
        rows: shape (n,), which rows of `frame` matter; all when left out.

    Returns:
        Task names, sorted; a task of several contents in one run is among them, and a task whose hash either run does
        not know is not.
    """
    ours, theirs = _hashes(frame, rows), _hashes(other, None)
    return sorted(
        {task for (family, task), known in ours.items() if len(known | theirs.get((family, task), known)) > 1}
    )


def _hashes(frame: Frame, rows: Mask | None) -> dict[tuple[str, str], set[str]]:
    chosen = slice(None) if rows is None else rows
    codes = np.stack([frame.family.codes[chosen], frame.task.codes[chosen], frame.task_hash.codes[chosen]], axis=1)
    found: dict[tuple[str, str], set[str]] = {}
    for family, task, content in np.unique(codes, axis=0).tolist():
        if frame.task_hash.values[content]:
            key = (frame.family.values[family], frame.task.values[task])
            found.setdefault(key, set()).add(frame.task_hash.values[content])
    return found
