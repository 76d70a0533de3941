"""Fixtures of the project's own tests."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

# Loaded here once, so that in-process sessions, which forget the modules that they load, share them.
import jax  # noqa: F401
import jinja2  # noqa: F401
import pytest
import scipy.special
import scipy.stats  # noqa: F401
from hypothesis import HealthCheck, settings

import pytest_collab.families.taskfile
import pytest_collab.measure.stopping
import pytest_collab.measure.summary
import pytest_collab.plugin.baseline
import pytest_collab.plugin.controller
import pytest_collab.plugin.following
import pytest_collab.plugin.gates
import pytest_collab.plugin.items
import pytest_collab.plugin.planned
import pytest_collab.plugin.session
import pytest_collab.plugin.task
import pytest_collab.plugin.team
import pytest_collab.plugin.wiring
import pytest_collab.plugin.worker
import pytest_collab.report.attribution
import pytest_collab.report.changes
import pytest_collab.report.gates
import pytest_collab.report.github
import pytest_collab.report.html
import pytest_collab.report.story
import pytest_collab.report.terminal  # noqa: F401
import tests.support.handshake  # noqa: F401

ROOT = Path(__file__).parent.parent

# Tests assert behaviour, never time: the first draw in a fresh checkout has tables to make.
settings.register_profile("project", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("project")

# Most tests begin sessions of their own, which import what they have no use for: half of the time of a small one.
# And whoever shuffles the tests does not shuffle what they begin, whose order some of them are about.
IDLE = ("langsmith_plugin", "hypothesispytest", "allure_pytest", "html", "html_fixtures", "metadata", "anyio")
QUICK = " ".join(f"-p no:{plugin}" for plugin in (*IDLE, "platformdirs", "randomly"))


@pytest.fixture(scope="session", autouse=True)
def quick_sessions() -> Iterator[None]:
    """Not as soon as this file is loaded: the workers of these tests' own session would read it, too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTEST_ADDOPTS", f"{os.environ.get('PYTEST_ADDOPTS', '')} {QUICK}".strip())
        yield


@pytest.fixture
def pytester(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """pytest's own, which forgets the variable."""
    monkeypatch.setenv("PYTEST_ADDOPTS", QUICK)
    return pytester


@pytest.fixture(scope="module")
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A cache that a module's tests share with nobody else."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLLAB_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A folder whose conftest registers the handshake family and its players."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("COLUMNS", "220")
    for name in ("PYTEST_XDIST_WORKER", "GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    pytester.makeconftest(
        """
        from tests.support.handshake import HandshakeFamily

        def pytest_collab_families(config):
            return [HandshakeFamily()]
        """
    )
    return pytester


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KiB, to be filled."""
    folder = tmp_path / "small"
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)], capture_output=True)
    if done.returncode:
        pytest.skip("a small file system needs the right to mount: run the tests as root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)
