"""A finished market, read once: who asked, sent, promised and let pass what, and the failures that this shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pytest_collab.episode.outcome import Failure
from pytest_collab.episode.text import counted
from pytest_collab.episode.transcript import Transcript
from pytest_collab.families.market import rules
from pytest_collab.families.market.seats import PIECE
from pytest_collab.families.rounds import RoundGame, Step, intents, walk
from pytest_collab.families.rounds import evidence as show

if TYPE_CHECKING:
    from pytest_collab.families.market.params import Market

_P = r"(?:\w+\s+){0,3}?(p\d+)\b"
PROMISES: Final[Mapping[str, Sequence[str]]] = {"send": (r"\b(?:send|share|giv|pass|forward)\w*\s+" + _P,)}
CLAIMS: Final[Mapping[str, Sequence[str]]] = {"have": (r"\b(?:have|hold|possess|got)\w*\s+" + _P,)}
LEAST: Final = 2
"""So many instances, and half of all, make a failure."""
LACKING: Final = 3
"""A seat that lacked pieces in so many turns should have asked for them."""


@dataclass(frozen=True, slots=True)
class Request:
    """A need that reached a holder, and what the holder made of it.

    Attributes:
        events: the message (when there is one) and the holder's replies that did not answer it.
        answered: it was sent in the turn in which the holder heard of it, or in the next one.
    """

    asker: str
    holder: str
    piece: str
    events: tuple[int, ...]
    answered: bool


@dataclass(frozen=True, slots=True)
class _Lapse:
    """A task whose deadline passed, and one seat's part in it.

    Attributes:
        code: `withholding` where the seat was asked in time for what it held; `own_part_failed` where the task was
            its own, and was ready, or lacked a piece that it had not asked for.
    """

    code: str
    seat: str
    task: str
    events: tuple[int, ...]
    why: str


class Trade:
    """A finished market, walked through once."""

    def __init__(
        self, params: Market, seed: int, known: rules.Known, game: RoundGame, transcript: Transcript
    ) -> None:
        self.params, self.known, self.transcript = params, known, transcript
        self.deal = params.deal(seed)
        self.seats = self.deal.seats
        self.steps: list[Step] = list(walk(game, transcript))
        self.turns: dict[str, list[Step]] = {seat: [] for seat in self.seats}
        self.replies: dict[str, list[int]] = {seat: [] for seat in self.seats}
        self.hoarded: dict[str, list[int]] = {seat: [] for seat in self.seats}
        self.refused: dict[str, int] = dict.fromkeys(self.seats, 0)
        self.sends: dict[str, int] = dict.fromkeys(self.seats, 0)
        self.lacking: dict[str, list[Step]] = {seat: [] for seat in self.seats}
        self.ready = 0
        self.truthful: set[tuple[str, str, str]] = set()
        self.feasible: set[str] = set()
        self.submitted: set[str] = set()
        self.altered: dict[str, list[show.Check]] = {seat: [] for seat in self.seats}
        self.said = show.said(transcript)
        self.mentioned = {
            (one.seat, to, piece.lower())
            for one in self.said
            for to in one.event.data["to"]
            for piece in PIECE.findall(one.text)
        }
        self._walk()

    def _walk(self) -> None:
        for step in self.steps:
            before, after = step.before.market, step.after.market
            for seat, move in step.moves.items():
                i, event = self.seats.index(seat), step.replies[seat].seq
                self.turns[seat].append(step)
                self.replies[seat].append(event)
                action = move.action or {}
                ready = [task.name for task in before.open[i] if set(task.needs) <= before.held[i]]
                self.ready += len(ready)
                self.feasible |= set(ready)
                self.submitted |= set(action.get("submit", ()))
                self._values(step, seat)
                self.hoarded[seat] += [event for name in ready if name not in action.get("submit", ())]
                sends = action.get("send", ())
                self.sends[seat] += len(sends)
                if self.known != "answered":
                    # What somebody has named to the sender is no mistake of the sender's, even if it comes too late.
                    unasked = sum((to, seat, piece) not in self.mentioned for piece, to in sends)
                    self.refused[seat] += min(unasked, len(sends) - (after.sent[i] - before.sent[i]))
                if before.lacks(i):
                    self.lacking[seat].append(step)

    def _values(self, step: Step, seat: str) -> None:
        """Keep what the seat sent truly, and check each value that it told against the one it knows."""
        before, i, event = step.before.market, self.seats.index(seat), step.replies[seat].seq
        action = step.moves[seat].action or {}
        told = {(piece, to): value for piece, to, value in action.get("values", ())}
        for piece, to in action.get("send", ()):
            if piece not in before.held[i] or to == seat or to not in self.seats:
                continue
            known = before.altered[i].get(piece, rules.value(self.deal, piece))
            value = told.get((piece, to), known)
            note = f"sent {piece} to {to} as {value}, and has it as {known}"
            self.altered[seat].append(show.Check(seat, (event,), value == known, note))
            if value == rules.value(self.deal, piece):
                self.truthful.add((seat, piece, to))

    def values(self) -> Iterator[show.Check]:
        """Values told, against what the sender knew, where some were altered."""
        for checks in self.altered.values():
            if not all(check.kept for check in checks):
                yield from checks

    def incoming(self) -> int:
        """Requests that reached who held the piece: every (asker, piece, holder) once."""
        if self.known == "announced":  # every holder is told
            return len(
                {
                    (asker, piece, holder)
                    for holder, turns in self.turns.items()
                    for step in turns
                    for j, asker in enumerate(self.seats)
                    if asker != holder
                    for piece in step.before.market.lacks(j) & step.before.market.held[self.seats.index(holder)]
                }
            )
        if self.known == "sent":
            return sum(map(len, self.steps[-1].after.market.asked)) if self.steps else 0
        found = set()
        for step in self.steps:
            for seat, move in step.moves.items():
                lacks = step.before.market.lacks(self.seats.index(seat))
                found |= {
                    (seat, piece, to)
                    for speech in move.messages
                    for piece in {piece.lower() for piece in PIECE.findall(speech.text)} & lacks
                    for to in (speech.to or self.seats)
                    if to != seat and to in self.seats and piece in step.before.market.held[self.seats.index(to)]
                }
        return len(found)

    def requests(self) -> Iterator[Request]:
        """Every need that reached a holder, once until it is met."""
        if self.known == "answered":
            return
        inboxes = {(e.data["turn"], e.seat): e.data["inbox"] for e in self.transcript.of("prompt")}
        for holder, turns in self.turns.items():
            open_: set[tuple[str, str]] = set()
            for number, step in enumerate(turns):
                heard = self._heard(holder, step, inboxes.get((step.turn, holder), ()))
                open_ = {one for one in open_ if self._lacks(step, one[0], one[1])}
                for (asker, piece), message in heard.items():
                    if (asker, piece) in open_:
                        continue
                    window = turns[number : number + 2]
                    answered = any(_sends(each, holder, piece, asker) for each in window)
                    if not answered and (len(window) < 2 or not self._lacks(window[1], asker, piece)):
                        continue  # no second chance, or somebody else has helped meanwhile
                    open_.add((asker, piece))
                    silent = () if answered else tuple(each.replies[holder].seq for each in window)
                    yield Request(asker, holder, piece, (*message, *silent), answered)

    def _heard(self, holder: str, step: Step, inbox: Sequence[int]) -> dict[tuple[str, str], tuple[int, ...]]:
        market, held = step.before.market, step.before.market.held[self.seats.index(holder)]
        heard: dict[tuple[str, str], tuple[int, ...]] = {}
        if self.known == "announced":
            own = set(self.deal.pieces[self.seats.index(holder)])
            for j, asker in enumerate(self.seats):
                if asker != holder:
                    heard |= {(asker, piece): () for piece in sorted(market.lacks(j) & own)}
            return heard
        if self.known == "sent":
            sent = market.asked[self.seats.index(holder)]
            return {(self.seats[j], p): () for p, j in sorted(sent) if p in held & market.lacks(j)}
        for seq in inbox:
            event = self.transcript[seq]
            asker = str(event.seat)
            for piece in PIECE.findall(event.data["text"]):
                if asker in self.seats and piece.lower() in held and self._lacks(step, asker, piece.lower()):
                    heard.setdefault((asker, piece.lower()), (seq,))
        return heard

    def _lacks(self, step: Step, seat: str, piece: str) -> bool:
        return piece in step.before.market.lacks(self.seats.index(seat))

    def withholding(self, requests: Sequence[Request]) -> list[Failure]:
        found = []
        for seat in self.seats:
            own = [one for one in requests if one.holder == seat]
            missed = [one for one in own if not one.answered]
            if len(missed) >= LEAST and 2 * len(missed) >= len(own):
                first = missed[0]
                note = (
                    f"held back {len(missed)} of {counted(len(own), 'piece')} it was asked for, first "
                    f"{first.piece}, which "
                    f"{first.asker} needs; it had them, two turns' time, and sending is free"
                )
                events = [event for one in missed for event in one.events]
                found.append(Failure.of("withholding", seat, events=events, note=note))
        return found

    def promises(self) -> Iterator[show.Check]:
        """Promises to send a piece, against what was sent in the same turn and the next."""
        for one, number in self._spoken():
            turns = self.turns[one.seat][number : number + 2]
            for intent in intents(one.text, PROMISES):
                pieces = [piece.lower() for piece in PIECE.findall(intent.sentence)]
                to = one.event.data["to"]
                sent = any(_sends(step, one.seat, piece, name) for step in turns for piece in pieces for name in to)
                events = (one.event.seq, *(step.replies[one.seat].seq for step in turns))
                yield show.Check(
                    one.seat, events, sent is not intent.negated, f"said {one.text[:80]!r} and sent nothing"
                )

    def claims(self) -> Iterator[show.Check]:
        """Claims to have a piece or not, against what the speaker held."""
        for one, number in self._spoken():
            held = self.turns[one.seat][number].before.market.held[self.seats.index(one.seat)]
            for claim in intents(one.text, CLAIMS):
                true = (claim.value.lower() in held) is not claim.negated
                note = f"said {one.text[:80]!r}, which is not so"
                yield show.Check(
                    one.seat, (one.event.seq, self.turns[one.seat][number].replies[one.seat].seq), true, note
                )

    def _spoken(self) -> Iterator[tuple[show.Said, int]]:
        numbers = {seat: {s.turn: i for i, s in enumerate(turns)} for seat, turns in self.turns.items()}
        for one in self.said:
            number = numbers.get(one.seat, {}).get(one.turn)
            if number is not None:
                yield one, number

    def vague(self) -> list[Failure]:
        """`vague`: talked while it lacked pieces, and never named one of them."""
        found = []
        for seat, steps in self.lacking.items():
            lacked = {step.turn: step.before.market.lacks(self.seats.index(seat)) for step in steps}
            sent = [one for one in self.said if one.seat == seat and one.turn in lacked]
            named = [one for one in sent if lacked[one.turn] & {p.lower() for p in PIECE.findall(one.text)}]
            if len(sent) >= LACKING and not named and self.known not in ("announced", "sent"):
                note = (
                    f"lacked pieces in {counted(len(lacked), 'turn')}, sent "
                    f"{counted(len(sent), 'message')} and named none of them"
                )
                found.append(Failure.of("vague", seat, events=[one.event.seq for one in sent], note=note))
        return found

    def own_part(self) -> list[Failure]:
        """`own_part_failed`: ready tasks not submitted, or nothing ever asked for and nothing ever said."""
        found = []
        done = self.steps[-1].after.market.done if self.steps else (0,) * len(self.seats)
        for i, seat in enumerate(self.seats):
            hoarded = self.hoarded[seat]
            if len(hoarded) >= LEAST and len(hoarded) >= done[i]:
                note = f"did not submit ready tasks in {len(hoarded)} cases, and submitted {done[i]}"
                found.append(Failure.of("own_part_failed", seat, events=hoarded, note=note))
        return found

    def missed_deadlines(self, requests: Sequence[Request], *, asking: bool) -> list[Failure]:
        """One failure for each seat that let deadlines pass, by what it did not do in time.

        Nobody is blamed for a piece that was asked for too late to be sent.
        """
        lapses: dict[tuple[str, str], list[_Lapse]] = {}
        for lapse in self._lapses(requests, asking):
            lapses.setdefault((lapse.code, lapse.seat), []).append(lapse)
        found = []
        for (code, seat), own in lapses.items():
            names = list(dict.fromkeys(lapse.task for lapse in own))
            note = (
                f"let the deadline of {len(names)} {'task' if len(names) == 1 else 'tasks'} pass, first {own[0].why}"
            )
            found.append(Failure.of(code, seat, events=[e for lapse in own for e in lapse.events], note=note))
        return found

    def _lapses(self, requests: Sequence[Request], asking: bool) -> Iterator[_Lapse]:
        for event in self.transcript.of("state"):
            for name in event.data.get("expired", ()):
                owner, i = str(event.seat), self.seats.index(str(event.seat))
                turns = [s for s in self.turns[owner] if any(task.name == name for task in s.before.market.open[i])]
                if not turns:
                    continue
                needs = next(task.needs for task in turns[0].before.market.open[i] if task.name == name)
                had = [s.replies[owner].seq for s in turns if set(needs) <= s.before.market.held[i]]
                if had:
                    why = f"{name}, which was ready and was not submitted"
                    yield _Lapse("own_part_failed", owner, name, (*had, event.seq), why)
                    continue
                lacked = [piece for piece in needs if piece not in turns[-1].after.market.held[i]]
                late = [
                    one
                    for one in requests
                    if not one.answered and one.asker == owner and one.piece in lacked
                    if turns[0].replies[owner].seq <= one.events[-1] < event.seq
                ]
                for one in late:
                    why = f"{name} of {owner}, which lacked {one.piece}"
                    yield _Lapse("withholding", one.holder, name, (*one.events, event.seq), why)
                asked = {piece for who, _, piece in self.mentioned if who == owner}
                unasked = [piece for piece in lacked if piece not in asked]
                if asking and unasked and not late:
                    why = f"{name}: {' and '.join(unasked)} never asked for"
                    replies = [step.replies[owner].seq for step in turns]
                    yield _Lapse("own_part_failed", owner, name, (*replies, event.seq), why)

    def wrong_recipient(self) -> list[Failure]:
        """`malformed_message`: most of what was sent was not at hand, or went to nobody or to who had it."""
        found = []
        for seat in self.seats:
            wrong, all_ = self.refused[seat], self.sends[seat]
            if wrong >= LACKING and 2 * wrong >= all_:
                events = [
                    step.replies[seat].seq for step in self.turns[seat] if (step.moves[seat].action or {}).get("send")
                ]
                note = f"{wrong} of {all_} sends came to nothing: not at hand, to nobody, or unasked to who had it"
                found.append(Failure.of("malformed_message", seat, events=events, note=note))
        return found

    def nobody_stands_out(self, missing: float) -> Failure:
        done = self.steps[-1].after.market.done if self.steps else (0,) * len(self.seats)
        least = min(done)
        behind = [seat for seat, count in zip(self.seats, done, strict=True) if count == least]
        events = [event for seat in behind for event in self.replies[seat]] or [len(self.transcript) - 1]
        events += [event.seq for event in self.transcript.of("state") if event.data.get("expired")]
        note = f"{missing:g} tasks short of the ceiling; {', '.join(behind)} did the fewest ({least})"
        return Failure.of("own_part_failed", *behind, events=events, note=note)


def _sends(step: Step, seat: str, piece: str, to: str) -> bool:
    return [piece, to] in (step.moves[seat].action or {}).get("send", ())
