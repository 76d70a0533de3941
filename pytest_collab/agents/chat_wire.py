"""A conversation as the messages of Chat Completions, in an order that strict chat templates accept."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal

from pytest_collab.episode.agent import SPEECHLESS, Turn

NOTHING_NEW = "(nothing new)"

Finish = Literal["end", "length", "filter", "refusal", "broken", "full"]

FINISHES: Final[Mapping[str, Finish]] = {
    "length": "length",
    "max_tokens": "length",
    "max_output_tokens": "length",
    "content_filter": "filter",
    "safety": "filter",
    "sensitive": "filter",
    "prohibited_content": "filter",
    "blocklist": "filter",
    "recitation": "filter",
    "spii": "filter",
    "refusal": "refusal",
    "error": "broken",
    "abort": "broken",
    "aborted": "broken",
    "cancelled": "broken",
    "timeout": "broken",
    "network_error": "broken",
    "insufficient_system_resource": "broken",
    "model_context_window_exceeded": "full",
}
"""What compatible servers write in `finish_reason` beside `stop` and `tool_calls`: OpenAI, Gemini, OpenRouter,
DeepSeek, GLM, vLLM, Anthropic behind a gateway. `broken`: the server's own failure."""


def finish_of(reason: object) -> Finish:
    """What a `finish_reason` means; one that nobody knows is an end."""
    word = str(reason or "").strip().lower().replace("-", "_")
    return FINISHES.get(word, "end")


def chat_messages(
    system: str, turns: Iterable[tuple[Turn, Any]], system_role: Literal["system", "developer", "user"]
) -> list[dict[str, Any]]:
    """The messages of a request.

    What comes with tool results (news from a partner) is put into the last of them: templates such as Mistral's
    refuse a user message right after a tool message.

    Args:
        turns: each with the extra keys of its message (reasoning), if any.
        system_role: `user` puts the instructions before the first user message, for templates without a system role.
    """
    messages: list[dict[str, Any]] = []
    if system.strip() and system_role != "user":
        messages.append({"role": system_role, "content": system})
    for turn, extra in turns:
        messages.extend([_said(turn, extra)] if turn.role == "assistant" else _heard(turn))
    if system.strip() and system_role == "user":
        first = next((message for message in messages if message["role"] == "user"), None)
        if first is None:
            messages.insert(0, {"role": "user", "content": system})
        else:
            first["content"] = f"{system}\n\n{first['content']}"
    return messages


def _said(turn: Turn, extra: Any) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": turn.text}
    if turn.tool_calls:
        message["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": json.dumps(dict(call.arguments))},
            }
            for call in turn.tool_calls
        ]
    elif not turn.text.strip():
        message["content"] = SPEECHLESS
    return message | (extra or {})


def _heard(turn: Turn) -> list[dict[str, Any]]:
    if not turn.tool_results:
        return [{"role": "user", "content": turn.text if turn.text.strip() else NOTHING_NEW}]
    messages: list[dict[str, Any]] = [
        {"role": "tool", "tool_call_id": result.id, "content": result.text} for result in turn.tool_results
    ]
    if turn.text.strip():
        last = messages[-1]
        last["content"] = f"{last['content']}\n\n{turn.text}" if last["content"].strip() else turn.text
    return messages
