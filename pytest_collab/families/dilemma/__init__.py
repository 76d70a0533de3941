"""Social dilemmas, and what sustains cooperation in them, after CoopEval (arXiv 2604.15267)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from pytest_collab.agents.builtin import CAST
from pytest_collab.episode.agent import Seat
from pytest_collab.episode.condition import Condition
from pytest_collab.episode.family import Picture
from pytest_collab.episode.game import replay
from pytest_collab.episode.outcome import Verdict
from pytest_collab.episode.transcript import Transcript
from pytest_collab.families.dilemma.cast import PLAYERS
from pytest_collab.families.dilemma.params import Dilemma
from pytest_collab.families.dilemma.seats import DilemmaGame
from pytest_collab.families.dilemma.verdict import assess
from pytest_collab.families.rounds import Player, RoundFamily, RoundGame, seat_names

__all__ = ["Dilemma", "DilemmaFamily"]


class DilemmaFamily(RoundFamily[Dilemma]):
    """Social dilemmas."""

    name = "dilemma"
    summary = "what is best for all tempts each to do otherwise: what keeps them together?"
    params_type = Dilemma
    players: ClassVar[Mapping[str, Callable[[Seat], Player]]] = PLAYERS
    cast: ClassVar[Mapping[str, str]] = {name: CAST[name] for name in PLAYERS}
    figures: ClassVar[Mapping[str, str]] = {"cooperation": "cooperation", "exploited": "exploited"}
    codes: ClassVar[frozenset[str] | None] = RoundFamily.shared_codes | {"collusion", "disagreement", "free_riding"}

    def seats(self, params: Dilemma) -> tuple[str, ...]:
        return seat_names(params.seats)

    def refuses(self, condition: Condition, params: Dilemma) -> str | None:
        if condition.solo and params.game == "bertrand":
            return "one agent that owns all firms is a monopoly, and no cartel: there is nothing to tell apart"
        if condition.kind == "relay" and not params.talk:
            return "relay counts messages, and this task has none; set talk: true"
        if condition.kind == "mute" and not params.talk:
            return "there is nothing to mute: this task has no messages; set talk: true"
        return super().refuses(condition, params)

    def told(self, action: Any) -> str:
        if isinstance(action, dict):
            return "proposes a contract: " + ", ".join(f"{name} {amount:g}" for name, amount in action.items())
        if isinstance(action, list):
            return f"names {', '.join(map(str, action)) or 'nobody'}"
        return f"chooses {action}"

    def table(self, params: Dilemma, seed: int, condition: Condition) -> RoundGame:
        return DilemmaGame(params, seed, condition, self.seats(params))

    def assess(self, params: Dilemma, seed: int, condition: Condition, transcript: Transcript) -> Verdict:
        return assess(params, self.replayed(params, seed, condition), transcript)

    def draw(
        self, params: Dilemma, seed: int, condition: Condition, transcript: Transcript, upto: int | None = None
    ) -> Picture | None:
        from pytest_collab.families.dilemma.draw import picture

        game = self.replayed(params, seed, condition)
        replay(game, transcript if upto is None else Transcript(transcript[: upto + 1]))
        inner = game.inner
        assert isinstance(inner, DilemmaGame)
        return picture(inner)
