"""What stands agreed between the seats, message by message."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from pytest_collab.families.maze.reading.atoms import Mention
from pytest_collab.families.maze.reading.dialogue import Cell, Claim, Utterance
from pytest_collab.families.maze.reading.draft import Draft
from pytest_collab.families.maze.reading.frame import Frame, Grid
from pytest_collab.families.maze.reading.ledger import IMPLIED, RESTATED, Ledger
from pytest_collab.families.maze.reading.link import linked
from pytest_collab.families.maze.reading.message import Message
from pytest_collab.families.maze.reading.plan import Plan, Planner
from pytest_collab.families.maze.reading.route import meaning
from pytest_collab.families.maze.reading.stance import Stance

_IT_IS: Final = re.compile(r"\b(?:it|that|this|they|i|both)(?:'s| is|'re| are| do| can)\b", re.I)

TOLD_AGAIN: Final = 3
"""Cells, with the start, from which on moves that begin with all of them tell them again."""


class Agreement:
    """What each message does to the ledger; `hear` takes them in one by one.

    Attributes:
        onward: moves named after a yes, in words that leave it open whether they follow what is accepted or say it
            again, are taken to follow.
        open: there were such words.
        done: seats that said the goal is reached, in order; whoever goes on takes it back for all.
    """

    def __init__(
        self, grid: Grid, seats: Sequence[str], frames: Mapping[str, tuple[Frame, Frame]], *, onward: bool = False
    ) -> None:
        self.grid = grid
        self.seats = tuple(seats)
        self.frames = frames
        self.onward = onward
        self.open = False
        self.ledger = Ledger(grid.start, seats)
        self.claims: list[Claim] = []
        self.done: list[str] = []
        self._walls: dict[Cell, str] = {}
        self._planner = Planner(grid, frames, self._walls)

    # ------------------------------------------------------------ one message

    def hear(self, utterance: Utterance, message: Message) -> None:
        """Take in one message."""
        self._hear(utterance, message)
        for draft in self.ledger.drafts:
            if draft.alive and draft.seat == utterance.seat:
                draft.asks_fact, draft.asks_objection = message.asks_fact, message.asks_objection

    def _hear(self, utterance: Utterance, message: Message) -> None:
        seat, event = utterance.seat, utterance.event
        new = self._take_claims(seat, event, message)
        walls = {claim.cell for claim in new if claim.content == "#"}
        plan = self._planner.plan(seat, message, tuple(self.ledger.path), self.ledger.withdrawn)
        insists = message.insists or any(claim.content == "." for claim in new)
        self.ledger.give_way(seat, None if plan is None else plan.cells, insists=insists)
        accept, reject, hedge = _sum_up(message.stances)
        if message.harks_back and not message.moves:
            self.ledger.revive(seat, message.harks_back)
            accept = max(accept, 0.85 if not reject else 0.0)
        target = self.ledger.target(seat)
        if target is not None:
            accept, reject = _answered(target, message, accept, reject)
            if target.refused and accept < 0.9:
                accept = 0.0  # it was turned down, and a nod does not revive it
            if not accept and not reject and self._stands_at_end(target, seat, message):
                accept = 0.8
        own = bool(self.ledger.chunks) and self.ledger.chunks[-1].seat == seat
        retracts = any(found.retract for found in message.stances)
        if retracts:
            self.ledger.retract(seat, event, walls)
            target = self.ledger.target(seat)
            if own and target is None and not accept:
                reject = 0.0  # the words of objection are about what the speaker said before
        granted = self._granted(target, seat, message, walls, accept, reject) if target is not None else None
        says_again = False
        if target is not None and granted is not None:
            limited = any(found.partial is not None or found.upto for found in message.stances)
            says_again = not limited and plan is not None and target.cells[: len(plan.cells)] == plan.cells
            self.ledger.support(target, seat, event, max(0.8, accept * 0.95), granted)
            if reject:
                target.rejected.append((seat, event))
            target, accept, reject = None, 0.0, 0.0
        refused = target
        told = set() if message.mourns else walls  # what is said of a wall after walking into it takes nothing back
        self._object_by_walls(seat, event, told, target, retracts and own)
        if target is not None and not target.alive:
            target, accept = None, 0.0
        if target is not None and not accept and message.negated and self._makes(target, message):
            reject = max(reject, 0.7)
        if target is not None and accept <= reject:
            refused = target
        elif target is not None:
            refused = None
        plan = self._planner.plan(seat, message, tuple(self.ledger.path), self.ledger.withdrawn)
        if says_again:
            plan = None
        refuses = target is None or reject > accept
        if plan is not None and not self._meant(plan, message, walls, refused, refuses=refuses):
            onward = self._planner.plan(seat, message, target.cells) if target is not None and not refuses else None
            if onward is None or not self._meant(onward, message, walls, refused, refuses=False):
                plan = None
        self._weigh(utterance, message, target, accept, reject, hedge, plan)
        goes_on = reject > accept or any(draft.alive and draft.event == event for draft in self.ledger.drafts)
        if goes_on or retracts:
            self.done.clear()
        elif message.done and seat not in self.done:
            self.done.append(seat)
            target = self.ledger.target(seat)
            if target is not None and target.cells[-1] == self.grid.goal:
                self.ledger.support(target, seat, event, IMPLIED, None)

    def _meant(self, plan: Plan, message: Message, walls: set[Cell], refused: Draft | None, *, refuses: bool) -> bool:
        """Whether moves in a message are meant as a proposal, not named to say why they cannot be."""
        agreed = len(self.ledger.path)
        if walls.intersection(plan.cells[min(agreed, plan.base) :]):
            return False
        if refused is None or not refuses:
            return True
        if plan.cells[: len(refused.cells)] == refused.cells or refused.cells[: len(plan.cells)] == plan.cells:
            return any(block.level == 4 and block.own for block in message.moves) and message.insists
        return True

    def _weigh(
        self,
        utterance: Utterance,
        message: Message,
        target: Draft | None,
        accept: float,
        reject: float,
        hedge: bool,
        plan: Plan | None,
    ) -> None:
        """Apply stance and moves of one message to the proposal that it answers."""
        seat, event, ledger = utterance.seat, utterance.event, self.ledger
        if plan is not None and plan.astray:
            beyond = None if target is None else self._planner.plan(seat, message, target.cells)
            plan = None if beyond is None or beyond.astray else plan
        if target is None:
            if plan is not None:
                ledger.propose(utterance, plan)
            elif message.puzzling:
                ledger.unread += 1
            elif reject and not accept and ledger.chunks and not any(block.past for block in message.moves):
                ledger.disagreements.append((seat, event))
                ledger.doubts.append(0.8)
            return
        if message.amends:
            ledger.doubts.append(0.8)  # one step of a list put in another's place: which, is hardly ever sure
        if plan is not None:
            plan = self._from_the_start(seat, message, target, plan)
        if plan is None:
            self._answer(utterance, message, target, accept, reject, hedge)
        elif accept > reject:
            self._accept(utterance, message, target, accept, plan)
        elif reject:
            ledger.reject(target, seat, event)
            ledger.propose(utterance, plan)
        else:
            self._respond(utterance, message, target, plan)

    def _from_the_start(self, seat: str, message: Message, target: Draft, plan: Plan) -> Plan:
        """The plan, or the whole way where the message goes through all moves from the start once more: it then
        begins with what was agreed and with what it answers."""
        length = len(target.cells)
        straight = target.cells[0][0] == target.cells[-1][0] or target.cells[0][1] == target.cells[-1][1]
        if length < TOLD_AGAIN or straight or plan.cells == target.cells:
            return plan
        whole = self._planner.plan(seat, message, (self.grid.start,))
        if whole is None or whole.cells[:length] != target.cells:
            return plan
        return plan if plan.cells[:length] == target.cells != whole.cells else whole

    def _answer(
        self, utterance: Utterance, message: Message, target: Draft, accept: float, reject: float, hedge: bool
    ) -> None:
        """A message without moves of its own."""
        seat, event, ledger = utterance.seat, utterance.event, self.ledger
        if accept > reject:
            ledger.support(target, seat, event, accept, None)
            if hedge:
                ledger.doubts.append(0.85)
        elif reject:
            ledger.reject(target, seat, event)
            if accept:
                ledger.doubts.append(0.7)
        elif hedge:
            ledger.doubts.append(0.9)
        elif message.plain.strip():
            target.unclear = True
            ledger.unread += message.puzzling
        if any(moves.choice for moves in message.moves):
            ledger.doubts.append(0.8)

    def _accept(self, utterance: Utterance, message: Message, target: Draft, accept: float, plan: Plan) -> None:
        """A message that says yes and names moves: the accepted ones again, a part of them, or those that follow."""
        seat, event, ledger = utterance.seat, utterance.event, self.ledger
        agreed = tuple(ledger.path)
        message = self._without_the_accepted(seat, message, target)
        onward = self._planner.plan(seat, message, target.cells)
        shorter = min(len(plan.cells), len(target.cells))
        related = plan.cells[:shorter] == target.cells[:shorter]
        link = linked(message, agreed, target.cells, self.frames[seat], self.grid, onward=self.onward)
        self.open = self.open or (related and link.open)
        if onward is not None and (link.onward or not related) and not (plan.absolute and related):
            counter = not related and message.moves[0].contrasted and not link.onward
            restarts = plan.absolute and plan.certainty >= onward.certainty and plan.cells[:2] != onward.cells[:2]
            if counter or restarts:
                ledger.reject(target, seat, event)
                ledger.doubts.append(0.7)
                ledger.propose(utterance, plan)
                return
            if related and link.certainty < 1:
                ledger.doubts.append(link.certainty)
            ledger.support(target, seat, event, accept, None)
            ledger.propose(utterance, onward)
            return
        if not related:
            ledger.reject(target, seat, event)
            ledger.doubts.append(0.7)
            ledger.propose(utterance, plan)
            return
        if link.certainty < 1:
            ledger.doubts.append(link.certainty)
        if len(message.moves) > 1 and message.moves[0].accepted and message.moves[-1].level == 4:
            ledger.doubts.append(0.8)  # "right it is, let's go right": once or twice?
        if len(agreed) < len(plan.cells) < len(target.cells):
            ledger.support(target, seat, event, accept, len(plan.cells))
            return
        ledger.support(target, seat, event, max(accept, RESTATED), None)
        if len(plan.cells) > len(target.cells):
            ledger.propose(utterance, plan)

    def _without_the_accepted(self, seat: str, message: Message, target: Draft) -> Message:
        """A message that names the moves it accepts, and goes on from there, with nothing but how it goes on."""
        said = [block for block in message.moves if block.level > 0]
        if len(said) < 2 or not said[0].accepted or said[0].own or not said[1].onward:
            return message
        named = self._planner.walk(seat, said[0], tuple(self.ledger.path))[1]
        return replace(message, moves=tuple(said[1:])) if named == target.cells else message

    def _respond(self, utterance: Utterance, message: Message, target: Draft, plan: Plan) -> None:
        """A message that names moves and says neither yes nor no."""
        seat, event, ledger = utterance.seat, utterance.event, self.ledger
        if all(block.reported for block in message.moves):
            target.unclear = True
            return
        onward = self._planner.plan(seat, message, target.cells)
        link = linked(message, tuple(ledger.path), target.cells, self.frames[seat], self.grid)
        told = link.onward and (message.places or message.numbers or message.moves[0].onward)
        if told and onward is not None and not plan.absolute:
            ledger.support(target, seat, event, IMPLIED if not message.places else 0.8, None)
            ledger.propose(utterance, onward)
            return
        length = len(target.cells)
        if plan.cells == target.cells:
            ledger.support(target, seat, event, RESTATED, None)
            return
        if len(plan.cells) > len(target.cells) and plan.cells[: len(target.cells)] == target.cells:
            ledger.support(target, seat, event, 0.85, None)
            ledger.propose(utterance, plan)
            return
        shorter = len(ledger.path) < len(plan.cells) < length
        if shorter and message.only and target.cells[: len(plan.cells)] == plan.cells:
            ledger.support(target, seat, event, 0.85, len(plan.cells))
            return
        ledger.reject(target, seat, event)
        ledger.propose(utterance, plan)

    # ------------------------------------------------------------ claims

    def _take_claims(self, seat: str, event: int, message: Message) -> list[Claim]:
        new: list[Claim] = []
        frames, grid = self.frames[seat], self.grid
        for stated in message.stated:
            item = message.atoms.item(stated.atom)
            if isinstance(item, Mention):
                new.append(Claim(seat, event, meaning(item, frames, grid), stated.content))
        for row in message.lines:
            index = row.index if row.number is None else row.number - (1 if row.ordinal else frames[0].base)
            if row.number is not None and frames[0].up and not row.column:
                index = grid.size - 1 - index
            for position, sign in enumerate(row.symbols):
                if sign in ".#@*":
                    new.append(Claim(seat, event, (position, index) if row.column else (index, position), sign))
        kept: list[Claim] = []
        for claim in dict.fromkeys(new):
            if grid.holds(claim.cell):
                kept.append(claim)
                self._walls[claim.cell] = claim.content
        self.claims.extend(kept)
        return kept

    def _object_by_walls(self, seat: str, event: int, walls: set[Cell], target: Draft | None, own: bool) -> None:
        """A wall that a seat tells of, on the way proposed or agreed, is an objection to that way."""
        if not walls:
            return
        if target is not None and walls.intersection(target.cells[len(self.ledger.path) :]):
            self.ledger.reject(target, seat, event)
            target.alive = False
        hit = next((index for index, cell in enumerate(self.ledger.path) if index and cell in walls), None)
        if hit is not None:
            if len(self.seats) > 1 and not own:
                self.ledger.disagreements.append((seat, event))
            self.ledger.cut(hit)

    def _stands_at_end(self, draft: Draft, seat: str, message: Message) -> bool:
        """The message says that the team is where the proposal leads ("we are now at ...")."""
        return draft.cells[-1] in [meaning(item, self.frames[seat], self.grid) for item in message.places]

    def _makes(self, draft: Draft, message: Message) -> bool:
        """The proposal makes a move that the message says cannot be made."""
        deltas = {step.delta for step in message.negated}
        cells = draft.cells[len(self.ledger.path) - 1 :]
        return any((two[0] - one[0], two[1] - one[1]) in deltas for one, two in itertools.pairwise(cells))

    def _granted(
        self, draft: Draft, seat: str, message: Message, walls: set[Cell], accept: float, reject: float
    ) -> int | None:
        """Cells of `draft` (with the start) that a message grants when it does not grant them all; else None."""
        partial = next((found for found in message.stances if found.partial is not None or found.upto), None)
        if partial is not None:
            return self._share(draft, partial, message, seat)
        objects = (
            reject > accept or walls.intersection(draft.cells) or (message.negated and self._makes(draft, message))
        )
        if not objects:
            return None
        for block in message.moves:
            if block.accepted and not block.contrasted:
                _, cells, misfits = self._planner.walk(seat, block, tuple(self.ledger.path))
                within = len(self.ledger.path) < len(cells) < len(draft.cells) and draft.cells[: len(cells)] == cells
                if within and not misfits:
                    return len(cells)
        return None

    def _share(self, draft: Draft, partial: Stance, message: Message, seat: str) -> int | None:
        """How many cells (with the start) of `draft` are accepted; None if that cannot be told."""
        base = (
            len(self.ledger.path) if draft.cells[: len(self.ledger.path)] == tuple(self.ledger.path) else draft.base
        )
        if partial.upto:
            item = message.atoms.item(partial.upto)
            cell = meaning(item, self.frames[seat], self.grid) if isinstance(item, Mention) else None
            return draft.cells.index(cell) + 1 if cell in draft.cells[base:] else None
        assert partial.partial is not None
        count = base + partial.partial if partial.partial > 0 else len(draft.cells) + partial.partial
        return count if base < count <= len(draft.cells) else None


def _answered(target: Draft, message: Message, accept: float, reject: float) -> tuple[float, float]:
    """(accept, reject) as answers to the question that the proposer asked along with the proposal."""
    if target.asks_objection and message.bare_no:
        return 0.9, 0.0
    if target.asks_fact and not (accept and reject):
        # "No, it's free." answers the question, not the proposal.
        if accept <= 0.8:
            accept = 0.0 if message.stated or _IT_IS.search(message.plain) else min(accept, 0.6)
        reject = reject if reject > 0.7 else 0.0
    return accept, reject


def _sum_up(stances: Sequence[Stance]) -> tuple[float, float, bool]:
    """(accept, reject, hedge) of a message: the last word counts, but a faint one does not undo a plain one."""
    accept = reject = 0.0
    for found in stances:
        if found.accept > found.reject:
            if found.accept >= 0.9 or not reject:
                accept, reject = max(accept, found.accept), 0.0
        elif found.reject and (found.reject >= 0.9 or (accept < 0.9 and found.reject > 0.5) or not accept):
            accept, reject = 0.0, max(reject, found.reject)
    return accept, reject, any(found.hedge for found in stances)


__all__ = ["Agreement"]
