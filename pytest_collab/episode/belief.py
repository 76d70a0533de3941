"""What each seat believes was agreed on, asked of it apart when the episode has ended."""

from __future__ import annotations

from dataclasses import asdict
from typing import Final

import anyio

from pytest_collab.episode.agent import Reply, Request, Turn
from pytest_collab.episode.table import Table
from pytest_collab.errors import InfrastructureError, LimitReached, UsageError

SECONDS: Final = 180.0
"""How long a seat may take for its answer."""

PHASE: Final = "belief"


async def ask_seats(table: Table) -> None:
    """Ask every seat the family's closing question; its answers become `belief` events.

    Nobody hears the answers, and the episode is over: a seat that cannot answer, and a recording that has no answer,
    leave it at what was said.
    """
    plan = table.plan
    if not plan.asks_seats or table.transcript.last("error") is not None:
        return
    for seat in table.seats:
        text = plan.family.closing(plan.params, plan.seed, plan.condition, table.transcript, seat)
        if text is None or seat not in table.conversations:
            continue
        conversation = table.conversations[seat]
        request = Request(
            seat=seat,
            turn=table.turn_of(seat) + 1,
            system=conversation.system,
            conversation=(*conversation.turns, Turn("user", text)),
            phase=PHASE,
        )
        reply = await _answer(table, seat, request)
        if reply is not None:
            table.transcript.add(
                "belief",
                seat,
                text=reply.text,
                model=reply.model or table.agents[seat].model,
                usage=asdict(reply.usage),
            )


async def _answer(table: Table, seat: str, request: Request) -> Reply | None:
    agent = table.agents[seat]
    with anyio.move_on_after(SECONDS):
        try:
            return await table.paid(lambda: table.sheltered(seat, lambda: agent.reply(request)))
        except (InfrastructureError, LimitReached, UsageError):
            return None
    return None
