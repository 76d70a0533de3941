"""What a bubblewrap sandbox shows of the host's system: programs, libraries, an /etc without secrets."""

from __future__ import annotations

import os
from pathlib import Path

from pytest_collab.sandbox.base import HOME

UID = 1000
GID = 1000

_PROGRAMS = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/gnu/store")
_ETC = (
    "alternatives",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "mime.types",
    "ca-certificates",
    "ssl/certs",
    "ssl/openssl.cnf",
    "pki/tls/certs",
    "pki/ca-trust/extracted",
    "java-11-openjdk",
    "java-17-openjdk",
    "java-21-openjdk",
)
_FILES = {
    "passwd": f"root:x:0:0:root:/:/usr/sbin/nologin\nagent:x:{UID}:{GID}:agent:{HOME}:/bin/sh\n"
    "nobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n",
    "group": f"root:x:0:\nagent:x:{GID}:\nnogroup:x:65534:\n",
    "hosts": "127.0.0.1 localhost\n::1 localhost\n",
    "hostname": "sandbox\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
}


def system_arguments(etc: Path, *, network: bool) -> list[str]:
    """Arguments for bwrap that show the system read-only.

    Args:
        etc: an empty directory of the host, for the files that /etc is given.
        network: show how names are resolved, too.
    """
    words: list[str] = []
    for name in _PROGRAMS:
        if os.path.islink(name):
            words += ["--symlink", os.readlink(name), name]
        elif os.path.isdir(name):
            words += ["--ro-bind", name, name]
    for name in _ETC:
        if os.path.exists(f"/etc/{name}"):
            words += ["--ro-bind", os.path.realpath(f"/etc/{name}"), f"/etc/{name}"]
    for name, text in _FILES.items():
        (etc / name).write_text(text)
        words += ["--ro-bind", str(etc / name), f"/etc/{name}"]
    if network and os.path.exists("/etc/resolv.conf"):
        words += ["--ro-bind", os.path.realpath("/etc/resolv.conf"), "/etc/resolv.conf"]
    return words
