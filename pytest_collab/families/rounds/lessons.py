"""Lessons: a list that earlier teams have left, frozen before anything is scored, and given to every seat.

The idea is LIET's list of what a team knows about cooperating (arXiv 2506.07232), which there goes on growing while
teams are measured; a list that stands still keeps episodes independent of each other.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, ValidationInfo

from pytest_collab.families.rounds.game import RoundGame, Wrapped

MOST: Final = 50
LONGEST: Final = 300
"""Lessons of a list, and characters of a lesson."""

TOLD: Final = (
    "Teams before you have left these lessons. They may be wrong, and they were about other problems of this kind:"
)


class Taught(Wrapped):
    """A game whose seats are all given the same lessons."""

    def __init__(self, game: RoundGame, lessons: tuple[str, ...]) -> None:
        super().__init__(game)
        self.lessons = lessons

    def brief(self, seat: str) -> str:
        return "\n".join([self.game.brief(seat), TOLD, *(f"- {lesson}" for lesson in self.lessons)])


def frozen(given: Any, info: ValidationInfo) -> Any:
    """The lessons themselves in the place of a file of them, so that a task's hash is that of what is told."""
    if not isinstance(given, str):
        return _fit(given) if isinstance(given, (list, tuple)) else given
    path = Path(given)
    if not path.is_absolute():
        path = Path((info.context or {}).get("folder", ".")) / path
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ValueError(
            f"the file of lessons cannot be read ({why}); its path is relative to the task file, and "
            "`collab lessons RUN` writes one"
        ) from None
    lines = (line.strip().removeprefix("- ").strip() for line in text.splitlines())
    found = tuple(line for line in lines if line and not line.startswith("#"))
    if not found:
        raise ValueError("the file holds no lesson: write one a line; lines that begin with # are comments")
    return _fit(found)


def _fit(lessons: Any) -> Any:
    if len(lessons) > MOST:
        raise ValueError(f"{len(lessons)} lessons are more than {MOST}: keep the best of them")
    long = next((str(lesson) for lesson in lessons if len(str(lesson)) > LONGEST), None)
    if long is not None:
        raise ValueError(f"a lesson of {len(long)} characters is longer than {LONGEST}: {long[:40]!r}...")
    return tuple(lessons)


Lessons = Annotated[tuple[str, ...], BeforeValidator(frozen)]
"""A param that takes lessons, or the name of a file with one a line."""
