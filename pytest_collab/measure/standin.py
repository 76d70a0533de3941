"""Agents that stand in for others: a release under a new name.

Somebody has to say so. It is assumed in one case only: the two runs have no agent in common, and one agent each.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

import numpy as np

from pytest_collab.errors import UsageError
from pytest_collab.measure.frame import Frame


@dataclass(frozen=True, slots=True)
class StandIns:
    """Which agents of the later run stand in for which of the earlier one.

    Attributes:
        of: old name by new name.
        assumed: nobody said so; see the module.
    """

    of: Mapping[str, str] = field(default_factory=dict)
    assumed: bool = False

    def old(self, team: tuple[str, ...]) -> tuple[str, ...]:
        """A team of the later run, as the earlier one names it."""
        return tuple(self.of.get(agent, agent) for agent in team) if self.of else team


def stand_ins(before: Frame, after: Frame, given: Mapping[str, str] | None = None) -> StandIns:
    """Which agents of the later run stand in for agents of the earlier one.

    Args:
        before: the earlier run.
        after: the later run.
        given: old name by new name, as somebody said.

    Raises:
        UsageError: a name does not occur in its run, or two teams of the later run would stand in for one.
    """
    old, new = _agents(before), _agents(after)
    found = StandIns(dict(given or {}))
    if not given and len(old) == len(new) == 1 and old != new:
        found = StandIns({new[0]: old[0]}, assumed=True)
    for name, stands_for in found.of.items():
        _known(name, new, f"{name}={stands_for}", "later")
        _known(stands_for, old, f"{name}={stands_for}", "earlier")
    teams: dict[tuple[str, ...], tuple[str, ...]] = {}
    for team in _teams(after):
        other = teams.setdefault(found.old(team), team)
        if other != team:
            raise UsageError(
                f"{'+'.join(team)} and {'+'.join(other)} would both stand in for {'+'.join(found.old(team))} "
                f"({', '.join(f'{n}={o}' for n, o in found.of.items())}); leave one of them out"
            )
    return found


def parse_stand_ins(texts: Iterable[str], option: str) -> dict[str, str]:
    """Stand-ins as they are written on a command line, `NEW=OLD`.

    Raises:
        UsageError: one is not written so, or an agent is named twice.
    """
    found: dict[str, str] = {}
    for text in texts:
        new, equals, old = (part.strip() for part in text.partition("="))
        if not (new and equals and old):
            raise UsageError(f"{option} {text}: write NEW=OLD, the agent's name now and the one that it had before")
        if new in found:
            raise UsageError(f"{option} {text}: {new} stands in for {found[new]} already")
        found[new] = old
    return found


def _agents(frame: Frame) -> list[str]:
    return list(dict.fromkeys(agent for team in _teams(frame) for agent in team))


def _teams(frame: Frame) -> list[tuple[str, ...]]:
    return [frame.team.values[code] for code in np.unique(frame.team.codes).tolist()]


def _known(name: str, known: list[str], text: str, which: str) -> None:
    if name not in known:
        close = get_close_matches(name, known, n=1)
        hint = f"Did you mean {close[0]!r}? " if close else ""
        raise UsageError(f"{text}: the {which} run has no agent {name!r}. {hint}It has {', '.join(known) or 'none'}.")
