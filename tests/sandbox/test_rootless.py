"""The same promises, kept for a user who may make no control groups and has no rights."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
SYSTEM_PYTHON = "/usr/bin/python3"
TESTS = "processes or memory or disk or fork or daemon or descriptor"


@pytest.mark.slow
def test_a_user_without_rights_is_protected_like_root(tmp_path_factory: pytest.TempPathFactory) -> None:
    if os.getuid() != 0:
        pytest.skip("the other tests of this folder are run without rights already")
    packages = next((place for place in sys.path if place.endswith("site-packages")), "")
    version = f"import sys, pytest, anyio; sys.exit(sys.version_info[:2] != {sys.version_info[:2]})"
    as_nobody = [shutil.which("setpriv") or "setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
    env = {
        "PATH": "/usr/bin:/bin:/usr/sbin:/sbin",
        "PYTHONPATH": f"{ROOT}:{packages}",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    try:
        subprocess.run([*as_nobody, SYSTEM_PYTHON, "-c", version], env=env, check=True, capture_output=True, cwd="/")
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("an ordinary user cannot run these tests here: apt-get install python3, readable site-packages")
    folder = Path(subprocess.check_output([*as_nobody, "mktemp", "-d"], env=env, text=True).strip())
    try:
        done = subprocess.run(
            [
                *(*as_nobody, SYSTEM_PYTHON, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=short"),
                *("--basetemp", str(folder / "base"), "tests/sandbox/test_attacks.py"),
                *(
                    "tests/sandbox/test_conformance.py",
                    "-k",
                    f"not docker and not kubernetes and not stand and ({TESTS})",
                ),
            ],
            env={**env, "HOME": str(folder)},
            cwd=ROOT,
            capture_output=True,
            text=True,
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout
