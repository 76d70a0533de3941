"""Where seats work: one tree, one branch and one sandbox each, and what they may share.

Each seat gets a copy of a checkout of the one-commit seed, mounted alone: no partner's tree, no later commit, no
hidden test and no reference is on any disk that it can see. Whatever is read from or done in a tree is read through
descriptors that follow no link, or done by a command inside the seat's own sandbox; the host's git never looks at a
seat's `.git`.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path, PurePosixPath
from typing import Final

import anyio
import anyio.to_thread

from pytest_collab.episode.text import bounded, printable
from pytest_collab.errors import SandboxError
from pytest_collab.families.coding.environment.environment import Environment
from pytest_collab.families.coding.repository.clone import add_origin, seat_branch
from pytest_collab.families.coding.repository.git import GitError, Store
from pytest_collab.families.coding.repository.seed import BRANCH, Seed
from pytest_collab.families.coding.repository.work import Work, collect_work
from pytest_collab.families.coding.workspace import elsewhere
from pytest_collab.sandbox import Choice, Completed, Mount, Sandbox, SandboxSpec, afterwards, read_inside
from pytest_collab.sandbox.process import remove_tree

REMOTE: Final = "/origin.git"
HISTORY_LIMIT: Final = 64 * 1024 * 1024
GIT_SECONDS: Final = 60.0
_BUNDLE: Final = ".git/collab.bundle"
_SEAT_GIT: Final = {"safe.directory": "*", "gc.auto": "0"}


class Workspace:
    """The trees and sandboxes of one episode.

    Args:
        environment: what commands run in, and where the tree is inside.
        remote: seats share a remote repository, `origin`, that all can write to.
    """

    def __init__(
        self, seed: Seed, seats: Sequence[str], choice: Choice, environment: Environment, *, remote: bool = False
    ) -> None:
        self._seed = seed
        self._seats = tuple(seats)
        self._choice = choice
        self._environment = environment
        self._remote = remote
        self._folder: Path | None = None
        self._sandboxes: dict[str, Sandbox] = {}
        self._stack = AsyncExitStack()
        self._collecting = anyio.Lock()
        self.store: Store

    @property
    def folder(self) -> Path:
        """The episode's own folder on the host.

        Raises:
            SandboxError: it is not open.
        """
        if self._folder is None:
            raise SandboxError("the workspace is not open")
        return self._folder

    async def open(self) -> None:
        """Make trees and sandboxes.

        Raises:
            InfrastructureError: git or a sandbox failed.
        """
        self._folder = Path(tempfile.mkdtemp(prefix="collab-coding-"))
        afterwards.remove_folder(self._folder)
        await anyio.to_thread.run_sync(self._make)
        for seat in self._seats:
            self._sandboxes[seat] = await self._stack.enter_async_context(self._choice.make(self._spec_of(seat)))

    def _make(self) -> None:
        self.store = Store.create(self.folder / "store", self._seed.path, self._seed.commit)
        if self._remote:
            shutil.copytree(self._seed.path, self.folder / "origin.git")
            (self.folder / "origin.git" / "hooks").mkdir(exist_ok=True)
        for seat in self._seats:
            self._plant(seat, self._seed.checkout)

    def _plant(self, seat: str, checkout: Path) -> None:
        tree = self.tree(seat)
        shutil.copytree(checkout, tree, symlinks=True)
        seat_branch(tree, seat, self._seed.commit)
        if self._remote:
            add_origin(tree, self._inside_remote(), BRANCH, self._seed.commit)

    def _inside_remote(self) -> str:
        return str(self.folder / "origin.git") if self._choice.name == "process" else REMOTE

    def _spec_of(self, seat: str) -> SandboxSpec:
        origin = self.folder / "origin.git"
        mounts: tuple[Mount, ...] = ()
        if self._remote:
            # A hook in there would run in the tree of whoever pushes next.
            fixed = (Mount(origin / name, f"{REMOTE}/{name}") for name in ("hooks", "config"))
            mounts = (Mount(origin, REMOTE, writable=True), *fixed)
        env = {
            **_identity(seat),
            **_git_config(_SEAT_GIT),
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_EDITOR": "true",
        }
        return self._environment.spec(self.tree(seat), mounts=mounts, env=env)

    def tree(self, seat: str) -> Path:
        """The seat's working tree on the host. Foreign: follow no link in it, run nothing in it."""
        return self.folder / "trees" / seat

    async def run(
        self,
        seat: str,
        command: Sequence[str] | str,
        *,
        timeout: float,
        stdin: bytes = b"",
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        output_limit: int = 32_768,
    ) -> Completed:
        """Run a command in the seat's sandbox, in the root of its tree unless `cwd` says otherwise."""
        return await self._sandboxes[seat].run(
            command, timeout=timeout, stdin=stdin, cwd=cwd, env=env, output_limit=output_limit
        )

    def inside(self, seat: str) -> str:
        """Where commands in the seat's sandbox find its tree."""
        return self._sandboxes[seat].inside(self.tree(seat))

    def git_on_the_host(self, seat: str) -> dict[str, str]:
        """Variables for git where an agent's own program works in the seat's tree, outside its sandbox.

        It commits as the seat, and `origin`, whose address holds inside sandboxes, is found where it lies.
        """
        config = {"safe.directory": "*", "gc.auto": "0", "commit.gpgsign": "false"}
        if self._remote and self._inside_remote() == REMOTE:
            config[f"url.{self.folder / 'origin.git'}.insteadOf"] = REMOTE
        return {**_identity(seat), **_git_config(config), "GIT_TERMINAL_PROMPT": "0"}

    async def git(self, seat: str, *words: str, stdin: bytes = b"") -> Completed:
        """Run git in the seat's tree, inside its sandbox: its hooks and filters run there and nowhere else."""
        return await self.run(seat, ["git", *words], timeout=GIT_SECONDS, stdin=stdin)

    async def start_from(self, seat: str, commit: str) -> None:
        """Give the seat, which has not begun, the tree of a commit of the store, committed on its branch."""
        patch = await anyio.to_thread.run_sync(lambda: self.store.patch(self.store.tree(commit)))
        if not patch:
            return
        data = patch.encode(errors="surrogateescape")
        await self.git(seat, "update-index", "-q", "--refresh")  # the tree is a copy: its files are not those indexed
        done = await self.git(seat, "apply", "--index", "--whitespace=nowarn", "-", stdin=data)
        if done.ok:
            done = await self.git(seat, "commit", "--quiet", "--no-verify", "-m", "what the team has so far")
        if not done.ok:
            raise SandboxError(f"seat {seat!r} could not be given the team's work: {done.stderr.strip()[:300]}")

    async def put(self, seat: str, tree: str, instead_of: str) -> str:
        """Make the seat's tree, which holds `instead_of`, `tree`; both are ids of trees in the store.

        Returns:
            Why that failed, or nothing.
        """
        patch = await anyio.to_thread.run_sync(lambda: self.store.patch(tree, instead_of))
        if not patch:
            return ""
        data = patch.encode(errors="surrogateescape")
        done = await self.git(seat, "apply", "--whitespace=nowarn", "-", stdin=data)
        return "" if done.ok else f"{seat}'s tree could not be changed: {done.stderr.strip()[:300]}"

    async def collect(self, seat: str) -> Work:
        """What the seat's tree holds now, as a commit in the store."""
        async with self._collecting:
            return await anyio.to_thread.run_sync(collect_work, self.tree(seat), self.store)

    async def elsewhere(self, seat: str, work: Work) -> list[str]:
        """Work of a seat that is not in its working tree, and so not in `work`: see `elsewhere.sentences`."""
        inside = self.inside(seat)
        who = f"<{seat}@localhost>" if self._remote else ""
        env = {**elsewhere.VARIABLES, **_git_config({**_SEAT_GIT, **elsewhere.QUIET})}
        asked = await self.run(
            seat,
            ["sh", "-c", elsewhere.SCRIPT, "sh", self._seed.commit, who],
            timeout=elsewhere.SECONDS,
            env={**env, "GIT_CEILING_DIRECTORIES": str(PurePosixPath(inside).parent)},
            output_limit=elsewhere.OUTPUT_LIMIT,
        )
        if asked.killed_by not in (None, "timeout"):
            return []  # for what else is in the tree; nothing is known
        return await anyio.to_thread.run_sync(
            lambda: elsewhere.sentences(
                asked.stdout, self.store.entries(self.store.tree(self.store.base)), self.store.entries(work.tree)
            )
        )

    async def diff(self, seat: str, limit: int | None = None) -> str:
        """What the seat's tree changes, as a patch for people to read."""
        work = await self.collect(seat)
        patch = await anyio.to_thread.run_sync(self.store.patch, work.tree)
        return patch if limit is None else printable(bounded(patch, limit))

    async def with_history(self, seat: str, work: Work) -> str:
        """The seat's work as a commit on top of what it committed itself, so that what it merged is known as merged.

        Its history travels as a bundle that git makes inside its sandbox. Without a usable one, the work alone.
        """
        made = await self.git(seat, "bundle", "create", "--quiet", _BUNDLE, "HEAD")
        if not made.ok:
            return work.commit
        try:
            data = read_inside(self.tree(seat), _BUNDLE, limit=HISTORY_LIMIT)
            return await anyio.to_thread.run_sync(self._unbundle, seat, data, work)
        except (SandboxError, GitError):
            return work.commit

    def _unbundle(self, seat: str, data: bytes, work: Work) -> str:
        bundle = self.folder / f"{seat}.bundle"
        bundle.write_bytes(data)
        words = self.store.git("bundle", "unbundle", str(bundle)).stdout.decode().split()
        head = words[0] if words else ""
        found = self.store.git("merge-base", "--is-ancestor", self.store.base, head, accept=(0, 1, 128))
        if found.returncode:
            return work.commit
        return self.store.commit(work.tree, head)

    async def close(self) -> None:
        """End sandboxes, remove every trace from the disk. Safe to call twice."""
        await self._stack.aclose()
        if self._folder is not None:
            folder, self._folder = self._folder, None
            await anyio.to_thread.run_sync(remove_tree, folder)


def _identity(seat: str) -> dict[str, str]:
    address = f"{seat}@localhost"
    return {
        "GIT_AUTHOR_NAME": seat,
        "GIT_AUTHOR_EMAIL": address,
        "GIT_COMMITTER_NAME": seat,
        "GIT_COMMITTER_EMAIL": address,
    }


def _git_config(settings: Mapping[str, str]) -> dict[str, str]:
    """Settings of git as environment variables, which no file of a tree can change."""
    pairs = enumerate(settings.items())
    named = {
        f"GIT_CONFIG_{what}_{n}": text for n, pair in pairs for what, text in zip(("KEY", "VALUE"), pair, strict=True)
    }
    return {"GIT_CONFIG_COUNT": str(len(settings)), **named}
