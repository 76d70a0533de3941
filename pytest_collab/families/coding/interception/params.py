"""Params of the interception probe: whose patches are shown, how many mutants, and what the critic may look at."""

from __future__ import annotations

from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field, PrivateAttr, ValidationInfo, model_validator

from pytest_collab.episode.family import Params
from pytest_collab.errors import TaskError
from pytest_collab.families.coding.interception.rules import Deal, dealt
from pytest_collab.families.coding.pool.pool import Pool, load


class Interception(Params):
    """A pool of features with references, and what a critic is shown of it.

    Seeds 2k and 2k + 1 are a clean patch and a mutant of the same feature, in an order that chance has settled; the
    features take turns. `seeds: all` shows every feature's first `mutants` ones.
    """

    family: ClassVar[str] = "interception"

    pool: str = Field(description="a coding task's file, relative to this one, e.g. ../coding/sift/sift.collab.yaml")
    features: Literal["all"] | tuple[str, ...] = Field(
        "all", description="`all`, or a list of the pool's features whose references are shown"
    )
    mutants: int = Field(4, ge=1, le=50, description="mutants of each feature, and as many times its clean patch")
    caught_by: Literal["hidden", "visible", "any"] = Field(
        "hidden",
        description="mutants that `hidden` tests alone show, or such as `visible` tests show too, or `any`, in turn",
    )
    access: Literal["desk", "text"] = Field(
        "desk", description="`desk`: a tree with the patch, and commands in its sandbox; `text`: the patch alone"
    )

    _folder: Path = PrivateAttr(default=Path())

    @model_validator(mode="after")
    def _placed(self, info: ValidationInfo) -> Interception:
        self._folder = Path((info.context or {}).get("folder") or Path.cwd()).resolve()
        if not isinstance(self.features, str) and (not self.features or len(set(self.features)) < len(self.features)):
            raise ValueError("the list of features is empty, or names one twice")
        return self

    @property
    def folder(self) -> Path:
        """What `pool` is relative to: the task file's folder (the current one for tasks written in Python)."""
        return self._folder

    def check(self) -> None:
        """Look at the pool. (A run is judged without it.)

        Raises:
            TaskError: the pool is missing or no sound coding task, or has no reference of a feature that is shown.
        """
        known = [feature.id for feature in self.coding.features]
        for name in () if isinstance(self.features, str) else self.features:
            if name not in known:
                remedy = f"Features are {', '.join(known)}."
                raise TaskError(f"there is no feature {name!r} in {self.pool}", remedy=remedy, key="features")
            if name not in self.shown:
                remedy = "A critic is shown references: leave it out."
                raise TaskError(f"feature {name!r} has no reference patch", remedy=remedy, key="features")
        if not self.shown:
            raise TaskError(f"{self.pool} has no reference patches", remedy="A critic is shown these.", key="pool")

    @cached_property
    def coding(self) -> Pool:
        """The pool, without the counter-tests that only teams' work is held to.

        Raises:
            TaskError: the file is missing, or no sound coding task.
        """
        path = self._folder / self.pool
        if not path.is_file():
            raise TaskError(
                f"there is no file {str(path)!r}",
                remedy="`pool` names a coding task's file, relative to this one.",
                key="pool",
            )
        try:
            return load(path).model_copy(update={"counter_tests": 0})
        except TaskError as error:
            raise TaskError(f"{self.pool}: {error.problem}", remedy=error.remedy, key="pool") from None

    @cached_property
    def shown(self) -> tuple[str, ...]:
        """The features whose references are shown, in the pool's order; those without a reference are left out."""
        wanted = None if isinstance(self.features, str) else set(self.features)
        found = [one for one in self.coding.features if self.coding.reference(one) is not None]
        return tuple(one.id for one in found if wanted is None or one.id in wanted)

    def deal_of(self, seed: int) -> Deal:
        """What is shown under a seed."""
        return dealt(seed, self.shown)

    def content(self) -> str:
        """Hash of what decides beside params."""
        said = self.coding.model_dump_json(exclude={"base": {"folder", "repository"}})
        return sha256(f"{said}{self.coding.content()}".encode()).hexdigest()[:16]

    def __eq__(self, other: object) -> bool:
        """Where a task lies on the disk is no part of what it says."""
        return isinstance(other, Interception) and self.model_dump() == other.model_dump()

    def __hash__(self) -> int:
        return hash(self.model_dump_json())
