"""Gemini's own wire format (generateContent, whole and streamed), as much of it as a coding agent needs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tests.support.model_wire import Call, Made, Say

ENDINGS = (":generateContent", ":streamGenerateContent")


def read(number: int, path: str, body: Mapping[str, Any], headers: Mapping[str, str]) -> Call:
    """A request as it arrived; what it does not stream has `stream` false."""
    model, _, verb = path.rpartition("/")[2].partition(":")
    system = "".join(part.get("text", "") for part in body.get("systemInstruction", {}).get("parts", ()))
    text, results = "", []
    for part in body["contents"][-1]["parts"]:
        if "functionResponse" in part:
            results.append(json.dumps(part["functionResponse"]["response"]))
        elif "text" in part:
            text += part["text"]
    told = {**body, "stream": verb.startswith("stream"), "messages": body["contents"]}
    declared = [one for tool in body.get("tools", ()) for one in tool.get("functionDeclarations", ())]
    return Call(number, "gemini", model, system, text, tuple(results), {**told, "tools": declared}, headers, path)


def spoken(call: Call, say: Say, fault: str | None) -> Made:
    """An answer as the server writes it."""
    size, said = len(json.dumps(call.body["messages"])) // 4, len(say.text) // 4 + 1 + 7 * len(say.tools)
    parts: list[dict[str, Any]] = [{"text": say.text}] if say.text else []
    parts += [{"functionCall": {"name": name, "args": arguments}} for name, arguments in say.tools]
    content = {"role": "model", "parts": parts}
    usage = {"promptTokenCount": size, "candidatesTokenCount": said, "totalTokenCount": size + said}
    whole = {
        "candidates": [{"index": 0, "content": content, "finishReason": "STOP"}],
        "usageMetadata": usage,
        "modelVersion": call.model,
        "responseId": f"r{call.number}",
    }
    return Made(whole, (size, said, 0), [("", whole)], 1)
