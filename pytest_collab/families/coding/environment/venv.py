"""Virtual environments for Python pools, with nothing of the user's own packages in them."""

from __future__ import annotations

import importlib.metadata
import re
import shutil
import subprocess
import sys
from pathlib import Path, PurePosixPath

from pytest_collab.errors import SetupError


def make_venv(venv: Path, *, bare: bool) -> None:
    """Make a virtual environment of the running interpreter's version.

    Args:
        bare: with pytest and what that needs, copied from here; otherwise with pip alone.

    Raises:
        SetupError: Python's venv module is missing or fails.
    """
    base = Path(getattr(sys, "_base_executable", "") or sys.executable)
    words = [str(base), "-m", "venv", *(["--without-pip"] if bare else []), str(venv)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        raise SetupError(
            f"no virtual environment could be made ({' '.join(words)}): {done.stdout}{done.stderr}\n"
            "install Python's venv module (apt-get install python3-venv)"
        )
    if bare:
        site = next((venv / "lib").glob("python3*")) / "site-packages"
        for name in _closure("pytest"):
            _copy_distribution(name, site)
        # Installers may have left this to the first import, which finds the folder read-only.
        subprocess.run([venv / "bin" / "python", "-m", "compileall", "-q", site], capture_output=True, check=False)


def _closure(name: str) -> set[str]:
    """A distribution and what it needs here, by normalised name."""
    from packaging.requirements import Requirement

    found: set[str] = set()
    waiting = [name]
    while waiting:
        one = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if one in found:
            continue
        try:
            requires = importlib.metadata.requires(one) or []
        except importlib.metadata.PackageNotFoundError:
            continue
        found.add(one)
        for line in requires:
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                waiting.append(requirement.name)
    return found


def _copy_distribution(name: str, site: Path) -> None:
    for file in importlib.metadata.files(name) or ():
        if file.parts[0] == ".." or file.is_absolute():
            continue  # scripts: `python -m pytest` needs none
        source = Path(str(file.locate()))
        if source.is_file():
            target = site / PurePosixPath(file)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
