"""Where a pool's repository is: a clone or mirror of the user's, or upstream."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

from pytest_collab.errors import SetupError, UsageError
from pytest_collab.families.coding.cooperbench.dataset import CooperPool
from pytest_collab.families.coding.repository.git import run_git


def find_mirror(pool: CooperPool, repos: Path | None) -> str:
    """The clone or mirror of a pool's repository below `repos`; upstream's address where no folder is given.

    Looked for are `click`, `pallets/click`, `pallets__click`, `pallets+click`, `pallets_click` and `pallets-click`,
    each with and without `.git` at the end, bare or with a work tree.

    Raises:
        UsageError: the folder has none, or what it has lacks the base commit.
    """
    owner, name = pool.upstream
    if repos is None:
        if not pool.repository:
            raise UsageError(f"pool {pool.name} does not say where its repository is; give a folder with a mirror")
        return pool.repository
    if not repos.is_dir():
        raise UsageError(f"{repos} is no folder; give one that holds clones or mirrors, e.g. {name or 'click'}.git")
    for place in _places(owner, name):
        for path in (repos / place, repos / place / "repo"):
            if (path / "objects").is_dir() or (path / ".git").exists():
                return _with_commit(pool, path.resolve())
    close = get_close_matches(f"{name}.git", [path.name for path in repos.iterdir()], n=1, cutoff=0.75)
    hint = f"did you mean its {close[0]!r}? Otherwise: " if close else ""
    raise UsageError(
        f"{repos} holds no mirror of {owner}/{name}, which pool {pool.name} is set in; {hint}"
        f"git clone --mirror {pool.repository} {repos / name}.git"
    )


def _places(owner: str, name: str) -> list[str]:
    stems = [name, *(f"{owner}{mark}{name}" for mark in ("/", "__", "+", "_", "-"))]
    return [f"{stem}{end}" for stem in stems for end in (".git", "")]


def _with_commit(pool: CooperPool, path: Path) -> str:
    git_dir = path / ".git" if (path / ".git").is_dir() else None if (path / ".git").exists() else path
    if git_dir is not None:  # a linked work tree is believed
        try:
            done = run_git("cat-file", "-e", f"{pool.commit}^{{commit}}", git_dir=git_dir, accept=(0, 1, 128))
        except SetupError as error:
            raise UsageError(f"{path} could not be looked at: {error}") from None
        if done.returncode:
            raise UsageError(
                f"{path} lacks commit {pool.commit}, the base of pool {pool.name} (an old or shallow clone?); "
                f"fetch it: git -C {path} fetch {pool.repository or 'origin'} {pool.commit}"
            )
    return str(path)
