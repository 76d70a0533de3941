"""What each player of the donor game is told, and how its replies are read."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from pytest_collab.episode.agent import Reply
from pytest_collab.episode.channel import Message
from pytest_collab.episode.condition import Condition
from pytest_collab.episode.game import Ask, Move, Note, Prompt, Recall
from pytest_collab.families.donor import published, rules
from pytest_collab.families.rounds import Got, RoundGame, number, one, read, seat_names, somebody_else, speeches
from pytest_collab.families.rounds.reply import without_thinking

if TYPE_CHECKING:
    from pytest_collab.families.donor.params import Donor

_PERCENT: Final = re.compile(r"([-+]?\d+(?:\.\d+)?)\s*(?:%|percent)", re.IGNORECASE)
_STRATEGY: Final = re.compile(r"^[\s>#*_`\-]*(?:my\s+)?strategy\b[*_`\s]*[:=][*_`]*", re.IGNORECASE | re.MULTILINE)
_OTHER: Final = re.compile(r"^[\s>#*_`\-]*(?:message|msg|say|tell|action)\b[^:\n]*:", re.IGNORECASE | re.MULTILINE)
_MAY_TALK: Final = "You may send messages."
STRATEGY_LIMIT: Final = 1000
"""Characters of a strategy that are passed on."""


@dataclass(frozen=True, slots=True)
class Scene:
    """The game, and what is passed on.

    Attributes:
        planned: whether the generation's newcomers have stated their strategies.
        strategies: by seat, the one that its agent follows.
        heritage: (strategy, final resources) of the survivors of the generation before.
    """

    game: rules.State
    planned: bool
    strategies: tuple[str, ...]
    heritage: tuple[tuple[str, float], ...] = ()


class DonorGame(RoundGame):
    """One episode: per generation a phase in which who is new states a strategy, then the rounds, donors at once.

    Survivors keep their strategies. Who takes the place of an agent that did not survive begins a conversation of its
    own. A donor whose reply holds no readable number gives nothing.
    """

    labels = ("action", "message", "strategy", "punish")

    def __init__(self, params: Donor, seed: int, condition: Condition) -> None:
        self.params, self.seed, self.condition = params, seed, condition
        self.seats = seat_names(params.seats)
        self.published = params.prompts == "as_published"
        self.state = Scene(rules.begin(params.seats, params.endowment), False, ("",) * params.seats)

    def brief(self, seat: str) -> str:
        params = self.params
        lines = [published.brief(params)] if self.published else self._plain_brief(seat)
        if params.talk:
            lines.append(
                "At the beginning of a generation you may send messages: `MESSAGE: ...` (to all) or `MESSAGE to "
                f"{somebody_else(seat, self.seats)}: ...`. They are read when their readers are next asked."
            )
        return "\n".join(lines)

    def _plain_brief(self, seat: str) -> list[str]:
        params = self.params
        twice = params.games == 2
        rounds = f"A game has {params.length} rounds; you" if params.horizon_told else "You"
        lines = [
            f"You are {seat}, one of {params.seats}: {', '.join(self.seats)}. In each round you are paired with "
            "somebody; one of you is the donor. The donor gives up some of its units, and the recipient gets "
            f"{params.multiplier:g} times as many. Everyone begins every game with {params.endowment:g} units.",
            f"{rounds} are donor and recipient about equally often."
            + (
                " Every generation plays two games: in the second all begin anew, nobody knows what was done in the "
                "first, and who was the donor of a pair is its recipient."
                if twice
                else ""
            )
            + f" Then the half that had most at the end of {'both games together' if twice else 'the game'} lives on "
            "into the next generation, each with its strategy, and the others are replaced. YOUR GOAL: as many units "
            f"as possible at the end of {'each' if twice else 'the'} game.",
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
        return lines

    def pairs(self) -> tuple[rules.Pair, ...]:
        """The pairs of the present round."""
        game = self.state.game
        return rules.schedule(self.params.seats, self.seed, game.generation, game.game)[game.round]

    def new(self, seat: str) -> bool:
        """Whether the agent on a seat was born in this generation, as all were in the first."""
        game: rules.State = self.state.game
        return game.born[self.seats.index(seat)] == game.generation

    def ask(self) -> Ask | None:
        if self.state.game.generation >= self.params.generations:
            return None
        if not self.state.planned:
            return Ask(tuple(seat for seat in self.seats if self.params.talk or self.new(seat)), "strategy")
        donors = {donor for donor, _ in self.pairs()}
        return Ask(tuple(seat for i, seat in enumerate(self.seats) if i in donors), "donate")

    def recall(self, seat: str) -> Recall | None:
        """Nothing, where the study's calls stand alone; nothing of its predecessor, for an agent that is new."""
        if self.published:
            return Recall()
        first = self.state.game.generation > 0 and not self.state.planned and self.new(seat)
        return Recall() if first and not self.condition.solo else None

    def prompt(self, seat: str, inbox: Sequence[Message]) -> Prompt:
        view = self.view(seat)
        asked = self._asked_for_strategy if view["phase"] == "strategy" else self._asked_for_units
        lines = asked(seat, view)
        lines[-1:-1] = [f"Message from {message.sender}: {message.text}" for message in inbox]
        stays = view["phase"] == "strategy" and not self.new(seat)
        return Prompt("\n".join(lines), view, may_be_silent=stays)

    def _asked_for_strategy(self, seat: str, view: Mapping[str, Any]) -> list[str]:
        if not self.new(seat):
            kept = view["strategy"] or "(no strategy)"
            return [f"Generation {view['generation'] + 1}. You live on with your strategy: {kept}", _MAY_TALK]
        if self.published:
            return [published.strategy(seat, view), *([_MAY_TALK] if self.params.talk else [])]
        lines = [f"Generation {view['generation'] + 1}."]
        if view["generation"]:
            lines.append(f"The one who sat on {seat} did not survive. You are new in its place.")
        if view["heritage"]:
            lines.append("This is what the survivors of the last generation did, and what they had in the end:")
            lines += [f"- {final:.1f} units: {text or '(no strategy)'}" for text, final in view["heritage"]]
        return [*lines, "State the strategy that you will follow."]

    def _asked_for_units(self, seat: str, view: Mapping[str, Any]) -> list[str]:
        everyone = ", ".join(f"{name} {units:.2f}" for name, units in view["all"].items())
        more = [f"Everyone has: {everyone}."] if everyone else []
        if self.published:
            return [*more, published.donation(seat, view, self.params)]
        params, to = self.params, view["recipient"]
        game = f", game {view['game'] + 1}" if params.games == 2 else ""
        rounds = f" of {params.length}" if params.horizon_told else ""
        owns = "" if view["means"] is None else f", who has {view['means']:.2f} units"
        return [
            f"Generation {view['generation'] + 1}{game}, round {view['round'] + 1}{rounds}. You are the donor, {to} "
            f"the recipient{owns}. You have {view['resources']:.2f} units.",
            *([self._told(deed) for deed in view["trace"]] or [f"Nothing is known of {to} yet."]),
            *more,
            "How many units do you give up?",
        ]

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
            "game": game.game,
            "round": game.round,
            "strategy": scene.strategies[i],
            "resources": game.resources[i],
            "recipient": None if recipient is None else self.seats[recipient],
            "means": game.resources[recipient] if recipient is not None and self.params.means_shown else None,
            "trace": [
                {
                    "round": deed.round,
                    "donor": self.seats[deed.donor],
                    "recipient": self.seats[deed.recipient],
                    "share": deed.share,
                    "amount": deed.amount,
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
            if not self.new(seat):
                return Move(None, messages)
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
            stated = tuple(
                actions.get(seat, {}).get("strategy", "") if self.new(seat) else kept
                for seat, kept in zip(self.seats, scene.strategies, strict=True)
            )
            self.state = replace(scene, planned=True, strategies=stated)
            return ()
        acts = {
            self.seats.index(seat): (str(move.action[0]), float(move.action[1]))
            for seat, move in moves.items()
            if move.action
        }
        game = rules.play(game, self.pairs(), acts, params.multiplier, params.punishment)
        note = {"generation": game.generation, "game": game.game, "round": game.round}
        notes = [Note("state", {**note, "resources": list(game.resources)})]
        if game.round < params.length:
            self.state = replace(scene, game=game)
            return notes
        after = rules.next_game(game, params.games, params.endowment)
        if after.generation == game.generation:
            self.state = replace(scene, game=after)
            return notes
        finals = after.finals[-1]
        best = rules.survivors(finals)
        notes.append(Note("state", {"finals": list(finals), "survivors": [self.seats[i] for i in best]}))
        heritage = tuple((scene.strategies[i], finals[i]) for i in best)
        self.state = replace(scene, game=after, planned=False, heritage=heritage)
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
