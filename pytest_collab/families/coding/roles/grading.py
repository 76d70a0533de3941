"""What grading finds out beyond the tree that counts: was each thing handed in good, and what did tests check?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import anyio.to_thread

from pytest_collab.episode.transcript import Transcript
from pytest_collab.families.coding.roles.telling import checked, requirements
from pytest_collab.families.coding.rules import Deal
from pytest_collab.families.coding.workspace.workspace import Workspace

if TYPE_CHECKING:
    from pytest_collab.families.coding.workspace.bench import Bench

MOST_TESTS: Final = 100


async def grade(
    bench: Bench, workspace: Workspace, deal: Deal, handed_in: Sequence[str], transcript: Transcript
) -> None:
    """Write `grade` events: each thing handed in with its tests, and what the specification asks that was tested.

    Args:
        handed_in: trees of the workspace's store, in order.
    """
    assert deal.casting is not None
    builder = deal.casting.builder
    final = [event for event in transcript.of("grade") if event.data["what"] == "tests"]
    tree = next(e.data["tree"] for e in transcript.of("grade", seat=builder) if e.data["what"] == "work")
    known = {(tree, event.data["feature"]): (event.data["passed"], event.data["summary"]) for event in final}
    for number, submitted in enumerate(handed_in, 1):
        for feature in deal.all_features:
            if (submitted, feature) not in known:
                found = await bench.grader.grade(workspace.store, submitted, feature, counters=False)
                known[submitted, feature] = (found.passed, found.reason)
            passed, reason = known[submitted, feature]
            transcript.add(
                "grade",
                builder,
                what="submission",
                submission=number,
                feature=feature,
                passed=passed,
                summary=reason,
                counts=submitted == tree,
            )
    for event in final:
        if event.data["passed"]:
            continue
        feature = event.data["feature"]
        asked = requirements(bench.descriptions[feature], bench.briefs[feature])
        hidden = await anyio.to_thread.run_sync(bench.pool.hidden, bench.pool.feature(feature))
        expected = await bench.grader.expectation(bench.pool.feature(feature))
        missed = [name for name in expected.fail_to_pass if event.data["tests"].get(name) != "passed"]
        transcript.add(
            "grade",
            None,
            what="specification",
            feature=feature,
            asks=list(asked),
            brief=bench.briefs[feature],
            missed=missed[:MOST_TESTS],
            checked=checked(asked, hidden.decode(errors="replace"), missed[:MOST_TESTS]),
        )
