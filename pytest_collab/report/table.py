"""Episodes as a table, one row each: CSV for spreadsheets, Parquet for data frames."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final

from pytest_collab.episode.record import Episode
from pytest_collab.errors import UsageError

COLUMNS: Final = (
    "id",
    "family",
    "task",
    "condition",
    "team",
    "seed",
    "epoch",
    "outcome",
    "score",
    "codes",
    "turns",
    "duration_s",
    "calls",
    "input_tokens",
    "output_tokens",
    "cached_tokens",
    "cost_usd",
    "transcript",
    "error",
    "settled",
)
"""`settled` is false where `outcome` was left open by the episode itself, and solo episodes decided it or none did.
Then one column `metric.NAME` for every metric that some episode has; empty where one has it not. `codes` are the
failure codes, most important first, joined by `;`."""


BATCH: Final = 5_000


def write_csv(episodes: Iterable[Episode], metrics: Sequence[str], path: Path) -> int:
    """Write UTF-8 CSV with a header line, one episode after the other.

    Cells that a spreadsheet would take for a formula (names and errors come from outside) begin with an apostrophe.

    Args:
        metrics: the names that get a column.

    Returns:
        How many episodes were written.
    """
    count = 0
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow([*COLUMNS, *(f"metric.{name}" for name in metrics)])
        for episode in episodes:
            writer.writerow([_cell(value) for value in _row(episode, metrics).values()])
            count += 1
    return count


def write_parquet(episodes: Iterable[Episode], metrics: Sequence[str], path: Path) -> int:
    """Write one Parquet file; typed columns, nulls where a figure is not known.

    Args and returns as `write_csv`.

    Raises:
        UsageError: pyarrow is not installed.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as parquet
    except ImportError:
        raise UsageError("Parquet needs pyarrow: pip install 'pytest-collab[parquet]'") from None
    names = [*COLUMNS, *(f"metric.{name}" for name in metrics)]
    types = {"seed": pa.int64(), "epoch": pa.int64(), "turns": pa.int64(), "calls": pa.int64()}
    types |= dict.fromkeys(("input_tokens", "output_tokens", "cached_tokens"), pa.int64())
    types["settled"] = pa.bool_()
    types |= dict.fromkeys(("score", "duration_s", "cost_usd"), pa.float64())
    schema = pa.schema(
        [(name, pa.float64() if name.startswith("metric.") else types.get(name, pa.string())) for name in names]
    )
    count = 0
    with parquet.ParquetWriter(path, schema) as writer:
        rows = (_row(episode, metrics) for episode in episodes)
        while batch := list(islice(rows, BATCH)):
            writer.write_table(pa.Table.from_pylist(batch, schema=schema))
            count += len(batch)
    return count


def _row(episode: Episode, metrics: Iterable[str]) -> dict[str, Any]:
    data = episode.model_dump(mode="json")
    data["team"] = "+".join(episode.team)
    data["codes"] = ";".join(failure.code for failure in episode.failures)
    data["cost_usd"] = episode.cost_usd
    for count in ("calls", "input_tokens", "output_tokens", "cached_tokens"):
        data[count] = sum(getattr(usage, count) for usage in episode.usage.values())
    row = {name: data[name] for name in COLUMNS}
    return row | {f"metric.{name}": episode.metrics.get(name) for name in metrics}


def _cell(value: Any) -> Any:
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return f"'{value}"
    return json.dumps(value) if isinstance(value, (list, dict)) else value
