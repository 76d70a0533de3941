"""What every sandbox promises, whatever it is made of."""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path

import anyio
import pytest

from pytest_collab.errors import SandboxError, UsageError
from pytest_collab.sandbox import Mount, SandboxSpec
from tests.sandbox.conftest import MakeSandbox

pytestmark = pytest.mark.anyio


async def test_a_command_gives_its_exit_code_and_both_streams(make_sandbox: MakeSandbox) -> None:
    async with make_sandbox() as sandbox:
        done = await sandbox.run("echo out; echo err >&2; exit 3", timeout=20)
    assert (done.exit_code, done.stdout, done.stderr) == (3, "out\n", "err\n")
    assert not done.ok
    assert not done.timed_out
    assert done.killed_by is None


async def test_words_reach_the_program_as_they_are(make_sandbox: MakeSandbox) -> None:
    words = ["a b", "$HOME", "'", '"', "*", "", "-n", "\n", "é"]
    async with make_sandbox() as sandbox:
        done = await sandbox.run(["printf", "%s|", *words], timeout=20)
    assert done.stdout == "".join(f"{word}|" for word in words)


async def test_a_program_that_does_not_exist_is_the_commands_own_failure(make_sandbox: MakeSandbox) -> None:
    async with make_sandbox() as sandbox:
        done = await sandbox.run(["no-such-program"], timeout=20)
        nowhere = await sandbox.run(["true"], cwd="no/such/folder", timeout=20)
    assert done.exit_code == 127
    assert "no-such-program" in done.stderr
    assert nowhere.exit_code == 126


async def test_a_death_by_signal_is_told_as_a_shell_tells_it(make_sandbox: MakeSandbox) -> None:
    async with make_sandbox() as sandbox:
        done = await sandbox.run(["sh", "-c", "kill -TERM $$"], timeout=20)
    assert done.exit_code == 128 + 15
    assert done.killed_by is None


async def test_stdin_is_what_was_given_and_then_ends(make_sandbox: MakeSandbox) -> None:
    data = os.urandom(300_000)
    async with make_sandbox() as sandbox:
        counted = await sandbox.run("wc -c", stdin=data, timeout=20)
        nothing = await sandbox.run("cat; read line || echo end", timeout=20)
    assert counted.stdout.strip() == "300000"
    assert nothing.stdout == "end\n"


async def test_the_time_limit_ends_the_command(make_sandbox: MakeSandbox) -> None:
    async with make_sandbox() as sandbox:
        done = await sandbox.run("echo started; sleep 600", timeout=0.5)
        after = await sandbox.run("echo next", timeout=20)
    assert done.timed_out
    assert done.killed_by == "timeout"
    assert done.exit_code is None
    assert done.stdout == "started\n"
    assert after.stdout == "next\n"


async def test_children_left_in_the_background_neither_hold_up_nor_outlive_a_command(
    make_sandbox: MakeSandbox, work: Path
) -> None:
    async with make_sandbox() as sandbox:
        done = await sandbox.run(
            "(while :; do date +%N > beat; sleep 0.01; done) & while [ ! -e beat ]; do sleep 0.01; done; echo done",
            timeout=20,
        )
        first = (work / "beat").read_text()
        await anyio.sleep(0.1)
        assert (work / "beat").read_text() == first
    assert done.ok
    assert done.stdout == "done\n"


async def test_a_daemon_in_a_session_of_its_own_is_found(make_sandbox: MakeSandbox, work: Path) -> None:
    beat = "while :; do date +%N > beat; sleep 0.01; done"
    async with make_sandbox() as sandbox:
        start = f"(setsid nohup sh -c '{beat}' </dev/null >/dev/null 2>&1 &)"
        done = await sandbox.run(f"{start}; while [ ! -s beat ]; do sleep 0.01; done", timeout=20)
        first = (work / "beat").read_text()
        await anyio.sleep(0.1)
        assert (work / "beat").read_text() == first
    assert done.ok


async def test_output_beyond_the_limit_keeps_head_and_tail_and_says_how_much_is_missing(
    make_sandbox: MakeSandbox,
) -> None:
    async with make_sandbox() as sandbox:
        done = await sandbox.run("echo first; seq 100000; echo last", output_limit=2000, timeout=20)
    assert done.ok
    assert done.stdout.startswith("first\n1\n2\n")
    assert done.stdout.endswith("100000\nlast\n")
    assert "bytes left out" in done.stdout
    assert len(done.stdout) < 2100


async def test_bytes_that_are_no_text_do_no_harm(make_sandbox: MakeSandbox) -> None:
    async with make_sandbox() as sandbox:
        done = await sandbox.run(r"printf '\377\000\033[31mred\033[0m'", timeout=20)
    assert done.stdout == "�\0\033[31mred\033[0m"


async def test_nothing_of_the_hosts_environment_is_passed_on(
    make_sandbox: MakeSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-planted")
    monkeypatch.setenv("HOST_SECRET", "planted")
    async with make_sandbox(env={"GIVEN": "spec", "BOTH": "spec"}) as sandbox:
        done = await sandbox.run(["env"], env={"BOTH": "command"}, timeout=20)
    seen = dict(line.partition("=")[::2] for line in done.stdout.splitlines())
    assert "planted" not in done.stdout
    assert (seen["GIVEN"], seen["BOTH"]) == ("spec", "command")
    assert seen["PATH"]
    assert seen["LANG"] == "C.UTF-8"
    assert seen["HOME"] != os.environ.get("HOME")


async def test_home_and_scratch_space_last_from_command_to_command(make_sandbox: MakeSandbox) -> None:
    async with make_sandbox() as sandbox:
        await sandbox.run('echo kept > "$HOME/a" && echo kept > "$TMPDIR/b"', timeout=20)
        done = await sandbox.run('cat "$HOME/a" "$TMPDIR/b"', timeout=20)
    assert done.stdout == "kept\nkept\n"


async def test_two_sandboxes_share_no_scratch_space(make_sandbox: MakeSandbox) -> None:
    async with make_sandbox() as one, make_sandbox() as other:
        await one.run('echo secret > "$HOME/a"', timeout=20)
        done = await other.run('cat "$HOME/a"', timeout=20)
    assert done.exit_code == 1


async def test_the_workdir_is_where_commands_start_and_relative_paths_are_below_it(
    make_sandbox: MakeSandbox, work: Path
) -> None:
    (work / "sub").mkdir()
    async with make_sandbox() as sandbox:
        await sandbox.run("echo hi > here", timeout=20)
        await sandbox.run("echo hi > there", cwd="sub", timeout=20)
        await sandbox.run("echo hi > absolute", cwd="/work/sub", timeout=20)
        inside = await sandbox.run(["cat", sandbox.inside(work / "sub" / "there")], timeout=20)
    assert sorted(path.name for path in work.rglob("*") if path.is_file()) == ["absolute", "here", "there"]
    assert (work / "sub" / "absolute").exists()
    assert inside.stdout == "hi\n"


async def test_files_made_inside_belong_to_the_user_outside(make_sandbox: MakeSandbox, work: Path) -> None:
    async with make_sandbox() as sandbox:
        await sandbox.run("mkdir d && echo hi > d/f", timeout=20)
    assert (work / "d" / "f").stat().st_uid == os.getuid()


async def test_a_workdir_without_a_mount_is_scratch_space(make_sandbox: MakeSandbox) -> None:
    async with make_sandbox(workdir="/elsewhere") as sandbox:
        await sandbox.run("echo hi > file", timeout=20)
        done = await sandbox.run("cat file", timeout=20)
    assert done.stdout == "hi\n"


async def test_commands_can_run_at_the_same_time(make_sandbox: MakeSandbox) -> None:
    results: list[str] = []

    async with make_sandbox() as sandbox:

        async def one(number: int) -> None:
            results.append((await sandbox.run(["echo", str(number)], timeout=30)).stdout)

        async with anyio.create_task_group() as tasks:
            for number in range(8):
                tasks.start_soon(one, number)
    assert sorted(results) == [f"{number}\n" for number in range(8)]


async def test_a_cancelled_command_leaves_nothing_running(make_sandbox: MakeSandbox, work: Path) -> None:
    if make_sandbox().name == "kubernetes":
        pytest.skip("a pod's files come back when a command has ended: see the same test in test_kubernetes.py")
    async with make_sandbox() as sandbox:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(partial(sandbox.run, "while :; do date +%N > beat; sleep 0.01; done", timeout=600))
            while not (work / "beat").exists():
                await anyio.sleep(0.01)
            tasks.cancel_scope.cancel()
        first = (work / "beat").read_text()
        await anyio.sleep(0.1)
        assert (work / "beat").read_text() == first


async def test_no_process_and_no_descriptor_is_left_behind(make_sandbox: MakeSandbox) -> None:
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    async with make_sandbox() as sandbox:  # what is opened once and for all is open after this
        await sandbox.run("true", timeout=20)
    await anyio.sleep(0.5)  # pipes are closed by the event loop, a moment after their ends
    before = sorted(os.listdir("/proc/self/fd"))
    children_before = children.read_text()
    async with make_sandbox() as sandbox:
        for _ in range(5):
            await sandbox.run("true", timeout=20)
            await sandbox.run("sleep 600", timeout=0.05)
    with anyio.move_on_after(10):
        while sorted(os.listdir("/proc/self/fd")) != before:
            await anyio.sleep(0.05)
    assert sorted(os.listdir("/proc/self/fd")) == before
    assert children.read_text() == children_before


async def test_the_sandboxs_own_failure_is_an_infrastructure_error(make_sandbox: MakeSandbox, tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="does not exist"):
        await make_sandbox(mounts=[Mount(tmp_path / "missing", "/missing")]).start()
    with pytest.raises(SandboxError, match="not started"):
        await make_sandbox().run("true", timeout=20)
    async with make_sandbox() as sandbox:
        with pytest.raises(SandboxError, match="Mount"):
            sandbox.inside(Path("/root/.ssh"))
        with pytest.raises(UsageError, match="empty"):
            await sandbox.run([], timeout=20)


async def test_the_running_interpreter_can_be_mounted_and_run(
    make_sandbox: MakeSandbox, request: pytest.FixtureRequest
) -> None:
    prefix = Path(sys.base_prefix)
    if "[stand-in" in request.node.name:
        pytest.skip("a pod gets a copy of what is mounted, and a whole Python takes long: other tests mount less")
    if prefix.is_relative_to("/usr") and "[docker" in request.node.name:
        pytest.skip("this Python is the system's: in an image /usr is the image's; use another Python to test this")
    mounts = [] if prefix.is_relative_to("/usr") else [Mount(prefix, str(prefix))]
    async with make_sandbox(mounts=mounts) as sandbox:
        done = await sandbox.run([os.path.realpath(sys.executable), "-c", "print(6 * 7)"], timeout=30)
    assert done.stdout == "42\n", done.stderr


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ({"mounts": (Mount(Path("/a"), "relative"),)}, "absolute"),
        ({"mounts": (Mount(Path("/a"), "/x/../y"),)}, "absolute"),
        ({"mounts": (Mount(Path("/a"), "/proc/self"),)}, "/proc/self"),
        ({"mounts": (Mount(Path("/a"), "/x"), Mount(Path("/b"), "/x"))}, "two mounts"),
        ({"memory_mb": 0}, "memory_mb=0"),
        ({"image": "a", "dockerfile": Path("Dockerfile")}, "one of"),
    ],
)
def test_a_spec_that_cannot_be_is_refused_early(spec: dict[str, object], problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        SandboxSpec(**spec)  # type: ignore[arg-type]
