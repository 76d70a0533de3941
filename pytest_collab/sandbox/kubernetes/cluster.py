"""A Kubernetes cluster: reaching its API server, and what it answers when it refuses.

The `kubernetes` package reads the kubeconfig and knows how to authenticate; objects are plain JSON, which the API
server checks (`fieldValidation=Strict`), so that all releases of the package since 31 do.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from pytest_collab.errors import SandboxError

ROLE: Final = "docs/examples/kubernetes-sandbox.yaml"
_IN_CLUSTER: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
_SECONDS: Final = 60.0
_CONNECT_SECONDS: Final = 5.0
_V4: Final = "v4.channel.k8s.io"

Json = dict[str, Any]


class Refused(SandboxError):
    """The API server answered with an error.

    Attributes:
        status: of HTTP: 403 forbidden, 404 not there, 409 there already, ...
        reason: the API's own word for it, such as `AlreadyExists`.
    """

    def __init__(self, message: str, status: int, reason: str) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason


class Cluster:
    """A connection to one namespace of a cluster. Its methods block; they may be called from several threads.

    Args:
        api: a `kubernetes.client.ApiClient`.
        namespace: where pods are made.
        place: how messages call the cluster.
    """

    def __init__(self, api: Any, namespace: str, place: str) -> None:
        self._api = api
        self.namespace = namespace
        self.place = place

    def call(self, method: str, path: str, query: Iterable[tuple[str, str]] = (), body: Json | None = None) -> Json:
        """One request; the JSON of the answer.

        Args:
            path: below the server, such as `/version`; `{namespace}` in it is replaced.

        Raises:
            Refused: the server refuses.
            SandboxError: it cannot be reached.
        """
        import urllib3

        url = self._url(path, query)
        headers = {"accept": "application/json", "content-type": "application/json", **self._authorization()}
        try:
            answer = self._api.rest_client.pool_manager.request(
                method,
                url,
                headers=headers,
                body=None if body is None else json.dumps(body),
                timeout=urllib3.Timeout(connect=_CONNECT_SECONDS, read=_SECONDS),
            )
        except urllib3.exceptions.HTTPError as error:
            raise SandboxError(f"the API server of {self.place} cannot be reached: {_short(error)}") from error
        if answer.status >= 400:
            raise self._refused(f"{method} {url.partition('?')[0]}", answer.status, answer.data)
        found: Json = json.loads(answer.data or b"{}")
        return found

    def attach(self, pod: str, container: str, words: Iterable[str], *, stdin: bool) -> Any:
        """Start a command in a container: the websocket, which speaks version 4 of the channel protocol.

        Raises:
            Refused: the server refuses.
            SandboxError: it cannot be reached.
        """
        import websocket

        stream: Any = import_module("kubernetes.stream.ws_client")
        query = [("container", container), ("stdout", "true"), ("stderr", "true"), ("tty", "false")]
        query += [("stdin", "true")] if stdin else []
        query += [("command", word) for word in words]
        url = self._url(f"/api/v1/namespaces/{{namespace}}/pods/{pod}/exec", query)
        headers = {"sec-websocket-protocol": _V4, **self._authorization()}
        try:
            return stream.create_websocket(self._api.configuration, f"ws{url.removeprefix('http')}", headers)
        except websocket.WebSocketBadStatusException as error:
            body = getattr(error, "resp_body", None) or b""
            raise self._refused(f"exec in pod {pod}", error.status_code, body) from error
        except (websocket.WebSocketException, OSError) as error:
            raise SandboxError(f"no command can be started in {pod} of {self.place}: {_short(error)}") from error

    def close(self) -> None:
        """Close connections that are kept."""
        self._api.rest_client.pool_manager.clear()
        with contextlib.suppress(AttributeError):  # some releases have nothing to close
            self._api.close()

    def _url(self, path: str, query: Iterable[tuple[str, str]]) -> str:
        host: str = self._api.configuration.host
        asked = urlencode(list(query))
        return host.rstrip("/") + path.format(namespace=self.namespace) + (f"?{asked}" if asked else "")

    def _authorization(self) -> dict[str, str]:
        found = self._api.configuration.auth_settings().values()
        return {each["key"]: each["value"] for each in found if each["in"] == "header" and each["value"]}

    def _refused(self, what: str, status: int, body: bytes) -> Refused:
        try:
            answer = json.loads(body)
            message, reason = str(answer["message"]), str(answer.get("reason", ""))
        except (ValueError, KeyError, TypeError):
            message, reason = body[:200].decode("utf-8", "replace").strip() or "it said no more", ""
        help_ = {401: "; log in again, as your kubeconfig says", 403: f"; give this user the Role of {ROLE}"}
        return Refused(f"{self.place}: {what}: {status} {message}{help_.get(status, '')}", status, reason)


def connect() -> Cluster:
    """The cluster of the kubeconfig's current context, or the one that this process is in.

    Raises:
        SandboxError: the package is missing, there is no configuration, or it cannot be used.
    """
    try:
        client, config = (import_module(f"kubernetes.{name}") for name in ("client", "config"))
    except ImportError as error:
        raise SandboxError(
            f"the kubernetes package cannot be imported: {error}; pip install 'pytest-collab[kubernetes]'"
        ) from error
    configuration = client.Configuration()
    configuration.retries = 2
    try:
        if _IN_CLUSTER.is_file() and not any(path.is_file() for path in _kubeconfigs()):
            config.load_incluster_config(client_configuration=configuration)
            namespace, place = _IN_CLUSTER.read_text().strip(), "this cluster"
        else:
            files = os.pathsep.join(map(str, _kubeconfigs()))  # the package looked at KUBECONFIG when it was imported
            _, active = config.list_kube_config_contexts(files)
            config.load_kube_config(files, client_configuration=configuration)
            namespace = (active.get("context") or {}).get("namespace") or "default"
            place = f"cluster {active['name']}"
    except (config.ConfigException, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        looked = os.pathsep.join(map(str, _kubeconfigs()))
        raise SandboxError(f"no cluster is configured in {looked}: {_short(error)}") from error
    return Cluster(client.ApiClient(configuration), namespace, place)


@contextlib.contextmanager
def connected() -> Iterator[Cluster]:
    """A connection that is closed afterwards.

    Raises:
        SandboxError: as `connect`.
    """
    cluster = connect()
    try:
        yield cluster
    finally:
        cluster.close()


def _kubeconfigs() -> list[Path]:
    named = os.environ.get("KUBECONFIG") or "~/.kube/config"
    return [Path(name).expanduser() for name in named.split(os.pathsep) if name]


def _short(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:300] if lines else type(error).__name__
