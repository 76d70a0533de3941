"""The agents file: named agents, and the limits of their providers. For example:

# collab-agents.yaml
limits:
  anthropic: {requests_per_minute: 600, in_flight: 32}
agents:
  claude: {provider: anthropic, model: claude-opus-5-5, reasoning_effort: low}
  local:
    provider: openai-chat
    base_url: http://127.0.0.1:8000/v1
    model: qwen3-30b
    price: {input: 0, output: 0}
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, cast

from pydantic import BaseModel, ValidationError

from pytest_collab.agents.secrets import redact
from pytest_collab.agents.settings import AgentSettings, RateLimits
from pytest_collab.episode.family import explain
from pytest_collab.errors import TaskError

DEFAULT_NAME: Final = "collab-agents.yaml"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_KEYS: Final = ("agents", "limits")
Lines = dict[tuple[Any, ...], int]
_PROVIDERS: Final = ("anthropic", "openai", "openai-chat")


@dataclass(frozen=True, slots=True)
class AgentsFile:
    """What an agents file says.

    Attributes:
        path: None when there is no file.
        agents: settings by name.
        limits: limits by provider.
    """

    path: Path | None = None
    agents: Mapping[str, AgentSettings] = field(default_factory=dict)
    limits: Mapping[str, RateLimits] = field(default_factory=dict)


def read(path: Path) -> AgentsFile:
    """Read an agents file.

    Raises:
        TaskError: it is missing, no YAML, or says something that is not understood; names file, line, key,
            value and remedy.
    """
    import yaml

    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise TaskError(
            f"the agents file cannot be read: {getattr(error, 'strerror', None) or error}",
            file=path,
            remedy="Set collab_agents (or --collab-agents-file) to an existing file, or leave it out.",
        ) from None
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        raw = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise TaskError(
            f"not valid YAML: {getattr(error, 'problem', None) or error}",
            file=path,
            line=mark.line + 1 if mark else None,
            remedy="Check indentation, quotes and colons near this line.",
        ) from None
    lines = _lines(root)
    if raw is None:
        return AgentsFile(path)
    top = _mapping(raw, (), path, lines)
    for key in top:
        if key not in _KEYS:
            close = get_close_matches(str(key), _KEYS, n=1)
            hint = f"Did you mean {close[0]!r}? " if close else ""
            raise TaskError(
                "unknown key", file=path, line=lines.get((key,)), key=str(key), remedy=f"{hint}Keys: agents, limits."
            )
    agents = {}
    for name, value in _mapping(top.get("agents") or {}, ("agents",), path, lines).items():
        where = ("agents", name)
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise TaskError(
                f"{name!r} cannot be an agent's name",
                file=path,
                line=lines.get(where),
                key="agents",
                remedy="Use letters, digits, '.', '_' and '-' ('+' joins a team's agents, '/' follows a provider).",
            )
        agents[name] = _model(AgentSettings, value, where, path, lines)
    limits = {}
    for provider, value in _mapping(top.get("limits") or {}, ("limits",), path, lines).items():
        if provider not in _PROVIDERS:
            close = get_close_matches(str(provider), _PROVIDERS, n=1)
            hint = f"Did you mean {close[0]!r}? " if close else ""
            raise TaskError(
                f"unknown provider {provider!r}",
                file=path,
                line=lines.get(("limits", provider)),
                key="limits",
                remedy=f"{hint}Providers are {', '.join(_PROVIDERS)}.",
            )
        limits[str(provider)] = _model(RateLimits, value, ("limits", provider), path, lines)
    return AgentsFile(path, agents, limits)


def _model(model: type[Any], value: Any, where: tuple[Any, ...], path: Path, lines: Lines) -> Any:
    _mapping(value, where, path, lines)
    try:
        return model.model_validate(value)
    except ValidationError as error:
        errors = sorted(error.errors(include_url=False), key=lambda found: found["type"] != "extra_forbidden")
        location = errors[0]["loc"]  # a misspelt key before the missing one that it was meant for
        line = next(
            (lines[key] for cut in range(len(location), -1, -1) if (key := (*where, *location[:cut])) in lines), None
        )
        first = ValidationError.from_exception_data(error.title, cast(Any, errors))
        told = explain(first, _nested(model, location), file=path, line=line, prefix=".".join(map(str, where)))
    remedy = told.remedy or "docs/agents.md shows a whole file."
    raise TaskError(redact(told.problem), remedy=remedy, file=told.file, line=told.line, key=told.key)


def _nested(model: type[BaseModel], location: tuple[Any, ...]) -> type[BaseModel]:
    """The model that the offending key belongs to, for its list of keys."""
    for part in location[:-1]:
        field_info = model.model_fields.get(str(part))
        inner = getattr(field_info.annotation, "__args__", ()) if field_info else ()
        found = next((t for t in inner if isinstance(t, type) and issubclass(t, BaseModel)), None)
        if found is None:
            break
        model = found
    return model


def _mapping(value: Any, where: tuple[Any, ...], path: Path, lines: Lines) -> dict[Any, Any]:
    if isinstance(value, dict):
        return value
    raise TaskError(
        f"{str(value)[:60]!r} is not a mapping of names to values",
        file=path,
        line=lines.get(where),
        key=".".join(map(str, where)),
        remedy="Write `name: {key: value, ...}`; docs/agents.md shows a whole file.",
    )


def _lines(node: Any, where: tuple[Any, ...] = ()) -> Lines:
    """The 1-based line of each key of a composed YAML document."""
    import yaml

    found: Lines = {}
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inner = (*where, key.value)
            found[inner] = key.start_mark.line + 1
            found.update(_lines(value, inner))
    return found
