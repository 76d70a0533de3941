"""A system call filter: what no build and no test suite needs, and kernel bugs have been found in.

Foremost, no further user namespaces can be made, in which a process has all capabilities again. Most of the
rest is useless without those; the filter keeps it out of the kernel's reach altogether. It is a list of
refusals, not of permissions, because toolchains in four languages must run unchanged. Nothing can be made setuid:
where pytest runs as root, such a file in a writable mount would be root's on the host.
"""

from __future__ import annotations

import functools
import platform
import struct

_EPERM = 1
_ENOSYS = 38

_REFUSED = {
    # name: (x86_64, aarch64)
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "kcmp": (312, 272),
    "pidfd_getfd": (438, 438),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "unshare": (272, 97),
    "setns": (308, 268),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "open_by_handle_at": (304, 265),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "acct": (163, 89),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "reboot": (169, 142),
    "syslog": (103, 116),
    "quotactl": (179, 60),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
}
# Programs probe for these and go on without them when the kernel seems not to know them.
_UNKNOWN = {
    "clone3": (435, 435),  # its flags lie in memory, where a filter cannot look; libraries fall back to clone
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "openat2": (437, 437),  # its mode lies in memory as well
}
_SETUID = 0o4000
# name: (x86_64, aarch64, which argument is the mode)
_MODES = {
    "chmod": (90, -1, 1),
    "fchmod": (91, 52, 1),
    "fchmodat": (268, 53, 2),
    "fchmodat2": (452, 452, 2),
    "mknod": (133, -1, 1),
    "mknodat": (259, 33, 2),
    "creat": (85, -1, 1),
    "open": (2, -1, 2),
    "openat": (257, 56, 3),
}
_SOCKET = (41, 198)
_VSOCK = 40  # to the machine that this one may be a guest of
_EAFNOSUPPORT = 97

_ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
_X32_BIT = 0x40000000

_LOAD = 0x20  # BPF_LD | BPF_W | BPF_ABS
_EQUAL = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
_AT_LEAST = 0x35  # BPF_JMP | BPF_JGE | BPF_K
_RETURN = 0x06  # BPF_RET | BPF_K
_ANY_BIT = 0x45  # BPF_JMP | BPF_JSET | BPF_K
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data, little-endian
_CLONE = (56, 220)
_CLONE_NEWUSER = 0x10000000
_ALLOW = 0x7FFF0000
_KILL = 0x80000000
_ERRNO = 0x00050000


@functools.cache
def program(machine: str | None = None) -> bytes:
    """The filter as `struct sock_filter[]`, for `bwrap --seccomp`; empty for machines it is not written for.

    Args:
        machine: as `platform.machine()` names it; this one's if None.
    """
    known = _ARCHITECTURES.get(machine or platform.machine())
    if known is None:
        return b""
    column, architecture = known
    steps = [
        _step(_LOAD, 0, 0, _ARCHITECTURE),
        _step(_EQUAL, 1, 0, architecture),
        # Another architecture's calls have other numbers, which this list would misread.
        _step(_RETURN, 0, 0, _KILL),
        _step(_LOAD, 0, 0, _NUMBER),
    ]
    if column == 0:
        steps += [_step(_AT_LEAST, 0, 1, _X32_BIT), _step(_RETURN, 0, 0, _ERRNO | _ENOSYS)]
    for numbers, answer in ((_REFUSED, _EPERM), (_UNKNOWN, _ENOSYS)):
        for call in numbers.values():
            steps += [_step(_EQUAL, 0, 1, call[column]), _step(_RETURN, 0, 0, _ERRNO | answer)]
    for *numbers_of, place in _MODES.values():
        if numbers_of[column] >= 0:
            steps += [
                _step(_EQUAL, 0, 4, numbers_of[column]),
                _step(_LOAD, 0, 0, _FIRST_ARGUMENT + 8 * place),
                _step(_ANY_BIT, 0, 1, _SETUID),
                _step(_RETURN, 0, 0, _ERRNO | _EPERM),
                _step(_RETURN, 0, 0, _ALLOW),
            ]
    steps += [
        _step(_EQUAL, 0, 4, _SOCKET[column]),
        _step(_LOAD, 0, 0, _FIRST_ARGUMENT),
        _step(_EQUAL, 0, 1, _VSOCK),
        _step(_RETURN, 0, 0, _ERRNO | _EAFNOSUPPORT),
        _step(_RETURN, 0, 0, _ALLOW),
        _step(_EQUAL, 0, 3, _CLONE[column]),
        _step(_LOAD, 0, 0, _FIRST_ARGUMENT),
        _step(_ANY_BIT, 0, 1, _CLONE_NEWUSER),
        _step(_RETURN, 0, 0, _ERRNO | _EPERM),
        _step(_RETURN, 0, 0, _ALLOW),
    ]
    return b"".join(steps)


def _step(code: int, if_true: int, if_false: int, value: int) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)
