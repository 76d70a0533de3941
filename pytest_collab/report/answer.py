"""The page's first line: is this release worse? Green only where something was compared and the run is whole."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from pytest_collab.episode.run import RunInfo
from pytest_collab.episode.text import counted, plural
from pytest_collab.measure.comparison import Change, RunComparison
from pytest_collab.measure.decision import GateVerdict
from pytest_collab.measure.frame import Frame
from pytest_collab.measure.gatereport import GateReport
from pytest_collab.measure.pooling import Pooled
from pytest_collab.report.model import Answer, Baseline

_CUT_SHORT: Final = (2, 3)
"""pytest's exit statuses of sessions that were interrupted, or broke."""

MOST_PLACES: Final = 6
MOST_REASONS: Final = 3


def answer(
    gates: GateReport | None,
    baseline: Baseline | None,
    frame: Frame,
    info: RunInfo,
    planned: int | None = None,
    *,
    early: bool = False,
) -> Answer:
    """Gates decide; without them the baseline; without both nothing can be said about a release.

    Args:
        frame: the run's episodes.
        info: says whether the session came to its end; of one that did not, nothing is green.
        planned: how many episodes it meant to play, where that is known.
        early: it may end before all are played, once its gates are decided.
    """
    found = _found(gates, baseline, frame)
    short = planned is not None and len(frame) < planned and not early
    if info.finished is not None and info.exit_status not in _CUT_SHORT and not short:
        return found
    count = counted(len(frame), "episode") if planned is None else f"{len(frame)} of {counted(planned, 'episode')}"
    were = plural(len(frame), "was", "were")
    if info.finished is None:
        begin, state = f"{count} played so far", "the session is still running, or was killed"
    elif info.exit_status in _CUT_SHORT:
        begin, state = f"Interrupted after {count}", "the session was interrupted"
    else:
        begin = f"Ended after {count}"
        state = "the others were skipped, or the session ended early (-x, --maxfail, --collab-max-cost)"
    return replace(
        found,
        tone="open" if found.tone == "good" else found.tone,
        title=f"{begin}: {found.title[:1].lower()}{found.title[1:]}",
        detail=f"{found.detail} The run is not whole: {count} {were} played, {state}; --collab-resume plays "
        "the rest.",
    )


def _found(gates: GateReport | None, baseline: Baseline | None, frame: Frame) -> Answer:
    comparison = None if baseline is None else baseline.comparison
    name = "the baseline" if baseline is None else Path(baseline.path).name or baseline.path
    if gates is not None and gates.verdict == "void":
        check = gates.infrastructure
        return Answer(
            "open",
            f"This run says nothing about the agents: {check}",
            f"That is more than the {check.at_most:.0%} that the gates file allows.",
        )
    if gates is not None:
        return _of_gates(gates, comparison, name)
    if comparison is not None:
        return _of_changes(comparison, name)
    teams = frame.condition.among(["team"])
    kind = "team episodes" if teams.any() else "episodes"
    evidence = (teams if teams.any() else np.ones(len(frame), dtype=bool)) & frame.evidence
    good = int((frame.success & evidence).sum())
    refused = f" The baseline was not used: {baseline.refusal}" if baseline is not None else ""
    lost = f"All {int(teams.sum()) or len(frame)} {kind} were lost to infrastructure"
    why = "this run was played without gates (--collab-gate=FILE) and without a baseline (--collab-baseline=DIR)"
    if frame.info.options.get("gate"):
        why = "its gates were not judged (`collab gate RUN`), and there is no baseline (--collab-baseline=DIR)"
    gone = int((~frame.evidence & (teams if teams.any() else True)).sum())
    more = f", {gone} more were lost to infrastructure" if gone else ""
    return Answer(
        "open",
        f"{good} of {int(evidence.sum())} {kind} succeeded{more}" if evidence.any() else lost,
        f"Whether that is worse than before cannot be told: {why}.{refused}",
    )


def _of_gates(gates: GateReport, comparison: RunComparison | None, name: str) -> Answer:
    failed = [gate.name for gate in gates.gates if gate.verdict is GateVerdict.FAIL]
    undecided = [gate.name for gate in gates.gates if gate.verdict is GateVerdict.UNDECIDED]
    broken = [problem.name for problem in gates.problems]
    counts = [
        f"{len(names)} {words}: {', '.join(names)}"
        for names, words in ((failed, "failed"), (undecided, "undecided"), (broken, "cannot be judged"))
        if names
    ]
    of = len(gates.gates) + len(broken)
    told = f"Of {counted(of, 'gate')} {'; '.join(counts)}." if counts else f"{of} of {counted(of, 'gate')}."
    worse = comparison is not None and comparison.conclusion == "worse"
    if gates.failed:
        tone, title = "bad", "The gates are not passed"
    elif undecided:  # whether the gates file lets that through or not
        tone, title = "open", "No gate failed, and not all are decided"
        told = told if gates.ok else f"{told} Undecided counts as failed (`undecided: fail` in the gates file)."
    else:
        tone, title = "open" if worse else "good", "All gates are passed"
    if comparison is None:
        return Answer(tone, title, told)
    against = _of_changes(comparison, name)
    if worse:
        tone = tone if gates.ok else "bad"
        title = against.title if tone == "bad" else f"{title}, and yet: {against.title}"
    elif comparison.conclusion == "not worse" and tone == "good":
        title = f"{title}; {against.title[:1].lower()}{against.title[1:]}"
    else:
        told = f"{told} {against.title}."
    return Answer(tone, title, told, against.where, against.notes)


def _of_changes(comparison: RunComparison, name: str) -> Answer:
    notes = tuple(comparison.matching.told(name, "this run"))
    where = _where(comparison)
    stand_ins = comparison.matching.stand_ins
    whole = comparison.whole
    if comparison.conclusion == "worse":
        who = f"{', '.join(stand_ins)} is worse than {', '.join(stand_ins.values())}" if stand_ins else None
        detail = "Beyond noise, corrected for the number of comparisons."
        return Answer("bad", f"{who or f'Worse than {name}'}{_worst(comparison)}", detail, where, notes)
    figures = "" if whole is None else f": {_was(comparison.metric, whole)}"
    if comparison.conclusion == "not worse":
        ruled = f"A loss of {_points(comparison.metric, comparison.margin)} or more is ruled out."
        return Answer("good", f"Not worse than {name}{figures}", ruled, where, notes)
    if not comparison.matching.pairs:
        return Answer("open", f"Nothing could be compared with {name}", _reasons(comparison), "", notes)
    title = f"Whether it is worse than {name} cannot be told{figures}"
    return Answer("open", title, _reasons(comparison), where, notes)


def _reasons(comparison: RunComparison) -> str:
    told = "; ".join(comparison.reasons[:MOST_REASONS])
    more = len(comparison.reasons) - MOST_REASONS
    return f"{told[:1].upper()}{told[1:]}{f'; and {more} more reasons' if more > 0 else ''}."


def _worst(comparison: RunComparison) -> str:
    """What the loss is, as a whole where that is beyond noise, else where it is largest."""
    whole = comparison.whole
    if whole is not None and whole.status == "worse":
        return f": {_was(comparison.metric, whole)}, {_loss(comparison.metric, whole)}"
    pooled = [one for one in comparison.pooled if one.status == "worse"]
    if pooled:
        return f" in {pooled[0].family}: {_was(comparison.metric, pooled[0])}, {_loss(comparison.metric, pooled[0])}"
    one = comparison.regressions[0]
    where = f"{one.family} {one.task} {one.condition} {one.team}"
    return f" in {where}: {_was(comparison.metric, one)}, {_loss(comparison.metric, one)}"


def _where(comparison: RunComparison) -> str:
    """By family, or where there is only one by task, condition and team: what got worse, better, and neither."""
    families = [one for one in comparison.pooled if one.family is not None]
    places: list[tuple[str, Pooled | Change]] = [(str(one.family), one) for one in families]
    if len(families) < 2:
        places = [(_short(one, comparison), one) for one in comparison.changes if one.difference is not None]
    parts = []
    for status, word in (("worse", "Worse"), ("better", "Better"), ("unclear", "Not beyond noise"), ("same", "Same")):
        found = sorted(
            ((label, one) for label, one in places if one.status == status),
            key=lambda pair: pair[1].difference or 0.0,
            reverse=status == "better",
        )
        if not found:
            continue
        told = [
            label
            if status == "same"
            else f"{label} {_signed(comparison.metric, one.difference)}"
            + (f" ({_was(comparison.metric, one, '')})" if status in ("worse", "better") else "")
            for label, one in found[:MOST_PLACES]
        ]
        more = len(found) - MOST_PLACES
        parts.append(f"{word}: {', '.join(told)}{f' and {more} more' if more > 0 else ''}.")
    return " ".join(parts)


def _short(change: Change, comparison: RunComparison) -> str:
    """A place, with no more of its name than tells it from the others."""
    told = [
        getattr(change, name)
        for name in ("task", "condition", "team")
        if len({getattr(one, name) for one in comparison.changes if one.difference is not None}) > 1
    ]
    return " ".join(told or [change.condition])


def _was(metric: str, found: Pooled | Change, what: str | None = None) -> str:
    name = ("success " if metric == "success_rate" else f"{metric} ") if what is None else what
    return f"{name}{_figure(metric, found.after)}, was {_figure(metric, found.before)}"


def _loss(metric: str, found: Pooled | Change) -> str:
    difference = _points(metric, found.difference, signed=True)
    if found.low is None or found.high is None:
        return difference
    return f"{difference} ({_signed(metric, found.low)} .. {_signed(metric, found.high)})"


def _figure(metric: str, value: float | None) -> str:
    if value is None:
        return "–"
    return f"{100 * value:.0f} %" if metric == "success_rate" else f"{value:.3g}"


def _signed(metric: str, value: float | None) -> str:
    if value is None:
        return "–"
    return f"{100 * value:+.0f}".replace("-", "−") if metric == "success_rate" else f"{value:+.3g}".replace("-", "−")


def _points(metric: str, value: float | None, *, signed: bool = False) -> str:
    told = _signed(metric, value)
    return f"{told if signed else told.lstrip('+')}{' points' if metric == 'success_rate' else ''}"
