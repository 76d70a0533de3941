"""A run's records, read one by one by whoever has its columns: a hundred thousand of them do not fit into memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, overload

from pydantic import ValidationError

from pytest_collab.episode.record import Episode
from pytest_collab.episode.run import EPISODES, RunDirectory
from pytest_collab.errors import RunError
from pytest_collab.measure.frame import OUTCOMES, Frame
from pytest_collab.measure.settling import settle


class Records(Sequence[Episode]):
    """The episodes of a run as its frame has them, each with the outcome that it was settled to; none is held.

    Args:
        run: the run directory.
        frame: what was read of it.

    Attributes:
        outcomes: shape (n,), what each was settled to: places in `OUTCOMES`.

    Raises:
        RunError: from every method that reads: the file cannot be read, or has been written anew since.
    """

    def __init__(self, run: RunDirectory, frame: Frame) -> None:
        self.frame = frame
        self._run = run
        self.outcomes = settle(frame).outcomes

    def __len__(self) -> int:
        return len(self.frame)

    @overload
    def __getitem__(self, row: int) -> Episode: ...

    @overload
    def __getitem__(self, row: slice) -> list[Episode]: ...

    def __getitem__(self, row: int | slice) -> Episode | list[Episode]:
        if isinstance(row, slice):
            return list(self.of(range(len(self))[row]))
        return next(self.of([range(len(self))[row]]))

    def __iter__(self) -> Iterator[Episode]:
        return self.of(range(len(self)))

    def of(self, rows: Iterable[int]) -> Iterator[Episode]:
        """The episodes of these rows, in their order."""
        for row, line in self._lines(rows):
            try:
                episode = Episode.model_validate_json(line)
            except ValidationError as error:
                raise self._none(row, error.errors(include_url=False)[0]["msg"]) from error
            if episode.id != self.frame.id[row]:
                raise self._none(row, f"{episode.id} is there")
            outcome = OUTCOMES[self.outcomes[row]]
            yield episode if outcome is episode.outcome else episode.model_copy(update={"outcome": outcome})

    def raw(self, rows: Iterable[int]) -> Iterator[tuple[int, dict[str, Any]]]:
        """Rows with their lines as they are, no models: for one or two fields of many. Outcomes are as recorded."""
        from pydantic_core import from_json

        for row, line in self._lines(rows):
            try:
                raw = from_json(line)
            except ValueError as error:
                raise self._none(row, str(error)) from error
            if not isinstance(raw, dict) or raw.get("id") != self.frame.id[row]:
                raise self._none(row, "another line is there")
            yield row, raw

    def named(self, name: str) -> Episode | None:
        """The episode of that id; None where there is none."""
        return self[self.frame.id.index(name)] if name in self.frame.id else None

    def _lines(self, rows: Iterable[int]) -> Iterator[tuple[int, bytes]]:
        path = self._run.path / EPISODES
        try:
            with path.open("rb") as lines:
                for row in rows:
                    lines.seek(int(self.frame.at[row]))
                    yield row, lines.readline()
        except OSError as error:
            raise RunError(f"{path} cannot be read: {error.strerror or error}") from error

    def _none(self, row: int, why: str) -> RunError:
        path, at = self._run.path / EPISODES, self.frame.at[row]
        return RunError(
            f"{path}: episode {self.frame.id[row]} cannot be read at byte {at}: {why}. "
            "Try again if the run is being written anew (`collab regrade --write`, --collab-resume=anew)."
        )
