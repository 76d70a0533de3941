"""What each contributor is told, and how its replies are read."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_collab.episode.agent import Reply
from pytest_collab.episode.channel import Message
from pytest_collab.episode.game import Ask, Move, Note, Prompt
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

    A seat whose reply holds no readable number contributes nothing.
    """

    def __init__(self, params: PublicGoods) -> None:
        self.params, self.good = params, params.good
        self.seats = seat_names(params.seats)
        self.state = Scene(rules.State(), params.talk)

    def brief(self, seat: str) -> str:
        params, good = self.params, self.good
        n, e = params.seats, params.endowment
        lines = [
            f"You are {seat}, one of {n}: {', '.join(self.seats)}. You play {params.rounds} rounds. In each, "
            f"everyone has {e} units and contributes some of them to a common project, keeping the rest. "
            f"Contributions are multiplied by {params.multiplier:g} and shared equally by all {n}, whoever gave them."
        ]
        if good.sequential:
            lines.append(
                f"You contribute one after the other, in the order {', '.join(self.seats)}; each sees what "
                "was contributed before."
            )
        else:
            lines.append("All contribute at the same time; afterwards everyone sees what each has given.")
        if params.payoff == "redesigned":
            lines.append(
                f"Besides, every unit you give is paid back with a bonus of {good.bonus:g} times the share of its "
                f"endowments that those before you have given (counted over {n - 1} seats). If less than "
                f"{good.threshold} units come together in a round, everyone loses {good.penalty:g}."
            )
        lines.append(f"When asked to contribute, answer with one line `ACTION: N`, N a whole number from 0 to {e}.")
        if params.talk:
            lines.append(
                "Before each round you may talk: answer with lines `MESSAGE: ...` (to all) or `MESSAGE to "
                f"{somebody_else(seat, self.seats)}: ...`. All talk at the same time; what is said is read before "
                "you contribute."
            )
        lines.append("The group is judged by what is contributed in all.")
        return "\n".join(lines)

    def ask(self) -> Ask | None:
        state = self.state.good
        if len(state.rounds) >= self.params.rounds:
            return None
        if self.state.talks:
            return Ask(self.seats, "talk")
        return Ask((self.seats[len(state.current)],) if self.good.sequential else self.seats, "contribute")

    def prompt(self, seat: str, inbox: Sequence[Message]) -> Prompt:
        view = self.view(seat)
        lines = [f"Round {view['round'] + 1} of {self.params.rounds}."]
        if view["last"]:
            given = "; ".join(
                f"{name} gave {own} and was paid {paid:g}" for name, (own, paid) in view["last"].items()
            )
            lines.append(f"Last round: {given}.")
        if view["before"]:
            lines.append("So far: " + ", ".join(f"{name} gave {own}" for name, own in view["before"].items()) + ".")
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
        return {
            "phase": "talk" if self.state.talks else "contribute",
            "round": len(state.rounds),
            "rounds": self.params.rounds,
            "seats": self.seats,
            "endowment": self.params.endowment,
            "last": last,
            "before": dict(zip(self.seats, state.current, strict=False)),
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
        return number(value, 0, self.params.endowment, whole=True)

    def apply(self, moves: Mapping[str, Move]) -> Sequence[Note]:
        scene = self.state
        if scene.talks:
            self.state = Scene(scene.good, scene.talks - 1)
            return ()
        contributions = [int(moves[seat].action or 0) for seat in self.seats if seat in moves]
        after = scene.good.moved(contributions, self.good)
        if len(after.rounds) == len(scene.good.rounds):
            self.state = Scene(after, 0)
            return ()
        self.state = Scene(after, self.params.talk)
        given, paid = list(after.rounds[-1]), list(after.paid[-1])
        return (Note("state", {"round": len(scene.good.rounds), "given": given, "paid": paid}),)

    def solution(self) -> Any:
        return {"contribution": self.params.endowment}
