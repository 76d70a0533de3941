"""What each agent of the market sees, and how its replies are read."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING, Any, Final

from pytest_collab.episode.agent import Reply
from pytest_collab.episode.channel import MESSAGES_PER_TURN, Message
from pytest_collab.episode.condition import Condition
from pytest_collab.episode.game import Ask, Move, Note, Prompt, Recall, Speech
from pytest_collab.families.market import rules, telling
from pytest_collab.families.market.turn import Turn
from pytest_collab.families.rounds import Reading, RoundGame, named, read, seat_names, speeches

if TYPE_CHECKING:
    from pytest_collab.families.market.params import Market

PIECE: Final = re.compile(r"\bp\d+\b", re.IGNORECASE)
_VALUED: Final = re.compile(
    r"\b(p\d+)\b(?:\s*(?:=|:|\(|\bvalue\b)[\s(]*(?:value\b)?[\s:=]*(\d{1,6})\b)?", re.IGNORECASE
)
_TASK = re.compile(r"\b[a-z]\d+\b", re.IGNORECASE)
_TO = re.compile(r"\b(?:to|->|→)\b|->|→", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Letter:
    """A message; `to` is empty for one to all.

    Attributes:
        own: false where the system wrote it in the sender's name.
        heard: false where the system asks in everyone's place, and drops what agents ask themselves.
    """

    sender: str
    to: tuple[str, ...]
    text: str
    pieces: tuple[str, ...]
    own: bool = True
    heard: bool = True


@dataclass(frozen=True, slots=True)
class Scene:
    """The market, and whose turn it is within the round.

    Attributes:
        turn: how many have had their turn in this round; 0 where all act at once.
        news: by seat, the (piece, sender) that arrived since its last turn.
        notices: by seat, (round, text): what of its lines was not carried out, or paid half; as published what the
            system has to tell it.
        noticed: by seat, how many of these it had been told before its last turn.
        thoughts: by seat, (round, its private thoughts), as published.
        gave: by seat, the (piece, recipient, value told) that were taken from it, and whether it sent them itself.
        mail: what was said, oldest first.
        opening: the market as the round began.
        exchanges: (round, sender, recipient, how many pieces), oldest first.
    """

    market: rules.State
    turn: int = 0
    news: tuple[tuple[tuple[str, str], ...], ...] = ()
    notices: tuple[tuple[tuple[int, str], ...], ...] = ()
    noticed: tuple[int, ...] = ()
    thoughts: tuple[tuple[tuple[int, str], ...], ...] = ()
    gave: tuple[tuple[tuple[str, str, int, bool], ...], ...] = ()
    mail: tuple[Letter, ...] = ()
    opening: rules.State | None = None
    exchanges: tuple[tuple[int, str, str, int], ...] = ()


class MarketGame(RoundGame):
    """One episode of the market."""

    labels = ("message", "thoughts")
    commands = ("send", "submit")

    def __init__(self, params: Market, seed: int, condition: Condition) -> None:
        self.params = params
        self.condition = condition
        self.seats = seat_names(params.agents)
        self.deal = params.deal(seed)
        self.order, self.known = params.how(condition)
        self.bonus = bonus(condition)
        self.published = params.prompts == "as_published"
        none: tuple[Any, ...] = ((),) * params.agents
        market = rules.begin(self.deal)
        self.state = Scene(market, 0, none, none, (0,) * params.agents, none, none, opening=market)

    def revenue(self, i: int, market: rules.State) -> float:
        """What stands to seat i's own account in a state of the market, in dollars."""
        return (market.done[i] - market.halved[i] / 2) * self.params.revenue + market.sent[i] * self.bonus

    # What they are told.

    def brief(self, seat: str) -> str:
        return telling.brief(self, seat)

    def recall(self, seat: str) -> Recall | None:
        """As published every call stands for itself: what is remembered is in the prompt."""
        return Recall() if self.published else None

    def ask(self) -> Ask | None:
        scene: Scene = self.state
        if scene.market.round >= self.params.rounds:
            return None
        if self.order == "at_once":
            return Ask(self.seats, "trade")
        return Ask((self.seats[rules.turns(self.deal, self.order, scene.market.round)[scene.turn]],), "trade")

    def prompt(self, seat: str, inbox: Sequence[Message]) -> Prompt:
        view = self.view(seat)
        return Prompt(telling.prompt(self, seat, view, [(one.sender, one.text) for one in inbox]), view)

    def view(self, seat: str) -> dict[str, Any]:
        """What the seat knows, as data."""
        market, i = self.state.market, self.seats.index(seat)
        held = market.held[i]
        lacks = market.lacks(i)
        by_number = sorted(held, key=lambda piece: int(piece[1:]))
        holders: dict[str, list[str]] = {}
        if self.params.directory:
            hands = list(zip(self.seats, market.held, strict=True))
            holders = {piece: [name for name, own in hands if piece in own] for piece in sorted(lacks)}
        wanted: dict[str, list[str]] = {}
        if self.known == "announced":
            for j, other in enumerate(self.seats):
                pieces = sorted(market.lacks(j) & held if not self.condition.shared else market.lacks(j))
                if j != i and pieces:
                    wanted[other] = pieces
        elif self.known == "sent":
            for piece, j in sorted(market.asked[i]):
                if piece in market.lacks(j) & held:
                    wanted.setdefault(self.seats[j], []).append(piece)
        return {
            "round": market.round,
            "rounds": self.params.rounds,
            "seats": self.seats,
            "held": by_number,
            "tasks": {task.name: task.needs for task in market.open[i]},
            "lacks": sorted(lacks),
            "holders": holders,
            "values": {p: market.altered[i].get(p, rules.value(self.deal, p)) for p in held}
            if self.params.values
            else {},
            "notices": [text for _, text in self.state.notices[i][self.state.noticed[i] :]],
            "wanted": wanted,
            "news": self.state.news[i],
            "talk": not self.condition.muted,
        }

    def _values(self, i: int) -> dict[str, int]:
        market: rules.State = self.state.market
        return {piece: market.altered[i].get(piece, rules.value(self.deal, piece)) for piece in market.held[i]}

    # What they do.

    def parse(self, seat: str, reply: Reply) -> Move:
        reading = read(reply.text, self.labels, self.commands)
        aliases = {name: name for name in self.seats}
        sends, values, problem = self._sends(reading, aliases)
        submits = []
        for field in reading.of("submit"):
            names = [name.lower() for name in _TASK.findall(field.value)]
            submits += names
            problem = problem or (None if names else f"SUBMIT {field.value[:40]!r} names no task")
        action: dict[str, Any] = {"send": sends, "submit": submits} if sends or submits else {}
        if values:
            action["values"] = values
        thoughts = " ".join(field.value for field in reading.of("thoughts")).strip()
        if self.published and thoughts:
            action["thoughts"] = thoughts
        said = speeches(reading, aliases)
        if self.known == "sent":  # the system asks in the place of everybody
            unheard = [[list(speech.to), speech.text] for speech in said if speech.to is not None]
            said = tuple(speech for speech in said if speech.to is None)
            action |= {"unheard": unheard} if unheard else {}
        return Move(action or None, said, problem)

    def _sends(
        self, reading: Reading, aliases: Mapping[str, str]
    ) -> tuple[list[list[str]], list[list[Any]], str | None]:
        """What is sent as (piece, recipient), the values told beside it as (piece, recipient, value)."""
        sends: list[list[str]] = []
        values: list[list[Any]] = []
        problem = None
        for field in reading.of("send"):
            parts = _TO.split(field.value, maxsplit=1)
            what, to = (parts[0], parts[1]) if len(parts) == 2 else (field.value, "")
            pieces = [(piece.lower(), told) for piece, told in _VALUED.findall(what)]
            names = _leading(named(to[:200], aliases) or (), self.seats)
            if not pieces or not names:
                problem = problem or f"SEND {field.value[:40]!r} does not say what to whom"
            sends += [[piece, name] for piece, _ in pieces for name in names]
            if self.params.values:
                values += [[piece, name, int(told)] for piece, told in pieces if told for name in names]
        return sends, values, problem

    def apply(self, moves: Mapping[str, Move]) -> Sequence[Note]:
        turn = Turn(self, moves)
        turn.submit()
        turn.send()
        for seat in turn.acting:
            self._requests(turn, seat, moves[seat].messages)
        market = turn.market
        scene: Scene = self.state
        mail, opening = scene.mail + self._letters(moves), scene.opening
        now = (scene.turn + 1) % len(self.seats) if self.order != "at_once" else 0
        if now == 0:
            late = market
            market = opening = rules.next_round(market, self.deal)
            if self.known == "sent" and market.round < self.params.rounds:
                market, sent = self._automatic_requests(market)
                mail += sent
            for i, seat in enumerate(self.seats):
                if market.expired[i] > late.expired[i]:
                    names = [task.name for task in late.open[i] if task not in market.open[i]]
                    turn.notes.append(Note("state", {"round": late.round, "expired": names}, seat))
        self.state = Scene(
            market,
            now,
            tuple(map(tuple, turn.news)),
            tuple(map(tuple, turn.notices)),
            turn.noticed,
            tuple(map(tuple, turn.thoughts)),
            tuple(map(tuple, turn.gave)),
            mail,
            opening,
            tuple(turn.exchanges[-telling.EXCHANGES :]),
        )
        return turn.notes

    def _letters(self, moves: Mapping[str, Move]) -> tuple[Letter, ...]:
        """What was said and is delivered."""
        if self.condition.muted or not self.published:
            return ()
        found = []
        for seat, move in moves.items():
            unheard = [(to, text, False) for to, text in (move.action or {}).get("unheard", ())]
            for whom, text, heard in [*((one.to, one.text, True) for one in move.messages), *unheard][
                :MESSAGES_PER_TURN
            ]:
                to = tuple(name for name in whom or () if name in self.seats and name != seat)
                if to or whom is None:
                    pieces = tuple(dict.fromkeys(piece.lower() for piece in PIECE.findall(text)))
                    found.append(Letter(seat, to, text, pieces, heard=heard))
        return tuple(found)

    def _automatic_requests(self, market: rules.State) -> tuple[rules.State, tuple[Letter, ...]]:
        """What everyone lacks, asked for in its name, and the letters that say so."""
        letters = []
        for asker, piece, holder in rules.requests_of_all(market, self.deal):
            to = self.seats[holder]
            market = rules.request(market, self.deal, asker, [piece], [to])
            letters.append(Letter(self.seats[asker], (to,), telling.request(piece), (piece,), own=False))
        return market, tuple(letters)

    def _requests(self, turn: Turn, seat: str, spoken: Sequence[Speech]) -> None:
        """Whatever names a piece that the speaker lacks is a request for it."""
        if self.condition.muted:
            return
        i = self.seats.index(seat)
        for speech in spoken[:MESSAGES_PER_TURN]:
            pieces = [piece.lower() for piece in PIECE.findall(speech.text)]
            to = [name for name in (speech.to or self.seats) if name != seat]
            if self.known == "answered":
                if speech.to is not None or not self.published:  # the study's system answers who was written to
                    turn.answer(i, pieces, to)
            else:
                turn.market = rules.request(turn.market, self.deal, i, pieces, to)

    def solution(self) -> Any:
        return {seat: list(own) for seat, own in zip(self.seats, self.deal.pieces, strict=True)}


def _leading(names: Sequence[str], seats: Sequence[str]) -> tuple[str, ...]:
    """The seats at the beginning (`b and c as agreed`); the first name alone when it is nobody's."""
    known = tuple(takewhile(lambda name: name in seats, (name.strip(".!:") for name in names)))
    return known or tuple(names[:1])


def bonus(condition: Condition) -> float:
    """Dollars for the sender of each piece taken, under `incentive:X`; 0 without."""
    if condition.kind != "incentive":
        return 0.0
    return 1000.0 if condition.argument == "bonus" else float(condition.argument)
