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

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
MANIFESTS = ("kubernetes-indexed-job.yaml", "kuberay.yaml")
SCRIPTS = ("slurm-array.sh", "slurm-ray.sh")


def modelled(data: Any, kind: str) -> Any:
    """What Kubernetes' own models keep of an object: what they do not know is lost, what they require is demanded."""
    client = pytest.importorskip("kubernetes.client", reason="needs pip install kubernetes")

    class Response:
        def __init__(self) -> None:
            self.data = json.dumps(data)

    api = client.ApiClient()
    try:
        made = api.deserialize(Response(), kind)
    except TypeError:  # newer clients take the text and its type
        made = api.deserialize(json.dumps(data), kind, "application/json")
    return api.sanitize_for_serialization(made)


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
