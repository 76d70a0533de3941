"""The one hierarchy of exceptions.

Every message names the thing, the value and the remedy. What an exception means for an episode is
decided by its class alone: `InfrastructureError` says nothing about the agents, `AgentFault` says
something about exactly one of them, and `LimitReached` ends the episode as `limit`.
"""

from __future__ import annotations

from pathlib import Path


class CollabError(Exception):
    """Base of everything that pytest-collab raises on purpose."""


class UsageError(CollabError):
    """The user asked for something that cannot be: an option, a file, a name.

    Raised before any episode is played. The plugin shows it without a traceback.
    """


class TaskError(UsageError):
    """A task is not valid: wrong key, type, range, or unknown family, agent or condition.

    Args:
        problem: what is wrong, naming the value.
        remedy: what to do instead.
        file: where the task is written.
        line: 1-based line in `file`.
        key: dotted path of the offending key.
    """

    def __init__(
        self,
        problem: str,
        *,
        remedy: str = "",
        file: Path | str | None = None,
        line: int | None = None,
        key: str = "",
    ) -> None:
        self.problem = problem
        self.remedy = remedy
        self.file = file
        self.line = line
        self.key = key
        super().__init__(str(self))

    def __str__(self) -> str:
        place = str(self.file) if self.file else ""
        if place and self.line:
            place = f"{place}:{self.line}"
        head = ": ".join(part for part in (place, self.key, self.problem) if part)
        return f"{head}\n  {self.remedy}" if self.remedy else head


class RunError(CollabError):
    """A run directory cannot be written or read (read-only, full, newer schema, in use)."""


class InfrastructureError(CollabError):
    """Something outside the agents broke; the episode is no evidence about them.

    Attributes:
        code: a code of the taxonomy's infrastructure cause.
    """

    code = "setup_error"


class SetupError(InfrastructureError):
    """The episode could not be set up (environment, dataset, cache)."""

    code = "setup_error"


class SandboxError(InfrastructureError):
    """The sandbox could not be started, or died for reasons not due to what ran in it."""

    code = "sandbox_error"


class ProviderError(InfrastructureError):
    """The provider of an agent failed, after all retries.

    Args:
        message: what happened, with secrets removed.
        status: HTTP status, if there was one.
    """

    code = "provider_error"

    def __init__(self, message: str, *, status: int | None = None) -> None:
        self.status = status
        super().__init__(message)


class AgentFault(CollabError):
    """An agent itself misbehaved (answered nonsense, crashed on its own, refused).

    The engine records the seat's turn as `malformed_action`; it never ends the session.
    """


class LimitReached(CollabError):
    """A declared limit was hit. Raised by the context managers of `episode.limits`.

    Agents must not catch it.

    Attributes:
        code: `turn_limit`, `token_limit`, `time_limit` or `cost_limit`.
        seat: the seat whose limit it was; None for the episode's own.
    """

    def __init__(self, code: str, limit: float, seat: str | None = None) -> None:
        self.code = code
        self.limit = limit
        self.seat = seat
        whose = f"seat {seat!r}" if seat else "the episode"
        super().__init__(f"{code.replace('_', ' ')} of {whose} reached ({limit:g})")


class ContextFull(LimitReached):
    """A conversation does not fit the model's context. The engine leaves out the oldest of it and asks again.

    Attributes:
        window: tokens that the model's context holds; None where nobody said.
    """

    def __init__(self, window: int | None, seat: str | None = None) -> None:
        self.window = window
        super().__init__("token_limit", window or 0, seat)
