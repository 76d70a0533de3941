"""A loopback server that speaks the wire formats of three model APIs, misbehaves on demand, and keeps the books.

It knows Anthropic Messages, OpenAI Responses and Chat Completions, whole and streamed, with tools, reasoning and
cached tokens. Its log is the independent account that clients' own figures are compared with.
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

STATUS = {
    "400": 400, "401": 401, "404": 404, "408": 408, "409": 409, "429": 429,
    "500": 500, "502": 502, "503": 503, "529": 529,
}  # fmt: skip
RETRIED = ("408", "409", "429", "500", "502", "503", "529", "reset", "cut", "invalid_json", "html", "empty", "slow")
"""Faults after which the client is expected to try again."""
AGENTS_OWN = ("refusal", "filter", "max_tokens")
"""Faults that say something about the model."""


@dataclass(frozen=True)
class Call:
    """A request as it arrived: `text` is the newest user text, `results` the newest tool results."""

    number: int
    api: str
    model: str
    system: str
    text: str
    results: tuple[str, ...]
    body: Mapping[str, Any]
    headers: Mapping[str, str]

    @property
    def stream(self) -> bool:
        return bool(self.body.get("stream"))


@dataclass(frozen=True)
class Say:
    """What the model answers."""

    text: str = ""
    tools: tuple[tuple[str, dict[str, Any]], ...] = ()
    thinking: str = ""
    cached: int = 0
    written: int = 0
    raw_arguments: str | None = None
    commentary: str = ""


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
        fault: the name of the fault to commit on a call, or None.
        latency_s: how long every answer takes.
        retry_after: header of 429 and 529.
        slow_s: how long the fault `slow` takes.
    """

    answer: Callable[[Call], Say] = lambda call: Say(f"I heard: {call.text}")
    fault: Callable[[Call], str | None] = lambda call: None
    latency_s: float = 0.0
    retry_after: str | None = "0"
    slow_s: float = 60.0
    log: list[Logged] = field(default_factory=list)

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
        call = _read(self._count, path, json.loads(body or b"{}"), headers)
        at = time()
        began = monotonic()
        fault = self.fault(call)
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
            _send(writer, status, _error(call, status, overflow=fault == "overflow"), extra)
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

    async def _stream(self, writer: asyncio.StreamWriter, made: _Made, fault: str | None) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n")
        events = made.events[: made.cut_after] if fault in ("cut", "invalid_json") else made.events
        for name, data in events:
            prefix = f"event: {name}\n" if name else ""
            writer.write(f"{prefix}data: {data if isinstance(data, str) else json.dumps(data)}\n\n".encode())
        if fault == "invalid_json":
            writer.write(b'event: content_block_delta\ndata: {"type": "content_bl\n\n')
        await writer.drain()


@dataclass
class _Made:
    whole: dict[str, Any]
    tokens: tuple[int, int, int]
    events: list[tuple[str, Any]]
    cut_after: int
    told: tuple[int, int, int] = (0, 0, 0)


def _send(
    writer: asyncio.StreamWriter, status: int, payload: bytes, extra: Mapping[str, str], *, cut: bool = False
) -> None:
    headers = {"content-type": "application/json", "content-length": str(len(payload)), **extra}
    head = "".join(f"{key}: {value}\r\n" for key, value in headers.items())
    body = payload[: len(payload) // 2] if cut else payload
    writer.write(f"HTTP/1.1 {status} X\r\n{head}\r\n".encode() + body)


def _read(number: int, path: str, body: dict[str, Any], headers: Mapping[str, str]) -> Call:
    api = {"/v1/messages": "messages", "/v1/responses": "responses", "/v1/chat/completions": "chat"}[path]
    system, text, results = "", "", []
    if api == "messages":
        system = "".join(part["text"] for part in body.get("system", []))
        for part in _parts(body["messages"][-1]["content"]):
            if part["type"] == "text":
                text += part["text"]
            elif part["type"] == "tool_result":
                results.append(_flat(part["content"]))
    elif api == "responses":
        system = body.get("instructions", "")
        items = body["input"] if isinstance(body["input"], list) else [{"role": "user", "content": body["input"]}]
        for item in items:
            if item.get("type") == "function_call_output":
                results.append(item["output"])
            elif item.get("role") == "user":
                text = _flat(item["content"])
            else:
                results = []
    else:
        for message in body["messages"]:
            if message["role"] == "system":
                system += _flat(message["content"])
            elif message["role"] == "user":
                text = _flat(message["content"])
            elif message["role"] == "tool":
                results.append(_flat(message["content"]))
            else:
                results = []
    return Call(number, api, body["model"], system, text, tuple(results), body, headers)


def _parts(content: Any) -> list[Any]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)


def _flat(content: Any) -> str:
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


def _count(call: Call, say: Say) -> tuple[int, int, int]:
    size = len(json.dumps(call.body.get("messages", call.body.get("input"))))
    return size // 4 + say.cached + say.written, len(say.text) // 4 + 1 + 7 * len(say.tools), say.cached


def _error(call: Call, status: int, *, overflow: bool) -> bytes:
    kinds = {400: "invalid_request_error", 401: "authentication_error", 404: "not_found_error",
             429: "rate_limit_error", 529: "overloaded_error"}  # fmt: skip
    if call.api == "messages":
        told = "prompt is too long: 210000 tokens > 200000 maximum" if overflow else f"scripted {status}"
        error = {"type": "error", "error": {"type": kinds.get(status, "api_error"), "message": told}}
    else:
        told = "Your input exceeds the context window of this model" if overflow else f"scripted {status}"
        code = "context_length_exceeded" if overflow else None
        error = {"error": {"message": told, "type": kinds.get(status, "server_error"), "code": code, "param": None}}
    return json.dumps(error).encode()


def _messages(call: Call, say: Say, fault: str | None) -> _Made:
    tokens = _count(call, say)
    stop = "tool_use" if say.tools else "end_turn"
    content: list[dict[str, Any]] = []
    if say.thinking:
        content.append({"type": "thinking", "thinking": say.thinking, "signature": f"signed-{call.number}"})
    text = say.text
    if fault in ("refusal", "filter"):
        stop, text = "refusal", ""
    elif fault == "max_tokens":
        stop, text = "max_tokens", text[: len(text) // 2]
    if text:
        content.append({"type": "text", "text": text})
    for index, (name, arguments) in enumerate(say.tools):
        content.append({"type": "tool_use", "id": f"toolu_{call.number}_{index}", "name": name, "input": arguments})
    usage = {
        "input_tokens": tokens[0] - say.cached - say.written,
        "output_tokens": tokens[1],
        "cache_read_input_tokens": say.cached,
        "cache_creation_input_tokens": say.written,
    }
    base = {"id": f"msg_{call.number}", "type": "message", "role": "assistant", "model": call.model}
    whole = {**base, "content": content, "stop_reason": stop, "stop_sequence": None, "usage": usage}
    started = {
        **base,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {**usage, "output_tokens": 1},
    }
    events: list[tuple[str, Any]] = [("message_start", {"type": "message_start", "message": started})]
    for index, block in enumerate(content):
        kind = block["type"]
        empty = {"text": {"text": ""}, "thinking": {"thinking": "", "signature": ""}, "tool_use": {"input": {}}}[kind]
        events.append(
            (
                "content_block_start",
                {"type": "content_block_start", "index": index, "content_block": {**block, **empty}},
            )
        )
        deltas: list[dict[str, Any]]
        if kind == "text":
            deltas = [{"type": "text_delta", "text": block["text"]}]
        elif kind == "thinking":
            deltas = [
                {"type": "thinking_delta", "thinking": block["thinking"]},
                {"type": "signature_delta", "signature": block["signature"]},
            ]
        else:
            raw = say.raw_arguments or json.dumps(block["input"])
            deltas = [{"type": "input_json_delta", "partial_json": raw}]
        events += [
            ("content_block_delta", {"type": "content_block_delta", "index": index, "delta": delta})
            for delta in deltas
        ]
        events.append(("content_block_stop", {"type": "content_block_stop", "index": index}))
    events.append(
        (
            "message_delta",
            {
                "type": "message_delta",
                "delta": {"stop_reason": stop, "stop_sequence": None},
                "usage": {"output_tokens": tokens[1]},
            },
        )
    )
    events.append(("message_stop", {"type": "message_stop"}))
    return _Made(whole, tokens, events, len(events) // 2, (tokens[0], 1, say.cached))


def _responses(call: Call, say: Say, fault: str | None) -> _Made:
    tokens = _count(call, say)
    output: list[dict[str, Any]] = []
    status, details, text = "completed", None, say.text
    if say.thinking:
        output.append(
            {
                "type": "reasoning",
                "id": f"rs_{call.number}",
                "summary": [{"type": "summary_text", "text": say.thinking}],
                "encrypted_content": f"sealed-{call.number}",
            }
        )
    part = {"type": "output_text", "text": text, "annotations": []}
    if fault == "refusal":
        part = {"type": "refusal", "refusal": "I will not do that."}
    elif fault == "filter":
        status, details, part["text"] = "incomplete", {"reason": "content_filter"}, ""
    elif fault == "max_tokens":
        status, details, part["text"] = "incomplete", {"reason": "max_output_tokens"}, text[: len(text) // 2]
    message = {"type": "message", "id": f"m_{call.number}", "role": "assistant", "status": "completed"}
    if say.commentary:
        spoken = {"type": "output_text", "text": say.commentary, "annotations": []}
        output.append({**message, "phase": "commentary", "content": [spoken]})
        message["phase"] = "final_answer"
    if part.get("text") or part.get("refusal"):
        output.append({**message, "content": [part]})
    for index, (name, arguments) in enumerate(say.tools):
        output.append(
            {
                "type": "function_call",
                "id": f"fc_{call.number}_{index}",
                "call_id": f"call_{call.number}_{index}",
                "name": name,
                "arguments": say.raw_arguments or json.dumps(arguments),
                "status": "completed",
            }
        )
    usage = {
        "input_tokens": tokens[0],
        "output_tokens": tokens[1],
        "total_tokens": tokens[0] + tokens[1],
        "input_tokens_details": {"cached_tokens": say.cached, "cache_write_tokens": say.written},
        "output_tokens_details": {"reasoning_tokens": 0},
    }
    whole = {
        "id": f"resp_{call.number}",
        "object": "response",
        "created_at": 1.0,
        "model": call.model,
        "status": status,
        "incomplete_details": details,
        "error": None,
        "output": output,
        "usage": usage,
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
    }
    started = {**whole, "status": "in_progress", "output": [], "usage": None}
    events = [
        ("response.created", {"type": "response.created", "sequence_number": 0, "response": started}),
        (f"response.{status}", {"type": f"response.{status}", "sequence_number": 1, "response": whole}),
    ]
    return _Made(whole, tokens, events, 1)


def _chat(call: Call, say: Say, fault: str | None) -> _Made:
    tokens = _count(call, say)
    message: dict[str, Any] = {"role": "assistant", "content": say.text or None}
    finish = "tool_calls" if say.tools else "stop"
    if fault == "refusal":
        message |= {"content": None, "refusal": "I will not do that."}
    elif fault == "filter":
        message["content"], finish = None, "content_filter"
    elif fault == "max_tokens":
        message["content"], finish = say.text[: len(say.text) // 2], "length"
    if say.thinking:
        message["reasoning_content"] = say.thinking
    if say.tools:
        message["tool_calls"] = [
            {
                "id": f"call_{call.number}_{index}",
                "type": "function",
                "function": {"name": name, "arguments": say.raw_arguments or json.dumps(arguments)},
            }
            for index, (name, arguments) in enumerate(say.tools)
        ]
    usage = {
        "prompt_tokens": tokens[0],
        "completion_tokens": tokens[1],
        "total_tokens": tokens[0] + tokens[1],
        "prompt_tokens_details": {"cached_tokens": say.cached},
    }
    base = {"id": f"cmpl_{call.number}", "created": 1, "model": call.model}
    choice = {"index": 0, "message": message, "finish_reason": finish}
    whole = {**base, "object": "chat.completion", "choices": [choice], "usage": usage}
    delta = {**message}
    if say.tools:
        delta["tool_calls"] = [{**tool, "index": index} for index, tool in enumerate(message["tool_calls"])]
    chunk = {**base, "object": "chat.completion.chunk"}
    events: list[tuple[str, Any]] = [
        ("", {**chunk, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}),
        ("", {**chunk, "choices": [{"index": 0, "delta": {}, "finish_reason": finish}]}),
        ("", {**chunk, "choices": [], "usage": usage}),
        ("", "[DONE]"),
    ]
    return _Made(whole, tokens, events, 1)


_SPOKEN = {"messages": _messages, "responses": _responses, "chat": _chat}


def main() -> None:
    """Serve from a process of its own: `python -m tests.support.model_server LATENCY_S`, until stdin closes.

    Prints the address first, and the times at which calls arrived, as JSON, last.
    """
    import sys

    latency = float(sys.argv[1]) if len(sys.argv) > 1 else 0.0
    with ModelServer(answer=lambda call: Say("I say 1."), latency_s=latency) as server:
        print(server.url, flush=True)
        sys.stdin.read()
    print(json.dumps([line.at for line in server.log]))


if __name__ == "__main__":
    main()
