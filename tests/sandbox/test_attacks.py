"""What an agent may try against the machine it runs on. Every attack is tried on every isolating sandbox.

The attacks are real, and small: limits of 256 MB, 64 processes and 32 MB of disk stand around each, and where
a limit is what is tested, a bounded attack goes first.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from pytest_collab.errors import SandboxError
from pytest_collab.sandbox import Mount, copy_out, read_inside
from tests.sandbox.conftest import MakeSandbox

pytestmark = pytest.mark.anyio

PYTHON = "/usr/bin/python3"
SECRET = "the-secret-of-the-host"


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file of the host that no mount covers."""
    path = tmp_path / "hidden" / "secret.txt"
    path.parent.mkdir()
    path.write_text(SECRET)
    return path


@pytest.fixture
def loopback_server() -> Iterator[int]:
    """A server on the host's loopback; counts who comes. The port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=_greet, args=(server,), daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def _greet(server: socket.socket) -> None:
    try:
        while True:
            connection, _ = server.accept()
            with connection:
                connection.sendall(SECRET.encode())
    except OSError:
        return


async def test_the_hosts_home_and_keys_cannot_be_read(
    make_isolated: MakeSandbox, secret: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", SECRET)
    home = Path.home()
    async with make_isolated() as sandbox:
        done = await sandbox.run(
            "cat /proc/*/environ; cat /etc/shadow /root/.ssh/* /root/.netrc;"
            f" ls -a {home} /root /home /mnt /srv /opt; cat {secret}; env",
            timeout=20,
        )
    assert SECRET not in done.stdout
    assert str(secret.parent) not in done.stdout
    for entry in os.listdir(home):
        assert entry not in done.stdout.split() or entry in (".", "..")


async def test_a_tree_that_is_not_mounted_does_not_exist(
    make_isolated: MakeSandbox, work: Path, secret: Path
) -> None:
    async with make_isolated() as sandbox:
        done = await sandbox.run(
            f"find / -name {secret.name} -not -path '/proc/*' 2>/dev/null; cat ../hidden/{secret.name} {secret};"
            f" ls {work.parent} /proc/1/root/{work.parent} /proc/1/cwd/..",
            timeout=20,
        )
    assert SECRET not in done.stdout
    assert secret.name not in done.stdout
    assert done.exit_code != 0


@pytest.mark.parametrize("target", ["loopback", "outside", "name"])
async def test_the_network_cannot_be_reached(make_isolated: MakeSandbox, loopback_server: int, target: str) -> None:
    host, port = {
        "loopback": ("127.0.0.1", loopback_server),
        "outside": ("1.1.1.1", 53),
        "name": ("example.com", 80),
    }[target]
    code = f"import socket; print(socket.create_connection(({host!r}, {port}), timeout=3).recv(99))"
    async with make_isolated() as sandbox:
        done = await sandbox.run([PYTHON, "-c", code], timeout=20)
    assert done.exit_code == 1
    assert "Error" in done.stderr or "error" in done.stderr
    assert SECRET not in done.stdout


async def test_an_abstract_socket_of_the_host_cannot_be_reached(make_isolated: MakeSandbox) -> None:
    name = f"\0collab-{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(name)
        server.listen()
        code = f"import socket; socket.socket(socket.AF_UNIX).connect({name!r})"
        async with make_isolated() as sandbox:
            done = await sandbox.run([PYTHON, "-c", code], timeout=20)
    assert "ConnectionRefusedError" in done.stderr


async def test_nothing_can_be_written_outside_of_writable_mounts(
    make_isolated: MakeSandbox, tmp_path: Path, work: Path
) -> None:
    fixed = tmp_path / "fixed"
    fixed.mkdir()
    (fixed / "file").write_text("as it was")
    places = ("/", "/usr", "/usr/bin", "/etc", "/opt", "/run", "/proc/sys/kernel", "/fixed", "/home")
    attempt = "; ".join(f"touch {place}/planted && echo {place} was written" for place in places)
    async with make_isolated(mounts=[Mount(fixed, "/fixed")]) as sandbox:
        done = await sandbox.run(f"{attempt}; echo changed > /fixed/file; rm -f /fixed/file", timeout=20)
        inside = await sandbox.run("mount -o remount,rw /fixed; touch /fixed/planted", timeout=20)
    assert done.stdout == ""
    assert inside.exit_code != 0
    assert (fixed / "file").read_text() == "as it was"
    assert os.listdir(fixed) == ["file"]


@pytest.mark.parametrize("path", ["/proc/sys/kernel/core_pattern", "/proc/sys/vm/drop_caches", "/proc/sysrq-trigger"])
async def test_the_kernels_own_switches_cannot_be_turned(make_isolated: MakeSandbox, path: str) -> None:
    """A root user's namespace is still the owner of these files, and core_pattern runs programs on the host."""
    async with make_isolated() as sandbox:
        # Opened for writing, and nothing written: should it succeed, no harm is done.
        done = await sandbox.run([PYTHON, "-c", f"import os; os.open({path!r}, os.O_WRONLY)"], timeout=20)
    assert done.exit_code == 1, "it could be opened for writing"


async def test_other_processes_cannot_be_seen_or_signalled(make_isolated: MakeSandbox) -> None:
    async with make_isolated() as sandbox:
        done = await sandbox.run(
            "for entry in /proc/[0-9]*; do tr '\\0' ' ' < $entry/cmdline; echo; done", timeout=20
        )
        reached = await sandbox.run(["sh", "-c", f"kill -0 {os.getpid()}"], timeout=20)
        counted = await sandbox.run("ls -d /proc/[0-9]* | wc -l", timeout=20)
    assert "pytest" not in done.stdout
    assert not reached.ok
    assert int(counted.stdout) < 10


async def test_more_processes_than_allowed_are_refused(make_isolated: MakeSandbox) -> None:
    code = """
import os, sys, time
made = 0
try:
    for _ in range(200):
        if os.fork() == 0:
            time.sleep(20)
            os._exit(0)
        made += 1
except OSError:
    pass
print(made)
"""
    async with make_isolated() as sandbox:
        done = await sandbox.run([PYTHON, "-c", code], timeout=20)
    assert 5 <= int(done.stdout) < 64


async def test_a_fork_bomb_is_contained_and_ends_with_its_time(make_isolated: MakeSandbox, work: Path) -> None:
    bomb = "import os\nwhile True:\n    try:\n        os.fork()\n    except OSError:\n        pass\n"
    async with make_isolated() as sandbox:
        # Never without this: that the limit holds has to be known before a bomb is lit.
        counted = await sandbox.run("for i in $(seq 100); do sleep 20 & done; wait", timeout=20)
        assert counted.exit_code not in (0, None), "the limit on processes does not hold"
        done = await sandbox.run([PYTHON, "-c", bomb], timeout=1)
        after = await sandbox.run("echo alive", timeout=20)
    assert done.timed_out
    assert after.stdout == "alive\n"


async def test_memory_beyond_the_limit_is_not_to_be_had(make_isolated: MakeSandbox) -> None:
    code = "held = []\nfor _ in range(60):\n    held.append(b'x' * (10 * 2**20))\nprint('600 MB')"
    async with make_isolated() as sandbox:
        done = await sandbox.run([PYTHON, "-c", code], timeout=20)
        after = await sandbox.run("echo alive", timeout=20)
    assert "600 MB" not in done.stdout
    assert done.killed_by == "memory" or "MemoryError" in done.stderr
    assert after.stdout == "alive\n"


async def test_the_memory_of_all_processes_counts_together(make_isolated: MakeSandbox) -> None:
    hold = "import time; held = b'x' * (60 * 2**20); time.sleep(1.5); print('held')"
    async with make_isolated() as sandbox:
        done = await sandbox.run(
            f'for i in 1 2 3 4 5 6 7 8; do {PYTHON} -c "{hold}" & done; wait; exit 1', timeout=20
        )
    assert done.stdout.count("held") < 8


@pytest.mark.parametrize("place", ["/tmp", "$HOME", "/dev/shm", "/work"])
async def test_the_disk_cannot_be_filled(make_isolated: MakeSandbox, work: Path, place: str) -> None:
    fill = (
        f"for i in $(seq 100); do head -c 4000000 /dev/zero > {place}/big$i || exit 1; sleep 0.05; done;"
        " echo 400 MB were written"
    )
    async with make_isolated() as sandbox:
        done = await sandbox.run(fill, timeout=20)
        written = sum(path.stat().st_size for path in work.iterdir())
    assert "400 MB" not in done.stdout
    assert not done.ok
    assert written < 150_000_000
    if place == "/work":
        assert done.killed_by == "disk"


@pytest.mark.parametrize("make_isolated", ["bubblewrap"], indirect=True)
async def test_files_that_nobody_can_see_count_too(make_isolated: MakeSandbox, work: Path) -> None:
    """Not with docker: whose engine may be on another machine, so that open files cannot be listed from here."""
    hoard = (
        "import os, time\nheld = []\nfor i in range(100):\n"
        "    file = open('hoard', 'wb'); os.unlink('hoard'); file.write(b'x' * 4000000); file.flush()\n"
        "    held.append(file); time.sleep(0.02)\nprint('400 MB were written')"
    )
    async with make_isolated() as sandbox:
        done = await sandbox.run([PYTHON, "-c", hoard], timeout=20)
    assert done.killed_by == "disk"


async def test_one_huge_file_is_cut_off(make_isolated: MakeSandbox, work: Path) -> None:
    async with make_isolated() as sandbox:
        done = await sandbox.run("head -c 200000000 /dev/zero > huge", timeout=20)
    assert not done.ok
    assert (work / "huge").stat().st_size <= 32 * 2**20


async def test_endless_output_costs_no_memory_and_is_ended(make_isolated: MakeSandbox) -> None:
    async with make_isolated() as sandbox:
        done = await sandbox.run(["yes"], timeout=20, output_limit=1000)
    assert done.killed_by == "output"
    assert len(done.stdout) < 1100
    assert "bytes left out" in done.stdout


@pytest.mark.parametrize(
    ("ending", "timeout"), [("exit 0", 60), ("sleep 600", 4)], ids=["after the command", "after the time limit"]
)
async def test_a_daemon_does_not_outlive_its_command(
    make_isolated: MakeSandbox, work: Path, ending: str, timeout: float
) -> None:
    daemon = (
        "import os, time\n"
        "if os.fork(): os._exit(0)\n"
        "os.setsid()\n"
        "if os.fork(): os._exit(0)\n"
        "for fd in range(3): os.close(fd)\n"
        "while True:\n"
        "    open('/work/beat', 'w').write(str(time.time()))\n"
        "    time.sleep(0.01)\n"
    )
    (work / "daemon.py").write_text(daemon)
    async with make_isolated() as sandbox:
        start = f"env -i nohup setsid {PYTHON} /work/daemon.py >/dev/null 2>&1 &"
        done = await sandbox.run(f"{start}\nwhile [ ! -e beat ]; do sleep 0.01; done\n{ending}", timeout=timeout)
        assert done.timed_out == (ending != "exit 0")
        first = (work / "beat").read_text()
        await anyio.sleep(0.2)
        assert (work / "beat").read_text() == first
        assert (await sandbox.run("cat /proc/[0-9]*/cmdline", timeout=20)).stdout.count("daemon.py") == 0


async def test_no_privilege_can_be_gained(make_isolated: MakeSandbox) -> None:
    code = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
CLONE, KEYCTL = {'x86_64': (56, 250), 'aarch64': (220, 219)}[os.uname().machine]
for line in open('/proc/self/status'):
    if line.startswith(('CapEff', 'CapPrm', 'CapAmb')):
        print(line.split()[1].strip('0') or 'none')
    if line.startswith('NoNewPrivs'):
        print('no new privileges', line.split()[1])
def attempt(name, call):
    try:
        result = call()
    except OSError:
        return
    if result != -1:
        print(name, 'succeeded')
attempt('mount', lambda: libc.mount(b'none', b'/tmp', b'tmpfs', 0, b''))
attempt('unshare user', lambda: libc.unshare(0x10000000))
attempt('unshare mount', lambda: libc.unshare(0x00020000))
attempt('clone user', lambda: libc.syscall(CLONE, 0x10000011, 0, 0, 0, 0))
attempt('chroot', lambda: libc.chroot(b'/tmp'))
attempt('setuid', lambda: libc.setuid(12345))
attempt('setgroups', lambda: os.setgroups([0]))
attempt('mknod', lambda: os.mknod('/tmp/disk', 0o60600, os.makedev(8, 0)))
attempt('sethostname', lambda: libc.sethostname(b'x', 1))
attempt('keyctl', lambda: libc.syscall(KEYCTL, 0, -3, 1))
"""
    async with make_isolated() as sandbox:
        done = await sandbox.run([PYTHON, "-c", code], timeout=20)
        switched = await sandbox.run("su -c id 2>&1 </dev/null", timeout=20)
    assert sorted(done.stdout.splitlines()) == ["no new privileges 1", "none", "none", "none"]
    assert switched.exit_code != 0


async def test_the_sandboxs_own_processes_cannot_be_traced(make_isolated: MakeSandbox) -> None:
    code = "import ctypes; libc = ctypes.CDLL(None); print(libc.ptrace(16, 1, 0, 0), libc.ptrace(0x4206, 1, 0, 0))"
    async with make_isolated() as sandbox:
        done = await sandbox.run([PYTHON, "-c", code], timeout=20)
    assert done.stdout == "-1 -1\n"


async def test_a_daemon_that_first_kills_whoever_could_end_it_does_not_outlive_its_command(
    make_isolated: MakeSandbox, work: Path
) -> None:
    daemon = (
        "import os, signal, time\n"
        "os.setsid()\n"
        "for fd in range(3): os.close(fd)\n"
        "for name in os.listdir('/proc'):\n"
        "    if name.isdigit() and int(name) not in (1, os.getpid()):\n"
        "        try: os.kill(int(name), signal.SIGKILL)\n"
        "        except OSError: pass\n"
        "while True:\n"
        "    open('/work/beat', 'w').write(str(time.time()))\n"
        "    time.sleep(0.01)\n"
    )
    (work / "daemon.py").write_text(daemon)
    async with make_isolated() as sandbox:
        await sandbox.run(f"{PYTHON} daemon.py & sleep 600", timeout=5)
        first = (work / "beat").read_text() if (work / "beat").exists() else ""
        await anyio.sleep(0.2)
        assert ((work / "beat").read_text() if (work / "beat").exists() else "") == first
        assert (await sandbox.run("cat /proc/[0-9]*/cmdline", timeout=20)).stdout.count("daemon.py") == 0


async def test_a_terminal_cannot_be_typed_into(make_isolated: MakeSandbox) -> None:
    code = "import fcntl, os; fcntl.ioctl(os.open('/dev/tty', os.O_RDWR), 0x5412, b'x')"
    async with make_isolated() as sandbox:
        done = await sandbox.run([PYTHON, "-c", code], timeout=20)
    assert done.exit_code == 1


async def test_links_left_in_a_tree_lead_nobody_to_the_hosts_files(
    make_isolated: MakeSandbox, work: Path, secret: Path, tmp_path: Path
) -> None:
    async with make_isolated() as sandbox:
        await sandbox.run(
            f"ln -s {secret} link; ln -s {secret.parent} folder; mkdir sub; ln -s ../../hidden sub/up; mkfifo pipe"
            " || python3 -c 'import os; os.mkfifo(\"pipe\")'; echo fine > file; echo run > script; chmod 755 script",
            timeout=20,
        )
    assert (work / "link").read_text() == SECRET, "the link is no attack, if it does not lead there"
    for path in (
        "link",
        "folder/secret.txt",
        "sub/up/secret.txt",
        "pipe",
        "../hidden/secret.txt",
        str(secret),
    ):
        with pytest.raises(SandboxError):
            read_inside(work, path, limit=1000)
    assert read_inside(work, "file", limit=1000) == b"fine\n"
    (work / "script").chmod(0o4755)  # as a sandbox would leave it that does not forbid this
    report = copy_out(work, tmp_path / "copy", limit=1000)
    assert sorted(report.files) == ["file", "script"]
    assert {"link", "folder", "sub/up", "pipe"} <= set(report.skipped)
    assert sorted(path.name for path in (tmp_path / "copy").rglob("*")) == ["file", "script", "sub"]
    assert (tmp_path / "copy" / "script").stat().st_mode & 0o7777 == 0o755


async def test_a_tree_too_large_to_copy_is_refused_and_leaves_nothing(work: Path, tmp_path: Path) -> None:
    (work / "large").write_bytes(b"x" * 5000)
    with pytest.raises(SandboxError, match="larger than 1000"):
        copy_out(work, tmp_path / "copy", limit=1000)
    assert not (tmp_path / "copy").exists()
    with pytest.raises(SandboxError, match="larger than 1000"):
        read_inside(work, "large", limit=1000)


async def test_variables_of_the_spec_do_not_reach_the_sandboxs_own_programs(
    make_isolated: MakeSandbox, work: Path
) -> None:
    """What a task puts in the environment is for the command, not for what starts it on the host."""
    async with make_isolated(env={"LD_PRELOAD": str(work / "evil.so"), "BASH_ENV": "/work/evil"}) as sandbox:
        done = await sandbox.run(["echo", "fine"], timeout=20)
    assert done.stdout == "fine\n"


@pytest.mark.parametrize("make_isolated", ["bubblewrap"], indirect=True)
async def test_files_and_folders_are_counted(make_isolated: MakeSandbox) -> None:
    many = (
        "import os, time\nfor i in range(5000):\n    open(f'{i}', 'w').close()\n"
        "    i % 100 or time.sleep(0.01)\ntime.sleep(15)"
    )
    async with make_isolated(entries=500) as sandbox:
        done = await sandbox.run([PYTHON, "-c", many], timeout=30)
    assert done.killed_by == "disk"


@pytest.mark.parametrize("make_isolated", ["bubblewrap"], indirect=True)
async def test_files_in_memory_are_memory_that_later_commands_lack(make_isolated: MakeSandbox) -> None:
    hold = f"{PYTHON} -c \"held = b'x' * (100 * 2**20); print(len(held))\""
    async with make_isolated(memory_mb=200, disk_mb=150) as sandbox:
        assert (await sandbox.run(hold, timeout=30)).ok
        kept = await sandbox.run("head -c 140000000 /dev/zero > /dev/shm/kept", timeout=30)
        assert kept.ok, kept
        assert not (await sandbox.run(hold, timeout=30)).ok
        await sandbox.run("rm /dev/shm/kept", timeout=30)
        assert (await sandbox.run(hold, timeout=30)).ok


@pytest.mark.parametrize("make_isolated", ["bubblewrap"], indirect=True)
async def test_nothing_becomes_setuid_on_the_host(make_isolated: MakeSandbox, work: Path) -> None:
    code = """
import os
for attempt in (
    lambda: os.chmod('/work/one', 0o4755),
    lambda: os.fchmod(os.open('/work/one', os.O_RDONLY), 0o4755),
    lambda: os.open('/work/two', os.O_CREAT | os.O_WRONLY, 0o4755),
    lambda: os.mknod('/work/three', 0o104755),
    lambda: __import__('socket').socket(40, 1),
):
    try:
        attempt()
        print('succeeded')
    except OSError:
        print('refused')
os.chmod('/work/one', 0o2755)
"""
    (work / "one").write_text("")
    async with make_isolated() as sandbox:
        done = await sandbox.run([PYTHON, "-c", code], timeout=20)
    assert done.stdout.split() == ["refused"] * 5, done.stderr
    assert not any(path.stat().st_mode & 0o4000 for path in work.iterdir())
