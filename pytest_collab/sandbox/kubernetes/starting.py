"""Bringing a pod up: its policy, its two containers, and the words of the cluster when it does not come."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

import anyio

from pytest_collab.errors import SandboxError
from pytest_collab.sandbox.kubernetes.cluster import ROLE, Cluster, Json, Refused
from pytest_collab.sandbox.kubernetes.pod import FILES, HOST_LABEL, MANAGED, OWNER, POLICY, SEAT, host, policy
from pytest_collab.sandbox.owner import gone

PODS: Final = "/api/v1/namespaces/{namespace}/pods"
_POLICIES: Final = "/apis/networking.k8s.io/v1/namespaces/{namespace}/networkpolicies"
_STRICT: Final = (("fieldValidation", "Strict"),)
_OLDEST: Final = (1, 29)  # the first with containers that stay beside the others ("sidecars") switched on

UNSCHEDULED_SECONDS: Final = 180.0
"""How long a pod may wait for room: long enough for a cluster that adds machines."""

START_SECONDS: Final = 600.0
_PULL_SECONDS: Final = 30.0
_HOPELESS: Final = frozenset(
    {
        "ErrImageNeverPull",
        "InvalidImageName",
        "CreateContainerConfigError",
        "CreateContainerError",
        "RunContainerError",
    }
)
_PULLING: Final = frozenset({"ErrImagePull", "ImagePullBackOff", "RegistryUnavailable"})

# Says `reached` or `closed` by its exit code, 0 or 1, whichever of these programs an image has; 3 for none.
REACH: Final = (
    'h="$KUBERNETES_SERVICE_HOST"; p="$KUBERNETES_SERVICE_PORT"; '
    '[ -n "$h" ] || exit 4; has() { command -v "$1" >/dev/null 2>&1; }; '
    'if has bash; then limit() { if has timeout; then timeout 2 "$@"; else "$@"; fi; }; '
    'limit bash -c ": </dev/tcp/$h/$p" 2>/dev/null && exit 0; exit 1; '
    'elif has python3; then python3 -c "import socket, sys; socket.create_connection(sys.argv[1:], 2)"'
    ' "$h" "$p" 2>/dev/null && exit 0; exit 1; '
    'elif has nc; then nc -w 2 "$h" "$p" </dev/null >/dev/null 2>&1 && exit 0; exit 1; '
    'elif has curl; then curl -sk -m 2 -o /dev/null "https://$h:$p/" && exit 0; exit 1; '
    "else exit 3; fi"
)

Call = Callable[..., Awaitable[Any]]
"""Runs a blocking function in a thread, and gives its result."""


def version(cluster: Cluster) -> str:
    """What the API server calls its version.

    Raises:
        SandboxError: it is too old, or cannot be reached.
    """
    found = cluster.call("GET", "/version")
    name = str(found.get("gitVersion", "?"))
    try:
        number = int(found["major"]), int(str(found["minor"]).rstrip("+"))
    except (KeyError, ValueError):
        return name
    if number < _OLDEST:
        raise SandboxError(f"{cluster.place} runs Kubernetes {name}; the sandbox needs 1.29 or newer")
    return name


def may(cluster: Cluster) -> str | None:
    """What this user may not do and the sandbox needs; None if everything is allowed."""
    needs = (
        ("create", "", "pods", ""),
        ("delete", "", "pods", ""),
        ("list", "", "pods", ""),
        ("create", "", "pods", "exec"),
        ("get", "networking.k8s.io", "networkpolicies", ""),
    )
    for verb, group, resource, below in needs:
        asked = {
            "namespace": cluster.namespace,
            "verb": verb,
            "group": group,
            "resource": resource,
            "subresource": below,
        }
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": asked},
        }
        answer = cluster.call("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", body=review)
        if not (answer.get("status") or {}).get("allowed"):
            return f"{verb} {resource}{'/' if below else ''}{below} in namespace {cluster.namespace}"
    return None


def ensure_policy(cluster: Cluster) -> None:
    """See that the policy is there which takes the network of pods without one.

    Raises:
        SandboxError: it is not, and may not be made; or another one has its name.
    """
    wanted = policy()
    try:
        found = cluster.call("GET", f"{_POLICIES}/{POLICY}")
    except Refused as error:
        if error.status != 404:
            raise
        try:
            cluster.call("POST", _POLICIES, _STRICT, wanted)
            return
        except Refused as refused:
            if refused.status == 409:  # another process was first
                return
            raise SandboxError(
                f"{refused}; without the NetworkPolicy {POLICY} of {ROLE} pods would have a network"
            ) from refused
    kept = found.get("spec") or {}
    if (
        kept.get("ingress")
        or kept.get("egress")
        or any(kept.get(key) != wanted["spec"][key] for key in wanted["spec"])
    ):
        raise SandboxError(
            f"the NetworkPolicy {POLICY} in namespace {cluster.namespace} is not the sandbox's; delete it, "
            f"or apply {ROLE}"
        )


def create(cluster: Cluster, body: Json) -> str:
    """Ask for a pod; its name.

    Raises:
        Refused: the cluster does not want it.
    """
    cluster.call("POST", PODS, _STRICT, body)
    return str(body["metadata"]["name"])


def delete(cluster: Cluster, pod: str) -> None:
    """Remove a pod at once. One that is gone is no error."""
    try:
        cluster.call("DELETE", f"{PODS}/{pod}", (("gracePeriodSeconds", "0"),))
    except Refused as error:
        if error.status != 404:
            raise


def sweep(cluster: Cluster) -> list[str]:
    """Remove pods whose makers on this machine no longer live; their names."""
    managed = ",".join(f"{name}={value}" for name, value in {**MANAGED, HOST_LABEL: host()}.items())
    found = cluster.call("GET", PODS, (("labelSelector", managed),))
    removed = []
    for pod in found.get("items", ()):
        if gone(str((pod["metadata"].get("annotations") or {}).get(OWNER, ""))):
            delete(cluster, pod["metadata"]["name"])
            removed.append(str(pod["metadata"]["name"]))
    return removed


async def until_running(cluster: Cluster, pod: str, container: str, call: Call) -> None:
    """Wait until a container runs.

    Raises:
        SandboxError: it does not, with what the cluster says about it.
    """
    started = time.monotonic()
    pause = 0.1
    while True:
        found = await call(cluster.call, "GET", f"{PODS}/{pod}")
        if runs(found, container):
            return
        waited = time.monotonic() - started
        trouble = hopeless(found, waited)
        if trouble is None and waited > START_SECONDS:
            trouble = f"it has not started in {START_SECONDS:.0f} s"
        if trouble is not None:
            said = await call(_events, cluster, pod)
            raise SandboxError(f"pod {pod} of {cluster.place} does not start: {trouble}{said}")
        await anyio.sleep(pause)
        pause = min(pause * 1.3, 1.0)


def runs(pod: Json, container: str) -> bool:
    """Whether a container of a pod runs."""
    return pod["status"].get("phase") not in ("Failed", "Succeeded") and any(
        each["name"] == container and "running" in (each.get("state") or {}) for each in _containers(pod)
    )


def ended_by(pod: Json) -> str | None:
    """Why a pod, or its seat, was ended by the cluster: `OOMKilled`, `Evicted`, ...; None if it was not."""
    status = pod["status"]
    if status.get("phase") == "Failed" or status.get("reason"):
        return str(status.get("reason") or status.get("message") or "Failed")
    for each in _containers(pod):
        if each["name"] == SEAT:
            for state in (each.get("state") or {}, each.get("lastState") or {}):
                if "terminated" in state:
                    return str(state["terminated"].get("reason", "Error"))
    return None


def told(pod: Json) -> str:
    """What the cluster says of a pod that it has ended."""
    status = pod["status"]
    return f"{status.get('reason', status.get('phase'))}: {status.get('message', 'no more is said')}"


def hopeless(pod: Json, waited: float) -> str | None:
    """Why there is no use in waiting any longer; None while there is."""
    status = pod["status"]
    if pod["metadata"].get("deletionTimestamp"):
        return "somebody has deleted it"
    if status.get("phase") in ("Failed", "Succeeded"):
        return told(pod)
    for condition in status.get("conditions") or ():
        unscheduled = condition.get("type") == "PodScheduled" and condition.get("status") == "False"
        if unscheduled and waited > UNSCHEDULED_SECONDS:
            return f"{condition.get('reason')}: {condition.get('message')}"
    for each in _containers(pod):
        state = each.get("state") or {}
        waiting = state.get("waiting") or {}
        reason = waiting.get("reason", "")
        if reason in _HOPELESS or (reason in _PULLING and waited > _PULL_SECONDS):
            return f"{reason}: {waiting.get('message', 'no more is said')}"
        ended = (each.get("lastState") or {}).get("terminated") or state.get("terminated")
        if ended and each["name"] in (FILES, SEAT) and each.get("restartCount", 0) >= 1:
            return (
                f"its container {each['name']} ended with exit code {ended.get('exitCode')} ({ended.get('reason')}); "
                "an image needs sh, sleep, cp, tar, find, xargs, head and env"
            )
    return None


def _containers(pod: Json) -> list[Json]:
    status = pod["status"]
    return [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]


def _events(cluster: Cluster, pod: str) -> str:
    """What the cluster last warned of, in its words; nothing where this user may not read it."""
    about = (("fieldSelector", f"involvedObject.name={pod},type=Warning"),)
    try:
        found = cluster.call("GET", "/api/v1/namespaces/{namespace}/events", about).get("items", [])
    except SandboxError:
        return ""
    said = [f"{each.get('reason')}: {each.get('message')}" for each in found if each.get("message")]
    return f" ({'; '.join(dict.fromkeys(said[-3:]))})" if said else ""
