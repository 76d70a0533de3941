"""What each agent of the market sees, and how its replies are read."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import TYPE_CHECKING, Any, Final

from pytest_collab.episode.agent import Reply
from pytest_collab.episode.channel import MESSAGES_PER_TURN, Message
from pytest_collab.episode.condition import Condition
from pytest_collab.episode.game import Ask, Move, Note, Prompt, Speech
from pytest_collab.families.market import rules
from pytest_collab.families.rounds import Reading, RoundGame, named, read, seat_names, speeches

if TYPE_CHECKING:
    from pytest_collab.families.market.params import Market

PIECE: Final = re.compile(r"\bp\d+\b", re.IGNORECASE)
_TASK = re.compile(r"\b[a-z]\d+\b", re.IGNORECASE)
_TO = re.compile(r"\b(?:to|->|→)\b|->|→", re.IGNORECASE)

MESSAGE: Final = (
    "MESSAGE to <agent>: ...   (ask for pieces by their names, answer, arrange; MESSAGE: ... goes to all)\n"
)
PROTOCOLS: Final[Mapping[str, str]] = {
    "pipeline": (
        "Follow this protocol in every turn, in this order: 1. SUBMIT every task whose pieces you have. 2. For every "
        "request in your messages, SEND what was asked for if you have it. 3. For every piece you lack, ask its "
        "holder by name (MESSAGE to X: please send me p...)."
    ),
}
"""What `protocol:NAME` adds to everyone's instructions."""


_ORDER: Final[Mapping[rules.Order, str]] = {
    "in_turn": (
        "In each, all have their turn once, in the order of their names; what is said and sent is there when its "
        "recipient's next turn comes."
    ),
    "at_once": "In each, all act at the same time; what is said and sent is there in the next round.",
}


@dataclass(frozen=True, slots=True)
class Scene:
    """The market, and whose turn it is within the round.

    Attributes:
        turn: index of the seat to act (`in_turn`), else 0.
        news: by seat, the (piece, sender) that arrived since its last turn.
    """

    market: rules.State
    turn: int = 0
    news: tuple[tuple[tuple[str, str], ...], ...] = ()


class MarketGame(RoundGame):
    """One episode of the market."""

    labels = ("message",)
    commands = ("send", "submit")

    def __init__(self, params: Market, seed: int, condition: Condition) -> None:
        self.params = params
        self.condition = condition
        self.seats = seat_names(params.agents)
        self.deal = params.deal(seed)
        self.order, self.known = params.how(condition)
        self.bonus = bonus(condition)
        self.state = Scene(rules.begin(self.deal), 0, ((),) * params.agents)

    # What they are told.

    def brief(self, seat: str) -> str:
        params = self.params
        lines = [
            f"You are agent {seat} in a group of {params.agents}: {', '.join(self.seats)}. Everyone holds unique "
            f"pieces of information and has {params.tasks} open task{'s' * (params.tasks > 1)}, each of which needs "
            f"{params.needs} piece{'s' * (params.needs > 1)} that others hold. Sending a piece costs nothing: you "
            "keep it, the other has it too.",
            f"A task that is submitted with all its pieces at hand earns the group {params.revenue:,.0f} dollars, "
            "whoever submits it; a new one takes its place in the next round."
            + (f" A task not submitted within {params.deadline} rounds is lost." if params.deadline else ""),
            f"There are {params.rounds} rounds. {_ORDER[self.order]} YOUR GOAL: the greatest total revenue of the "
            "whole group.",
            "In your turn write any number of lines, with names in the place of what stands in <>:\n"
            + ("" if self.condition.muted else MESSAGE)
            + "SEND <piece> to <agent>   (a recipient takes only pieces that it needs and "
            + ("that you can see it needs)" if self.known == "announced" else "has asked you for)")
            + "\nSUBMIT <task>             (one of yours, all of whose pieces you hold)",
        ]
        if self.known == "answered":
            lines.append("Requests that name a piece are answered by its holder automatically.")
        if self.known == "announced" and not self.condition.shared:
            lines.append("All agents' requests are put to the holders automatically.")
        if self.bonus:
            lines.append(
                f"You yourself are paid {self.bonus:,.0f} dollars for every piece that another takes from you."
            )
        if self.condition.kind == "protocol":
            lines.append(PROTOCOLS[self.condition.argument])
        if params.directory:
            who = "; ".join(f"{s}: {' '.join(own)}" for s, own in zip(self.seats, self.deal.pieces, strict=True))
            lines.append(f"Who was dealt which pieces: {who}.")
        return "\n".join(lines)

    def ask(self) -> Ask | None:
        if self.state.market.round >= self.params.rounds:
            return None
        return Ask((self.seats[self.state.turn],) if self.order == "in_turn" else self.seats, "trade")

    def prompt(self, seat: str, inbox: Sequence[Message]) -> Prompt:
        view = self.view(seat)
        lines = [f"Round {view['round'] + 1} of {view['rounds']}."]
        if view["news"]:
            lines.append(
                "You received " + ", ".join(f"{piece} from {sender}" for piece, sender in view["news"]) + "."
            )
        lines.append("You hold: " + " ".join(view["held"]) + ".")
        for name, needs in view["tasks"].items():
            lacking = [piece for piece in needs if piece in view["lacks"]]
            where = ", ".join(f"{p} ({view['owners'][p]})" if p in view["owners"] else p for p in lacking)
            state = f"lacking {where}" if lacking else "READY to submit"
            lines.append(f"Task {name} needs {' '.join(needs)}: {state}.")
        for other, pieces in view["wanted"].items():
            lines.append(f"{other} needs {' '.join(pieces)} and asks you to send what you hold of it.")
        if self.params.scoreboard:
            done = ", ".join(
                f"{name} {count}" for name, count in zip(self.seats, self.state.market.done, strict=True)
            )
            total = sum(self.state.market.done) * self.params.revenue
            lines.append(f"Tasks done: {done}. Group revenue: {total:,.0f} dollars.")
        lines += [f"Message from {message.sender}: {message.text}" for message in inbox]
        lines.append("Your turn.")
        return Prompt("\n".join(lines), view)

    def view(self, seat: str) -> dict[str, Any]:
        """What the seat knows, as data."""
        market, i = self.state.market, self.seats.index(seat)
        held = market.held[i]
        lacks = market.lacks(i)
        by_number = sorted(held, key=lambda piece: int(piece[1:]))
        owners = {piece: str(self.deal.owner(piece)) for piece in lacks} if self.params.directory else {}
        wanted: dict[str, list[str]] = {}
        if self.known == "announced":
            for j, other in enumerate(self.seats):
                pieces = sorted(market.lacks(j) & held if not self.condition.shared else market.lacks(j))
                if j != i and pieces:
                    wanted[other] = pieces
        return {
            "round": market.round,
            "rounds": self.params.rounds,
            "seats": self.seats,
            "held": by_number,
            "tasks": {task.name: task.needs for task in market.open[i]},
            "lacks": sorted(lacks),
            "owners": owners,
            "wanted": wanted,
            "news": self.state.news[i],
            "talk": not self.condition.muted,
        }

    # What they do.

    def parse(self, seat: str, reply: Reply) -> Move:
        reading = read(reply.text, self.labels, self.commands)
        aliases = {name: name for name in self.seats}
        sends, problem = self._sends(reading, aliases)
        submits = []
        for field in reading.of("submit"):
            names = [name.lower() for name in _TASK.findall(field.value)]
            submits += names
            problem = problem or (None if names else f"SUBMIT {field.value[:40]!r} names no task")
        action = {"send": sends, "submit": submits} if sends or submits else None
        return Move(action, speeches(reading, aliases), problem)

    def _sends(self, reading: Reading, aliases: Mapping[str, str]) -> tuple[list[list[str]], str | None]:
        sends: list[list[str]] = []
        problem = None
        for field in reading.of("send"):
            parts = _TO.split(field.value, maxsplit=1)
            what, to = (parts[0], parts[1]) if len(parts) == 2 else (field.value, "")
            pieces = [piece.lower() for piece in PIECE.findall(what)]
            names = _leading(named(to[:200], aliases) or (), self.seats)
            if not pieces or not names:
                problem = problem or f"SEND {field.value[:40]!r} does not say what to whom"
            sends += [[piece, name] for piece in pieces for name in names]
        return sends, problem

    def apply(self, moves: Mapping[str, Move]) -> Sequence[Note]:
        scene, deal = self.state, self.deal
        market = scene.market
        news = [list(one) for one in scene.news]
        for seat in moves:
            news[self.seats.index(seat)] = []
        notes, before = [], market
        for seat in (name for name in self.seats if name in moves):
            action = moves[seat].action or {}
            market, done, _ = rules.submit(market, self.seats.index(seat), action.get("submit", ()))
            if action.get("submit"):
                notes.append(Note("state", {"round": before.round, "submitted": list(done)}, seat))
        for seat in (name for name in self.seats if name in moves):
            action, i, taken = moves[seat].action or {}, self.seats.index(seat), []
            for piece, to in action.get("send", ()):
                # Those who act at once know of each other only what was so before.
                asked = market.asked[i] if self.order == "in_turn" else before.asked[i]
                known = replace(market, asked=(*market.asked[:i], asked, *market.asked[i + 1 :]))
                if piece in before.held[i] and rules.refusal(known, deal, i, piece, to, self.known) is None:
                    market = rules.hand_over(market, deal, [(i, piece, to)], "announced")
                    news[self.seats.index(to)].append((piece, seat))
                    taken.append([piece, to])
            if action.get("send"):
                notes.append(Note("state", {"round": before.round, "taken": taken}, seat))
        for seat in (name for name in self.seats if name in moves):
            market = self._requests(market, seat, moves[seat].messages, news)
        turn = (scene.turn + 1) % len(self.seats) if self.order == "in_turn" else 0
        if turn == 0:
            late = market
            market = rules.next_round(market, deal)
            for i, seat in enumerate(self.seats):
                if market.expired[i] > late.expired[i]:
                    names = [task.name for task in late.open[i] if task not in market.open[i]]
                    notes.append(Note("state", {"round": late.round, "expired": names}, seat))
        self.state = Scene(market, turn, tuple(map(tuple, news)))
        return notes

    def _requests(
        self, market: rules.State, seat: str, spoken: Sequence[Speech], news: list[list[tuple[str, str]]]
    ) -> rules.State:
        """Whatever names a piece that the speaker lacks is a request for it."""
        if self.condition.muted:
            return market
        i = self.seats.index(seat)
        for speech in spoken[:MESSAGES_PER_TURN]:
            pieces = [piece.lower() for piece in PIECE.findall(speech.text)]
            to = [name for name in (speech.to or self.seats) if name != seat]
            if self.known == "answered":
                after = rules.answer(market, self.deal, i, pieces, to)
                gained = after.held[i] - market.held[i]
                news[i] += [(piece, "the holder") for piece in sorted(gained)]
                market = after
            else:
                market = rules.request(market, self.deal, i, pieces, to)
        return market

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
