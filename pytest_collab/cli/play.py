"""`collab play`: play a game yourself, with an agent as your partner."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path
from typing import Any, Final

from pytest_collab import families
from pytest_collab.agents.secrets import redact
from pytest_collab.cli.project import project
from pytest_collab.episode.condition import Condition
from pytest_collab.episode.engine import play
from pytest_collab.episode.family import Family
from pytest_collab.episode.judge import judge, record
from pytest_collab.episode.plan import Plan
from pytest_collab.episode.text import counted, printable
from pytest_collab.errors import CollabError, UsageError

NAME: Final = "play"
HELP: Final = "play a game yourself, with an agent as your partner"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("family", help="what to play, e.g. maze")
    parser.add_argument("--with", dest="partner", default="partner", metavar="AGENT", help="your partner (partner)")
    parser.add_argument(
        "--as", dest="player", default="human", metavar="AGENT", help="who plays the first seat (human)"
    )
    parser.add_argument("--condition", default="team", help="team, mute, shared, ...; solo plays alone (team)")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="which problem (0)")
    parser.add_argument(
        "--param", action="append", default=[], metavar="KEY=VALUE", help="a parameter of the family; again for more"
    )
    parser.add_argument("--agents-file", type=Path, metavar="PATH", help="the agents file")


def run(args: argparse.Namespace) -> int:
    """Play one episode and print what it came to; 0 on success, 1 otherwise."""
    try:
        return _play(args)
    except CollabError as error:
        print(f"collab play: {redact(str(error))}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\ngiven up")
        return 1


def _play(args: argparse.Namespace) -> int:
    here = project()
    family: Family[Any] = families.get(args.family)
    params = family.params_type(**dict(parameter(text) for text in args.param))
    condition = Condition.parse(args.condition)
    registry = here.registry(args.agents_file, family.cast)
    names = (args.player,) if condition.takes_one_agent else (args.player, args.partner)
    family.prepare([(params, [args.seed])])
    plan = Plan(
        family=family,
        params=params,
        task="played",
        task_hash="",
        condition=condition,
        team=names,
        agents=tuple(registry.get(name) for name in names),
        others=registry.get(condition.others) if condition.others else None,
        seed=args.seed,
        limits=family.limits(params),
    )

    async def game() -> Any:
        try:
            return await play(plan)
        finally:
            for agent in registry.all():
                await agent.aclose()

    transcript = asyncio.run(game())
    episode = record(transcript, judge(family, params, args.seed, condition, transcript), episode_id=plan.id)
    picture = family.draw(params, args.seed, condition, transcript)
    if picture is not None:
        print(f"\n{picture.text}")
    print(f"\n{episode.outcome.value}: score {episode.score:.2f} after {counted(episode.turns, 'turn')}")
    for failure in episode.failures:
        print(f"  {failure.code} ({', '.join(failure.seats) or 'nobody'}): {printable(failure.note)}")
    return 0 if episode.success else 1


def parameter(text: str) -> tuple[str, Any]:
    """What `--param=KEY=VALUE` says. Raises UsageError."""
    import yaml

    key, sign, value = text.partition("=")
    if not sign or not key:
        raise UsageError(f"--param={text}: write KEY=VALUE, as in --param=size=4")
    try:
        return key, yaml.safe_load(value)
    except yaml.YAMLError:
        raise UsageError(f"--param={text}: {value!r} is not a value (a number, a word, or a list in [])") from None
