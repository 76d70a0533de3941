"""The pod of one sandbox, and the policy that takes its network: what is asked of a cluster, as plain JSON.

Two containers of one image. `files` keeps what is mounted, and is the only one that can write to all of it; `seat` is
where commands run. They share volumes and no processes, so that nothing a command does reaches what moves its files.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import socket
from pathlib import Path
from typing import Final

from pytest_collab.errors import SandboxError
from pytest_collab.sandbox.base import HOME, SandboxSpec
from pytest_collab.sandbox.kubernetes.cluster import Json
from pytest_collab.sandbox.owner import owner

FILES, SEAT = "files", "seat"
PLACE: Final = "/.collab"
"""Our own folder in both containers; `mounts/N` in it is the N-th mount of the spec."""

LAID: Final = f"{PLACE}/own/laid"
POLICY: Final = "pytest-collab-no-network"
MANAGED: Final = {"app.kubernetes.io/managed-by": "pytest-collab"}
HOST_LABEL: Final = "pytest-collab/host"
OWNER_LABEL: Final = "pytest-collab/owner"
RUN_LABEL: Final = "pytest-collab/run"
NETWORK_LABEL: Final = "pytest-collab/network"
OWNER: Final = "pytest-collab/owner"
"""The annotation that names the process, as `sandbox.owner` writes it."""

LONGEST_SECONDS: Final = 6 * 3600
"""A pod ends by itself after this, whatever became of who made it."""

_MEGABYTE: Final = 1024 * 1024
_FILES_MB: Final = 256
_IMAGE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:@-]{0,510}")
# The first process reaps what has lost its parent. It runs from a copy of the shell that may be executed and not
# read: so the kernel lets nobody of the same user trace it, and nobody in its namespace can kill it.
_WAIT: Final = "while :; do sleep 86400 & wait $!; done"
_FIRST: Final = (
    f"umask 022; mkdir -p {PLACE}/run {PLACE}/own {PLACE}/mounts && "
    f'cp "$(command -v sh)" {PLACE}/own/sh && chmod 0111 {PLACE}/own/sh && {_WAIT}'
)


def labels() -> dict[str, str]:
    """Of a pod of this process: who made it, on which machine, in which run of xdist."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID") or owner()
    return {**MANAGED, HOST_LABEL: host(), OWNER_LABEL: _digest(owner()), RUN_LABEL: _digest(run)}


def host() -> str:
    """This machine, as far as numbers of processes mean the same on it: name, boot and namespace of processes."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        space = str(os.stat("/proc/self/ns/pid").st_ino)
    except OSError:
        boot = space = ""
    return _digest(f"{socket.gethostname()} {boot} {space}")


def policy() -> Json:
    """The NetworkPolicy that denies everything to pods without a network."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": POLICY, "labels": dict(MANAGED)},
        "spec": {
            "podSelector": {"matchLabels": {NETWORK_LABEL: "none"}},
            "policyTypes": ["Ingress", "Egress"],
        },
    }


def check(spec: SandboxSpec) -> str:
    """The image of a spec.

    Raises:
        SandboxError: it names none, or what no cluster can use.
    """
    if spec.image_tar is not None or spec.dockerfile is not None:
        source = spec.image_tar or spec.dockerfile
        raise SandboxError(
            f"the kubernetes sandbox cannot use {source}: push an image to a registry and name it as `image`"
        )
    if spec.image is None:
        raise SandboxError("the kubernetes sandbox needs an image: name one that the cluster's nodes can pull")
    if not _IMAGE.fullmatch(spec.image):
        raise SandboxError(f"image {spec.image!r} is no name of an image: REGISTRY/NAME:TAG, without spaces")
    if spec.workdir == PLACE or any(f"{mount.inside}/".startswith(f"{PLACE}/") for mount in spec.mounts):
        raise SandboxError(f"{PLACE} in a pod is the sandbox's own; mount elsewhere")
    return spec.image


def pod(spec: SandboxSpec, mounted_mb: int) -> Json:
    """The pod of a sandbox.

    Every pod has a user of its own: the limit of processes (`RLIMIT_NPROC`) counts by user.

    Args:
        mounted_mb: what its mounts hold at the start.

    Raises:
        SandboxError: as `check`.
    """
    image = check(spec)
    user = 100_000 + secrets.randbelow(1_000_000_000)
    disk = mounted_mb + spec.disk_mb * max(1, len(spec.writable)) + _FILES_MB
    scratch = {"tmp": "/tmp", "home": HOME, "shm": "/dev/shm"}
    if spec.mount_of(spec.workdir) is None:
        scratch["work"] = spec.workdir
    memory = {"medium": "Memory", "sizeLimit": f"{spec.disk_mb}Mi"}
    locked = {
        "allowPrivilegeEscalation": False,
        "privileged": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    common = {"image": image, "imagePullPolicy": "IfNotPresent", "securityContext": locked, "workingDir": "/"}
    seat_mounts = [
        {"name": FILES, "mountPath": f"{PLACE}/{part}", "subPath": part, "readOnly": True} for part in ("run", "own")
    ]
    seat_mounts += [{"name": name, "mountPath": path} for name, path in scratch.items()]
    seat_mounts += [
        {"name": FILES, "mountPath": mount.inside, "subPath": f"mounts/{index}", "readOnly": not mount.writable}
        for index, mount in sorted(enumerate(spec.mounts), key=lambda pair: pair[1].inside.count("/"))
    ]
    cpu = "100m" if spec.cpus is None else f"{max(1, round(spec.cpus * 1000))}m"
    limits = {"memory": f"{spec.memory_mb}Mi", "ephemeral-storage": f"{disk}Mi"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"collab-{secrets.token_hex(8)}",
            "labels": {**labels(), NETWORK_LABEL: "open" if spec.network else "none"},
            "annotations": {OWNER: owner()},
        },
        "spec": {
            "restartPolicy": "Always",
            "activeDeadlineSeconds": LONGEST_SECONDS,
            "terminationGracePeriodSeconds": 0,
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "hostname": "sandbox",
            **({} if spec.network else {"dnsPolicy": "None", "dnsConfig": {"nameservers": ["127.0.0.1"]}}),
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": user,
                "runAsGroup": user,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "initContainers": [
                {
                    **common,
                    "name": FILES,
                    "command": ["/bin/sh", "-c", _FIRST],
                    "restartPolicy": "Always",  # one that stays; the seat begins once everything is laid
                    "startupProbe": {
                        "exec": {"command": ["test", "-e", LAID]},
                        "periodSeconds": 1,
                        "failureThreshold": LONGEST_SECONDS,
                    },
                    "volumeMounts": [{"name": FILES, "mountPath": PLACE}],
                    "resources": {
                        "requests": {"cpu": "50m", "memory": "32Mi"},
                        "limits": {"memory": f"{_FILES_MB}Mi"},
                    },
                }
            ],
            "containers": [
                {
                    **common,
                    "name": SEAT,
                    "command": [f"{PLACE}/own/sh", "-c", _WAIT],
                    "volumeMounts": seat_mounts,
                    "resources": {
                        "requests": {"cpu": cpu, **limits},
                        "limits": {**limits, **({} if spec.cpus is None else {"cpu": cpu})},
                    },
                }
            ],
            "volumes": [
                {"name": FILES, "emptyDir": {"sizeLimit": f"{disk}Mi"}},
                *({"name": name, "emptyDir": dict(memory)} for name in scratch),
            ],
        },
    }


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:20]
