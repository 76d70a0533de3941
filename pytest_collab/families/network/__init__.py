"""Agents in a network who know their neighbours only, after AgentsNet (arXiv 2507.08616), Silo-Bench (2603.01045) and
AgentCollabBench (2605.08647)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any, ClassVar

from pytest_collab.agents.builtin import CAST
from pytest_collab.episode.agent import Seat
from pytest_collab.episode.condition import GUIDE, Condition
from pytest_collab.episode.family import Picture
from pytest_collab.episode.game import replay
from pytest_collab.episode.outcome import Verdict
from pytest_collab.episode.transcript import Transcript
from pytest_collab.families.network.cast import PLAYERS
from pytest_collab.families.network.guide import sight
from pytest_collab.families.network.params import Network
from pytest_collab.families.network.seats import PROTOCOLS, NetworkGame, answers_of
from pytest_collab.families.network.verdict import assess
from pytest_collab.families.rounds import Player, RoundFamily, RoundGame, Sight, seat_names

__all__ = ["Network", "NetworkFamily"]


class NetworkFamily(RoundFamily[Network]):
    """The network."""

    name = "network"
    summary = "everyone knows its neighbours only: can they solve together what nobody can alone?"
    params_type = Network
    players: ClassVar[Mapping[str, Callable[[Seat], Player]]] = PLAYERS
    cast: ClassVar[Mapping[str, str]] = {name: CAST[name] for name in PLAYERS}
    figures: ClassVar[Mapping[str, str]] = {"right": "right", "reached": "reached"}
    codes: ClassVar[frozenset[str] | None] = RoundFamily.shared_codes | {
        "disagreement",
        "false_claim",
        "premature",
        "undelivered",
        "ungrounded",
        "vague",
        "withholding",
    }

    def seats(self, params: Network) -> tuple[str, ...]:
        return seat_names(params.seats)

    def refuses(self, condition: Condition, params: Network) -> str | None:
        if condition.kind == "protocol":
            name = condition.argument
            close = get_close_matches(name, PROTOCOLS, n=1)
            hint = f"did you mean {close[0]}? " if close else ""
            return None if name in PROTOCOLS else f"no protocol {name!r}; {hint}known: {', '.join(PROTOCOLS)}"
        if condition.kind == GUIDE:
            return f"a guide takes no argument, got {condition.argument!r}" if condition.argument else None
        return super().refuses(condition, params)

    def sight(self, game: RoundGame) -> Sight:
        assert isinstance(game, NetworkGame)
        return sight(game)

    def table(self, params: Network, seed: int, condition: Condition) -> RoundGame:
        return NetworkGame(params, seed, condition, self.seats(params))

    def assess(self, params: Network, seed: int, condition: Condition, transcript: Transcript) -> Verdict:
        return assess(params, condition, self.replayed(params, seed, condition), transcript)

    def told(self, action: Any) -> str:
        return f"answers {action}"

    def content(self, params: Network) -> str:
        from pytest_collab.families.network.rules import NAMES, WORDS

        return repr((NAMES, WORDS))

    def draw(
        self, params: Network, seed: int, condition: Condition, transcript: Transcript, upto: int | None = None
    ) -> Picture | None:
        from pytest_collab.families.network.draw import picture

        game = self.replayed(params, seed, condition)
        replay(game, transcript if upto is None else Transcript(transcript[: upto + 1]))
        inner = game.inner
        assert isinstance(inner, NetworkGame)
        scene = game.state
        return picture(inner.deal, inner.seats, answers_of(inner, scene), scene.talked, inner.rounds)
