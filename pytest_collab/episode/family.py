"""A family: a kind of collaboration problem. What every family, third-party ones too, must offer."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, cast

from pydantic import BaseModel, ConfigDict, ValidationError

from pytest_collab.episode.agent import Agent, Seat
from pytest_collab.episode.condition import RELAYS, Condition
from pytest_collab.episode.examiner import Examiner
from pytest_collab.episode.game import Game
from pytest_collab.episode.limits import Limits
from pytest_collab.episode.outcome import Verdict
from pytest_collab.episode.text import counted
from pytest_collab.episode.transcript import Transcript
from pytest_collab.errors import TaskError

if TYPE_CHECKING:  # the name is private, the class is not: subclasses of Params would not type-check without it
    from pydantic._internal._model_construction import ModelMetaclass
else:
    ModelMetaclass = type(BaseModel)


class _Explaining(ModelMetaclass):
    """Turns a mistake in `Maze(size=99)` into a sentence for the person who wrote that line."""

    def __call__(cls, *args: Any, **values: Any) -> Any:
        try:
            return super().__call__(*args, **values)
        except ValidationError as error:
            caller = inspect.stack(context=0)[1]
            raise explain(error, cast("type[BaseModel]", cls), file=caller.filename, line=caller.lineno) from None


class Params(BaseModel, metaclass=_Explaining):
    """Base of every family's params model: frozen, strict about keys, with errors for people.

    Give every field a `description`: it is what the user reads after a mistake.

    Raises:
        TaskError: on construction with a wrong key, type or range; names the caller's file and line.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    family: ClassVar[str] = ""
    as_published: ClassVar[str] = "This family follows no study's prompts."
    """What to do instead of `prompts: as_published`, where there is no such key: a sentence."""


def explain(
    error: ValidationError,
    model: type[BaseModel],
    *,
    file: Any = None,
    line: int | None = None,
    prefix: str = "",
) -> TaskError:
    """Turn pydantic's first complaint into a `TaskError` that names key, value and remedy."""
    first = error.errors(include_url=False)[0]
    path = [str(part) for part in first["loc"] if not str(part).startswith(("function-", "tagged-"))]
    key = ".".join([prefix, *path] if prefix else path)
    value = first.get("input")
    if first["type"] == "extra_forbidden":
        names = [field.alias or name for name, field in model.model_fields.items()]
        close = get_close_matches(path[-1] if path else "", names, n=1)
        hint = f"Did you mean {close[0]!r}? " if close else ""
        if path[-1:] == ["prompts"] and issubclass(model, Params):
            hint = f"{model.as_published} "
        return TaskError("unknown key", remedy=f"{hint}Keys are {', '.join(names)}.", file=file, line=line, key=key)
    if first["type"] == "missing":
        return TaskError("this key is required", remedy="Add it.", file=file, line=line, key=key)
    message = first["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
    shown = f"{value!r}: " if not isinstance(value, Mapping) or path else ""
    shown = shown if len(shown) < 80 else f"{shown[:77]}...: "
    more = len(error.errors()) - 1
    remedy = f"({counted(more, 'more problem')} in the same place.)" if more else ""
    field = model.model_fields.get(path[-1]) if path else None
    if field is not None and field.description:
        remedy = f"{path[-1]}: {field.description}" + (f" {remedy}" if remedy else "")
    return TaskError(f"{shown}{message}", remedy=remedy, file=file, line=line, key=key)


P = TypeVar("P", bound=Params)


@dataclass(frozen=True, slots=True)
class Picture:
    """One state, drawn: `text` for the terminal, `svg` (a whole <svg> element, no script) for pages."""

    text: str
    svg: str = ""


def worded(action: Any) -> str:
    """An action in words where nothing is known of its family: text as it is, data as its parts."""
    if isinstance(action, Mapping):
        return ", ".join(f"{key} {worded(value)}".strip() for key, value in action.items())
    if isinstance(action, (list, tuple)):
        return " ".join(map(worded, action))
    return str(action)


@dataclass(frozen=True, slots=True)
class Detection:
    """Which metrics make a family's episodes a detection task: a signal is there or not, an agent says how sure.

    Runs then report how well agents tell one from the other, whatever they say yes to (`measure.detection`).

    Attributes:
        signal: the metric that is 1 where there was something to detect, and 0 where there was not.
        evidence: how sure the agent was that there was: 0..1.
        answer: 1 where it said so.
        splits: what figures are also told apart by: a name, and how the metrics begin that are 1 in their group
            (`kind_`: `kind_boundary`, `kind_call`). Episodes without a signal that are in none belong to all.
        task: what it is that the agent tells, in a few words.
    """

    signal: str
    evidence: str
    answer: str
    splits: Mapping[str, str]
    task: str


@dataclass(frozen=True, slots=True)
class Load:
    """What one seat is asked in an episode, at the most.

    Attributes:
        calls: how often.
        characters: what a call holds, instructions and conversation together.
    """

    calls: int
    characters: int


class Family(ABC, Generic[P]):
    """A kind of collaboration problem.

    Attributes:
        name: as in YAML's `family:`.
        summary: one line for `collab` listings.
        params_type: the params model.
        cast: built-in players by name, with one line each; every name works as `builtin/NAME`.
        figures: metrics (shares, 0..1) that a run's table shows beside the score, by the head of their column.
        codes: the failure codes that its verdicts give; None where it does not say. A rate of a code is taken over
            the episodes of families that can give it.
        detection: of families whose episodes ask an agent whether something is there; None for all others.
        version: raised when the same params and seed no longer give the same game.
        desks: whether its games have a place for agents that do a whole job on their own (`Game.desk`).
    """

    name: ClassVar[str]
    summary: ClassVar[str] = ""
    params_type: ClassVar[type[Params]]
    cast: ClassVar[Mapping[str, str]] = {}
    figures: ClassVar[Mapping[str, str]] = {}
    codes: ClassVar[frozenset[str] | None] = None
    detection: ClassVar[Detection | None] = None
    version: ClassVar[int] = 1
    desks: ClassVar[bool] = False

    @abstractmethod
    def seats(self, params: P) -> tuple[str, ...]:
        """The seats of the team game, in order."""

    def seeds(self, params: P) -> int | None:
        """How many different problems `params` hold, one per seed from 0; None when there is no end to them.

        A task may then say `seeds: all`, and none may ask for more.
        """
        return None

    def configure(self, settings: Mapping[str, str]) -> Sequence[str]:
        """Take over what the session was asked for. Called once per process, before anything is prepared.

        Args:
            settings: `sandbox`: what `--collab-sandbox` says.

        Returns:
            Lines that people must see at the start of the run and that its record keeps; warnings among them
            begin with `WARNING: `.

        Raises:
            UsageError, InfrastructureError: it cannot be done here.
        """
        return ()

    def refuses(self, condition: Condition, params: P) -> str | None:
        """Why the family cannot be played under `condition`, in one line; None when it can."""
        if condition.kind in ("solo", "team", "mute", "shared", "with", *RELAYS):
            return None
        return f"family {self.name!r} has no condition {condition.kind!r}"

    def missing(self, params: P) -> str | None:
        """What has to be installed before this can be played here, with the command; None when all is there.

        Where something is missing, items are skipped with this line; tasks can be collected and validated, and runs
        judged, all the same.
        """
        return None

    def needs(self, params: P) -> frozenset[str]:
        """What the machine that plays this must have, by the names that a cluster knows it under.

        `docker` for a container engine, `gpu`, or a toolchain such as `go`. Where no node of a cluster says that it
        has that, all are taken to have it.
        """
        return frozenset()

    def prepare(self, requests: Sequence[tuple[P, Sequence[int]]]) -> None:
        """Do work in batch for (params, seeds) that are about to be played. May do nothing.

        Called once per process after collection; what is costly must be shared through a cache under a lock.
        Raises `TaskError` when params turn out to be impossible, `SetupError` when the machine fails.
        """

    def vet(self, params: P, seeds: Sequence[int], settings: Mapping[str, str]) -> Sequence[str]:
        """What `collab validate` does with a task beyond reading it; prepares its first seeds by default.

        Args:
            settings: as `configure` has them.

        Returns:
            Lines for people to read below the task's name.

        Raises:
            TaskError, SetupError: the task is not fit to be played; says what to change.
        """
        self.prepare([(params, seeds)])
        return ()

    def prepare_to_judge(self, requests: Sequence[tuple[P, Sequence[int]]]) -> None:
        """The work in batch that verdicts of (params, seeds) need, long after the play and perhaps elsewhere.

        As `prepare` by default. Families whose verdicts follow from the transcript alone do nothing.
        """
        self.prepare(requests)

    def limits(self, params: P) -> Limits:
        """Limits for tasks that declare none."""
        return Limits()

    def load(self, params: P, condition: Condition) -> Load | None:
        """What a seat is asked in an episode at the most, for plans; None: built-in players find it out by playing.

        To be given where that takes longer than a plan may: worlds that are compiled, or have thousands of steps.
        """
        return None

    @abstractmethod
    def deal(self, params: P, seed: int, condition: Condition) -> Game:
        """A new game. Pure and cheap, except for reading what `prepare` cached."""

    @abstractmethod
    def verdict(self, params: P, seed: int, condition: Condition, transcript: Transcript) -> Verdict:
        """Judge a finished episode from its transcript alone. Pure."""

    def closing(self, params: P, seed: int, condition: Condition, transcript: Transcript, seat: str) -> str | None:
        """What a seat is asked when the episode has ended (`--collab-grader=seats`); None: it is asked nothing.

        Its answer becomes a `belief` event, which `verdict` may use.
        """
        return None

    async def grade(
        self, params: P, seed: int, condition: Condition, transcript: Transcript, examiner: Examiner
    ) -> Mapping[str, Any] | None:
        """Let an outside agent read a finished episode (`--collab-grader=AGENT`).

        What it returns, JSON-ready, becomes the transcript's `grade` event, which `verdict` may use; with several
        gradings, metrics `grading_1`, `grading_2`, ... (1 for success) let a run tell how far they agree. Families
        without anything to be read freely return None and leave the examiner alone.
        """
        return None

    def player(self, name: str, seat: Seat) -> Agent:
        """The built-in player `name` for a seat.

        Raises:
            TaskError: the family's cast has no such player.
        """
        raise TaskError(
            f"family {self.name!r} has no built-in player {name!r}",
            remedy=f"It has {', '.join(self.cast) or 'none'}.",
        )

    def draw(
        self, params: P, seed: int, condition: Condition, transcript: Transcript, upto: int | None = None
    ) -> Picture | None:
        """The state after event `upto` (the end when None), with what was said of it by then.

        The page shows it as an image on white, at least 480 pixels wide, beside the dialogue; it must not mean
        anything by colour alone. `pytest_collab.families.sketch` has what shipped families draw with.
        """
        return None

    def tell(self, action: Any) -> str:
        """What a seat did, in words that follow its name ("sends p6 to a"). `action` is as transcripts have it."""
        return f"does {worded(action)}"

    def about(self, params: P, seed: int) -> str:
        """What the problem of a seed is about, in a few words, for titles and lists; empty where params tell all.

        Asked for every episode of a report: it must be cheap, and may raise `CollabError` where it cannot be told.
        """
        return ""

    def identity(self, params: P) -> dict[str, Any]:
        """Params as they identify the problem: without what only says where files lie on this machine."""
        return params.model_dump(mode="json")

    def content(self, params: P) -> str:
        """What identifies the problem beyond params (e.g. hashes of files they point to)."""
        return ""
