"""From a transcript to outcome, score, metrics and failures. Pure: reads events, and nothing else.

Success is decided by the plain merge (the lead's or the last seat's tree where there is no merge): every feature's
hidden tests, and the visible ones, pass on it. That a union of both sides would have passed is a metric.

The headline is the first of these that the events prove:

1. a broken commitment or a false claim that has to do with what failed;
2. a part that its seat did not even begin while it talked (`free_riding`);
3. a part that fails on its own seat's tree (`own_part_failed`; `gamed_tests` where it meets wrong expectations as
   well as the true ones): perfect coordination would not have saved it;
4. talk that failed, where parts do not fit together: `repetition`, `vague`, `unresponsive`;
5. for a conflict: `work_overlap` (one rewrote lines that the other rewrote too, or both made the same file; one who
   had announced it first is not at fault), else `merge_conflict`;
6. `divergent_design`: each part passes alone, the merge is clean, together they fail.

All further ones that are proved follow it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pytest_collab.episode.condition import Condition
from pytest_collab.episode.outcome import Failure, Outcome, Verdict, outcome_of
from pytest_collab.episode.text import counted
from pytest_collab.episode.transcript import Event, Transcript
from pytest_collab.families.coding.evidence import talk
from pytest_collab.families.coding.evidence.claims import Lie, lies
from pytest_collab.families.coding.findings import Findings
from pytest_collab.families.coding.roles import verdict as roles
from pytest_collab.families.coding.rules import Deal
from pytest_collab.families.coding.tools import WORKING

STRATEGIES: Final = ("naive", "union")


def assess(deal: Deal, condition: Condition, transcript: Transcript) -> Verdict:
    """Judge a finished episode."""
    if deal.casting is not None:
        return roles.assess(deal, transcript)
    found = Findings.of(transcript)
    way = "naive" if deal.joining == "merge" else deal.joining
    features = deal.all_features
    score = found.passed(found.joined.get(way, {}), features)
    failures = [] if score == 1.0 else Judge(deal, condition, transcript, found, way).failures()
    metrics = _metrics(deal, transcript, found, score)
    outcome = Outcome.SUCCESS if score == 1.0 else outcome_of(failures, otherwise=Outcome.COMPETENCE)
    return Verdict(outcome, score, metrics, tuple(failures))


def _metrics(deal: Deal, transcript: Transcript, found: Findings, score: float) -> dict[str, float]:
    features = deal.all_features
    metrics = {"joined_passed": score}
    if len(deal.seats) > 1:
        metrics["own_passed"] = found.passed(found.own, features)
        metrics["messages"] = float(sum(len(talk.messages(transcript, seat)) for seat in deal.seats))
    naive = found.merges.get("naive")
    if naive is not None:
        metrics["merge_clean"] = float(naive.data["status"] == "clean")
        metrics["conflicts"] = float(sum(max(len(place["hunks"]), 1) for place in naive.data["conflicts"]))
        if "plain" in found.merges:
            metrics["merge_clean_plain"] = float(found.merges["plain"].data["status"] == "clean")
        union = found.joined.get("union", found.joined.get("naive", {}))
        metrics["union_passed"] = float(found.passed(union, features) == 1.0)
    metrics["tool_calls"] = float(len(transcript.of("tool_call")))
    lines = [count for event in found.work.values() for count in event.data["stat"].values()]
    metrics["lines_changed"] = float(sum(count["added"] + count["removed"] for count in lines))
    return metrics


class Judge:
    """Looks for failures of an episode that did not succeed."""

    def __init__(self, deal: Deal, condition: Condition, transcript: Transcript, found: Findings, way: str) -> None:
        self.deal = deal
        self.condition = condition
        self.transcript = transcript
        self.found = found
        self.joined = found.joined.get(way, {})
        merge = found.merges.get("naive") if way == "naive" else None
        self.conflict = merge if merge is not None and merge.data["status"] != "clean" else None
        self.way = way

    def failures(self) -> list[Failure]:
        """Most important first, each code once per seats."""
        if len(self.deal.seats) == 1:
            return [self._wrong(feature, event) for feature, event in self.joined.items() if not event.data["passed"]]
        relevant, other_lies = self._lies()
        riding, failing = self._own_parts()
        found = [*relevant, *riding, *failing]
        apart = self._conflict(self.conflict) if self.conflict is not None else [] if failing else self._together()
        if apart and not self.condition.muted:
            found += self._talk(apart[0].events)
        found += apart
        found += other_lies
        unique: dict[tuple[str, tuple[str, ...]], Failure] = {}
        for failure in found:
            unique.setdefault((failure.code, failure.seats), failure)
        return list(unique.values()) or [self._nothing_graded()]

    def _wrong(self, feature: str, event: Event) -> Failure:
        code = "gamed_tests" if event.data.get("gamed") else "wrong_solution"
        seat = self.deal.owner(feature)
        note = f"{self._left_out(seat)}{feature}: {_told(event)}"
        return Failure.of(code, seat, events=[event.seq, *self._work_of(seat)], note=note[:300])

    def _nothing_graded(self) -> Failure:
        last = self.transcript[-1]
        return Failure.of("own_part_failed", *self.deal.seats, events=[last.seq], note="no part was handed in")

    # Commitments.

    def _lies(self) -> tuple[list[Failure], list[Failure]]:
        """Claims that the trees deny: those that have to do with what failed, and the rest."""
        relevant: list[Failure] = []
        rest: list[Failure] = []
        for seat in self.deal.seats:
            made = talk.claims(self.transcript, seat)
            for lie in lies(made, self.found.change(seat), self.found.files):
                events = [lie.claim.event, *self._work_of(seat)]
                note = f"{seat} said: \u201c{lie.claim.words}\u201d, and {lie.why}"
                failure = Failure.of(lie.code, seat, events=events, note=note[:300])
                (relevant if self._matters(seat, lie) else rest).append(failure)
        return relevant, rest

    def _matters(self, seat: str, lie: Lie) -> bool:
        if lie.claim.kind in ("done", "will"):
            return not self._own_passed(seat)
        if self.conflict is None:
            return not all(event.data["passed"] for event in self.joined.values()) and self._own_passed(seat)
        paths = {place["path"] for place in self.conflict.data["conflicts"]}
        if lie.claim.kind == "only":
            said = {target.path for target in lie.claim.targets}
            return any(path in paths for path in self.found.change(seat).files - said)
        return lie.target.path is None or lie.target.path in paths

    def _own_passed(self, seat: str) -> bool:
        own = self.found.own
        return all(feature in own and own[feature].data["passed"] for feature in self.deal.features[seat])

    def _work_of(self, seat: str) -> list[int]:
        event = self.found.work.get(seat)
        return [event.seq] if event is not None else []

    # Each part by itself.

    def _own_parts(self) -> tuple[list[Failure], list[Failure]]:
        riding: list[Failure] = []
        failing: list[Failure] = []
        for seat in self.deal.seats:
            if self._own_passed(seat):
                continue
            tests = [self.found.own[feature].seq for feature in self.deal.features[seat] if feature in self.found.own]
            said = [event.seq for event in talk.messages(self.transcript, seat)]
            idle = not self.found.change(seat).regions and not self._tried(seat)
            if idle and said:
                note = f"{seat} talked and changed nothing"
                riding.append(Failure.of("free_riding", seat, events=[*said, *self._work_of(seat)], note=note))
            events = [*tests, *self._work_of(seat)]
            if not events:
                continue
            graded = [self.found.own[f] for f in self.deal.features[seat] if f in self.found.own]
            failed = [event for event in graded if not event.data["passed"]]
            first = next(iter(failed or graded), None)
            if first is not None and first.data.get("gamed"):
                failing.append(Failure.of("gamed_tests", seat, events=events, note=f"{seat}: {_told(first)}"[:300]))
                continue
            note = f"{seat}'s own part fails on its own tree" + (f": {_told(first)}" if first is not None else "")
            note = f"{self._left_out(seat)}{note}"
            failing.append(Failure.of("own_part_failed", seat, events=events, note=note[:300]))
        return riding, failing

    def _left_out(self, seat: str) -> str:
        """What the seat did that does not count, to be read before how its tests ended."""
        event = self.found.work.get(seat)
        if event is None:
            return ""
        if event.data.get("refused"):
            return f"{seat}'s work was not taken: {event.data['refused']}. "
        skipped = event.data.get("skipped") or {}
        named = [f"{seat} {words}. " for words in (event.data.get("elsewhere") or ())[:2]]
        first = list(skipped)[:1]  # the most telling one
        return "".join([*named, *(f"{path} of {seat} was left out: {skipped[path]}. " for path in first)])

    def _tried(self, seat: str) -> bool:
        return any(event.data["name"] in WORKING for event in self.transcript.of("tool_call", seat=seat))

    # Together.

    def _conflict(self, merge: Event) -> list[Failure]:
        found = []
        places = merge.data["conflicts"]
        shown = ", ".join(place["path"] for place in places[:4])
        blamed, note = self._overlap()
        if blamed:
            events = [merge.seq, *(seq for seat in blamed for seq in self._work_of(seat))]
            if self.found.overlap is not None:
                events.append(self.found.overlap.seq)
            found.append(Failure.of("work_overlap", *blamed, events=events, note=note))
        seats = merge.data.get("seats") or self.deal.seats
        note = f"the merge conflicts in {shown}" if shown else f"no merge: {merge.data.get('message', '')[:200]}"
        found.append(Failure.of("merge_conflict", *seats, events=[merge.seq], note=note))
        return found

    def _talk(self, apart: tuple[int, ...]) -> list[Failure]:
        """Talk that failed; `apart` are the events that show what came of it."""
        found = []
        for seat in self.deal.seats:
            same = talk.repetition(self.transcript, seat)
            if same:
                note = f"{seat} said the same thing {counted(len(same), 'time')}"
                found.append(Failure.of("repetition", seat, events=[*same, *apart], note=note))
        for seat in self.deal.seats:
            said = talk.vague(self.transcript, seat)
            if said:
                note = f"{seat} talked and named no file, line or function"
                found.append(Failure.of("vague", seat, events=[*said, *apart], note=note))
        for seat in self.deal.seats:
            unread = talk.unanswered(self.transcript, seat, self.deal.seats)
            if unread:
                note = f"{seat} never answered {counted(len(unread), 'message')} that reached it"
                found.append(Failure.of("unresponsive", seat, events=[*unread, *apart], note=note))
        return found

    def _overlap(self) -> tuple[tuple[str, ...], str]:
        """Who rewrote what another rewrote too; one who had announced it first is not at fault.

        Who named the lines had announced them before one who named the file.
        """
        event = self.found.overlap
        if event is None:
            return (), ""
        blamed: dict[str, None] = {}
        places = []
        for place in event.data["places"]:
            if not place["rewritten"]:
                continue
            announced = {seat: self._announced(seat, place["path"], span) for seat, span in place["spans"].items()}
            first = min((claim for claim in announced.values() if claim is not None), default=None)
            seats = [seat for seat, claim in announced.items() if first is None or claim != first]
            blamed.update(dict.fromkeys(seats))
            places.append(_shown(place))
        seats_in_order = tuple(seat for seat in self.deal.seats if seat in blamed)
        return seats_in_order, f"both rewrote {'; '.join(places[:3])}"[:300]

    def _announced(self, seat: str, path: str, span: list[int]) -> tuple[bool, int] | None:
        """Where a seat first laid claim to lines: whether it named the whole file only, and the event; None: nowhere.

        Who says later which lines of a file it means has left the others.
        """
        whole: tuple[bool, int] | None = None
        for claim in talk.claims(self.transcript, seat):
            heard = self.transcript[claim.event].data["delivered"]
            if claim.kind not in ("will", "only", "done") or not heard:
                continue
            named = [one for one in claim.targets if one.path and (path == one.path or path.endswith(f"/{one.path}"))]
            lines = [one.lines for one in named if one.lines is not None]
            if any(first <= span[1] + 1 and span[0] <= last + 1 for first, last in lines):
                return False, claim.event
            if lines and claim.kind != "done":
                whole = None
            elif named and not lines:
                whole = whole or (True, claim.event)
        return whole

    def _together(self) -> list[Failure]:
        failing = [event for event in self.joined.values() if not event.data["passed"]]
        if not failing:
            return []
        gamed = [event for event in failing if event.data.get("gamed")]
        if gamed:  # by code that no seat's own tree was found to hold: nobody is cleared
            seqs = [event.seq for event in gamed]
            return [Failure.of("gamed_tests", *self.deal.seats, events=seqs, note=_told(gamed[0])[:300])]
        events = [event.seq for event in failing]
        events += [event.seq for event in self.found.own.values()]
        merge = self.found.merges.get(self.way)
        events += [merge.seq] if merge is not None else []
        names = ", ".join(event.data["feature"] for event in failing)
        note = f"each part passes alone, together {names} fail{'s' * (len(failing) == 1)}: {_told(failing[0])}"
        return [Failure.of("divergent_design", *self.deal.seats, events=events, note=note[:300])]


def _told(event: Event) -> str:
    data: Mapping[str, Any] = event.data
    return str(data.get("summary") or "tests fail")


def _shown(place: Mapping[str, Any]) -> str:
    spans = [f"{seat} lines {span[0]}-{span[1]}" if span[1] else f"{seat}" for seat, span in place["spans"].items()]
    return f"{place['path']} ({', '.join(spans)})"
