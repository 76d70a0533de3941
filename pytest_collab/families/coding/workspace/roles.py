"""The workspace of an episode with roles: what a role may is what its sandbox mounts.

Who plans sees the base's tree, who verifies what was handed in, both read-only; the specification lies at `/spec` for
them and nowhere for who builds. What was handed in reaches the verifier as a copy of what was collected, never as the
tree that somebody still works in.
"""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import anyio.to_thread

from pytest_collab.errors import SandboxError
from pytest_collab.families.coding.casting import Casting
from pytest_collab.families.coding.repository.clone import seat_branch
from pytest_collab.families.coding.repository.work import Work
from pytest_collab.families.coding.workspace.workspace import Workspace
from pytest_collab.sandbox import Mount, SandboxSpec

SPECIFICATION: Final = "/spec"
SCRATCH: Final = "/scratch"
"""A copy of what was handed in, in which the verifier may do what it likes."""


class RolesWorkspace(Workspace):
    """Trees and sandboxes, each with the rights of its seat's role.

    Args:
        specification: what is asked for, by feature.
    """

    def __init__(self, *places: Any, casting: Casting, specification: Mapping[str, str]) -> None:
        super().__init__(*places)
        self._casting = casting
        self._specification = specification
        self._trees: dict[str, Path] = {}
        self._shown = 0

    async def open(self) -> None:
        """Make trees and sandboxes.

        Raises:
            InfrastructureError: git or a sandbox failed.
            SandboxError: the sandbox mounts nothing, so that nobody would be kept from anything.
        """
        if not self._choice.sandbox.isolating:
            raise SandboxError(unkept(self._choice.name))
        await super().open()

    def _make(self) -> None:
        folder = self.folder / "spec"
        folder.mkdir()
        for feature, text in self._specification.items():
            (folder / f"{feature}.md").write_text(text, encoding="utf-8")
        super()._make()

    def tree(self, seat: str) -> Path:
        """See the base class; for who verifies, what was handed in last."""
        return self._trees.get(seat) or super().tree(seat)

    def _spec_of(self, seat: str) -> SandboxSpec:
        spec = super()._spec_of(seat)
        tree = self.tree(seat)
        mounts = list(spec.mounts)
        if self._casting.right(seat) != "build":
            mounts = [dataclasses.replace(m, writable=False) if m.host == tree else m for m in mounts]
        if self._casting.informed(seat):
            mounts.append(Mount(self.folder / "spec", SPECIFICATION))
        if seat in self._trees:
            mounts.append(Mount(_scratch(tree), SCRATCH, True))
        return dataclasses.replace(spec, mounts=tuple(mounts))

    async def show(self, seat: str, of: str) -> Work:
        """Give the seat a read-only copy of another's tree as it is now, and a second one to try things in."""
        work = await self.collect(of)
        self._shown += 1
        tree = self.folder / "trees" / f"{seat}.{self._shown}"
        await anyio.to_thread.run_sync(self._lay, seat, tree, work.tree)
        await self._sandboxes[seat].close()
        self._trees[seat] = tree
        self._sandboxes[seat] = await self._stack.enter_async_context(self._choice.make(self._spec_of(seat)))
        return work

    def _lay(self, seat: str, tree: Path, content: str) -> None:
        shutil.copytree(self._seed.checkout / ".git", tree / ".git", symlinks=True)
        seat_branch(tree, seat, self._seed.commit)
        for folder in (tree, _scratch(tree)):
            self.store.checkout(content, folder)


def unkept(sandbox: str) -> str:
    """Why roles cannot be played in a sandbox that isolates nothing."""
    return (
        f"roles are kept apart by what each seat's sandbox mounts, and the {sandbox} sandbox mounts nothing; "
        "use --collab-sandbox=bubblewrap or docker"
    )


def _scratch(tree: Path) -> Path:
    return tree.with_name(f"{tree.name}-scratch")
