"""One finished episode, read once from its transcript: what every finding and figure is derived from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from pytest_collab.core.maze.spec import MazeRecord
from pytest_collab.episode.condition import Condition
from pytest_collab.episode.transcript import Event, Transcript
from pytest_collab.families.maze.reading.belief import Belief, beliefs, shared
from pytest_collab.families.maze.reading.coordinates import writes_chess
from pytest_collab.families.maze.reading.executed import executed
from pytest_collab.families.maze.reading.message import Message, read_message
from pytest_collab.families.maze.reading.reader import Claim, Proposal, Reading, Utterance, read
from pytest_collab.families.maze.rules import Cell, Walk, inside, walk
from pytest_collab.families.maze.seats import GOAL, OPEN, SEAT_NAMES, START, content

SURE_ENOUGH: Final = 0.75
"""The confidence of a reading from which on somebody may be blamed for what was read."""


@dataclass(frozen=True)
class Case:
    """An episode to be judged.

    Attributes:
        utterances: what was said, in order; `event` is the `seq` of the transcript's `message` event.
        reading: what the rules reader makes of it.
        path: the agreed path, start included: the grader's where a `grade` event holds one, else the reader's.
        walked: that path on the true maze.
        graded: the path is another reader's: a grader's, or what the seats named when they were asked.
        gradings: the path of every grading, in order.
        strict: the path that counts, in the scheme that its grader named; None where no grader named one.
        held: what each seat that was asked, and answered in the form, believes was agreed on.
        ruled: the agreed path as the rules read it.
    """

    maze: MazeRecord
    condition: Condition
    transcript: Transcript
    seats: tuple[str, ...]
    utterances: tuple[Utterance, ...]
    reading: Reading
    path: tuple[Cell, ...]
    walked: Walk
    graded: bool = False
    gradings: tuple[tuple[Cell, ...], ...] = ()
    strict: tuple[Cell, ...] | None = None
    held: tuple[Belief, ...] = ()
    ruled: tuple[Cell, ...] = ()

    @classmethod
    def of(cls, maze: MazeRecord, condition: Condition, transcript: Transcript, *, paper: bool = False) -> Case:
        """Read an episode. In the paper's game what was agreed is made at once, and nothing takes it back."""
        seats = tuple(transcript.start["seats"])
        utterances = spoken(transcript)
        reading = read(utterances, size=maze.size, start=maze.start, goal=maze.goal, seats=seats)
        grades = [event.data for event in transcript.of("grade") if event.data.get("path") is not None]
        graded = [_path(grade["path"]) for grade in grades]
        held = beliefs(maze, transcript)
        ruled = executed(utterances, maze.size, maze.start, maze.goal, seats) if paper else reading.path
        path, other, strict = ruled, False, None
        if graded:
            path, other = max(graded, key=graded.count), True
            named = grades[graded.index(path)].get("strict")
            strict = None if named is None else _path(named)
        elif held and (len(held) == len(seats) or all(belief.path == ruled for belief in held)):
            path, other = shared(held), True
        return cls(
            maze,
            condition,
            transcript,
            seats,
            utterances,
            reading,
            path,
            walk(maze, path),
            other,
            tuple(graded),
            strict,
            held,
            ruled,
        )

    @property
    def sure(self) -> bool:
        """Whether the dialogue was read surely enough to blame anyone for what was said in it.

        With a second reading, if both come to the same path; else by the confidence of the only one.
        """
        if self.graded:
            alike = len(set(self.gradings)) <= 1 and len({belief.path for belief in self.held}) <= 1
            return alike and self.path == self.ruled
        return self.reading.confidence >= SURE_ENOUGH

    def sees(self, seat: str, cell: Cell) -> bool:
        """Whether the seat's own copy shows what the cell holds."""
        if not inside(self.maze.size, cell):
            return True
        if self.condition.solo or self.condition.shared:
            return True
        return self.maze.sees(SEAT_NAMES.index(seat), *cell)

    def is_true(self, claim: Claim) -> bool:
        """Whether the cell holds what was claimed. Start and goal are open cells as well."""
        return inside(self.maze.size, claim.cell) and agrees(claim.content, content(self.maze, claim.cell))

    def replies(self, seat: str) -> list[Event]:
        return self.transcript.of("reply", seat=seat)

    def said(self, seat: str) -> list[Utterance]:
        return [said for said in self.utterances if said.seat == seat]

    def proposals(self, seat: str) -> list[Proposal]:
        return [proposal for proposal in self.reading.proposals if proposal.seat == seat]

    def claims(self, seat: str) -> list[Claim]:
        return [claim for claim in self.reading.claims if claim.seat == seat]

    def assents(self, seat: str) -> list[int]:
        """Events in which the seat agreed to somebody's proposal."""
        return [event for proposal in self.reading.proposals for who, event in proposal.agreed_by if who == seat]

    def objections(self, seat: str) -> list[int]:
        """Events in which the seat turned a proposal down or disagreed otherwise."""
        found = [event for proposal in self.reading.proposals for who, event in proposal.rejected_by if who == seat]
        return sorted({*found, *(event for who, event in self.reading.disagreements if who == seat)})

    def message(self, said: Utterance) -> Message:
        """One message as the reader takes it in."""
        if said.event not in self._messages:
            self._messages[said.event] = read_message(said.text, self.maze.size, chess=self._chess)
        return self._messages[said.event]

    @cached_property
    def _messages(self) -> dict[int, Message]:
        return {}

    @cached_property
    def _chess(self) -> bool:
        return writes_chess(said.text for said in self.utterances)

    def position(self, event: int) -> int:
        """Which message of the dialogue an event is, from 1."""
        return self._order[event]

    @cached_property
    def _order(self) -> dict[int, int]:
        return {said.event: number for number, said in enumerate(self.utterances, 1)}

    def proposed(self, cell: Cell) -> Proposal | None:
        """The proposal by which a cell came into the agreed path: the first one accepted that holds it, else the
        first one that holds it at all. Who repeats it in accepting has not proposed it."""
        holding = [proposal for proposal in self.reading.proposals if cell in proposal.path]
        accepted = [proposal for proposal in holding if proposal.agreed_by and not proposal.retracted]
        return next(iter([*accepted, *holding]), None)

    def others(self, seat: str) -> Iterator[str]:
        return (other for other in self.seats if other != seat)


def _path(cells: Sequence[Sequence[int]]) -> tuple[Cell, ...]:
    return tuple((int(row), int(column)) for row, column in cells)


def agrees(claimed: str, truth: str) -> bool:
    """Whether a claimed content fits the true one."""
    return claimed == truth or (claimed == OPEN and truth in (START, GOAL))


def spoken(transcript: Transcript) -> tuple[Utterance, ...]:
    """What was said, in order, with who heard it."""
    return tuple(
        Utterance(str(event.seat), event.data["text"], event.seq, tuple(event.data["delivered"]))
        for event in transcript.of("message")
        if event.data["text"].strip()
    )
