"""A network namespace that has loopback alone, so that nothing that runs in it can reach anything else."""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import struct
import subprocess
import sys
from collections.abc import Sequence
from functools import cache

_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 0x1


@cache
def why_not() -> str | None:
    """Why there can be no such namespace here; None where there can."""
    if shutil.which("unshare") is None:
        return "apt-get install util-linux"
    tried = subprocess.run([*_UNSHARE, "true"], capture_output=True, text=True)
    return None if tried.returncode == 0 else f"network namespaces are not to be had here: {tried.stderr.strip()}"


def command(module: str, *arguments: str) -> Sequence[str]:
    """What runs a module's `main` in a namespace of its own; the module calls `enter` first."""
    return [*_UNSHARE, sys.executable, "-m", module, *arguments]


def enter() -> None:
    """Bring loopback up, and see that there is nothing else.

    Raises:
        RuntimeError: there is another network.
    """
    names = [name for _, name in socket.if_nameindex()]
    if names != ["lo"]:
        raise RuntimeError(f"this is no namespace of its own: it has {', '.join(names)}")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        request = struct.pack("16sh14x", b"lo", 0)
        (flags,) = struct.unpack("16xh14x", fcntl.ioctl(line, _SIOCGIFFLAGS, request))
        fcntl.ioctl(line, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | _IFF_UP))


_UNSHARE = ("unshare", "--net") if os.geteuid() == 0 else ("unshare", "--net", "--map-root-user")
