"""Gates: what a run must show before a release goes out, and the file that says so."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, WithJsonSchema, model_validator
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

from pytest_collab.episode.family import explain
from pytest_collab.errors import TaskError, UsageError
from pytest_collab.measure.circumstances import DEMANDABLE
from pytest_collab.measure.decision import Rule
from pytest_collab.measure.metric import FAMILY_METRIC, GAPS, Metric, parse_metric

SCHEMA_VERSION: Final = 1
MOST_AT_WORST: Final = 0.05
"""Above this share of losses that a file allows, it means them to be at random, unless it says otherwise."""

OnUndecided = Literal["fail", "pass", "warn"]
OnUnmatched = Literal["undecided", "fail"]
Lost = Literal["worst", "at_random"]
ClusterBy = Literal["task_seed", "task", "episode"]
Confidence = Annotated[float, Field(gt=0.5, lt=1.0, description="one-sided, e.g. 0.95")]
Limit = Annotated[float, Field(allow_inf_nan=False)]
RULES: Final = ("at_least", "at_most", "not_worse_than", "better_than")


def _as_tuple(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


_NAMES_SCHEMA: Final = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}], "default": []}
Names = Annotated[tuple[str, ...], BeforeValidator(_as_tuple), WithJsonSchema(_NAMES_SCHEMA, mode="validation")]


_KINDS_SCHEMA: Final = {
    "anyOf": [
        {"type": "string", "enum": list(DEMANDABLE)},
        {"type": "array", "items": {"type": "string", "enum": list(DEMANDABLE)}},
    ],
    "default": [],
}
Demandable = Literal["task", "family", "plugin", "model", "agent", "seeds", "sandbox", "grader"]
Kinds = Annotated[
    tuple[Demandable, ...], BeforeValidator(_as_tuple), WithJsonSchema(_KINDS_SCHEMA, mode="validation")
]


class Where(BaseModel):
    """Which episodes a gate looks at. A key left out takes all; several names in a list are alternatives.

    Attributes:
        family: family names.
        task: task names.
        condition: conditions. Left out, it is `team` (figures of several conditions are not to be mixed),
            and all conditions for `infrastructure_rate`. A gap has its own two, and takes none.
        team: teams as they are written (`claude+gpt`).
        agent: agents that sit on any seat of the team.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    family: Names = ()
    task: Names = ()
    condition: Names = ()
    team: Names = ()
    agent: Names = ()

    def __str__(self) -> str:
        return ", ".join(
            f"{key} {' or '.join(getattr(self, key))}" for key in type(self).model_fields if getattr(self, key)
        )


class Gate(BaseModel):
    """One requirement.

    Exactly one of `at_least`, `at_most`, `not_worse_than` and `better_than` is given.

    Attributes:
        name: how it is reported; made from the rest when left out.
        metric: see `metric.parse_metric`.
        not_worse_than: `baseline` (the run passed as --collab-baseline) or a run directory.
        better_than: the same.
        margin: how much worse is still not worse, in the metric's unit; with `not_worse_than` only.
        better: `higher` or `lower`; for `metrics.NAME`, whose direction only its author knows.
        confidence: one-sided; the file's when left out.
        undecided: what too few episodes mean for the exit status; the file's when left out.
        unmatched: what it means that only one of the run and its baseline played something; the file's when left out.
        lost: whether a verdict has to hold whatever the lost episodes would have been; the file's when left out.
        same: what must not differ from the baseline, beside that of the file.
        seeds: `other` where the baseline played other seeds on purpose: then the runs are held against each other as
            they are, and not in pairs.
        absent: what an episode without the metric counts as, or `left_out`; for `metrics.NAME`.
        cluster: which episodes depend on one another; the file's when left out.
        range: the least and the most that one episode can come to, for metrics that have no range of their own
            (costs, times, `metrics.NAME`); left out, it is taken from the values (`bounded.assumed_range`).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = ""
    where: Where = Where()
    metric: str
    at_least: float | None = Field(default=None, allow_inf_nan=False)
    at_most: float | None = Field(default=None, allow_inf_nan=False)
    not_worse_than: str | None = None
    better_than: str | None = None
    margin: float | None = Field(default=None, allow_inf_nan=False)
    better: Literal["higher", "lower"] | None = None
    confidence: Confidence | None = None
    undecided: OnUndecided | None = None
    unmatched: OnUnmatched | None = None
    lost: Lost | None = None
    same: Kinds = ()
    seeds: Literal["same", "other"] = "same"
    absent: Literal["left_out"] | float | None = None
    cluster: ClusterBy | None = None
    range: tuple[Limit, Limit] | None = None

    @model_validator(mode="after")
    def _check(self) -> Gate:
        problem = _problem(self)
        if problem is not None:
            key, what, remedy = problem
            raise PydanticCustomError("gate", "{what}", {"what": what, "key": key, "remedy": remedy})
        return self

    @property
    def measured(self) -> Metric:
        """The metric it names."""
        return parse_metric(self.metric)

    @property
    def bounds(self) -> tuple[float, float]:
        """The range of its metric; an end may be infinite."""
        return self.range or (self.measured.low, self.measured.high)

    @property
    def counts_as(self) -> float | None:
        """What an episode without the metric counts as; None where it is left out."""
        return None if self.absent == "left_out" else self.absent

    @property
    def relation(self) -> str:
        """Which rule it has."""
        return next(rule for rule in RULES if getattr(self, rule) is not None)

    @property
    def baseline(self) -> str | None:
        """What it compares with: `baseline`, a run directory, or None."""
        return self.not_worse_than or self.better_than

    @property
    def title(self) -> str:
        """Its name, or what it says."""
        if self.name:
            return self.name
        value = getattr(self, self.relation)
        rule = f"{self.relation} {value:g}" if isinstance(value, float) else f"{self.relation} {value}"
        if self.margin is not None:
            rule += f" by {self.margin:g}"
        return f"{self.metric} {rule}" + (f" ({self.where})" if str(self.where) else "")

    def rule(self) -> Rule:
        """The rule, on the metric itself or, with a baseline, on the difference this run minus baseline."""
        if self.at_least is not None:
            return Rule("at_least", self.at_least)
        if self.at_most is not None:
            return Rule("at_most", self.at_most)
        higher = (self.better or self.measured.better) == "higher"
        if self.better_than is not None:
            return Rule("above" if higher else "below", 0.0)
        margin = self.margin or 0.0
        return Rule("at_least", -margin) if higher else Rule("at_most", margin)


class Infrastructure(BaseModel):
    """How many episodes may be lost, to the infrastructure or unread, before the run is void."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at_most: float = Field(default=0.05, ge=0.0, lt=1.0, description="a share of all episodes, e.g. 0.05")


class GateFile(BaseModel):
    """A gates file.

    Attributes:
        together: hold the chance that even one gate fails, or passes, by mistake to that of a single one (Holm).
        undecided: what an undecided gate does to the exit status.
        confidence: one-sided, of every gate that has none of its own.
        cluster: which episodes depend on one another: those of one task and seed, those of one task (the
            pairs of a feature pool, say), or none.
        unmatched: `undecided` or `fail`: what it means for a gate against a baseline that only one of the two runs
            played some team, task or seed.
        lost: `worst`: a verdict has to hold whatever the episodes lost to the infrastructure would have been;
            `at_random`: these are left out as if chance had picked them (what could not be read never is). Left out,
            it is `worst`, and `at_random` in a file whose `infrastructure` allows more than 5 % to be lost: who does
            so has said that losses are none of the agents'.
        same: what must not differ between a run and its baselines (see `circumstances.DEMANDABLE`).
        as: which agents stand in for which of the baseline, old name by new name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = 1
    together: bool = False
    infrastructure: Infrastructure = Infrastructure()
    undecided: OnUndecided = "fail"
    confidence: Confidence = 0.95
    cluster: ClusterBy = "task_seed"
    unmatched: OnUnmatched = "undecided"
    lost: Lost | None = None
    same: Kinds = ()
    stand_ins: dict[str, str] = Field(default={}, alias="as")
    gates: tuple[Gate, ...] = Field(min_length=1)

    @property
    def counts_lost(self) -> Lost:
        """Its `lost`, or what follows from what it allows to be lost."""
        strict = self.infrastructure.at_most <= MOST_AT_WORST
        return self.lost or ("worst" if strict else "at_random")

    @model_validator(mode="after")
    def _distinct(self) -> GateFile:
        seen: set[str] = set()
        for number, gate in enumerate(self.gates):
            if gate.title in seen:
                what = f"{gate.title!r} is the name of two gates"
                remedy = "Give each its own `name`."
                raise PydanticCustomError(
                    "gate", "{what}", {"what": what, "key": f"gates.{number}", "remedy": remedy}
                )
            seen.add(gate.title)
        return self


def read_gates(path: Path) -> GateFile:
    """Read and check a gates file.

    Raises:
        TaskError: file, line, key, value and remedy of the first mistake. A gate that can never fail, or
            never pass, is a mistake.
    """
    from pytest_collab.families.taskfile import read_yaml

    data, lines = read_yaml(path)
    if not isinstance(data, Mapping):
        raise TaskError(
            "a gates file must be a mapping",
            remedy="Begin with `gates:` and a list of gates, each with a metric and a rule.",
            file=path,
            line=1,
        )
    try:
        return GateFile.model_validate(data)
    except ValidationError as error:
        raise _located(error, path, lines) from None


def _located(error: ValidationError, path: Path, lines: Mapping[tuple[str, ...], int]) -> TaskError:
    # A key that is missing is often one that was mistyped: the unknown one tells more.
    found = sorted(error.errors(include_url=False), key=lambda one: one["type"] != "extra_forbidden")
    first = found[0]
    if first["type"] == "extra_forbidden" and len(found) > 1:
        error = ValidationError.from_exception_data(error.title, [_again(first)])
    key = tuple(str(part) for part in first["loc"])
    if first["type"] == "gate":
        context = first["ctx"]
        key = (*key, *str(context["key"]).split(".")) if context["key"] else key
        problem = str(context["what"])
        return TaskError(problem, remedy=str(context["remedy"]), file=path, line=_line(lines, key), key=".".join(key))
    model: type[BaseModel] = GateFile
    if "where" in key:
        model = Where
    elif key[:1] == ("gates",) and len(key) > 1:
        model = Gate
    elif key[:1] == ("infrastructure",) and len(key) > 1:
        model = Infrastructure
    return explain(error, model, file=path, line=_line(lines, key))


def _again(found: ErrorDetails) -> InitErrorDetails:
    return InitErrorDetails(type="extra_forbidden", loc=found["loc"], input=found["input"])


def _line(lines: Mapping[tuple[str, ...], int], key: tuple[str, ...]) -> int:
    while key and key not in lines:
        key = key[:-1]
    return lines.get(key, 1)


def _problem(gate: Gate) -> tuple[str, str, str] | None:
    """Key, problem and remedy of the first thing that makes a gate senseless."""
    try:
        metric = gate.measured
    except UsageError as error:
        problem, _, remedy = str(error).partition(". ")
        return "metric", problem, remedy
    if metric.kind == "gap" and gate.where.condition:
        first, second = GAPS[metric.name]
        return "where.condition", f"{metric.name} compares {first} with {second}", "Drop this key."
    if metric.kind == "area" and (gate.baseline or gate.cluster):
        key = "cluster" if gate.cluster else gate.relation
        what = "takes seeds as independent" if gate.cluster else "is held against a number, not against a baseline"
        return key, f"{metric.name} {what}", "Drop this key." if gate.cluster else "Compare success_rate with it."
    given = [rule for rule in RULES if getattr(gate, rule) is not None]
    if len(given) != 1:
        what = f"{' and '.join(given)} are given" if given else "the gate has no rule"
        return (given[1] if given else ""), what, f"Give exactly one of {', '.join(RULES)}."
    if gate.relation != "not_worse_than" and gate.margin is not None:
        return "margin", f"a margin means nothing to {gate.relation}", "Drop it, or write not_worse_than."
    if gate.baseline is not None and None not in (gate.better, metric.better) and gate.better != metric.better:
        return "better", f"of {metric.name}, {metric.better} is better", "Drop this key."
    if gate.range is not None:
        if metric.bounds is not None:
            return "range", f"{metric.name} always lies within {metric.low:g}..{metric.high:g}", "Drop this key."
        if not metric.low <= gate.range[0] < gate.range[1]:
            shown = f"[{gate.range[0]:g}, {gate.range[1]:g}]"
            least = "" if metric.low == -math.inf else f", and {metric.name} is never below {metric.low:g}"
            return "range", f"{shown} is no range{least}", "Give the least and then the most that one episode can be."
        metric = replace(metric, low=gate.range[0], high=gate.range[1])
    if gate.absent is not None and not metric.name.startswith(FAMILY_METRIC):
        return "absent", f"every episode has {metric.name}", "Drop this key."
    if gate.baseline is None:
        needless = next((key for key in ("unmatched", "same") if getattr(gate, key)), None)
        needless = "seeds" if gate.seeds == "other" else needless
        if needless is not None:
            return needless, f"{gate.relation} compares with no baseline", "Drop this key."
    if gate.baseline is None:
        return _never(gate, metric)
    if (gate.better or metric.better) is None:
        return "metric", f"whether more {metric.name} is better is not known", "Add `better: higher` or `lower`."
    if gate.relation == "not_worse_than":
        return _margin(gate, metric)
    return None


def _never(gate: Gate, metric: Metric) -> tuple[str, str, str] | None:
    """A threshold at or beyond the end of a metric's range leaves only one verdict."""
    relation, name = gate.relation, metric.name
    limit = float(getattr(gate, relation))
    easy, hard = (metric.low, metric.high) if relation == "at_least" else (metric.high, metric.low)
    sign = 1.0 if relation == "at_least" else -1.0
    if sign * limit <= sign * easy:
        inside = "above" if relation == "at_least" else "below"
        return (
            relation,
            f"this gate can never fail: {name} is always {relation} {limit:g}",
            (f"Ask for something {inside} {easy:g}."),
        )
    if metric.bounds is not None and sign * limit >= sign * hard:
        return (
            relation,
            f"this gate can never pass: no number of episodes shows {name} {relation} {limit:g}",
            (f"Ask for something short of {hard:g}, e.g. {hard - sign * 0.01:g}."),
        )
    if metric.kind == "gap" and (gate.better or metric.better) == ("lower" if relation == "at_least" else "higher"):
        other, more = ("at_most", "higher") if relation == "at_least" else ("at_least", "lower")
        what = f"of {name}, {metric.better} is better: {relation} would stop the good releases"
        return relation, what, f"Write {other}; or add `better: {more}`, if you mean it."
    return None


def _margin(gate: Gate, metric: Metric) -> tuple[str, str, str] | None:
    if gate.margin is None or gate.margin <= 0.0:
        shown = "no margin" if gate.margin is None else f"a margin of {gate.margin:g}"
        return (
            "margin" if gate.margin is not None else "not_worse_than",
            (f"{shown}: no number of episodes shows that two equal teams are equal"),
            "Give a margin above 0: how much worse is still not worse.",
        )
    if gate.margin >= metric.high - metric.low:
        return (
            "margin",
            (f"this gate can never fail: {metric.name} cannot fall by more than {metric.high - metric.low:g}"),
            "Give a smaller margin.",
        )
    return None
