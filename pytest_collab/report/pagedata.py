"""A report as data for the page's script."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pytest_collab.families import sketch
from pytest_collab.report.advice import advice
from pytest_collab.report.changes import conclusion_line, stopped_lines
from pytest_collab.report.model import Baseline, Report, TaskFigures

if TYPE_CHECKING:
    from pytest_collab.measure.interval import Estimate


def head(report: Report) -> dict[str, Any]:
    """What the script needs at once: everything but the episodes."""
    info = report.info
    return {
        "name": report.name,
        "finished": report.finished,
        "marks": [[sketch.SHAPES[shape], colour] for shape, colour in sketch.SEATS],
        "generated": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": info.git_commit,
        "agents": info.agents,
        "families": [
            {"name": family.family, "codes": [code.model_dump() for code in family.codes]}
            for family in report.summary.families
        ],
        "advice": {code: advice(code) for code in sorted(report.episodes.frame.fault_codes)},
        "matrices": [
            {
                "family": one.family,
                "condition": one.condition,
                "agents": one.matrix.agents,
                "cells": [[*pair, *_estimate(rate)] for pair, rate in one.matrix.cells.items()],
            }
            for one in report.matrices
        ],
        "orderings": [
            {
                "team": effect.team,
                "difference": _estimate(effect.comparison.difference),
                "p": effect.comparison.p_value,
            }
            for effect in report.orderings
        ],
        "tasks": [_task_data(task) for task in report.tasks],
        "baseline": _baseline_data(report.baseline),
    }


def _task_data(task: TaskFigures) -> dict[str, Any]:
    curves = task.curves
    return {
        "name": task.name,
        "family": task.family,
        "params": json.dumps(task.params, ensure_ascii=False),
        "file": task.file,
        "cells": [cell.model_dump(mode="json", exclude={"metrics"}) for cell in task.cells],
        "gaps": [gap.model_dump(mode="json") for gap in task.gaps],
        "curves": None
        if curves is None
        else {
            "solo": [[point.low, point.high, *_estimate(point.success)] for point in curves.solo],
            "team": [[point.low, point.high, *_estimate(point.success)] for point in curves.team],
        },
    }


def _baseline_data(baseline: Baseline | None) -> dict[str, Any] | None:
    if baseline is None:
        return None
    found = baseline.comparison
    return {
        "path": baseline.path,
        "refusal": baseline.refusal,
        "metric": found.metric if found else None,
        "confidence": found.confidence if found else None,
        "told": [conclusion_line(found), *stopped_lines(found), *found.matching.told(baseline.path, "this run")]
        if found
        else [],
        "pooled": [one.model_dump(mode="json") for one in found.pooled] if found else [],
        "changes": [change.model_dump(mode="json") for change in found.changes] if found else [],
    }


def _estimate(estimate: Estimate) -> list[float | int]:
    return [estimate.value, estimate.low, estimate.high, estimate.n]
