"""A stand-in for a cluster of one node, on the loopback: an API server as strict as the sandbox needs one to be.

Pods are checked against the models of the `kubernetes` package and refused with an unknown field. Exec speaks version
4 of the channel protocol over a real websocket; the processes are real: the container `files` runs on this machine
in the pod's folder, the seat in bubblewrap with the pod's volume mounts. What a kubelet and a network plugin do
beyond that (limits, policies, images, eviction) is not there.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import shutil
import socket
import struct
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import yaml

from pytest_collab.sandbox.kubernetes import script
from pytest_collab.sandbox.kubernetes.pod import FILES, LAID, PLACE, SEAT
from tests.support.kubernetes_models import modelled

TOKEN = "a-token-of-the-test"
_MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"


class Cluster:
    """What the server knows. Tests may change it while it runs.

    Attributes:
        pods: by name, as they were asked for, with a status.
        policies: NetworkPolicies by name.
        enforces: whether a pod that a policy isolates is kept from the API server.
        refuse: from the beginning of "METHOD /path" to the status and message of a refusal.
        waiting: what keeps the containers of new pods from starting: a state of the API; None for nothing.
        events: warnings that are told of any pod.
        asked: every request line, with its query.
        version: what /version says.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pods: dict[str, Any] = {}
        self.policies: dict[str, Any] = {}
        self.enforces = True
        self.refuse: dict[str, tuple[int, str]] = {}
        self.waiting: dict[str, Any] | None = None
        self.events: list[dict[str, Any]] = []
        self.asked: list[str] = []
        self.version = {"major": "1", "minor": "36", "gitVersion": "v1.36.2"}
        self.port = 0
        self.running: dict[str, set[subprocess.Popen[bytes]]] = {}
        self.lock = threading.Lock()

    def kubeconfig(self, path: Path, token: str = TOKEN) -> Path:
        """Write one that leads here."""
        server = {"server": f"http://127.0.0.1:{self.port}"}
        path.write_text(
            yaml.safe_dump(
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "clusters": [{"name": "stand-in", "cluster": server}],
                    "users": [{"name": "tester", "user": {"token": token}}],
                    "contexts": [
                        {"name": "here", "context": {"cluster": "stand-in", "user": "tester", "namespace": "collab"}}
                    ],
                    "current-context": "here",
                }
            )
        )
        return path

    def make(self, pod: Any) -> None:
        """Take a pod, and start its first container."""
        name = pod["metadata"]["name"]
        place = self.folder / name
        for volume in pod["spec"]["volumes"]:
            (place / volume["name"]).mkdir(parents=True)
        for part in ("run", "own", "mounts"):
            (place / FILES / part).mkdir()
        self.pods[name] = pod
        self.running[name] = set()

    def seen(self, name: str) -> Any:
        """A pod with its status as it is now."""
        pod = self.pods[name]
        laid = (self.folder / name / LAID.replace(PLACE, FILES, 1)).exists()
        state = {"waiting": self.waiting} if self.waiting else {"running": {}}
        seat = state if laid else {"waiting": {"reason": "PodInitializing"}}
        status = pod.get("status") or {
            "phase": "Running" if laid else "Pending",
            "initContainerStatuses": [{"name": FILES, "restartCount": 0, "state": state}],
            "containerStatuses": [{"name": SEAT, "restartCount": 0, "state": seat}],
        }
        return {**pod, "status": status}

    def drop(self, name: str) -> None:
        """Delete a pod and end its processes."""
        del self.pods[name]
        self.kill(name)
        shutil.rmtree(self.folder / name, ignore_errors=True)

    def kill(self, name: str) -> None:
        """End what runs in a seat."""
        with self.lock:
            running = list(self.running[name])
        for process in running:
            process.kill()
            process.wait()

    def start(self, name: str, container: str, words: list[str], *, stdin: bool) -> subprocess.Popen[bytes]:
        """A real process for a command in a container."""
        pod, place = self.pods[name], self.folder / name
        env = {"PATH": _PATH}
        if container == FILES:
            words = [word.replace(PLACE, str(place / FILES)) for word in words]
            isolated = (
                pod["metadata"]["labels"]["pytest-collab/network"] == "none" and self.policies and self.enforces
            )
            env |= {
                "KUBERNETES_SERVICE_HOST": "127.0.0.1",
                "KUBERNETES_SERVICE_PORT": "9" if isolated else str(self.port),
            }
        else:
            if words[-1] == script.CLEAN:
                self.kill(name)
            words = ["bwrap", *self._box(pod, place), *words]
        process = subprocess.Popen(
            words,
            env=env,
            stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        if container == SEAT and words[-1] != script.CLEAN:
            with self.lock:
                self.running[name].add(process)
        return process

    def _box(self, pod: Any, place: Path) -> list[str]:
        words = ["--unshare-all", "--uid", "1234", "--gid", "1234", "--die-with-parent", "--new-session"]
        for folder in ("/usr", "/etc/alternatives"):
            words += ["--ro-bind-try", folder, folder]
        for folder in ("bin", "lib", "lib64", "sbin"):
            words += ["--symlink", f"usr/{folder}", f"/{folder}"]
        words += ["--proc", "/proc", "--dev", "/dev"]
        for mount in pod["spec"]["containers"][0]["volumeMounts"]:
            source = place / mount["name"] / mount.get("subPath", "")
            words += ["--ro-bind" if mount.get("readOnly") else "--bind", str(source), mount["mountPath"]]
        return [*words, "--remount-ro", "/", "--chdir", "/"]


@contextlib.contextmanager
def running_api(folder: Path) -> Iterator[Cluster]:
    """A server that ends with the context, and its pods with it."""
    cluster = Cluster(folder)

    class Handler(_Handler):
        known = cluster

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        cluster.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield cluster
        finally:
            server.shutdown()
            thread.join()
            for name in list(cluster.pods):
                cluster.drop(name)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    known: ClassVar[Cluster]

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        self.known.asked.append(str(args[0]))

    def do_GET(self) -> None:
        self._serve("GET")

    def do_POST(self) -> None:
        self._serve("POST")

    def do_DELETE(self) -> None:
        self._serve("DELETE")

    def _serve(self, method: str) -> None:
        url = urlsplit(self.path)
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"null")
        for start, (status, message) in self.known.refuse.items():
            if f"{method} {url.path}".startswith(start):
                self._refuse(status, message)
                return
        if self.headers.get("authorization") != f"Bearer {TOKEN}":
            self._refuse(401, "Unauthorized")
            return
        query = parse_qs(url.query, keep_blank_values=True)
        parts = url.path.strip("/").split("/")
        if url.path == "/version":
            self._answer(200, self.known.version)
        elif parts[-1] == "selfsubjectaccessreviews":
            asked = body["spec"]["resourceAttributes"]
            denied = f"{asked['verb']} {asked['resource']}" in self.known.refuse
            self._answer(201, {**body, "status": {"allowed": not denied}})
        elif parts[-1] == "exec":
            self._exec(parts[-2], query)
        elif parts[-1] == "events":
            self._answer(200, {"items": self.known.events})
        elif "networkpolicies" in parts:
            self._object(method, self.known.policies, parts, body, "V1NetworkPolicy")
        elif "pods" in parts:
            self._object(method, self.known.pods, parts, body, "V1Pod", query)
        else:
            self._refuse(404, "the server could not find the requested resource")

    def _object(
        self, method: str, held: dict[str, Any], parts: list[str], body: Any, kind: str, query: Any = None
    ) -> None:
        pods, known = kind == "V1Pod", self.known
        if method == "POST":
            if modelled(body, kind) != body:
                self._refuse(400, "strict decoding error: unknown field")
            elif body["metadata"]["name"] in held:
                self._refuse(409, "already exists")
            else:
                (known.make if pods else lambda made: held.update({made["metadata"]["name"]: made}))(body)
                self._answer(201, body)
            return
        if parts[-1] in ("pods", "networkpolicies"):
            pairs = [pair.split("=") for pair in query["labelSelector"][0].split(",")]
            found = [p for p in held.values() if all(p["metadata"]["labels"].get(k) == v for k, v in pairs)]
            self._answer(200, {"items": found})
            return
        name = parts[-1]
        if name not in held:
            self._refuse(404, f'"{name}" not found')
        elif method == "GET":
            self._answer(200, known.seen(name) if pods else held[name])
        else:
            known.drop(name)
            self._answer(200, {})

    def _exec(self, pod: str, query: dict[str, list[str]]) -> None:
        if pod not in self.known.pods:
            self._refuse(404, f'pods "{pod}" not found')
            return
        assert self.headers["sec-websocket-protocol"] == "v4.channel.k8s.io"
        digest = hashlib.sha1((self.headers["Sec-WebSocket-Key"] + _MAGIC).encode()).digest()
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(digest).decode())
        self.send_header("Sec-WebSocket-Protocol", "v4.channel.k8s.io")
        self.end_headers()
        self.close_connection = True
        stdin = "stdin" in query
        process = self.known.start(pod, query["container"][0], query["command"], stdin=stdin)
        assert process.stdout is not None
        assert process.stderr is not None
        lock = threading.Lock()
        pumps = [
            threading.Thread(target=self._pump, args=(lock, channel, stream), daemon=True)
            for channel, stream in ((1, process.stdout), (2, process.stderr))
        ]
        for pump in pumps:
            pump.start()
        threading.Thread(target=self._feed, args=(process,), daemon=True).start()
        for pump in pumps:
            pump.join()
        code = process.wait()
        with self.known.lock:
            self.known.running.get(pod, set()).discard(process)
        if process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()
        code = 128 - code if code < 0 else code
        status: dict[str, Any] = {"metadata": {}, "status": "Success"}
        if code:
            cause = {"reason": "ExitCode", "message": str(code)}
            status = {
                "metadata": {},
                "status": "Failure",
                "reason": "NonZeroExitCode",
                "details": {"causes": [cause]},
            }
        with contextlib.suppress(OSError):
            self._send(lock, 2, b"\x03" + json.dumps(status).encode())
            self._send(lock, 8, struct.pack(">H", 1000))
            self.connection.shutdown(socket.SHUT_WR)

    def _pump(self, lock: threading.Lock, channel: int, stream: Any) -> None:
        with stream, contextlib.suppress(OSError):
            self._send(lock, 2, bytes([channel]))
            while data := os.read(stream.fileno(), 1 << 14):
                self._send(lock, 2, bytes([channel]) + data)

    def _feed(self, process: subprocess.Popen[bytes]) -> None:
        """What the client sends: stdin on channel 0. In version 4 it has no end."""
        with contextlib.suppress(OSError, ValueError, struct.error):
            while True:
                head = self.rfile.read(2)
                length = head[1] & 0x7F
                if length > 125:
                    length = struct.unpack(
                        *((">H", self.rfile.read(2)) if length == 126 else (">Q", self.rfile.read(8)))
                    )[0]
                mask = self.rfile.read(4)
                data = self.rfile.read(length)
                keys = (mask * (length // 4 + 1))[:length]
                plain = (int.from_bytes(data, "big") ^ int.from_bytes(keys, "big")).to_bytes(length, "big")
                if head[0] & 0x0F == 8:
                    return
                if head[0] & 0x0F == 2 and plain[:1] == b"\0" and process.stdin is not None:
                    process.stdin.write(plain[1:])
                    process.stdin.flush()

    def _send(self, lock: threading.Lock, kind: int, data: bytes) -> None:
        size = len(data)
        head = bytes([0x80 | kind]) + (bytes([size]) if size < 126 else b"\x7e" + struct.pack(">H", size))
        with lock:
            self.wfile.write(head + data)

    def _answer(self, status: int, body: Any) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _refuse(self, status: int, message: str) -> None:
        self._answer(
            status, {"kind": "Status", "status": "Failure", "message": message, "reason": "", "code": status}
        )
