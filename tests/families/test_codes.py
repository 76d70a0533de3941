"""The codes that families say they give are those that their verdicts do give."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from pytest_collab import families
from pytest_collab.episode.outcome import CAUSE_OF, FAMILY_CODES


def folder(family: str) -> Path:
    """Where a family's modules lie."""
    file = sys.modules[type(families.get(family)).__module__].__file__
    assert file is not None
    return Path(file).parent


def written(family: str) -> set[str]:
    """Codes that stand in a family's modules, those of its players apart (they are named after faults)."""
    own, others = folder(family), {folder(name) for name in families.names() if name != family}
    return {
        node.value
        for path in own.rglob("*.py")
        if not any(other in path.parents and own in other.parents for other in others)
        if "cast" not in path.stem and path.stem not in ("players", "faulty")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in CAUSE_OF
    }


@pytest.mark.parametrize("name", families.names())
def test_a_family_declares_the_codes_that_it_gives(name: str) -> None:
    family = families.get(name)
    if family.codes is None:
        return
    assert not (family.codes & FAMILY_CODES) - set(CAUSE_OF), "a code that the taxonomy does not have"
    missing = (written(name) & FAMILY_CODES) - family.codes
    assert not missing, f"{name} names {sorted(missing)} in its modules; add them to {type(family).__name__}.codes"
