"""Grading several teams: what each proposed, and what each left in the end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from pytest_collab.episode.transcript import Transcript
from pytest_collab.families.coding.grading.grading import FeatureGrade
from pytest_collab.families.coding.rules import Deal
from pytest_collab.families.coding.teams.exchange import Proposal
from pytest_collab.families.coding.workspace.bench import Grading
from pytest_collab.families.coding.workspace.workspace import Workspace

if TYPE_CHECKING:
    from pytest_collab.families.coding.workspace.bench import Bench

PROPOSAL: Final = "proposal"
END: Final = "end"


async def grade(
    bench: Bench, workspace: Workspace, deal: Deal, proposals: Mapping[int, Proposal], transcript: Transcript
) -> None:
    """Write `grade` events, each with its `team` and its `stage`; a tree that was tested once is not tested again.

    Of a proposal each seat's own work is told as well where its team then took another's over: what it ends with is
    not its own.

    Args:
        proposals: by team; empty where the episode ended before there were any.
    """
    known: dict[tuple[str, str, bool], FeatureGrade] = {}
    for number, proposal in proposals.items():
        team = deal.teams[number - 1]
        tags = {"team": number, "stage": PROPOSAL}
        grading = Grading(bench.grader, workspace, team, transcript, works=proposal.works, known=known, tags=tags)
        took_over = any(_took_over(transcript, seat, number) for seat in team.seats)
        if took_over:
            await grading.collect()
        await grading.test(await grading.join(), own_trees=took_over)
    for number, team in enumerate(deal.teams, 1):
        grading = Grading(bench.grader, workspace, team, transcript, known=known, tags={"team": number, "stage": END})
        await grading.collect()
        await grading.test(await grading.join())


def _took_over(transcript: Transcript, seat: str, number: int) -> bool:
    """Whether a seat of team `number` made its tree another team's proposal."""
    return any(event.data.get("took_over", number) != number for event in transcript.of("state", seat=seat))
