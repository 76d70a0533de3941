"""A table: who sits where, what each seat is asked, and what comes of its answer."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, cast

import anyio

from pytest_collab import __version__
from pytest_collab.episode.agent import Agent, Reply, Request, Seat, ToolResult, Usage
from pytest_collab.episode.channel import Channel, Message
from pytest_collab.episode.conversation import Conversation
from pytest_collab.episode.game import Game, Move, Prompt
from pytest_collab.episode.limits import Books, BudgetSpent, Meter
from pytest_collab.episode.plan import Plan
from pytest_collab.episode.text import REPLY_LIMIT, bounded, one_line, told, valid
from pytest_collab.episode.transcript import Transcript
from pytest_collab.errors import ContextFull, InfrastructureError, LimitReached, ProviderError, UsageError

NOTE_LIMIT: Final = 8 * 1024
"""Characters of one text in what an agent notes down."""


class Table:
    """One episode in play: its seats, and everything that a seat is asked and answers, kept in the transcript.

    Attributes:
        turn: of the engine, from 0.
        faults: why a seat's newest answer is none, until it is read.
    """

    def __init__(self, plan: Plan, purse: Books) -> None:
        self.plan = plan
        self.purse = purse
        self.transcript = Transcript()
        self.game: Game = plan.family.deal(plan.params, plan.seed, plan.condition)
        self.seats = self.game.seats
        self.channel = Channel(self.seats, self.transcript, muted=plan.condition.muted)
        self.meter = Meter(plan.limits, self.seats)
        self.agents: dict[str, Agent] = {}
        self.conversations: dict[str, Conversation] = {}
        self.faults: dict[str, str] = {}
        self._passing: dict[str, int] = {}
        self.places: dict[str, Seat] = {}
        self.turn = 0
        self.own_turn: dict[str, int] = {}
        self.relieved = False

    def start(self) -> None:
        """Write what is played, before anything of it happens."""
        plan = self.plan
        self.transcript.add(
            "start",
            version=__version__,
            family=plan.family.name,
            family_version=plan.family.version,
            task=plan.task,
            task_hash=plan.task_hash,
            params=plan.params.model_dump(mode="json"),
            condition=str(plan.condition),
            team=list(plan.team),
            seed=plan.seed,
            epoch=plan.epoch,
            seats=list(self.seats),
            at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        )
        if plan.prefix is not None:
            self.transcript.add("frozen", episode=plan.prefix.episode, turns=plan.prefix.turns)

    def take_seats(self) -> None:
        """Let every agent take its seat, and brief it."""
        seating = self.plan.seating(self.seats)
        for seat in self.seats:
            self._seat(seat, seating[seat])
            alone = self.agents[seat].autonomous and self.game.pace == "own"
            brief = self.game.brief_at_desk(seat) if alone else self.game.brief(seat)
            if self.game.pace == "own":
                brief = f"{brief}\n\n{self.plan.limits.told(alone=alone)}".strip()
            self.transcript.add("brief", seat, text=brief)
            self.conversations[seat] = Conversation(seat, brief, self.transcript)

    def _seat(self, seat: str, agent: Agent) -> None:
        solution = self.game.solution() if agent.wants_solution else None
        self.places[seat] = self.place(seat, solution)
        self.agents[seat] = agent.seated(self.places[seat])
        self.transcript.add("seated", seat, agent=agent.name, model=agent.model)

    def place(self, name: str, solution: Any = None) -> Seat:
        """What an agent is told of the place that it takes."""
        plan = self.plan
        return Seat(
            name=name,
            seats=self.seats,
            agents={seat: agent.name for seat, agent in plan.seating(self.seats).items()},
            family=plan.family,
            params=plan.params,
            condition=plan.condition,
            seed=plan.seed,
            epoch=plan.epoch,
            episode=plan.id,
            solution=solution,
            own_pace=self.game.pace != "turns",
            note=partial(self._note, name),
            overheard=partial(self.channel.overheard, name),
        )

    def _note(self, seat: str, what: str, **data: Any) -> None:
        """Write down what an agent says that it is doing while it answers or works."""
        held = {
            k: bounded(valid(value), NOTE_LIMIT) if isinstance(value, str) else value for k, value in data.items()
        }
        self.transcript.add("activity", seat, turn=self.turn_of(seat), what=what, **held)

    def turn_of(self, seat: str) -> int:
        """The turn that the seat is in: everyone's, or its own where each seat works at its own pace."""
        return self.own_turn.get(seat, self.turn)

    def request(self, seat: str, phase: str) -> Request:
        """What a seat is asked when it is its turn."""
        inbox = self.channel.collect(seat)
        self.remind(seat)
        prompt = self.game.prompt(seat, inbox)
        return self.put(seat, phase, prompt, inbox)

    def remind(self, seat: str) -> None:
        """Where the game fixes what a seat remembers, that is its conversation."""
        memory = self.game.recall(seat)
        if memory is None:
            self._passing.pop(seat, None)
            return
        self._passing[seat] = len(memory.turns) - memory.settled + 1  # the newest prompt goes, too
        if self.conversations[seat].recall(memory.turns, memory.system):
            self.transcript.add("brief", seat, text=memory.system)

    def put(
        self,
        seat: str,
        phase: str,
        prompt: Prompt,
        inbox: tuple[Message, ...],
        results: tuple[ToolResult, ...] = (),
    ) -> Request:
        """Put a prompt to a seat: into its conversation, and into the transcript."""
        conversation = self.conversations[seat]
        conversation.hear(prompt.text, results)
        conversation.fit(self.agents[seat].context_tokens)
        self.transcript.add(
            "prompt",
            seat,
            turn=self.turn_of(seat),
            phase=phase,
            inbox=[message.seq for message in inbox],
            **({"text": prompt.text} if prompt.keep else {}),
        )
        return Request(
            seat=seat,
            turn=self.turn_of(seat),
            system=conversation.system,
            conversation=conversation.turns,
            tools=prompt.tools,
            view=prompt.view,
            inbox=inbox,
            phase=phase,
            may_be_silent=prompt.may_be_silent,
            passing=self._passing.get(seat, 0),
        )

    async def answer(self, seat: str, request: Request) -> Reply:
        """One answer of an agent, what can go wrong turned into what it means; a frozen one as it is."""
        prefix = self.plan.prefix
        if prefix is not None and (self.turn, seat) in prefix.replies:
            text, stop = prefix.replies[self.turn, seat]
            return Reply(text, stop=cast(Any, stop), usage=Usage(calls=0))

        async def answer() -> Reply:
            async with self.meter.answer(seat):
                return await self.sheltered(seat, lambda: self._within_context(seat, request))

        return await self.paid(answer)

    async def _within_context(self, seat: str, request: Request) -> Reply:
        """An answer to the request, or to what is left of it when the oldest of it no longer fits the model."""
        conversation = self.conversations[seat]
        while True:
            try:
                return await self.agents[seat].reply(request)
            except ContextFull as full:
                if not conversation.shrink(full.window):
                    raise
                self._book_failed(seat, full)
                request = replace(request, conversation=conversation.turns)

    async def paid(self, answer: Callable[[], Awaitable[Reply]]) -> Reply:
        """An answer that the session's purse pays. What has been begun is finished: nothing is refused here."""
        reply = await answer()
        if not reply.replayed:
            self._pay(reply.usage)
        return reply

    def _pay(self, usage: Usage) -> None:
        """Book what is known to have been spent, and an estimate of what nobody will ever know."""
        spent = usage.at_least_usd + usage.guessed_usd
        if spent:
            self.purse.add(spent)

    def _book_failed(self, seat: str, error: BaseException) -> None:
        """Keep what an answer that never came has consumed."""
        usage = getattr(error, "usage", None)
        if isinstance(usage, Usage) and usage.calls:
            said = getattr(error, "said", "")
            self.transcript.add(
                "failed_call",
                seat,
                turn=self.turn_of(seat),
                model=self.agents[seat].model,
                usage=asdict(usage),
                **({"text": bounded(valid(said), REPLY_LIMIT)} if isinstance(said, str) and said else {}),
            )
            self._pay(usage)

    async def sheltered(self, seat: str, ask: Callable[[], Awaitable[Reply]]) -> Reply:
        """What an agent gives back, whatever it does; only what is not its own doing is raised."""
        agent = self.agents[seat]
        try:
            reply = await ask()
        except (InfrastructureError, LimitReached, BudgetSpent, UsageError) as error:
            self._book_failed(seat, error)
            raise
        except (ConnectionError, TimeoutError) as error:
            raise ProviderError(f"agent {agent.name!r}: {told(error)}") from error
        except anyio.get_cancelled_exc_class() as error:
            self._book_failed(seat, error)
            if anyio.current_effective_deadline() == -math.inf or _being_cancelled():
                raise
            return self._nonsense(seat, f"the agent's own task was cancelled ({type(error).__name__})")
        except Exception as error:
            return self._nonsense(seat, f"the agent raised {told(error)}")
        text: object = getattr(reply, "text", reply)  # agents are other people's code: believe no annotation
        if not isinstance(text, str):
            return self._nonsense(seat, f"the agent answered with {type(text).__name__}, not with text")
        return reply.with_text(bounded(valid(text), REPLY_LIMIT))

    def _nonsense(self, seat: str, why: str) -> Reply:
        """An empty answer in place of one that never came; `read` tells why."""
        self.faults[seat] = why
        return Reply(usage=Usage(calls=1))

    def keep(self, seat: str, reply: Reply) -> None:
        """Write a reply into the conversation and the transcript."""
        self.conversations[seat].say(reply)
        data: dict[str, Any] = {"turn": self.turn_of(seat), "text": reply.text, "stop": reply.stop}
        if reply.tool_calls:
            data["tool_calls"] = [asdict(call) for call in reply.tool_calls]
        if reply.reasoning:
            data["reasoning"] = bounded(valid(reply.reasoning), REPLY_LIMIT)
        data["model"] = reply.model or self.agents[seat].model
        data["usage"] = asdict(reply.usage)
        self.transcript.add("reply", seat, **data)

    def read(self, seat: str, reply: Reply) -> Move:
        """Let the game read a reply: its messages are sent, its action is noted."""
        move = self.game.parse(seat, reply)
        why = self.faults.pop(seat, move.malformed)
        if why is not None:
            self.transcript.add("malformed", seat, turn=self.turn_of(seat), why=one_line(why, 300))
        for speech in move.messages:
            self.channel.send(seat, speech.text, speech.to)
        if move.action is not None:
            self.transcript.add("action", seat, turn=self.turn_of(seat), action=move.action)
        return move

    def relieve(self) -> None:
        """Relay: the first seat is taken over, after K of its messages or after K turns of all seats."""
        condition, first = self.plan.condition, self.seats[0]
        messages, turns = condition.relay_after, condition.relay_after_turns
        due = (messages is not None and self.channel.sent[first] >= messages) or (
            turns is not None and self.turn + 1 >= turns
        )
        if due and not self.relieved:
            self.relieved = True
            self._seat(first, self.plan.agents[0 if condition.recovers else 1])


def _being_cancelled() -> bool:
    """True when the running asyncio task itself was told to stop (not just something it awaited)."""
    import asyncio

    try:
        task = asyncio.current_task()
    except RuntimeError:
        return False
    return task is not None and task.cancelling() > 0
