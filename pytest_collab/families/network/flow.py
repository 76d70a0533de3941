"""Who was told what, and when: the way of knowledge through a network, as its messages show it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_collab.episode.condition import GUIDE
from pytest_collab.episode.transcript import Transcript
from pytest_collab.families.network import rules, words
from pytest_collab.families.network.seats import NetworkGame, answers_of
from pytest_collab.families.rounds import RoundGame, Step, walk
from pytest_collab.families.rounds.evidence import Said, said

if TYPE_CHECKING:
    from pytest_collab.families.network.params import Network


@dataclass(frozen=True, slots=True)
class Told:
    """A message with what it tells.

    Attributes:
        round: in which it was written; it is read in the next.
        to: the nodes that it reached.
        carries: nodes whose private input it holds, by number (kinds with numbers), or by name.
        facts: what it says in so many words.
    """

    round: int
    seat: str
    node: int
    to: tuple[int, ...]
    carries: frozenset[int]
    facts: tuple[words.Fact, ...]
    said: Said


@dataclass(slots=True)
class Flow:
    """Messages in order, and from which round on each node knows what it needs.

    Attributes:
        told: all messages.
        known: by node, the nodes whose input it knows (the source, for a tracer), with the round in which it did so
            first; its own from round 0.
        heard: by node, the events of the messages that told it something new.
        guided: what a guide wrote.
        needed: the nodes whose inputs everyone needs; empty for kinds in which seats choose.
    """

    told: list[Told] = field(default_factory=list)
    known: list[dict[int, int]] = field(default_factory=list)
    heard: list[list[int]] = field(default_factory=list)
    needed: frozenset[int] = frozenset()
    guided: list[Said] = field(default_factory=list)

    def complete(self, node: int) -> bool:
        """Whether the node was told everything that it needs, in words."""
        return self.needed <= self.known[node].keys()

    def rounds_to_complete(self) -> int | None:
        """The round from which on everyone knew everything; None when that never came."""
        if not self.needed or not all(map(self.complete, range(len(self.known)))):
            return None
        return max(own[node] for own in self.known for node in self.needed)


def flow(game: NetworkGame, steps: Sequence[Step], transcript: Transcript) -> Flow:
    """Read all messages of a finished episode."""
    deal, names = game.deal, frozenset(game.deal.names)
    nodes = {seat: node for node, seat in enumerate(game.seats)}
    rounds = {step.turn: number for number, step in enumerate(step for step in steps if step.phase == "talk")}
    whole = frozenset(range(deal.nodes))
    found = Flow(heard=[[] for _ in whole])
    found.needed = _needed(deal)
    found.known = [dict.fromkeys(whole if game.told_all else {node}, 0) for node in range(deal.nodes)]
    if deal.kind == "tracer" and not game.told_all:
        found.known = [{deal.source: 0} if node == deal.source else {} for node in range(deal.nodes)]
    for one in said(transcript):
        if one.turn in rounds and one.seat == GUIDE:
            found.guided.append(one)
            _told_by_guide(found, deal, one, rounds[one.turn], nodes)
        if one.turn not in rounds or one.seat not in nodes:
            continue
        read = words.facts(one.text, deal.names[nodes[one.seat]], deal.kind, names)
        to = tuple(nodes[seat] for seat in one.event.data["delivered"] if seat in nodes)
        told = Told(
            rounds[one.turn],
            one.seat,
            nodes[one.seat],
            to,
            _carried(deal, one.text, read, nodes[one.seat]),
            read,
            one,
        )
        found.told.append(told)
        for other in to:
            new = told.carries - found.known[other].keys()
            found.known[other] |= dict.fromkeys(new, told.round + 1)
            if new:
                found.heard[other].append(one.event.seq)
    return found


def _told_by_guide(found: Flow, deal: rules.Deal, one: Said, number: int, nodes: Mapping[str, int]) -> None:
    """Let a guide's words count as heard by those whom they reached."""
    read = words.facts(one.text, "", deal.kind, frozenset(deal.names))
    carried = _carried(deal, one.text, read, -1)
    for other in (nodes[seat] for seat in one.event.data["delivered"] if seat in nodes):
        new = carried - found.known[other].keys()
        found.known[other] |= dict.fromkeys(new, number + 1)
        if new:
            found.heard[other].append(one.event.seq)


def _needed(deal: rules.Deal) -> frozenset[int]:
    if deal.kind == "tracer":
        return frozenset({deal.source})
    if deal.kind == "maximum":
        return frozenset({deal.inputs.index(max(deal.inputs))})
    return frozenset(range(deal.nodes)) if deal.inputs else frozenset()


def _carried(deal: rules.Deal, text: str, facts: Sequence[words.Fact], speaker: int) -> frozenset[int]:
    """The nodes whose input, as it is, a text holds."""
    if deal.tracer is not None:
        return frozenset({deal.source} if words.carries(text, deal.tracer) else ())
    if deal.kind in rules.NUMBERS:
        numbers = words.numbers_in(text)
        return frozenset(node for node, value in enumerate(deal.inputs) if value in numbers)
    if not deal.inputs:
        return frozenset()
    at = {name: node for node, name in enumerate(deal.names)}
    named = ((at[fact.about], fact.value) for fact in facts if fact.what == "number")
    return frozenset(node for node, value in named if deal.inputs[node] == value)


class Case:
    """A finished episode, walked through once.

    Attributes:
        answers: by node.
        answered: by node, the step in which it gave its answer, or was asked for it in vain.
    """

    def __init__(self, params: Network, game: RoundGame, transcript: Transcript) -> None:
        self.params, self.transcript = params, transcript
        inner = game.inner
        assert isinstance(inner, NetworkGame)
        self.game: NetworkGame = inner
        self.deal: rules.Deal = inner.deal
        self.steps: list[Step] = list(walk(game, transcript))
        self.seats = inner.seats
        self.answers = answers_of(inner, inner.state)
        self.result = rules.judge(self.deal, self.answers)
        self.flow: Flow = flow(inner, self.steps, transcript)
        self.answered: dict[int, Step] = {
            self.seats.index(seat): step
            for step in self.steps
            for seat, move in step.moves.items()
            if move.action is not None or step.phase == "answer"
        }

    def brief(self, seat: str) -> list[int]:
        """The events in which a seat was told what it is given."""
        return [event.seq for event in self.transcript.of("brief", seat=seat)]

    def reply(self, node: int) -> int:
        """The event of a node's answer."""
        return self.answered[node].replies[self.seats[node]].seq

    def replies(self, nodes: Sequence[int] | None = None) -> list[int]:
        """The events of the answers of nodes; of all when None."""
        wanted = range(self.deal.nodes) if nodes is None else nodes
        return [self.reply(node) for node in wanted if node in self.answered]
