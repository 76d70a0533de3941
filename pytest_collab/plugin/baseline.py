"""`--collab-baseline`: what got better or worse since an earlier run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytest_collab.errors import RunError, UsageError
from pytest_collab.measure.change import RunComparison, compare_runs, refuse_changed
from pytest_collab.measure.frame import Frame
from pytest_collab.measure.reader import read_frame


class Baseline:
    """An earlier run that this one is compared with; on the controller only.

    Args:
        path: its directory.
        given: which agents stand in for which, old name by new name.

    Raises:
        UsageError: it cannot be read.
    """

    def __init__(self, path: Path, given: Mapping[str, str]) -> None:
        try:
            self._frame = read_frame(path)
        except RunError as error:
            raise UsageError(f"--collab-baseline={path}: {error}") from None
        self._path = path
        self._given = given
        self.comparison: RunComparison | None = None
        self.refusal: str | None = None

    def check(self, frame: Frame) -> None:
        """Refuse planned episodes of tasks that have changed since. Raises UsageError."""
        refuse_changed([self._frame, frame])

    def compare(self, frame: Frame) -> bool:
        """Compare; False when that is refused."""
        try:
            self.comparison = compare_runs(self._frame, frame, given=self._given)
        except UsageError as error:
            self.refusal = str(error)
        return self.refusal is None

    def write(self, reporter: Any, frame: Frame) -> None:
        """Write what changed with pytest's terminal reporter."""
        from pytest_collab.report.changes import change_lines

        reporter.section(f"since {self._path.name}", sep="=")
        if self.comparison is None and self.refusal is None:
            self.compare(frame)
        if self.comparison is None:
            reporter.write_line(f"--collab-baseline={self._path}: {self.refusal}", red=True)
            return
        for line in change_lines(self.comparison, self._path.name):
            reporter.write_line(line, red=line.startswith("worse"), yellow=line.startswith("cannot tell"))
