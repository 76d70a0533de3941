"""What makes the problems of each family harder: numbers of its params, from their easiest value to a hard one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pytest_collab.episode.family import Params
from pytest_collab.errors import TaskError

Value = int | float | tuple[int, int]


@dataclass(frozen=True, slots=True)
class Dial:
    """A number (or a pair of numbers) of a family's params that makes its problems easier or harder.

    Attributes:
        levels: how many steps lie between the easiest value, level 0, and the hardest, level `levels`.
    """

    name: str
    easiest: Value
    hardest: Value
    levels: int

    def value(self, level: int) -> Value:
        """The value at a level; exactly `hardest` at the last one."""
        share = level / self.levels if self.levels else 1.0
        if isinstance(self.easiest, tuple) and isinstance(self.hardest, tuple):
            low, high = (_between(a, b, share) for a, b in zip(self.easiest, self.hardest, strict=True))
            return int(low), int(high)
        assert not isinstance(self.easiest, tuple)
        assert not isinstance(self.hardest, tuple)
        return _between(self.easiest, self.hardest, share)

    def up_to(self, value: Value) -> Dial:
        """The same dial, with `value` as its hardest; only the easiest where that is no harder."""
        if isinstance(value, tuple) and isinstance(self.easiest, tuple):
            steps = max(abs(b - a) for a, b in zip(self.easiest, value, strict=True))
            return Dial(self.name, self.easiest, value, steps)
        assert not isinstance(value, tuple)
        assert not isinstance(self.easiest, tuple)
        whole = isinstance(value, int) and isinstance(self.easiest, int)
        return Dial(self.name, self.easiest, value, abs(int(value - self.easiest)) if whole else self.levels)


def _between(easiest: float, hardest: float, share: float) -> float:
    value = easiest + (hardest - easiest) * share
    whole = isinstance(easiest, int) and isinstance(hardest, int)
    return round(value) if whole else hardest if share == 1.0 else round(value, 3)


def _whole(name: str, easiest: int, hardest: int) -> Dial:
    return Dial(name, easiest, hardest, abs(hardest - easiest))


_DIALS: Final[Mapping[str, tuple[Dial, ...]]] = {
    # The most telling first: of two cases that differ in it, it alone says which is the smaller one.
    "maze": (
        _whole("size", 3, 12),
        Dial("path", (1, 2), (12, 16), 14),
        Dial("walls", 0.0, 0.4, 8),
        Dial("crossing", 0.0, 1.0, 4),
        _whole("seats", 2, 4),
    ),
    "market": (
        _whole("agents", 2, 10),
        _whole("rounds", 3, 20),
        _whole("needs", 1, 4),
        _whole("tasks", 1, 3),
        _whole("pieces", 8, 100),
    ),
    "commons": (_whole("seats", 2, 8), _whole("rounds", 2, 12)),
    "philosophers": (_whole("seats", 3, 9), _whole("timesteps", 12, 40), _whole("talk", 0, 2)),
    "donor": (Dial("seats", 4, 12, 4), _whole("generations", 1, 5)),
    "public_goods": (_whole("seats", 2, 8), _whole("rounds", 1, 12)),
    "experts": (_whole("seats", 2, 6), _whole("options", 2, 4), _whole("discussion", 0, 6)),
    "alem": (_whole("agents", 1, 3), _whole("max_steps", 5, 60)),
}
_ROUNDS: Final = (_whole("seats", 2, 4), _whole("rounds", 1, 20))


def dials_of(params_type: type[Params]) -> tuple[Dial, ...]:
    """The dials of a family's params; of a family that is not known here, its whole numbers with a least value."""
    known = _DIALS.get(params_type.family)
    if known is not None:
        return known
    found = []
    for name, field in params_type.model_fields.items():
        least = next((mark.ge for mark in field.metadata if hasattr(mark, "ge")), None)
        if field.annotation is int and isinstance(least, int) and isinstance(field.default, int):
            found.append(_whole(name, least, max(least, field.default)))
    return tuple(found)


def params_at(
    params_type: type[Params], fixed: Mapping[str, Any], dials: Sequence[Dial], levels: Sequence[int]
) -> Params | None:
    """Params with every dial at its level; None where these values do not go together."""
    values = {**fixed, **{dial.name: dial.value(level) for dial, level in zip(dials, levels, strict=True)}}
    if any(level < dial.levels for dial, level in zip(dials, levels, strict=True)):
        values = _FIT.get(params_type.family, dict)(values)
    try:
        return params_type(**values)
    except TaskError:
        return None


def _within_the_maze(values: dict[str, Any]) -> dict[str, Any]:
    """Paths that small mazes usually have: longer ones are possible, and hardly ever found."""
    if "size" not in values or "path" not in values:
        return values
    most = 2 * (values["size"] - 1)
    low, high = values["path"]
    return {**values, "path": (min(low, most), min(high, most))}


_FIT: Final[Mapping[str, Callable[[dict[str, Any]], dict[str, Any]]]] = {"maze": _within_the_maze}
