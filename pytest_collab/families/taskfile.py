"""Task files: `*.collab.yaml`, read so that every mistake is told with its line."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import ValidationError

from pytest_collab import families
from pytest_collab.episode.family import explain
from pytest_collab.episode.limits import Limits
from pytest_collab.errors import TaskError
from pytest_collab.families.task import Task, make_task

SUFFIX: Final = ".collab.yaml"
LARGEST: Final = 1024 * 1024
MOST_NODES: Final = 20_000
KEYS: Final = ("name", "description", "like", "family", "params", "seeds", "conditions", "limits")

Lines = dict[tuple[str, ...], int]


def read_task(path: Path) -> Task:
    """Read one task file.

    Raises:
        TaskError: file, line, key, value and remedy of the first mistake.
    """
    data, lines, folder = read_content(path)
    return check_task(data, lines, path, folder)


def read_content(path: Path) -> tuple[Any, Lines, Path]:
    """What a task file says, with what it takes over from the one that it is `like`.

    Returns:
        The content without `like`, the line of every key of its own, and the folder that paths in params are
        relative to: that of the file whose they are.

    Raises:
        TaskError: a mistake in either, told with file and line.
    """
    data, lines = read_yaml(path)
    if not isinstance(data, Mapping) or "like" not in data:
        return data, lines, path.parent

    def refuse(problem: str, remedy: str, key: str = "like") -> TaskError:
        return TaskError(problem, remedy=remedy, file=path, line=_line(lines, (key,)), key=key)

    if not isinstance(data["like"], str) or not (path.parent / data["like"]).is_file():
        raise refuse(f"{data['like']!r} is no file", "Name a task file, by a path relative to this one.")
    model = path.parent / data["like"]
    content, told = read_yaml(model)
    if not isinstance(content, Mapping) or "like" in content:
        raise refuse(f"{data['like']} is like another itself, or no task", "Name a task file that says all of it.")
    check_task(content, told, model)  # its own mistakes, at its own lines
    if data.get("family", content["family"]) != content["family"]:
        raise refuse(f"{data['like']} is of family {content['family']}", "Leave `family` out.", "family")
    own = {key: value for key, value in data.items() if key != "like"}
    params = own.get("params") or {}
    if isinstance(params, Mapping):  # else it is refused with the rest
        own["params"] = {**(content.get("params") or {}), **params}
    return {**{key: value for key, value in content.items() if key != "name"}, **own}, lines, model.parent


def check_task(data: Any, lines: Lines, path: Path, folder: Path | None = None) -> Task:
    """A task from the content of a task file, wherever that comes from.

    Args:
        lines: the line of every key; may be empty.
        path: where it is, or would be, written.
        folder: what files that params point to are relative to; the folder of `path` if None.

    Raises:
        TaskError: file, line, key, value and remedy of the first mistake.
    """

    def refuse(problem: str, remedy: str, *key: str) -> TaskError:
        return TaskError(problem, remedy=remedy, file=path, line=_line(lines, key), key=".".join(key))

    if not isinstance(data, Mapping):
        raise refuse("a task file must be a mapping", f"Begin with `family: ...`; keys are {', '.join(KEYS)}.")
    for key in data:
        if key not in KEYS:
            close = get_close_matches(str(key), KEYS, n=1)
            hint = f"Did you mean {close[0]!r}? " if close else ""
            raise refuse("unknown key", f"{hint}Keys are {', '.join(KEYS)}.", str(key))
    if "family" not in data:
        raise refuse("key 'family' is missing", f"Families are {', '.join(families.names())}.")
    try:
        family = families.get(data["family"] if isinstance(data["family"], str) else repr(data["family"]))
    except TaskError as error:
        raise refuse(error.problem, error.remedy, "family") from None
    params = data.get("params") or {}
    if not isinstance(params, Mapping):
        raise refuse(f"{params!r} is not a mapping", "Write the family's params as `key: value` lines.", "params")
    parsed = _params(family.params_type, params, path, lines, folder or path.parent)
    conditions = data.get("conditions")
    if conditions is not None and not isinstance(conditions, list):
        raise refuse(f"{conditions!r} is not a list", "Write a list, e.g. [solo, team].", "conditions")
    try:
        return make_task(
            name=str(data.get("name") or path.name.removesuffix(SUFFIX)),
            params=parsed,
            seeds=data.get("seeds", 1),
            conditions=conditions,
            limits=_limits(data.get("limits"), path, lines),
            description=str(data.get("description") or ""),
            file=str(path),
        )
    except TaskError as error:
        raise refuse(error.problem, error.remedy, *error.key.split(".")) from None


def _params(model: Any, params: Mapping[str, Any], path: Path, lines: Lines, folder: Path) -> Any:
    try:
        return model.model_validate(dict(params), context={"folder": folder})
    except ValidationError as error:
        raise _explained(error, model, path, lines, "params") from None
    except TaskError as error:
        key = ("params", *error.key.split(".")) if error.key else ("params",)
        raise TaskError(
            error.problem, remedy=error.remedy, file=path, line=_line(lines, key), key=".".join(key)
        ) from None


def _limits(limits: Any, path: Path, lines: Lines) -> Limits | None:
    if limits is None:
        return None
    try:
        return Limits.model_validate(limits)
    except ValidationError as error:
        raise _explained(error, Limits, path, lines, "limits") from None


def _explained(error: ValidationError, model: Any, path: Path, lines: Lines, prefix: str) -> TaskError:
    location = (prefix, *(str(part) for part in error.errors()[0]["loc"]))
    return explain(error, model, file=path, line=_line(lines, location), prefix=prefix)


def _line(lines: Lines, key: tuple[str, ...]) -> int:
    while key and key not in lines:
        key = key[:-1]
    return lines.get(key, 1)


def read_yaml(path: Path) -> tuple[Any, Lines]:
    """Plain data of a YAML file and the line of every key (1-based).

    No tags, no duplicate keys, bounded size; aliases may not multiply the document.

    Raises:
        TaskError: names file and line.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise TaskError(
                f"the file has {path.stat().st_size} bytes",
                remedy=f"Keep it under {LARGEST} bytes; put large data in files that params point to.",
                file=path,
            )
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise TaskError(f"not UTF-8 text ({error.reason})", remedy="Save it as UTF-8.", file=path) from None
    except OSError as error:
        raise TaskError(f"cannot be read: {error.strerror or error}", file=path) from None
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise TaskError(
            f"not valid YAML: {error.problem or error.context}",
            remedy="Mind indentation, quotes and brackets on this line and the one before.",
            file=path,
            line=mark.line + 1 if mark else None,
        ) from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise TaskError(f"not valid YAML: {str(error).splitlines()[0]}", file=path) from None
    lines: Lines = {}
    budget = [MOST_NODES]
    return (None if root is None else _plain(root, (), lines, path, budget)), lines


def _plain(node: yaml.Node, key: tuple[str, ...], lines: Lines, path: Path, budget: list[int]) -> Any:
    line = node.start_mark.line + 1
    lines.setdefault(key, line)
    budget[0] -= 1
    if budget[0] < 0 or len(key) > 50:
        raise TaskError(
            "the document is too large or nests too deep (aliases count each time they are used)",
            remedy="Write it out without aliases.",
            file=path,
            line=line,
        )
    if not node.tag.startswith("tag:yaml.org,2002:") or node.tag.startswith("tag:yaml.org,2002:python"):
        raise TaskError(f"tag {node.tag!r} is not allowed", remedy="Use plain values.", file=path, line=line)
    if isinstance(node, yaml.MappingNode):
        data: dict[str, Any] = {}
        for key_node, value_node in node.value:
            name = str(key_node.value)
            if name in data:
                raise TaskError(
                    f"key {name!r} is given twice",
                    remedy="Leave one of them out.",
                    file=path,
                    line=key_node.start_mark.line + 1,
                    key=".".join(key),
                )
            lines[(*key, name)] = key_node.start_mark.line + 1
            data[name] = _plain(value_node, (*key, name), lines, path, budget)
        return data
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, (*key, str(i)), lines, path, budget) for i, item in enumerate(node.value)]
    try:
        return yaml.SafeLoader("").construct_object(node)
    except (yaml.YAMLError, ValueError) as error:
        raise TaskError(
            f"{node.value!r} cannot be read", remedy=str(error).splitlines()[0], file=path, line=line
        ) from None
