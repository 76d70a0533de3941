"""What set-up needs of the user's own settings to reach package indexes: variables, files, folders; no secrets."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from pytest_collab.families.coding.environment.toolchain import of_system
from pytest_collab.sandbox.base import HOME, Mount

_PASSED_ON: Final = re.compile(
    r"^(LANG|LC_.*|.*_PROXY|.*_proxy|PIP_.*|UV_.*|NPM_CONFIG_.*|npm_config_.*|NODE_EXTRA_CA_CERTS|SSL_CERT_.*"
    r"|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|GOPROXY|GOSUMDB|GONOSUMDB|GOPRIVATE|GOFLAGS|CARGO_HTTP_.*|CARGO_REGISTRIES_.*)$"
)
_OF_THE_HOST: Final = re.compile(r"^(HOME|PATH|USER|LOGNAME|TMPDIR|CARGO_HOME|RUSTUP_HOME)$")
_SECRET: Final = re.compile(r"TOKEN|SECRET|PASSW|API_?KEY|_AUTH", re.IGNORECASE)
_PLACE: Final = re.compile(r"""(?:file://)?(/[^\s:'",;=]+)""")
_FILES: Final = {
    "/etc/pip.conf": "/etc/pip.conf",
    "~/.config/pip/pip.conf": f"{HOME}/.config/pip/pip.conf",
    "~/.pip/pip.conf": f"{HOME}/.pip/pip.conf",
    "/etc/npmrc": "/etc/npmrc",
    "~/.npmrc": f"{HOME}/.npmrc",
    "~/.config/go/env": f"{HOME}/.config/go/env",
}


def variables(environment: Mapping[str, str] = os.environ, *, host: bool = False) -> dict[str, str]:
    """Variables about indexes, proxies and certificates; none whose name looks like a secret's.

    Args:
        host: for commands on the host itself, which also need its home and paths.
    """
    return {
        name: value
        for name, value in environment.items()
        if (_PASSED_ON.match(name) or (host and _OF_THE_HOST.match(name))) and not _SECRET.search(name)
    }


def mounts(folder: Path, values: Mapping[str, str]) -> tuple[Mount, ...]:
    """What a sandbox must show for them: settings files, and the folders and certificates that anything names.

    Args:
        folder: where copies of settings files go, without the lines that look like secrets.
        values: the variables.
    """
    found: dict[str, Path] = {}
    texts = [value for name, value in values.items() if not name.startswith("LC_")]
    for number, (name, inside) in enumerate(_FILES.items()):
        text = _settings(Path(name).expanduser())
        if text:
            folder.mkdir(exist_ok=True)
            (folder / str(number)).write_text(text)
            found[inside] = folder / str(number)
            texts.append(text)
    found.update((str(place), place) for place in _places(texts))
    return tuple(Mount(host, inside) for inside, host in found.items())


def _settings(path: Path) -> str:
    try:
        lines = path.read_text().splitlines(keepends=True)
    except (OSError, UnicodeDecodeError):
        return ""
    return "".join(line for line in lines if not _SECRET.search(line))


def _places(texts: Iterable[str]) -> list[Path]:
    """Folders and files that settings name, where they are neither the system's nor above or in somebody's home."""
    home = Path.home()
    named = {Path(os.path.normpath(match[1])) for text in texts for match in _PLACE.finditer(text)}
    # The pages of an index on the disk lead to files beside it.
    found = {place.parent if place.name == "simple" else place for place in named}
    shown = [place for place in found if place.exists() and not of_system(place) and not _private(place, home)]
    return sorted(place for place in shown if not any(other in place.parents for other in shown))


def _private(place: Path, home: Path) -> bool:
    system = ("/proc", "/sys", "/dev", "/run", "/tmp", "/etc/ssl/certs", "/home", "/root")
    return (
        place == Path("/")
        or place == Path("/etc")
        or any(place == Path(folder) or Path(folder) in place.parents for folder in system)
        or place == home
        or home in place.parents
        or place in home.parents
    )
