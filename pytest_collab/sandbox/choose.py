"""Which sandbox is used: the one that was asked for, or the best that works here, and why."""

from __future__ import annotations

import dataclasses
import difflib
import functools
import os
from collections.abc import Iterable, Mapping
from importlib import import_module
from importlib.metadata import entry_points

import anyio

from pytest_collab.errors import SandboxError, UsageError
from pytest_collab.sandbox.base import Probe, Sandbox, SandboxSpec

AUTO = "auto"
ENTRY_POINTS = "pytest_collab.sandboxes"

SandboxType = type[Sandbox]

_BUILT_IN = {
    "bubblewrap": "pytest_collab.sandbox.bubblewrap:BubblewrapSandbox",
    "docker": "pytest_collab.sandbox.docker:DockerSandbox",
    "kubernetes": "pytest_collab.sandbox.kubernetes.sandbox:KubernetesSandbox",
    "process": "pytest_collab.sandbox.process:ProcessSandbox",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Choice:
    """A sandbox that has been found to work here.

    Attributes:
        sandbox: the class; call it with a spec.
        reason: one line: why this one, to be shown at the start of the run.
        warning: the class's warning; empty for isolating sandboxes.
    """

    sandbox: SandboxType
    reason: str

    @property
    def name(self) -> str:
        """What `--collab-sandbox` calls it."""
        return self.sandbox.name

    @property
    def warning(self) -> str:
        """What the user has to be told; empty for isolating sandboxes."""
        return self.sandbox.warning

    def make(self, spec: SandboxSpec) -> Sandbox:
        """A new sandbox, not started."""
        return self.sandbox(spec)


def sandbox_types(extra: Mapping[str, SandboxType] | None = None) -> dict[str, SandboxType]:
    """Every known sandbox by name: built in, of entry points, and `extra` (what plugins' hooks gave).

    A later one takes the place of an earlier one of the same name, so that a site can put its own
    `docker` there.
    """
    types = {name: _load(place) for name, place in _BUILT_IN.items()}
    for entry in entry_points(group=ENTRY_POINTS):
        types[entry.name] = entry.load()
    types.update(extra or {})
    return types


def check_name(name: str) -> None:
    """Look for a sandbox, loading none.

    Raises:
        UsageError: none is called so; says which there are.
    """
    names = [*_BUILT_IN, *(entry.name for entry in entry_points(group=ENTRY_POINTS))]
    if name not in (AUTO, *names):
        raise UsageError(_unknown(name, names))


async def choose(
    name: str = AUTO, spec: SandboxSpec | None = None, *, extra: Mapping[str, SandboxType] | None = None
) -> Choice:
    """The sandbox to use for a spec.

    `auto` is docker if the spec names an image; otherwise bubblewrap, and if that does not work, process,
    which isolates nothing. Probes are made once per process and remembered.

    Args:
        name: `auto` or the name of a sandbox.
        spec: what will run in it; only whether it needs an image matters.
        extra: third parties' sandboxes.

    Raises:
        UsageError: no sandbox has this name.
        SandboxError: the named one does not work here, or the spec needs an image and docker does not work.
    """
    types = sandbox_types(extra)
    needs_image = spec is not None and spec.needs_image
    if name != AUTO:
        if name not in types:
            raise UsageError(_unknown(name, types))
        found = await _probe(types[name])
        if not found.works:
            raise SandboxError(
                f"the {name} sandbox was asked for and does not work here: {found.reason}; {found.fix}"
            )
        return Choice(types[name], f"asked for; {found.reason}")
    if needs_image:
        found = await _probe(types["docker"])
        if not found.works:
            raise SandboxError(f"an image is needed, and docker does not work here: {found.reason}; {found.fix}")
        return Choice(types["docker"], f"an image is named; {found.reason}")
    found = await _probe(types["bubblewrap"])
    if found.works:
        return Choice(types["bubblewrap"], f"the best without an image; {found.reason}")
    return Choice(types["process"], f"bubblewrap does not work here: {found.reason}; {found.fix}")


async def probe(extra: Mapping[str, SandboxType] | None = None) -> dict[str, Probe]:
    """Try every sandbox, each for real: whether it works here, the reason, and what to do about it."""
    types = sandbox_types(extra)
    found: dict[str, Probe] = {}

    async def one(name: str) -> None:
        found[name] = await _probe(types[name])

    async with anyio.create_task_group() as tasks:
        for name in types:
            tasks.start_soon(one, name)
    return {name: found[name] for name in types}


_PROBED: dict[tuple[SandboxType, str | None, str | None], Probe] = {}


async def _probe(sandbox: SandboxType) -> Probe:
    key = (sandbox, os.environ.get("DOCKER_HOST"), os.environ.get("KUBECONFIG"))
    if key not in _PROBED:
        _PROBED[key] = await sandbox.probe()
    return _PROBED[key]


def forget_probes() -> None:
    """Probe again next time: something was installed or started meanwhile."""
    _PROBED.clear()


@functools.cache
def _load(place: str) -> SandboxType:
    module, _, attribute = place.partition(":")
    loaded: SandboxType = getattr(import_module(module), attribute)
    return loaded


def _unknown(name: str, known: Iterable[str]) -> str:
    names = [AUTO, *known]
    close = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"choose one of {', '.join(names)}"
    return f"there is no sandbox {name!r}; {hint}"
