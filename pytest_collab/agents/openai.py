"""`openai/MODEL`: OpenAI's models through the Responses API."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from hashlib import sha256
from operator import attrgetter
from typing import Any, ClassVar, Final, Literal

from pytest_collab.agents.calls import arguments_of
from pytest_collab.agents.counted import openai_tokens
from pytest_collab.agents.model import CONNECT_S, Answer, ModelAgent
from pytest_collab.agents.retry import BadAnswer, Fault, classify, classify_body
from pytest_collab.agents.sdk_errors import broken, no_answer, response_text, timed_out
from pytest_collab.agents.secrets import Secret
from pytest_collab.episode.agent import SPEECHLESS, Request, ToolCall, Turn

_WITHOUT_REASONING: Final = re.compile(r"^(gpt-4|gpt-3\.5|chatgpt-4)|-chat-latest$")
"""Models that refuse to be asked for encrypted reasoning."""

_POLICY: Final = frozenset({"bio_policy", "misalignment_policy_violation", "invalid_prompt"})


class OpenAIModel(ModelAgent):
    """What the two APIs of OpenAI share: the client, and what its exceptions mean.

    Attributes:
        api: where the client has the one that is called.
    """

    api: ClassVar[str]

    def make_client(self, key: Secret | None, headers: dict[str, str]) -> Any:
        import httpx2
        from openai import AsyncOpenAI, DefaultAsyncHttpxClient

        client = AsyncOpenAI(
            api_key=key.reveal() if key else "none",
            base_url=self.settings.address,
            max_retries=0,
            timeout=httpx2.Timeout(self.settings.timeout_s, connect=min(self.settings.timeout_s, CONNECT_S)),
            default_headers=headers,
            http_client=DefaultAsyncHttpxClient(
                limits=httpx2.Limits(max_connections=None, max_keepalive_connections=256)
            ),
        )
        attrgetter(self.api)(client)  # loaded when it is first looked at
        return client

    def fault(self, error: Exception) -> Fault:
        from openai import APIConnectionError, APIError, APIStatusError, APITimeoutError

        if isinstance(error, APITimeoutError):
            return timed_out(error, self.settings.timeout_s)
        if isinstance(error, APIStatusError):
            # The SDK keeps what stands under `error`; the response itself says more where a server has its own shape.
            body = response_text(error) or error.body
            code = f"{error.code or ''} {error.type or ''}"
            return classify_body(body, error.status_code, error.message, code=code, headers=error.response.headers)
        if isinstance(error, APIConnectionError):
            return broken(error)
        if isinstance(error, APIError):  # inside a stream
            status = 429 if error.code == "rate_limit_exceeded" else None
            return classify_body({"error": error.body or {}}, status, error.message, code=str(error.code or ""))
        return replace(classify(None, f"{type(error).__name__}: {error}"), unknown=True)


class OpenAIAgent(OpenAIModel):
    """OpenAI's models. Nothing is stored there: encrypted reasoning is passed back with the conversation."""

    api = "responses"

    async def call(self, client: Any, request: Request, longest: int) -> Answer:
        body = self.body(request, longest)
        if not self.settings.stream:
            return self.read(await client.responses.create(**body))
        final = None
        async with await client.responses.create(**body, stream=True) as stream:
            async for event in stream:
                if event.type in ("response.completed", "response.incomplete", "response.failed"):
                    final = event.response
        if final is None:
            raise BadAnswer("the stream ended before the answer did", cut=True)
        return self.read(final)

    def body(self, request: Request, longest: int | None = None) -> dict[str, Any]:
        """The request's keyword arguments for `responses.create`; `longest` in place of the setting `max_tokens`."""
        settings = self.settings
        instructions = f"{settings.system_prefix}{request.system}"
        items: list[Any] = []
        for turn, blocks in self.turns(request):
            items.extend(blocks or _items(turn))
        body: dict[str, Any] = {
            "model": self.model,
            "input": items,
            "max_output_tokens": longest or settings.max_tokens,
            "store": False,
        }
        if instructions.strip():
            body["instructions"] = instructions
        if settings.cache and settings.official:
            # Requests with the same key go to the machines that hold the same prefix.
            prefix = f"{self.model}\n{instructions}".encode("utf-8", "replace")
            body["prompt_cache_key"] = sha256(prefix).hexdigest()[:32]
        if not _WITHOUT_REASONING.search(self.model):
            body["include"] = ["reasoning.encrypted_content"]
        if settings.reasoning_effort is not None:
            body["reasoning"] = {"effort": settings.reasoning_effort}
        if settings.temperature is not None:
            body["temperature"] = settings.temperature
        if request.tools:
            body["parallel_tool_calls"] = True
            body["tools"] = [
                {
                    "type": "function",
                    "name": tool.name,
                    "description": tool.description,
                    "parameters": dict(tool.parameters),
                    "strict": False,
                }
                for tool in request.tools
            ]
        if settings.extra_body:
            body["extra_body"] = dict(settings.extra_body)
        return body

    def read(self, response: Any) -> Answer:
        """An SDK response as an answer.

        Raises:
            BadAnswer: it is not a response, or one that failed at the provider.
        """
        output = getattr(response, "output", None)
        if not isinstance(output, list):
            raise no_answer(response, "the answer is not a response of the Responses API")
        tokens = openai_tokens(response.usage, "input_tokens", "output_tokens")
        if response.status in ("queued", "in_progress"):
            raise BadAnswer(f"the answer is not finished: its status is {response.status}", tokens, cut=True)
        failed = response.error
        if response.status in ("failed", "cancelled") or failed is not None:
            code = getattr(failed, "code", None) or response.status
            if code in _POLICY:
                return Answer("", (), "filter", tokens, response.model or "")
            told = f"the response failed: {code}: {getattr(failed, 'message', '')}"
            status = {"rate_limit_exceeded": 429, "server_error": 500}.get(str(code), 500)
            raise BadAnswer(told, tokens, fault=classify(status, told, code=str(code)))
        said: dict[str | None, list[str]] = {}
        refusals, calls, blocks = [], [], []
        thoughts: list[str] = []
        for item in output:
            kind = getattr(item, "type", None)
            if kind == "message":
                parts = item.content or []
                text = "".join(piece.text or "" for piece in parts if piece.type == "output_text")
                said.setdefault(item.phase, []).append(text)
                refusals += [piece.refusal or "" for piece in parts if piece.type == "refusal"]
            elif kind == "reasoning":
                thoughts.extend(piece.text or "" for piece in item.summary or [])
            elif kind == "function_call":
                calls.append(ToolCall(item.call_id, item.name, arguments_of(item.arguments)))
            blocks.append(item.model_dump(mode="json", exclude_none=True))
        if "final_answer" in said:  # what was said on the way there is no part of the answer
            thoughts += said.pop("commentary", [])
        text = "\n".join(text for texts in said.values() for text in texts)
        return Answer(
            text=text or "".join(refusals),
            tool_calls=tuple(calls),
            stop=_stop(response, bool(refusals), bool(calls)),
            tokens=tokens,
            model=response.model or "",
            blocks=blocks if any(b.get("type") == "reasoning" or b.get("phase") for b in blocks) else None,
            reasoning="\n".join(thoughts),
        )


def _items(turn: Turn) -> list[dict[str, Any]]:
    if turn.role == "assistant":
        items: list[dict[str, Any]] = []
        if turn.text.strip() or not turn.tool_calls:
            items.append({"role": "assistant", "content": turn.text if turn.text.strip() else SPEECHLESS})
        items.extend(
            {
                "type": "function_call",
                "call_id": call.id,
                "name": call.name,
                "arguments": json.dumps(dict(call.arguments)),
            }
            for call in turn.tool_calls
        )
        return items
    items = [
        {"type": "function_call_output", "call_id": result.id, "output": result.text} for result in turn.tool_results
    ]
    if turn.text.strip() or not items:
        items.append({"role": "user", "content": turn.text if turn.text.strip() else "(nothing new)"})
    return items


def _stop(response: Any, refused: bool, calls: bool) -> Literal["end", "tool", "length", "refusal", "filter"]:
    reason = getattr(response.incomplete_details, "reason", None)
    if reason == "content_filter":
        return "filter"
    if reason is not None or response.status == "incomplete":
        return "length"
    if refused:
        return "refusal"
    return "tool" if calls else "end"
