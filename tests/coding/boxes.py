"""Images for the docker sandbox with this machine's toolchains in them: nothing can be pulled where tests run."""

from __future__ import annotations

import functools
import importlib.metadata
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

from pytest_collab.errors import SetupError
from pytest_collab.families.coding.environment.toolchain import toolchain
from tests.support.docker_engine import PROGRAMS, libraries, name_in_usr, root_tarball

PYTEST = ("pytest", "pluggy", "iniconfig", "packaging", "pygments")
#: A program that each language needs, and how to get it.
NEEDED = {
    "python": ("python3", "install Python"),
    "javascript": ("node", "apt-get install nodejs"),
    "go": ("go", "apt-get install golang-go"),
    "rust": ("cargo", "curl -sSf https://sh.rustup.rs | sh"),
}
_LINKED_WITH = (
    *("crt1.o", "Scrt1.o", "crti.o", "crtn.o", "crtbegin.o", "crtbeginS.o", "crtend.o", "crtendS.o", "libgcc.a"),
    *("libgcc_eh.a", "libgcc_s.so", "libgcc_s.so.1", "liblto_plugin.so", "libc.so", "libc.so.6", "libc_nonshared.a"),
    *("libm.so", "libm.so.6", "libmvec.so.1", "libutil.a", "libdl.a", "librt.a", "libpthread.a"),
)


@functools.cache
def missing(language: str) -> str | None:
    """What a language lacks here, with the install command. A toolchain is there when it answers."""
    try:
        toolchain(language)
    except SetupError as error:
        return f"needs {NEEDED[language][0]}: {error}; {NEEDED[language][1]}"
    return None


def pytest_site(folder: Path) -> Path:
    """A folder with pytest and what it needs, from what is installed here."""
    for name in PYTEST:
        for file in importlib.metadata.files(name) or ():
            if file.parts[0] != ".." and "__pycache__" not in file.parts:
                (folder / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(str(file.locate()), folder / file)
    return folder


@functools.cache
def add_image(address: str, language: str, folder: Path) -> str:
    """Give an engine an image with what tests of a language need; its name. `folder` is for the tarball."""
    import docker

    tarball = folder / f"{language}.tar"
    root_tarball(tarball, (*PROGRAMS, *{"javascript": ("node",), "rust": ("cc", "ld", "as")}.get(language, ())))
    with tarfile.open(tarball, "a") as tar:  # names that are there already must not come again
        if language == "python":
            tar.add(pytest_site(folder / "site"), "usr/lib/python3/dist-packages")
            _link(tar, "usr/bin/python", "python3")
        elif language == "go":
            _add_go(tar)
        elif language == "rust":
            _add_rust(tar)
    client = docker.APIClient(base_url=address, version="auto", timeout=300)
    try:
        client.import_image_from_file(str(tarball), repository=f"collab-{language}", tag="test")
    finally:
        client.close()
        tarball.unlink()
    return f"collab-{language}:test"


def _add_go(tar: tarfile.TarFile) -> None:
    root = Path(subprocess.check_output(["go", "env", "GOROOT"], text=True).strip())
    kept = ("bin", "src", "pkg", "VERSION", "go.env")
    for name in kept:
        if (root / name).exists():
            # Distributions link parts of it to /usr/share.
            tar.add(os.path.realpath(root / name), f"{root}/{name}".lstrip("/"), filter=_without_race)
    _link(tar, "usr/bin/go", f"{root}/bin/go")


def _without_race(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    name = os.path.basename(entry.name)
    return None if name.endswith(("_race", "_dynlink", "_shared")) or name in ("testdata", "cmd") else entry


def _add_rust(tar: tarfile.TarFile) -> None:
    root = Path(subprocess.check_output(["rustc", "--print", "sysroot"], text=True).strip())
    programs = [root / "bin" / "cargo", root / "bin" / "rustc"]
    for path in (*programs, root / "lib"):
        tar.add(path, str(path).lstrip("/"))
    for path in programs:
        _link(tar, f"usr/bin/{path.name}", str(path))
    parts = ("collect2", "lto-wrapper")
    linkers = [subprocess.check_output(["cc", f"-print-prog-name={name}"], text=True).strip() for name in parts]
    asked = (subprocess.check_output(["cc", f"-print-file-name={name}"], text=True).strip() for name in _LINKED_WITH)
    needed = {*linkers, *(os.path.normpath(place) for place in asked if os.path.isabs(place))}
    there = set(tar.getnames())
    for place in sorted(needed | libraries([*map(str, programs), *linkers])):
        if not place.startswith(str(root)) and name_in_usr(place) not in there:
            tar.add(os.path.realpath(place), name_in_usr(place))
            there.add(name_in_usr(place))


def _link(tar: tarfile.TarFile, name: str, target: str) -> None:
    link = tarfile.TarInfo(name)
    link.type, link.linkname = tarfile.SYMTYPE, target
    tar.addfile(link)
