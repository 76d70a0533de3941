"""The engine: plays one episode, from an empty table to a transcript with an `end` event."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import anyio
import anyio.lowlevel

from pytest_collab.episode.agent import Reply, ToolResult
from pytest_collab.episode.belief import ask_seats
from pytest_collab.episode.examiner import GRADER, Examiner
from pytest_collab.episode.game import Ask
from pytest_collab.episode.limits import Books, BudgetSpent, OpenPurse
from pytest_collab.episode.plan import Plan
from pytest_collab.episode.table import Table
from pytest_collab.episode.text import REPLY_LIMIT, bounded, one_line, told, valid
from pytest_collab.episode.transcript import Transcript
from pytest_collab.errors import InfrastructureError, LimitReached, UsageError

STEPS_AT_OWN_PACE: Final = 500
"""How often a seat that works at its own pace is asked before the turn limit is called."""

TOOLS_PER_REPLY: Final = 32


async def play(
    plan: Plan, purse: Books | None = None, begun: Callable[[str, Transcript], None] | None = None
) -> Transcript:
    """Play one episode and return its transcript.

    `begun` is given the episode's id and its transcript before anything is in it.

    Whatever agents do ends in the transcript; the only exceptions that leave are cancellation,
    `BudgetSpent` and `UsageError` (a remedy for the user, such as a recording that does not match).
    """
    table = Table(plan, purse or OpenPurse())
    if begun is not None:
        begun(plan.id, table.transcript)
    table.start()
    try:
        async with table.meter.episode():
            table.game.connect(table.channel)
            await table.game.open(table.transcript)
            table.take_seats()
            if table.game.pace == "turns":
                await _in_turns(table)
            else:
                await _at_own_pace(table)
        await ask_seats(table)
    except BaseException as error:
        _ended_by(table, error)
    finally:
        await _close(table)
    await _grade(table)
    table.transcript.add("end", turns=table.turn)
    return table.transcript


# Turn by turn.


async def _in_turns(table: Table) -> None:
    while (asked := table.game.ask()) is not None:
        # Agents that answer at once never wait for anything: let other episodes and deadlines have their turn.
        await anyio.lowlevel.checkpoint()
        with table.meter.turn():
            replies = await _ask_together(table, asked)
            moves = {seat: table.read(seat, replies[seat]) for seat in asked.seats}
            for note in table.game.apply(moves):
                table.transcript.add(note.kind, note.seat, **dict(note.data))
            table.relieve()
        table.turn += 1


async def _ask_together(table: Table, asked: Ask) -> dict[str, Reply]:
    """Ask all seats before any of their moves happens; replies are recorded in seat order."""
    requests = {seat: table.request(seat, asked.phase) for seat in asked.seats}
    replies: dict[str, Reply] = {}
    if len(requests) == 1:
        ((seat, request),) = requests.items()
        replies[seat] = await table.answer(seat, request)
    else:
        faults: dict[str, Exception] = {}

        async def ask_one(seat: str) -> None:
            try:
                replies[seat] = await table.answer(seat, requests[seat])
            except Exception as error:
                faults[seat] = error

        async with anyio.create_task_group() as group:
            for seat in requests:
                group.start_soon(ask_one, seat)
        for seat in asked.seats:  # what was answered is kept, then the first fault in seat order counts
            if seat in replies:
                table.keep(seat, replies[seat])
        for seat in asked.seats:
            if seat in faults:
                raise faults[seat]
        for seat in asked.seats:
            table.meter.spend(seat, replies[seat].usage)
        return replies
    table.keep(seat, replies[seat])
    table.meter.spend(seat, replies[seat].usage)
    return replies


# Each at its own pace.


async def _at_own_pace(table: Table) -> None:
    async with anyio.create_task_group() as group:
        for seat in table.seats:
            group.start_soon(_work, table, seat)


async def _work(table: Table, seat: str) -> None:
    await table.game.begin(seat)
    if table.agents[seat].autonomous:
        await _work_alone(table, seat)
    else:
        await _work_with_tools(table, seat)
    table.channel.leave(seat)
    await table.game.leave(seat)


async def _work_alone(table: Table, seat: str) -> None:
    """A whole job of an autonomous agent: one turn, under the episode's limits."""
    agent = table.agents[seat]
    desk = await table.game.desk(table.places[seat])
    if desk is None:
        raise UsageError(
            f"agent {agent.name!r} works at its own pace, which family {table.plan.family.name!r} does not allow"
        )
    _next_turn(table, seat)
    limits = table.plan.limits.told(alone=True)
    desk = replace(desk, prompt=f"{desk.prompt}\n\n{limits}".strip())
    text = agent.instructions(desk)
    table.transcript.add("prompt", seat, turn=table.turn_of(seat), phase="work", inbox=[], text=text)
    with table.meter.turn():
        reply = await table.paid(lambda: table.sheltered(seat, lambda: agent.work(desk)))
        table.keep(seat, reply)
        table.meter.spend(seat, reply.usage)
        why = table.faults.pop(seat, None)
        if why is not None:
            table.transcript.add("malformed", seat, turn=table.turn_of(seat), why=one_line(why, 300))


async def _work_with_tools(table: Table, seat: str) -> None:
    results: tuple[ToolResult, ...] = ()
    for _ in range(STEPS_AT_OWN_PACE):
        await anyio.lowlevel.checkpoint()
        if table.game.finished(seat):
            return
        _next_turn(table, seat)
        inbox = table.channel.collect(seat)
        table.remind(seat)
        prompt = table.game.prompt(seat, inbox)
        request = table.put(seat, "work", prompt, inbox, results)
        with table.meter.turn():
            reply = await table.answer(seat, request)
            table.keep(seat, reply)
            table.meter.spend(seat, reply.usage)
            move = table.read(seat, reply)
            for note in table.game.apply({seat: move}):
                table.transcript.add(note.kind, note.seat, **dict(note.data))
            results = await _use_tools(table, seat, reply)
            table.relieve()
    raise LimitReached("turn_limit", STEPS_AT_OWN_PACE, seat)


def _next_turn(table: Table, seat: str) -> None:
    """Each answer at one's own pace is a turn of its own; numbers are given out in order of the questions."""
    table.own_turn[seat] = table.turn
    table.turn += 1


async def _use_tools(table: Table, seat: str, reply: Reply) -> tuple[ToolResult, ...]:
    results = []
    turn = table.turn_of(seat)
    for number, call in enumerate(reply.tool_calls):
        asked = table.transcript.add(
            "tool_call", seat, id=call.id, name=call.name, arguments=dict(call.arguments), turn=turn
        )
        if reply.stop != "tool" and (why := _broken_off(reply)):
            result = ToolResult(call.id, why, is_error=True)
        elif number >= TOOLS_PER_REPLY:
            result = ToolResult(call.id, f"at most {TOOLS_PER_REPLY} tool calls a turn", is_error=True)
        elif table.game.finished(seat):
            result = ToolResult(call.id, "not done: you have finished", is_error=True)
        else:
            result = await table.game.call(seat, call)
        result = replace(result, text=bounded(valid(result.text), REPLY_LIMIT))
        table.transcript.add(
            "tool_result", seat, id=result.id, text=result.text, is_error=result.is_error, call=asked.seq
        )
        results.append(result)
    return tuple(results)


def _broken_off(reply: Reply) -> str:
    """Why no tool of an answer is used that did not come to its end; empty for one that did."""
    if reply.stop == "length":
        known = reply.usage.output_tokens and not reply.usage.retries
        after = f" after {reply.usage.output_tokens} tokens" if known else ""
        return (
            f"not done: your answer was cut off at its length limit{after}, so this call may be incomplete. "
            "Write less at once: one call, or a smaller part of it."
        )
    if reply.stop in ("refusal", "filter"):
        return "not done: your answer broke off (it was refused or filtered)"
    return ""


# The end.


async def _grade(table: Table) -> None:
    """Let the plan's grader read what was played, unless the infrastructure has voided it."""
    plan = table.plan
    if plan.grader is None or table.transcript.last("error") is not None:
        return
    agent = plan.grader.seated(table.place(GRADER))
    try:
        for _ in range(plan.gradings):
            examiner = Examiner(agent, table.transcript, table.purse)
            grade = await plan.family.grade(plan.params, plan.seed, plan.condition, table.transcript, examiner)
            if grade is not None:
                table.transcript.add("grade", None, **dict(grade))
    except Exception as error:
        _ended_by(table, error)
    finally:
        with anyio.CancelScope(shield=True), contextlib.suppress(Exception):
            await agent.leave()


def _ended_by(table: Table, error: BaseException) -> None:
    """Write what ended the episode early, or let it through."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    if isinstance(error, BaseExceptionGroup):
        # Several seats failed at once: an infrastructure failure voids the episode, whatever else happened.
        leaves = _leaves(error)
        error = next((e for e in leaves if isinstance(e, InfrastructureError)), leaves[0])
    if isinstance(error, LimitReached):
        at_work = _at_work(table) if error.seat is None else []
        told_of = {"seats": at_work} if at_work else {}
        table.transcript.add("limit", error.seat, code=error.code, limit=error.limit, text=str(error), **told_of)
    elif isinstance(error, InfrastructureError):
        table.transcript.add("error", None, code=error.code, text=told(error))
    elif isinstance(error, (BudgetSpent, UsageError)) or not isinstance(error, Exception):
        raise error
    else:
        table.transcript.add(
            "error",
            None,
            code="setup_error",
            text=f"family {table.plan.family.name!r}: {told(error)} (at {_where(error)})",
        )


def _at_work(table: Table) -> list[str]:
    """Where seats work at their own pace, those that had not finished when the episode's own limit was reached."""
    if table.game.pace == "turns":
        return []
    return [seat for seat in table.seats if not table.channel.gone(seat)]


async def _close(table: Table) -> None:
    with anyio.CancelScope(shield=True):
        for agent in table.agents.values():
            try:
                await agent.leave()
            except Exception as error:
                table.transcript.add("state", None, warning=f"agent {agent.name!r} left badly: {told(error)}")
        try:
            await table.game.close(table.transcript)
        except InfrastructureError as error:
            table.transcript.add("error", None, code=error.code, text=told(error))
        except Exception as error:
            table.transcript.add(
                "error",
                None,
                code="setup_error",
                text=f"family {table.plan.family.name!r} could not close: {told(error)} (at {_where(error)})",
            )


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
