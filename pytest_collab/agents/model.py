"""A model behind a provider: what all providers share. Retries, limits, counting, and what each fault means."""

from __future__ import annotations

import asyncio
import os
from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, Final, Literal
from weakref import WeakKeyDictionary

from anyio import current_time

from pytest_collab.agents.limiter import Lane
from pytest_collab.agents.prices import Tariff, Tokens, context_tokens, tariff
from pytest_collab.agents.retry import BadAnswer, Fault, pause
from pytest_collab.agents.secrets import Secret, environment, redact, redacted, remember
from pytest_collab.agents.settings import AgentSettings
from pytest_collab.episode.agent import Agent, Reply, Request, ToolCall, Turn, Usage
from pytest_collab.episode.limits import excused, give_back
from pytest_collab.errors import LimitReached, ProviderError, UsageError

EMPTY_ANSWERS: Final = 3
"""So many empty answers in a row are the agent's own; fewer are taken for a hiccup of the provider."""

PATIENCE: Final = 4
"""A provider that asks to slow down is asked so many times more often than one that fails."""

CONNECT_S: Final = 10.0
"""An address that does not answer at all is given up sooner than one that thinks."""

UNREADABLE: Final = "_unreadable_arguments"
"""The argument under which a tool gets text that the model wrote where a JSON object was due."""

SPEECHLESS: Final = "(no answer)"
"""Stands for an empty assistant turn, which providers refuse to be sent."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one attempt brought, in the shape that all providers share.

    Attributes:
        tokens: None when the server did not say.
        blocks: the provider's own blocks of the turn (reasoning, signatures), to be passed back.
    """

    text: str
    tool_calls: tuple[ToolCall, ...]
    stop: Literal["end", "tool", "length", "refusal", "filter"]
    tokens: Tokens | None
    model: str = ""
    blocks: Any = None
    reasoning: str = ""


class ModelAgent(Agent):
    """An agent that is a model, called through its provider's SDK.

    Faults: broken connections, timeouts, 408, 409, 5xx, cut or unreadable answers are retried, with back-off;
    429 and 529 pause every call to that provider, in all workers; an empty answer is asked for again, and is the
    agent's own when it stays empty. When nothing helps, `ProviderError`. A refusal, a content filter and an answer
    cut at `max_tokens` are the agent's own, told by `Reply.stop`. A conversation too long for the model's context
    is `LimitReached("token_limit")`. Whatever failed attempts consumed is counted.

    Args:
        lane: the shared limits of the provider's account.
        key: None for compatible servers that need none.
    """

    def __init__(self, name: str, settings: AgentSettings, lane: Lane, key: Secret | None) -> None:
        self.name = name
        self.settings = settings
        self.model = settings.model
        self.context_tokens = context_tokens(settings)
        self.tariff: Tariff | None = tariff(settings)
        self._lane = lane
        self._key = key
        self._clients: WeakKeyDictionary[asyncio.AbstractEventLoop, Any] = WeakKeyDictionary()
        self._mean_output = 500.0

    # What a provider's module supplies.

    @abstractmethod
    def make_client(self, key: Secret | None, headers: dict[str, str]) -> Any:
        """The SDK's asynchronous client, without retries of its own."""

    @abstractmethod
    async def call(self, client: Any, request: Request) -> Answer:
        """One attempt. Lets the SDK's exceptions through; raises BadAnswer for an answer that is none."""

    @abstractmethod
    def fault(self, error: Exception) -> Fault:
        """What an exception of the SDK means."""

    # The agent.

    async def reply(self, request: Request) -> Reply:
        """Ask the model, as often as it takes.

        Raises:
            ProviderError: the provider failed after all retries, or refuses the request for good.
            LimitReached: the conversation does not fit the model's context.
        """
        bill = _Bill(self.tariff)
        try:
            answer = await self._ask(request, bill)
        except BaseException as error:
            error.usage = bill.usage()  # type: ignore[attr-defined]
            raise
        reply = Reply(
            text=redact(answer.text),
            tool_calls=tuple(replace(call, arguments=redacted(call.arguments)) for call in answer.tool_calls),
            stop=answer.stop,
            usage=bill.usage(),
            model=answer.model or self.model,
            opaque=None,
            reasoning=redact(answer.reasoning),
        )
        if answer.blocks:
            return replace(reply, opaque=self._opaque(request, answer.blocks))
        return reply

    async def _ask(self, request: Request, bill: _Bill) -> Answer:
        failures = slow_downs = empties = 0
        while True:
            async with self._lane.permit(self._estimate(request)) as permit:
                began = current_time()
                bill.begin()
                outcome = await self._attempt(request)
                bill.end(outcome.tokens)
                permit.served = isinstance(outcome, Answer)
                if outcome.tokens is not None:
                    permit.tokens = outcome.tokens.input + outcome.tokens.output
                    self._mean_output += (outcome.tokens.output - self._mean_output) / 20
            if isinstance(outcome, Answer):
                if outcome.text or outcome.tool_calls or outcome.stop != "end":
                    return outcome
                empties += 1
                if empties >= EMPTY_ANSWERS:
                    return outcome
                outcome = Fault("retry", "an empty answer")
            if outcome.kind == "overflow":
                raise LimitReached("token_limit", outcome.limit or self.context_tokens or 0, request.seat)
            if outcome.kind == "filter":
                return Answer("", (), "filter", None)
            if outcome.kind == "slow_down":
                slow_downs += 1
                wait = pause(slow_downs, outcome.retry_after_s)
                self._lane.slow_down(wait)
                exhausted = slow_downs > PATIENCE * self.settings.max_retries
            else:
                failures += 1
                wait = pause(failures, outcome.retry_after_s)
                exhausted = failures > self.settings.max_retries
            give_back(began, current_time())
            if outcome.kind == "fatal" or exhausted:
                tries = f" after {bill.attempts} attempts" if bill.attempts > 1 else ""
                raise ProviderError(
                    f"agent {self.name!r} ({self.settings.provider}/{self.model} at {self.settings.address})"
                    f"{tries}: {redact(outcome.told)}{self._remedy(outcome)}",
                    status=outcome.status,
                )
            if outcome.kind != "slow_down":  # the lane makes everybody wait, this caller too
                with excused():
                    await asyncio.sleep(wait)

    async def _attempt(self, request: Request) -> Answer | Fault:
        """One attempt; whatever the SDK raises becomes a fault here, so that none of its frames is ever shown."""
        try:
            return await self.call(self._client(), request)
        except BadAnswer as error:
            return Fault("retry", str(error), tokens=error.tokens)
        except UsageError:
            raise
        except Exception as error:
            return self.fault(error)

    def _remedy(self, fault: Fault) -> str:
        variable = self.settings.key_variable
        if fault.status == 401 and variable:
            return f". Check the key in {variable}."
        if fault.status == 404:
            ending = "" if "/v1" in self.settings.address else " (it usually ends in /v1)"
            ending = "" if self.settings.provider == "anthropic" else ending
            return f". Check `model` and `base_url`{ending} of agent {self.name!r}."
        return ""

    def _client(self) -> Any:
        loop = asyncio.get_running_loop()
        if loop not in self._clients:
            self._clients[loop] = self.make_client(self._key, self.settings.expanded_headers()[0])
        return self._clients[loop]

    def _estimate(self, request: Request) -> int:
        if self._lane.limits.tokens_per_minute is None:
            return 0
        characters = len(self.settings.system_prefix) + len(request.system)
        for turn in request.conversation:
            characters += len(turn.text) + sum(len(result.text) for result in turn.tool_results)
        return characters // 4 + int(self._mean_output)

    async def aclose(self) -> None:
        """Close the connections of this loop."""
        client = self._clients.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.close()

    def describe(self) -> dict[str, Any]:
        """Everything that decides what is asked and what it costs; names of secrets, never their values."""
        settings = self.settings
        about: dict[str, Any] = {
            "name": self.name,
            "model": self.model,
            "address": redact(settings.address),
            "key_variable": settings.key_variable,
            "settings": redacted(settings.answering()),
            "headers": sorted(settings.headers),
            "context_tokens": self.context_tokens,
            "price": None,
            "price_from": "not known: its cost is reported as unknown",
        }
        if self.tariff is not None:
            about["price"] = self.tariff.price.model_dump(exclude_none=True)
            about["price_from"] = self.tariff.source
        return about | {"provider": settings.provider}

    # The provider's own blocks, passed back where they belong.

    def _opaque(self, request: Request, blocks: Any) -> dict[str, Any]:
        return {
            "provider": self.settings.provider,
            "model": self.model,
            "after": last_digest(request),
            "blocks": redacted(blocks),
        }

    def turns(self, request: Request) -> Iterator[tuple[Turn, Any]]:
        """The conversation, each turn with its own blocks when they may be passed back.

        Signed reasoning belongs to one model and to the conversation before it: after a trimming, or when another
        agent took the seat over, it is left out.
        """
        for turn, digest in _digests(request):
            own = turn.opaque
            fits = (
                isinstance(own, dict)
                and own.get("provider") == self.settings.provider
                and own.get("model") == self.model
                and own.get("after") == digest
            )
            yield turn, own["blocks"] if fits else None


class _Bill:
    """Adds up what the attempts at one answer consume."""

    def __init__(self, price: Tariff | None) -> None:
        self.attempts = 0
        self._price = price
        self._total = Tokens()
        self._cost = 0.0
        self._measured = True

    def begin(self) -> None:
        self.attempts += 1

    def end(self, tokens: Tokens | None) -> None:
        if tokens is None:
            self._measured = False
            return
        total = self._total
        self._total = Tokens(
            total.input + tokens.input,
            total.output + tokens.output,
            total.cached + tokens.cached,
            total.written + tokens.written,
        )
        if self._price is not None:
            self._cost += self._price.cost(tokens)

    def usage(self) -> Usage:
        total = self._total
        unknown = not self._measured or (self._price is None and total != Tokens())
        return Usage(
            calls=1 if self.attempts else 0,
            input_tokens=total.input,
            output_tokens=total.output,
            cached_tokens=total.cached,
            cost_usd=None if unknown else self._cost,
            retries=max(self.attempts - 1, 0),
        )


def _digests(request: Request) -> Iterator[tuple[Turn, str]]:
    """Each turn with a digest of all that stands before it."""
    running = sha256(request.system.encode("utf-8", "replace"))
    for turn in request.conversation:
        yield turn, running.hexdigest()[:24]
        parts = [turn.role, turn.text, *(r.id + r.text for r in turn.tool_results), *(c.id for c in turn.tool_calls)]
        running.update("\x1f".join(parts).encode("utf-8", "replace"))


def last_digest(request: Request) -> str:
    """The digest under which the answer to `request` will be found before its turn."""
    running = replace(request, conversation=(*request.conversation, Turn("assistant")))
    return list(_digests(running))[-1][1]


def key_of(name: str, settings: AgentSettings) -> Secret | None:
    """The agent's key from the environment.

    Raises:
        UsageError: the key, or a variable that a header names, is not set.
    """
    environment()  # a model that was shown something of it does not spread it
    _, missing = settings.expanded_headers()
    if missing:
        raise UsageError(
            f"agent {name!r} sends a header that reads the environment variable {missing[0]}, which is not set. "
            f"Set it, or take the header out of the agents file."
        )
    for header, value in settings.expanded_headers()[0].items():
        if any(word in header.lower() for word in ("auth", "key", "token", "secret", "cookie")):
            remember(value, *value.split())
    variable = settings.key_variable
    if variable is None:
        return None
    if not os.environ.get(variable):
        raise UsageError(
            f"agent {name!r} needs a key in the environment variable {variable}, which is not set. "
            f"export {variable}=..., or try the plugin without a key: --agents=partner, or --collab-replay=DIR."
        )
    return Secret(os.environ[variable])


def arguments_of(raw: Any) -> dict[str, Any]:
    """A tool call's arguments; text that is no JSON object goes under `UNREADABLE`, for the tool to complain of."""
    import json

    if isinstance(raw, str):
        try:
            value = json.loads(raw) if raw.strip() else {}
        except ValueError:
            return {UNREADABLE: raw}
    else:
        value = raw
    return value if isinstance(value, dict) else {UNREADABLE: str(raw)}
