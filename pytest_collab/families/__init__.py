"""Families: one folder each, all with the same rooms inside; found by name, imported when needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any, Final

from pytest_collab.episode.family import Family, Params
from pytest_collab.errors import TaskError

_SHIPPED: Final[Mapping[str, str]] = {
    "alem": "pytest_collab.families.alem:AlemFamily",
    "coding": "pytest_collab.families.coding:CodingFamily",
    "commons": "pytest_collab.families.commons:CommonsFamily",
    "dilemma": "pytest_collab.families.dilemma:DilemmaFamily",
    "donor": "pytest_collab.families.donor:DonorFamily",
    "experts": "pytest_collab.families.experts:ExpertsFamily",
    "hanabi": "pytest_collab.families.hanabi:HanabiFamily",
    "interception": "pytest_collab.families.coding.interception:InterceptionFamily",
    "kitchen": "pytest_collab.families.kitchen:KitchenFamily",
    "maze": "pytest_collab.families.maze:MazeFamily",
    "market": "pytest_collab.families.market:MarketFamily",
    "network": "pytest_collab.families.network:NetworkFamily",
    "philosophers": "pytest_collab.families.philosophers:PhilosophersFamily",
    "public_goods": "pytest_collab.families.public_goods:PublicGoodsFamily",
}
_registered: dict[str, Callable[[], Family[Any]]] = {}
_made: dict[str, Family[Any]] = {}


def register(family: Family[Any]) -> None:
    """Make a third-party family known for this process (the hook `pytest_collab_families` does).

    Raises:
        TaskError: another family already has the name.
    """
    known = _made.get(family.name)
    same = known is None or type(known).__qualname__ == type(family).__qualname__  # its module may be loaded anew
    if family.name in _SHIPPED or not same:
        raise TaskError(f"two families are called {family.name!r}", remedy="Give yours another `name`.")
    _registered[family.name] = lambda: family
    _made[family.name] = family


def registered() -> list[Family[Any]]:
    """Third-party families of this process."""
    return [make() for make in _registered.values()]


def names() -> list[str]:
    """All known family names, sorted."""
    return sorted({*_SHIPPED, *_registered, *(point.name for point in _points())})


def get(name: str) -> Family[Any]:
    """The family called `name`.

    Raises:
        TaskError: there is none; suggests the nearest name.
    """
    if name not in _made:
        target = _SHIPPED.get(name)
        point = next((point for point in _points() if point.name == name), None)
        if target is not None:
            module, _, attribute = target.partition(":")
            _made[name] = getattr(import_module(module), attribute)()
        elif name in _registered:
            _made[name] = _registered[name]()
        elif point is not None:
            _made[name] = point.load()()
        else:
            known = names()
            close = get_close_matches(str(name), known, n=1)
            hint = f"Did you mean {close[0]!r}? " if close else ""
            raise TaskError(
                f"unknown family {name!r}", remedy=f"{hint}Families are {', '.join(known)}.", key="family"
            )
    return _made[name]


def known(name: str) -> Family[Any] | None:
    """The family of a run that may be older than what is installed here; None where it is not known any more."""
    try:
        return get(name)
    except TaskError:
        return None


def of(params: Params) -> Family[Any]:
    """The family that a params object belongs to."""
    return get(type(params).family)


def _points() -> list[Any]:
    return list(entry_points(group="pytest_collab.families"))
