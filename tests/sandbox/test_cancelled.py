"""A sandbox whose start is cancelled, by an episode's time limit say, leaves nothing behind."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import anyio
import pytest

from pytest_collab.sandbox.base import Sandbox, SandboxSpec
from pytest_collab.sandbox.bubblewrap import BubblewrapSandbox
from pytest_collab.sandbox.disk import DiskQuota
from pytest_collab.sandbox.process import ProcessSandbox
from pytest_collab.sandbox.tree import descendants

pytestmark = pytest.mark.anyio


async def for_ever(quota: DiskQuota) -> None:
    await anyio.sleep_forever()


@pytest.mark.parametrize("kind", [BubblewrapSandbox, ProcessSandbox])
async def test_a_start_that_is_cancelled_at_its_last_step_leaves_nothing(
    kind: type[Sandbox], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = await kind.probe()
    if not found.works:
        pytest.skip(f"{found.reason}: {found.fix}")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    async with kind(SandboxSpec()):
        pass  # what is opened once and kept is open by now
    before = len(os.listdir("/proc/self/fd")), set(descendants(os.getpid()))
    monkeypatch.setattr(DiskQuota, "start", for_ever)
    with anyio.move_on_after(2) as scope:
        async with kind(SandboxSpec()):
            pytest.fail("it never starts")
    assert scope.cancelled_caught
    assert (len(os.listdir("/proc/self/fd")), set(descendants(os.getpid()))) == before
    assert list(tmp_path.iterdir()) == []
