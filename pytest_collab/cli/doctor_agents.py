"""`collab doctor agents`: which coding CLIs are here, their versions, and what one turn with each comes to."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final, NamedTuple

import anyio

from pytest_collab.agents.known import CLIS, Cli
from pytest_collab.agents.registry import Registry
from pytest_collab.agents.secrets import redact
from pytest_collab.episode.agent import Request, Turn
from pytest_collab.episode.text import one_line
from pytest_collab.errors import CollabError

TRIAL_SECONDS: Final = 120.0
VERSION_SECONDS: Final = 30.0
PROMPT: Final = "This is a trial. Answer with the single word: ready"


class Seen(NamedTuple):
    """One CLI.

    Attributes:
        name: how it is seated, as in `acp/NAME`, or its program.
        version: what it says of itself; None where it is not installed.
        answer: what one turn came to; None where none was tried.
        trouble: why a turn came to nothing; empty if it did.
    """

    name: str
    program: str
    install: str
    version: str | None
    answer: str | None = None
    trouble: str = ""


def look(*, trial: bool) -> list[Seen]:
    """Look for every known CLI.

    Args:
        trial: put one tiny prompt to each that is here, in an empty folder: a call of a model, with its price.
    """
    return [_look(name, cli, trial=trial) for name, cli in CLIS.items()]


def _look(name: str, cli: Cli, *, trial: bool) -> Seen:
    known = f"acp/{name}" if cli.acp else cli.program
    if shutil.which(cli.program) is None:
        return Seen(known, cli.program, cli.install, None)
    seen = Seen(known, cli.program, cli.install, _version(cli.program))
    if not trial:
        return seen
    try:
        answer = anyio.run(_by_protocol, known) if cli.acp else _once(cli)
    except CollabError as error:
        return seen._replace(trouble=one_line(redact(str(error)), 300))
    except (OSError, TimeoutError, subprocess.TimeoutExpired):
        return seen._replace(trouble=f"no answer within {TRIAL_SECONDS:g} s")
    return seen._replace(answer=one_line(redact(answer), 60))


def _version(program: str) -> str:
    try:
        done = subprocess.run(
            [program, "--version"],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=VERSION_SECONDS,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return "does not tell its version"
    said = (done.stdout.strip() or done.stderr.strip()).splitlines()
    return one_line(said[0], 60) if said and done.returncode == 0 else "does not tell its version"


async def _by_protocol(name: str) -> str:
    agent = Registry().get(name)
    with anyio.fail_after(TRIAL_SECONDS):
        reply = await agent.reply(Request("a", 0, "", (Turn("user", PROMPT),)))
    return reply.text or "(nothing)"


def _once(cli: Cli) -> str:
    from pytest_collab.agents import printed

    with tempfile.TemporaryDirectory(prefix="collab-trial-", ignore_cleanup_errors=True) as folder:
        wrote = Path(folder) / "usage.json"
        command = [part.replace("{prompt}", PROMPT).replace("{usage_file}", str(wrote)) for part in cli.once]
        done = subprocess.run(
            command,
            cwd=folder,
            env=os.environ | {"PWD": folder},
            capture_output=True,
            text=True,
            errors="replace",
            timeout=TRIAL_SECONDS,
            stdin=subprocess.DEVNULL,
        )
    found = printed.read(done.stdout)
    if done.returncode or (found is not None and found.error):
        why = (
            found.error if found is not None and found.error else (done.stderr.strip() or done.stdout.strip())[-300:]
        )
        raise CollabError(f"it ended with status {done.returncode}: {why}")
    return (found.text if found is not None and found.text else done.stdout.strip()[-60:]) or "(nothing)"
