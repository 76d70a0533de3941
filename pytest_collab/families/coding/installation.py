"""Set-up: a pool's own commands, run once in a checkout of its base, and what they leave there."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from pytest_collab.errors import SetupError
from pytest_collab.families.coding.parsers import plain
from pytest_collab.families.coding.pool import Pool
from pytest_collab.families.coding.seed import Seed
from pytest_collab.families.coding.toolchain import Toolchain
from pytest_collab.families.coding.venv import make_venv
from pytest_collab.sandbox.base import SYSTEM_PATH

_PASSED_ON = re.compile(
    r"^(PATH|HOME|LANG|LC_.*|USER|LOGNAME|TMPDIR|.*_PROXY|.*_proxy|PIP_.*|UV_.*|NPM_CONFIG_.*|npm_config_.*|NODE_EXTRA_CA_CERTS"
    r"|SSL_CERT_.*|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|GOPROXY|GOSUMDB|GONOSUMDB|GOFLAGS|CARGO_HOME|RUSTUP_HOME|CARGO_HTTP_.*"
    r"|CARGO_REGISTRIES_.*)$"
)
_SECRET = re.compile(r"TOKEN|SECRET|PASSWORD|API_KEY", re.IGNORECASE)


def install(pool: Pool, seed: Seed, place: Path, tools: Toolchain) -> None:
    """Make an environment in the folder `place`, which does not exist yet.

    Raises:
        SetupError: a command fails or takes too long.
    """
    place.mkdir(parents=True)
    tree = place / "tree"
    shutil.copytree(seed.checkout, tree, symlinks=True)
    before = {str(path.relative_to(tree)) for path in tree.rglob("*")}
    (place / "empty").mkdir()
    if pool.language == "python":
        make_venv(place / "venv", bare=not pool.setup)
    env = {name: value for name, value in os.environ.items() if _PASSED_ON.match(name) and not _SECRET.search(name)}
    path = [str(place / "venv" / "bin"), *tools.path, env.get("PATH", SYSTEM_PATH)]
    env |= {"PATH": os.pathsep.join(path), "CI": "1"}
    if pool.language == "python":
        env |= {"VIRTUAL_ENV": str(place / "venv"), "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"}
    for command in pool.setup:
        _run(command, tree, env, pool.environment.setup_timeout_s)
    shutil.rmtree(tree / ".git", ignore_errors=True)
    added: list[str] = []
    for path_ in sorted(tree.rglob("*")):
        name = str(path_.relative_to(tree))
        if (
            name not in before
            and path_.name != "__pycache__"
            and not any(name.startswith(f"{one}/") for one in added)
        ):
            added.append(name)
    (place / "ready.json").write_text(json.dumps({"overlay": added}))


def _run(command: str, tree: Path, env: dict[str, str], timeout: float) -> None:
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            ["/bin/sh", "-c", command],
            cwd=tree,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            code: int | None = process.wait(timeout)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if code != 0:
            output.seek(max(0, output.seek(0, os.SEEK_END) - 4000))
            said = plain(output.read().decode(errors="replace")).strip()
            what = f"took longer than {timeout:g} s" if code is None else f"ended with {code}"
            raise SetupError(f"setup command {command!r} {what}:\n{said}")
