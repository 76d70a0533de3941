"""The `collab` command: what is done with runs, tasks and agents outside a pytest session."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Final

from pytest_collab import __version__
from pytest_collab.errors import CollabError

COMMANDS: Final = {
    "show": "a run, or one episode of it, in the terminal",
    "report": "write a run's report page",
    "serve": "follow a run in the browser",
    "compare": "what got better or worse between runs, beyond noise",
    "history": "every gate and family over the nights",
    "regrade": "compute every outcome of a run again from its transcripts",
    "gate": "judge a run by a gates file",
    "merge": "put the shards of one run together",
    "schema": "the JSON Schemas of a run's files",
    "lessons": "what the teams of a run wrote into their memories for those after them, as a list",
    "cascades": "how pieces of information spread over the seats of a run",
    "export": "a run in other tools' formats",
    "validate": "check tasks: solvable, not vacuous, well-formed",
    "play": "play a seat yourself",
    "shrink": "the smallest case in which a failed episode still fails",
    "replicate": "play a published study's protocol, and print its table beside ours",
    "fuzz": "params under which a team fails most",
    "agents": "which agents are known, and whether they answer",
    "import": "make tasks of other projects' datasets, or of a repository's history",
    "new": "start a task, a family or an agent",
    "doctor": "what works on this machine, and how to mend what does not",
}
"""Every command is a module of this package (`import_` for `import`) with `configure(parser)` and `run(args)`."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the `collab` command.

    Returns:
        0 all is well; 1 the answer is no (a gate failed, a task is not valid, outcomes differ); 2 the command was
        wrong, or cannot be carried out.
    """
    given = sys.argv[1:] if arguments is None else list(arguments)
    parser = _parser(given)
    args = parser.parse_args(given)
    if args.command is None:
        parser.print_help()
        return 2
    try:
        status: int = _module(args.command).run(args)
        sys.stdout.flush()
        return status
    except CollabError as error:
        print(f"collab {args.command}: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader of a pipe had seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130


def _parser(given: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="collab",
        description="Look at, judge and share runs of pytest-collab.",
        epilog="Play with pytest itself.",
    )
    parser.add_argument("--version", action="version", version=f"pytest-collab {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    for name, text in COMMANDS.items():
        if find_spec(_path(name)) is not None:
            command = commands.add_parser(name, help=text, description=text.capitalize() + ".")
            if name in given:  # only the command that is used is imported
                _module(name).configure(command)
    return parser


def _path(name: str) -> str:
    return f"pytest_collab.cli.{'import_' if name == 'import' else name}"


def _module(name: str):  # type: ignore[no-untyped-def]
    return import_module(_path(name))
