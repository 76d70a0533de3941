"""What a bubblewrap sandbox shows of the host's system: programs, libraries, an /etc without secrets."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from pytest_collab.sandbox.base import HOME
from pytest_collab.sandbox.child import readable_bytes

UID = 1000
GID = 1000

_PROGRAMS = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/gnu/store")
# Copied, and links made anew, rather than mounted: every mount costs each command time.
_COPIED = (
    "ld.so.cache",
    "localtime",
    "mime.types",
    "protocols",
    "services",
    "ssl/openssl.cnf",
    "ssl/certs/ca-certificates.crt",
    "pki/tls/certs/ca-bundle.crt",
)
_LINKED = "alternatives"
_OWN = {
    "passwd": f"root:x:0:0:root:/:/usr/sbin/nologin\nagent:x:{UID}:{GID}:agent:{HOME}:/bin/sh\n"
    "nobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n",
    "group": f"root:x:0:\nagent:x:{GID}:\nnogroup:x:65534:\n",
    "hosts": "127.0.0.1 localhost\n::1 localhost\n",
    "hostname": "sandbox\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
}


def system_arguments(descriptors: contextlib.ExitStack, *, network: bool) -> tuple[list[str], list[int]]:
    """Arguments for bwrap that show the system, and the descriptors they name.

    Args:
        descriptors: what keeps those open.
        network: show how names are resolved, too.
    """
    words: list[str] = []
    for name in _PROGRAMS:
        if os.path.islink(name):
            words += ["--symlink", os.readlink(name), name]
        elif os.path.isdir(name):
            words += ["--ro-bind", name, name]
    content = {name: text.encode() for name, text in _OWN.items()}
    for name in (*_COPIED, *(("resolv.conf",) if network else ())):
        with contextlib.suppress(OSError):
            content[name] = Path("/etc", name).read_bytes()
    passed = []
    for name, data in content.items():
        passed.append(descriptors.enter_context(readable_bytes(data)))
        words += ["--perms", "0644", "--file", str(passed[-1]), f"/etc/{name}"]
    with contextlib.suppress(OSError):
        for entry in os.scandir(f"/etc/{_LINKED}"):
            if entry.is_symlink():
                words += ["--symlink", os.readlink(entry), f"/etc/{_LINKED}/{entry.name}"]
    return words, passed
