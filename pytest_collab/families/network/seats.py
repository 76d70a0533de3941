"""What each agent of a network is told, and how its replies are read."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from pytest_collab.episode.agent import Reply
from pytest_collab.episode.channel import Message
from pytest_collab.episode.condition import GUIDE, Condition
from pytest_collab.episode.game import Ask, Move, Note, Prompt, Speech
from pytest_collab.families.network import published, rules
from pytest_collab.families.network.rules import Answer, Deal
from pytest_collab.families.rounds import Got, Reading, RoundGame, choice, named, number, one, read

if TYPE_CHECKING:
    from pytest_collab.families.network.params import Network

PROTOCOLS: Final[Mapping[str, str]] = {
    "flood": (
        "Follow this protocol: in every round tell each neighbour everything that you know and that it may not know "
        "yet, word for word and with the names of those that it is about. Once nothing new arrives, everyone works "
        "out the answer from the same facts; where there is a choice, go through the names in alphabetical order."
    ),
}
"""What `protocol:NAME` adds to everyone's instructions."""

GOALS: Final[Mapping[str, str]] = {
    "leader": "Elect one leader: exactly one agent of the whole network answers yes, all others answer no.",
    "consensus": "Each agent holds a digit; more than half of all hold the same one. Everyone answers that digit.",
    "colouring": "Each agent chooses a colour, 1 to {colours}, so that no two neighbours have the same one.",
    "matching": (
        "Form pairs of neighbours: each agent answers the name of the neighbour that it is paired with (and that one "
        "the other's), or `none`. Nobody is in two pairs, and no two neighbours are both left without a partner."
    ),
    "cover": (
        "Choose members: each agent answers yes (it is one) or no. Of every two neighbours at least one is a member, "
        "and no member is one needlessly: each has a neighbour that is none."
    ),
    "maximum": "Each agent holds a number. Everyone answers the greatest number in the whole network.",
    "sum": "Each agent holds a number. Everyone answers the sum of all numbers in the whole network.",
    "rank": (
        "Each agent holds a number; all are different. Each answers the rank of its own in the whole network: 1 for "
        "the greatest, {nodes} for the smallest."
    ),
    "median": (
        "Each agent holds a number. Everyone answers the median of all numbers in the whole network (the lower of "
        "the two in the middle where their count is even)."
    ),
    "tracer": (
        "One agent was given a word, a number, and the order in which to answer them. Everyone answers both, in "
        "that order, joined by a hyphen."
    ),
}
FORMS: Final[Mapping[str, str]] = {
    "leader": "yes or no",
    "cover": "yes or no",
    "consensus": "one digit",
    "colouring": "the number of your colour",
    "matching": "a neighbour's name, or none",
    "tracer": "two parts joined by a hyphen",
}


@dataclass(frozen=True, slots=True)
class Scene:
    """Where the episode stands.

    Attributes:
        talked: rounds of messages that are over.
        answers: by seat, its final answer; seats that have not answered are not in it.
        left: seats that have answered (or failed to, when asked for the last time).
        board: (round, seat, text) of what was written on the board.
    """

    talked: int = 0
    answers: Mapping[str, Answer] = field(default_factory=dict)
    left: frozenset[str] = frozenset()
    board: tuple[tuple[int, str, str], ...] = ()


class NetworkGame(RoundGame):
    """One episode: rounds of messages between neighbours, all at once, then one answer from each."""

    labels = ("answer", "message")

    def __init__(self, params: Network, seed: int, condition: Condition, seats: tuple[str, ...]) -> None:
        self.params, self.condition, self.seats = params, condition, seats
        self.deal: Deal = params.deal(seed)
        self.names = dict(zip(seats, self.deal.names, strict=True))
        self.rounds = 0 if condition.solo or condition.muted else params.rounds_of(self.deal)
        self.state = Scene()

    @property
    def told_all(self) -> bool:
        """Whether every seat is shown the whole network and everything that anybody was given."""
        return self.condition.shared or self.condition.solo

    def near(self, seat: str) -> tuple[str, ...]:
        """The seats next to a seat."""
        return tuple(self.seats[other] for other in self.deal.near[self.seats.index(seat)])

    def hears(self, seat: str) -> tuple[str, ...]:
        """The seats that a message without a name goes to."""
        if self.params.medium == "board":
            return tuple(other for other in self.seats if other != seat)
        return self.near(seat)

    # What they are told.

    def brief(self, seat: str) -> str:
        deal, params = self.deal, self.params
        near = [self.names[other] for other in self.near(seat)]
        form = FORMS.get(deal.kind, "one number")
        if params.prompts == "as_published":
            told = published.brief(
                deal.kind, self.names[seat], near, deal.nodes, self.rounds, deal.colours, self.given(seat), form
            )
            return told + (f"\n{PROTOCOLS[self.condition.argument]}" if self.condition.kind == "protocol" else "")
        lines = [
            f"You are {self.names[seat]}, one of {deal.nodes} agents in a network. Your neighbours are "
            f"{_listed(near)}. Everyone knows its own neighbours only"
            + (", and can write to them only." if params.medium != "board" else "."),
            "YOUR COMMON GOAL: " + GOALS[deal.kind].format(colours=deal.colours, nodes=deal.nodes),
            *self.given(seat),
            self._talk(seat, near),
            f"Answer with one line `ANSWER: ...`: {form}. You succeed together, or not at all.",
        ]
        if self.condition.kind == "protocol":
            lines.append(PROTOCOLS[self.condition.argument])
        return "\n".join(line for line in lines if line)

    def whole(self) -> list[str]:
        """The whole network, and what each of its agents holds."""
        deal = self.deal
        lines = [f"- {name}: {', '.join(deal.names[j] for j in deal.near[i])}" for i, name in enumerate(deal.names)]
        if deal.inputs:
            held = (f"{name} {deal.inputs[i]}" for i, name in enumerate(deal.names))
            lines.append(f"and what each holds: {', '.join(held)}.")
        return lines

    def given(self, seat: str | None) -> list[str]:
        """What a seat, or who sees it all (None), is given."""
        deal, mine = self.deal, -1 if seat is None else self.seats.index(seat)
        lines = []
        shown = range(deal.nodes) if self.told_all or seat is None else [mine]
        if seat is None:
            lines += ["This is the whole network, each agent with its neighbours:", *self.whole()]
        elif self.told_all:
            lines += ["Everyone is shown the whole network, each agent with its neighbours:", *self.whole()]
        elif deal.inputs:
            lines.append(f"You hold {deal.inputs[mine]}.")
        if deal.tracer is not None and deal.source in shown:
            order = "the number, then the word" if deal.tracer.number_first else "the word, then the number"
            who = "You were" if deal.source == mine else f"{deal.names[deal.source]} was"
            lines.append(
                f"{who} given this: the word is {deal.tracer.word}, the number is {deal.tracer.number}, and to be "
                f"answered is first {order}."
            )
        return lines

    def _talk(self, seat: str, near: Sequence[str]) -> str:
        params, limit = self.params, f"at most {self.params.characters} characters"
        if not self.rounds:
            return "Everyone is asked for the answer at once."
        to = {
            "neighbours": f"send each neighbour one message: `MESSAGE to {near[0]}: ...` goes to one, "
            f"`MESSAGE: ...` to all of them ({limit} each)",
            "broadcast": f"send one message, `MESSAGE: ...`, which goes to all your neighbours ({limit})",
            "board": f"write one message, `MESSAGE: ...`, on a board that all agents read ({limit})",
        }[params.medium]
        end = (
            "After the last round everyone is asked for the answer."
            if params.ending == "together"
            else "As soon as you are sure you may answer instead; an answer is final, and you are not asked again. "
            "Who has not answered is asked after the last round."
        )
        return (
            f"There are {self.rounds} rounds. In each of them all act at the same time, and you may {to}. What was "
            f"written is read in the next round. {end}"
        )

    # Who acts.

    def ask(self) -> Ask | None:
        scene = self.state
        waiting = tuple(seat for seat in self.seats if seat not in scene.left)
        if not waiting:
            return None
        return Ask(waiting, "talk" if scene.talked < self.rounds else "answer")

    def prompt(self, seat: str, inbox: Sequence[Message]) -> Prompt:
        view = self.view(seat)
        if self.params.prompts == "as_published":
            heard = [(self.names[message.sender], message.text) for message in inbox]
            near = [self.names[other] for other in self.near(seat)]
            told = published.prompt(self.deal.kind, self.state.talked, self.rounds, heard, near)
            return Prompt(told, view, may_be_silent=view["phase"] == "talk")
        lines = []
        if view["phase"] == "talk":
            lines.append(f"Round {view['round'] + 1} of {self.rounds}.")
        if self.params.medium == "board" and self.rounds:
            lines.append("The board:" if self.state.board else "The board is empty.")
            lines += [f"[round {turn + 1}] {self.names[who]}: {text}" for turn, who, text in self.state.board]
        else:
            known = [message for message in inbox if message.sender in self.names]
            lines += [f"{self.names[message.sender]} wrote: {message.text}" for message in known]
        lines += [f"The guide wrote: {message.text}" for message in inbox if message.sender == GUIDE]
        if view["phase"] == "answer":
            lines.append("What is your answer?")
        else:
            lines.append("What do you write?" + (" Or answer." if self.params.ending == "own" else ""))
        return Prompt("\n".join(lines), view, may_be_silent=view["phase"] == "talk")

    def view(self, seat: str) -> dict[str, Any]:
        """What the seat knows, as data; agents go by their names in it."""
        deal, mine = self.deal, self.seats.index(seat)
        shown = range(deal.nodes) if self.told_all else [mine]
        return {
            "phase": "talk" if self.state.talked < self.rounds else "answer",
            "round": self.state.talked,
            "rounds": self.rounds,
            "kind": deal.kind,
            "nodes": deal.nodes,
            "name": deal.names[mine],
            "names": self.names,
            "neighbours": [deal.names[j] for j in deal.near[mine]],
            "near": {deal.names[i]: [deal.names[j] for j in deal.near[i]] for i in shown},
            "inputs": {deal.names[i]: deal.inputs[i] for i in shown} if deal.inputs else {},
            "tracer": deal.tracer if deal.source in shown else None,
            "medium": self.params.medium,
            "ending": self.params.ending,
            "characters": self.params.characters,
        }

    # What they do.

    def parse(self, seat: str, reply: Reply) -> Move:
        reading = read(reply.text, self.labels)
        talking = self.state.talked < self.rounds
        messages, why = self._messages(seat, reading) if talking else ((), None)
        if talking and (self.params.ending == "together" or not reading.of("answer")):
            return Move(None, messages, why)
        got: Got[Answer] = one(reading, seat, self.seats, lambda value: self.reads(seat, value), "answer")
        return Move(got.value, messages, got.why or why)

    def _messages(self, seat: str, reading: Reading) -> tuple[tuple[Speech, ...], str | None]:
        """One message to each that is in reach; several to one are joined, and the end of a long one is lost."""
        reach, single = self.hears(seat), self.params.medium == "neighbours"
        aliases = {name.lower(): other for other, name in self.names.items()} | {other: other for other in self.seats}
        texts: dict[str, list[str]] = {}
        why = None
        for field_ in reading.of("message"):
            to = named(field_.who, aliases) if single else None
            text = field_.value.strip()
            if not text or text.strip(".").lower() in ("none", "nothing", "no message", "n/a", "-"):
                continue
            far = [other for other in to or () if other not in reach and other != seat]
            if far:
                why = f"a message to {', '.join(self.names.get(other, other) for other in far)}, who is no neighbour"
            for other in reach if to is None else to:
                if other in reach:
                    texts.setdefault(other, []).append(text)
        limit = self.params.characters
        whole = {other: "\n".join(parts)[:limit] for other, parts in texts.items()}
        same: dict[str, list[str]] = {}
        for other, text in whole.items():
            same.setdefault(text, []).append(other)
        return tuple(Speech(text, tuple(to)) for text, to in same.items()), why

    def reads(self, seat: str, value: str) -> Got[Answer]:
        """A seat's answer in what follows `ANSWER:`."""
        kind = self.deal.kind
        if kind in ("leader", "cover"):
            return Got(*_pair(choice(value, (rules.YES, rules.NO))))
        if kind == "matching":
            return self._partner(seat, value)
        if kind == "tracer":
            parts = re.findall(r"[a-z]+|\d+", value.lower())
            return Got("-".join(parts)) if len(parts) == 2 else Got(None, f"{value[:60]!r} is no two parts")
        most = {"consensus": 9, "colouring": self.deal.colours, "rank": self.deal.nodes}.get(kind, 999 * 100)
        got = number(value, 0 if kind == "consensus" else 1, most, whole=True)
        return Got(None if got.value is None else int(got.value), got.why)

    def _partner(self, seat: str, value: str) -> Got[Answer]:
        near = [self.names[other] for other in self.near(seat)]
        found = [name for name in near if re.search(rf"\b{name}\b", value, re.IGNORECASE)]
        if len(found) == 1:
            return Got(found[0])
        if not found and re.search(r"\b(?:none|nobody|no one|alone|unmatched|unpaired)\b", value, re.IGNORECASE):
            return Got(rules.NOBODY)
        return Got(None, f"{value[:60]!r} names {'more than one neighbour' if found else 'no neighbour'}")

    def apply(self, moves: Mapping[str, Move]) -> Sequence[Note]:
        scene, talking = self.state, self.state.talked < self.rounds
        given = {seat: move.action for seat, move in moves.items() if move.action is not None}
        left = scene.left | (given.keys() if talking else moves.keys())
        board = scene.board
        if self.params.medium == "board":
            board += tuple((scene.talked, seat, s.text) for seat, move in moves.items() for s in move.messages)
        self.state = Scene(scene.talked + talking, {**scene.answers, **given}, frozenset(left), board)
        return (Note("state", {"round": self.state.talked, "answers": dict(given)}),) if given or not talking else ()

    def solution(self) -> Any:
        deal = self.deal
        answers = rules.truth(deal)
        if not answers:
            near = {deal.names[i]: [deal.names[j] for j in own] for i, own in enumerate(deal.near)}
            solved = rules.solve(near, deal.kind)
            answers = tuple(solved[name] for name in deal.names)
        return dict(zip(deal.names, answers, strict=True))


def answers_of(game: NetworkGame, scene: Scene) -> list[Answer | None]:
    """Answers by node."""
    return [scene.answers.get(seat) for seat in game.seats]


def _pair(got: Got[str]) -> tuple[str | None, str | None]:
    return got.value, got.why


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]
