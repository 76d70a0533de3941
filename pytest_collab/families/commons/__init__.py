"""The tragedy of the commons in three tellings, after GovSim (arXiv 2404.16698)."""

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
from pytest_collab.families.commons.cast import PLAYERS
from pytest_collab.families.commons.params import Commons
from pytest_collab.families.commons.seats import PROTOCOLS, CommonsGame
from pytest_collab.families.commons.verdict import assess
from pytest_collab.families.rounds import Player, RoundFamily, RoundGame, seat_names

__all__ = ["Commons", "CommonsFamily"]


class CommonsFamily(RoundFamily[Commons]):
    """The commons."""

    name = "commons"
    summary = "a shared pool grows back only if nobody takes too much"
    version = 2
    params_type = Commons
    players: ClassVar[Mapping[str, Callable[[Seat], Player]]] = PLAYERS
    cast: ClassVar[Mapping[str, str]] = {name: CAST[name] for name in PLAYERS}
    codes: ClassVar[frozenset[str] | None] = RoundFamily.shared_codes | {
        "collapse",
        "disagreement",
        "false_claim",
        "free_riding",
    }

    def seats(self, params: Commons) -> tuple[str, ...]:
        return seat_names(params.seats)

    def refuses(self, condition: Condition, params: Commons) -> str | None:
        if condition.kind == "protocol":
            argument = condition.argument
            close = get_close_matches(argument, PROTOCOLS, n=1)
            hint = f"did you mean {close[0]}? " if close else ""
            return None if argument in PROTOCOLS else f"no protocol {argument!r}; {hint}known: {', '.join(PROTOCOLS)}"
        return super().refuses(condition, params)

    def quiet(self, params: Commons) -> Commons:
        return params.model_copy(update={"talk": 0, "conversation": 0})

    def table(self, params: Commons, seed: int, condition: Condition) -> RoundGame:
        return CommonsGame(params, seed, condition)

    def assess(self, params: Commons, seed: int, condition: Condition, transcript: Transcript) -> Verdict:
        return assess(params, condition, self.replayed(params, seed, condition), transcript)

    def told(self, action: Any) -> str:
        if not isinstance(action, dict):
            return f"decides on {action} units"
        words = {"norm": "proposes a norm of", "punish": "punishes", "next": "asks to speak next:"}
        parts = {key: ", ".join(part) if isinstance(part, list) else part for key, part in action.items()}
        return "; ".join(f"{words.get(key, key)} {part}" for key, part in parts.items())

    def draw(
        self, params: Commons, seed: int, condition: Condition, transcript: Transcript, upto: int | None = None
    ) -> Picture | None:
        from pytest_collab.families.commons.draw import picture

        events = transcript if upto is None else Transcript(transcript[: upto + 1])
        return picture(params, self.seats(params), events)
