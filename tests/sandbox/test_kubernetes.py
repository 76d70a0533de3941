"""What the kubernetes sandbox asks of a cluster, and what it says when a cluster refuses.

The conformance suite runs against a stand-in here (tests/support/kubernetes_api.py), and against a real cluster where
KUBECONFIG and COLLAB_TEST_KUBERNETES_IMAGE name one.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest

from pytest_collab.errors import SandboxError
from pytest_collab.sandbox import Mount, SandboxSpec, choose
from pytest_collab.sandbox.choose import forget_probes
from pytest_collab.sandbox.kubernetes import pod as pods
from pytest_collab.sandbox.kubernetes import starting
from pytest_collab.sandbox.kubernetes.cluster import connected
from pytest_collab.sandbox.kubernetes.exec import run
from pytest_collab.sandbox.kubernetes.sandbox import KubernetesSandbox
from tests.sandbox.conftest import MakeSandbox, maker
from tests.support.kubernetes_api import Cluster
from tests.support.kubernetes_models import modelled

pytestmark = pytest.mark.anyio
IMAGE = "registry.example.org/test:1"


@pytest.fixture(params=["kubernetes", "stand-in"])
def make(request: pytest.FixtureRequest, work: Path) -> MakeSandbox:
    """Makes the sandbox with a real cluster, where there is one, and with the stand-in."""
    return maker(request.param, work, request)


@pytest.fixture
def make_here(request: pytest.FixtureRequest, work: Path) -> MakeSandbox:
    """Makes it with the stand-in."""
    return maker("stand-in", work, request)


def a_pod(**changes: Any) -> Any:
    mounts = (Mount(Path("/srv/tree"), "/work", True), Mount(Path("/srv/tests"), "/work/tests"))
    given = {"image": IMAGE, "mounts": mounts, "env": {"API_KEY": "planted"}, "cpus": 1.5, **changes}
    return pods.pod(SandboxSpec(**given), 10)


def test_a_pod_is_one_that_kubernetes_knows_and_that_the_restricted_profile_allows() -> None:
    pod = a_pod()
    assert modelled(pod, "V1Pod") == pod
    spec = pod["spec"]
    assert spec["securityContext"]["runAsNonRoot"]
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["automountServiceAccountToken"] is False
    assert spec["activeDeadlineSeconds"] > 0
    for container in (*spec["initContainers"], *spec["containers"]):
        locked = container["securityContext"]
        assert locked["readOnlyRootFilesystem"]
        assert not locked["allowPrivilegeEscalation"]
        assert locked["capabilities"] == {"drop": ["ALL"]}
    seat = spec["containers"][0]
    assert seat["resources"]["limits"] == {"memory": "2048Mi", "ephemeral-storage": "1290Mi", "cpu": "1500m"}
    assert {m["mountPath"]: m.get("readOnly", False) for m in seat["volumeMounts"]} == {
        "/.collab/run": True,
        "/.collab/own": True,
        "/work": False,
        "/work/tests": True,
        "/tmp": False,
        "/home/agent": False,
        "/dev/shm": False,
    }


def test_no_pod_holds_what_the_environment_of_commands_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "planted")
    assert "planted" not in json.dumps(a_pod())


def test_every_pod_has_a_user_and_a_name_of_its_own() -> None:
    one, other = a_pod(), a_pod()
    assert one["metadata"]["name"] != other["metadata"]["name"]
    assert one["spec"]["securityContext"]["runAsUser"] != other["spec"]["securityContext"]["runAsUser"]
    assert one["metadata"]["labels"] == other["metadata"]["labels"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"image": None}, "needs an image"),
        ({"image": "two words"}, "no name of an image"),
        ({"image": None, "dockerfile": Path("/srv/Dockerfile")}, "push an image to a registry"),
        ({"image": None, "image_tar": Path("/srv/image.tar")}, "push an image to a registry"),
        ({"mounts": (Mount(Path("/srv"), "/.collab/own"),)}, "mount elsewhere"),
    ],
)
def test_what_no_pod_can_be_made_of_is_refused_by_name(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(SandboxError, match=words):
        a_pod(**changes)


@pytest.mark.parametrize(
    ("status", "waited", "words"),
    [
        (
            {
                "phase": "Pending",
                "conditions": [
                    {
                        "type": "PodScheduled",
                        "status": "False",
                        "reason": "Unschedulable",
                        "message": "0/3 nodes are available: 3 Insufficient memory.",
                    }
                ],
            },
            starting.UNSCHEDULED_SECONDS + 1,
            "3 Insufficient memory",
        ),
        (
            {
                "phase": "Pending",
                "initContainerStatuses": [
                    {"name": "files", "state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such tag"}}}
                ],
            },
            60,
            "ImagePullBackOff: no such tag",
        ),
        ({"phase": "Failed", "reason": "Evicted", "message": "The node was low on memory"}, 0, "low on memory"),
        (
            {
                "phase": "Pending",
                "initContainerStatuses": [
                    {
                        "name": "files",
                        "restartCount": 1,
                        "state": {},
                        "lastState": {"terminated": {"exitCode": 127, "reason": "Error"}},
                    }
                ],
            },
            1,
            "an image needs sh",
        ),
    ],
)
def test_a_pod_that_does_not_start_is_told_in_the_clusters_words(
    status: dict[str, Any], waited: float, words: str
) -> None:
    pod = {"metadata": {}, "status": status}
    told = starting.hopeless(pod, waited)
    assert told is not None
    assert words in told
    pending = {"metadata": {}, "status": {"phase": "Pending"}}
    assert starting.hopeless(pending, waited) is None


async def test_a_pod_that_cannot_start_is_the_infrastructures_fault_and_is_not_left(
    make_here: MakeSandbox, api: Cluster
) -> None:
    api.waiting = {"reason": "InvalidImageName", "message": "couldn't parse image name"}
    api.events = [{"reason": "Failed", "message": "Error: InvalidImageName"}]
    with pytest.raises(SandboxError, match=r"couldn't parse image name \(Failed: Error: InvalidImageName\)"):
        await make_here().start()
    assert not api.pods


async def test_a_network_that_no_plugin_takes_is_refused(make_here: MakeSandbox, api: Cluster) -> None:
    api.enforces = False
    async with make_here(network=True) as sandbox:
        assert (await sandbox.run("true", timeout=20)).ok
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pytest_collab.sandbox.kubernetes.sandbox._POLICY_SECONDS", 0.0)
        with pytest.raises(SandboxError, match="does not enforce NetworkPolicies"):
            await make_here().start()
    assert not api.pods


async def test_the_policy_is_made_once_and_one_that_lets_something_through_is_refused(
    make_here: MakeSandbox, api: Cluster
) -> None:
    async with make_here(), make_here():
        assert list(api.policies) == [pods.POLICY]
    api.policies[pods.POLICY]["spec"]["egress"] = [{}]
    with pytest.raises(SandboxError, match="is not the sandbox's"):
        await make_here().start()
    del api.policies[pods.POLICY]
    api.refuse["POST /apis/networking.k8s.io"] = 403, "networkpolicies is forbidden"
    with pytest.raises(SandboxError, match=r"kubernetes-sandbox.yaml"):
        await make_here().start()


async def test_what_the_api_refuses_says_what_to_do(make_here: MakeSandbox, api: Cluster, work: Path) -> None:
    api.refuse["POST /api/v1/namespaces/collab/pods"] = 403, 'pods is forbidden: exceeded quota "small"'
    with pytest.raises(SandboxError, match=r'403 pods is forbidden: exceeded quota "small"; give this user the Role'):
        await make_here().start()
    api.kubeconfig(Path(os.environ["KUBECONFIG"]), token="another")
    with pytest.raises(SandboxError, match="401 Unauthorized; log in again"):
        await make_here().start()


async def test_a_probe_tells_what_is_missing(api: Cluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    forget_probes()
    found = await KubernetesSandbox.probe()
    assert found.works
    assert found.reason == "Kubernetes v1.36.2 answers (cluster here, namespace collab)"
    api.refuse["create pods"] = 403, ""
    assert "does not let this user create pods in namespace collab" in (await KubernetesSandbox.probe()).reason
    api.version = {"major": "1", "minor": "28+", "gitVersion": "v1.28.9"}
    assert "v1.28.9; the sandbox needs 1.29" in (await KubernetesSandbox.probe()).reason
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "nowhere"))
    lost = await KubernetesSandbox.probe()
    assert not lost.works
    assert str(tmp_path / "nowhere") in lost.reason
    assert "\n" not in lost.reason
    with pytest.raises(SandboxError, match=r"kubernetes sandbox was asked for.*kubernetes-sandbox.yaml"):
        await choose("kubernetes")


async def test_commands_and_their_keys_are_in_no_url(make_here: MakeSandbox, api: Cluster) -> None:
    async with make_here(env={"KEY": "planted-1"}) as sandbox:
        done = await sandbox.run("echo $KEY $OTHER; cat", env={"OTHER": "planted-2"}, stdin=b"planted-3", timeout=20)
    assert done.stdout.split() == ["planted-1", "planted-2", "planted-3"]
    assert any("/exec?" in line for line in api.asked)
    assert not any("planted" in line for line in api.asked)


async def test_files_travel_both_ways_with_modes_links_and_odd_names(make: MakeSandbox, work: Path) -> None:
    odd = 'a "b"\n\\c é'
    (work / "sub").mkdir()
    (work / "sub" / odd).write_bytes(b"\0\xff")
    (work / "run.sh").write_text("#!/bin/sh\necho ran\n")
    (work / "run.sh").chmod(0o750)
    (work / "link").symlink_to("run.sh")
    async with make() as sandbox:
        assert (await sandbox.run("./link && ls sub | wc -l", timeout=30)).ok
        (work / "late").write_text("from the host")
        (work / "run.sh").unlink()
        script = (
            "cat late; test -e run.sh && echo still there; mv sub moved; ln -s /etc/passwd out; ln late hard;"
            " chmod 600 late; mkdir -p deep/er; echo x > deep/er/file; rm link"
        )
        done = await sandbox.run(script, timeout=30)
        await sandbox.run("rm -r deep && echo y > deep", timeout=30)
    assert done.stdout == "from the host"
    assert (work / "moved" / odd).read_bytes() == b"\0\xff"
    assert os.readlink(work / "out") == "/etc/passwd"
    assert (work / "late").stat().st_mode & 0o777 == 0o600
    assert (work / "hard").read_text() == "from the host"
    assert (work / "deep").read_text() == "y\n"
    assert sorted(path.name for path in work.iterdir()) == ["deep", "hard", "late", "moved", "out"]


async def test_what_other_mounts_lie_over_stays_as_it_is(make: MakeSandbox, work: Path, tmp_path: Path) -> None:
    fixed = tmp_path / "fixed"
    fixed.write_text("given")
    (work / "test_it").write_text("the tree's own")
    async with make(mounts=[Mount(fixed, "/work/test_it")]) as sandbox:
        done = await sandbox.run("cat test_it; echo changed > test_it; rm -f test_it; echo z > other", timeout=30)
    assert done.stdout == "given"
    assert (work / "test_it").read_text() == "the tree's own"
    assert fixed.read_text() == "given"
    assert (work / "other").read_text() == "z\n"


async def test_what_the_host_changes_meanwhile_reaches_the_next_command(make: MakeSandbox, work: Path) -> None:
    (work / "file").write_text("before")
    async with make() as sandbox, anyio.create_task_group() as tasks:
        tasks.start_soon(partial(sandbox.run, "sleep 2; echo done > end", timeout=30))
        await anyio.sleep(1.5)
        (work / "file").write_text("after")
        done = await sandbox.run("cat file end", timeout=30)
    assert done.stdout == "afterdone\n"


async def test_too_much_written_is_left_in_the_pod(make: MakeSandbox, work: Path) -> None:
    (work / "kept").write_text("as it was")
    async with make(disk_mb=4) as sandbox:
        done = await sandbox.run(
            "echo changed > kept; for i in 1 2 3; do head -c 3000000 /dev/zero > $i; done", timeout=30
        )
        assert done.killed_by == "disk"
        assert done.exit_code is None
        assert [path.name for path in work.iterdir()] == ["kept"]
        assert (work / "kept").read_text() == "as it was"
        assert (await sandbox.run("cat kept", timeout=30)).stdout == "as it was"


async def test_seats_that_share_a_writable_mount_lose_nothing_of_each_other(make: MakeSandbox, work: Path) -> None:
    async with make() as one, make() as other:
        async with anyio.create_task_group() as tasks:
            for name, sandbox in (("a", one), ("b", other)):
                for _ in range(3):
                    tasks.start_soon(partial(sandbox.run, f"echo {name} >> log", timeout=60))
    assert sorted((work / "log").read_text().split()) == ["a"] * 3 + ["b"] * 3


async def test_a_command_that_is_cancelled_has_ended_and_its_files_are_back(make: MakeSandbox, work: Path) -> None:
    async with make() as sandbox:
        assert isinstance(sandbox, KubernetesSandbox)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(partial(sandbox.run, "echo x > begun; sleep 600 & sleep 600", timeout=600))
            with connected() as cluster:
                look = ["test", "-s", f"{pods.PLACE}/mounts/0/begun"]
                while (await anyio.to_thread.run_sync(run, cluster, sandbox._pod, pods.FILES, look))[0] != 0:
                    await anyio.sleep(0.05)
            tasks.cancel_scope.cancel()
        assert (work / "begun").read_text() == "x\n"
        left = await sandbox.run("cat /proc/[0-9]*/cmdline | tr '\\0' ' '", timeout=30)
    assert "sleep 600" not in left.stdout


async def test_pods_of_a_process_that_was_killed_are_removed(api: Cluster, work: Path) -> None:
    code = f"""
import anyio
from pathlib import Path
from pytest_collab.sandbox import Mount, SandboxSpec
from pytest_collab.sandbox.kubernetes.sandbox import KubernetesSandbox
async def main():
    async with KubernetesSandbox(SandboxSpec(image={IMAGE!r}, mounts=(Mount(Path({str(work)!r}), "/work", True),))):
        print("up", flush=True)
        await anyio.sleep_forever()
anyio.run(main)
"""
    killed = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert killed.stdout is not None
    with killed.stdout as said:
        assert await anyio.to_thread.run_sync(said.readline) == b"up\n"
    assert len(api.pods) == 1
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    with anyio.fail_after(60):
        while api.pods:
            await anyio.sleep(0.05)


async def test_what_an_earlier_session_left_is_removed_and_others_pods_are_not(
    make_here: MakeSandbox, api: Cluster
) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    host = os.uname().nodename
    left, others = a_pod(), a_pod()
    left["metadata"]["annotations"][pods.OWNER] = f"{host}:{gone.pid}:1"
    others["metadata"]["annotations"][pods.OWNER] = f"{host}:{gone.pid}:1"
    others["metadata"]["labels"][pods.HOST_LABEL] = "another-machine"
    api.make(left)
    api.make(others)
    async with make_here():
        assert left["metadata"]["name"] not in api.pods
        assert len(api.pods) == 2
    assert list(api.pods) == [others["metadata"]["name"]]


async def test_an_image_without_gnu_tools_is_served_too(
    make_here: MakeSandbox, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_collab.sandbox.kubernetes.script.GNU", "false")
    (work / "old").write_text("1")
    async with make_here() as sandbox:
        await sandbox.run("cat old > new; rm old; mkdir d; ln -s new d/l", timeout=30)
        await sandbox.run("rm new; echo 2 > d/f", timeout=30)
    assert sorted(str(path.relative_to(work)) for path in work.rglob("*")) == ["d", "d/f", "d/l"]


@pytest.mark.parametrize(
    ("status", "killed_by"),
    [
        (
            {
                "phase": "Running",
                "containerStatuses": [
                    {
                        "name": "seat",
                        "restartCount": 1,
                        "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                        "lastState": {"terminated": {"reason": "OOMKilled", "exitCode": 137}},
                    }
                ],
            },
            "memory",
        ),
        (
            {
                "phase": "Failed",
                "reason": "Evicted",
                "message": "Pod ephemeral local storage usage exceeds the total limit of containers 32Mi.",
            },
            "disk",
        ),
        ({"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory."}, None),
        ({"phase": "Failed", "reason": "DeadlineExceeded", "message": "Pod was active too long"}, None),
    ],
)
async def test_a_pod_that_its_command_ended_is_replaced_and_any_other_end_is_the_infrastructures(
    make_here: MakeSandbox, api: Cluster, work: Path, status: dict[str, Any], killed_by: str | None
) -> None:
    async with make_here() as sandbox:
        (ended,) = api.pods
        api.pods[ended]["status"] = status
        if killed_by is None:
            with pytest.raises(SandboxError, match=str(status["message"])):
                await sandbox.run("kill -9 $$", timeout=20)
            return
        done = await sandbox.run("kill -9 $$", timeout=20)
        assert done.killed_by == killed_by
        assert ended not in api.pods
        assert (await sandbox.run("echo on > on", timeout=20)).ok
        assert (await sandbox.run("kill -9 $$", timeout=20)).exit_code == 137
    assert (work / "on").read_text() == "on\n"
