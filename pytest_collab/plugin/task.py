"""`@task`: a collaboration task as a test function."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from pytest_collab.episode.family import Params
    from pytest_collab.episode.limits import Limits
    from pytest_collab.families.task import Task

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Declared:
    """What `@task(...)` was given; checked when pytest collects the function."""

    name: str
    params: Params
    seeds: Any
    conditions: Sequence[str] | None
    limits: Limits | dict[str, Any] | None
    description: str
    file: str
    line: int

    def build(self) -> Task:
        """The checked task. Raises TaskError with the file and line of the decorator."""
        from pytest_collab.families.task import make_task

        return make_task(
            self.name,
            self.params,
            self.seeds,
            self.conditions,
            self.limits,
            self.description,
            self.file,
            self.line,
        )


def task(
    params: Params,
    *,
    seeds: int | Sequence[int] = 1,
    conditions: Sequence[str] | None = None,
    limits: Limits | dict[str, Any] | None = None,
    name: str | None = None,
) -> Callable[[F], F]:
    """Make a test function a collaboration task.

    The function is called once per condition x team x seed x epoch. It takes `episode` (the played episode, an
    `Episode`) and asserts on it, or `team` and drives the agents itself.

    Args:
        params: the family's params, e.g. `Maze(size=6)`.
        seeds: how many seeds, or exactly these.
        conditions: default solo and team.
        limits: a `Limits`, or the same as a dict; default the family's.
        name: default the function's name without `test_`.

    Example:
        >>> from pytest_collab import task
        >>> from pytest_collab.families.maze import Maze
        >>> @task(Maze(size=6), seeds=10, conditions=["solo", "team"])
        ... def test_six_by_six(episode):
        ...     assert episode.success
    """
    caller = inspect.stack(context=0)[1]

    def decorate(function: F) -> F:
        declared = Declared(
            name=name or function.__name__.removeprefix("test_"),
            params=params,
            seeds=seeds,
            conditions=conditions,
            limits=limits,
            description=(inspect.getdoc(function) or "").split("\n")[0],
            file=caller.filename,
            line=caller.lineno,
        )
        function.__collab_task__ = declared  # type: ignore[attr-defined]
        return function

    return decorate
