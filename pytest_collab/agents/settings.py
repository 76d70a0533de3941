"""What can be set about an agent: one model for the agents file and for names on the command line."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from pytest_collab.agents.secrets import remember

Provider = Literal["anthropic", "openai", "openai-chat", "command", "acp", "a2a"]

PROGRAMS: Final = ("command", "acp")
"""Providers that are programs on this machine; they need no key of ours."""

KEY_VARIABLE: Final[Mapping[str, str]] = {
    "anthropic": "ANTHROPIC_API_KEY",
    "openai": "OPENAI_API_KEY",
    "openai-chat": "OPENAI_API_KEY",
}
OFFICIAL: Final[Mapping[str, str]] = {
    "anthropic": "https://api.anthropic.com",
    "openai": "https://api.openai.com/v1",
    "openai-chat": "https://api.openai.com/v1",
}
ADDRESS_VARIABLE: Final[Mapping[str, str]] = {
    "anthropic": "ANTHROPIC_BASE_URL",
    "openai": "OPENAI_BASE_URL",
    "openai-chat": "OPENAI_BASE_URL",
}

_ENDPOINTS: Final = ("/chat/completions", "/responses", "/messages")

_ANTHROPIC_ADDS: Final = "must not end in /v1: Anthropic's SDK adds that itself"
_STRICT: Final = ConfigDict(frozen=True, extra="forbid")
_REFERENCE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def wrong_address(address: str) -> str | None:
    """Why an address cannot be used, as the end of a sentence; None when it can."""
    if re.search(r"//[^/]*@", address):
        remember(address, *re.findall(r"//([^/]*)@", address), *re.findall(r"//[^/]*?:([^/]*)@", address))
        return "holds a user name or a password; name an environment variable in api_key_env"
    if not re.match(r"https?://[^/\s]+", address):
        return f"{address!r} is not an http:// or https:// address"
    for ending in _ENDPOINTS:
        if address.rstrip("/").endswith(ending):
            return f"must not end in {ending}: the SDK adds that itself"
    return None


class Price(BaseModel):
    """Dollars per million tokens, and per episode for agents that pay for themselves.

    Raises:
        ValueError: neither `input` and `output` nor `episode` is given.
    """

    model_config = _STRICT

    input: float = Field(0.0, ge=0, allow_inf_nan=False, description="dollars per million input tokens")
    output: float = Field(0.0, ge=0, allow_inf_nan=False, description="dollars per million output tokens")
    cached_input: float | None = Field(
        None, ge=0, allow_inf_nan=False, description="input read from the cache (default: as input)"
    )
    cache_write: float | None = Field(
        None, ge=0, allow_inf_nan=False, description="input written to the cache (default: as input)"
    )
    episode: float | None = Field(
        None,
        ge=0,
        allow_inf_nan=False,
        description="dollars of one seat in one episode, for agents that do not tell what they cost (0: nothing)",
    )

    @model_validator(mode="after")
    def _says_something(self) -> Price:
        if self.episode is None:
            for key in ("input", "output"):
                if key not in self.model_fields_set:
                    raise ValueError(f"`{key}` is missing: dollars per million tokens, 0 where they cost nothing")
        return self


class RateLimits(BaseModel):
    """How hard a provider may be pressed, by all workers of a session together."""

    model_config = _STRICT

    requests_per_minute: float | None = Field(None, gt=0, allow_inf_nan=False, description="calls started a minute")
    tokens_per_minute: float | None = Field(
        None, gt=0, allow_inf_nan=False, description="input and output tokens a minute"
    )
    in_flight: int | None = Field(64, ge=1, le=4096, description="calls under way at the same time")


class AgentSettings(BaseModel):
    """One agent of an agents file; every key but `provider` has a default.

    Everything that can change an answer belongs to `answering`, which recordings are compared by.
    """

    model_config = _STRICT

    provider: Provider = Field(description="anthropic, openai, openai-chat, command, acp or a2a")
    model: str = Field("", description="the provider's name of the model")
    base_url: str | None = Field(None, description="address of a compatible server (openai: ends in /v1)")
    api_key_env: str | None = Field(None, description="environment variable that holds the key")
    temperature: float | None = Field(None, ge=0, le=2, allow_inf_nan=False, description="sampling temperature")
    max_tokens: int = Field(16_000, ge=1, description="longest answer, reasoning included, in tokens")
    reasoning_effort: str | None = Field(None, description="none, minimal, low, medium, high, xhigh or max")
    system_prefix: str = Field("", description="text put before the game's own instructions")
    timeout_s: float = Field(300.0, gt=0, allow_inf_nan=False, description="seconds one attempt may take")
    max_retries: int = Field(6, ge=0, le=50, description="further attempts after a fault of the provider")
    max_wait_s: float = Field(
        900.0,
        ge=0,
        allow_inf_nan=False,
        description="seconds that one answer may wait for a provider that asks to slow down",
    )
    headers: dict[str, str] = Field(default_factory=dict, description="HTTP headers; ${NAME} reads the environment")
    extra_body: dict[str, Any] = Field(default_factory=dict, description="further keys of the request's body")
    context_tokens: int | None = Field(None, ge=1, description="context window (default: that of the price table)")
    token_limit_key: Literal["max_tokens", "max_completion_tokens", "none"] | None = Field(
        None,
        description="what the server calls max_tokens (openai-chat; default: max_completion_tokens at OpenAI itself)",
    )
    system_role: Literal["system", "developer", "user"] = Field(
        "system", description="role of the instructions; user: put before the first message (openai-chat)"
    )
    think_tags: tuple[str, ...] = Field(
        ("think", "thinking"), description="tags around reasoning in an answer's text, taken out of it (openai-chat)"
    )
    stream: bool | None = Field(None, description="stream answers (default: only where the provider needs it)")
    cache: bool = Field(True, description="mark the stable prefix for the provider's prompt cache")
    price: Price | None = Field(
        None, description="dollars per million tokens, instead of the price table's; or per episode"
    )
    limits: RateLimits | None = Field(None, description="limits of this agent alone, instead of its provider's")
    command: tuple[str, ...] = Field((), description="program and arguments (provider command)")
    env: dict[str, str] = Field(default_factory=dict, description="environment of the program (provider command)")
    mode: Literal["turns", "work"] = Field(
        "turns", description="turns: JSON lines on stdin and stdout; work: started once, in its working tree"
    )

    stdin: Literal["prompt", "empty"] | None = Field(
        None, description="what the program reads (mode work; default: the prompt, unless `command` holds it)"
    )
    job_seconds: float | None = Field(
        None, gt=0, allow_inf_nan=False, description="when a job is ended (mode work; default: the episode's limit)"
    )
    permissions: Literal["allow", "read", "reject"] | None = Field(
        None, description="what an acp agent may do when it asks (default: allow at a desk, reject in games of text)"
    )

    @field_validator("reasoning_effort")
    @classmethod
    def _known_effort(cls, effort: str | None) -> str | None:
        allowed = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
        if effort is not None and effort not in allowed:
            raise ValueError(f"is not one of {', '.join(allowed)}")
        return effort

    @field_validator("base_url")
    @classmethod
    def _is_address(cls, address: str | None) -> str | None:
        wrong = None if address is None else wrong_address(address)
        if wrong is not None:
            raise ValueError(wrong)
        return address if address is None else address.rstrip("/")

    @field_validator("think_tags")
    @classmethod
    def _are_names(cls, tags: tuple[str, ...]) -> tuple[str, ...]:
        for tag in tags:
            if not re.fullmatch(r"[A-Za-z][\w.-]*", tag):
                raise ValueError(f"{tag!r} is not the name of a tag; write think, not <think>")
        return tags

    @field_validator("api_key_env")
    @classmethod
    def _is_variable(cls, name: str | None) -> str | None:
        if name is not None and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            remember(name)  # it may well be the key itself
            raise ValueError("is not the name of an environment variable; write the name here, never the key")
        return name

    @model_validator(mode="after")
    def _complete(self) -> AgentSettings:
        if self.provider in PROGRAMS:
            if not self.command:
                raise ValueError(
                    f"an agent of provider {self.provider} needs `command`, a list: program and arguments"
                )
        elif self.provider == "a2a":
            if self.base_url is None:
                raise ValueError("an agent of provider a2a needs `base_url`, where its agent card is found")
        elif self.provider == "anthropic" and self.base_url is not None and self.base_url.endswith("/v1"):
            raise ValueError(f"base_url {self.base_url!r} {_ANTHROPIC_ADDS}")
        elif not self.model:
            raise ValueError(f"an agent of provider {self.provider} needs `model`")
        if self.price is not None and self.price.episode is not None and not self.pays_for_itself:
            raise ValueError("a model's price goes by tokens: give `input` and `output` in place of `episode`")
        return self

    def __repr_args__(self) -> Any:
        for key, value in super().__repr_args__():
            yield key, sorted(value) if key in ("headers", "env") else value  # their values may be secrets

    @property
    def address(self) -> str:
        """Where calls go: `base_url`, else the SDK's environment variable, else the provider's own address."""
        variable = ADDRESS_VARIABLE.get(self.provider, "")
        from_environment = os.environ.get(variable, "").rstrip("/")
        if self.provider == "anthropic":
            from_environment = from_environment.removesuffix("/v1")  # Anthropic's SDK adds that itself
        return self.base_url or from_environment or OFFICIAL.get(self.provider, "")

    def wrong_variable(self) -> str | None:
        """What is wrong with the environment variable that the address comes from; None where all is well."""
        variable = ADDRESS_VARIABLE.get(self.provider, "")
        address = os.environ.get(variable, "").rstrip("/")
        if self.base_url or not address:
            return None
        wrong = wrong_address(address)
        if wrong is None and self.provider == "anthropic" and address.endswith("/v1"):
            wrong = f"{address!r} {_ANTHROPIC_ADDS}"
        return None if wrong is None else f"the environment variable {variable} {wrong}"

    @property
    def official(self) -> bool:
        return self.address == OFFICIAL.get(self.provider)

    @property
    def key_variable(self) -> str | None:
        """The variable that must hold a key; None where a compatible server may go without one."""
        if self.provider in (*PROGRAMS, "a2a"):
            return None
        if self.api_key_env:
            return self.api_key_env
        return KEY_VARIABLE[self.provider] if self.official or self.base_url is None else None

    @property
    def pays_for_itself(self) -> bool:
        """Whether what it consumes is known only from what it tells, if at all."""
        return self.provider in (*PROGRAMS, "a2a")

    @property
    def autonomous(self) -> bool:
        """Whether the agent works at its own pace where the game allows it."""
        return self.provider == "acp" or (self.provider == "command" and self.mode == "work")

    @property
    def reads_prompt(self) -> bool:
        """Whether a program at its desk finds the task on its standard input."""
        if self.stdin is not None:
            return self.stdin == "prompt"
        return not any(name in part for part in self.command for name in ("{prompt}", "{prompt_file}"))

    def answering(self) -> dict[str, Any]:
        """The settings that can change an answer, without those left at their default."""
        keys = ("provider", "model", "temperature", "max_tokens", "reasoning_effort", "system_prefix", "extra_body")
        values = {key: getattr(self, key) for key in keys}
        for key in ("token_limit_key", "system_role", "think_tags"):
            if getattr(self, key) != type(self).model_fields[key].default:
                values[key] = getattr(self, key) if key != "think_tags" else list(self.think_tags)
        if self.provider == "command":
            values = {"provider": "command", "command": list(self.command), "mode": self.mode}
        if self.provider == "a2a":
            values = {"provider": "a2a", "base_url": self.base_url, "model": self.model}
        if self.provider == "acp":
            values = {"provider": "acp", "command": list(self.command), "permissions": self.permissions}
        return {key: value for key, value in values.items() if value not in (None, "", {})}

    def variables(self) -> set[str]:
        """The environment variables that calls need: the key's, and those that headers name."""
        named = {name for value in self.headers.values() for name in _REFERENCE.findall(value)}
        return named | ({self.key_variable} if self.key_variable else set())

    def expanded_headers(self) -> tuple[dict[str, str], list[str]]:
        """Headers with `${NAME}` replaced from the environment, and the names that are not set."""
        missing: list[str] = []

        def value_of(match: re.Match[str]) -> str:
            if match[1] not in os.environ:
                missing.append(match[1])
            return os.environ.get(match[1], "")

        return {key: _REFERENCE.sub(value_of, value) for key, value in self.headers.items()}, missing
