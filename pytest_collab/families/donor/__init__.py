"""The donor game over generations, after "Cultural Evolution of Cooperation among LLM Agents" (arXiv 2412.10270)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from pytest_collab.agents.builtin import CAST
from pytest_collab.episode.agent import Seat
from pytest_collab.episode.condition import Condition
from pytest_collab.episode.family import Load, Picture, worded
from pytest_collab.episode.outcome import Verdict
from pytest_collab.episode.transcript import Transcript
from pytest_collab.families.donor.cast import PLAYERS
from pytest_collab.families.donor.params import Donor
from pytest_collab.families.donor.seats import DonorGame
from pytest_collab.families.donor.verdict import assess
from pytest_collab.families.rounds import Player, RoundFamily, RoundGame, seat_names

__all__ = ["Donor", "DonorFamily"]

AS_PUBLISHED = 1_500
"""Characters of a call that stands alone: the mean of a society of ten generations that `partner` plays."""


class DonorFamily(RoundFamily[Donor]):
    """The donor game."""

    name = "donor"
    summary = "giving helps the other more than it costs, and reputation goes round"
    version = 2
    params_type = Donor
    players: ClassVar[Mapping[str, Callable[[Seat], Player]]] = PLAYERS
    cast: ClassVar[Mapping[str, str]] = {name: CAST[name] for name in PLAYERS}
    codes: ClassVar[frozenset[str] | None] = RoundFamily.shared_codes | {"disagreement", "free_riding", "withholding"}

    def seats(self, params: Donor) -> tuple[str, ...]:
        return seat_names(params.seats)

    def refuses(self, condition: Condition, params: Donor) -> str | None:
        if condition.kind == "relay" and not params.talk:
            return "relay counts messages, and this task has none (strategies are no messages); set talk: true"
        return super().refuses(condition, params)

    def load(self, params: Donor, condition: Condition) -> Load | None:
        """A strategy and the gifts of every generation: ten generations have more turns than a plan plays.

        In two games with the roles exchanged one gives once a round. Only where calls stand alone: what a kept
        conversation grows to is found out by playing.
        """
        if params.prompts == "plain" or params.talk or condition.solo:
            return None
        gifts = params.length if params.games == 2 else params.length // 2 + 1
        return Load(params.generations * (1 + gifts), AS_PUBLISHED)

    def table(self, params: Donor, seed: int, condition: Condition) -> RoundGame:
        return DonorGame(params, seed, condition)

    def assess(self, params: Donor, seed: int, condition: Condition, transcript: Transcript) -> Verdict:
        return assess(params, self.replayed(params, seed, condition), transcript)

    def told(self, action: Any) -> str:
        if isinstance(action, dict):
            return f"settles on a strategy: {action.get('strategy', worded(action))}"
        what, units = action
        return f"{'gives' if what == 'give' else 'punishes, for'} {units:g}"

    def draw(
        self, params: Donor, seed: int, condition: Condition, transcript: Transcript, upto: int | None = None
    ) -> Picture | None:
        from pytest_collab.families.donor.draw import picture

        events = transcript if upto is None else Transcript(transcript[: upto + 1])
        return picture(params, self.seats(params), events)
