"""Results in CooperBench's own layout: `<run>/<setting>/<repo>_task/<id>/f1_f2/{result,eval}.json` and patches.

Its evaluator and its scripts read these folders like their own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pytest_collab.errors import RunError, UsageError
from pytest_collab.families.coding.grading import FeatureGrade
from pytest_collab.families.coding.merge import MergeCheck

_DIFF_LIMIT = 5000
_EPOCH = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class AgentResult:
    """One agent of a pair.

    Attributes:
        feature: number of its feature in CooperBench.
        patch: its work; None where there is none to apply.
        status: `Submitted`, or what kept it from that.
    """

    feature: int
    patch: str | None
    status: str = "Submitted"
    model: str = ""
    cost_usd: float = 0.0
    steps: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    error: str | None = None


@dataclass(frozen=True, slots=True)
class PairResult:
    """One episode, as CooperBench tells it.

    Attributes:
        group: `pallets_click_task`.
        task: 2068.
        agents: in order of their features' numbers.
        merge: the check whose tree was graded; None for `solo`, and where an agent left nothing.
        grades: feature number to its grade on that tree.
        setting: `coop` or `solo`.
    """

    group: str
    task: int
    agents: Sequence[AgentResult]
    merge: MergeCheck | None
    grades: Mapping[int, FeatureGrade] = field(default_factory=dict)
    merged_patch: str = ""
    setting: Literal["coop", "solo"] = "coop"
    naive_conflicts: bool = False
    error: str | None = None
    run_id: str = ""
    messages: int = 0
    started: datetime = _EPOCH
    ended: datetime = _EPOCH


def evaluation(pair: PairResult) -> dict[str, Any]:
    """The content of eval.json."""
    features = [agent.feature for agent in pair.agents]
    status = "missing_input"
    if pair.merge is not None:
        status = "conflicts" if pair.naive_conflicts or pair.merge.status == "conflicts" else pair.merge.status
    graded = {
        f"feature{place}": _feature(number, pair.grades.get(number)) for place, number in enumerate(features, 1)
    }
    return {
        "repo": pair.group,
        "task_id": pair.task,
        "features": features,
        "setting": pair.setting,
        "apply_status": {
            f"agent{place}": "missing_input" if agent.patch is None else "applied"
            for place, agent in enumerate(pair.agents, 1)
        },
        "merge": None
        if pair.setting == "solo"
        else {
            "status": status,
            "strategy": pair.merge.strategy if pair.merge and pair.merge.clean else None,
            "diff": pair.merged_patch[:_DIFF_LIMIT],
        },
        **graded,
        "both_passed": len(pair.grades) == len(features) and all(grade.passed for grade in pair.grades.values()),
        "error": pair.error,
        "evaluated_at": pair.ended.isoformat(),
    }


def _feature(number: int, grade: FeatureGrade | None) -> dict[str, Any]:
    report = grade.report if grade else None
    return {
        "feature_id": number,
        "passed": grade.passed if grade else False,
        "exit_code": report.exit_code if report else None,
        "tests_passed": report.count("passed") if report else 0,
        "tests_failed": report.count("failed", "error") if report else 0,
        "test_output": report.tail if report else "",
    }


def result(pair: PairResult, run_name: str) -> dict[str, Any]:
    """The content of result.json."""
    agents = {
        f"agent{place}": {
            "feature_id": agent.feature,
            "status": agent.status,
            "cost": agent.cost_usd,
            "steps": agent.steps,
            "input_tokens": agent.input_tokens,
            "output_tokens": agent.output_tokens,
            "cache_read_tokens": agent.cached_tokens,
            "cache_write_tokens": 0,
            "patch_lines": len((agent.patch or "").splitlines()),
            "error": agent.error,
        }
        for place, agent in enumerate(pair.agents, 1)
    }
    return {
        "repo": pair.group,
        "task_id": pair.task,
        "features": [agent.feature for agent in pair.agents],
        "setting": pair.setting,
        "run_id": pair.run_id,
        "run_name": run_name,
        "agent_framework": "pytest-collab",
        "model": "+".join(dict.fromkeys(agent.model for agent in pair.agents)),
        "started_at": pair.started.isoformat(),
        "ended_at": pair.ended.isoformat(),
        "duration_seconds": (pair.ended - pair.started).total_seconds(),
        "agents": agents,
        "total_cost": sum(agent.cost_usd for agent in pair.agents),
        "total_steps": sum(agent.steps for agent in pair.agents),
        "messages_sent": pair.messages,
    }


def write_pair(logs: Path, run_name: str, pair: PairResult) -> Path:
    """Write one pair's folder below `logs`.

    Raises:
        UsageError: a name would lead out of `logs`.
        RunError: it cannot be written.
    """
    for name in (run_name, pair.group):
        if "/" in name or name in ("", ".", ".."):
            raise UsageError(f"{name!r} cannot be a folder's name; use letters, digits and dashes")
    features = sorted(agent.feature for agent in pair.agents)
    folder = logs / run_name / pair.setting / pair.group / str(pair.task) / "_".join(f"f{one}" for one in features)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if pair.setting == "solo":
            patches = {"solo.patch": pair.agents[0].patch}
        else:
            patches = {f"agent{agent.feature}.patch": agent.patch for agent in pair.agents}
        for name, patch in patches.items():
            if patch is not None:
                (folder / name).write_text(patch, errors="surrogateescape")
        (folder / "result.json").write_text(json.dumps(result(pair, run_name), indent=2) + "\n")
        (folder / "eval.json").write_text(json.dumps(evaluation(pair), indent=2) + "\n")
    except OSError as error:
        raise RunError(f"{folder} cannot be written: {error.strerror}") from None
    return folder
