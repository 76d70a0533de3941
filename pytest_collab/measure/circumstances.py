"""What, beside the agents' doing, differs between two runs and may move their figures.

One notion of "the same" for all that holds episodes of two sessions against one another, or puts them together:
comparisons, gates against a baseline, resumed and merged runs. Whoever asks says which kinds matter: another model
behind a name is often just what is compared, and never what one run may be mixed of.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict

from pytest_collab.episode.run import RunDirectory, RunInfo, TaskInfo

Kind = Literal[
    "task", "family", "plugin", "model", "agent", "seeds", "sandbox", "grader", "epochs", "package", "note"
]

DEMANDABLE: Final[tuple[Kind, ...]] = ("task", "family", "plugin", "model", "agent", "seeds", "sandbox", "grader")
"""The kinds that have a value in every run, so that a comparison can be made to depend on their being equal."""

_OPTIONS: Final[tuple[tuple[Kind, str], ...]] = (
    ("grader", "grader"),
    ("seeds", "seeds"),
    ("seeds", "seed"),
    ("epochs", "epochs"),
)
_PACKAGES: Final = ("jax", "jaxlib")
_ANSWERING: Final = ("model", "provider", "address", "command", "replayed_from")
"""Of what an agent tells about itself, that which says who answers; the rest is how it is asked and paid."""

_UNTOLD: Final = ("name",)


class Difference(BaseModel):
    """One circumstance that is not the same.

    Attributes:
        kind: `task` (content hash), `family` (its version), `plugin` (version of pytest-collab), `model` (who answers
            behind an agent's name), `agent` (how it is asked, what it costs), `seeds`, `sandbox`, `grader`,
            `epochs`, `package` (jax, python), or `note`.
        what: the thing, for people.
        before, after: as recorded; None where a run has not recorded it.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    kind: Kind
    what: str
    before: str | None = None
    after: str | None = None

    def __str__(self) -> str:
        if self.kind == "note":
            return f"note: {self.after}" if self.before is None else f"no longer noted: {self.before}"
        return f"{self.what} {_said(self.before)} -> {_said(self.after)}"


def differences(before: RunInfo, after: RunInfo) -> tuple[Difference, ...]:
    """Every recorded circumstance that is not the same.

    None of these alone is a reason to refuse a comparison, but a reader has to know. Seeds and worlds are drawn by
    jax, so its version and any note on its random numbers matter.

    Returns:
        Nothing for runs that recorded no circumstances; what only one of them recorded is not among them, except for
        notes and an agent's own settings.
    """
    pairs: list[tuple[Kind, str, Any, Any]] = [("sandbox", "sandbox", before.sandbox, after.sandbox)]
    pairs += [(kind, key, before.options.get(key), after.options.get(key)) for kind, key in _OPTIONS]
    pairs += [
        ("plugin", "pytest-collab version", before.versions.get("pytest-collab"), after.versions.get("pytest-collab"))
    ]
    pairs += [("package", f"{key} version", before.versions.get(key), after.versions.get(key)) for key in _PACKAGES]
    pairs.append(("package", "python version", _minor(before), _minor(after)))
    pairs += _tasks(before.tasks, after.tasks)
    found = [_difference(*one) for one in pairs if None not in one[2:] and one[2] != one[3]]
    found += agents_changed(before.agents, after.agents)
    found += [Difference(kind="note", what="note", after=note) for note in after.notes if note not in before.notes]
    found += [Difference(kind="note", what="note", before=note) for note in before.notes if note not in after.notes]
    return tuple(found)


def agents_changed(before: Iterable[Mapping[str, Any]], after: Iterable[Mapping[str, Any]]) -> list[Difference]:
    """What is not the same about the agents that both runs have, by name, as `Agent.describe` tells it."""
    old: Mapping[Any, Mapping[str, Any]] = {agent.get("name"): agent for agent in before}
    found = []
    for agent in after:
        known = old.get(agent.get("name"))
        if known is None:
            continue
        for key in sorted({*known, *agent} - set(_UNTOLD)):
            if known.get(key) != agent.get(key):
                kind: Kind = "model" if key in _ANSWERING else "agent"
                found.append(_difference(kind, f"agent {agent.get('name')}: {key}", known.get(key), agent.get(key)))
    return found


def same_run(one: Path, other: Path) -> bool:
    """Whether two run directories hold one run: they are one folder, or one is a copy of the other."""
    if one.resolve() == other.resolve():
        return True
    infos = [RunDirectory(path).info() for path in (one, other)]
    if not infos[0].started or infos[0].started != infos[1].started:
        return False
    files = [path / "episodes.jsonl" for path in (one, other)]
    return all(file.is_file() for file in files) and files[0].read_bytes() == files[1].read_bytes()


def unlike(before: RunInfo, after: RunInfo) -> tuple[Difference, ...]:
    """The differences for which episodes of the two must not be put together in one run.

    Tasks (and with them the family's version and the limits), who answers behind a name and how it is asked, who
    reads, where commands run, what draws the worlds, and this plugin's major version. Not among them: how many seeds
    and epochs were asked for, what a call costs, how often it is tried.
    """
    found = [one for one in differences(before, after) if _decisive(one)]
    old, new = ({note for note in info.notes if note.startswith("JAX_")} for info in (before, after))
    if before.notes and old != new:
        found.append(_difference("note", "JAX settings", sorted(old), sorted(new)))
    return tuple(found)


def unlike_agents(before: RunInfo, after: RunInfo) -> tuple[str, ...]:
    """Names behind which somebody else answers, or is asked in another way: see `unlike`."""
    names = []
    for agent in after.agents:
        one = before.model_copy(update={"agents": [known for known in before.agents if _same_name(known, agent)]})
        changed = agents_changed(one.agents, [agent])
        if any(other.kind == "model" or _asked_otherwise(other) for other in changed):
            names.append(str(agent.get("name")))
    return tuple(names)


def _same_name(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return one.get("name") == other.get("name")


def _decisive(difference: Difference) -> bool:
    match difference.kind:
        case "agent":
            return _asked_otherwise(difference)
        case "package":
            return not difference.what.startswith("python")
        case "plugin":
            return _major(difference.before) != _major(difference.after)
        case kind:
            return kind in ("task", "family", "model", "sandbox", "grader")


def _asked_otherwise(difference: Difference) -> bool:
    """Not what it costs, where its key is, or whether its answers are kept."""
    return difference.what.rsplit(": ", 1)[-1] not in ("price", "price_from", "key_variable", "recorded")


def _major(version: str | None) -> tuple[str, ...]:
    """The part of a version that promises compatibility: of 0.x the second number too."""
    parts = (version or "").split(".")
    return tuple(parts[:2] if parts[0] == "0" else parts[:1])


def circumstances_changed(before: RunInfo, after: RunInfo) -> list[str]:
    """`differences`, one line each."""
    return [str(one) for one in differences(before, after)]


def unrecorded(info: RunInfo) -> set[Kind]:
    """Which of `DEMANDABLE` a run has not recorded: whether these are equal cannot be told."""
    known: dict[Kind, object] = {
        "task": info.tasks and all(task.hash for task in info.tasks),
        "family": [task for task in info.tasks if task.version is not None],
        "plugin": info.versions.get("pytest-collab"),
        "model": info.agents,
        "agent": info.agents,
        "sandbox": info.sandbox,
        "grader": info.options.get("grader"),
    }
    return {kind for kind, value in known.items() if not value}


def _tasks(before: Iterable[TaskInfo], after: Iterable[TaskInfo]) -> list[tuple[Kind, str, Any, Any]]:
    old = {(task.family, task.name): task for task in before}
    found: list[tuple[Kind, str, Any, Any]] = []
    families: dict[str, tuple[Any, Any]] = {}
    for task in after:
        known = old.get((task.family, task.name))
        if known is not None:
            found.append(("task", f"task {task.name}", known.hash or None, task.hash or None))
            families[task.family] = (known.version, task.version)
    return [("family", f"family {name} version", *both) for name, both in families.items()] + found


def _difference(kind: Kind, what: str, before: Any, after: Any) -> Difference:
    return Difference(kind=kind, what=what, before=_text(before), after=_text(after))


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _said(value: str | None) -> str:
    return "None" if value is None else value


def _minor(info: RunInfo) -> str | None:
    version = info.versions.get("python")
    return None if version is None else ".".join(version.split(".")[:2])
