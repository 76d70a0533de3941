"""The record of one episode: one line of episodes.jsonl."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from pytest_collab.episode.outcome import Failure, Outcome

SCHEMA_VERSION: Final = 1


class SeatUsage(BaseModel):
    """What one seat consumed. Tokens follow one convention for all providers: `cached_tokens` are part
    of `input_tokens`.

    Attributes:
        cost_usd: None when it is not known in full (the price, or what an attempt consumed); never taken as zero.
        at_least_usd: the part of the cost that is known, where `cost_usd` is None.
        stops: how many answers were no whole answers, by their `stop`: `refusal`, `filter`, `length`.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    agent: str = ""
    model: str = ""
    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cost_usd: float | None = 0.0
    retries: int = 0
    at_least_usd: float | None = None
    stops: dict[str, int] = Field(default_factory=dict)


class Episode(BaseModel):
    """One play of task x condition x team x seed x epoch (schema_version 1).

    Attributes:
        id: unique in the run; names the transcript file.
        team: agents in seat order as the item names them: one for `solo` and `with:AGENT`.
        score: 0..1.
        metrics: the family's further figures.
        usage: by seat; `grader` is the agent that read the finished episode, where one did.
        turns: how often the engine asked (seats that act at once share a turn).
        duration_s: wall time.
        worker: xdist worker id, `main` without xdist.
        transcript: path relative to the run directory: `transcripts/<id>.jsonl`, in runs of more than 10,000 episodes
            `transcripts/3f/<id>.jsonl`.
        error: text of an infrastructure error.
        attempt: 1, and counting up when the same episode was played again (a resumed run, a re-run plugin).
        settled: False where `solo` episodes have to decide between coordination and competence: `outcome` is then
            `unsettled`, and stays so in the record (runs of earlier versions have one of the two there). What it was
            settled to is derived from the run, see `measure.settling`.
        lost: plays of the episode that were lost with the process that played them, before this one; written only
            where there were any.
        lost_usd: what those have cost, in dollars, as far as it was booked. No part of `usage`.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    schema_version: int = SCHEMA_VERSION
    id: str
    family: str
    task: str
    condition: str
    team: tuple[str, ...]
    seed: int
    epoch: int = 0
    outcome: Outcome
    score: float = Field(ge=0.0, le=1.0)
    failures: tuple[Failure, ...] = ()
    metrics: dict[str, float] = Field(default_factory=dict)
    usage: dict[str, SeatUsage] = Field(default_factory=dict)
    turns: int = 0
    duration_s: float = 0.0
    worker: str = "main"
    transcript: str = ""
    error: str | None = None
    attempt: int = 1
    settled: bool = True
    task_hash: str = ""
    lost: int = 0
    lost_usd: float = 0.0

    @property
    def success(self) -> bool:
        """True when the team did what the task asks; nothing else counts as success."""
        return self.outcome is Outcome.SUCCESS

    @property
    def headline(self) -> Failure | None:
        """The most important failure, if there is one."""
        return self.failures[0] if self.failures else None

    @property
    def key(self) -> tuple[str, str, str, tuple[str, ...], int, int]:
        """What makes two records plays of the same episode."""
        return (self.family, self.task, self.condition, self.team, self.seed, self.epoch)

    @property
    def cost_usd(self) -> float | None:
        """Cost over all seats; None when any seat's is unknown."""
        costs = [seat.cost_usd for seat in self.usage.values()]
        return None if any(cost is None for cost in costs) else sum(cost or 0.0 for cost in costs)

    def as_attempt(self, attempt: int) -> Episode:
        """The same play under the number, and so the id and the transcript's name, of another attempt."""
        name = episode_id(
            self.family, self.task, self.task_hash, self.condition, self.team, self.seed, self.epoch, attempt
        )
        return self.model_copy(update={"id": name, "attempt": attempt, "transcript": transcript_name(name)})

    def json_line(self) -> str:
        """One line of JSON, ASCII only (no control character or escape sequence of an agent survives raw)."""
        import json

        rare = set() if self.lost else {"lost", "lost_usd"}
        return json.dumps(self.model_dump(mode="json", exclude=rare), separators=(",", ":"), ensure_ascii=True)


def transcript_name(name: str, *, spread: bool = False) -> str:
    """Where the transcript of the episode of that id lies in its run directory.

    Args:
        spread: in one of 256 folders: of a million files in one folder no tool shows a list.
    """
    folder = f"{sha256(name.encode()).hexdigest()[:2]}/" if spread else ""
    return f"transcripts/{folder}{name}.jsonl"


def episode_id(
    family: str,
    task: str,
    task_hash: str,
    condition: str,
    team: tuple[str, ...],
    seed: int,
    epoch: int,
    attempt: int = 1,
) -> str:
    """A readable, unique, file-name-safe name of an episode, the same in every process; it begins with the family."""
    parts: list[Any] = [family, *([task] if task != family else []), condition, "+".join(team), f"s{seed}"]
    if epoch:
        parts.append(f"e{epoch}")
    if attempt > 1:
        parts.append(f"r{attempt}")
    readable = "-".join(str(part) for part in parts)
    exact = "\x1f".join([family, task, task_hash, condition, *team, str(seed), str(epoch), str(attempt)])
    slug = re.sub(r"[^A-Za-z0-9_.+-]+", "_", readable)[:96].strip("._")
    return f"{slug}-{sha256(exact.encode()).hexdigest()[:8]}"
