"""Set-up runs in the sandbox: what it sees, what it reaches, and what it can leave for others."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_collab.errors import SetupError
from pytest_collab.families.coding.environment import indexes
from pytest_collab.families.coding.environment.environment import Environment, prepare_environment
from pytest_collab.families.coding.environment.toolchain import toolchain, toolchains
from pytest_collab.families.coding.pool.pool import Pool
from pytest_collab.sandbox import choose
from tests.coding.conftest import write

pytestmark = pytest.mark.anyio
PYTHON = "/usr/bin/python3"


@pytest.fixture
def greeted() -> Iterator[int]:
    """The port of a server on the host's loopback."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def greet() -> None:
            try:
                while True:
                    connection, _ = server.accept()
                    with connection:
                        connection.sendall(b"hello")
            except OSError:
                return

        thread = threading.Thread(target=greet, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join(10)


async def _prepare(
    pool: Pool, cache: Path, *setup: str, name: str = "bubblewrap", **environment: object
) -> Environment:
    from anyio import to_thread

    changed = pool.environment.model_copy(update=environment)
    # The language without a virtual environment of its own: set-up is what is looked at.
    other = pool.model_copy(update={"setup": setup, "language": "javascript", "environment": changed})
    choice = await choose(name)
    return await to_thread.run_sync(prepare_environment, other, cache, choice)


def _read(environment: Environment, name: str) -> str:
    return Path(environment.tree, name).read_text()


async def test_setup_sees_neither_the_hosts_files_nor_its_secrets(
    pool: Pool, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, {"secret.txt": "the-secret-of-the-host"})
    monkeypatch.setenv("ANTHROPIC_API_KEY", "the-secret-of-the-host")
    monkeypatch.setenv("PIP_PASSWORD", "the-secret-of-the-host")
    command = (
        f"(env; cat {tmp_path}/secret.txt; ls -a {Path.home()} {pool.folder}; cat /proc/*/environ) > seen.txt 2>&1"
    )
    environment = await _prepare(pool, cache, f"{command}; true")
    seen = _read(environment, "seen.txt")
    assert "CI=1" in seen
    assert "the-secret-of-the-host" not in seen
    assert "features" not in seen
    assert ("seen.txt", Path(environment.tree, "seen.txt")) in environment.overlay


@pytest.mark.parametrize("network", [True, False])
async def test_setup_has_the_network_only_if_the_task_says_so(
    network: bool, pool: Pool, cache: Path, greeted: int
) -> None:
    code = f"import socket; print(socket.create_connection(('127.0.0.1', {greeted}), 5).recv(9))"
    command = f'{PYTHON} -c "{code}" > got.txt'
    if network:
        assert "hello" in _read(await _prepare(pool, cache, command, network=True), "got.txt")
    else:
        with pytest.raises(SetupError, match="it has no network: `environment.network` is false"):
            await _prepare(pool, cache, command, network=False)


async def test_links_that_setup_leaves_are_mounted_for_nobody(pool: Pool, cache: Path, tmp_path: Path) -> None:
    command = f"ln -s {tmp_path} host && mkdir made && ln -s {tmp_path} made/host"
    environment = await _prepare(pool, cache, command)
    assert [name for name, _ in environment.overlay] == ["made"]


async def test_what_setup_downloads_is_no_memory_and_is_gone_when_it_is_over(pool: Pool, cache: Path) -> None:
    look = (
        "import os, tempfile; kept = tempfile.mkstemp()[1]; open(os.environ['XDG_CACHE_HOME'], 'w').close(); "
        "print([os.stat(path).st_dev == os.stat('.').st_dev for path in (kept, os.environ['XDG_CACHE_HOME'])])"
    )
    environment = await _prepare(pool, cache, f'{PYTHON} -c "{look}" > found')
    assert _read(environment, "found") == "[True, True]\n"  # beside the tree, and not in the sandbox's own /tmp
    assert not (Path(environment.tree).parent / "scratch").exists()


async def test_setup_commands_share_one_limit_of_time_and_leave_nothing_running(pool: Pool, cache: Path) -> None:
    with pytest.raises(SetupError, match="took longer than 2 s"):
        await _prepare(pool, cache, "sleep 1", "(setsid sleep 300 &); sleep 60", setup_timeout_s=2.0)
    assert not [entry for entry in Path("/proc").glob("[0-9]*/cmdline") if _reads(entry) == b"sleep\x00300\x00"]


async def test_a_setup_command_that_fails_says_what_it_said(pool: Pool, cache: Path) -> None:
    with pytest.raises(SetupError, match=r"(?s)'echo oh no; exit 3' ended with 3.*oh no"):
        await _prepare(pool, cache, "echo oh no; exit 3")


async def test_without_isolation_setup_runs_on_the_host(pool: Pool, cache: Path, tmp_path: Path) -> None:
    write(tmp_path, {"mine.txt": "mine"})
    environment = await _prepare(pool, cache, f"cat {tmp_path}/mine.txt > got.txt", name="process")
    assert _read(environment, "got.txt") == "mine"


def test_settings_of_indexes_come_along_without_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, wheels = tmp_path / "home", Path("/opt/collab-wheels-of-a-test")
    write(home, {".npmrc": "registry=https://mirror.example/\n//mirror.example/:_authToken=abc\n"})
    monkeypatch.setenv("HOME", str(home))
    given = {"PIP_FIND_LINKS": f"{wheels}", "PIP_TOKEN": "abc", "HTTPS_PROXY": "http://proxy:3128", "EDITOR": "vi"}
    values = indexes.variables(given)
    assert values == {"PIP_FIND_LINKS": f"{wheels}", "HTTPS_PROXY": "http://proxy:3128"}
    found = {mount.inside: mount.host for mount in indexes.mounts(tmp_path / "settings", values)}
    npmrc = found["/home/agent/.npmrc"]
    assert npmrc.read_text() == "registry=https://mirror.example/\n"
    assert str(wheels) not in found  # it does not exist


@pytest.mark.parametrize("place", ["/", "/root", "/etc", "/proc/self", "~", "~/keys", "/home"])
def test_no_setting_makes_a_home_visible(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "keys").mkdir()
    named = place.replace("~", str(tmp_path))
    found = indexes.mounts(tmp_path / "settings", {"PIP_FIND_LINKS": named})
    assert named not in {str(mount.host) for mount in found}


def _reads(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_a_toolchain_that_nobody_has_chosen_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("cargo", "rustc"):
        shim = write(tmp_path, {name: "#!/bin/sh\necho 'rustup could not choose a version' >&2\nexit 1\n"}) / name
        shim.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(SetupError, match="rustup default stable"):
        toolchain("rust")


def test_set_up_of_one_language_sees_the_toolchains_of_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "opt" / "rust"
    files = {"rustc": f'[ "$1" = --print ] && echo {root} || echo rustc 1.0\n', "cargo": "echo cargo 1.0\n"}
    write(root / "bin", {name: f"#!/bin/sh\n{line}" for name, line in files.items()})
    for name in files:
        (root / "bin" / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{root}/bin:/usr/bin:/bin")
    values = {"base": {"folder": "."}, "test": "pytest {report}", "features": [{"id": "x"}]}
    pool = Pool.model_validate({**values, "setup": ["true"]}, context={"folder": tmp_path})
    assert str(root / "bin") in toolchains(pool).path
    assert str(root) in {mount.inside for mount in toolchains(pool).mounts}
    assert str(root / "bin") not in toolchains(pool.model_copy(update={"setup": ()})).path
