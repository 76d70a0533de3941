"""Git tells a hook where its repository is: nothing of that reaches those of episodes, nor do they touch that one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from pytest_collab.families.coding.repository.clone import add_origin, seat_branch, tree_of

HOOK = {
    "GIT_DIR": ".git",
    "GIT_WORK_TREE": ".",
    "GIT_INDEX_FILE": ".git/index",
    "GIT_OBJECT_DIRECTORY": ".git/objects",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES": ".git/objects",
    "GIT_COMMON_DIR": ".git",
    "GIT_QUARANTINE_PATH": ".git/objects",
}
"""Variable -> where it points, in the repository that the hook belongs to."""


def git(folder: Path, *words: str) -> str:
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    who = ["-c", "user.name=a", "-c", "user.email=a@b"]
    done = subprocess.run(["git", *who, *words], cwd=folder, env=env, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def repository(folder: Path) -> Path:
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    (folder / "file").write_text(folder.name)
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", folder.name)
    return folder


def everything(folder: Path) -> Mapping[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("names", [*([name] for name in HOOK), [*HOOK]], ids=[*HOOK, "all"])
def test_what_git_tells_a_hook_stays_out_of_our_repositories(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: list[str]
) -> None:
    ours, theirs = repository(tmp_path / "ours"), repository(tmp_path / "theirs")
    commit, before = git(ours, "rev-parse", "HEAD"), everything(theirs)
    for name in names:
        monkeypatch.setenv(name, str((theirs / HOOK[name]).resolve()))
    assert tree_of(ours, commit) == ((ours / ".git").resolve(), git(ours, "rev-parse", "HEAD^{tree}"))
    assert tree_of(ours, git(theirs, "rev-parse", "HEAD")) is None
    seat_branch(ours, "a", commit)
    add_origin(ours, "/nowhere", "main", commit)
    assert git(ours, "symbolic-ref", "--short", "HEAD") == "a"
    assert git(ours, "rev-parse", "refs/remotes/origin/main") == commit
    assert everything(theirs) == before


def test_a_git_that_is_none_is_named(tmp_path: Path) -> None:
    read = (
        "from pathlib import Path\n"
        "from pytest_collab.families.coding.repository.clone import tree_of\n"
        "tree_of(Path(), 'HEAD')"
    )
    done = subprocess.run(
        [sys.executable, "-c", read],
        env={**os.environ, "GIT_PYTHON_GIT_EXECUTABLE": "/nowhere/git"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.stderr.splitlines()[-1].endswith(
        "SetupError: GitPython cannot be used here: GIT_PYTHON_GIT_EXECUTABLE=/nowhere/git is no git"
    )
