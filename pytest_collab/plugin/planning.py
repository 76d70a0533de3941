"""`--collab-plan`: what would be played, and what that is likely to take. Nothing is played, and no key is needed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from pytest_collab.agents.builtin import BuiltinAgent
from pytest_collab.episode.text import duration
from pytest_collab.measure.forecast import Forecast
from pytest_collab.plugin.cases import Case, case_of
from pytest_collab.plugin.forecasting import forecaster, tariff_of

if TYPE_CHECKING:
    from pytest_collab.plugin.session import CollabSession


class Planner:
    """Says what the session would play, in the place of playing it."""

    def __init__(self, session: CollabSession) -> None:
        self._session = session
        self._items: list[pytest.Item] = []

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self._items = list(session.items)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Nothing is run."""
        return True

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        terminalreporter.section("collaboration plan", sep="=")
        for line in self.lines():
            terminalreporter.write_line(line)

    def lines(self) -> Iterator[str]:
        """The plan, a line for each family, condition and team."""
        session = self._session
        items = self._items
        cases = [case for case in map(case_of, items) if case is not None]
        skipped = [case for case in cases if case.skip is not None]
        rows = rows_of([case for case in cases if case.skip is None], session)
        yield from table(rows)
        settings = session.settings
        seconds = sum(row.seconds for row in rows) / settings.in_flight
        together = f"{settings.in_flight} in flight" if settings.in_flight > 1 else "one at a time"
        yield f"about {duration(seconds)} in one process ({together}); xdist (-n N) and --collab-in-flight divide it"
        if skipped:
            yield f"{len(skipped)} would be skipped: {skipped[0].skip}"
        others = sum(case_of(item) is None for item in items)
        if others:
            yield f"{others} other tests are in the session; what they would play is not known before"
        unknown = sorted({name for row in rows for name in row.unpriced})
        if unknown:
            yield f"the price of {', '.join(unknown)} is not known: give `price` in the agents file"
        yield "Dollars are at list price; what prompt caches save is not taken off unless earlier episodes show it."


@dataclass(frozen=True, slots=True)
class Row:
    """Episodes of one family, condition and team."""

    family: str
    condition: str
    team: str
    episodes: int
    calls: float
    input_tokens: float
    output_tokens: float
    cost_usd: float | None
    seconds: float
    source: str
    unpriced: tuple[str, ...]


def rows_of(cases: Sequence[Case], session: CollabSession) -> list[Row]:
    """Forecasts, summed by family, condition and team; one episode of each task stands for its seeds."""
    known = forecaster(session.agents, session.config, runs=True)
    grouped: dict[tuple[str, str, str], list[Forecast]] = {}
    names: dict[tuple[str, str, str], set[str]] = {}
    by_task: dict[tuple[str, str, tuple[str, ...]], Forecast] = {}
    for case in cases:
        task = (case.task.family.name + case.task.name, str(case.condition), case.team)
        plan = session.stage.plan(case)
        if task not in by_task:
            by_task[task] = known.of(plan)
        key = (case.task.family.name, str(case.condition), "+".join(case.team))
        grouped.setdefault(key, []).append(by_task[task])
        names.setdefault(key, set()).update(
            agent.name
            for agent in (*plan.agents, *([plan.others] if plan.others else []))
            if not isinstance(agent, BuiltinAgent) and tariff_of(session.agents, agent.name) is None
        )
    rows = []
    for key, found in grouped.items():
        costs = [one.cost_usd for one in found if one.cost_usd is not None]
        sources = list(dict.fromkeys(one.source for one in found))
        rows.append(
            Row(
                *key,
                len(found),
                sum(one.calls for one in found),
                sum(one.input_tokens for one in found),
                sum(one.output_tokens for one in found),
                sum(costs) if len(costs) == len(found) else None,
                sum(one.seconds for one in found),
                "; ".join(sources[:2]),
                tuple(sorted(names[key])),
            )
        )
    return rows


def table(rows: Sequence[Row]) -> Iterator[str]:
    """The rows and their sum as aligned text."""
    if not rows:
        yield "no episode would be played"
        return
    known = [row.cost_usd for row in rows if row.cost_usd is not None]
    total = Row(
        "all",
        "",
        "",
        sum(row.episodes for row in rows),
        sum(row.calls for row in rows),
        sum(row.input_tokens for row in rows),
        sum(row.output_tokens for row in rows),
        sum(known) if len(known) == len(rows) else None,
        sum(row.seconds for row in rows),
        "" if len(known) == len(rows) else f"at least ${sum(known):,.2f}",
        (),
    )
    heads = ("family", "condition", "team", "episodes", "calls", "in", "out", "dollars", "minutes", "by")
    cells = [heads, *(_cells(row) for row in (*rows, total))]
    wide = [max(len(line[column]) for line in cells) for column in range(len(heads))]
    for line in cells:
        left = "  ".join(f"{cell:<{wide[i]}}" for i, cell in enumerate(line[:3]))
        right = "  ".join(f"{cell:>{wide[i + 3]}}" for i, cell in enumerate(line[3:9]))
        yield f"{left}  {right}  {line[9]}".rstrip()


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row.family,
        row.condition,
        row.team,
        str(row.episodes),
        f"{row.calls:,.0f}",
        _tokens(row.input_tokens),
        _tokens(row.output_tokens),
        "not known" if row.cost_usd is None else f"{row.cost_usd:,.2f}",
        f"{row.seconds / 60:,.1f}",
        row.source,
    )


def _tokens(count: float) -> str:
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if count >= size:
            return f"{count / size:.1f}{letter}"
    return f"{count:.0f}"
