"""An outside reader of a finished episode: an agent that answers questions about it and takes no part in it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Final

import anyio

from pytest_collab.episode.agent import Agent, Reply, Request, Turn, Usage
from pytest_collab.episode.limits import Books, BudgetSpent
from pytest_collab.episode.text import REPLY_LIMIT, bounded, one_line, valid
from pytest_collab.episode.transcript import Transcript
from pytest_collab.errors import InfrastructureError, ProviderError, UsageError

GRADER: Final = "grader"
"""The examiner's key in an episode's usage. No seat: it sits apart from the table."""

SECONDS: Final = 180.0
"""How long an examiner may take for one answer."""


class Examiner:
    """Asks one agent about one episode, in one conversation; keeps every answer in the transcript, with its usage.

    Its cost goes to the session's purse but is not refused there: the episode has been paid for already, and would
    be lost for the sake of its last call.

    Args:
        agent: seated already.
    """

    def __init__(self, agent: Agent, transcript: Transcript, purse: Books) -> None:
        self.name = agent.name
        self._agent = agent
        self._transcript = transcript
        self._purse = purse
        self._turns: tuple[Turn, ...] = ()

    async def ask(self, system: str, text: str) -> str:
        """The answer to `text`, after what was asked and answered before; empty when the agent gave none.

        Raises:
            InfrastructureError: the agent's provider failed.
        """
        self._turns = (*self._turns, Turn("user", text))
        request = Request(GRADER, len(self._turns) // 2, system, self._turns, phase="grade")
        reply, why = await self._answered(request)
        self._turns = (*self._turns, Turn("assistant", reply.text, opaque=reply.opaque))
        self._book(reply.usage, reply.model, replayed=reply.replayed, text=reply.text, why=why)
        return reply.text

    async def _answered(self, request: Request) -> tuple[Reply, str]:
        """The reply, or an empty one and the reason why there is none."""
        reply: object = None
        with anyio.move_on_after(SECONDS) as clock:
            try:
                reply = await self._agent.reply(request)
            except (InfrastructureError, UsageError, BudgetSpent) as error:
                spent = getattr(error, "usage", None)
                if isinstance(spent, Usage) and spent.calls:
                    self._book(spent, "", replayed=False, text="", why=type(error).__name__)
                raise
            except (ConnectionError, TimeoutError) as error:
                raise ProviderError(f"grader {self.name!r}: {type(error).__name__}: {error}") from error
            except Exception as error:
                return Reply(), f"{type(error).__name__}: {one_line(str(error), 300)}"
        if clock.cancelled_caught:
            return Reply(), f"no answer within {SECONDS:.0f} seconds"
        if not isinstance(reply, Reply) or not isinstance(reply.text, str):  # other people's code: believe nothing
            return Reply(), f"the answer is {type(reply).__name__}, not text"
        return reply.with_text(bounded(valid(reply.text), REPLY_LIMIT)), ""

    def _book(self, usage: Usage, model: str, *, replayed: bool, text: str, why: str) -> None:
        if usage.cost_usd and not replayed:
            self._purse.add(usage.cost_usd)
        told = {"why": why} if why else {}
        self._transcript.add(
            "grader_reply",
            None,
            agent=self.name,
            model=model or self._agent.model,
            text=text,
            usage=asdict(usage),
            **told,
        )
