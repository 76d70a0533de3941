"""A loopback server that speaks the wire formats of three model APIs, misbehaves on demand, and keeps the books.

It knows Anthropic Messages, OpenAI Responses and Chat Completions, whole and streamed, with tools, reasoning and
cached tokens, and refuses what the real ones refuse (`model_rules`). Its log is the independent account that clients'
own figures are compared with.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import monotonic, time
from types import TracebackType
from typing import Any, Self

from tests.support import gemini_wire
from tests.support.model_rules import refusal
from tests.support.model_wire import SPOKEN, Call, Made, Say, error_body, read

STATUS = {
    "400": 400, "401": 401, "404": 404, "408": 408, "409": 409, "429": 429,
    "500": 500, "502": 502, "503": 503, "529": 529,
}  # fmt: skip
RETRIED = ("408", "409", "429", "500", "502", "503", "529", "reset", "cut", "invalid_json", "html", "empty", "slow")
"""Faults after which the client is expected to try again."""
AGENTS_OWN = ("refusal", "filter", "max_tokens")
"""Faults that say something about the model."""

_SPOKEN = {**SPOKEN, "gemini": gemini_wire.spoken}


@dataclass(frozen=True)
class Raw:
    """An answer that is sent as it stands.

    Attributes:
        body: JSON-ready, or text.
        events: sent as a stream instead.
        trickle_s: a newline is sent every so many seconds, `trickles` times, before anything else.
    """

    status: int = 200
    body: Any = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    events: tuple[Any, ...] = ()
    trickle_s: float = 0.0
    trickles: int = 0


@dataclass(frozen=True)
class Logged:
    """One line of the books. Tokens are those that the client was told of, all input included."""

    at: float
    call: Call
    fault: str | None
    status: int
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0


@dataclass
class ModelServer:
    """Use as a context manager; serves from a thread of its own.

    Args:
        answer: what the model says to a call.
        fault: the name of the fault to commit on a call, an answer of its own, or None.
        strict: answer 400 to what a real server of that API would not be sent.
        system_role: chat templates of this server know the role `system`.
        latency_s: how long every answer takes.
        retry_after: header of 429 and 529.
        slow_s: how long the fault `slow` takes.
    """

    answer: Callable[[Call], Say] = lambda call: Say(f"I heard: {call.text}")
    fault: Callable[[Call], str | Raw | None] = lambda call: None
    strict: bool = True
    system_role: bool = True
    latency_s: float = 0.0
    retry_after: str | None = "0"
    slow_s: float = 60.0
    log: list[Logged] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def __enter__(self) -> Self:
        ready = threading.Event()
        self._count = 0

        def serve() -> None:
            async def main() -> None:
                self._stopped = asyncio.Event()
                self._loop = asyncio.get_running_loop()
                self._tasks: set[asyncio.Task[Any]] = set()
                server = await asyncio.start_server(self._connection, "127.0.0.1", 0, backlog=2048, limit=2**24)
                self.port = server.sockets[0].getsockname()[1]
                ready.set()
                await self._stopped.wait()
                server.close()
                for task in list(self._tasks):
                    task.cancel()
                await asyncio.gather(*self._tasks, return_exceptions=True)

            asyncio.run(main())

        self._thread = threading.Thread(target=serve, daemon=True)
        self._thread.start()
        ready.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join()

    @property
    def url(self) -> str:
        """The address for Anthropic's SDK; OpenAI's wants `/v1` behind it."""
        return f"http://127.0.0.1:{self.port}"

    def faults(self, *names: str) -> list[Logged]:
        return [line for line in self.log if line.fault in names]

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while await self._exchange(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in head[1:]) if k}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        path = head[0].split(" ")[1].split("?")[0]
        self._count += 1
        reader = gemini_wire.read if path.endswith(gemini_wire.ENDINGS) else read
        call = reader(self._count, path, json.loads(body or b"{}"), headers)
        at = time()
        began = monotonic()
        fault = self.fault(call)
        complaint = refusal(call.api, call.body, system_role=self.system_role) if self.strict else None
        if complaint is not None:
            self.refused.append(complaint)
            fault = Raw(400, {"type": "error", "error": {"type": "invalid_request_error", "message": complaint}})
        if isinstance(fault, Raw):
            return await self._raw(writer, Logged(at, call, "raw", fault.status), fault)
        if fault == "slow":
            self.log.append(Logged(at, call, fault, 200))
            await asyncio.sleep(self.slow_s)
            return False
        if self.latency_s:
            await asyncio.sleep(max(self.latency_s - (monotonic() - began), 0))
        if fault == "reset":
            self.log.append(Logged(at, call, fault, 0))
            sock = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
            return False
        if fault in STATUS or fault == "overflow":
            status = STATUS.get(fault or "", 400)
            self.log.append(Logged(at, call, fault, status))
            extra = {}
            if status in (429, 529) and self.retry_after is not None:
                extra["retry-after"] = self.retry_after
            _send(writer, status, error_body(call, status, overflow=fault == "overflow"), extra)
            await writer.drain()
            return True
        if fault == "html":
            self.log.append(Logged(at, call, fault, 200))
            _send(writer, 200, b"<html>welcome to the gateway</html>", {"content-type": "text/html"})
            await writer.drain()
            return True
        say = Say() if fault == "empty" else self.answer(call)
        made = _SPOKEN[call.api](call, say, fault)
        told = made.told if fault in ("cut", "invalid_json") and call.stream else None
        if fault in ("cut", "invalid_json") and not call.stream:
            told = (0, 0, 0)
        tokens = made.tokens if told is None else told
        self.log.append(Logged(at, call, fault, 200, *tokens))
        if call.stream:
            await self._stream(writer, made, fault)
            return False
        payload = json.dumps(made.whole).encode()
        if fault == "invalid_json":
            payload = payload[: len(payload) // 2]
        if fault == "cut":
            _send(writer, 200, payload, {}, cut=True)
            await writer.drain()
            return False
        _send(writer, 200, payload, {})
        await writer.drain()
        return True

    async def _raw(self, writer: asyncio.StreamWriter, line: Logged, raw: Raw) -> bool:
        self.log.append(line)
        if raw.events:
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n")
            for event in raw.events:
                writer.write(f"data: {event if isinstance(event, str) else json.dumps(event)}\n\n".encode())
            await writer.drain()
            return False
        text = raw.body if isinstance(raw.body, str) else json.dumps(raw.body)
        kind = "application/json" if not isinstance(raw.body, str) else "text/html"
        payload = text.encode()
        if raw.trickles:
            writer.write(f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\nconnection: close\r\n\r\n".encode())
            for _ in range(raw.trickles):
                writer.write(b"\n")
                await writer.drain()
                await asyncio.sleep(raw.trickle_s)
            writer.write(payload)
            await writer.drain()
            return False
        _send(writer, raw.status, payload, {"content-type": kind, **raw.headers})
        await writer.drain()
        return True

    async def _stream(self, writer: asyncio.StreamWriter, made: Made, fault: str | None) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n")
        events = made.events[: made.cut_after] if fault in ("cut", "invalid_json") else made.events
        for name, data in events:
            prefix = f"event: {name}\n" if name else ""
            writer.write(f"{prefix}data: {data if isinstance(data, str) else json.dumps(data)}\n\n".encode())
        if fault == "invalid_json":
            writer.write(b'event: content_block_delta\ndata: {"type": "content_bl\n\n')
        await writer.drain()


def _send(
    writer: asyncio.StreamWriter, status: int, payload: bytes, extra: Mapping[str, str], *, cut: bool = False
) -> None:
    headers = {"content-type": "application/json", "content-length": str(len(payload)), **extra}
    head = "".join(f"{key}: {value}\r\n" for key, value in headers.items())
    body = payload[: len(payload) // 2] if cut else payload
    writer.write(f"HTTP/1.1 {status} X\r\n{head}\r\n".encode() + body)


def main() -> None:
    """Serve from a process of its own: `python -m tests.support.model_server LATENCY_S [LENGTH]`, until stdin closes.

    Answers are padded to LENGTH characters. Prints the address first, and when calls arrived, as JSON, last.
    """
    import sys

    latency = float(sys.argv[1]) if len(sys.argv) > 1 else 0.0
    length = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    with ModelServer(answer=lambda call: Say(f"{'I say 1.':<{length}}"), latency_s=latency) as server:
        print(server.url, flush=True)
        sys.stdin.read()
    print(json.dumps([line.at for line in server.log]))


if __name__ == "__main__":
    main()
