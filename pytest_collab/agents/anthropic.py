"""`anthropic/MODEL`: Claude through the Messages API."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final, Literal

from pytest_collab.agents.calls import arguments_of
from pytest_collab.agents.counted import counted, part, whole
from pytest_collab.agents.model import CONNECT_S, Answer, ModelAgent
from pytest_collab.agents.prices import Tokens
from pytest_collab.agents.retry import BadAnswer, Fault, classify, classify_body
from pytest_collab.agents.sdk_errors import broken, no_answer, response_text, timed_out
from pytest_collab.agents.secrets import Secret
from pytest_collab.episode.agent import SPEECHLESS, Request, ToolCall, Turn

LONGEST_UNSTREAMED: Final = 16_000
"""Answers that may be longer are streamed: idle connections are cut after some minutes."""

_STATUS_OF: Final = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
"""Errors inside a stream come with status 200; their type says what they are."""

_EPHEMERAL: Final = {"type": "ephemeral"}


class AnthropicAgent(ModelAgent):
    """Claude. Thinking blocks and their signatures are passed back unchanged, the stable prefix is cached."""

    def make_client(self, key: Secret | None, headers: dict[str, str]) -> Any:
        import httpx2
        from anthropic import AsyncAnthropic, DefaultAsyncHttpxClient

        return AsyncAnthropic(
            api_key=key.reveal() if key else "none",
            base_url=self.settings.address,
            max_retries=0,
            timeout=httpx2.Timeout(self.settings.timeout_s, connect=min(self.settings.timeout_s, CONNECT_S)),
            default_headers=headers,
            http_client=DefaultAsyncHttpxClient(
                limits=httpx2.Limits(max_connections=None, max_keepalive_connections=256)
            ),
        )

    async def call(self, client: Any, request: Request, longest: int) -> Answer:
        body = self.body(request, longest)
        streamed = self.settings.stream
        if streamed or (streamed is None and longest > LONGEST_UNSTREAMED):
            return self.read(await self._streamed(client, body))
        return self.read(await client.messages.create(**body))

    async def _streamed(self, client: Any, body: dict[str, Any]) -> Any:
        message = None
        try:
            async with client.messages.stream(**body) as stream:
                async for _ in stream:
                    message = stream.current_message_snapshot
        except Exception as error:
            if message is None:
                raise
            fault = self.fault(error)
            told = f"the stream was cut: {type(error).__name__}: {fault.told}"
            raise BadAnswer(told, _tokens(message.usage), fault=replace(fault, told=told, unknown=True)) from None
        if message is not None and message.stop_reason is not None:
            return message
        tokens = _tokens(message.usage) if message is not None else None
        raise BadAnswer("the stream ended before the answer did", tokens, cut=True)

    def body(self, request: Request, longest: int | None = None) -> dict[str, Any]:
        """The request's keyword arguments for `messages.create`; `longest` in place of the setting `max_tokens`."""
        settings = self.settings
        system: dict[str, Any] = {"type": "text", "text": f"{settings.system_prefix}{request.system}"}
        messages = [self._message(turn, blocks) for turn, blocks in self.turns(request)]
        if settings.cache:
            system["cache_control"] = _EPHEMERAL
            kept = messages[: max(len(messages) - request.passing, 0)]
            if kept and kept[-1]["role"] == "user":
                kept[-1]["content"][-1]["cache_control"] = _EPHEMERAL
        longest = longest or settings.max_tokens
        body: dict[str, Any] = {"model": self.model, "max_tokens": longest, "messages": messages}
        if system["text"].strip():
            body["system"] = [system]
        if request.tools:
            body["tools"] = [
                {"name": tool.name, "description": tool.description, "input_schema": dict(tool.parameters)}
                for tool in request.tools
            ]
        if settings.reasoning_effort is not None:
            body["output_config"] = {"effort": settings.reasoning_effort}
        extra = dict(settings.extra_body)
        if settings.temperature is not None:
            extra["temperature"] = settings.temperature
        if extra:
            body["extra_body"] = extra
        return body

    def _message(self, turn: Turn, blocks: Any) -> dict[str, Any]:
        if turn.role == "assistant":
            return {"role": "assistant", "content": _closed(blocks) if blocks else _assistant(turn)}
        content: list[dict[str, Any]] = [
            {"type": "tool_result", "tool_use_id": result.id, "content": result.text, "is_error": result.is_error}
            for result in turn.tool_results
        ]
        if turn.text.strip() or not content:
            content.append({"type": "text", "text": turn.text if turn.text.strip() else "(nothing new)"})
        return {"role": "user", "content": content}

    def read(self, message: Any) -> Answer:
        """An SDK message as an answer.

        Raises:
            BadAnswer: it is not a message.
        """
        content = getattr(message, "content", None)
        usage = getattr(message, "usage", None)
        if not isinstance(content, list):
            raise no_answer(message, "the answer is not a message of the Messages API")
        tokens = _tokens(usage)
        if message.stop_reason == "model_context_window_exceeded":
            raise BadAnswer(
                "", tokens, fault=Fault("overflow", "the context window was full before the answer's end")
            )
        texts, thoughts, calls, blocks = [], [], [], []
        for block in content:
            kind = getattr(block, "type", None)
            if kind is None or (kind == "text" and not block.text):
                continue
            if kind == "text":
                texts.append(block.text)
            elif kind == "thinking":
                thoughts.append(block.thinking)
            elif kind == "tool_use":
                calls.append(ToolCall(block.id, block.name, arguments_of(block.input)))
            if kind != "text" or block.text.strip():  # empty text blocks are refused when they are sent back
                blocks.append(block.model_dump(mode="json", exclude_none=True, exclude={"parsed_output", "caller"}))
        return Answer(
            text="".join(texts),
            tool_calls=tuple(calls),
            stop=_stop(message.stop_reason, bool(calls)),
            tokens=tokens,
            model=message.model or "",
            blocks=blocks if any(block.get("type") != "text" for block in blocks) else None,
            reasoning="\n".join(filter(None, thoughts)),
        )

    def fault(self, error: Exception) -> Fault:
        from anthropic import APIConnectionError, APIStatusError, APITimeoutError

        if isinstance(error, APITimeoutError):
            return timed_out(error, self.settings.timeout_s)
        if isinstance(error, APIStatusError):
            kind = error.type or ""
            status = error.status_code if error.status_code >= 400 else _STATUS_OF.get(kind)
            body = error.body if isinstance(error.body, dict | list) else response_text(error)
            return classify_body(body, status, error.message, code=kind, headers=error.response.headers)
        if isinstance(error, APIConnectionError):
            return broken(error)
        return replace(classify(None, f"{type(error).__name__}: {error}"), unknown=True)


def _closed(blocks: list[Any]) -> list[Any]:
    """Blocks that may be sent back: thinking must not stand last."""
    if blocks[-1].get("type") in ("thinking", "redacted_thinking"):
        return [*blocks, {"type": "text", "text": SPEECHLESS}]
    last = blocks[-1]
    if last.get("type") == "text" and last["text"] != last["text"].rstrip():
        return [*blocks[:-1], {**last, "text": last["text"].rstrip()}]
    return blocks


def _assistant(turn: Turn) -> list[dict[str, Any]]:
    content: list[dict[str, Any]] = []
    if turn.text.strip():
        content.append({"type": "text", "text": turn.text.rstrip()})
    content.extend(
        {"type": "tool_use", "id": call.id, "name": call.name, "input": dict(call.arguments)}
        for call in turn.tool_calls
    )
    return content or [{"type": "text", "text": SPEECHLESS}]


def _stop(reason: str | None, calls: bool) -> Literal["end", "tool", "length", "refusal", "filter"]:
    if reason in ("max_tokens", "pause_turn"):
        return "length"
    if reason == "refusal":
        return "refusal"
    return "tool" if calls else "end"


def _tokens(usage: Any) -> Tokens | None:
    """One convention for all: Anthropic's `input_tokens` leaves cache reads and writes out."""
    cached = whole(part(usage, "cache_read_input_tokens")) or 0
    stored = whole(part(usage, "cache_creation_input_tokens")) or 0
    fresh = whole(part(usage, "input_tokens"))
    spoken = None if fresh is None else fresh + cached + stored
    return counted(spoken, part(usage, "output_tokens"), cached=cached, stored=stored)
