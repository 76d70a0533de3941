"""Which reader of expectations a language has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pytest_collab.families.coding.counter.edit import Expectations
from pytest_collab.families.coding.counter.golang import Go
from pytest_collab.families.coding.counter.javascript import JavaScript
from pytest_collab.families.coding.counter.python import Python
from pytest_collab.families.coding.counter.rust import Rust

EXPECTATIONS: Final[Mapping[str, Expectations]] = {
    "python": Python(),
    "javascript": JavaScript(),
    "typescript": JavaScript(typed=True),
    "go": Go(),
    "rust": Rust(),
}
"""By the language of a pool."""
