"""Repositories as people see them (refs, heads, remotes, commits), opened with GitPython and closed again.

What reads or makes objects byte for byte is plumbing, and `git` runs it (see there): GitPython has no `merge-tree`,
no `fast-import` and no attributes of our own, inherits the user's environment, and a `Repo` keeps processes and
descriptors until it is closed. So none is kept: they are context managers here, on repositories of our own or the
user's, never on a tree in which a seat has been at work.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

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
        raise SetupError(f"GitPython cannot be used here: {error}") from None
    try:
        repository = Repo(path)
    except (InvalidGitRepositoryError, NoSuchPathError):
        raise TaskError(
            f"{str(path)!r} is no git repository",
            remedy="`base.repository` is relative to the task file; a clone, a bare mirror and a URL will do.",
            key="base.repository",
        ) from None
    try:
        repository.git.update_environment(**git_environment(), GIT_DIR=str(repository.git_dir))
        yield repository
    except GitCommandError as error:
        raise SetupError(f"git failed in {path}: {error}") from None
    finally:
        repository.close()


def tree_of(path: Path, commit: str) -> tuple[Path, str] | None:
    """The git directory of the repository at `path`, and the id of a commit's tree; None if it has no such commit.

    Args:
        commit: an id, or an unambiguous beginning of one.
    """
    from git.exc import BadName, BadObject

    with opened(path) as repository:
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
    from git import Reference

    with opened(path) as repository:
        remote = repository.create_remote("origin", url)
        Reference.create(repository, f"remotes/{remote.name}/{branch}", commit)
