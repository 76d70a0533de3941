"""Dining philosophers: shared forks, local views, and the question whether neighbours can take turns.

The game is DPBench's (arXiv 2602.13255; the GRPO study arXiv 2606.07845 plays it too), step for step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any, ClassVar, Final

from pytest_collab.agents.builtin import CAST
from pytest_collab.episode.agent import Seat
from pytest_collab.episode.condition import Condition
from pytest_collab.episode.family import Picture
from pytest_collab.episode.game import replay
from pytest_collab.episode.outcome import Verdict
from pytest_collab.episode.transcript import Transcript
from pytest_collab.families.philosophers.cast import PLAYERS
from pytest_collab.families.philosophers.params import Philosophers
from pytest_collab.families.philosophers.reward import STUDY, Reward
from pytest_collab.families.philosophers.seats import PhilosophersGame
from pytest_collab.families.philosophers.telling import VARIANTS
from pytest_collab.families.philosophers.verdict import assess
from pytest_collab.families.rounds import Player, RoundFamily, RoundGame, seat_names

__all__ = ["STUDY", "Philosophers", "PhilosophersFamily", "Reward"]


_DEEDS: Final = {
    "grab_left": "takes the left fork",
    "grab_right": "takes the right fork",
    "release": "puts the forks back",
    "wait": "waits",
}


class PhilosophersFamily(RoundFamily[Philosophers]):
    """Dining philosophers."""

    name = "philosophers"
    summary = "neighbours share forks: eat, and let the others eat, without deadlock"
    version = 3
    params_type = Philosophers
    players: ClassVar[Mapping[str, Callable[[Seat], Player]]] = PLAYERS
    cast: ClassVar[Mapping[str, str]] = {name: CAST[name] for name in PLAYERS}
    codes: ClassVar[frozenset[str] | None] = RoundFamily.shared_codes | {"deadlock", "false_claim", "starvation"}

    def seats(self, params: Philosophers) -> tuple[str, ...]:
        return seat_names(params.seats)

    def refuses(self, condition: Condition, params: Philosophers) -> str | None:
        if condition.kind != "protocol":
            return super().refuses(condition, params)
        if condition.argument in VARIANTS:
            return None
        close = get_close_matches(condition.argument, VARIANTS, n=1)
        hint = f"did you mean {close[0]}? " if close else ""
        return f"no protocol {condition.argument!r}; {hint}known: {', '.join(VARIANTS)}"

    def table(self, params: Philosophers, seed: int, condition: Condition) -> RoundGame:
        return PhilosophersGame(params, seed, condition)

    def assess(self, params: Philosophers, seed: int, condition: Condition, transcript: Transcript) -> Verdict:
        return assess(params, self.replayed(params, seed, condition), transcript)

    def told(self, action: Any) -> str:
        return _DEEDS.get(action, str(action))

    def draw(
        self, params: Philosophers, seed: int, condition: Condition, transcript: Transcript, upto: int | None = None
    ) -> Picture | None:
        from pytest_collab.families.philosophers.draw import picture

        game = self.replayed(params, seed, condition)
        replay(game, transcript if upto is None else Transcript(transcript[: upto + 1]))
        return picture(game.state.table, self.seats(params), deadlocked=game.state.deadlocked)
