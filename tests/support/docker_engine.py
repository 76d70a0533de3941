"""A docker engine for tests: the one that is there, or one of our own, and an image made of the host's programs.

Add `docker_engine` and `docker_image` to a conftest by importing them. Neither reaches the network: an engine
of our own has no bridge, and the image is put together from what is installed here.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

INSTALL = "apt-get install -y docker.io"
IMAGE = "pytest-collab-test:latest"
_START_SECONDS = 60.0

PROGRAMS = (
    *("sh", "bash", "sleep", "env", "cat", "ls", "id", "echo", "printf", "mkdir", "rm", "cp", "mv", "ln", "chmod"),
    *("head", "tail", "wc", "seq", "yes", "true", "false", "touch", "date", "sort", "tr", "dd", "df", "stat", "test"),
    *("uname", "nohup", "setsid", "ps", "grep", "sed", "find", "xargs", "mount", "su", "diff", "patch", "git"),
)
_PYTHON = "/usr/bin/python3"
_LEFT_OUT = {"test", "tests", "idlelib", "lib2to3", "tkinter", "ensurepip", "__pycache__", "dist-packages"}


class EngineUnavailable(Exception):
    """No engine answers and none can be started; says why, and what to install."""


@pytest.fixture(scope="session")
def docker_engine() -> Iterator[str]:
    """Its address, which is also in DOCKER_HOST meanwhile. Skips where there is none and none can be started."""
    with contextlib.ExitStack() as stack:
        try:
            address = stack.enter_context(running_engine())
        except EngineUnavailable as reason:
            pytest.skip(str(reason))
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setenv("DOCKER_HOST", address)
        yield address


@pytest.fixture(scope="session")
def docker_image(docker_engine: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of an image with a shell, the usual small programs, git and the system's python3."""
    add_image(docker_engine, tmp_path_factory.mktemp("image"))
    return IMAGE


@contextlib.contextmanager
def running_engine() -> Iterator[str]:
    """The address of the engine that answers, or of one that is started and ends with the context.

    Raises:
        EngineUnavailable: neither is to be had.
    """
    if _answers(None):
        yield os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
        return
    dockerd = shutil.which("dockerd")
    if dockerd is None:
        raise EngineUnavailable(f"no docker engine answers and dockerd is not installed: {INSTALL}")
    if os.getuid() != 0:
        raise EngineUnavailable("no docker engine answers, and only root can start one: systemctl start docker")
    # Sockets have short names, and pytest's folders have long ones.
    folder = Path(tempfile.mkdtemp(prefix="collab-dockerd-", dir="/tmp"))
    address = f"unix://{folder}/engine.sock"
    process = None
    try:
        process = _start(dockerd, folder, address, []) or _start(dockerd, folder, address, ["--storage-driver=vfs"])
        if process is None:
            log = (folder / "log").read_text(errors="replace").splitlines()[-3:]
            raise EngineUnavailable(f"dockerd does not start here: {' / '.join(log)}")
        yield address
    finally:
        if process is not None:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        _unmount(folder)
        shutil.rmtree(folder, ignore_errors=True)


def add_image(address: str, folder: Path) -> None:
    """Give an engine the image `IMAGE`, if it has it not yet; `folder` is for the tarball."""
    import docker

    client = docker.APIClient(base_url=address, version="auto")
    try:
        if not client.images(IMAGE):
            tarball = folder / "root.tar"
            root_tarball(tarball)
            repository, _, tag = IMAGE.partition(":")
            client.import_image_from_file(str(tarball), repository=repository, tag=tag)
            tarball.unlink()
    finally:
        client.close()


def root_tarball(target: Path, programs: Iterable[str] = PROGRAMS, *, python: bool = True, git: bool = True) -> None:
    """Write a tarball of a root file system: programs of this machine, and the libraries they load.

    Args:
        target: where to.
        programs: names, looked up on the system's path; those that are not installed are left out.
        python: with the system's python3 and its standard library, without its tests.
        git: with git's own programs and templates.
    """
    system = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
    found = {name: shutil.which(name, path=system) for name in programs}
    files = {place for place in found.values() if place is not None}
    trees: list[Path] = []
    modules: set[str] = set()
    if git and found.get("git"):
        core = Path(subprocess.check_output([str(found["git"]), "--exec-path"], text=True).strip())
        trees += [tree for tree in (core, Path("/usr/share/git-core")) if tree.is_dir()]
    if python and os.path.exists(_PYTHON):
        files.add(_PYTHON)
        ask = "import sysconfig; print(sysconfig.get_path('stdlib'))"
        library = Path(subprocess.check_output([_PYTHON, "-I", "-c", ask], text=True).strip())
        trees.append(library)
        modules = {str(path) for path in (library / "lib-dynload").glob("*.so")}
    files |= libraries(sorted(files | modules))
    with tarfile.open(target, "w", dereference=False) as tar:
        for name in ("tmp", "work", "home", "proc", "sys", "dev", "etc", "run", "var"):
            _add_folder(tar, name)
        for name in ("bin", "sbin", "lib", "lib64"):
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.SYMTYPE, f"usr/{name}"
            tar.addfile(link)
        passwd = tarfile.TarInfo("etc/passwd")
        passwd.mode = 0o644
        text = b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n"
        passwd.size = len(text)
        tar.addfile(passwd, io.BytesIO(text))
        for name in sorted({name_in_usr(place) for place in files}):
            with open(f"/{name}", "rb") as file:
                tar.addfile(tar.gettarinfo(os.path.realpath(file.name), name), file)
        for tree in trees:
            tar.add(tree, str(tree).lstrip("/"), filter=_without_tests)


def _start(dockerd: str, folder: Path, address: str, storage: list[str]) -> subprocess.Popen[bytes] | None:
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                *(
                    dockerd,
                    "--host",
                    address,
                    "--data-root",
                    str(folder / "data"),
                    "--exec-root",
                    str(folder / "exec"),
                ),
                *(
                    "--pidfile",
                    str(folder / "pid"),
                    "--bridge=none",
                    "--iptables=false",
                    "--ip6tables=false",
                    *storage,
                ),
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if _answers(address):
            return process
        time.sleep(0.05)
    process.kill()
    process.wait()
    return None


def _answers(address: str | None) -> bool:
    try:
        import docker
        from docker.errors import DockerException
    except ImportError:
        return False
    try:
        client = docker.from_env(timeout=10) if address is None else docker.DockerClient(base_url=address, timeout=10)
    except (DockerException, OSError):
        return False
    try:
        return bool(client.ping())
    except (DockerException, OSError):
        return False
    finally:
        client.close()


def _unmount(folder: Path) -> None:
    """What a daemon that was killed leaves mounted."""
    for line in reversed(Path("/proc/self/mounts").read_text().splitlines()):
        point = line.split()[1]
        if point.startswith(f"{folder}/"):
            subprocess.run(["umount", "-l", point], check=False, capture_output=True)


def libraries(files: list[str]) -> set[str]:
    """The libraries that programs load."""
    said = subprocess.run(["ldd", *files], capture_output=True, text=True, check=False).stdout
    return {os.path.normpath(place) for place in re.findall(r"(/\S+) \(0x", said)}


def _add_folder(tar: tarfile.TarFile, name: str) -> None:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if name == "tmp" else 0o755
    tar.addfile(entry)


def name_in_usr(place: str) -> str:
    """Where a program or library goes: below /usr, since /bin and /lib of the image are links to there."""
    name = place.lstrip("/")
    return name if name.startswith("usr/") else f"usr/{name}"


def _without_tests(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if os.path.basename(entry.name) in _LEFT_OUT else entry
