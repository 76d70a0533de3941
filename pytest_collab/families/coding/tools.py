"""What seats can do, as tools: names, JSON Schemas, and the check of what an agent made of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from pytest_collab.episode.agent import UNREADABLE, Tool, ToolCall
from pytest_collab.episode.condition import MOST_TEAMS

COMMAND_SECONDS: Final = 60
LONGEST_COMMAND_SECONDS: Final = 300
LONGEST_WAIT_SECONDS: Final = 300
RESULT_LIMIT: Final = 16 * 1024
"""Characters of one tool result; the middle of longer ones is left out, and said so."""

FILE_LIMIT: Final = 2 * 1024 * 1024
"""Bytes of the largest file that `read_file` and `edit_file` open."""


def _tool(name: str, description: str, required: tuple[str, ...] = (), **properties: Mapping[str, Any]) -> Tool:
    schema = {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}
    return Tool(name, description, schema)


def _text(description: str) -> dict[str, Any]:
    return {"type": "string", "description": description}


def _number(description: str, least: int, most: int) -> dict[str, Any]:
    return {"type": "integer", "description": description, "minimum": least, "maximum": most}


_PATH: Final = _text("a path relative to the root of the repository")
_SUMMARY: Final = _text("one or two sentences on what you did")

RUN: Final = _tool(
    "run",
    "Run a shell command in the root of your working tree. Standard input is empty. When its time is up, the command "
    "and everything it started are killed. Long output is cut in the middle.",
    ("command",),
    command=_text("a line for /bin/sh"),
    timeout=_number(f"seconds (default {COMMAND_SECONDS})", 1, LONGEST_COMMAND_SECONDS),
)
READ_FILE: Final = _tool(
    "read_file",
    "Read a text file, or some of its lines. What is long is cut in the middle: read it in parts.",
    ("path",),
    path=_PATH,
    first=_number("first line, from 1", 1, 10**7),
    last=_number("last line", 1, 10**7),
)
WRITE_FILE: Final = _tool(
    "write_file",
    "Write a whole file; folders are made as needed.",
    ("path", "content"),
    path=_PATH,
    content=_text("all of the new content"),
)
EDIT_FILE: Final = _tool(
    "edit_file",
    "Replace a passage of a file. The old text must occur exactly once.",
    ("path", "old", "new"),
    path=_PATH,
    old=_text("the passage as it stands in the file"),
    new=_text("what takes its place"),
)
APPLY_PATCH: Final = _tool(
    "apply_patch",
    "Apply a unified diff, as `git apply` does: all of it or nothing.",
    ("patch",),
    patch=_text("a unified diff with paths a/... and b/..."),
)
SEND: Final = _tool(
    "send_message",
    "Send a message to a teammate. You are told what became of it.",
    ("text",),
    to=_text("a teammate; everybody if you leave it out"),
    text=_text("what you want to say"),
)
RECEIVE: Final = _tool(
    "receive_messages",
    "Messages that have come in. With `wait`, waits for the first (new messages are also shown to you after "
    "everything else that you do).",
    wait=_number("seconds to wait for a message (default 0)", 0, LONGEST_WAIT_SECONDS),
)
PARTNER_DIFF: Final = _tool(
    "partner_diff",
    "What a teammate has changed so far, as a diff.",
    (),
    seat=_text("the teammate; may be left out where there is only one"),
)
FINISH: Final = _tool(
    "finish",
    "Say that your work is complete. You can do nothing after that.",
    summary=_SUMMARY,
)
SUBMIT: Final = _tool(
    "finish",
    "Hand your work in to the lead. If it conflicts with what has been integrated already, you get it back: resolve "
    "the conflicts in your tree and finish again.",
    summary=_SUMMARY,
)
HAND_OVER: Final = _tool(
    "finish",
    "Say that your plan is complete. The next seat begins then, and you can do nothing after that.",
    summary=_text("one or two sentences on what you planned"),
)
HAND_IN: Final = _tool(
    "finish",
    "Hand your work in to be verified, and wait for what comes of it. If it is not accepted you are told why: mend "
    "it and finish again.",
    summary=_SUMMARY,
)
PROPOSE: Final = _tool(
    "finish",
    "Hand your work in, and wait until all teams have. You are told what there is then, and can go on working; call "
    "it again when your work is complete.",
    summary=_SUMMARY,
)
PROPOSAL: Final = _tool(
    "proposal",
    "Read what a team proposed, as a diff: all of it, or what it does to one file.",
    ("team",),
    team=_number("the team", 1, MOST_TEAMS),
    path=_text("a path relative to the root of the repository; all files if you leave it out"),
)
TAKE_OVER: Final = _tool(
    "take_over",
    "Make your tree what a team proposed, all features of it; what you have done is lost. It merges with your "
    "teammates' trees where they take over the same.",
    ("team",),
    team=_number("the team", 1, MOST_TEAMS),
)
ATTEST: Final = _tool(
    "attest",
    "Say whether what was handed in does all that the specification asks for. If you fail it, it goes back with your "
    "reason, and you wait here for what is handed in next.",
    ("verdict", "reason"),
    verdict=_text("`pass` or `fail`"),
    reason=_text("what you checked and what came of it; for a fail, what is to be mended"),
)
INTEGRATE: Final = _tool(
    "integrate",
    "Merge a member's work into your tree, once that member has handed it in (waits for it). If it conflicts, "
    "nothing changes in your tree and the work goes back to the member.",
    ("seat",),
    seat=_text("the member"),
    wait=_number("seconds to wait for it to be handed in (default 0)", 0, LONGEST_WAIT_SECONDS),
)

WORKING: Final = ("run", "write_file", "edit_file", "apply_patch", "take_over")
"""Tools that can change a tree."""


def whole(value: Any) -> Any:
    """A whole number that a model wrote as text, as a number; anything else as it is."""
    return int(value) if isinstance(value, str) and re.fullmatch(r"\s*-?\d{1,12}\s*", value) else value


def arguments(tool: Tool, call: ToolCall) -> dict[str, Any]:
    """The arguments that were given, as the tool takes them; for calls without a complaint."""
    kinds = {name: schema["type"] for name, schema in tool.parameters["properties"].items()}
    given = {name: value for name, value in call.arguments.items() if value is not None}
    return {name: whole(value) if kinds[name] == "integer" else value for name, value in given.items()}


def complaint(tool: Tool, call: ToolCall) -> str:
    """What is wrong with the arguments of a call, for the agent that made it; empty when all is well."""
    properties: Mapping[str, Any] = tool.parameters["properties"]
    if UNREADABLE in call.arguments:
        end = str(call.arguments[UNREADABLE])[-200:]
        return f"the arguments of {tool.name} are no JSON object; they end with {end!r}"
    for name in tool.parameters["required"]:
        if call.arguments.get(name) is None:
            return f"{tool.name} needs {name!r}: {properties[name]['description']}"
    for name, value in call.arguments.items():
        if name not in properties:
            known = ", ".join(properties) or "none"
            return f"{tool.name} has no argument {name!r}; it has {known}"
        if value is None:
            continue
        schema = properties[name]
        if schema["type"] == "string" and not isinstance(value, str):
            return f"{name!r} must be text"
        if schema["type"] == "integer":
            value = whole(value)
            if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
                return f"{name!r} must be a whole number"
            if not schema["minimum"] <= value <= schema["maximum"]:
                return f"{name!r} must lie between {schema['minimum']} and {schema['maximum']}"
    return ""
