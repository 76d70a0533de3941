"""Repositories as people see them (refs, heads, remotes, commits), opened with GitPython and closed again.

What reads or makes objects byte for byte is plumbing, and `git` runs it (see there): GitPython has no `merge-tree`,
no `fast-import` and no attributes of our own, inherits the user's environment, and a `Repo` keeps processes and
descriptors until it is closed. So none is kept: they are context managers here, on repositories of our own or the
user's, never on a tree in which a seat has been at work.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_collab.episode.text import one_line
from pytest_collab.errors import SetupError, TaskError
from pytest_collab.families.coding.repository.git import git_environment

if TYPE_CHECKING:
    from git import Repo


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Repo]:
    """A repository, with the environment of a host git; its processes end with the context.

    Raises:
        TaskError: there is none at `path`.
        SetupError: there is no git, or git fails in there.
    """
    try:
        from git import Repo
        from git.exc import GitCommandError, InvalidGitRepositoryError, NoSuchPathError
    except ImportError as error:
        named = os.environ.get("GIT_PYTHON_GIT_EXECUTABLE")
        why = f"GIT_PYTHON_GIT_EXECUTABLE={named} is no git" if named else one_line(str(error), 200)
        raise SetupError(f"GitPython cannot be used here: {why}") from None
    try:
        repository = Repo(path)
    except (InvalidGitRepositoryError, NoSuchPathError):
        raise TaskError(
            f"{str(path)!r} is no git repository",
            remedy="`base.repository` is relative to the task file; a clone, a bare mirror and a URL will do.",
            key="base.repository",
        ) from None
    try:
        _keep_to_itself(repository)
        yield repository
    except GitCommandError as error:
        raise SetupError(f"git failed in {path}: {error}") from None
    finally:
        repository.close()


def _keep_to_itself(repository: Repo) -> None:
    """Let nothing that git tells a hook, which pytest may be run by, point into another repository.

    GitPython takes GIT_COMMON_DIR and GIT_OBJECT_DIRECTORY from the environment for every repository that it opens.
    """
    from git.db import GitCmdObjectDB

    git_dir = Path(repository.git_dir)
    shared = git_dir / "commondir"
    common = git_dir / shared.read_text(encoding="utf-8").strip() if shared.is_file() else git_dir
    repository._common_dir = str(common)
    repository.odb = GitCmdObjectDB(str(common / "objects"), repository.git)
    own = {"GIT_DIR": str(git_dir), "GIT_COMMON_DIR": str(common), "GIT_OBJECT_DIRECTORY": str(common / "objects")}
    empty = dict.fromkeys(("GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_NAMESPACE", "GIT_CONFIG_PARAMETERS"), "")
    repository.git.update_environment(**git_environment(), **own, **empty, GIT_INDEX_FILE=str(git_dir / "index"))


def tree_of(path: Path, commit: str) -> tuple[Path, str] | None:
    """The git directory of the repository at `path`, and the id of a commit's tree; None if it has no such commit.

    Args:
        commit: an id, or an unambiguous beginning of one.
    """
    with opened(path) as repository:
        from git.exc import BadName, BadObject

        try:
            return Path(repository.common_dir).resolve(), repository.commit(commit).tree.hexsha
        except (BadName, BadObject, ValueError, IndexError):
            return None


def seat_branch(path: Path, seat: str, commit: str) -> None:
    """Put the checkout at `path` on a branch of the seat's name."""
    with opened(path) as repository:
        repository.head.reference = repository.create_head(seat, commit)


def add_origin(path: Path, url: str, branch: str, commit: str) -> None:
    """Give the checkout at `path` the remote `origin`, as a clone of it would have."""
    with opened(path) as repository:
        from git import Reference

        remote = repository.create_remote("origin", url)
        Reference.create(repository, f"remotes/{remote.name}/{branch}", commit)
