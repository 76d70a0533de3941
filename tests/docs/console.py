"""Runs a page of the documentation: writes the files that it shows, runs its commands, compares what they print.

    ```yaml title="tasks/first.collab.yaml"     a file, written as it stands
    ```console                                  `$ COMMAND`, then what it prints; `...` stands for anything

Commands of one block share a shell, so that `echo $?` works. A block that is not to be run (it needs a key, or the
network) has the comment `<!-- not run: WHY -->` on the line before it.
"""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(
    r"(?P<skip><!-- not run: .*? -->\n)?^```(?P<kind>\w+)(?: title=\"(?P<title>[^\"]+)\")?\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_END = "-*- end of a command -*-"
_FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
_IDLE = ("cacheprovider", "langsmith_plugin", "hypothesispytest", "html", "html_fixtures", "metadata", "anyio")
_ADDED = " ".join(f"-p no:{plugin}" for plugin in _IDLE)
_PROGRAMS = {"pytest": "-m pytest", "collab": "-m pytest_collab.cli", "python": ""}


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block.

    Attributes:
        title: the file that it is, for files.
        line: where it begins, from 1.
        run: False where the page says that it is not to be run.
    """

    kind: str
    title: str
    text: str
    line: int
    run: bool

    def commands(self) -> list[tuple[str, str]]:
        """Commands with what each is to print."""
        found: list[tuple[str, str]] = []
        for line in self.text.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], ""))
            elif line.startswith("> ") and found and not found[-1][1]:
                found[-1] = (f"{found[-1][0]}\n{line[2:]}", "")
            elif found:
                found[-1] = (found[-1][0], f"{found[-1][1]}{line}\n")
        return found


def blocks(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    for found in _BLOCK.finditer(text):
        line = text.count("\n", 0, found.start("kind")) + 1
        yield Block(found["kind"], found["title"] or "", found["text"], line, found["skip"] is None)


def run(page: Path, folder: Path, root: Path, links: Sequence[str] = ()) -> list[str]:
    """Do what a page says, in a folder of its own.

    Args:
        root: the repository.
        links: what of the repository is there, too.

    Returns:
        What did not come out as the page says, one entry a command.
    """
    programs = folder / ".programs"
    programs.mkdir()
    for name, arguments in _PROGRAMS.items():
        program = programs / name
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" {arguments} "$@"\n')
        program.chmod(0o755)
    work = folder / "work"
    work.mkdir()
    for name in links:
        (work / name).symlink_to(root / name)
    wrong = []
    for block in blocks(page):
        if block.title:
            path = work / block.title
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
        elif block.kind == "console" and block.run:
            wrong += _run(block, page, work, _environment(programs, root))
    return wrong


def _environment(programs: Path, root: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "GITHUB", "OTEL"))}
    for name in (
        "ANTHROPIC_API_KEY",
        "OPENAI_API_KEY",
        "CI",
        "BUILD_NUMBER",
    ):  # under the last two, lines are not cut
        kept.pop(name, None)
    more = {"PYTHONPATH": str(root), "COLUMNS": "90", "PYTEST_ADDOPTS": _ADDED, "LC_ALL": "C.UTF-8"}
    more["PYTHONUNBUFFERED"] = "1"  # as on a terminal: what is printed first is read first
    return kept | more | {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}


def _run(block: Block, page: Path, work: Path, environment: dict[str, str]) -> list[str]:
    commands = block.commands()
    script = "".join(f"{command}\nlast=$?; printf '%s\\n' '{_END}'; (exit $last)\n" for command, _ in commands)
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=work,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=600,
    )
    printed = done.stdout.split(f"{_END}\n")
    checker = doctest.OutputChecker()
    wrong = []
    for (command, wanted), got in zip(commands, printed, strict=False):
        if wanted.strip() and not checker.check_output(wanted, got, _FLAGS):
            wrong.append(f"{page.name}:{block.line}: $ {command}\nwanted:\n{wanted}\ngot:\n{got}")
    if len(printed) <= len(commands):
        wrong.append(f"{page.name}:{block.line}: the shell ended before the last command:\n{done.stdout}")
    return wrong
