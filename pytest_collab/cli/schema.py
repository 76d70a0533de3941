"""`collab schema`: the JSON Schemas of what runs, gates files and comparisons hold."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from pytest_collab.errors import RunError


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", help="print this one; all names are printed without")
    parser.add_argument("--write", type=Path, metavar="DIR", help="write all of them into a directory")


def run(args: argparse.Namespace) -> int:
    """0, or 2 for a name that is none."""
    from pytest_collab.errors import UsageError

    known = schemas()
    if args.write is not None:
        try:
            args.write.mkdir(parents=True, exist_ok=True)
            for name, schema in known.items():
                (args.write / f"{name}.json").write_text(as_text(schema), encoding="utf-8")
        except OSError as error:
            raise RunError(f"{args.write} cannot be written: {error.strerror or error}") from error
    elif args.name is None:
        print("\n".join(known))
    elif args.name in known:
        print(as_text(known[args.name]), end="")
    else:
        raise UsageError(f"there is no schema {args.name!r}; there are {', '.join(known)}")
    return 0


def schemas() -> dict[str, dict[str, Any]]:
    """Every schema by name: what is read as it may be written, what is written as it is."""
    from pytest_collab.episode.record import Episode
    from pytest_collab.episode.run import RunInfo
    from pytest_collab.measure.comparison import Comparisons
    from pytest_collab.measure.gate import GateFile
    from pytest_collab.measure.gatereport import GateReport
    from pytest_collab.measure.series import SeriesReport
    from pytest_collab.measure.summary import Summary
    from pytest_collab.replications.figures import PublishedFigures
    from pytest_collab.replications.table import Replication

    written: dict[str, type[BaseModel]] = {
        "episode": Episode,
        "run": RunInfo,
        "summary": Summary,
        "gates-verdict": GateReport,
        "comparison": Comparisons,
        "series": SeriesReport,
        "replication": Replication,
    }
    found = {name: model.model_json_schema(mode="serialization") for name, model in written.items()}
    read: dict[str, type[BaseModel]] = {"gates-file": GateFile, "published-figures": PublishedFigures}
    return {**found, **{name: model.model_json_schema(mode="validation") for name, model in read.items()}}


def as_text(schema: dict[str, Any]) -> str:
    """One schema as the text of its file."""
    return json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}, indent=2) + "\n"
