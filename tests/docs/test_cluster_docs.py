"""docs/how-to/run-on-a-cluster.md and its manifests say what is so."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from pytest_collab.plugin.options import _OPTIONS
from pytest_collab.sandbox.kubernetes.pod import policy
from tests.support.kubernetes_models import modelled

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
MANIFESTS = ("kubernetes-indexed-job.yaml", "kuberay.yaml")
SCRIPTS = ("slurm-array.sh", "slurm-ray.sh")


def manifest(name: str) -> Any:
    return yaml.safe_load((EXAMPLES / name).read_text(encoding="utf-8"))


def test_the_indexed_job_is_one() -> None:
    job = manifest("kubernetes-indexed-job.yaml")
    assert modelled(job, "V1Job") == job
    spoiled = json.loads(json.dumps(job).replace("backoffLimitPerIndex", "backoffLimitPerIndx"))
    assert modelled(spoiled, "V1Job") != spoiled, "a wrong key is seen"


def test_the_pods_of_the_ray_job_are_pods() -> None:
    """KubeRay's own keys are held to those of its documentation (ray.io/v1); its CRD is not checked against."""
    job = manifest("kuberay.yaml")
    assert (job["apiVersion"], job["kind"]) == ("ray.io/v1", "RayJob")
    assert set(job["spec"]) <= {"entrypoint", "shutdownAfterJobFinishes", "ttlSecondsAfterFinished", "rayClusterSpec"}
    cluster = job["spec"]["rayClusterSpec"]
    assert set(cluster) == {"rayVersion", "headGroupSpec", "workerGroupSpecs"}
    group = {"rayStartParams", "template"}
    assert set(cluster["headGroupSpec"]) == group
    for worker in cluster["workerGroupSpecs"]:
        assert set(worker) == group | {"groupName", "replicas", "minReplicas", "maxReplicas"}
        assert worker["minReplicas"] <= worker["replicas"] <= worker["maxReplicas"]
    for one in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"]):
        assert all(isinstance(value, str) for value in one["rayStartParams"].values())
        assert modelled(one["template"], "V1PodTemplateSpec") == one["template"]


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_slurm_scripts_are_read_by_bash(name: str) -> None:
    done = subprocess.run(["bash", "-n", str(EXAMPLES / name)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", [*MANIFESTS, *SCRIPTS])
def test_the_examples_use_options_that_exist(name: str) -> None:
    used = set(re.findall(r"--(?:collab-[a-z-]+|agents)", (EXAMPLES / name).read_text(encoding="utf-8")))
    assert {"--agents", "--collab-run-dir", "--collab-resume"} <= used <= {option.flag for option in _OPTIONS}


def test_the_manifest_of_the_sandbox_is_what_it_asks_a_cluster_for() -> None:
    text = (EXAMPLES / "kubernetes-sandbox.yaml").read_text(encoding="utf-8")
    found = {each["kind"]: each for each in yaml.safe_load_all(text)}
    kinds = {"Namespace": "V1Namespace", "ServiceAccount": "V1ServiceAccount", "Role": "V1Role"}
    kinds |= {"RoleBinding": "V1RoleBinding", "NetworkPolicy": "V1NetworkPolicy"}
    assert found.keys() == kinds.keys()
    for kind, model in kinds.items():
        assert modelled(found[kind], model) == found[kind]
    kept = found["NetworkPolicy"]
    assert kept["metadata"].pop("namespace") == found["Namespace"]["metadata"]["name"]
    assert kept == policy()
    allowed = {
        (name, verb) for rule in found["Role"]["rules"] for name in rule["resources"] for verb in rule["verbs"]
    }
    assert {("pods", verb) for verb in ("create", "get", "list", "delete")} <= allowed
    assert {("pods/exec", "create"), ("networkpolicies", "get")} <= allowed
