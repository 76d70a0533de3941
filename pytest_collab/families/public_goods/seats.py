"""What each contributor is told, and how its replies are read."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_collab.episode.agent import Reply
from pytest_collab.episode.channel import Message
from pytest_collab.episode.game import Ask, Move, Note, Prompt, Recall
from pytest_collab.families.public_goods import rules
from pytest_collab.families.rounds import Got, RoundGame, number, one, read, seat_names, somebody_else, speeches

if TYPE_CHECKING:
    from pytest_collab.families.public_goods.params import PublicGoods


@dataclass(frozen=True, slots=True)
class Scene:
    """The good, and the rounds of talk left before the next contribution."""

    good: rules.State
    talks: int


class PublicGoodsGame(RoundGame):
    """One episode: each round the rounds of talk, then contributions, all at once or one after the other.

    A seat whose reply holds no readable number contributes as little as can be.
    """

    def __init__(self, params: PublicGoods) -> None:
        self.params, self.good = params, params.good
        self.seats = seat_names(params.seats)
        self.published = params.prompts == "as_published"
        self.state = Scene(rules.State(), params.talk)

    def brief(self, seat: str) -> str:
        params, good = self.params, self.good
        n, e, low = params.seats, params.endowment, params.lowest
        once = self.published or params.rounds == 1
        rounds = "You play a game" if self.published else f"You play {params.rounds} round{'s' * (not once)}"
        each = "In it" if once else "In each"
        lines = [
            f"You are {seat}, one of {n}: {', '.join(self.seats)}. {rounds}. {each}, "
            f"everyone has {e} units and contributes {'some' if not low else f'at least {low}'} of them to a common "
            "project, keeping the rest. "
            f"Contributions are multiplied by {params.multiplier:g} and shared equally by all {n}, whoever gave them."
        ]
        if good.sequential:
            full = params.observation == "full"
            seen = "what was contributed before" if full else "only what the one just before it contributed"
            lines.append(
                f"You contribute one after the other, in the order {', '.join(self.seats)}; each sees {seen}."
            )
        else:
            lines.append("All contribute at the same time; afterwards everyone sees what each has given.")
        if params.payoff == "redesigned":
            lines.append(self._redesigned())
        lines.append(
            f"When asked to contribute, answer with one line `ACTION: N`, N a whole number from {low} to {e}."
        )
        if params.talk:
            lines.append(
                "Before each round you may talk: answer with lines `MESSAGE: ...` (to all) or `MESSAGE to "
                f"{somebody_else(seat, self.seats)}: ...`. All talk at the same time; what is said is read before "
                "you contribute."
            )
        over = "" if self.published else " over all rounds"
        lines.append(
            f"YOUR GOAL: as much as possible for yourself{over}, the units you keep and all that you are paid."
            if params.aim == "own"
            else "The group is judged by what is contributed in all."
        )
        return "\n".join(lines)

    def _redesigned(self) -> str:
        good = self.good
        parts = []
        if good.convexity:
            parts.append(
                f"Giving takes effort, which costs more with every unit: N units cost {good.convexity:g} x N x N / "
                f"{good.endowment} beside the units themselves."
            )
        if good.bonus:
            parts.append(
                f"For working together you are paid a bonus of {good.bonus:g} x N x P, P what those before you have "
                f"given as a part of the {(good.seats - 1) * good.endowment} units that all the others have; who is "
                "first gets none."
            )
        if good.penalty:
            parts.append(f"If less than {good.threshold} units come together, everyone loses {good.penalty:g}.")
        return " ".join(parts)

    def recall(self, seat: str) -> Recall | None:
        """Nothing, where every round is a game of its own."""
        return Recall() if self.published else None

    def ask(self) -> Ask | None:
        state = self.state.good
        if len(state.rounds) >= self.params.rounds:
            return None
        if self.state.talks:
            return Ask(self.seats, "talk")
        return Ask((self.seats[len(state.current)],) if self.good.sequential else self.seats, "contribute")

    def prompt(self, seat: str, inbox: Sequence[Message]) -> Prompt:
        view = self.view(seat)
        lines = [] if self.published else [f"Round {view['round'] + 1} of {self.params.rounds}."]
        if view["last"] and not self.published:
            given = "; ".join(
                f"{name} gave {own} and was paid {paid:g}" for name, (own, paid) in view["last"].items()
            )
            lines.append(f"Last round: {given}.")
        if view["before"]:
            when = "So far" if self.params.observation == "full" else "Just before you"
            lines.append(f"{when}: " + ", ".join(f"{name} gave {own}" for name, own in view["before"].items()) + ".")
        lines += [f"Message from {message.sender}: {message.text}" for message in inbox]
        talk = view["phase"] == "talk"
        lines.append("Talk to the others, or answer with nothing." if talk else "How much do you contribute?")
        return Prompt("\n".join(lines), view, may_be_silent=talk)

    def view(self, seat: str) -> dict[str, Any]:
        """What the seat knows, as data."""
        state = self.state.good
        last = {}
        if state.rounds:
            paid = zip(state.rounds[-1], state.paid[-1], strict=True)
            last = dict(zip(self.seats, paid, strict=True))
        before = dict(zip(self.seats, state.current, strict=False))
        if self.params.observation == "partial":
            last = {name: one for name, one in last.items() if name == seat}
            before = dict([*before.items()][-1:])
        return {
            "phase": "talk" if self.state.talks else "contribute",
            "round": len(state.rounds),
            "rounds": self.params.rounds,
            "seats": self.seats,
            "endowment": self.params.endowment,
            "least": self.params.lowest,
            "last": last,
            "before": before,
        }

    def parse(self, seat: str, reply: Reply) -> Move:
        reading = read(reply.text)
        messages = speeches(reading, {name: name for name in self.seats}) if self.params.talk else ()
        asked = self.ask()
        if asked is None or asked.phase == "talk":
            return Move(None, messages)
        got = one(reading, seat, self.seats, self._units)
        return Move(None if got.value is None else int(got.value), messages, got.why)

    def _units(self, value: str) -> Got[float]:
        if re.search(r"\d\s*(?:%|percent)", value, re.IGNORECASE):
            return Got(None, f"{value[:60]!r} is no number of units")
        return number(value, self.params.lowest, self.params.endowment, whole=True)

    def apply(self, moves: Mapping[str, Move]) -> Sequence[Note]:
        scene = self.state
        if scene.talks:
            self.state = Scene(scene.good, scene.talks - 1)
            return ()
        low = self.params.lowest
        given = [moves[seat].action for seat in self.seats if seat in moves]
        contributions = [low if units is None else int(units) for units in given]
        after = scene.good.moved(contributions, self.good)
        if len(after.rounds) == len(scene.good.rounds):
            self.state = Scene(after, 0)
            return ()
        self.state = Scene(after, self.params.talk)
        note = {"given": list(after.rounds[-1]), "paid": list(after.paid[-1])}
        return (Note("state", {"round": len(scene.good.rounds), **note}),)

    def solution(self) -> Any:
        return {"contribution": self.params.endowment}
