"""A plan that goes to another process by name comes back as the same plan, or not at all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pytest_collab.agents.registry import Registry
from pytest_collab.cluster.spec import EpisodeSpec, Unlike
from pytest_collab.episode.condition import Condition
from pytest_collab.episode.plan import Plan, Prefix
from pytest_collab.families.task import Task
from pytest_collab.families.taskfile import read_task

ROOT = Path(__file__).parents[2]
TASKS = sorted(
    path.relative_to(ROOT / "tasks").as_posix()
    for path in (ROOT / "tasks").rglob("*.collab.yaml")
    if path.parent.name != "standard"
)


def planned(task: Task, condition: str = "team") -> Plan:
    agents = Registry()
    parsed = Condition.parse(condition)
    return Plan(
        family=task.family,
        params=task.params,
        task=task.name,
        task_hash=task.hash,
        condition=parsed,
        team=("partner", "silent"),
        agents=(agents.get("partner"), agents.get("silent")),
        others=agents.get(parsed.argument) if parsed.kind == "with" else None,
        seed=3,
        epoch=1,
        attempt=2,
        limits=task.limits or task.family.limits(task.params),
        prefix=Prefix("other", 1, {(0, "a"): ("hello", "end")}),
    )


def again(plan: Plan) -> Plan:
    sent = EpisodeSpec.of(plan, ROOT).model_dump_json()
    spec = EpisodeSpec.model_validate_json(sent)
    return spec.plan(spec.task.task(ROOT), Registry().get)


@pytest.mark.parametrize("name", TASKS)
def test_every_shipped_task_is_the_same_elsewhere(name: str) -> None:
    task = read_task(ROOT / "tasks" / name)
    for condition in ("team", "with:partner"):
        plan = planned(task, condition)
        made = again(plan)
        assert made.id == plan.id
        assert made.params == plan.params
        assert (made.limits, made.prefix, made.condition) == (plan.limits, plan.prefix, plan.condition)
        assert [agent.name for agent in made.agents] == [agent.name for agent in plan.agents]


def test_other_files_and_other_versions_are_refused() -> None:
    task = read_task(ROOT / "tasks" / "maze" / "six_by_six.collab.yaml")
    with pytest.raises(Unlike, match="is another one here"):
        again(replace(planned(task), task_hash="0" * 16))
    spec = EpisodeSpec.of(planned(task), ROOT).model_copy(update={"version": "0.0.1"})
    with pytest.raises(Unlike, match=r"0\.0\.1 planned it"):
        spec.plan(spec.task.task(ROOT), Registry().get)
