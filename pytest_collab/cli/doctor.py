"""`collab doctor`: what works on this machine, and how to mend what does not."""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Literal

from pytest_collab.errors import CollabError, UsageError

OLDEST_GIT: Final = (2, 38)  # the first whose merge-tree writes a tree, which the merge check of coding asks for
PATIENCE_S: Final = 120.0

State = Literal["ok", "missing", "broken"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        name: the thing.
        state: `missing` is not there (or not set), `broken` is there and does not work.
        needed: without it the shipped suite cannot be played; everything else is for some uses only.
        detail: one line: what was found.
        use: what it is for.
        fix: what to install or set; empty if it works.
    """

    name: str
    state: State
    needed: bool
    detail: str
    use: str
    fix: str = ""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", nargs="*", metavar="PART", help=f"only these: {', '.join(_PARTS)} (default: all)")
    parser.add_argument("--json", action="store_true", help="the findings as JSON")
    parser.add_argument("--agents-file", type=Path, metavar="PATH", help="the agents file whose keys to look for")


def run(args: argparse.Namespace) -> int:
    """Print what was found; 1 when something that the shipped suite needs does not work."""
    unknown = sorted(set(args.what) - set(_PARTS))
    if unknown:
        raise UsageError(f"there is nothing called {unknown[0]!r} to look at; parts are {', '.join(_PARTS)}")
    findings = examine(args.what or tuple(_PARTS), args.agents_file)
    if not args.what or "agents" in args.what:
        findings += _clis(trial="agents" in args.what)
    if args.json:
        print(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        _show(findings)
    return int(any(finding.needed and finding.state != "ok" for finding in findings))


def examine(parts: Sequence[str], agents_file: Path | None = None) -> list[Finding]:
    """Look at everything, each for real: commands are run, a maze is made, a command is run in each sandbox."""
    return [finding for part in parts for finding in _PARTS[part](agents_file)]


_LANGUAGES: Final[Mapping[str, str]] = {"node": "javascript", "go": "go", "cargo": "rust"}
_TOOLS: Final = (
    ("node", ("--version",), "JavaScript coding tasks", "install Node.js 20 or newer: apt-get install nodejs npm"),
    ("go", ("version",), "Go coding tasks", "install Go: apt-get install golang-go, or https://go.dev/dl"),
    ("cargo", ("--version",), "Rust coding tasks", "install Rust: apt-get install cargo, or https://rustup.rs"),
    (
        "chromium",
        ("--version",),
        "the project's own tests of report pages in a browser",
        "apt-get install chromium",
    ),
)


def _python(_: Path | None) -> list[Finding]:
    found = f"{platform.python_version()} ({sys.executable})"
    return [Finding("python", "ok", True, found, "everything")]  # an older one cannot install the package


def _git(_: Path | None) -> list[Finding]:
    use = "coding tasks"
    fix = "install git 2.38 or newer: apt-get install git, or https://git-scm.com"
    done = _run(["git", "--version"])
    if done is None:
        return [Finding("git", "missing", True, "not on PATH", use, fix)]
    found = re.search(r"(\d+)\.(\d+)", done.stdout)
    if done.returncode or found is None:
        return [Finding("git", "broken", True, _last_line(done), use, fix)]
    if (int(found[1]), int(found[2])) < OLDEST_GIT:
        return [Finding("git", "broken", True, f"{done.stdout.strip()} has no `merge-tree --write-tree`", use, fix)]
    return [Finding("git", "ok", True, done.stdout.strip().removeprefix("git version "), use)]


def _jax(_: Path | None) -> list[Finding]:
    use = "making mazes"
    done = _run([sys.executable, "-P", "-m", "pytest_collab.core.maze.generate", "--check"])
    fix = f"see what `{sys.executable} -m pytest_collab.core.maze.generate --check` says; pip install -U jax jaxlib"
    if done is None or done.returncode:
        said = "it took too long" if done is None else _last_line(done)
        return [Finding("jax", "broken", True, f"a trial maze was not made: {said}", use, fix)]
    answer = json.loads(done.stdout)
    if not answer["replies"][0]["mazes"]:
        return [Finding("jax", "broken", True, "the trial maze was not found", use, fix)]
    return [Finding("jax", "ok", True, f"{answer['jax']} on {answer['device']}; a trial maze was made", use)]


def _sandboxes(_: Path | None) -> list[Finding]:
    import anyio

    from pytest_collab.sandbox import probe

    uses = {
        "bubblewrap": "isolating what agents and graders run, without an image",
        "docker": "isolating in an image; coding pools that name one",
        "kubernetes": "isolating in a pod of a cluster; coding pools that name an image",
        "process": "running commands without isolation: only for agents that are trusted",
    }
    return [
        Finding(
            f"sandbox {name}",
            "ok" if found.works else "missing",
            name == "process",  # the last resort; the others are better and not everywhere to be had
            found.reason,
            uses.get(name, "a sandbox of a third party"),
            found.fix,
        )
        for name, found in anyio.run(probe).items()
    ]


def _agents(agents_file: Path | None) -> list[Finding]:
    from pytest_collab.cli.project import project

    findings = []
    try:
        known = project().registry(agents_file).known()
    except CollabError as error:
        return [Finding("agents file", "broken", False, str(error), "agents of your own", "correct what it names")]
    for agent in known:
        variable = agent.key.split(" ")[0]
        if agent.key.endswith(" is NOT set"):
            name, use = f"agent {agent.name}", f"--agents={agent.name} ({agent.source})"
            findings.append(Finding(name, "missing", False, agent.key, use, f"export {variable}=..."))
        elif agent.key.endswith(" is set"):
            use = f"--agents={agent.name} ({agent.source})"
            findings.append(Finding(f"agent {agent.name}", "ok", False, agent.key, use))
    return findings


def _clis(*, trial: bool) -> list[Finding]:
    """Coding CLIs that are here; with `trial` also what one turn with each comes to, and those that are not here."""
    from pytest_collab.cli.doctor_agents import look

    findings = []
    for seen in look(trial=trial):
        name, use = (
            f"CLI {seen.program}",
            f"--agents={seen.name}" if "/" in seen.name else "coding, by an agents file",
        )
        if seen.version is None:
            if trial:
                findings.append(Finding(name, "missing", False, "not on PATH", use, seen.install))
        elif seen.trouble:
            fix = f"run {seen.program} once by hand: it may want a login or a key"
            findings.append(Finding(name, "broken", False, f"{seen.version}; {seen.trouble}", use, fix))
        else:
            told = "" if seen.answer is None else f"; one turn: {seen.answer!r}"
            findings.append(Finding(name, "ok", False, f"{seen.version}{told}", use))
    return findings


def _families(_: Path | None) -> list[Finding]:
    """Families that need more than the package brings."""
    from pytest_collab import families
    from pytest_collab.episode.family import Family

    findings = []
    for family in map(families.get, families.names()):
        if type(family).missing is Family.missing:
            continue
        try:
            lacking = family.missing(family.params_type())
        except CollabError:  # its params cannot be guessed
            continue
        name, use = f"family {family.name}", f"tasks of family {family.name}"
        if lacking is None:
            findings.append(Finding(name, "ok", False, "all that it needs is installed", use))
        else:
            findings.append(Finding(name, "missing", False, "something that it needs is not installed", use, lacking))
    return findings


def _programs(_: Path | None) -> list[Finding]:
    return [_program(*tool) for tool in _TOOLS]


def _program(name: str, arguments: Sequence[str], use: str, fix: str) -> Finding:
    done = _run([name, *arguments])
    if done is None:
        return Finding(name, "missing", False, "not on PATH", use, fix)
    if done.returncode:
        return Finding(name, "broken", False, _last_line(done), use, fix)
    if name in _LANGUAGES:
        # What sandboxes are shown is found in another way than by PATH: both must be there.
        from pytest_collab.families.coding.environment.toolchain import toolchain

        try:
            toolchain(_LANGUAGES[name])
        except CollabError as error:
            return Finding(name, "broken", False, str(error), use, fix)
    return Finding(name, "ok", False, done.stdout.strip().splitlines()[0], use)


_PARTS: Final[Mapping[str, Callable[[Path | None], list[Finding]]]] = {
    "python": _python,
    "git": _git,
    "jax": _jax,
    "sandboxes": _sandboxes,
    "agents": _agents,
    "families": _families,
    "programs": _programs,
}


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str] | None:
    """Run a program to its end; None when there is none of that name, or it does not end."""
    if shutil.which(command[0]) is None:
        return None
    try:
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PATIENCE_S,
            stdin=subprocess.DEVNULL,
            env=os.environ | {"LC_ALL": "C"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return None


def _last_line(done: subprocess.CompletedProcess[str]) -> str:
    lines = (done.stderr.strip() or done.stdout.strip()).splitlines()
    return lines[-1] if lines else f"it ended with status {done.returncode} and said nothing"


def _show(findings: Sequence[Finding], say: Callable[[str], None] = print) -> None:
    width = max((len(finding.name) for finding in findings), default=0)
    marks = {"ok": "ok", "missing": "--", "broken": "!!"}
    for finding in findings:
        mark = "!!" if finding.needed and finding.state != "ok" else marks[finding.state]
        say(f"{mark}  {finding.name:<{width}}  {finding.detail}")
        if finding.state != "ok":
            say(f"{'':{width + 4}}  for: {finding.use}")
            say(f"{'':{width + 4}}  fix: {finding.fix}")
    broken = [finding.name for finding in findings if finding.needed and finding.state != "ok"]
    say("")
    if broken:
        say(f"Mend first: {', '.join(broken)}.")
    else:
        say("The shipped suite can be played here. What is marked -- is needed only for the uses named.")
