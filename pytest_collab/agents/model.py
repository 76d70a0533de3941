"""A model behind a provider: what all providers share. Retries, limits, counting, and what each fault means."""

from __future__ import annotations

import asyncio
import os
from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final, Literal
from weakref import WeakKeyDictionary

from anyio import current_time

from pytest_collab.agents.bill import Bill
from pytest_collab.agents.calls import tidy
from pytest_collab.agents.digests import digests, last_digest
from pytest_collab.agents.fault_rules import WRONG_KEY
from pytest_collab.agents.lane import Lane
from pytest_collab.agents.prices import Tariff, Tokens, context_tokens, tariff
from pytest_collab.agents.retry import BadAnswer, Fault, pause
from pytest_collab.agents.secrets import Secret, environment, redact, redacted, remember
from pytest_collab.agents.settings import AgentSettings
from pytest_collab.agents.surroundings import by_proxy
from pytest_collab.agents.trouble import Trouble
from pytest_collab.episode.agent import Agent, Reply, Request, ToolCall, Turn
from pytest_collab.episode.limits import excused, give_back
from pytest_collab.episode.text import counted, duration, told
from pytest_collab.errors import CollabError, ContextFull, ProviderError, UsageError

EMPTY_ANSWERS: Final = 3
"""So many empty answers in a row are the agent's own; fewer are taken for a hiccup of the provider."""

PATIENCE: Final = 4
"""A provider that asks to slow down is asked so many times more often than one that fails."""

CONNECT_S: Final = 10.0
"""An address that does not answer at all is given up sooner than one that thinks."""

NOTICED_S: Final = 5.0
"""Waits from this length on are told to the user while they last."""

LEAST_ANSWER: Final = 256
"""No shorter answer than this is asked for, in tokens: rather is the conversation trimmed."""

SHORTER_ANSWERS: Final = 6
"""So often a shorter answer is asked for in place of one that is too long for the server."""


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

    What a fault means stands in `fault_rules.RULES`: broken connections, timeouts, 5xx, cut or unreadable answers are
    retried, with back-off; 429 and 529 pause every call to that provider, in all workers, up to `max_wait_s`; an
    empty answer is asked for again where the game does not allow it, and is the agent's own when it stays empty.
    When nothing helps, `ProviderError`. A refusal, a content filter and an answer cut at `max_tokens` are the agent's
    own, told by `Reply.stop`. Where the server's window turns out smaller than was thought, a shorter answer is
    asked for, and a conversation that does not fit is `ContextFull`. Whatever failed attempts consumed is counted.

    Args:
        lane: the shared limits of the provider's account.
        key: None for compatible servers that need none.
        trouble: where the session is told of waits and of calls that failed for good.
    """

    def __init__(
        self, name: str, settings: AgentSettings, lane: Lane, key: Secret | None, trouble: Trouble | None = None
    ) -> None:
        self.name = name
        self.settings = settings
        self.model = settings.model
        self.context_tokens = context_tokens(settings)
        self.tariff: Tariff | None = tariff(settings)
        self._trouble = trouble or Trouble(None)
        self._lane = lane
        self._key = key
        self._clients: WeakKeyDictionary[asyncio.AbstractEventLoop, Any] = WeakKeyDictionary()
        self._mean_output = 500.0
        self._window_told: int | None = None
        self._longest_told: int | None = None

    # What a provider's module supplies.

    @abstractmethod
    def make_client(self, key: Secret | None, headers: dict[str, str]) -> Any:
        """The SDK's asynchronous client, without retries of its own, and all loaded that a call needs."""

    @abstractmethod
    async def call(self, client: Any, request: Request, longest: int) -> Answer:
        """One attempt. Lets the SDK's exceptions through; raises BadAnswer for an answer that is none.

        Args:
            longest: the longest answer, in tokens.
        """

    @abstractmethod
    def fault(self, error: Exception) -> Fault:
        """What an exception of the SDK means."""

    # The agent.

    async def reply(self, request: Request) -> Reply:
        """Ask the model, as often as it takes.

        Raises:
            ProviderError: the provider failed after all retries, or refuses the request for good.
            ContextFull: the conversation does not fit the model's context.
        """
        size = self._estimate(request)
        bill = Bill(self.tariff, Tokens(size, int(self._mean_output)))
        try:
            answer = await self._ask(request, bill, size)
        except BaseException as error:
            if isinstance(error, Exception) and not isinstance(error, CollabError):
                # Nothing that goes wrong in reading an answer is the model's doing.
                error = self._failed(Fault("fatal", f"the answer cannot be used: {told(error)}"), bill.attempts, 0.0)
            error.usage = bill.usage()  # type: ignore[attr-defined]
            raise error from None
        calls = tidy(answer.tool_calls)
        blocks = answer.blocks if calls == answer.tool_calls else None  # they hold the names that were tidied
        reply = Reply(
            text=redact(answer.text),
            tool_calls=tuple(replace(call, arguments=redacted(call.arguments)) for call in calls),
            stop=answer.stop,
            usage=bill.usage(),
            model=answer.model or self.model,
            opaque=None,
            reasoning=redact(answer.reasoning),
        )
        if blocks:
            return replace(reply, opaque=self._opaque(request, blocks))
        return reply

    async def _ask(self, request: Request, bill: Bill, size: int) -> Answer:
        failures = slow_downs = empties = shortened = 0
        waited = 0.0
        longest = self._longest(size)
        client = self._client()  # before a moment is reserved: loading an SDK takes seconds on a busy machine
        while True:
            async with self._lane.permit(self._expected(size)) as permit:
                began = current_time()
                bill.begin()
                outcome = await self._attempt(client, request, longest)
                permit.served = isinstance(outcome, Answer)
                if isinstance(outcome, Answer):
                    bill.end(outcome.tokens or Tokens(), unknown=outcome.tokens is None)
                    if outcome.tokens is not None:
                        self._mean_output += (outcome.tokens.output - self._mean_output) / 20
                else:
                    bill.end(outcome.tokens, unknown=outcome.unknown)
                if outcome.tokens is not None:
                    permit.tokens = outcome.tokens.input + outcome.tokens.output
            if isinstance(outcome, Answer):
                self._trouble.served(self.name)
                if outcome.text.strip() or outcome.tool_calls or outcome.stop != "end" or request.may_be_silent:
                    return outcome
                empties += 1
                if empties >= min(EMPTY_ANSWERS, self.settings.max_retries + 1):
                    return outcome
                outcome = Fault("retry", "an empty answer")
            if outcome.kind in ("overflow", "shorten"):
                shortened += 1
                longest = self._shorter(outcome, request, longest, shortened)
                give_back(began, current_time())
                continue
            if outcome.kind == "filter":
                return Answer("", (), "filter", outcome.tokens)
            if outcome.kind == "slow_down":
                slow_downs += 1
                wait = pause(slow_downs, outcome.retry_after_s)
                waited += wait
                exhausted = waited > self.settings.max_wait_s or slow_downs > PATIENCE * self.settings.max_retries
                if not exhausted:
                    self._lane.slow_down(wait)
                    self._say_wait(wait, outcome)
            else:
                failures += 1
                wait = pause(failures, outcome.retry_after_s)
                waited += wait
                exhausted = waited > self.settings.max_wait_s or failures > self.settings.max_retries
            give_back(began, current_time())
            if outcome.kind == "fatal" or exhausted:
                error = self._failed(outcome, bill.attempts, wait)
                # A provider that asks everybody to wait longer than anybody may is no better for the next call.
                self._trouble.lost(self.name, str(error), lasting=outcome.lasting or outcome.kind == "slow_down")
                raise error
            if outcome.kind != "slow_down":  # the lane makes everybody wait, this caller too
                with excused():
                    await asyncio.sleep(wait)

    def _say_wait(self, wait: float, fault: Fault) -> None:
        if wait >= NOTICED_S:
            address = self.settings.address
            told = redact(fault.told)
            self._trouble.notice(
                f"wait {address}", f"{self.settings.provider} ({address}) asks to wait {duration(wait)}: {told}"
            )

    def _failed(self, fault: Fault, attempts: int, wait: float) -> ProviderError:
        tries = f" after {counted(attempts, 'attempt')}" if attempts > 1 else ""
        asks = ""
        after, most = fault.retry_after_s, self.settings.max_wait_s
        if after is not None and wait > most:
            asks = f" (it asks to wait {duration(after)}; max_wait_s allows {duration(most)})"
        return ProviderError(
            f"agent {self.name!r} ({self.settings.provider}/{self.model} at {self.settings.address})"
            f"{tries}: {redact(fault.told)}{asks}{self._remedy(fault)}",
            status=fault.status,
        )

    def _longest(self, size: int) -> int:
        """The longest answer to ask for: what is set, within what the server is known to allow."""
        longest = self.settings.max_tokens
        if self._longest_told is not None:
            longest = min(longest, self._longest_told)
        window = self._window_told or self.context_tokens
        if window is not None:
            longest = min(longest, max(window - size * 4 // 3, LEAST_ANSWER))  # an estimate: the server knows better
        return longest

    def _shorter(self, fault: Fault, request: Request, longest: int, attempt: int) -> int:
        """How long an answer to ask for instead, after the server found it too long beside the conversation.

        Raises:
            ContextFull: there is no room for any answer.
            ProviderError: the task alone is too long for the model, or the server contradicts itself.
        """
        room = fault.room
        if room.window is not None:
            self._window_told = min(room.window, self._window_told or room.window)
        if fault.kind == "shorten" and attempt < SHORTER_ANSWERS:
            if room.answer is not None:
                self._longest_told = room.answer
            left = longest // 2 if room.left is None else min(room.left, longest - 1)
            if left >= min(LEAST_ANSWER, self.settings.max_tokens):
                return left
        elif fault.kind == "shorten":
            raise self._failed(fault, attempt, 0.0)
        if not any(turn.role == "assistant" for turn in request.conversation):
            fits = f" of {self._window_told} tokens" if self._window_told else ""
            raise ProviderError(
                f"agent {self.name!r} ({self.settings.provider}/{self.model} at {self.settings.address}): the task "
                f"alone does not fit the model's context{fits}: {redact(fault.told)}. Give it a server with a larger "
                f"window, or lower `max_tokens` (now {self.settings.max_tokens}).",
                status=fault.status,
            )
        raise ContextFull(self._window_told or self.context_tokens, request.seat)

    async def _attempt(self, client: Any, request: Request, longest: int) -> Answer | Fault:
        """One attempt; whatever the SDK raises becomes a fault here, so that none of its frames is ever shown."""
        late = f"no answer within {self.settings.timeout_s:g} s"
        try:
            async with asyncio.timeout(self.settings.timeout_s) as clock:
                return await self.call(client, request, longest)
        except BadAnswer as error:
            return replace(error.fault, tokens=error.tokens)
        except UsageError:
            raise
        except TimeoutError:
            return Fault("retry", late, unknown=True)
        except Exception as error:
            return Fault("retry", late, unknown=True) if clock.expired() else self.fault(error)

    def _remedy(self, fault: Fault) -> str:
        settings = self.settings
        if not settings.key_variable and (fault.status in (401, 403) or "api key" in fault.told.lower()):
            return f". No key was sent: name its variable in `api_key_env` of agent {self.name!r}."
        if fault.status == 401 or (fault.lasting and WRONG_KEY.search(fault.told)):
            return f". Check the key in {settings.key_variable}."
        if fault.status in (None, 407, 502, 503, 504) and (told := by_proxy(settings.address)):
            return told
        if fault.status in (404, 405):
            ending = "" if "/v1" in settings.address else " (it usually ends in /v1)"
            ending = "" if settings.provider == "anthropic" else ending
            return f". Check `model` and `base_url`{ending} of agent {self.name!r}."
        return f". {fault.remedy}" if fault.remedy else ""

    def _client(self) -> Any:
        loop = asyncio.get_running_loop()
        if loop not in self._clients:
            self._clients[loop] = self.make_client(self._key, self.settings.expanded_headers()[0])
        return self._clients[loop]

    def _estimate(self, request: Request) -> int:
        """About how many tokens a request holds."""
        characters = len(self.settings.system_prefix) + len(request.system)
        for turn in request.conversation:
            characters += len(turn.text) + sum(len(result.text) for result in turn.tool_results)
            characters += sum(len(str(call.arguments)) for call in turn.tool_calls)
        characters += sum(len(tool.description) + len(str(tool.parameters)) for tool in request.tools)
        return characters // 4

    def _expected(self, size: int) -> int:
        """Tokens that a call will take from the minute's allowance."""
        return 0 if self._lane.limits.tokens_per_minute is None else size + int(self._mean_output)

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
        for turn, digest in digests(request):
            own = turn.opaque
            fits = (
                isinstance(own, dict)
                and own.get("provider") == self.settings.provider
                and own.get("model") == self.model
                and own.get("after") == digest
            )
            yield turn, own["blocks"] if fits else None


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
