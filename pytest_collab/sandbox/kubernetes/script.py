"""The shell scripts that run in a pod: any small image can run them; with GNU find and tar only changes travel."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Mapping
from typing import Final

from pytest_collab.errors import SandboxError
from pytest_collab.sandbox.base import NOT_EXECUTABLE, Command, SandboxSpec
from pytest_collab.sandbox.kubernetes.mirror import Tree
from pytest_collab.sandbox.kubernetes.pod import LAID, PLACE
from pytest_collab.sandbox.rlimits import OPEN_FILES

LAUNCH: Final = f"{PLACE}/run/launch"
_OWN_PROCESSES: Final = 5  # of the same user: two first processes, their sleeps, the shell that starts the command
_BLOCK: Final = 512

LAY: Final = f"touch {LAID}"

# tar reads exactly what head lets through: stdin of a pod has no end.
PUT: Final = f'head -c "$1" | tar -x -p -f - -C {PLACE}'
REMOVE: Final = f'cd {PLACE} && head -c "$1" | xargs -0 rm -rf --'

GNU: Final = "find --version 2>/dev/null | grep -q GNU && tar --version 2>/dev/null | grep -q GNU"
LIST: Final = (
    f'cd {PLACE}/mounts || exit 9; for m in "$@"; do '
    "find \"$m\" -printf '%H/%P\\0%y %m %s %T@ %C@ %i %b\\0' 2>/dev/null; done; exit 0"
)
GET: Final = (
    f'cd {PLACE}/mounts && head -c "$1" | tar -c -f - --format=posix --hard-dereference --no-recursion'
    " --null --verbatim-files-from -T - 2>/dev/null"
)
GET_ALL: Final = f'cd {PLACE}/mounts && tar -c -f - "$@" 2>/dev/null'

# One kill reaches all of them at once; what is killed can start nothing more. The count tells of kills for memory.
CLEAN: Final = (
    "kill -9 -1 2>/dev/null; "
    "for f in /sys/fs/cgroup/memory.events /sys/fs/cgroup/memory/memory.oom_control; do "
    'while read -r name count; do [ "$name" = oom_kill ] && echo "$count"; done <"$f" 2>/dev/null; done; exit 0'
)


def launch(spec: SandboxSpec, command: Command, variables: Mapping[str, str]) -> bytes:
    """What runs one command: limits, directory, environment, and the end of all it started.

    It is sent as a file. Words of `exec` are part of a URL, which API servers log.
    """
    given = " ".join(shlex.quote(f"{name}={value}") for name, value in variables.items())
    words = " ".join(map(shlex.quote, command.words))
    pids = spec.pids + _OWN_PROCESSES
    lines = [
        f"cd -- {shlex.quote(command.cwd)} || exit {NOT_EXECUTABLE}",
        "{ ulimit -c 0",
        f"ulimit -f {spec.file_bytes // _BLOCK}",
        f"ulimit -n {OPEN_FILES}",
        f"ulimit -u {pids} || ulimit -p {pids}; }} 2>/dev/null",
        f'(exec env -i PATH="$PATH" {given} sh -c \'exec "$@"\' sh {words}) <{PLACE}/run/stdin',
        "code=$?",
        "kill -9 -1 2>/dev/null",
        "exit $code",
    ]
    return "\n".join(lines).encode("utf-8", "surrogateescape")


def listing(said: bytes, keys: Collection[str]) -> tuple[dict[str, Tree], int]:
    """What `LIST` printed, by number of the mount, and the bytes that it takes of the disk.

    Raises:
        SandboxError: it is no such list.
    """
    found: dict[str, Tree] = {key: {} for key in keys}
    taken = 0
    parts = said.decode("utf-8", "surrogateescape").split("\0")
    for path, status in zip(parts[0:-1:2], parts[1::2], strict=False):
        key, _, name = path.partition("/")
        kind, *values = status.split(" ")
        if key not in found or len(values) != 6:
            raise SandboxError(f"a pod's list of files cannot be read: {path!r} {status!r}")
        taken += int(values[-1]) * _BLOCK
        found[key][name] = (kind, *values[: 1 if kind == "d" else -1])
    return found, taken
