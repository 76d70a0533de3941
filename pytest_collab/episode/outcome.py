"""What an episode came to: outcomes, the failure taxonomy, and the verdict that carries both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from pydantic import BaseModel, ConfigDict, field_validator


class Outcome(StrEnum):
    """What an episode can come to.

    `UNSETTLED` is a failure of which its own evidence does not say whether the team could not coordinate or could not
    do the job at all: it counts as a failure, and as neither kind of failure.
    """

    SUCCESS = "success"
    COORDINATION = "coordination_failure"
    COMPETENCE = "competence_failure"
    UNSETTLED = "unsettled"
    LIMIT = "limit"
    INFRASTRUCTURE = "infrastructure_error"


class Cause(StrEnum):
    """Where the blame of a failure code lies (first three: coordination)."""

    COMMUNICATION = "communication"
    COMMITMENT = "commitment"
    EXPECTATION = "expectation"
    COMPETENCE = "competence"
    LIMIT = "limit"
    INFRASTRUCTURE = "infrastructure"


TAXONOMY: Final[Mapping[Cause, tuple[str, ...]]] = {
    Cause.COMMUNICATION: (
        "unresponsive",
        "vague",
        "repetition",
        "malformed_message",
        "undelivered",
        "agreement_loop",
        "premature",
    ),
    Cause.COMMITMENT: ("broken_commitment", "false_claim", "unverified_claim", "rubber_stamp"),
    Cause.EXPECTATION: (
        "ungrounded",
        "disagreement",
        "merge_conflict",
        "work_overlap",
        "divergent_design",
        "deadlock",
        "starvation",
        "withholding",
        "free_riding",
        "collapse",
        "split_up",
        "role_breach",
        "capitulation",
        "collusion",
    ),
    Cause.COMPETENCE: (
        "illegal_move",
        "wrong_solution",
        "own_part_failed",
        "malformed_action",
        "refused",
        "cut_off",
        "gamed_tests",
    ),
    Cause.LIMIT: ("turn_limit", "token_limit", "time_limit", "cost_limit"),
    Cause.INFRASTRUCTURE: ("provider_error", "sandbox_error", "setup_error", "worker_lost"),
}
"""Failure codes by cause (MAST and CooperBench's symptoms, extended; see docs/outcomes.md)."""

CAUSE_OF: Final[Mapping[str, Cause]] = {code: cause for cause, codes in TAXONOMY.items() for code in codes}

FAMILY_CODES: Final = frozenset(
    code
    for cause in (Cause.COMMUNICATION, Cause.COMMITMENT, Cause.EXPECTATION, Cause.COMPETENCE)
    for code in TAXONOMY[cause]
) - {"refused", "cut_off", "gamed_tests"}
"""What `Family.codes` takes a stand on. Every other code, those of the engine among them, any family may show."""

COORDINATION_CAUSES: Final = frozenset({Cause.COMMUNICATION, Cause.COMMITMENT, Cause.EXPECTATION})


class Failure(BaseModel):
    """One failure, with the seats at fault and the transcript events that prove it.

    Attributes:
        code: a code of the taxonomy.
        cause: follows from the code.
        seats: who is at fault; empty only for infrastructure and for what is ungraded.
        events: `seq` numbers of transcript events, ascending.
        note: one sentence for a person.
        ungraded: it happened, and who is at fault cannot be told, mostly because what was said could not be read
            surely enough: there are no seats then.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    code: str
    cause: Cause
    seats: tuple[str, ...] = ()
    events: tuple[int, ...] = ()
    note: str = ""
    ungraded: bool = False

    @field_validator("code")
    @classmethod
    def _known(cls, code: str) -> str:
        if code not in CAUSE_OF:
            raise ValueError(f"unknown failure code {code!r}; codes are {', '.join(sorted(CAUSE_OF))}")
        return code

    @classmethod
    def of(cls, code: str, *seats: str, events: tuple[int, ...] | list[int] = (), note: str = "") -> Failure:
        """Build a failure; the cause is looked up in the taxonomy.

        Raises:
            KeyError: `code` is not in the taxonomy.
        """
        return cls(code=code, cause=CAUSE_OF[code], seats=tuple(seats), events=tuple(sorted(set(events))), note=note)

    @property
    def is_coordination(self) -> bool:
        return self.cause in COORDINATION_CAUSES


@dataclass(frozen=True, slots=True)
class Verdict:
    """A family's judgement of one transcript.

    Attributes:
        outcome: what the episode came to.
        score: 0..1, the family's graded measure of success.
        metrics: further named figures (finite floats).
        failures: most important first; `failures[0]` is the headline of an unsuccessful episode.
        settled: False where the evidence of this episode alone does not decide between coordination and
            competence: the episode's record then says `unsettled`, and a run looks at the paired `solo` episodes
            (see `measure.settling`).
    """

    outcome: Outcome
    score: float
    metrics: Mapping[str, float] = field(default_factory=dict)
    failures: tuple[Failure, ...] = ()
    settled: bool = True

    def __post_init__(self) -> None:
        if not 0.0 <= self.score <= 1.0:
            raise ValueError(f"score {self.score!r} of a verdict is outside 0..1")


def outcome_of(failures: tuple[Failure, ...] | list[Failure], *, otherwise: Outcome) -> Outcome:
    """The outcome that the headline failure implies; `otherwise` when there is none."""
    if not failures:
        return otherwise
    cause = failures[0].cause
    if cause in COORDINATION_CAUSES:
        return Outcome.COORDINATION
    return {
        Cause.COMPETENCE: Outcome.COMPETENCE,
        Cause.LIMIT: Outcome.LIMIT,
        Cause.INFRASTRUCTURE: Outcome.INFRASTRUCTURE,
    }[cause]
