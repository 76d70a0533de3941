"""Teams with an expert, after "Multi-Agent Teams Hold Experts Back" (arXiv 2602.01011)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from pytest_collab.agents.builtin import CAST
from pytest_collab.episode.agent import Seat
from pytest_collab.episode.condition import CONFEDERATES, Condition
from pytest_collab.episode.family import Picture
from pytest_collab.episode.outcome import Verdict
from pytest_collab.episode.transcript import Transcript
from pytest_collab.families.experts import capitulation
from pytest_collab.families.experts.cast import PLAYERS
from pytest_collab.families.experts.conformity import ConformityGame, refusal
from pytest_collab.families.experts.params import Experts
from pytest_collab.families.experts.seats import ExpertsGame
from pytest_collab.families.experts.verdict import assess
from pytest_collab.families.rounds import Player, RoundFamily, RoundGame, seat_names

__all__ = ["Experts", "ExpertsFamily"]


class ExpertsFamily(RoundFamily[Experts]):
    """The team with an expert."""

    name = "experts"
    summary = "somebody knows better: will the team find out, and use it?"
    version = 3
    params_type = Experts
    players: ClassVar[Mapping[str, Callable[[Seat], Player]]] = PLAYERS
    cast: ClassVar[Mapping[str, str]] = {name: CAST[name] for name in PLAYERS}
    codes: ClassVar[frozenset[str] | None] = RoundFamily.shared_codes | {
        "capitulation",
        "disagreement",
        "false_claim",
        "undelivered",
        "ungrounded",
        "vague",
        "withholding",
    }

    def seats(self, params: Experts) -> tuple[str, ...]:
        return seat_names(params.seats)

    def quiet(self, params: Experts) -> Experts:
        return params.model_copy(update={"discussion": 0})

    def refuses(self, condition: Condition, params: Experts) -> str | None:
        if condition.kind == CONFEDERATES:
            return refusal(condition, params)
        return super().refuses(condition, params)

    def table(self, params: Experts, seed: int, condition: Condition) -> RoundGame:
        if condition.kind == CONFEDERATES:
            return ConformityGame(params, seed, condition)
        return ExpertsGame(params, seed, condition)

    def assess(self, params: Experts, seed: int, condition: Condition, transcript: Transcript) -> Verdict:
        game = self.replayed(params, seed, condition)
        if isinstance(game, ConformityGame):
            return capitulation.assess(params, game, transcript)
        return assess(params, seed, condition, game, transcript)

    def content(self, params: Experts) -> str:
        from pytest_collab.families.experts.scenarios import ADVANTAGES, DRAWBACKS, SCENARIOS

        return repr(SCENARIOS) if params.kind == "ranking" else repr((ADVANTAGES, DRAWBACKS))

    def told(self, action: Any) -> str:
        return f"chooses {action[0]}" if len(action) == 1 else f"ranks {' > '.join(action)}"

    def draw(
        self, params: Experts, seed: int, condition: Condition, transcript: Transcript, upto: int | None = None
    ) -> Picture | None:
        from pytest_collab.episode.game import replay
        from pytest_collab.families.experts.draw import picture
        from pytest_collab.families.experts.verdict import told

        events = transcript if upto is None else Transcript(transcript[: upto + 1])
        game = self.replayed(params, seed, condition)
        replay(game, events)
        table = game.inner
        assert isinstance(table, ExpertsGame)
        return picture(table.deal, table.seats, game.state, told(table.deal, table.seats, events))
