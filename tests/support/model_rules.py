"""What real servers refuse to be sent, and with which words. All of it was met in public reports of such errors."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
CLAUDE_ID = re.compile(r"[A-Za-z0-9_-]+")
MISTRAL_ID = re.compile(r"[A-Za-z0-9]{9}|call_\d+_\d+|chatcmpl-tool-[0-9a-f]+")


def refusal(api: str, body: Mapping[str, Any], *, system_role: bool = True) -> str | None:
    """Why a server would answer 400 to this request; None when it would serve it.

    Args:
        system_role: the server's chat template knows the role `system`.
    """
    check = {"messages": _messages, "responses": _responses, "chat": _chat}.get(api)
    if check is None:
        return None
    complaint = next(check(body), None)
    instructed = api == "chat" and any(message["role"] in ("system", "developer") for message in body["messages"])
    return "System role not supported" if instructed and not system_role else complaint


def _messages(body: Mapping[str, Any]) -> Iterator[str]:
    for part in body.get("system", []):
        if not part["text"].strip():
            yield "system: text content blocks must contain non-whitespace text"
    messages = body["messages"]
    if not messages or messages[0]["role"] != "user":
        yield 'messages: first message must use the "user" role'
    open_calls: list[str] = []
    seen: set[str] = set()
    for number, message in enumerate(messages):
        content = message["content"]
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        if not blocks:
            yield f"messages.{number}: all messages must have non-empty content"
        for index, block in enumerate(blocks):
            where = f"messages.{number}.content.{index}"
            if block["type"] == "text" and not block["text"].strip():
                yield f"{where}: text content blocks must contain non-whitespace text"
        results = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
        if message["role"] == "user":
            if sorted(results) != sorted(open_calls):
                missing = set(open_calls) - set(results)
                told = "`tool_use` ids were found without `tool_result` blocks immediately after"
                strange = "unexpected `tool_use_id` found in `tool_result` blocks"
                yield f"messages.{number}: {f'{told}: {missing}' if missing else strange}"
            open_calls = []
            continue
        if blocks[-1]["type"] in ("thinking", "redacted_thinking"):
            yield f"messages.{number}: The final block in an assistant message cannot be `thinking`."
        if number == len(messages) - 1 and blocks[-1].get("text", "x").rstrip() != blocks[-1].get("text", "x"):
            yield "messages: final assistant content cannot end with trailing whitespace"
        for block in blocks:
            if block["type"] != "tool_use":
                continue
            if "tools" not in body:
                yield "Requests which include `tool_use` or `tool_result` blocks must define tools"
            if block["id"] in seen:
                yield f"messages.{number}: `tool_use` ids must be unique"
            if not CLAUDE_ID.fullmatch(block["id"]) or not NAME.fullmatch(block["name"]):
                yield f"messages.{number}: String should match pattern '^[a-zA-Z0-9_-]+$'"
            seen.add(block["id"])
            open_calls.append(block["id"])
        if len(set(open_calls)) != len(open_calls):
            yield f"messages.{number}: `tool_use` ids must be unique"
    if open_calls:
        yield "`tool_use` ids were found without `tool_result` blocks immediately after"


def _responses(body: Mapping[str, Any]) -> Iterator[str]:
    calls: dict[str, bool] = {}
    items = body["input"]
    for number, item in enumerate(items):
        kind = item.get("type", "message")
        if kind == "function_call":
            if item["call_id"] in calls:
                yield f"Duplicate item found with id {item['call_id']}"
            if not NAME.fullmatch(item["name"]):
                yield f"Invalid 'input[{number}].name': string does not match pattern"
            calls[item["call_id"]] = False
        elif kind == "function_call_output":
            if item["call_id"] not in calls:
                yield f"No tool call found for function call output with call_id {item['call_id']}."
            calls[item["call_id"]] = True
        elif kind == "reasoning":
            after = items[number + 1] if number + 1 < len(items) else {}
            if after.get("type", "message") == "message" and after.get("role") != "assistant":
                yield f"Item of type 'reasoning' was provided without its required following item: {item.get('id')}"
        elif not item["content"]:
            yield f"Invalid 'input[{number}].content': empty"
    for identity, answered in calls.items():
        if not answered:
            yield f"No tool output found for function call {identity}."


def _chat(body: Mapping[str, Any]) -> Iterator[str]:
    waiting: list[str] = []
    seen: set[str] = set()
    before = ""
    for number, message in enumerate(body["messages"]):
        role = message["role"]
        if role in ("system", "developer"):
            if number:
                yield "Unexpected role 'system' after the first message"
            continue
        if waiting and role != "tool":
            yield f"An assistant message with 'tool_calls' must be followed by tool messages: {waiting}"
        if role == "user" and before == "tool":
            yield "Unexpected role 'user' after role 'tool'"
        if role == before and role != "tool":
            yield "After the optional system message, conversation roles must alternate user/assistant/user/..."
        if role == "assistant":
            for call in message.get("tool_calls", []):
                if call["id"] in seen:
                    yield f"Duplicate tool call id {call['id']}"
                if not NAME.fullmatch(call["function"]["name"]):
                    yield f"Invalid 'messages[{number}].tool_calls.function.name'"
                seen.add(call["id"])
                waiting.append(call["id"])
            if message.get("tool_calls") and not body.get("tools"):
                yield "tool_calls in the conversation, but no tools were given"
            if not message.get("tool_calls") and not str(message.get("content") or "").strip():
                yield "Assistant message must have either content or tool_calls, but not none."
        elif role == "tool":
            if message["tool_call_id"] not in waiting:
                yield "Messages with role 'tool' must be a response to a preceding message with 'tool_calls'"
            else:
                waiting.remove(message["tool_call_id"])
        elif not str(message["content"]).strip():
            yield "user messages must have non-empty content"
        before = role
    if waiting:
        yield f"tool_call_ids did not have response messages: {waiting}"
