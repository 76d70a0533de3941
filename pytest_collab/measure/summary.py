"""summary.json: what a run comes to, per task and per family."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pydantic import BaseModel, ConfigDict

from pytest_collab.episode.condition import GENERAL
from pytest_collab.episode.record import SCHEMA_VERSION
from pytest_collab.measure.detection import Detected
from pytest_collab.measure.metric import GAPS as METRIC_GAPS

GAPS: Final[Mapping[str, tuple[str, str]]] = {name.replace("_", " "): pair for name, pair in METRIC_GAPS.items()}
"""Name -> the two conditions whose success rates are subtracted (first minus second)."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Usage(_Frozen):
    """Consumption, summed. `cost_usd` is None when a price is unknown."""

    calls: int = 0
    retries: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cost_usd: float | None = 0.0


class Cell(_Frozen):
    """All episodes of one condition and team, of one task or (task None) of a whole family.

    Attributes:
        n: episodes that are evidence, infrastructure errors left out.
        low, high: 95 % interval of the success rate over clusters (a task and seed), as gates draw it
            (`bounded.bounded_mean`); 0..1 when n is 0.
        score: mean score.
        corrected: of a run that was stopped when decided: the success rate without the luck that it was stopped on
            (see `measure.stopped`); None where it was not, or that cannot be told.
        outcomes: episodes by outcome, infrastructure errors included; what an episode left open counts as what solo
            episodes settled it to, else as `unsettled`.
    """

    family: str
    task: str | None
    condition: str
    team: str
    n: int
    successes: int
    rate: float
    low: float
    high: float
    score: float
    corrected: float | None = None
    infrastructure: int
    outcomes: dict[str, int]
    metrics: dict[str, float]
    usage: Usage


class Gap(_Frozen):
    """A difference of success rates between two conditions, paired by (task, seed).

    `solo` and `with:partner` stand for the mean of the team's members.

    Attributes:
        low, high: 95 % interval; None with fewer than two pairs.
    """

    name: str
    team: str
    value: float
    low: float | None
    high: float | None
    pairs: int


class CodeCount(_Frozen):
    """How many episodes show a failure code; unsettled ones count once they are settled."""

    code: str
    cause: str
    episodes: int


class Gradings(_Frozen):
    """How far several gradings of the same episodes agree (see `measure.agreement`).

    Attributes:
        gradings: of each episode.
        episodes: those that have all of them; others are left out.
        icc_agreement: ICC(2,1) of the outcomes: a single grading, absolute agreement.
        icc_consistency: ICC(3,1): the same without what sets one grading off from the others as a whole.
        kappa: Fleiss' kappa of success.
            Each None where it is not defined: fewer than two episodes, or all came to the same.
    """

    gradings: int
    episodes: int
    icc_agreement: float | None
    icc_consistency: float | None
    kappa: float | None


class FamilySummary(_Frozen):
    """One family of a run.

    Attributes:
        gradings: there where its episodes were graded more than once.
        detections: of families whose agents are asked whether something is there: how well they tell.
    """

    family: str
    cells: tuple[Cell, ...]
    gaps: tuple[Gap, ...]
    codes: tuple[CodeCount, ...]
    gradings: Gradings | None = None
    detections: tuple[Detected, ...] = ()


class Stopped(_Frozen):
    """A run that was stopped when decided: how much of its plan was played."""

    planned: int
    played: int


class Summary(_Frozen):
    """A run: per family for people, per task for programs.

    Attributes:
        cost_usd, known_cost_usd: of the plays that count, one an episode.
        plays: all plays, re-runs and repeats included; None in summaries of before it was kept.
        paid_usd, known_paid_usd: what all plays have cost; `paid_usd` is None where a price is unknown.
        settled_by_solo: failures that their own episode left open between coordination and competence, and that
            the members' solo episodes have settled; `outcomes` has them as settled.
        unsettled: those that are still open, for want of solo episodes or because they could not be read.
        unread: episodes that could not be read surely, so that nobody is blamed for them and no solo settles them.
    """

    schema_version: int = SCHEMA_VERSION
    episodes: int
    cost_usd: float | None
    known_cost_usd: float
    plays: int | None = None
    paid_usd: float | None = None
    known_paid_usd: float | None = None
    families: tuple[FamilySummary, ...]
    tasks: tuple[Cell, ...]
    task_gaps: dict[str, tuple[Gap, ...]] = {}
    settled_by_solo: int = 0
    unsettled: int = 0
    unread: int = 0
    stopped: Stopped | None = None


def condition_rank(condition: str) -> tuple[int, str]:
    """Sorts conditions as people read them: the ceiling, the real thing, then the variations."""
    kind = condition.partition(":")[0]
    return (GENERAL.index(kind) if kind in GENERAL else len(GENERAL), condition)
