"""The engine: plays one episode, from an empty table to a transcript with an `end` event."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Awaitable, Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any, Final

import anyio
import anyio.lowlevel

from pytest_collab import __version__
from pytest_collab.episode.agent import Agent, Reply, Request, Seat, ToolResult, Usage
from pytest_collab.episode.channel import Channel, Message
from pytest_collab.episode.conversation import Conversation
from pytest_collab.episode.examiner import GRADER, Examiner
from pytest_collab.episode.game import Ask, Game, Move, Prompt
from pytest_collab.episode.limits import BudgetSpent, Meter, OpenPurse, Purse
from pytest_collab.episode.plan import Plan
from pytest_collab.episode.text import REPLY_LIMIT, bounded, one_line, valid
from pytest_collab.episode.transcript import Transcript
from pytest_collab.errors import InfrastructureError, LimitReached, ProviderError, UsageError

STEPS_AT_OWN_PACE: Final = 500
"""How often a seat that works at its own pace is asked before the turn limit is called."""

TOOLS_PER_REPLY: Final = 32


async def play(plan: Plan, purse: Purse | None = None) -> Transcript:
    """Play one episode and return its transcript.

    Whatever agents do ends in the transcript; the only exceptions that leave are cancellation,
    `BudgetSpent` and `UsageError` (a remedy for the user, such as a recording that does not match).
    """
    table = _Table(plan, purse or OpenPurse())
    await table.play()
    return table.transcript


class _Table:
    """The engine's view of one episode in play."""

    def __init__(self, plan: Plan, purse: Purse) -> None:
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
        self.places: dict[str, Seat] = {}
        self.turn = 0
        self.own_turn: dict[str, int] = {}
        self.relieved = False

    async def play(self) -> None:
        self._start()
        try:
            async with self.meter.episode():
                self.game.connect(self.channel)
                await self.game.open(self.transcript)
                self._take_seats()
                if self.game.pace == "turns":
                    await self._in_turns()
                else:
                    await self._at_own_pace()
        except BaseException as error:
            self._ended_by(error)
        finally:
            await self._close()
        await self._grade()
        self.transcript.add("end", turns=self.turn)

    def _start(self) -> None:
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

    def _take_seats(self) -> None:
        seating = self.plan.seating(self.seats)
        for seat in self.seats:
            self._seat(seat, seating[seat])
            brief = self.game.brief(seat)
            self.transcript.add("brief", seat, text=brief)
            self.conversations[seat] = Conversation(seat, brief, self.transcript)

    def _seat(self, seat: str, agent: Agent) -> None:
        solution = self.game.solution() if agent.wants_solution else None
        self.places[seat] = self._place(seat, solution)
        self.agents[seat] = agent.seated(self.places[seat])
        self.transcript.add("seated", seat, agent=agent.name, model=agent.model)

    def _place(self, seat: str, solution: Any = None) -> Seat:
        plan = self.plan
        return Seat(
            name=seat,
            seats=self.seats,
            agents={name: agent.name for name, agent in plan.seating(self.seats).items()},
            family=plan.family,
            params=plan.params,
            condition=plan.condition,
            seed=plan.seed,
            epoch=plan.epoch,
            episode=plan.id,
            solution=solution,
        )

    def _turn(self, seat: str) -> int:
        """The turn that the seat is in: everyone's, or its own where each seat works at its own pace."""
        return self.own_turn.get(seat, self.turn)

    # Turn by turn.

    async def _in_turns(self) -> None:
        while (asked := self.game.ask()) is not None:
            # Agents that answer at once never wait for anything: let other episodes and deadlines have their turn.
            await anyio.lowlevel.checkpoint()
            with self.meter.turn():
                replies = await self._ask_together(asked)
                moves = {seat: self._read(seat, replies[seat]) for seat in asked.seats}
                for note in self.game.apply(moves):
                    self.transcript.add(note.kind, note.seat, **dict(note.data))
                self._relieve()
            self.turn += 1

    async def _ask_together(self, asked: Ask) -> dict[str, Reply]:
        """Ask all seats before any of their moves happens; replies are recorded in seat order."""
        requests = {seat: self._request(seat, asked.phase) for seat in asked.seats}
        replies: dict[str, Reply] = {}
        if len(requests) == 1:
            ((seat, request),) = requests.items()
            replies[seat] = await self._answer(seat, request)
        else:
            faults: dict[str, Exception] = {}

            async def ask_one(seat: str) -> None:
                try:
                    replies[seat] = await self._answer(seat, requests[seat])
                except Exception as error:
                    faults[seat] = error

            async with anyio.create_task_group() as group:
                for seat in requests:
                    group.start_soon(ask_one, seat)
            for seat in asked.seats:  # what was answered is kept, then the first fault in seat order counts
                if seat in replies:
                    self._keep_reply(seat, replies[seat])
            for seat in asked.seats:
                if seat in faults:
                    raise faults[seat]
            for seat in asked.seats:
                self.meter.spend(seat, replies[seat].usage)
            return replies
        self._keep_reply(seat, replies[seat])
        self.meter.spend(seat, replies[seat].usage)
        return replies

    def _request(self, seat: str, phase: str) -> Request:
        inbox = self.channel.collect(seat)
        self._remind(seat)
        prompt = self.game.prompt(seat, inbox)
        return self._put(seat, phase, prompt, inbox)

    def _remind(self, seat: str) -> None:
        """Where the game fixes what a seat remembers, that is its conversation."""
        memory = self.game.recall(seat)
        if memory is not None and self.conversations[seat].recall(memory.turns, memory.system):
            self.transcript.add("brief", seat, text=memory.system)

    def _put(
        self,
        seat: str,
        phase: str,
        prompt: Prompt,
        inbox: tuple[Message, ...],
        results: tuple[ToolResult, ...] = (),
    ) -> Request:
        conversation = self.conversations[seat]
        conversation.hear(prompt.text, results)
        conversation.fit(self.agents[seat].context_tokens)
        self.transcript.add(
            "prompt",
            seat,
            turn=self._turn(seat),
            phase=phase,
            inbox=[message.seq for message in inbox],
            **({"text": prompt.text} if prompt.keep else {}),
        )
        return Request(
            seat=seat,
            turn=self._turn(seat),
            system=conversation.system,
            conversation=conversation.turns,
            tools=prompt.tools,
            view=prompt.view,
            inbox=inbox,
            phase=phase,
        )

    async def _answer(self, seat: str, request: Request) -> Reply:
        """One answer of an agent, with everything that can go wrong turned into what it means."""

        async def answer() -> Reply:
            async with self.meter.answer(seat):
                return await self._sheltered(seat, lambda: self.agents[seat].reply(request))

        return await self._paid(answer)

    async def _paid(self, answer: Callable[[], Awaitable[Reply]]) -> Reply:
        self.purse.check()
        reply = await answer()
        if reply.usage.cost_usd and not reply.replayed:
            self.purse.add(reply.usage.cost_usd)
        return reply

    def _book_failed(self, seat: str, error: BaseException) -> None:
        """Keep what an answer that never came has consumed."""
        usage = getattr(error, "usage", None)
        if isinstance(usage, Usage) and usage.calls:
            self.transcript.add(
                "failed_call", seat, turn=self._turn(seat), model=self.agents[seat].model, usage=asdict(usage)
            )
            if usage.cost_usd:
                self.purse.add(usage.cost_usd)

    async def _sheltered(self, seat: str, ask: Callable[[], Awaitable[Reply]]) -> Reply:
        agent = self.agents[seat]
        try:
            reply = await ask()
        except (InfrastructureError, LimitReached, BudgetSpent, UsageError) as error:
            self._book_failed(seat, error)
            raise
        except (ConnectionError, TimeoutError) as error:
            raise ProviderError(f"agent {agent.name!r}: {_told(error)}") from error
        except anyio.get_cancelled_exc_class() as error:
            self._book_failed(seat, error)
            if anyio.current_effective_deadline() == -math.inf or _being_cancelled():
                raise
            return self._nonsense(seat, f"the agent's own task was cancelled ({type(error).__name__})")
        except Exception as error:
            return self._nonsense(seat, f"the agent raised {_told(error)}")
        text: object = getattr(reply, "text", reply)  # agents are other people's code: believe no annotation
        if not isinstance(text, str):
            return self._nonsense(seat, f"the agent answered with {type(text).__name__}, not with text")
        return reply.with_text(bounded(valid(text), REPLY_LIMIT))

    def _nonsense(self, seat: str, why: str) -> Reply:
        """An empty answer in place of one that never came; `_read` tells why."""
        self.faults[seat] = why
        return Reply(usage=Usage(calls=1))

    def _keep_reply(self, seat: str, reply: Reply) -> None:
        self.conversations[seat].say(reply)
        data: dict[str, Any] = {"turn": self._turn(seat), "text": reply.text, "stop": reply.stop}
        if reply.tool_calls:
            data["tool_calls"] = [asdict(call) for call in reply.tool_calls]
        if reply.reasoning:
            data["reasoning"] = bounded(valid(reply.reasoning), REPLY_LIMIT)
        data["model"] = reply.model or self.agents[seat].model
        data["usage"] = asdict(reply.usage)
        self.transcript.add("reply", seat, **data)

    def _read(self, seat: str, reply: Reply) -> Move:
        move = self.game.parse(seat, reply)
        why = self.faults.pop(seat, move.malformed)
        if why is not None:
            self.transcript.add("malformed", seat, turn=self._turn(seat), why=one_line(why, 300))
        for speech in move.messages:
            self.channel.send(seat, speech.text, speech.to)
        if move.action is not None:
            self.transcript.add("action", seat, turn=self._turn(seat), action=move.action)
        return move

    def _relieve(self) -> None:
        """Relay: after K messages of the first seat its agent hands over to the second agent."""
        after = self.plan.condition.relay_after
        first = self.seats[0]
        if after is None or self.relieved or self.channel.sent[first] < after:
            return
        self.relieved = True
        self._seat(first, self.plan.agents[1])

    # Each at its own pace.

    async def _at_own_pace(self) -> None:
        async with anyio.create_task_group() as group:
            for seat in self.seats:
                group.start_soon(self._work, seat)

    async def _work(self, seat: str) -> None:
        await self.game.begin(seat)
        if self.agents[seat].autonomous:
            await self._work_alone(seat)
        else:
            await self._work_with_tools(seat)
        self.channel.leave(seat)
        await self.game.leave(seat)

    async def _work_alone(self, seat: str) -> None:
        """A whole job of an autonomous agent: one turn, under the episode's limits."""
        agent = self.agents[seat]
        desk = await self.game.desk(self.places[seat])
        if desk is None:
            raise UsageError(
                f"agent {agent.name!r} works at its own pace, which family {self.plan.family.name!r} does not allow"
            )
        self._next_turn(seat)
        self.transcript.add("prompt", seat, turn=self._turn(seat), phase="work", inbox=[], text=desk.prompt)
        with self.meter.turn():
            reply = await self._paid(lambda: self._sheltered(seat, lambda: agent.work(desk)))
            self._keep_reply(seat, reply)
            self.meter.spend(seat, reply.usage)
            why = self.faults.pop(seat, None)
            if why is not None:
                self.transcript.add("malformed", seat, turn=self._turn(seat), why=one_line(why, 300))

    async def _work_with_tools(self, seat: str) -> None:
        results: tuple[ToolResult, ...] = ()
        for _ in range(STEPS_AT_OWN_PACE):
            await anyio.lowlevel.checkpoint()
            if self.game.finished(seat):
                return
            self._next_turn(seat)
            inbox = self.channel.collect(seat)
            self._remind(seat)
            prompt = self.game.prompt(seat, inbox)
            request = self._put(seat, "work", prompt, inbox, results)
            with self.meter.turn():
                reply = await self._answer(seat, request)
                self._keep_reply(seat, reply)
                self.meter.spend(seat, reply.usage)
                move = self._read(seat, reply)
                for note in self.game.apply({seat: move}):
                    self.transcript.add(note.kind, note.seat, **dict(note.data))
                results = await self._use_tools(seat, reply)
                self._relieve()
        raise LimitReached("turn_limit", STEPS_AT_OWN_PACE, seat)

    def _next_turn(self, seat: str) -> None:
        """Each answer at one's own pace is a turn of its own; numbers are given out in order of the questions."""
        self.own_turn[seat] = self.turn
        self.turn += 1

    async def _use_tools(self, seat: str, reply: Reply) -> tuple[ToolResult, ...]:
        results = []
        turn = self._turn(seat)
        for number, call in enumerate(reply.tool_calls):
            asked = self.transcript.add(
                "tool_call", seat, id=call.id, name=call.name, arguments=dict(call.arguments), turn=turn
            )
            if number >= TOOLS_PER_REPLY:
                result = ToolResult(call.id, f"at most {TOOLS_PER_REPLY} tool calls a turn", is_error=True)
            elif self.game.finished(seat):
                result = ToolResult(call.id, "not done: you have finished", is_error=True)
            else:
                result = await self.game.call(seat, call)
            result = replace(result, text=bounded(valid(result.text), REPLY_LIMIT))
            self.transcript.add(
                "tool_result", seat, id=result.id, text=result.text, is_error=result.is_error, call=asked.seq
            )
            results.append(result)
        return tuple(results)

    # The end.

    async def _grade(self) -> None:
        """Let the plan's grader read what was played, unless the infrastructure has voided it."""
        plan = self.plan
        if plan.grader is None or self.transcript.last("error") is not None:
            return
        agent = plan.grader.seated(self._place(GRADER))
        try:
            examiner = Examiner(agent, self.transcript, self.purse)
            grade = await plan.family.grade(plan.params, plan.seed, plan.condition, self.transcript, examiner)
            if grade is not None:
                self.transcript.add("grade", None, **dict(grade))
        except Exception as error:
            self._ended_by(error)
        finally:
            with anyio.CancelScope(shield=True), contextlib.suppress(Exception):
                await agent.leave()

    def _ended_by(self, error: BaseException) -> None:
        """Write what ended the episode early, or let it through."""
        while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
            error = error.exceptions[0]
        if isinstance(error, BaseExceptionGroup):
            # Several seats failed at once: an infrastructure failure voids the episode, whatever else happened.
            leaves = _leaves(error)
            error = next((e for e in leaves if isinstance(e, InfrastructureError)), leaves[0])
        if isinstance(error, LimitReached):
            self.transcript.add("limit", error.seat, code=error.code, limit=error.limit, text=str(error))
        elif isinstance(error, InfrastructureError):
            self.transcript.add("error", None, code=error.code, text=_told(error))
        elif isinstance(error, (BudgetSpent, UsageError)) or not isinstance(error, Exception):
            raise error
        else:
            self.transcript.add(
                "error",
                None,
                code="setup_error",
                text=f"family {self.plan.family.name!r}: {_told(error)} (at {_where(error)})",
            )

    async def _close(self) -> None:
        with anyio.CancelScope(shield=True):
            for agent in self.agents.values():
                try:
                    await agent.leave()
                except Exception as error:
                    self.transcript.add("state", None, warning=f"agent {agent.name!r} left badly: {_told(error)}")
            try:
                await self.game.close(self.transcript)
            except InfrastructureError as error:
                self.transcript.add("error", None, code=error.code, text=_told(error))
            except Exception as error:
                self.transcript.add(
                    "error",
                    None,
                    code="setup_error",
                    text=f"family {self.plan.family.name!r} could not close: {_told(error)} (at {_where(error)})",
                )


def _told(error: BaseException) -> str:
    text = one_line(str(error), 500)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _where(error: BaseException) -> str:
    """File name and line of the innermost frame, for the author of a family."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return "unknown place"
    return f"{trace.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno}"


def _leaves(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    found: list[BaseException] = []
    for error in group.exceptions:
        found.extend(_leaves(error) if isinstance(error, BaseExceptionGroup) else [error])
    return found


def _being_cancelled() -> bool:
    """True when the running asyncio task itself was told to stop (not just something it awaited)."""
    import asyncio

    try:
        task = asyncio.current_task()
    except RuntimeError:
        return False
    return task is not None and task.cancelling() > 0
