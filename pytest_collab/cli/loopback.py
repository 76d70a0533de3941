"""Pages for browsers of this machine alone: what `collab serve` and `collab serve --play` listen with."""

from __future__ import annotations

from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

from pytest_collab.errors import UsageError

HOST: Final = "127.0.0.1"


def listen(handler: type[BaseHTTPRequestHandler], port: int = 0) -> ThreadingHTTPServer:
    """A server on the loopback address, not yet serving.

    Args:
        port: 0 for any free one.

    Raises:
        UsageError: the port is taken, or no port.
    """
    try:
        made = ThreadingHTTPServer((HOST, port), handler)
    except (OSError, OverflowError) as error:
        raise UsageError(f"port {port} cannot be used: {error}. Leave --port out for a free one.") from error
    made.daemon_threads = True
    return made


class LocalHandler(BaseHTTPRequestHandler):
    """Answers this machine's own browsers; other sites may neither read nor frame what it sends."""

    protocol_version = "HTTP/1.1"

    def is_local(self) -> bool:
        """Refuses a name that was pointed at the loopback address (DNS rebinding): other sites must not read this."""
        host = self.headers.get("Host") or ""
        return (host.rpartition(":")[0] or host) in (HOST, "localhost")

    def send(self, status: HTTPStatus, body: bytes, kind: str, policy: str = "default-src 'none'") -> None:
        """Answer.

        Args:
            kind: the content's type, without its charset.
            policy: what a page may load and run; empty where it says so itself.
        """
        self.send_response(status)
        if policy:
            self.send_header("Content-Security-Policy", policy)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("Cross-Origin-Resource-Policy", "same-origin")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Requests of one's own browser are not worth a line."""
