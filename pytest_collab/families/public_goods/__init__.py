"""Public goods, played at once or in sequence; with MAC-SPGG's redesigned payoff (arXiv 2508.02076)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from pytest_collab.agents.builtin import CAST
from pytest_collab.episode.agent import Seat
from pytest_collab.episode.condition import Condition
from pytest_collab.episode.family import Picture
from pytest_collab.episode.outcome import Verdict
from pytest_collab.episode.transcript import Transcript
from pytest_collab.families.public_goods.cast import PLAYERS
from pytest_collab.families.public_goods.params import PublicGoods
from pytest_collab.families.public_goods.seats import PublicGoodsGame
from pytest_collab.families.public_goods.verdict import assess
from pytest_collab.families.rounds import Player, RoundFamily, RoundGame, seat_names

__all__ = ["PublicGoods", "PublicGoodsFamily"]


class PublicGoodsFamily(RoundFamily[PublicGoods]):
    """The public good."""

    name = "public_goods"
    summary = "what everyone gives is multiplied and shared, whoever gave it"
    version = 2
    params_type = PublicGoods
    players: ClassVar[Mapping[str, Callable[[Seat], Player]]] = PLAYERS
    cast: ClassVar[Mapping[str, str]] = {name: CAST[name] for name in PLAYERS}
    codes: ClassVar[frozenset[str] | None] = RoundFamily.shared_codes | {"disagreement", "false_claim", "free_riding"}

    def seats(self, params: PublicGoods) -> tuple[str, ...]:
        return seat_names(params.seats)

    def table(self, params: PublicGoods, seed: int, condition: Condition) -> RoundGame:
        return PublicGoodsGame(params)

    def assess(self, params: PublicGoods, seed: int, condition: Condition, transcript: Transcript) -> Verdict:
        return assess(params, self.replayed(params, seed, condition), transcript)

    def told(self, action: Any) -> str:
        return f"contributes {action}"

    def draw(
        self, params: PublicGoods, seed: int, condition: Condition, transcript: Transcript, upto: int | None = None
    ) -> Picture | None:
        from pytest_collab.families.public_goods.draw import picture

        events = transcript if upto is None else Transcript(transcript[: upto + 1])
        return picture(params, self.seats(params), events)
