"""Where foreign code runs: process, bubblewrap, docker, kubernetes, behind one interface.

choice = await choose("auto", spec)
async with choice.make(spec) as sandbox:
    done = await sandbox.run("python -m pytest -q", timeout=60)
"""

from __future__ import annotations

from pytest_collab.sandbox.base import Completed, Mount, Probe, Sandbox, SandboxSpec
from pytest_collab.sandbox.choose import Choice, choose, probe
from pytest_collab.sandbox.copying import CopyReport, copy_out, read_inside

__all__ = [
    "Choice",
    "Completed",
    "CopyReport",
    "Mount",
    "Probe",
    "Sandbox",
    "SandboxSpec",
    "choose",
    "copy_out",
    "probe",
    "read_inside",
]
