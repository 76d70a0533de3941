"""The docker engine: reaching it, and knowing which of its containers are whose."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any

from pytest_collab.errors import SandboxError
from pytest_collab.sandbox.owner import gone

LABEL = "pytest-collab.owner"
"""On every container: the host and process that made it, so that what a killed run left can be removed."""

_ENGINE_SECONDS = 120


def connect() -> Any:
    """A `docker.APIClient` for the engine of DOCKER_HOST, or the local one.

    Raises:
        SandboxError: the SDK is missing, or no engine answers.
    """
    try:
        import docker
        from docker.errors import DockerException
    except ImportError as error:
        raise SandboxError(f"the docker SDK cannot be imported: {error}; pip install docker") from error
    place = os.environ.get("DOCKER_HOST", "the local socket")
    try:
        return docker.from_env(timeout=_ENGINE_SECONDS).api
    except (DockerException, ValueError, OSError) as error:
        raise SandboxError(f"no docker engine answers at {place}: {error}") from error


@contextlib.contextmanager
def connected() -> Iterator[Any]:
    """A client that is closed afterwards.

    Raises:
        SandboxError: as `connect`, and when the engine breaks off.
    """
    import requests
    from docker.errors import DockerException

    api = connect()
    try:
        yield api
    except (DockerException, requests.RequestException) as error:
        raise SandboxError(f"docker: {error}") from error
    finally:
        api.close()


def sweep(api: Any) -> None:
    """Remove containers whose makers on this host no longer live."""
    from docker.errors import APIError

    for container in api.containers(all=True, filters={"label": LABEL}):
        if gone(container["Labels"][LABEL]):
            with contextlib.suppress(APIError):
                api.remove_container(container["Id"], force=True, v=True)
