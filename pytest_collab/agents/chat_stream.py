"""A streamed chat completion, put together again."""

from __future__ import annotations

from typing import Any

from pytest_collab.agents.counted import openai_tokens
from pytest_collab.agents.prices import Tokens
from pytest_collab.agents.retry import BadAnswer


class Draft:
    """What has come so far of a stream. `completion` gives it the shape of an answer that came whole."""

    def __init__(self) -> None:
        self.begun = False
        self.tokens: Tokens | None = None
        self._texts: list[str] = []
        self._refusals: list[str] = []
        self._thoughts: list[str] = []
        self._calls: dict[int, list[str]] = {}
        self._finish: str | None = None
        self._model = ""
        self._error: Any = None

    def add(self, chunk: Any) -> None:
        """Take the next piece in."""
        self.begun = True
        self._model = chunk.model or self._model
        self._error = (chunk.model_extra or {}).get("error") or self._error
        if chunk.usage is not None:
            self.tokens = tokens_of(chunk.usage)
        for choice in chunk.choices or []:
            self._error = (choice.model_extra or {}).get("error") or self._error
            self._finish = choice.finish_reason or self._finish
            delta = choice.delta
            if delta is None:
                continue
            extra = delta.model_extra or {}
            self._texts.append(delta.content or "")
            self._refusals.append(delta.refusal or "")
            self._thoughts.append(as_text(extra.get("reasoning_content") or extra.get("reasoning")))
            for call in delta.tool_calls or []:
                self._take(call)

    def _take(self, call: Any) -> None:
        """A piece of a tool call; some servers send every call under the same index, each with its own id."""
        index = call.index if isinstance(call.index, int) else max(self._calls, default=-1) + 1
        parts = self._calls.get(index)
        if parts is not None and call.id and parts[0] and call.id != parts[0]:
            index = max(self._calls) + 1
            parts = None
        if parts is None:
            parts = self._calls.setdefault(index, ["", "", ""])
        parts[0] = call.id or parts[0]
        if call.function is not None:
            parts[1] += call.function.name or ""
            parts[2] += call.function.arguments or ""

    def completion(self) -> Any:
        """The whole, as an SDK completion.

        Raises:
            BadAnswer: the stream ended before the answer did.
        """
        from openai.types.chat import ChatCompletion

        if self._finish is None and self._error is None:
            raise BadAnswer("the stream ended before the answer did", self.tokens, cut=True)
        message: dict[str, Any] = {"role": "assistant", "content": "".join(self._texts)}
        message["refusal"] = "".join(self._refusals) or None
        if any(self._thoughts):
            message["reasoning_content"] = "".join(self._thoughts)
        if self._calls:
            message["tool_calls"] = [
                {"id": identity, "type": "function", "function": {"name": name, "arguments": raw}}
                for _, (identity, name, raw) in sorted(self._calls.items())
            ]
        choice = {"index": 0, "message": message, "finish_reason": self._finish, "error": self._error}
        return ChatCompletion.construct(
            id="", created=0, object="chat.completion", model=self._model, choices=[choice], usage=None
        )


def as_text(value: Any) -> str:
    """Content as text: some servers send a list of parts."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "".join(as_text(part.get("text")) for part in value if isinstance(part, dict))
    return ""


def tokens_of(usage: Any) -> Tokens | None:
    """What a completion says of its tokens; None where it says nothing (`usage: {}` included)."""
    return openai_tokens(usage, "prompt_tokens", "completion_tokens")
