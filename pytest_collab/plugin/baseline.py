"""`--collab-baseline`: what got better or worse since an earlier run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_collab.errors import RunError, UsageError
from pytest_collab.measure.change import compare_runs, refuse_changed
from pytest_collab.measure.comparison import RunComparison
from pytest_collab.measure.frame import Frame
from pytest_collab.measure.reader import read_frame

if TYPE_CHECKING:
    from pytest_collab.plugin.options import Settings


class Baseline:
    """An earlier run that this one is compared with; on the controller only.

    Raises:
        UsageError: it cannot be read, or is the run itself.
    """

    def __init__(self, settings: Settings) -> None:
        path = settings.baseline
        assert path is not None
        if settings.run_dir is not None and settings.run_dir.resolve() == path.resolve():
            raise UsageError(f"--collab-baseline={path} is the run itself; name an earlier run")
        try:
            self._frame = read_frame(path)
        except RunError as error:
            raise UsageError(f"--collab-baseline={path}: {error}") from None
        self._path = path
        self._given = settings.stand_ins
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

    def write(self, reporter: Any, frame: Frame, *, whole: bool = False) -> None:
        """Write what changed with pytest's terminal reporter: in few lines, or `whole`."""
        from pytest_collab.report.changes import brief_lines, change_lines

        reporter.section(f"since {self._path.name}", sep="=")
        if self.comparison is None and self.refusal is None:
            self.compare(frame)
        if self.comparison is None:
            reporter.write_line(f"--collab-baseline={self._path}: {self.refusal}", red=True)
            return
        name = self._path.name
        for line in change_lines(self.comparison, name) if whole else brief_lines(self.comparison, name):
            reporter.write_line(line, red=line.startswith("worse"), yellow=line.startswith("cannot tell"))
