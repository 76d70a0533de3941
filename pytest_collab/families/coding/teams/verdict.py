"""From the transcript of an episode of several teams to its verdict. Pure.

The best of what teams end with counts, as where one of K attempts is kept: the score is its share of features that
pass. What exchange brought is read against `best_of_k`, the best of what the same teams had proposed before they saw
anything of each other, and against the same teams kept apart.

The headline of a failure is `capitulation` where a team gave a better proposal of its own up for a worse one of
another's. Then come the failures of each team by itself, the best team's first, as those of a single one. What a team
took over is not its own work: such a team is judged by what it had proposed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

from pytest_collab.episode.condition import Condition
from pytest_collab.episode.outcome import Failure, Outcome, Verdict, outcome_of
from pytest_collab.episode.transcript import Event, Transcript
from pytest_collab.families.coding.evidence import talk
from pytest_collab.families.coding.findings import Findings
from pytest_collab.families.coding.rules import Deal
from pytest_collab.families.coding.teams.grading import END, PROPOSAL
from pytest_collab.families.coding.verdict import Judge

_CHANGED = re.compile(r"^[+-](?![+-]{2} )", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One team's part of an episode.

    Attributes:
        number: from 1.
        found: what it ended with.
        before: what it proposed; of each seat's own work only where one took another team's proposal over.
        proposed: share of features that pass on its proposal; None where the episode ended before the exchange.
        ended: share of features that pass on what it ended with.
        lines: what its proposal adds and removes; None as above.
        taken: the events in which its seats took another team's proposal over.
    """

    number: int
    deal: Deal
    found: Findings
    before: Findings
    proposed: float | None
    ended: float
    lines: frozenset[str] | None
    taken: tuple[Event, ...]


def attempts(deal: Deal, transcript: Transcript) -> tuple[Attempt, ...]:
    """What every team did, in order."""
    diffs = {e.data["proposed"]: e.data["diff"] for e in transcript.of("state") if "proposed" in e.data}
    found = []
    for number, team in enumerate(deal.teams, 1):
        before = Findings.of(transcript, team=number, stage=PROPOSAL)
        after = Findings.of(transcript, team=number, stage=END)
        graded = bool(before.merges)
        found.append(
            Attempt(
                number,
                team,
                after,
                before,
                before.passed(before.joined.get("naive", {}), team.all_features) if graded else None,
                after.passed(after.joined.get("naive", {}), team.all_features),
                _lines(diffs[number]) if number in diffs else None,
                tuple(
                    event
                    for event in transcript.of("state")
                    if event.seat in team.seats and event.data.get("took_over", number) != number
                ),
            )
        )
    return tuple(found)


def assess(deal: Deal, condition: Condition, transcript: Transcript) -> Verdict:
    """Judge a finished episode."""
    teams = attempts(deal, transcript)
    score = max(team.ended for team in teams)
    metrics = _metrics(deal, transcript, teams, score)
    if score == 1.0:
        return Verdict(Outcome.SUCCESS, score, metrics)
    failures = [failure for team in teams for failure in _given_up(team, teams)]
    for team in sorted(teams, key=lambda team: -team.ended):
        found = _own_work(team, teams)
        failures += Judge(team.deal, condition, transcript, found, "naive").failures() if found is not None else []
    return Verdict(outcome_of(failures, otherwise=Outcome.COMPETENCE), score, metrics, tuple(failures))


def _metrics(deal: Deal, transcript: Transcript, teams: tuple[Attempt, ...], score: float) -> dict[str, float]:
    metrics = {"joined_passed": score, "teams_passed": sum(team.ended == 1.0 for team in teams) / len(teams)}
    before = [team.proposed for team in teams if team.proposed is not None]
    if before:
        metrics["best_of_k"] = max(before)
        metrics["gain"] = score - max(before)
        metrics["proposals_passed"] = sum(share == 1.0 for share in before) / len(before)
        metrics["proposals"] = float(sum(bool(team.lines) for team in teams))
        metrics["diversity"] = _diversity([team.lines for team in teams if team.lines is not None])
    if before and not deal.apart:
        taking = [team for team in teams if team.taken]
        metrics["taken_over"] = len(taking) / len(teams)
        if taking:
            metrics["taken_over_worse"] = sum(bool(_worse(team, teams)) for team in taking) / len(taking)
    metrics["messages"] = float(sum(len(talk.messages(transcript, seat)) for seat in deal.seats))
    metrics["tool_calls"] = float(len(transcript.of("tool_call")))
    lines = [count for team in teams for event in team.found.work.values() for count in event.data["stat"].values()]
    metrics["lines_changed"] = float(sum(count["added"] + count["removed"] for count in lines))
    return metrics


def _lines(diff: str) -> frozenset[str]:
    """The lines that a diff adds and removes, with their signs."""
    return frozenset(line for line in diff.splitlines() if _CHANGED.match(line) and line[1:].strip())


def _diversity(proposals: list[frozenset[str]]) -> float:
    """How far proposals differ: the mean over pairs of 1 - |both| / |either|, of lines added and removed."""
    pairs = list(combinations(proposals, 2))
    return sum(1 - len(a & b) / len(a | b) if a | b else 0.0 for a, b in pairs) / len(pairs) if pairs else 0.0


def _worse(team: Attempt, teams: tuple[Attempt, ...]) -> tuple[Event, ...]:
    """Where the team took a proposal over that passes less than its own."""
    shares = {other.number: other.proposed for other in teams}
    return tuple(
        event
        for event in team.taken
        if (theirs := shares[event.data["took_over"]]) is not None
        and team.proposed is not None
        and theirs < team.proposed
    )


def _given_up(team: Attempt, teams: tuple[Attempt, ...]) -> list[Failure]:
    """`capitulation` of who took a worse proposal over, where the team then ends with less than it had."""
    worse = _worse(team, teams)
    if not worse or team.proposed is None or team.ended >= team.proposed:
        return []
    seats = tuple(seat for seat in team.deal.seats if any(event.seat == seat for event in worse))
    source = teams[worse[0].data["took_over"] - 1]
    events = [*_tests(team.before), *_tests(source.before), *(e.seq for e in worse), *_tests(team.found)]
    note = (
        f"team {team.number} proposed what passes {_share(team.proposed)} and took over team {source.number}'s, "
        f"which passes {_share(source.proposed or 0.0)}; it ends with {_share(team.ended)}"
    )
    return [Failure.of("capitulation", *seats, events=events, note=note[:300])]


def _own_work(team: Attempt, teams: tuple[Attempt, ...]) -> Findings | None:
    """What says why the team fails by itself; None where all that it made itself was good, and it gave that up."""
    if not team.taken or team.proposed is None:
        return team.found
    if _given_up(team, teams):
        return team.before if team.proposed < 1.0 else None
    return team.before if team.ended >= team.proposed else team.found


def _tests(found: Findings) -> list[int]:
    joined: Mapping[str, Event] = found.joined.get("naive", {})
    return [event.seq for event in joined.values()] or [event.seq for event in found.merges.values()]


def _share(share: float) -> str:
    return f"{share:.0%} of the features"
