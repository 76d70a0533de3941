"""Actions and tool calls in words for people, where a transcript holds data."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final

from pytest_collab import families
from pytest_collab.episode.family import worded
from pytest_collab.episode.run import RunInfo
from pytest_collab.episode.text import counted
from pytest_collab.episode.transcript import Event, Transcript

MOST: Final = 160
_FILE: Final = re.compile(r"^(?:diff --git |\*\*\* (?:Add|Update|Delete) File: )", re.MULTILINE)
_HEADER: Final = re.compile(r"^\+\+\+ ", re.MULTILINE)
_PATCH: Final = re.compile(r"^(?:diff --git |@@ |\*\*\* Begin Patch)", re.MULTILINE)
_PATHS: Final = ("path", "file", "file_path", "filename")
_COMMANDS: Final = ("command", "cmd", "query", "pattern", "summary", "message", "text")


def deed(event: Event, transcript: Transcript) -> str | None:
    """What an `action`, a `tool_call` or something about the shared memory was, in words; None for other events."""
    if event.kind == "tool_call":
        return tool(str(event.data.get("name", "")), event.data.get("arguments"))
    if event.kind == "memory":
        return memory(event.data)
    if event.kind != "action":
        return None
    action = event.data["action"]
    try:
        return str(families.get(str(transcript.start.get("family", ""))).tell(action))
    except Exception:  # other people's families, or one that is not installed here
        return f"does {worded(action)}"


def memory(data: Mapping[str, Any]) -> str:
    """What a seat did to the memory that all share, in words that follow its name."""
    if "acted_on" in data:
        return f"acts on what {data['written_by']} wrote: {data['acted_on']}"
    where = f"{data['topic']}/{data['name']}"
    if not data["text"]:
        return f"erases {where} in the memory: {data['over']['text']}"
    over = data.get("over")
    place = f" in the place of {over['seat']}'s {over['text']!r}" if over else ""
    return f"writes into the memory: {where} = {data['text']}{place}"


def subjects(info: RunInfo) -> Callable[[str, str, int], str]:
    """What the episodes of a family, task and seed are about, as the family says it of the params; else empty."""
    params = {(task.family, task.name): task.params for task in info.tasks}

    @cache
    def about(family: str, task: str, seed: int) -> str:
        if (family, task) not in params:
            return ""
        try:
            known = families.get(family)
            return str(known.about(known.params_type.model_validate(params[family, task]), seed))
        except Exception:  # other people's families; a pool that lies elsewhere
            return ""

    return about


def tool(name: str, arguments: Any) -> str:
    """A tool call in a line: `apply_patch: 4 files +36 -2`, `write_file: daybook/ledger.py, 36 lines`."""
    if not isinstance(arguments, Mapping) or not arguments:
        return name
    texts = {key: value for key, value in arguments.items() if isinstance(value, str)}
    patch = next((text for text in texts.values() if _PATCH.search(text)), None)
    if patch is not None:
        return f"{name}: {size(patch)}"
    where = next((texts[key] for key in _PATHS if key in texts), None)
    if where is not None:
        long = next((text for key, text in texts.items() if key not in _PATHS and "\n" in text), None)
        return f"{name}: {where}" + ("" if long is None else f", {counted(len(long.splitlines()), 'line')}")
    what = next((texts[key] for key in _COMMANDS if key in texts), None)
    told = what if what is not None else ", ".join(f"{key} {value}" for key, value in arguments.items())
    line = " ".join(told.split())
    return f"{name}: {line if len(line) <= MOST else line[: MOST - 1] + '…'}"


def size(patch: str) -> str:
    """How large a patch is: files, lines added and taken away."""
    count = len(_FILE.findall(patch)) or len(_HEADER.findall(patch)) or 1
    lines = patch.splitlines()
    added = sum(line.startswith("+") and not line.startswith("+++") for line in lines)
    removed = sum(line.startswith("-") and not line.startswith("---") for line in lines)
    return f"{counted(count, 'file')} +{added} -{removed}"
