"""MkDocs hooks: parts of the reference that are made from what the package itself says."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Replace `<!-- generated: NAME -->` by what NAME makes.

    Raises:
        KeyError: there is no generator of that name.
    """
    return re.sub(r"<!-- generated: (\w+) -->", lambda found: GENERATORS[found[1]](), markdown)


def commands() -> str:
    """Every `collab` command with the help that it prints."""
    from pytest_collab.cli import COMMANDS, _module

    parts = []
    for name, text in COMMANDS.items():
        parser = argparse.ArgumentParser(
            prog=f"collab {name}",
            description=f"{text[0].upper()}{text[1:]}.",
            formatter_class=lambda prog: argparse.HelpFormatter(prog, width=96),
        )
        _module(name).configure(parser)
        parts.append(f"## collab {name}\n\n```text\n{parser.format_help().strip()}\n```\n")
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction):
                for inner, below in action.choices.items():
                    below.formatter_class = parser.formatter_class
                    parts.append(f"### collab {name} {inner}\n\n```text\n{below.format_help().strip()}\n```\n")
    return "\n".join(parts)


def events() -> str:
    """Kinds of transcript events that the engine writes."""
    from pytest_collab.episode.transcript import KINDS

    rows = [f"| `{kind}` | {_cell(meaning)} |" for kind, meaning in KINDS.items()]
    return "\n".join(["| kind | says |", "|---|---|", *rows])


def schemas() -> str:
    """Every JSON Schema in docs/schemas as tables, its definitions after it."""
    titles = {"run": "run.json", "episode": "episodes.jsonl, one line", "gates-file": "a gates file"}
    titles |= {"summary": "summary.json", "gates-verdict": "gates.json"}
    titles |= {"replication": "collab replicate --format=json", "published-figures": "figures of published studies"}
    titles |= {"comparison": "collab compare --json", "series": "collab compare --series --json"}
    parts = []
    for path in sorted((DOCS / "schemas").glob("*.json")):
        schema = json.loads(path.read_text(encoding="utf-8"))
        parts.append(f"## {titles[path.stem]}\n\nSchema: [`{path.name}`](../schemas/{path.name}).\n")
        parts += _object(schema)
        for name, definition in schema.get("$defs", {}).items():
            parts.append(f"### {path.stem}: {name}\n")
            parts += _object(definition)
    return "\n".join(parts)


def _object(schema: dict[str, Any]) -> Iterator[str]:
    description, meanings = _described(schema.get("description", ""))
    if description:
        yield f"{description}\n"
    if "enum" in schema:
        yield "One of " + ", ".join(f"`{value}`" for value in schema["enum"]) + ".\n"
    if not schema.get("properties"):
        return
    rows = ["| key | type | meaning |", "|---|---|---|"]
    for name, value in schema["properties"].items():
        need = "" if name not in schema.get("required", ()) else ", required"
        told = value.get("description") or meanings.get(name, "")
        rows.append(f"| `{name}` | {_type(value)}{need} | {_cell(told)} |")
    yield "\n".join(rows) + "\n"


def _described(text: str) -> tuple[str, dict[str, str]]:
    """A docstring's first part, and what its `Attributes:` say of each."""
    head, _, attributes = text.partition("Attributes:")
    found: dict[str, str] = {}
    last = ""
    for line in attributes.splitlines():
        if named := re.match(r"\s{4}(\w+): (.*)", line):
            last, found[named[1]] = named[1], named[2]
        elif last and line.strip():
            found[last] += f" {line.strip()}"
    return " ".join(re.sub(r"(Raises|Args|Returns):.*", "", head, flags=re.DOTALL).split()), found


def _type(value: dict[str, Any]) -> str:
    if "$ref" in value:
        return value["$ref"].rpartition("/")[2]
    if "anyOf" in value:
        return " or ".join(dict.fromkeys(_type(one) for one in value["anyOf"]))
    if "enum" in value:
        return ", ".join(f"`{one}`" for one in value["enum"])
    if "const" in value:
        return f"`{value['const']}`"
    kind = value.get("type", "anything")
    if kind == "array":
        items = value.get("items") or {}
        return f"list of {_type(items)}" if items else "list"
    if kind == "object" and isinstance(value.get("additionalProperties"), dict):
        return f"object of {_type(value['additionalProperties'])}"
    return str(kind)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


GENERATORS: dict[str, Callable[[], str]] = {"commands": commands, "events": events, "schemas": schemas}
