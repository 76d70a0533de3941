"""Two cooks in a kitchen, after ProAgent (arXiv 2308.11339), LLM-Coordination (2310.03903) and Collab-Overcooked
(2502.20073)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any, ClassVar

from pytest_collab.agents.builtin import CAST
from pytest_collab.episode.agent import Agent, Seat
from pytest_collab.episode.condition import MEMORY, Condition
from pytest_collab.episode.family import Picture
from pytest_collab.episode.game import replay
from pytest_collab.episode.outcome import Verdict
from pytest_collab.episode.transcript import Transcript
from pytest_collab.families.kitchen.cast import PLAYERS
from pytest_collab.families.kitchen.cast.notes import NoteTaker
from pytest_collab.families.kitchen.memory import notebook
from pytest_collab.families.kitchen.params import Kitchen
from pytest_collab.families.kitchen.seats import PROTOCOLS, SEATS, KitchenGame
from pytest_collab.families.kitchen.verdict import assess
from pytest_collab.families.rounds import Notebook, Player, RoundFamily, RoundGame

__all__ = ["Kitchen", "KitchenFamily"]


class KitchenFamily(RoundFamily[Kitchen]):
    """The kitchen."""

    name = "kitchen"
    summary = (
        "two cooks, of whom one knows the recipe and the other has the ingredients; or as many soups as they can"
    )
    params_type = Kitchen
    players: ClassVar[Mapping[str, Callable[[Seat], Player]]] = PLAYERS
    cast: ClassVar[Mapping[str, str]] = {name: CAST[name] for name in PLAYERS}
    figures: ClassVar[Mapping[str, str]] = {"progress": "progress"}
    codes: ClassVar[frozenset[str] | None] = RoundFamily.shared_codes | {
        "deadlock",
        "divergent_design",
        "false_claim",
        "free_riding",
        "illegal_move",
        "undelivered",
        "ungrounded",
        "vague",
        "withholding",
        "work_overlap",
    }

    def seats(self, params: Kitchen) -> tuple[str, ...]:
        return SEATS

    def refuses(self, condition: Condition, params: Kitchen) -> str | None:
        if condition.kind == "protocol":
            name = condition.argument
            close = get_close_matches(name, PROTOCOLS, n=1)
            hint = f"did you mean {close[0]}? " if close else ""
            return None if name in PROTOCOLS else f"no protocol {name!r}; {hint}known: {', '.join(PROTOCOLS)}"
        if condition.kind == "shared" and params.kind == "soups":
            return "in soups both cooks know and see everything: `shared` would be `team` again"
        return super().refuses(condition, params)

    def notebook(self, game: RoundGame) -> Notebook:
        assert isinstance(game, KitchenGame)
        return notebook(game)

    def player(self, name: str, seat: Seat) -> Agent:
        player = super().player(name, seat)
        shares = seat.condition.kind == MEMORY and seat.condition.argument == "shared"
        return NoteTaker(seat, player) if shares and isinstance(player, Player) else player

    def table(self, params: Kitchen, seed: int, condition: Condition) -> RoundGame:
        return KitchenGame(params, seed, condition)

    def assess(self, params: Kitchen, seed: int, condition: Condition, transcript: Transcript) -> Verdict:
        return assess(params, seed, condition, self.replayed(params, seed, condition), transcript)

    def told(self, action: Any) -> str:
        return f"does {action}"

    def about(self, params: Kitchen, seed: int) -> str:
        made = params.order(seed)
        return f"{made.name}, level {made.level}" if made else params.layout.replace("_", " ")

    def content(self, params: Kitchen) -> str:
        from pytest_collab.core.kitchen import plan
        from pytest_collab.families.kitchen import optimum, orders

        return repr((plan.ORDERS, plan.GRIDS, orders.INGREDIENTS, orders.NAMES, sorted(optimum.STEPS.items())))

    def draw(
        self, params: Kitchen, seed: int, condition: Condition, transcript: Transcript, upto: int | None = None
    ) -> Picture | None:
        from pytest_collab.families.kitchen.draw import picture

        game = self.replayed(params, seed, condition)
        replay(game, transcript if upto is None else Transcript(transcript[: upto + 1]))
        inner = game.inner
        assert isinstance(inner, KitchenGame)
        return picture(inner.kitchen, inner.order, game.state, inner.last)
