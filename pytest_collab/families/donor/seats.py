"""What each player of the donor game is told, and how its replies are read."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from pytest_collab.episode.agent import Reply
from pytest_collab.episode.channel import Message
from pytest_collab.episode.condition import Condition
from pytest_collab.episode.game import Ask, Move, Note, Prompt
from pytest_collab.families.donor import rules
from pytest_collab.families.rounds import Got, RoundGame, number, one, read, seat_names, somebody_else, speeches
from pytest_collab.families.rounds.reply import without_thinking

if TYPE_CHECKING:
    from pytest_collab.families.donor.params import Donor

_PERCENT: Final = re.compile(r"([-+]?\d+(?:\.\d+)?)\s*(?:%|percent)", re.IGNORECASE)
_STRATEGY: Final = re.compile(r"^[\s>#*_`\-]*(?:my\s+)?strategy\b[*_`\s]*[:=][*_`]*", re.IGNORECASE | re.MULTILINE)
_OTHER: Final = re.compile(r"^[\s>#*_`\-]*(?:message|msg|say|tell|action)\b[^:\n]*:", re.IGNORECASE | re.MULTILINE)
STRATEGY_LIMIT: Final = 1000
"""Characters of a strategy that are passed on."""


@dataclass(frozen=True, slots=True)
class Scene:
    """The game, and what is passed on.

    Attributes:
        planned: whether the generation's strategies have been stated.
        strategies: by seat, the last one stated.
        heritage: (strategy, final resources) of the survivors of the generation before.
    """

    game: rules.State
    planned: bool
    strategies: tuple[str, ...]
    heritage: tuple[tuple[str, float], ...] = ()


class DonorGame(RoundGame):
    """One episode: per generation a phase in which everyone states a strategy, then the rounds, donors at once.

    A donor whose reply holds no readable number gives nothing.
    """

    labels = ("action", "message", "strategy", "punish")

    def __init__(self, params: Donor, seed: int, condition: Condition) -> None:
        self.params, self.seed, self.condition = params, seed, condition
        self.seats = seat_names(params.seats)
        self.state = Scene(rules.begin(params.seats, params.endowment), False, ("",) * params.seats)

    def brief(self, seat: str) -> str:
        params = self.params
        lines = [
            f"You are {seat}, one of {params.seats}: {', '.join(self.seats)}. Everyone begins with "
            f"{params.endowment:g} units. In each round you are paired with somebody; one of you is the donor. The "
            f"donor gives up some of its units, and the recipient gets {params.multiplier:g} times as many.",
            f"There are {params.length} rounds; you are donor and recipient about equally often. At the end the "
            "better half live on into the next generation, the others are replaced. YOUR GOAL: as many units as "
            "possible.",
        ]
        if params.trace:
            lines.append(
                "As a donor you are told what the recipient gave when it last was a donor, what the one it gave to "
                f"had given before that, and so on, {params.trace} deeds at most."
            )
        lines.append(
            "When asked for your strategy, answer with one line `STRATEGY: ...`, a few sentences at most. When you "
            "are the donor, answer with one line `ACTION: N`, N the units that you give up, from 0 to all you have."
        )
        if params.punishment:
            lines.append(
                f"Or punish instead: `PUNISH: N` spends N of your units to take {params.punishment:g} times as many "
                "from the recipient."
            )
        if params.talk:
            lines.append(
                "With your strategy you may send messages: `MESSAGE: ...` (to all) or `MESSAGE to "
                f"{somebody_else(seat, self.seats)}: ...`. They are read when their readers are next asked."
            )
        return "\n".join(lines)

    def pairs(self) -> tuple[rules.Pair, ...]:
        """The pairs of the present round."""
        game = self.state.game
        return rules.schedule(self.params.seats, self.seed, game.generation)[game.round]

    def ask(self) -> Ask | None:
        if self.state.game.generation >= self.params.generations:
            return None
        if not self.state.planned:
            return Ask(self.seats, "strategy")
        donors = {donor for donor, _ in self.pairs()}
        return Ask(tuple(seat for i, seat in enumerate(self.seats) if i in donors), "donate")

    def prompt(self, seat: str, inbox: Sequence[Message]) -> Prompt:
        view = self.view(seat)
        lines = [f"Generation {view['generation'] + 1}."]
        if view["phase"] == "strategy":
            if view["reborn"]:
                lines.append(f"The one who sat on {seat} did not survive. You are new: forget what it knew.")
            if view["heritage"]:
                lines.append("This is what the survivors of the last generation did, and what they had in the end:")
                lines += [f"- {final:.1f} units: {text or '(no strategy)'}" for text, final in view["heritage"]]
            lines += [f"Message from {message.sender}: {message.text}" for message in inbox]
            lines.append("State your strategy for this generation.")
            return Prompt("\n".join(lines), view)
        to = view["recipient"]
        lines = [
            f"{lines[0]} Round {view['round'] + 1} of {self.params.length}. You are the donor, {to} the recipient. "
            f"You have {view['resources']:.2f} units."
        ]
        lines.append("\n".join(self._told(deed) for deed in view["trace"]) or f"Nothing is known of {to} yet.")
        if view["all"]:
            lines.append("Everyone has: " + ", ".join(f"{s} {units:.2f}" for s, units in view["all"].items()) + ".")
        lines += [f"Message from {message.sender}: {message.text}" for message in inbox]
        lines.append("How many units do you give up?")
        return Prompt("\n".join(lines), view)

    def _told(self, deed: Mapping[str, Any]) -> str:
        when, share, to = f"In round {deed['round'] + 1}", f"{deed['share']:.0%} of its units", deed["recipient"]
        if deed["punished"]:
            return f"{when} {deed['donor']} spent {share} to punish {to}."
        return f"{when} {deed['donor']} gave {share} to {to}."

    def view(self, seat: str) -> dict[str, Any]:
        """What the seat knows, as data."""
        scene, game, i = self.state, self.state.game, self.seats.index(seat)
        recipient = None
        if scene.planned and game.generation < self.params.generations:
            recipient = next((b for a, b in self.pairs() if a == i), None)
        shown: Sequence[rules.Deed] = ()
        if recipient is not None:
            shown = rules.trace(game, recipient, self.params.trace)
            if self.condition.shared:
                shown = game.deeds
        return {
            "phase": "donate" if scene.planned else "strategy",
            "generation": game.generation,
            "generations": self.params.generations,
            "round": game.round,
            "resources": game.resources[i],
            "recipient": None if recipient is None else self.seats[recipient],
            "trace": [
                {
                    "round": deed.round,
                    "donor": self.seats[deed.donor],
                    "recipient": self.seats[deed.recipient],
                    "share": deed.share,
                    "punished": deed.punished,
                }
                for deed in shown
            ],
            "all": dict(zip(self.seats, game.resources, strict=True)) if self.condition.shared else {},
            "reborn": game.generation > 0 and game.born[i] == game.generation,
            "heritage": () if self.condition.muted else scene.heritage,
            "punishment": self.params.punishment,
            "talk": self.params.talk,
        }

    def parse(self, seat: str, reply: Reply) -> Move:
        reading = read(reply.text, self.labels)
        asked = self.ask()
        if asked is None or asked.phase == "strategy":
            messages = speeches(reading, {name: name for name in self.seats}) if self.params.talk else ()
            text = _strategy(reply.text)
            if not text and reading.fields:  # JSON, or a message and nothing else
                text = " ".join(field.value for field in reading.of("strategy"))
            elif not text:  # without the label the whole reply is the strategy
                text = " ".join(without_thinking(reply.text).split())
            why = None if text else "no strategy in the reply"
            return Move({"strategy": text[:STRATEGY_LIMIT]} if text else None, messages, why)
        held = self.state.game.resources[self.seats.index(seat)]
        got = one(reading, seat, self.seats, lambda value: _units(value, held))
        if self.params.punishment and reading.of("punish"):
            hit = one(reading, seat, self.seats, lambda value: _units(value, held), "punish")
            if reading.of("action"):
                return Move(None, (), "two different actions: a gift and a punishment")
            return Move(None if hit.value is None else ["punish", hit.value], (), hit.why)
        return Move(None if got.value is None else ["give", got.value], (), got.why)

    def apply(self, moves: Mapping[str, Move]) -> Sequence[Note]:
        scene, game, params = self.state, self.state.game, self.params
        if not scene.planned:
            actions = {seat: move.action or {} for seat, move in moves.items()}
            stated = tuple(actions.get(seat, {}).get("strategy", "") for seat in self.seats)
            self.state = replace(scene, planned=True, strategies=stated)
            return ()
        acts = {
            self.seats.index(seat): (str(move.action[0]), float(move.action[1]))
            for seat, move in moves.items()
            if move.action
        }
        game = rules.play(game, self.pairs(), acts, params.multiplier, params.punishment)
        notes = [
            Note("state", {"generation": game.generation, "round": game.round, "resources": list(game.resources)})
        ]
        planned, heritage = True, scene.heritage
        if game.round >= params.length:
            best = rules.survivors(game.resources)
            heritage = tuple((scene.strategies[i], game.resources[i]) for i in best)
            notes.append(Note("state", {"finals": list(game.resources), "survivors": [self.seats[i] for i in best]}))
            game, planned = rules.next_generation(game, params.endowment), False
        self.state = replace(scene, game=game, planned=planned, heritage=heritage)
        return notes

    def solution(self) -> Any:
        params = self.params
        return {"optimum": rules.optimum(params.seats, params.length, params.endowment, params.multiplier)}


def _strategy(text: str) -> str:
    """What stands after the last label, on as many lines as it takes, up to a message; empty without the label."""
    labels = list(_STRATEGY.finditer(text := without_thinking(text)))
    part = text[labels[-1].end() :] if labels else ""
    stop = _OTHER.search(part)
    return " ".join((part[: stop.start()] if stop else part).strip(" *`").split())


def _units(value: str, held: float) -> Got[float]:
    """The units that the words name: a number up to what is held (as the prompt rounds it), or a percentage of it."""
    percent = _PERCENT.search(value)
    if percent is not None and len(_PERCENT.findall(value)) == 1:
        got = number(percent.group(1), 0, 100)
        return got if got.value is None else Got(held * got.value / 100)
    got = number(value, 0, held + 0.005)
    return got if got.value is None else Got(min(got.value, held))
