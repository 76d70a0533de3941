"""What a seat is told of a feature, from what its authors left: the message, the documentation, public signatures."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator, Mapping
from typing import Final

from pytest_collab.families.coding.history.walk import PREFIX, Change
from pytest_collab.families.coding.pool.pool import Language
from pytest_collab.families.coding.repository.git import Store

_DOC_LINES: Final = 60
_SIGNATURES: Final = 40
_LONGEST: Final = 12
"""Lines of one signature."""
_PUBLIC: Final[Mapping[Language, re.Pattern[str]]] = {
    "javascript": re.compile(r"^\s*(export .*|(module\.)?exports\b.*=.*)$"),
    "typescript": re.compile(r"^\s*(export .*)$"),
    "go": re.compile(r"^((func (\([^)]*\) )?|type |const |var )[A-Z].*)$"),
    "rust": re.compile(r"^\s*(pub (async )?(fn|struct|enum|trait|const|type|mod)\b.*)$"),
}


def feature_text(store: Store, change: Change, language: Language) -> str:
    """The content of feature.md."""
    title = PREFIX.sub("", change.of.title)
    parts = [f"# {title[:1].upper()}{title[1:]}"]
    if change.of.body:
        parts.append(change.of.body)
    if lines := list(_documented(store, change)):
        shown = "\n".join(lines[:_DOC_LINES])
        parts.append(f"## What the documentation will say\n\n{shown}")
    if found := signatures(store, change, language):
        shown = "\n".join(found[:_SIGNATURES])
        parts.append(f"## New or changed signatures\n\n```\n{shown}\n```")
    return "\n\n".join(parts) + "\n"


def _documented(store: Store, change: Change) -> Iterator[str]:
    if not change.docs:
        return
    words = ("-p", "-U0", "--no-color", "--no-ext-diff", "--no-textconv", change.of.parent, change.of.commit)
    done = store.git("diff-tree", *words, "--", *(f":(literal){path}" for path in change.docs))
    blank = True
    for line in done.stdout.decode(errors="replace").splitlines():
        if line.startswith("@@") and not blank:
            blank = True
            yield ""
        elif line.startswith("+") and not line.startswith("+++ ") and (line[1:].strip() or not blank):
            blank = not line[1:].strip()
            yield line[1:]


def signatures(store: Store, change: Change, language: Language) -> list[str]:
    """Public definitions that the source of a change has, and its parent's has not."""
    before, after = (store.entries(one) for one in (change.of.parent, change.of.commit))
    found: dict[str, None] = {}
    for path in change.source:
        old, new = (
            store.blob(tree[path][1]).decode(errors="replace") if path in tree else "" for tree in (before, after)
        )
        known = set(defined(path, old, language))
        found.update((one, None) for one in defined(path, new, language) if one not in known)
    return list(found)


def defined(path: str, text: str, language: Language) -> Iterator[str]:
    """Public definitions of a source file, one line each; none where it cannot be read."""
    if language == "python":
        try:
            yield from _python(ast.parse(text), "") if os.path.splitext(path)[1] in (".py", ".pyi") else ()
        except (SyntaxError, ValueError, RecursionError):
            return
        return
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if match := _PUBLIC[language].match(line):
            told, more = match[1].strip(), iter(lines[number + 1 : number + _LONGEST])
            while told.count("(") > told.count(")") and (further := next(more, None)) is not None:
                told = f"{told} {further.strip()}"
            yield told.replace("( ", "(").replace(", )", ")").removesuffix("{").rstrip()


def _python(node: ast.Module | ast.ClassDef, prefix: str) -> Iterator[str]:
    for one in node.body:
        if not isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        if one.name.startswith("_") and one.name != "__init__":
            continue
        if isinstance(one, ast.ClassDef):
            bases = ", ".join(ast.unparse(base) for base in one.bases)
            yield f"class {prefix}{one.name}{f'({bases})' if bases else ''}"
            yield from _python(one, f"{prefix}{one.name}.")
            continue
        returned = f" -> {ast.unparse(one.returns)}" if one.returns else ""
        word = "async def" if isinstance(one, ast.AsyncFunctionDef) else "def"
        yield f"{word} {prefix}{one.name}({ast.unparse(one.args)}){returned}"
