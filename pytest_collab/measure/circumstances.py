"""What, beside the agents' doing, differs between two runs and may move their figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pytest_collab.episode.run import RunInfo

_OPTIONS: Final = ("grader", "seeds", "seed", "epochs")
_VERSIONS: Final = ("pytest-collab", "jax", "jaxlib")
_UNTOLD: Final = ("name",)


def circumstances_changed(before: RunInfo, after: RunInfo) -> list[str]:
    """One line for each recorded circumstance that is not the same.

    These are no reason to refuse a comparison: another model behind the same name is often what is compared. But a
    reader has to know. Seeds and worlds are drawn by jax, so its version and any note on its random numbers matter.

    Returns:
        Nothing for runs that recorded no circumstances.
    """
    lines = [
        f"{key} {old} -> {new}"
        for key, old, new in [
            ("sandbox", before.sandbox, after.sandbox),
            *((key, before.options.get(key), after.options.get(key)) for key in _OPTIONS),
            *((f"{key} version", before.versions.get(key), after.versions.get(key)) for key in _VERSIONS),
            ("python version", _minor(before), _minor(after)),
        ]
        if old is not None and new is not None and old != new
    ]
    lines += _agents(before, after)
    lines += [f"note: {note}" for note in after.notes if note not in before.notes]
    lines += [f"no longer noted: {note}" for note in before.notes if note not in after.notes]
    return lines


def _minor(info: RunInfo) -> str | None:
    version = info.versions.get("python")
    return None if version is None else ".".join(version.split(".")[:2])


def _agents(before: RunInfo, after: RunInfo) -> list[str]:
    old: Mapping[Any, dict[str, Any]] = {agent.get("name"): agent for agent in before.agents}
    lines = []
    for agent in after.agents:
        known = old.get(agent.get("name"))
        if known is None:
            continue
        for key in sorted({*known, *agent} - set(_UNTOLD)):
            if known.get(key) != agent.get(key):
                lines.append(f"agent {agent.get('name')}: {key} {known.get(key)} -> {agent.get(key)}")
    return lines
