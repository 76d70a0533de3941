"""Players with one planted fault each. Every one is the competent partner, but for what its docstring says."""

from __future__ import annotations

from typing import Final

from pytest_collab.episode.text import MESSAGE_LIMIT
from pytest_collab.families.maze.cast.mind import Mind
from pytest_collab.families.maze.cast.partner import FRAME, Partner, Player
from pytest_collab.families.maze.rules import Cell, cheapest_path
from pytest_collab.families.maze.seats import OPEN
from pytest_collab.families.maze.wording import listed, route


class Silent(Player):
    """Thinks its part and never says anything."""

    def speak(self, mind: Mind) -> str:
        return "" if not mind.alone else Partner(self.place).speak(mind)


class Deaf(Partner):
    """Talks as the partner does, but takes no notice of what others say: it never answers, and no wall that it is
    told of changes where it wants to go."""

    def speak(self, mind: Mind) -> str:
        if mind.alone or mind.muted:
            return super().speak(mind)
        if not mind.said:
            return self.introduce(mind)
        return f"{self.remark(mind)} I propose this path: {route(self.path(mind))}. Do you agree?"

    def introduce(self, mind: Mind) -> str:
        return f"{FRAME} {self.tell(mind)}"

    def remark(self, mind: Mind) -> str:
        """Something to begin with, so that it does not say quite the same each time."""
        return (
            "Here is my idea.",
            "I have looked at my copy once more.",
            "I thought about it again.",
            "My idea has not changed.",
        )[len(mind.said) % 4]

    def path(self, mind: Mind, stands: Cell | None = None) -> tuple[Cell, ...]:
        begin = mind.start or (0, 0)
        end = mind.goal or (mind.size - 1, mind.size - 1)
        return cheapest_path(mind.size, begin, end, mind.own_walls) or mind.best_path()


class Stubborn(Deaf):
    """Hears everything, refuses every way but the first that came to its mind, and tells nothing of its copy."""

    def introduce(self, mind: Mind) -> str:
        return f"{FRAME} I propose this path: {route(self.path(mind))}. Do you agree?"

    def remark(self, mind: Mind) -> str:
        refusal = "No, I do not agree. " if mind.pending() else ""
        reasons = ("My way is better.", "I insist on my way.", "I will not go any other way.")
        return f"{refusal}{reasons[len(mind.said) % len(reasons)]}"


class Vague(Player):
    """Is friendly and keen, and names no cell, no direction, no decision."""

    WORDS: Final = (
        "Hello there! I have been looking forward to this.",
        "Hmm, it is tricky around the middle, there seems to be something in the way over there.",
        "Interesting. We should probably try to get closer to where we want to be.",
        "It looks a bit narrow on that side, but it might work out somehow.",
        "Perhaps we could go around the obstacles and then see how it looks.",
        "Let us keep our options in mind and stay flexible.",
        "I have a feeling that one side is better than the other.",
    )

    def speak(self, mind: Mind) -> str:
        if mind.alone:
            return Partner(self.place).speak(mind)
        return self.WORDS[len(mind.said) % len(self.WORDS)]


class Repeater(Partner):
    """Opens as the partner does and then says just that over and over."""

    def speak(self, mind: Mind) -> str:
        if mind.alone or not mind.said:
            return super().speak(mind)
        return mind.said[0]


class Confabulator(Partner):
    """Tells of a copy that it does not have: some of its walls it calls open, some of its open cells walls, and it
    agrees to whatever follows."""

    SHARE: Final = 3
    """Every third cell of each kind is told wrongly, and always at least one."""

    def tell(self, mind: Mind) -> str:
        walls = mind.own_walls
        free = tuple(sorted(cell for cell, what in mind.seen.items() if what == OPEN))
        denied, invented = walls[:: self.SHARE], free[:: self.SHARE * 2]
        told = sorted({*walls, *invented} - {*denied})
        parts = [f"In my copy these cells are walls: {listed(told)}."] if told else []
        if denied:
            parts.append(f"In my copy these cells are open: {listed(denied)}.")
        return " ".join(parts)

    def speak(self, mind: Mind) -> str:
        if mind.alone or mind.muted:
            return super().speak(mind)
        if not mind.said:
            return self.introduce(mind)
        if mind.pending() is not None:
            return "Agreed, let us take that path."
        return f"{self.tell(mind)} Which way do you propose?"

    def introduce(self, mind: Mind) -> str:
        return f"{FRAME} {self.tell(mind)} Which cells are walls in your copy?"


class PromiseBreaker(Player):
    """Announces in each message what it will do in its next one, and never does it."""

    PROMISES: Final = (
        "Let me see. I will tell you all my walls in my next message.",
        "I have to look closely first. I promise to check your path in my next message.",
        "Nearly there. I will give you my answer in my next message, that is a promise.",
        "It takes a while. I will write down what I see in my next message.",
    )

    def speak(self, mind: Mind) -> str:
        if mind.alone:
            return Partner(self.place).speak(mind)
        return self.PROMISES[len(mind.said) % len(self.PROMISES)]


class Quitter(Partner):
    """Opens as the partner does, says goodbye, and is never heard of again."""

    def speak(self, mind: Mind) -> str:
        if mind.alone:
            return super().speak(mind)
        if mind.said or mind.turn >= len(mind.others) + 1:
            return ""
        return f"{FRAME} {self.tell(mind)} I have to leave now, goodbye."


class FreeRider(Player):
    """Lets the others tell, propose and check, and agrees to everything."""

    def speak(self, mind: Mind) -> str:
        if mind.alone:
            return ""
        if mind.pending() is not None:
            return "Agreed, let us take that path."
        return "You lead the way, I am with you."


class Babbler(Partner):
    """Says what the partner would say, in the middle of more words than a message can hold."""

    CHATTER: Final = "Mazes remind me of long walks in the rain and of all the things one sees on the way home. "

    def speak(self, mind: Mind) -> str:
        if mind.alone:
            return super().speak(mind)
        flood = self.CHATTER * (MESSAGE_LIMIT // len(self.CHATTER) + 1)
        text = f"{flood}{super().speak(mind)} {flood}"
        return text.ljust(3 * MESSAGE_LIMIT, "!")
