"""`collab agents`: which agents there are, where they come from, and whether they answer."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from time import monotonic
from typing import Final

from pytest_collab.agents.agents_file import DEFAULT_NAME
from pytest_collab.agents.model import ModelAgent
from pytest_collab.agents.registry import Known, Registry
from pytest_collab.agents.secrets import redact
from pytest_collab.cli.project import project
from pytest_collab.episode.agent import Agent, Reply, Request, Turn
from pytest_collab.episode.text import counted, one_line
from pytest_collab.errors import CollabError, UsageError

NAME: Final = "agents"
HELP: Final = "list the agents that are known; check that one of them answers"

QUESTION: Final = Request("a", 0, "This is a connection test.", (Turn("user", "Answer with the single word: ready"),))


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--check", metavar="NAME", help="make one tiny call and report model, latency, tokens and cost"
    )
    parser.add_argument(
        "--file", type=Path, metavar="PATH", help=f"the agents file (default: {DEFAULT_NAME}, where there is one)"
    )


def run(args: argparse.Namespace) -> int:
    """Print the list, or the check's result; 1 when the agent does not answer."""
    try:
        here = project()
        registry = here.registry(args.file)
        return check(registry, args.check) if args.check else listing([*here.hooked(), *registry.known()])
    except CollabError as error:
        print(f"collab agents: {redact(str(error))}", file=sys.stderr)
        return 1


def listing(known: Sequence[Known]) -> int:
    """Print all known agents."""
    rows = [("agent", "key", "from"), *((entry.name, entry.key, entry.source) for entry in known)]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    for name, key, source in rows:
        print(f"{name:<{widths[0]}}  {key:<{widths[1]}}  {source}")
    print(
        "\nAlso: anthropic/MODEL, openai/MODEL, openai-chat/MODEL, command/PROGRAM, acp/NAME, a2a/URL, "
        "python/MODULE:NAME, team/MODULE:NAME, replay/DIR; "
        "`collab agents --check NAME` makes one tiny call."
    )
    return 0


def check(registry: Registry, name: str) -> int:
    """Make one tiny call.

    Raises:
        CollabError: the agent is not known, has no key, or does not answer.
    """
    agent = registry.get(name)
    if isinstance(agent, ModelAgent):
        agent.settings = agent.settings.model_copy(update={"max_retries": 1})  # somebody waits for the answer
    about = agent.describe()
    if about.get("provider") in ("builtin", "command", "human") or "replayed_from" in about:
        print(f"{name}: {agent.model or type(agent).__name__}; nothing to call, it needs no network")
        return 0
    if isinstance(agent, ModelAgent):
        print(f"{name}: {about['provider']}/{agent.model} at {about['address']}")
    else:
        print(f"{name}: {agent.model or type(agent).__name__}, an agent of the project's own")
    reply, seconds = asyncio.run(_ask(agent))
    usage = reply.usage
    price = f" ({about['price_from']})" if "price_from" in about else ""
    cost = "cost not known" if usage.cost_usd is None else f"${usage.cost_usd:.6f}{price}"
    print(f"  answered {one_line(reply.text, 60)!r} as {reply.model or agent.model} after {seconds:.2f} s")
    print(
        f"  {usage.input_tokens} tokens in, {usage.output_tokens} out, "
        f"{counted(usage.retries, 'retry', 'retries')}, {cost}"
    )
    return 0


async def _ask(agent: Agent) -> tuple[Reply, float]:
    began = monotonic()
    try:
        reply = await agent.reply(QUESTION)
        return reply, monotonic() - began
    except CollabError:
        raise
    except Exception as error:  # code of the project's own
        raise UsageError(f"agent {agent.name!r} raised {type(error).__name__}: {one_line(str(error), 300)}") from None
    finally:
        await agent.aclose()
