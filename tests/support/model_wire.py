"""The wire formats of three model APIs as a server writes them: Messages, Responses, Chat Completions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


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
    path: str = ""

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


@dataclass
class Made:
    whole: dict[str, Any]
    tokens: tuple[int, int, int]
    events: list[tuple[str, Any]]
    cut_after: int
    told: tuple[int, int, int] = (0, 0, 0)


def read(number: int, path: str, body: dict[str, Any], headers: Mapping[str, str]) -> Call:
    endings = {"/messages": "messages", "/responses": "responses", "/chat/completions": "chat"}
    api = next(api for ending, api in endings.items() if path.endswith(ending))
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
    return Call(number, api, body["model"], system, text, tuple(results), body, headers, path)


def _parts(content: Any) -> list[Any]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)


def _flat(content: Any) -> str:
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


def _count(call: Call, say: Say) -> tuple[int, int, int]:
    size = len(json.dumps(call.body.get("messages", call.body.get("input"))))
    return size // 4 + say.cached + say.written, len(say.text) // 4 + 1 + 7 * len(say.tools), say.cached


def error_body(call: Call, status: int, *, overflow: bool) -> bytes:
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


def _messages(call: Call, say: Say, fault: str | None) -> Made:
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
    return Made(whole, tokens, events, len(events) // 2, (tokens[0], 1, say.cached))


def _responses(call: Call, say: Say, fault: str | None) -> Made:
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
    return Made(whole, tokens, events, 1)


def _chat(call: Call, say: Say, fault: str | None) -> Made:
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
    return Made(whole, tokens, events, 1)


SPOKEN = {"messages": _messages, "responses": _responses, "chat": _chat}
