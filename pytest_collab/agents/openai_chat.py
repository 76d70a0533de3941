"""`openai-chat/MODEL`: Chat Completions, for compatible servers (vLLM, llama.cpp, Ollama, OpenRouter, LM Studio)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from pytest_collab.agents.calls import arguments_of
from pytest_collab.agents.chat_stream import Draft, as_text, tokens_of
from pytest_collab.agents.chat_wire import Finish, chat_messages, finish_of
from pytest_collab.agents.model import Answer
from pytest_collab.agents.openai import OpenAIModel
from pytest_collab.agents.prices import Tokens
from pytest_collab.agents.retry import BadAnswer, Fault
from pytest_collab.agents.sdk_errors import no_answer
from pytest_collab.agents.thinking import apart
from pytest_collab.episode.agent import Request, ToolCall


class OpenAIChatAgent(OpenAIModel):
    """A model behind Chat Completions."""

    api = "chat.completions"

    async def call(self, client: Any, request: Request, longest: int) -> Answer:
        body = self.body(request, longest)
        if not self.settings.stream:
            return self.read(await client.chat.completions.create(**body))
        draft = Draft()
        stream = await client.chat.completions.create(**body, stream=True, stream_options={"include_usage": True})
        try:
            async with stream:
                async for chunk in stream:
                    draft.add(chunk)
        except Exception as error:
            if not draft.begun:
                raise
            fault = self.fault(error)
            told = f"the stream was cut: {type(error).__name__}: {fault.told}"
            raise BadAnswer(told, draft.tokens, fault=replace(fault, told=told, unknown=True)) from None
        return self.read(draft.completion(), draft.tokens)

    def body(self, request: Request, longest: int | None = None) -> dict[str, Any]:
        """The request's keyword arguments for `chat.completions.create`; `longest` in place of `max_tokens`."""
        settings = self.settings
        messages = chat_messages(
            f"{settings.system_prefix}{request.system}", self.turns(request), settings.system_role
        )
        body: dict[str, Any] = {"model": self.model, "messages": messages}
        # OpenAI's own models want the new name; most compatible servers know only the old one.
        key = settings.token_limit_key or ("max_completion_tokens" if settings.official else "max_tokens")
        if key != "none":
            body[key] = longest or settings.max_tokens
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

    def read(self, completion: Any, streamed: Tokens | None = None) -> Answer:
        """An SDK completion as an answer.

        Args:
            streamed: what a stream said of its tokens.

        Raises:
            BadAnswer: it is not a completion, or one that failed at the provider.
        """
        tokens = streamed or tokens_of(getattr(completion, "usage", None))
        choices = getattr(completion, "choices", None)
        if not isinstance(choices, list) or not choices or getattr(choices[0], "message", None) is None:
            raise no_answer(completion, "the answer is not a chat completion", tokens)
        choice, message = choices[0], choices[0].message
        failed = (choice.model_extra or {}).get("error")
        finish = finish_of(choice.finish_reason)
        if finish == "broken" or failed:
            told = f"the answer broke off (finish_reason: {choice.finish_reason})"
            raise no_answer(completion, told, tokens, failed)
        if finish == "full":
            told = "the context window was full before the answer's end"
            raise BadAnswer(told, tokens, fault=Fault("overflow", told))
        extra = message.model_extra or {}
        calls = tuple(
            ToolCall(call.id or "", call.function.name or "", arguments_of(call.function.arguments))
            for call in message.tool_calls or []
            if getattr(call, "function", None) is not None
        )
        reasoning = as_text(extra.get("reasoning_content") or extra.get("reasoning"))
        text, thoughts = apart(as_text(message.content), self.settings.think_tags)
        return Answer(
            text=text or as_text(message.refusal),
            tool_calls=calls,
            stop=_stop(finish, bool(message.refusal), bool(calls)),
            tokens=tokens,
            model=completion.model or "",
            blocks=_reasoning_to_return(extra, bool(calls)),
            reasoning="\n".join(filter(None, (reasoning, thoughts))),
        )


def _reasoning_to_return(extra: dict[str, Any], calls: bool) -> dict[str, Any] | None:
    """Reasoning that servers want back: OpenRouter's details always, plain reasoning inside a round of tool calls."""
    if extra.get("reasoning_details"):
        return {"reasoning_details": extra["reasoning_details"]}
    if calls and extra.get("reasoning_content"):
        return {"reasoning_content": extra["reasoning_content"]}
    return None


def _stop(finish: Finish, refused: bool, calls: bool) -> Literal["end", "tool", "length", "refusal", "filter"]:
    if finish == "length" or finish == "filter" or finish == "refusal":
        return finish
    if refused:
        return "refusal"
    return "tool" if calls else "end"
