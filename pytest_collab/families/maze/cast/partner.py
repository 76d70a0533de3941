"""The competent partner: tells what it sees, checks what it hears, proposes, agrees."""

from __future__ import annotations

from typing import Final

from pytest_collab.episode.agent import Agent, Reply, Request, Seat
from pytest_collab.families.maze.cast.mind import Mind
from pytest_collab.families.maze.reading.reader import Proposal
from pytest_collab.families.maze.rules import Cell
from pytest_collab.families.maze.wording import listed, named, route

FRAME: Final = "I name cells (row, column), both counted from 0, with (0, 0) at the top left."
REMINDERS: Final = (
    "My proposal stands.",
    "Let me say it again.",
    "I still see no better way.",
    "Nothing speaks against this way as far as I can see.",
)


class Player(Agent):
    """A player that answers from what its seat knows now; `speak` is the whole character."""

    def __init__(self, seat: Seat) -> None:
        self.place = seat

    async def reply(self, request: Request) -> Reply:
        return Reply(self.speak(Mind.of(request.view)))

    def speak(self, mind: Mind) -> str:
        """The next message."""
        raise NotImplementedError


class Partner(Player):
    """Shares its walls first, proposes once it heard the others', and agrees to nothing that it knows is wrong."""

    def speak(self, mind: Mind) -> str:
        if mind.alone or mind.muted:
            return f"{FRAME} I take this path: {route(self.path(mind))}."
        pending = mind.pending()
        if pending is not None:
            return self.answer(mind, pending)
        if mind.phrase and mind.goal in mind.reading.path:
            return mind.phrase
        if not mind.knows_all and not mind.has_told_walls():
            return self.introduce(mind)
        return self.propose(mind, mind.reading.path[-1])

    def introduce(self, mind: Mind) -> str:
        """Say what the copy shows; propose as well when the others have done so before."""
        parts = [FRAME, self.tell(mind)]
        if mind.has_heard_walls() and mind.start and mind.goal:
            parts.append(self.propose(mind, mind.reading.path[-1]))
        else:
            parts.append("Which cells are walls in your copy?")
        return " ".join(parts)

    def tell(self, mind: Mind) -> str:
        """The walls, and whichever end of the way others may not see."""
        walls = self.walls_to_tell(mind)
        parts = []
        if walls:
            parts.append(f"In my copy these cells are walls: {listed(walls)}.")
            parts.append("All other cells that I can see are open.")
        else:
            parts.append("I see no wall in my copy.")
        if mind.start and mind.start in mind.seen:
            parts.append(f"The start is at {named(mind.start)}.")
        if mind.goal and mind.goal in mind.seen:
            parts.append(f"The goal is at {named(mind.goal)}.")
        return " ".join(parts)

    def walls_to_tell(self, mind: Mind) -> tuple[Cell, ...]:
        """The walls that it says it sees."""
        return mind.own_walls

    def answer(self, mind: Mind, pending: Proposal) -> str:
        """Agree to a proposal, or say what is wrong with it and propose another way."""
        path = mind.whole(pending)
        obstacle = mind.obstacle(path)
        if obstacle is not None:
            cell, why = obstacle
            parts = [f"No, I do not agree: {named(cell)} {why}."]
            if not mind.has_told_walls():
                parts += [FRAME, self.tell(mind)]
            return " ".join([*parts, self.propose(mind, mind.reading.path[-1])])
        everyone = len({mind.seat, pending.seat, *(seat for seat, _ in pending.agreed_by)}) == len(mind.others) + 1
        if path[-1] == mind.goal:
            return "Agreed, let us take that path." + (f" {mind.phrase}" if mind.phrase and everyone else "")
        parts = ["Agreed."]
        if not mind.has_told_walls():
            parts += [FRAME, self.tell(mind)]
        return " ".join([*parts, self.propose(mind, path[-1])] if everyone else parts)

    def propose(self, mind: Mind, stands: Cell) -> str:
        """Propose the way on from where the team stands."""
        path = self.path(mind, stands)
        if mind.phrase:
            path = path[:2]  # one move a turn
        last = mind.own_last()
        again = last is not None and last.path[-1:] == path[-1:] and set(path[1:]) <= set(last.path)
        opening = f"{REMINDERS[len(mind.said) % len(REMINDERS)]} " if again else ""
        origin = "" if stands == mind.start else f"from {named(stands)}, where we stand, "
        return f"{opening}I propose this path: {origin}{route(path)}. Do you agree?"

    def path(self, mind: Mind, stands: Cell | None = None) -> tuple[Cell, ...]:
        """The way on that it believes in."""
        return mind.best_path(stands)


class Oracle(Partner):
    """Knows the hidden solution, proposes it, and agrees to nothing else."""

    def path(self, mind: Mind, stands: Cell | None = None) -> tuple[Cell, ...]:
        solution: tuple[Cell, ...] = tuple(self.place.solution)
        if stands is None:
            return solution
        return solution[solution.index(stands) :] if stands in solution else mind.best_path(stands)

    def introduce(self, mind: Mind) -> str:
        return f"{FRAME} {self.propose(mind, mind.reading.path[-1])}"
