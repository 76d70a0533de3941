"""`collab shrink`: the smallest case under which a team still fails as it did."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from pytest_collab import families
from pytest_collab.cli.project import project
from pytest_collab.cli.show import find
from pytest_collab.cli.trial import Spent, Trial, searching, task_file
from pytest_collab.episode.condition import Condition
from pytest_collab.episode.executor import Finished
from pytest_collab.episode.family import Family, Params
from pytest_collab.episode.run import RunDirectory
from pytest_collab.episode.text import counted
from pytest_collab.errors import UsageError
from pytest_collab.families.difficulty import Dial, dials_of, params_at

_WHOLE: Final = 8
"""The scale at which every number of a case may be as it was."""

_SEEDS: Final = 3
"""Problems that are tried of a smaller case before it counts as one that does not fail.

Only where one play says all: with agents that answer differently each time, every further try is one more for luck.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", type=Path, help="a run directory")
    parser.add_argument("episode", help="the id of a failed episode, or a part that only one has")
    parser.add_argument("--budget", type=int, default=40, metavar="N", help="episodes that may be played (40)")
    parser.add_argument("--max-cost", type=float, metavar="USD", help="dollars that may be spent")
    parser.add_argument("--code", help="the failure that has to show (default: the episode's most important one)")
    parser.add_argument("--record", type=Path, metavar="DIR", help="play exchanges back from DIR; keep what is new")
    parser.add_argument("--agents-file", type=Path, metavar="PATH", help="the agents file")
    parser.epilog = (
        "The same agents play ever smaller variants. A variant counts where the failure shows by a sequential test, "
        "so that luck does not steer. Exit status: 0 a case was found; 1 the failure does not show again."
    )


def run(args: argparse.Namespace) -> int:
    """Shrink, and print the smallest case as a task file, with where its transcript is."""
    from pytest_collab.measure.reproduction import shows
    from pytest_collab.report.story import tell

    directory = RunDirectory.open(args.run)
    here = project()
    failed = find(directory.mentioning(args.episode), args.episode)
    code = args.code or (failed.headline.code if failed.headline is not None else None)
    if code is None:
        raise UsageError(
            f"episode {failed.id} shows no failure; `collab show {args.run} --failed` lists those that do"
        )
    start = directory.transcript(failed).start
    family: Family[Any] = families.get(start["family"])
    params = family.params_type.model_validate(start["params"])
    trial = Trial(
        family,
        here.registry(args.agents_file, family.cast, tape=args.record),
        tuple(start["team"]),
        Condition.parse(start["condition"]),
        args.budget,
        args.max_cost,
    )
    with searching():
        found = smallest(trial, params, start["seed"], code, shows)
    if found is None:
        print(
            f"{code} does not show again when {failed.id} is played as it was "
            f"({counted(trial.played, 'play')}): it comes and "
            "goes with the agents' answers, and no smaller case would say more. Repeat it: --collab-epochs=10."
        )
        return 1
    least, seed, finished = found
    text = task_file(family.name, least, trial.condition, seed, trial.limits)
    folder = directory.path / "smallest"
    folder.mkdir(exist_ok=True)
    task, transcript = folder / f"{failed.id}.collab.yaml", folder / f"{failed.id}.jsonl"
    task.write_text(text, encoding="utf-8")
    finished.transcript.write(transcript)
    print(text)
    print(tell(finished, transcript, whole=True))
    print(f"{code} shows in this case; {counted(trial.played, 'episode')} played, ${trial.cost_usd:.2f}")
    print(f"task file: {task}\ntranscript: {transcript}", file=sys.stdout)
    return 0


def smallest(trial: Trial, params: Params, seed: int, code: str, shows: Any) -> tuple[Params, int, Finished] | None:
    """The smallest case in which `code` shows, from a case in which it did; None where it does not show again.

    hypothesis does the shrinking: the case is handed to it as an example that its database has kept.

    Args:
        shows: the sequential test, see `measure.reproduction.shows`.
    """
    try:
        from hypothesis import HealthCheck, Phase, settings
        from hypothesis import find as find_example
        from hypothesis import strategies as st
        from hypothesis.database import InMemoryExampleDatabase, choices_to_bytes
        from hypothesis.errors import NoSuchExample
    except ImportError:
        raise UsageError("collab shrink needs hypothesis 6.124 or newer: pip install -U hypothesis") from None

    def fails(finished: Finished) -> bool:
        return any(failure.code == code for failure in finished.episode.failures)

    first = trial.failing(params, seed, fails, shows)
    if first is None:
        return None
    kind = type(params)
    dials = _dials(params)
    fixed = {name: getattr(params, name) for name in kind.model_fields}
    known: dict[tuple[str, int], Finished | None] = {(params.model_dump_json(), seed): first}
    top = (_WHOLE, *(dial.levels for dial in dials))
    cases: dict[tuple[int, ...], tuple[Params, int, Finished]] = {top: (params, seed, first)}
    lucky = [seed]
    more = range(_SEEDS - 1) if trial.repeats_itself else ()

    def shown(candidate: Params, number: int) -> Finished | None:
        key = (candidate.model_dump_json(), number)
        if key not in known:
            known[key] = trial.failing(candidate, number, fails, shows)
        return known[key]

    def condition(levels: tuple[int, ...]) -> bool:
        candidate = params_at(kind, fixed, dials, _scaled(dials, *levels))
        if candidate is None:
            return False
        numbers = [*dict.fromkeys([lucky[-1], *more])]
        trial.prepare(candidate, numbers)
        for number in numbers:
            try:
                finished = shown(candidate, number)
            except Spent:
                return False  # what is open when nothing is left counts as not shown
            if finished is not None:
                lucky.append(number)
                cases[levels] = (candidate, number, finished)
                return True
        return False

    database = InMemoryExampleDatabase()
    database.save(b"smallest.secondary", choices_to_bytes(top))  # of its own key it takes what was shrunk already
    drawn = st.tuples(*(st.integers(0, level) for level in top))
    try:
        levels = find_example(
            drawn,
            condition,
            settings=settings(
                database=database,
                phases=[Phase.reuse, Phase.shrink],
                max_examples=100_000,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
            database_key=b"smallest",
        )
    except NoSuchExample:
        levels = top
    return cases[tuple(levels)]


def _scaled(dials: Sequence[Dial], scale: int, *levels: int) -> list[int]:
    """Levels with those of counts held below `scale` eighths: sizes, paths and rounds come down together.

    One alone often cannot: a path of twelve steps is in no small maze. Shares, such as that of walls, stay.
    """
    return [
        level if isinstance(dial.easiest, float) else min(level, round(dial.levels * scale / _WHOLE))
        for dial, level in zip(dials, levels, strict=True)
    ]


def _dials(params: Params) -> list[Dial]:
    """The dials of a case, with what it has as their hardest; what it leaves out stays left out."""
    found = []
    for dial in dials_of(type(params)):
        value = getattr(params, dial.name)
        if isinstance(value, (int, float, tuple)) and dial.up_to(value).levels:
            found.append(dial.up_to(value))
    return found
