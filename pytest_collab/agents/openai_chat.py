"""`openai-chat/MODEL`: Chat Completions, for compatible servers (vLLM, llama.cpp, Ollama, OpenRouter, LM Studio)."""

from __future__ import annotations

import json
from typing import Any, Literal

from pytest_collab.agents.model import SPEECHLESS, Answer, arguments_of
from pytest_collab.agents.openai import OpenAIModel
from pytest_collab.agents.prices import Tokens
from pytest_collab.agents.retry import BadAnswer
from pytest_collab.episode.agent import Request, ToolCall, Turn


class OpenAIChatAgent(OpenAIModel):
    """A model behind Chat Completions."""

    async def call(self, client: Any, request: Request) -> Answer:
        body = self.body(request)
        if not self.settings.stream:
            return self.read(await client.chat.completions.create(**body))
        draft = _Draft()
        stream = await client.chat.completions.create(**body, stream=True, stream_options={"include_usage": True})
        try:
            async with stream:
                async for chunk in stream:
                    draft.add(chunk)
        except Exception as error:
            if not draft.begun:
                raise
            told = f"the stream was cut: {type(error).__name__}: {error}"
            raise BadAnswer(told, draft.tokens or Tokens()) from None
        return draft.answer()

    def body(self, request: Request) -> dict[str, Any]:
        """The request's keyword arguments for `chat.completions.create`."""
        settings = self.settings
        system = f"{settings.system_prefix}{request.system}"
        messages: list[dict[str, Any]] = [{"role": "system", "content": system}] if system.strip() else []
        for turn, blocks in self.turns(request):
            messages.extend(_messages(turn, blocks))
        # OpenAI's own models want the new name; most compatible servers know only the old one.
        longest = "max_completion_tokens" if settings.official else "max_tokens"
        body: dict[str, Any] = {"model": self.model, "messages": messages, longest: settings.max_tokens}
        if settings.reasoning_effort is not None:
            body["reasoning_effort"] = settings.reasoning_effort
        if settings.temperature is not None:
            body["temperature"] = settings.temperature
        if request.tools:
            body["tools"] = [
                {
                    "type": "function",
                    "function": {
                        "name": tool.name,
                        "description": tool.description,
                        "parameters": dict(tool.parameters),
                    },
                }
                for tool in request.tools
            ]
        if settings.extra_body:
            body["extra_body"] = dict(settings.extra_body)
        return body

    def read(self, completion: Any) -> Answer:
        """An SDK completion as an answer.

        Raises:
            BadAnswer: it is not a completion.
        """
        choices = getattr(completion, "choices", None)
        if not isinstance(choices, list) or not choices or getattr(choices[0], "message", None) is None:
            raise BadAnswer("the answer is not a chat completion")
        message, finish = choices[0].message, choices[0].finish_reason
        extra = message.model_extra or {}
        calls = tuple(
            ToolCall(call.id or f"call_{number}", call.function.name, arguments_of(call.function.arguments))
            for number, call in enumerate(message.tool_calls or [])
            if getattr(call, "function", None) is not None
        )
        reasoning = _text(extra.get("reasoning_content") or extra.get("reasoning"))
        return Answer(
            text=_text(message.content) or _text(message.refusal),
            tool_calls=calls,
            stop=_stop(finish, bool(message.refusal), bool(calls)),
            tokens=_tokens(completion.usage),
            model=completion.model or "",
            blocks=_reasoning_to_return(extra, bool(calls)),
            reasoning=reasoning,
        )


class _Draft:
    """A streamed completion, put together."""

    def __init__(self) -> None:
        self.begun = False
        self.tokens: Tokens | None = None
        self._texts: list[str] = []
        self._refusals: list[str] = []
        self._thoughts: list[str] = []
        self._calls: dict[int, list[str]] = {}
        self._finish: str | None = None
        self._model = ""

    def add(self, chunk: Any) -> None:
        self.begun = True
        self._model = chunk.model or self._model
        if chunk.usage is not None:
            self.tokens = _tokens(chunk.usage)
        for choice in chunk.choices or []:
            delta = choice.delta
            extra = delta.model_extra or {}
            self._texts.append(delta.content or "")
            self._refusals.append(delta.refusal or "")
            self._thoughts.append(_text(extra.get("reasoning_content") or extra.get("reasoning")))
            for call in delta.tool_calls or []:
                parts = self._calls.setdefault(call.index, ["", "", ""])
                parts[0] = call.id or parts[0]
                if call.function is not None:
                    parts[1] += call.function.name or ""
                    parts[2] += call.function.arguments or ""
            self._finish = choice.finish_reason or self._finish

    def answer(self) -> Answer:
        if self._finish is None:
            raise BadAnswer("the stream ended before the answer did", self.tokens or Tokens())
        calls = tuple(
            ToolCall(identity or f"call_{index}", name, arguments_of(raw))
            for index, (identity, name, raw) in sorted(self._calls.items())
        )
        thoughts = "".join(self._thoughts)
        refusal = "".join(self._refusals)
        return Answer(
            text="".join(self._texts) or refusal,
            tool_calls=calls,
            stop=_stop(self._finish, bool(refusal), bool(calls)),
            tokens=self.tokens,
            model=self._model,
            blocks=_reasoning_to_return({"reasoning_content": thoughts}, bool(calls)),
            reasoning=thoughts,
        )


def _messages(turn: Turn, blocks: Any) -> list[dict[str, Any]]:
    if turn.role == "assistant":
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
        return [message | (blocks or {})]
    messages: list[dict[str, Any]] = [
        {"role": "tool", "tool_call_id": result.id, "content": result.text} for result in turn.tool_results
    ]
    if turn.text.strip() or not messages:
        messages.append({"role": "user", "content": turn.text if turn.text.strip() else "(nothing new)"})
    return messages


def _reasoning_to_return(extra: dict[str, Any], calls: bool) -> dict[str, Any] | None:
    """Reasoning that servers want back: OpenRouter's details always, plain reasoning inside a round of tool calls."""
    if extra.get("reasoning_details"):
        return {"reasoning_details": extra["reasoning_details"]}
    if calls and extra.get("reasoning_content"):
        return {"reasoning_content": extra["reasoning_content"]}
    return None


def _stop(finish: str | None, refused: bool, calls: bool) -> Literal["end", "tool", "length", "refusal", "filter"]:
    if finish == "length":
        return "length"
    if finish == "content_filter":
        return "filter"
    if refused:
        return "refusal"
    return "tool" if calls else "end"


def _text(value: Any) -> str:
    """Content as text: some servers send a list of parts."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "".join(_text(part.get("text")) for part in value if isinstance(part, dict))
    return ""


def _tokens(usage: Any) -> Tokens | None:
    if usage is None:
        return None
    details = usage.prompt_tokens_details
    return Tokens(
        usage.prompt_tokens or 0,
        usage.completion_tokens or 0,
        getattr(details, "cached_tokens", None) or 0,
        getattr(details, "cache_write_tokens", None) or 0,
    )
