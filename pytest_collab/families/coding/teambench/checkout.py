"""A checkout of TeamBench: its task folders, and why one cannot be played as it lies there.

A folder holds `spec.md` for who plans and who verifies, `brief.md` for who builds, a `workspace`, and `grade.sh`,
which is called with the workspace, a folder for its `score.json`, one with the verifier's attestation, and the task's
own folder. Where `generators/` has a generator of it, that makes all but the grader, as in TeamBench's own runs.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from pytest_collab.errors import UsageError

_PARTS: Final = ("spec.md", "brief.md", "grade.sh", "workspace")
_NEEDS: Final = re.compile(
    r"(?m)(?:^|[\s;&|(\"'])"
    r"((?:python3? -m )?pip3? install|npm|npx|yarn|docker|cargo|curl|wget|go (?:build|test|run|vet))\b"
)
_SOURCE: Final = "git clone https://github.com/ybkim95/TeamBench"


@dataclass(frozen=True, slots=True)
class Folder:
    """One task of a checkout.

    Attributes:
        name: as the checkout has it, such as `GH10_retry_backoff`.
    """

    path: Path

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def slug(self) -> str:
        """The name as a task's: lower case, with nothing but letters, digits and `_`."""
        return re.sub(r"[^a-z0-9]+", "_", self.name.lower()).strip("_")

    @property
    def checkout(self) -> Path:
        return self.path.parent.parent

    @property
    def generated(self) -> bool:
        """Whether the checkout has a generator of it."""
        return (self.checkout / "generators" / f"gen_{self.slug}.py").is_file()

    def text(self, name: str) -> str:
        """A file of the folder; empty where there is none."""
        path = self.path / name
        return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""

    def says(self, key: str) -> str:
        """What `task.yaml` says under a key, on its line; empty where it says nothing."""
        match = re.search(rf"(?m)^{re.escape(key)}:[ \t]*(.*)$", self.text("task.yaml"))
        return match[1].strip().strip("\"'") if match else ""


def folders(checkout: Path, names: Sequence[str] = ()) -> list[Folder]:
    """The task folders of a checkout, in the order of their names.

    Args:
        names: only these.

    Raises:
        UsageError: it is no checkout of TeamBench, or has no task of a name.
    """
    tasks = checkout / "tasks"
    if not tasks.is_dir():
        raise UsageError(f"{checkout} holds no TeamBench: there is no folder tasks in it; get it with {_SOURCE}")
    found = [Folder(path) for path in sorted(tasks.iterdir()) if (path / "task.yaml").is_file() or _some(path)]
    if not found:
        raise UsageError(f"{tasks} holds no task folder; get TeamBench with {_SOURCE}")
    known = {folder.name: folder for folder in found}
    for name in names:
        if name not in known:
            close = get_close_matches(name, known, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            raise UsageError(f"{tasks} has no task {name!r}{hint}")
    return [known[name] for name in names] if names else found


def _some(path: Path) -> bool:
    return any((path / part).exists() for part in _PARTS)


def refusal(folder: Folder) -> str | None:
    """Why a folder cannot be played as it lies there, by what its files say; None where nothing speaks against it."""
    parts = ("grade.sh",) if folder.generated else _PARTS
    missing = [part for part in parts if not (folder.path / part).exists()]
    if missing:
        return f"there is no {', '.join(missing)}" + ("" if folder.generated else ", and no generator")
    languages = [word.strip() for word in folder.says("languages").strip("[]").split(",") if word.strip()]
    if others := [
        language for language in languages if language.lower() not in ("python", "bash", "sql", "json", "yaml")
    ]:
        return f"it is written in {', '.join(others)}; Python alone is tried"
    for name in ("grade.sh",) if folder.generated else ("setup.sh", "grade.sh"):
        if match := _NEEDS.search(_code(folder.text(name))):
            return f"{name} wants {' '.join(match[1].split())}, and nothing is fetched or started for a grader"
    grader = folder.text("grade.sh")
    if "score.json" not in grader:
        return "grade.sh writes no score.json"
    if not re.search(r"\btrue\b|\bTrue\b", grader):
        return "grade.sh passes nothing: the checkout has a placeholder in its place"
    if folder.says("domain") == "testing":
        return "it asks for tests, and test files are taken from the base when work is graded"
    return None


def _code(script: str) -> str:
    """A script without its comments."""
    return re.sub(r"(?m)^\s*#.*$", "", script)
