"""The page's first line: is this release worse? Green only where something was compared and the run is whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pytest_collab.episode.outcome import Outcome
from pytest_collab.episode.record import Episode
from pytest_collab.episode.run import RunInfo
from pytest_collab.measure.comparison import RunComparison
from pytest_collab.measure.decision import GateVerdict
from pytest_collab.measure.gatereport import GateReport
from pytest_collab.report.changes import conclusion_line
from pytest_collab.report.model import Answer, Baseline

_CUT_SHORT: Final = (2, 3)
"""pytest's exit statuses of sessions that were interrupted, or broke."""


def answer(
    gates: GateReport | None,
    baseline: Baseline | None,
    episodes: Sequence[Episode],
    info: RunInfo,
    planned: int | None = None,
) -> Answer:
    """Gates decide; without them the baseline; without both nothing can be said about a release.

    Args:
        info: says whether the session came to its end; of one that did not, nothing is green.
        planned: how many episodes it meant to play, where that is known.
    """
    found = _found(gates, baseline, episodes)
    if info.finished is not None and info.exit_status not in _CUT_SHORT:
        return found
    count = f"{len(episodes)} episodes" if planned is None else f"{len(episodes)} of {planned} episodes"
    state = "the session is still running, or was killed" if info.finished is None else "the session was interrupted"
    return Answer(
        "open" if found.tone == "good" else found.tone,
        f"So far: {found.title[:1].lower()}{found.title[1:]}" if found.tone == "good" else found.title,
        f"{found.detail} The run is not whole: {count} were played, {state}; --collab-resume plays the rest.",
    )


def _found(gates: GateReport | None, baseline: Baseline | None, episodes: Sequence[Episode]) -> Answer:
    comparison = None if baseline is None else baseline.comparison
    if gates is not None:
        return _of_gates(gates, "" if comparison is None else f" {_changes(comparison)}")
    if comparison is not None:
        return _of_changes(comparison)
    teams = [episode for episode in episodes if episode.condition == "team"]
    kind = "team episodes" if teams else "episodes"
    evidence = [episode for episode in teams or episodes if episode.outcome is not Outcome.INFRASTRUCTURE]
    good = sum(episode.success for episode in evidence)
    refused = f" The baseline was not used: {baseline.refusal}" if baseline is not None else ""
    return Answer(
        "open",
        f"{good} of {len(evidence)} {kind} succeeded",
        "Whether that is worse than before cannot be told: this run was played without gates (--collab-gate=FILE) "
        f"and without a baseline (--collab-baseline=DIR).{refused}",
    )


def _of_gates(gates: GateReport, against: str) -> Answer:
    if gates.verdict == "void":
        check = gates.infrastructure
        return Answer(
            "bad",
            "This run says nothing",
            f"{check}, more than the {check.at_most:.0%} that the gates file allows.",
        )
    failed = [gate.name for gate in gates.gates if gate.verdict is GateVerdict.FAIL]
    undecided = [gate.name for gate in gates.gates if gate.verdict is GateVerdict.UNDECIDED]
    broken = [problem.name for problem in gates.problems]
    counts = [
        f"{len(names)} {words}: {', '.join(names)}"
        for names, words in ((failed, "failed"), (undecided, "undecided"), (broken, "cannot be judged"))
        if names
    ]
    of = len(gates.gates) + len(broken)
    told = f"Of {of} gate{'s' * (of != 1)} {'; '.join(counts)}.{against}"
    if not gates.ok:
        return Answer("bad", "The gates are not passed", told)
    if undecided:  # which the gates file lets through
        return Answer("open", "No gate failed, and not all are decided", told)
    return Answer("good", "All gates are passed", f"{of} of {of} gates.{against}")


def _of_changes(comparison: RunComparison) -> Answer:
    if comparison.conclusion == "worse":
        return Answer("bad", "Worse than the baseline", _changes(comparison))
    if comparison.conclusion == "not worse":
        return Answer("good", "Not worse than the baseline", _changes(comparison))
    nothing = "Nothing could be compared with the baseline"
    title = nothing if not comparison.matching.pairs else "Whether it is worse than the baseline cannot be told"
    return Answer("open", title, _changes(comparison))


def _changes(comparison: RunComparison) -> str:
    told = [conclusion_line(comparison), *comparison.matching.told("the baseline", "this run")]
    return f"Against the baseline: {'; '.join(told)}."
