"""Alem: an open-ended survival world in which some things can only be done together (arXiv 2606.08340).

The world is the package `alem-env`, unchanged; this family seats agents in it, reads what they write, and tells why
they did not coordinate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from pytest_collab.agents.builtin import CAST
from pytest_collab.core.alem.package import require, versions
from pytest_collab.core.alem.store import store_directory
from pytest_collab.episode.agent import Seat
from pytest_collab.episode.condition import MEMORY, Condition
from pytest_collab.episode.family import Load, Picture
from pytest_collab.episode.outcome import Verdict
from pytest_collab.episode.transcript import Transcript
from pytest_collab.errors import UsageError
from pytest_collab.families.alem.cast import PLAYERS
from pytest_collab.families.alem.memory import notebook
from pytest_collab.families.alem.params import Alem
from pytest_collab.families.alem.seats import AlemGame, AlemSolo
from pytest_collab.families.alem.verdict import assess
from pytest_collab.families.rounds import Notebook, Player, RoundFamily, RoundGame, seat_names

__all__ = ["Alem", "AlemFamily"]

INSTRUCTIONS, OBSERVATION = 9_400, 1_740
"""Characters of the instructions, and of one step in a prompt: means of the first 60 steps that `partner` plays."""

ABLATIONS = ("no_communication", "no_reasoning", "no_memory")
"""Conditions of this family: the `team` without one part of the protocol. They make the paper's ablation table."""


class AlemFamily(RoundFamily[Alem]):
    """The world of alem."""

    name = "alem"
    summary = "survive in an open world whose best things take several agents at once"
    version = 3
    params_type = Alem
    players: ClassVar[Mapping[str, Callable[[Seat], Player]]] = PLAYERS
    cast: ClassVar[Mapping[str, str]] = {name: CAST[name] for name in PLAYERS}
    codes: ClassVar[frozenset[str] | None] = RoundFamily.shared_codes | {
        "disagreement",
        "false_claim",
        "undelivered",
        "ungrounded",
        "withholding",
    }
    figures: ClassVar[Mapping[str, str]] = {
        "base": "base_reward_pct_of_max",
        "coordination": "coordination_reward_pct_of_max",
        "total": "reward_pct_of_max",
        "parsed": "parse_rate",
    }

    def seats(self, params: Alem) -> tuple[str, ...]:
        return seat_names(params.agents)

    def refuses(self, condition: Condition, params: Alem) -> str | None:
        if params.agents == 1 and condition.kind in ("mute", "shared", "with", "relay"):
            return f"with one agent there is nobody for {condition} to be about"
        if condition.kind in ABLATIONS and not condition.argument:
            switch = condition.kind.removeprefix("no_")
            return None if getattr(params, switch) else f"this task has {switch}: false already"
        return super().refuses(condition, params)

    def missing(self, params: Alem) -> str | None:
        try:
            require()
        except UsageError as error:
            return " ".join(str(error).split())
        return None

    def load(self, params: Alem, condition: Condition) -> Load:
        """A call for every step: to find out when everybody dies takes a compiled world and minutes of play.

        A prompt holds from `history` to almost twice as many steps; one agent on all seats has those of all.
        """
        steps = OBSERVATION * (3 * params.history - 1) // 2
        return Load(params.max_steps, INSTRUCTIONS + steps * (params.agents if condition.solo else 1))

    def content(self, params: Alem) -> str:
        """Worlds of another version of the package, or of another way to split random keys, are other problems."""
        found = versions()
        return f"alem-env {found['alem-env']}, {found['threefry']} threefry"

    def configure(self, settings: Mapping[str, str]) -> Sequence[str]:
        return [
            "alem: " + ", ".join(f"{name} {which}" for name, which in versions().items()),
            f"alem: {_compiling()}",
        ]

    def table(self, params: Alem, seed: int, condition: Condition) -> RoundGame:
        return AlemGame(params, seed, condition)

    def replayed(self, params: Alem, seed: int, condition: Condition) -> RoundGame:
        game = AlemGame(params, seed, condition)
        if condition.kind == MEMORY:
            return self.remembering(game, params, condition)
        return AlemSolo(game) if condition.solo else game

    def notebook(self, game: RoundGame) -> Notebook:
        assert isinstance(game, AlemGame)
        return notebook(game)

    def assess(self, params: Alem, seed: int, condition: Condition, transcript: Transcript) -> Verdict:
        return assess(params, condition, transcript)

    def told(self, action: Any) -> str:
        return f"does: {action}"

    def draw(
        self, params: Alem, seed: int, condition: Condition, transcript: Transcript, upto: int | None = None
    ) -> Picture | None:
        from pytest_collab.families.alem.draw import picture

        return picture(params, transcript if upto is None else Transcript(transcript[: upto + 1]))


def _compiling() -> str:
    """What is to be expected of the first episode: nobody should take a machine that compiles for one that hangs."""
    first = "the first episode of a kind of world (how many agents, which specialisation)"
    if any(store_directory().glob("*.*")):
        return f"{first} that was not played on this machine before takes a minute or two more"
    return f"nothing is compiled on this machine yet: {first} takes a minute or two more, once"
