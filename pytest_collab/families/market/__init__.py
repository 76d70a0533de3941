"""A market of information in which sharing is free, after "More Capable, Less Cooperative?" (arXiv 2604.07821)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any, ClassVar

from pytest_collab.agents.builtin import CAST
from pytest_collab.episode.agent import Seat
from pytest_collab.episode.condition import Condition
from pytest_collab.episode.family import Picture
from pytest_collab.episode.outcome import Verdict
from pytest_collab.episode.transcript import Transcript
from pytest_collab.families.market.cast import PLAYERS
from pytest_collab.families.market.decomposition import Decomposition, decompose
from pytest_collab.families.market.params import Market
from pytest_collab.families.market.seats import MarketGame
from pytest_collab.families.market.telling import PROTOCOLS
from pytest_collab.families.market.verdict import assess
from pytest_collab.families.rounds import Player, RoundFamily, RoundGame, seat_names

__all__ = ["Decomposition", "Market", "MarketFamily", "decompose"]


class MarketFamily(RoundFamily[Market]):
    """The market of information."""

    name = "market"
    summary = "everyone needs what others know, and telling costs nothing"
    version = 4
    params_type = Market
    players: ClassVar[Mapping[str, Callable[[Seat], Player]]] = PLAYERS
    cast: ClassVar[Mapping[str, str]] = {name: CAST[name] for name in PLAYERS}
    codes: ClassVar[frozenset[str] | None] = RoundFamily.shared_codes | {
        "false_claim",
        "free_riding",
        "malformed_message",
        "undelivered",
        "vague",
        "withholding",
    }

    def seats(self, params: Market) -> tuple[str, ...]:
        return seat_names(params.agents)

    def refuses(self, condition: Condition, params: Market) -> str | None:
        kind, argument = condition.kind, condition.argument
        if kind == "auto":
            known = ("answers", "requests")
            return None if argument in known else f"condition auto:{argument} is not auto:answers or auto:requests"
        if kind == "protocol":
            close = get_close_matches(argument, PROTOCOLS, n=1)
            hint = f"did you mean {close[0]}? " if close else ""
            return None if argument in PROTOCOLS else f"no protocol {argument!r}; {hint}known: {', '.join(PROTOCOLS)}"
        if kind == "incentive":
            number = argument.replace(".", "", 1).isdecimal() and float(argument) > 0
            return (
                None if number or argument == "bonus" else f"incentive:{argument} is no sum in dollars (or `bonus`)"
            )
        return super().refuses(condition, params)

    def table(self, params: Market, seed: int, condition: Condition) -> RoundGame:
        return MarketGame(params, seed, condition)

    def assess(self, params: Market, seed: int, condition: Condition, transcript: Transcript) -> Verdict:
        return assess(params, seed, condition, self.replayed(params, seed, condition), transcript)

    def told(self, action: Any) -> str:
        to: dict[str, list[str]] = {}
        values = {(piece, receiver): value for piece, receiver, value in action.get("values", ())}
        for piece, receiver in action.get("send", ()):
            value = values.get((piece, receiver))
            to.setdefault(receiver, []).append(piece if value is None else f"{piece} as {value}")
        parts = [f"sends {', '.join(pieces)} to {receiver}" for receiver, pieces in to.items()]
        parts += [f"submits {', '.join(action['submit'])}"] if action.get("submit") else []
        return "; ".join(parts) or "thinks"

    def draw(
        self, params: Market, seed: int, condition: Condition, transcript: Transcript, upto: int | None = None
    ) -> Picture | None:
        from pytest_collab.episode.game import replay
        from pytest_collab.families.market.draw import picture

        events = transcript if upto is None else Transcript(transcript[: upto + 1])
        game = self.replayed(params, seed, condition)
        replay(game, events)
        return picture(params, params.deal(seed), game.state, events)
