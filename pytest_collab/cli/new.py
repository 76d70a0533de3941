"""`collab new`: start a task, a family or an agent from a small one that works."""

from __future__ import annotations

import argparse
import keyword
import re
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from pytest_collab import families
from pytest_collab.episode.family import Params
from pytest_collab.errors import TaskError, UsageError

SCAFFOLDS: Final = Path(__file__).parent / "scaffold"
PLACEHOLDER: Final = "lockbox"

NEXT: Final = {
    "task": "pytest {where}/{name}.collab.yaml --agents=partner",
    "family": "pytest {where}/test_{name}.py\n  pytest {where}/{name}.collab.yaml --agents=partner,silent",
    "agent": "pytest {where}/test_{name}.py\n  pytest {where} --agents={name}",
}


def configure(parser: argparse.ArgumentParser) -> None:
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="task|family|agent")
    texts = {
        "task": "a task file of a family, with every param, its default and what it means",
        "family": "a kind of problem of your own: rules, seats, cast, verdict, pictures, tests",
        "agent": "an agent of your own: the class, the hook that makes it known, its test",
    }
    for kind, text in texts.items():
        command = kinds.add_parser(kind, help=text, description=text.capitalize() + ".")
        command.add_argument("name", help="its name: lower-case letters, digits and _")
        command.add_argument("--dir", type=Path, default=Path(), help="where to write it (default: here)")
        if kind == "task":
            command.add_argument("--family", default="maze", help="the family that it is a task of (default: maze)")


def run(args: argparse.Namespace) -> int:
    """Write the files and say what to run next. Nothing that exists is overwritten."""
    name, folder = str(args.name), Path(args.dir)
    _refuse_name(name, args.kind)
    files = {f"{name}.collab.yaml": task_file(args.family)} if args.kind == "task" else scaffold(args.kind, name)
    hooks = files.pop("conftest.py", None)
    conftest = folder / "conftest.py"
    if hooks is not None and not conftest.exists():
        files["conftest.py"], hooks = hooks, None
    _write(folder, files)
    for path in sorted(files):
        print(f"wrote {folder / path}")
    if hooks is not None:
        _, _, code = hooks.split('"""', 2)
        print(f"\n{conftest} is there already. Add to it:\n\n{code.strip()}")
    print(f"\nNow run\n  {NEXT[args.kind].format(where=folder, name=name)}")
    return 0


def scaffold(kind: str, name: str) -> dict[str, str]:
    """The files of a new family or agent: text by path."""
    root = SCAFFOLDS / kind
    title = "".join(part.capitalize() for part in name.split("_"))

    def named(text: str) -> str:
        return text.replace(PLACEHOLDER.capitalize(), title).replace(PLACEHOLDER, name)

    return {
        named(path.relative_to(root).as_posix().removesuffix(".txt")): named(path.read_text(encoding="utf-8"))
        for path in sorted(root.rglob("*.txt"))
    }


_OTHERWISE: Final = {"coding": ", or make a pool of a repository's own history: collab import history REPO"}


def task_file(family_name: str) -> str:
    """A task of a family: every param with its default, its meaning beside it.

    Raises:
        TaskError: no family has this name.
        UsageError: the family's params cannot be guessed.
    """
    family = families.get(family_name)
    try:
        values: Mapping[str, Any] = family.params_type().model_dump(mode="json")
    except TaskError as error:
        raise UsageError(
            f"a task of {family_name!r} needs what only you know ({error.key}: {error.problem}). "
            f"Start from one of the shipped tasks of this family{_OTHERWISE.get(family_name, '')}."
        ) from None
    width = max(len(f"{key}: {_scalar(value)}") for key, value in values.items())
    params = [
        f"  {f'{key}: {_scalar(value)}':<{width}}  # {_meaning(family.params_type, key)}".rstrip(" #")
        for key, value in values.items()
    ]
    return "\n".join(
        [
            f"family: {family.name}",
            'description: "what this task asks of a team, in one line"',
            "params:",
            *params,
            "seeds: 3",
            "conditions: [solo, team]",
            "",
        ]
    )


def _meaning(model: type[Params], key: str) -> str:
    return " ".join((model.model_fields[key].description or "").split())


def _scalar(value: Any) -> str:
    """One value as YAML on one line."""
    import yaml

    text = yaml.safe_dump(value, default_flow_style=True, width=10_000).strip()
    return text.removesuffix("...").strip()


def _refuse_name(name: str, kind: str) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or keyword.iskeyword(name):
        raise UsageError(f"{name!r} cannot be a name; use lower-case letters, digits and _, e.g. 'lockbox'")
    if kind == "task":
        return
    from pytest_collab.agents.registry import Registry

    known = families.names() if kind == "family" else [agent.name for agent in Registry().known()]
    if name in known:
        raise UsageError(f"there is {kind} {name!r} already; choose another name")
    if find_spec(name) is not None:
        raise UsageError(f"a module called {name!r} is installed already; choose another name")


def _write(folder: Path, files: Mapping[str, str]) -> None:
    """Write all files, or none when one of them is there.

    Raises:
        UsageError: a file exists, or the folder cannot be written.
    """
    there = [str(folder / path) for path in files if (folder / path).exists()]
    if there:
        raise UsageError(f"{there[0]} exists; nothing was written. Choose another name or another --dir.")
    try:
        for path, text in files.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{error.filename} cannot be written: {error.strerror or error}") from error
