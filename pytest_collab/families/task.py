"""A task: one configured problem of a family, with its seeds and conditions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from pytest_collab import families
from pytest_collab.episode.condition import Condition
from pytest_collab.episode.family import Family, Params, explain
from pytest_collab.episode.limits import Limits
from pytest_collab.errors import TaskError

DEFAULT_CONDITIONS: Final = ("solo", "team")
MOST_SEEDS: Final = 100_000


@dataclass(frozen=True)
class Task:
    """One configured problem.

    Attributes:
        name: readable, unique in a session.
        params: the family's params.
        seeds: a number of seeds (they start at the session's root seed), or exactly these.
        conditions: in the order in which they are played.
        limits: None for the family's own.
        file, line: where it is written.
    """

    name: str
    params: Params
    seeds: int | tuple[int, ...] = 1
    conditions: tuple[Condition, ...] = ()
    limits: Limits | None = None
    description: str = ""
    file: str = ""
    line: int = 0

    @property
    def family(self) -> Family[Any]:
        return families.of(self.params)

    @cached_property
    def hash(self) -> str:
        """Hash of everything that decides what is played; equal hashes make runs comparable."""
        family = self.family
        content = {
            "family": family.name,
            "version": family.version,
            "params": family.identity(self.params),
            "limits": (self.limits or family.limits(self.params)).model_dump(mode="json"),
            "content": family.content(self.params),
        }
        return sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]

    def seed_list(self, count: int | None = None, root: int = 0) -> tuple[int, ...]:
        """The seeds to play.

        Args:
            count: overrides the task's own (`--collab-seeds`).
            root: the first seed where the task gives a number (`--collab-seed`).
        """
        if count is None and isinstance(self.seeds, tuple):
            return self.seeds
        number = count if count is not None else self.seeds
        assert isinstance(number, int)
        if isinstance(self.seeds, tuple):
            return self.seeds[:number]
        most = self.family.seeds(self.params)
        if most is not None:  # each problem once: from the root on, and round to the first
            return tuple(seed % most for seed in range(root, root + min(number, most)))
        return tuple(range(root, root + number))


def make_task(
    name: str,
    params: Params,
    seeds: Any = 1,
    conditions: Sequence[str] | None = None,
    limits: Limits | dict[str, Any] | None = None,
    description: str = "",
    file: str = "",
    line: int = 0,
) -> Task:
    """Check and build a task.

    Raises:
        TaskError: names file, line, key, value and remedy.
    """

    def refuse(key: str, problem: str, remedy: str) -> TaskError:
        return TaskError(problem, remedy=remedy, file=file or None, line=line or None, key=key)

    parsed = []
    for text in conditions if conditions is not None else DEFAULT_CONDITIONS:
        try:
            condition = Condition.parse(text)
        except TaskError as error:
            raise refuse("conditions", error.problem, error.remedy) from None
        reason = families.of(params).refuses(condition, params)
        if reason is not None:
            raise refuse("conditions", f"{text!r}: {reason}", "Take it out of the task's conditions.")
        parsed.append(condition)
    if not parsed:
        raise refuse("conditions", "no condition is given", "Write at least one, e.g. [solo, team].")
    if len(set(parsed)) != len(parsed):
        raise refuse("conditions", "a condition is given twice", "Leave the repetition out.")
    if isinstance(limits, dict):
        try:
            limits = Limits.model_validate(limits)
        except ValidationError as error:
            raise explain(error, Limits, file=file or None, line=line or None, prefix="limits") from None
    return Task(
        name,
        params,
        _seeds(seeds, families.of(params).seeds(params), refuse),
        tuple(parsed),
        limits,
        description,
        str(Path(file)) if file else "",
        line,
    )


def _seeds(seeds: Any, most: int | None, refuse: Any) -> int | tuple[int, ...]:
    remedy = "Write a whole number from 1, or a list of different whole numbers from 0."
    if most is not None:
        remedy = f"{remedy[:-1]} to {most - 1}, or `all`: params hold {most} problems."
        if seeds == "all":
            return most
    if isinstance(seeds, range):
        seeds = list(seeds)
    if isinstance(seeds, bool) or not isinstance(seeds, (int, list, tuple)):
        raise refuse("seeds", f"{seeds!r} is neither a number nor a list", remedy)
    if isinstance(seeds, int):
        limit = MOST_SEEDS if most is None else most
        if not 1 <= seeds <= limit:
            raise refuse("seeds", f"{seeds} is not between 1 and {limit}", remedy)
        return seeds
    for seed in seeds:
        if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**31:
            raise refuse("seeds", f"{seed!r} is not a whole number from 0 to {2**31 - 1}", remedy)
        if most is not None and seed >= most:
            raise refuse("seeds", f"there is no problem {seed}", remedy)
    if not seeds or len(set(seeds)) != len(seeds) or len(seeds) > MOST_SEEDS:
        raise refuse("seeds", "the list is empty, too long, or names a seed twice", remedy)
    return tuple(seeds)
