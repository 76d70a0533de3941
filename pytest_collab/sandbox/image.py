"""Where a docker sandbox's image comes from: a name, a local tarball, or a Dockerfile."""

from __future__ import annotations

import hashlib
import tarfile
import threading
from pathlib import Path
from typing import Any

from pytest_collab.errors import SandboxError
from pytest_collab.sandbox.base import SandboxSpec

REPOSITORY = "pytest-collab"
_CHUNK = 1 << 20
_SHOWN_LINES = 20
_READY: dict[tuple[str, str], str] = {}
_LOCK = threading.Lock()


def ensure_image(api: Any, spec: SandboxSpec) -> str:
    """The id or name of the image a spec wants, loaded or built if the engine does not have it.

    Nothing is ever pulled: what a run is made of should be there before it starts.

    Args:
        api: a `docker.APIClient`.

    Raises:
        SandboxError: no image is named, or it is missing, or cannot be loaded or built.
    """
    if spec.image is not None:
        return _present(api, spec.image)
    source = spec.image_tar or spec.dockerfile
    if source is None:
        raise SandboxError("the docker sandbox needs an image; give image, image_tar or dockerfile in the spec")
    if not source.is_file():
        raise SandboxError(f"the docker sandbox cannot use {source}: there is no such file")
    status = source.stat()
    key = (api.base_url, f"{source.resolve()}:{status.st_mtime_ns}:{status.st_size}")
    # Seats and graders of one task start together; one of them builds, the others wait for it.
    with _LOCK:
        if key not in _READY:
            _READY[key] = _from_tar(api, source) if spec.image_tar is not None else _build(api, source)
        return _READY[key]


def _present(api: Any, name: str) -> str:
    from docker.errors import ImageNotFound

    try:
        identity: str = api.inspect_image(name)["Id"]
    except ImageNotFound:
        raise SandboxError(f"the docker engine has no image {name!r}; run: docker pull {name}") from None
    return identity


def _from_tar(api: Any, path: Path) -> str:
    from docker.errors import ImageNotFound

    tag = _digest(path)
    name = f"{REPOSITORY}/tar:{tag}"
    try:
        identity: str = api.inspect_image(name)["Id"]
        return identity
    except ImageNotFound:
        pass
    if _is_saved_image(path):
        with path.open("rb") as file:
            said = [line for line in api.load_image(file, quiet=False) if isinstance(line, dict)]
        loaded = [str(line["stream"]).strip() for line in said if "Loaded image" in str(line.get("stream", ""))]
        if not loaded:
            raise SandboxError(f"the docker engine loaded no image from {path}: {_last_lines(said)}")
        # "Loaded image: name:tag" or "Loaded image ID: sha256:..."
        api.tag(loaded[0].split(": ", 1)[1], f"{REPOSITORY}/tar", tag, force=True)
    else:
        api.import_image_from_file(str(path), repository=f"{REPOSITORY}/tar", tag=tag)
    return _present(api, name)


def _build(api: Any, dockerfile: Path) -> str:
    said: list[dict[str, Any]] = []
    for line in api.build(
        path=str(dockerfile.parent), dockerfile=dockerfile.name, rm=True, forcerm=True, decode=True
    ):
        said.append(line)
        if "error" in line:
            raise SandboxError(f"docker could not build {dockerfile}:\n{_last_lines(said)}")
    for line in reversed(said):
        if "ID" in (line.get("aux") or {}):
            identity: str = line["aux"]["ID"]
            return identity
    raise SandboxError(f"docker built {dockerfile} and named no image:\n{_last_lines(said)}")


def _is_saved_image(path: Path) -> bool:
    """Whether a tarball is of `docker save`; otherwise it is a root file system."""
    try:
        with tarfile.open(path) as tar:
            return any(member.name.removeprefix("./") in ("manifest.json", "oci-layout") for member in tar)
    except (tarfile.TarError, OSError) as error:
        raise SandboxError(f"{path} cannot be read as a tarball of an image: {error}") from error


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()[:24]


def _last_lines(said: list[dict[str, Any]]) -> str:
    text = "".join(str(line.get("stream") or line.get("error") or "") for line in said)
    return "\n".join(text.splitlines()[-_SHOWN_LINES:])
