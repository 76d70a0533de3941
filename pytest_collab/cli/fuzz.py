"""`collab fuzz`: params under which a team that does well fails most."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Final

from pytest_collab import families
from pytest_collab.cli.project import project
from pytest_collab.cli.trial import Spent, Trial, searching, task_file
from pytest_collab.episode.condition import Condition
from pytest_collab.episode.family import Family, Params
from pytest_collab.episode.run import ignore_in_git
from pytest_collab.episode.text import counted
from pytest_collab.errors import TaskError, UsageError

DATABASE: Final = Path(".collab/fuzz")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("family", help="what to play, e.g. maze")
    parser.add_argument(
        "--agents", required=True, metavar="A,B", help="the team, in seat order (A plays with itself)"
    )
    parser.add_argument("--condition", default="team", help="team, mute, shared, ...; solo plays alone (team)")
    parser.add_argument("--budget", type=int, default=100, metavar="N", help="episodes that may be played (100)")
    parser.add_argument("--max-cost", type=float, metavar="USD", help="dollars that may be spent")
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="problems that are played of each case (3)")
    parser.add_argument("--database", type=Path, default=DATABASE, metavar="DIR", help=f"found cases ({DATABASE})")
    parser.add_argument("--agents-file", type=Path, metavar="PATH", help="the agents file")
    parser.epilog = (
        "Cases that were found are kept in the database and played first the next time. "
        "Exit status: 0 no case fails on all its seeds; 1 one does."
    )


def run(args: argparse.Namespace) -> int:
    """Look for the worst case within the budget; print it as a task file."""
    here = project()
    family: Family[Any] = families.get(args.family)
    condition = Condition.parse(args.condition)
    named = tuple(name.strip() for name in args.agents.split(",") if name.strip())
    if not named or args.seeds < 1:
        raise UsageError("name a team, as in --agents=claude,gpt, and at least one seed")
    team = named[:1] if condition.takes_one_agent else named if len(named) > 1 else named * 2
    trial = Trial(family, here.registry(args.agents_file, family.cast), team, condition, args.budget, args.max_cost)
    args.database.mkdir(parents=True, exist_ok=True)
    ignore_in_git(args.database)
    with searching():
        worst = _search(trial, args.seeds, args.database)
    if worst is None:
        raise UsageError(f"--budget={args.budget} is too little to play one case of {counted(args.seeds, 'seed')}")
    params, rate, seed = worst
    spent = f"{counted(trial.played, 'episode')} played, ${trial.cost_usd:.2f}"
    if not rate:
        print(f"{'+'.join(team)} failed in no case that was tried; {spent}")
        return 0
    print(task_file(family.name, params, condition, seed, None))
    print(
        f"{'+'.join(team)} fails on {rate:.0%} of {counted(args.seeds, 'seed')} of this case, the worst "
        f"that was found; {spent}"
    )
    return int(rate == 1.0)


def _search(trial: Trial, seeds: int, database: Path) -> tuple[Params, float, int] | None:
    """The smallest case that fails on all seeds, else the one that fails on most; with a seed that fails."""
    try:
        from hypothesis import HealthCheck, Phase, find, settings, target
        from hypothesis.database import DirectoryBasedExampleDatabase
        from hypothesis.errors import NoSuchExample
    except ImportError:
        raise UsageError("collab fuzz needs hypothesis: pip install hypothesis") from None
    from pytest_collab.strategies import games

    known: dict[str, tuple[Params, float, int]] = {}

    def fails(params: Params) -> bool:
        key = params.model_dump_json()
        if key not in known:
            trial.prepare(params, range(seeds))
            try:
                lost = [seed for seed in range(seeds) if not trial.once(params, seed).episode.success]
            except (Spent, TaskError):
                return False
            known[key] = (params, len(lost) / seeds, lost[0] if lost else 0)
        rate = known[key][1]
        target(rate, label="share of seeds that fail")
        return rate == 1.0

    names = f"{trial.family.name}|{'+'.join(trial.team)}|{trial.condition}"
    try:
        found = find(
            games(trial.family.name),
            fails,
            settings=settings(
                database=DirectoryBasedExampleDatabase(database),
                phases=[Phase.reuse, Phase.generate, Phase.target, Phase.shrink],
                max_examples=max(10, trial.budget),
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
            database_key=names.encode(),
        )
        return known[found.model_dump_json()]
    except NoSuchExample:
        return max(known.values(), key=lambda one: one[1], default=None)
