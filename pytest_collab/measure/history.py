"""Nights in a row: every gate and family over many runs, from run directories or from the summaries kept of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeVar

from pydantic import BaseModel, ValidationError

from pytest_collab.episode.run import EPISODES, RunDirectory, RunInfo
from pytest_collab.episode.text import counted, plural
from pytest_collab.errors import CollabError, UsageError
from pytest_collab.measure.circumstances import differences
from pytest_collab.measure.gatereport import GateReport, GateResult
from pytest_collab.measure.interval import wilson
from pytest_collab.measure.judging import GATES_JSON, summarise_run
from pytest_collab.measure.metric import parse_metric
from pytest_collab.measure.reader import read_frame
from pytest_collab.measure.summary import Cell, Summary

SUMMARY_JSON: Final = "summary.json"
_FILES: Final = (EPISODES, SUMMARY_JSON, GATES_JSON)

Kind = Literal["gate", "family"]
M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Night:
    """One run of a history.

    Attributes:
        name: its directory's.
        counts: False where it says nothing about the agents; `why` says why not.
        changes: what was not as in the run before: models, versions, tasks, who played; a line each.
    """

    name: str
    info: RunInfo
    summary: Summary
    gates: GateReport | None
    counts: bool
    why: str
    changes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Point:
    """A figure of one night.

    Attributes:
        low, high: of a gate its one-sided bounds, of a family a 95 % interval; None where there is no such end.
        verdict: of a gate; empty of a family.
        threshold: of a gate.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    verdict: str = ""
    threshold: float | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A gate, or a family, over all nights.

    Attributes:
        unit: `%` of shares, `points` of differences of shares, `$`, or nothing.
        wanted: of a gate, what its last night wanted.
        points: one a night; None where it was not played or judged, or the night says nothing.
    """

    kind: Kind
    name: str
    unit: str
    wanted: str
    points: tuple[Point | None, ...]


@dataclass(frozen=True, slots=True)
class Unread:
    """A directory that could not be read, and why."""

    name: str
    why: str


@dataclass(frozen=True, slots=True)
class History:
    """Nights, the oldest first; lines over them; and what could not be read.

    Attributes:
        condition: which condition the families' lines are of.
    """

    condition: str
    nights: tuple[Night, ...]
    lines: tuple[Line, ...]
    unread: tuple[Unread, ...]


def read_history(paths: Sequence[Path], condition: str = "team", last: int | None = None) -> History:
    """Read nights.

    Args:
        paths: run directories, or folders of such; `summary.json`, `gates.json` and `run.json` of a run suffice.
        condition: of the families' lines.
        last: only so many of the newest.

    Raises:
        UsageError: a path does not exist, or nothing that could be read is there.
    """
    found: list[Night] = []
    unread: list[Unread] = []
    for path in _directories(paths):
        try:
            found.append(_night(path))
        except (CollabError, ValidationError, OSError, ValueError) as error:
            unread.append(Unread(path.name, str(error).splitlines()[0]))
    if not found:
        named = "; ".join(f"{one.name}: {one.why}" for one in unread)
        raise UsageError(f"no run could be read in {', '.join(map(str, paths))}{f' ({named})' if named else ''}")
    found.sort(key=lambda night: (night.info.started, night.name))
    nights = tuple(_changed(found))
    nights = nights if last is None else nights[-last:]
    return History(condition, nights, (*_gates(nights), *_families(nights, condition)), tuple(unread))


def _directories(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if not path.is_dir():
            raise UsageError(f"{path} is no directory; name run directories, or a folder of them")
        if any((path / name).is_file() for name in _FILES):
            yield path
        else:
            yield from sorted(one for one in path.iterdir() if one.is_dir() and not one.name.startswith("."))


def _night(path: Path) -> Night:
    info = RunDirectory(path).info()
    summary = _parsed(path / SUMMARY_JSON, Summary)
    gates = _parsed(path / GATES_JSON, GateReport)
    if summary is None:
        if not (path / EPISODES).is_file():
            raise UsageError(f"it has neither {SUMMARY_JSON} nor {EPISODES}")
        summary = summarise_run(path, read_frame(path))
    why = ""
    if gates is not None and gates.verdict == "void":
        why = f"void: {gates.infrastructure}"
    elif not summary.episodes:
        why = "nothing was played"
    elif info.started and (info.finished is None or info.exit_status in (2, 3)):
        why = f"not whole: {counted(summary.episodes, 'episode')} {plural(summary.episodes, 'was', 'were')} played"
    return Night(path.name, info, summary, gates, not why, why)


def _parsed(path: Path, model: type[M]) -> M | None:
    try:
        return model.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (ValueError, OSError) as error:
        raise UsageError(f"{path.name} cannot be read: {str(error).splitlines()[0]}") from error


def _changed(nights: Sequence[Night]) -> Iterator[Night]:
    """The same, with what is not as it was the night before."""
    before: RunInfo | None = None
    for night in nights:
        lines: list[str] = []
        if before is not None:
            lines = [str(one) for one in differences(before, night.info) if one.kind not in ("note", "seeds")]
            names = [[str(agent.get("name")) for agent in info.agents] for info in (before, night.info)]
            if all(names) and set(names[0]) != set(names[1]):
                lines.insert(0, f"agents {', '.join(names[0])} -> {', '.join(names[1])}")
        before = night.info
        yield Night(night.name, night.info, night.summary, night.gates, night.counts, night.why, tuple(lines))


def _gates(nights: Sequence[Night]) -> Iterator[Line]:
    names = dict.fromkeys(gate.name for night in nights if night.gates for gate in night.gates.gates)
    for name in names:
        results = [
            next((gate for gate in night.gates.gates if gate.name == name), None)
            if night.gates is not None and night.counts
            else None
            for night in nights
        ]
        judged = [one for one in results if one is not None]
        if not judged:
            continue
        points = tuple(
            None
            if one is None
            else Point(one.value, one.low, one.high, one.n, "void" if one.void else str(one.verdict), one.threshold)
            for one in results
        )
        yield Line("gate", name, _unit(judged[-1]), judged[-1].rule, points)


def _unit(gate: GateResult) -> str:
    metric = parse_metric(gate.metric)
    if not metric.share:
        return "$" if gate.metric == "cost_usd" else ""
    return "points" if gate.baseline is not None or metric.kind == "gap" else "%"


def _families(nights: Sequence[Night], condition: str) -> Iterator[Line]:
    names = dict.fromkeys(family.family for night in nights for family in night.summary.families)
    for name in names:
        points = tuple(_pooled(night, name, condition) if night.counts else None for night in nights)
        if any(point is not None for point in points):
            yield Line("family", name, "%", "", points)


def _pooled(night: Night, family: str, condition: str) -> Point | None:
    """All teams together. Those of one seed depend on one another: the interval takes them for one."""
    cells: list[Cell] = [
        cell
        for one in night.summary.families
        if one.family == family
        for cell in one.cells
        if cell.condition == condition and cell.n
    ]
    if not cells:
        return None
    n = sum(cell.n for cell in cells)
    rate = sum(cell.successes for cell in cells) / n
    if len(cells) == 1:
        return Point(rate, cells[0].low, cells[0].high, n)
    size = max(cell.n for cell in cells)
    found = wilson(rate * size, size)
    return Point(rate, found.low, found.high, n)
