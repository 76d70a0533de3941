"""CooperBench's pools as tasks: in a session, or written down as task files. Both are made of the same data."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from pytest_collab.errors import TaskError, UsageError
from pytest_collab.families.coding.cooperbench.dataset import CooperPool, choose
from pytest_collab.families.coding.cooperbench.mirrors import find_mirror
from pytest_collab.families.coding.cooperbench.runners import how
from pytest_collab.families.task import Task

_CONDITIONS: Final = ("solo", "team")


def task_data(pool: CooperPool, repos: Path | None) -> dict[str, Any]:
    """The content of a task file.

    Raises:
        TaskError: its way of running tests is not known here.
        UsageError: `repos` has no mirror of its repository.
    """
    dockerfile = pool.folder / "Dockerfile"
    return {
        "family": "coding",
        "name": pool.slug,
        "description": f"CooperBench {pool.group}/{pool.folder.name}",
        "params": {
            "base": {"repository": find_mirror(pool, repos), "commit": pool.commit},
            **how(pool),
            "regression": "touched",
            "environment": {
                **({"dockerfile": str(dockerfile)} if dockerfile.is_file() else {}),
                "setup_timeout_s": 1800,
                "memory_mb": 4096,
                "pids": 1024,
                "writable": True,  # upstream's tests touch files beside them
            },
            "features": [
                {
                    "id": f"f{number}",
                    "description": str(pool.folder / f"feature{number}" / "feature.md"),
                    "tests": str(pool.folder / f"feature{number}" / "tests.patch"),
                    "reference": str(pool.folder / f"feature{number}" / "feature.patch"),
                }
                for number in pool.features
            ],
            **({} if pool.pairs is None else {"pairs": [[f"f{one}" for one in pair] for pair in pool.pairs]}),
        },
        "seeds": "all",
        "conditions": list(_CONDITIONS),
    }


def task_of(pool: CooperPool, repos: Path | None) -> Task:
    """A pool as a checked task; every pair is a seed.

    Raises:
        TaskError: its way of running tests is not known here, or a file of it is missing.
        UsageError: `repos` has no mirror of its repository.
    """
    from pytest_collab.families.taskfile import check_task

    task = check_task(task_data(pool, repos), {}, pool.folder / f"{pool.slug}.collab.yaml")
    params: Any = task.params
    try:
        params.check()
    except TaskError as error:
        raise TaskError(error.problem, remedy="Is the checkout complete?", file=pool.folder) from None
    return task


def write_tasks(
    dataset: Path, repos: Path | None, out: Path, names: Sequence[str] = (), subset: str | None = None
) -> tuple[list[Path], dict[str, str]]:
    """Write one task file per pool.

    Returns:
        The files, and pool to why it has none.

    Raises:
        UsageError: no dataset, an unknown pool or subset, or `out` cannot be written.
    """
    import yaml

    written: list[Path] = []
    refused: dict[str, str] = {}
    for pool in choose(dataset, names, subset):
        try:
            task_of(pool, repos)
            content = task_data(pool, repos)
        except (TaskError, UsageError) as error:
            refused[pool.name] = str(error)
            continue
        path = out / f"{pool.slug}.collab.yaml"
        try:
            out.mkdir(parents=True, exist_ok=True)
            path.write_text(yaml.safe_dump(content, sort_keys=False, width=110))
        except OSError as error:
            raise UsageError(f"{path} cannot be written: {error.strerror}; choose another --out") from None
        written.append(path)
    return written, refused
