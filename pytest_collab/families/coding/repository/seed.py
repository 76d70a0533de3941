"""Seeds: a repository per base that holds one commit, and nothing of the history before or after it."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from pytest_collab.core.cache import cache_directory
from pytest_collab.episode.text import counted, printable
from pytest_collab.errors import SetupError, TaskError
from pytest_collab.families.coding.pool.pool import Base, Pool
from pytest_collab.families.coding.repository.clone import tree_of
from pytest_collab.families.coding.repository.git import GitError, Store, run_git

BRANCH = "main"
_VERSION = 2


@dataclass(frozen=True, slots=True)
class Seed:
    """A prepared base.

    Attributes:
        path: a bare repository with one commit on `main`, no other ref, no remote. Read it, never write it.
        checkout: a folder with that commit checked out and a `.git` of its own: `cp -a` it for a seat.
        commit: the commit's id: the same everywhere for the same tree.
        tree: the id of its tree.
    """

    path: Path
    checkout: Path
    commit: str
    tree: str


def cache_folder() -> Path:
    """Where prepared bases, environments and baselines are kept: `COLLAB_CACHE`, or where all else is cached."""
    named = os.environ.get("COLLAB_CACHE")
    return (Path(named) if named else cache_directory()).resolve()


def seed_of(pool: Pool, cache: Path | None = None) -> Seed:
    """The seed of a pool's base (see `seed_repository`)."""
    return seed_repository(pool.base, pool.folder, cache)


def seed_repository(base: Base, folder: Path, cache: Path | None = None) -> Seed:
    """The seed of a base, made once and kept.

    Author, date and message are fixed, so ids can be compared between machines. A folder's own ignore rules
    hold; submodules of a repository stay as entries that nobody fetches.

    Args:
        folder: what the base's paths are relative to.
        cache: None for the user's.

    Raises:
        TaskError: the folder, the repository or the commit does not exist.
        SetupError: git fails.
    """
    from filelock import FileLock

    root = (cache or cache_folder()) / "seeds"
    root.mkdir(parents=True, exist_ok=True)
    if base.folder is not None:
        return _from_folder(folder / base.folder, root)
    assert base.repository is not None
    assert base.commit is not None
    source = folder / base.repository
    where = str(source.resolve()) if source.exists() else base.repository
    key = sha256(f"{_VERSION}\0{base.commit if source.exists() else where + base.commit}".encode()).hexdigest()[:20]
    with FileLock(root / f"{key}.lock"):
        if not (root / key).is_dir():
            with tempfile.TemporaryDirectory(dir=root, prefix="making-") as scratch:
                source = source if source.exists() else _fetched(where, base.commit, Path(scratch))
                found = tree_of(source, base.commit)
                if found is None:
                    raise TaskError(
                        f"{where!r} has no commit {base.commit}",
                        remedy="Fetch it into that repository, or correct the id.",
                        key="base.commit",
                    )
                _make(Path(scratch, "seed"), *found)
                Path(scratch, "seed").rename(root / key)
    return _read(root / key)


def _from_folder(source: Path, root: Path) -> Seed:
    from filelock import FileLock

    if not source.is_dir():
        raise TaskError(
            f"{str(source)!r} is no folder", remedy="`base.folder` is relative to the task file.", key="base.folder"
        )
    with tempfile.TemporaryDirectory(dir=root, prefix="making-") as scratch:
        objects = Path(scratch, "objects.git")
        _bare(objects)
        work = ("-c", "core.bare=false", f"--work-tree={source.resolve()}")
        run_git(
            *work, "add", "-A", "--", ".", git_dir=objects, env={"GIT_INDEX_FILE": f"{scratch}/index"}, cwd=source
        )
        tree = run_git("write-tree", git_dir=objects, env={"GIT_INDEX_FILE": f"{scratch}/index"}).stdout
        key = sha256(f"{_VERSION}\0".encode() + tree).hexdigest()[:20]
        with FileLock(root / f"{key}.lock"):
            if not (root / key).is_dir():
                _make(Path(scratch, "seed"), objects, tree.decode().strip())
                Path(scratch, "seed").rename(root / key)
    return _read(root / key)


def _fetched(where: str, commit: str, scratch: Path) -> Path:
    """A repository with nothing but the commit, of one that is not on this machine."""
    objects = scratch / "objects.git"
    _bare(objects)
    run_git("fetch", "--quiet", "--no-tags", "--depth=1", where, commit, git_dir=objects, timeout=1800)
    return objects


def _bare(path: Path) -> None:
    run_git("init", "--quiet", "--bare", "--template=", f"--initial-branch={BRANCH}", str(path))
    (path / "info").mkdir(exist_ok=True)
    (path / "info" / "attributes").write_text("* -text !filter !ident !working-tree-encoding\n")


def _make(folder: Path, source: Path, tree: str) -> None:
    """Write `folder`: seed.git with one commit of `tree`, and a checkout of it."""
    folder.mkdir()
    seed = folder / "seed.git"
    _bare(seed)
    (seed / "info" / "attributes").unlink()
    try:
        objects = run_git("rev-list", "--objects", "--no-object-names", tree, git_dir=source).stdout
    except GitError as error:
        if "missing" not in error.stderr:
            raise
        raise SetupError(
            f"{source} lacks {_lacking(source, tree)} of the base commit (a partial or damaged clone?); "
            "clone the repository whole"
        ) from None
    pack = run_git("pack-objects", "--quiet", "--stdout", git_dir=source, stdin=objects, timeout=900).stdout
    run_git("unpack-objects" if len(pack) < 1 << 12 else "index-pack", *_stdin(pack), git_dir=seed, stdin=pack)
    commit = run_git("commit-tree", tree, "-m", "base", git_dir=seed).stdout.decode().strip()
    run_git("update-ref", f"refs/heads/{BRANCH}", commit, git_dir=seed)
    checkout = folder / "checkout"
    Store.create(folder / "store", seed, commit).checkout(tree, checkout)
    shutil.rmtree(folder / "store")
    run_git("init", "--quiet", "--template=", f"--initial-branch={BRANCH}", str(checkout))
    own = checkout / ".git"
    shutil.rmtree(own / "objects")
    shutil.copytree(seed / "objects", own / "objects")
    # What is on disk is the tree byte for byte; without this, a base with eol attributes would look modified.
    (own / "info").mkdir(exist_ok=True)
    (own / "info" / "attributes").write_text("* -text !ident\n")
    work = {"GIT_WORK_TREE": str(checkout)}
    run_git("update-ref", f"refs/heads/{BRANCH}", commit, git_dir=own)
    run_git("reset", "--quiet", "--mixed", git_dir=own, env=work)
    (folder / "commit").write_text(f"{commit} {tree}\n")


def _lacking(source: Path, tree: str) -> str:
    """What a clone does not have of a tree, by the names of files."""
    try:
        listed = run_git("ls-tree", "-r", "-z", tree, git_dir=source).stdout.split(b"\0")
        files = [line.partition(b"\t") for line in listed if b" blob " in line]
        wanted = b"".join(head.split()[2] + b"\n" for head, _, _ in files)
        told = run_git("cat-file", "--batch-check", git_dir=source, stdin=wanted).stdout.splitlines()
    except GitError:
        return "folders"
    paths = [os.fsdecode(path) for (_, _, path), line in zip(files, told, strict=True) if line.endswith(b" missing")]
    more = f" and {counted(len(paths) - 1, 'more file')}" if len(paths) > 1 else ""
    return f"{printable(paths[0], 200)}{more}" if paths else "objects"


def _stdin(pack: bytes) -> tuple[str, ...]:
    return ("-q",) if len(pack) < 1 << 12 else ("--stdin",)


def _read(folder: Path) -> Seed:
    try:
        commit, tree = (folder / "commit").read_text().split()
    except (OSError, ValueError):
        raise SetupError(f"the prepared base in {folder} is damaged; delete that folder") from None
    return Seed(folder / "seed.git", folder / "checkout", commit, tree)
