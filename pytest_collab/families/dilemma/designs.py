"""Mediators and contracts in words: how designs are read, and how they are told."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from pytest_collab.families.dilemma.games import Payoffs
from pytest_collab.families.dilemma.rules import Contract, Mediator
from pytest_collab.families.rounds import Got

MOST_PAID: Final = 100
"""Points that a contract may move for one action."""


def told(design: Mediator | Contract | None, shown: Mapping[str, str]) -> str:
    """A design in words.

    Args:
        shown: what actions are called.
    """
    if design is None:
        return "none that could be read"
    if isinstance(design, tuple):
        return "; ".join(
            f"if {n} {'delegates' if n == 1 else 'delegate'}, {shown[action]}" for n, action in enumerate(design, 1)
        )
    return "; ".join(
        f"{shown[action]} {'is paid' if amount >= 0 else 'pays'} {abs(amount):g}" for action, amount in design.items()
    )


def mediator(value: str, meant: Mapping[str, str], payoffs: Payoffs) -> Got[Any]:
    """What a mediator plays by how many delegate, one and more.

    Args:
        meant: actions by what they are called, in lower case.
    """
    found = {
        int(n): meant[action.lower()]
        for n, action in re.findall(rf"(\d)\W{{1,4}}({'|'.join(meant)})\b", value, re.IGNORECASE)
    }
    if sorted(found) != list(range(1, payoffs.places + 1)):
        return Got(None, f"{value[:60]!r} does not say what 1 to {payoffs.places} delegating come to")
    return Got([found[n] for n in sorted(found)])


def contract(value: str, meant: Mapping[str, str], payoffs: Payoffs) -> Got[Any]:
    """Points by action."""
    pairs = re.findall(rf"\b({'|'.join(meant)})\"?\s*[=:]\s*([+-]?\d+(?:\.\d+)?)", value, re.IGNORECASE)
    found = {meant[action.lower()]: float(amount) for action, amount in pairs}
    if not found or any(abs(amount) > MOST_PAID for amount in found.values()):
        return Got(None, f"{value[:60]!r} holds no amount from -{MOST_PAID} to {MOST_PAID} for an action")
    return Got({action: found.get(action, 0.0) for action in payoffs.actions})
