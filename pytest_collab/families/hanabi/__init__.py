"""Hanabi: everyone sees all cards but its own, and may only hint (arXiv 1902.00506; with models, 2601.18077)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any, ClassVar

from pytest_collab.agents.builtin import CAST
from pytest_collab.episode.agent import Seat
from pytest_collab.episode.condition import Condition
from pytest_collab.episode.family import Picture
from pytest_collab.episode.game import replay
from pytest_collab.episode.outcome import Verdict
from pytest_collab.episode.transcript import Transcript
from pytest_collab.families.hanabi.cast import PLAYERS
from pytest_collab.families.hanabi.params import Hanabi
from pytest_collab.families.hanabi.seats import PROTOCOLS, HanabiGame
from pytest_collab.families.hanabi.verdict import assess
from pytest_collab.families.rounds import Player, RoundFamily, RoundGame, seat_names

__all__ = ["Hanabi", "HanabiFamily"]


class HanabiFamily(RoundFamily[Hanabi]):
    """Hanabi."""

    name = "hanabi"
    summary = "everyone sees all cards but its own, and hints are few: what does a partner make of them?"
    params_type = Hanabi
    players: ClassVar[Mapping[str, Callable[[Seat], Player]]] = PLAYERS
    cast: ClassVar[Mapping[str, str]] = {name: CAST[name] for name in PLAYERS}
    figures: ClassVar[Mapping[str, str]] = {"hints_acted_on": "acted on"}
    codes: ClassVar[frozenset[str] | None] = RoundFamily.shared_codes | {
        "disagreement",
        "false_claim",
        "illegal_move",
        "undelivered",
        "ungrounded",
        "withholding",
    }

    def seats(self, params: Hanabi) -> tuple[str, ...]:
        return seat_names(params.players)

    def seeds(self, params: Hanabi) -> int | None:
        return None if params.deck is None else 1

    def refuses(self, condition: Condition, params: Hanabi) -> str | None:
        if condition.kind == "protocol":
            name = condition.argument
            close = get_close_matches(name, PROTOCOLS, n=1)
            hint = f"did you mean {close[0]}? " if close else ""
            return None if name in PROTOCOLS else f"no protocol {name!r}; {hint}known: {', '.join(PROTOCOLS)}"
        if condition.kind == "relay" and not params.talk:
            return "relay counts messages, and in this task a hint is the only message; set talk: 1"
        if condition.kind == "mute" and not params.rules.hints and not params.talk:
            return "there is nothing to mute: this task has neither hints nor talk; set hints: 8"
        return super().refuses(condition, params)

    def quiet(self, params: Hanabi) -> Hanabi:
        return params.model_copy(update={"talk": 0, "hints": 0})

    def table(self, params: Hanabi, seed: int, condition: Condition) -> RoundGame:
        return HanabiGame(params, seed, condition, self.seats(params))

    def assess(self, params: Hanabi, seed: int, condition: Condition, transcript: Transcript) -> Verdict:
        return assess(params, condition, self.replayed(params, seed, condition), transcript)

    def told(self, action: Any) -> str:
        verb, _, rest = str(action).partition(" ")
        if verb == "HINT":
            whom, _, what = rest.partition(" ")
            return f"hints {whom} about {'rank ' if what.isdecimal() else ''}{what}"
        return f"{verb.lower()}s card {rest}"

    def draw(
        self, params: Hanabi, seed: int, condition: Condition, transcript: Transcript, upto: int | None = None
    ) -> Picture | None:
        from pytest_collab.families.hanabi.draw import picture

        game = self.replayed(params, seed, condition)
        replay(game, transcript if upto is None else Transcript(transcript[: upto + 1]))
        inner = game.inner
        assert isinstance(inner, HanabiGame)
        return picture(inner)
