"""The family of a game in rounds: what every such family would otherwise write again."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, TypeVar

from pytest_collab.episode.agent import Agent, Seat
from pytest_collab.episode.condition import GUIDE, MEMORY, Condition
from pytest_collab.episode.family import Family, Params, worded
from pytest_collab.episode.game import Game
from pytest_collab.episode.outcome import Verdict
from pytest_collab.episode.transcript import Transcript
from pytest_collab.families.rounds.evidence import alone
from pytest_collab.families.rounds.game import RoundGame, Solo
from pytest_collab.families.rounds.guided import Guided, Sight
from pytest_collab.families.rounds.lessons import Taught
from pytest_collab.families.rounds.memory import Notebook, Remembering
from pytest_collab.families.rounds.muted import Muted
from pytest_collab.families.rounds.player import AllSeats, Player

P = TypeVar("P", bound=Params)

ALPHABET = "abcdefghijklmnopqrstuvwxyz"


def seat_names(count: int) -> tuple[str, ...]:
    """`a` to `z`, then `a2` to `z2`, and so on."""
    rows = range(1, -(-count // len(ALPHABET)) + 1)
    return tuple(letter if row == 1 else f"{letter}{row}" for row in rows for letter in ALPHABET)[:count]


def somebody_else(seat: str, seats: Sequence[str]) -> str:
    """Another seat's name, for examples in a seat's instructions: never the reader's own."""
    return next((name for name in seats if name != seat), seat)


class RoundFamily(Family[P]):
    """A family whose game is a `RoundGame`: it gives the table, the players and the assessment; `solo` and `mute`
    follow.

    Attributes:
        players: how the players of the cast are made, by name.
        shared_codes: the failure codes that every game in rounds can show; a family adds its own in `codes`.
    """

    players: ClassVar[Mapping[str, Callable[[Seat], Player]]]
    shared_codes: ClassVar[frozenset[str]] = frozenset(
        {"unresponsive", "repetition", "malformed_action", "broken_commitment", "own_part_failed"}
    )

    @abstractmethod
    def table(self, params: P, seed: int, condition: Condition) -> RoundGame:
        """The game with all its seats; under `solo` it is put into `Solo`, under `mute` into `Muted`."""

    @abstractmethod
    def assess(self, params: P, seed: int, condition: Condition, transcript: Transcript) -> Verdict:
        """Judge a transcript, without regard to `solo`."""

    def sight(self, game: RoundGame) -> Sight | None:
        """What a guide is given under `guide`; None in families that have none."""
        return None

    def notebook(self, game: RoundGame) -> Notebook | None:
        """How seats write into the memory that they share under `memory:shared`; None in families that have none.

        Such a family also takes `lessons` among its params, for `memory:list`.
        """
        return None

    def refuses(self, condition: Condition, params: P) -> str | None:
        if condition.kind != MEMORY or type(self).notebook is RoundFamily.notebook:
            return super().refuses(condition, params)
        if condition.argument == "list":
            lacks = "this task has no lessons: give it `lessons: [...]`, or a file of them"
            return None if getattr(params, "lessons", ()) else lacks
        if condition.argument != "shared":
            return f"there is memory:shared and memory:list, not memory:{condition.argument}"
        alone = "with one seat there is nobody to share a memory with"
        return None if len(self.seats(params)) > 1 else alone

    def identity(self, params: P) -> dict[str, Any]:
        """Without lessons where there are none: a task keeps its hash."""
        whole = super().identity(params)
        return {name: value for name, value in whole.items() if name != "lessons" or value}

    def told(self, action: Any) -> str:
        """What one seat did, in words that follow its name."""
        return f"does {worded(action)}"

    def tell(self, action: Any) -> str:
        """What one seat did, or all seats that one agent commands."""
        if isinstance(action, dict) and action and all(len(seat) == 1 for seat in action):
            return "; ".join(f"{seat} {self.told(part)}" for seat, part in action.items())
        return self.told(action)

    def quiet(self, params: P) -> P:
        """The params of the same game with nothing to say and no time to say it: what `mute` plays.

        Params that call their talk otherwise than `talk` override this.
        """
        talk = getattr(params, "talk", None)
        return params.model_copy(update={"talk": type(talk)()}) if talk else params

    def deal(self, params: P, seed: int, condition: Condition) -> Game:
        return self.replayed(params, seed, condition)

    def replayed(self, params: P, seed: int, condition: Condition) -> RoundGame:
        """A fresh game, for `walk`."""
        game = self.table(self._played(params, condition), seed, condition)
        if condition.solo:
            return Solo(game)
        sight = self.sight(game) if condition.kind == GUIDE else None
        if sight is not None:
            return Guided(game, sight)
        if condition.kind == MEMORY:
            return self.remembering(game, params, condition)
        return Muted(game) if condition.muted else game

    def remembering(self, game: RoundGame, params: P, condition: Condition) -> RoundGame:
        """The game under `memory:shared` or `memory:list`."""
        if condition.argument == "list":
            return Taught(game, getattr(params, "lessons", ()))
        notebook = self.notebook(game)
        return game if notebook is None else Remembering(game, notebook)

    def verdict(self, params: P, seed: int, condition: Condition, transcript: Transcript) -> Verdict:
        verdict = self.assess(self._played(params, condition), seed, condition, transcript)
        return alone(verdict, self.seats(params)[0]) if condition.solo else verdict

    def player(self, name: str, seat: Seat) -> Agent:
        make = self.players.get(name)
        if make is None:
            return super().player(name, seat)
        seat = replace(seat, params=self._played(seat.params, seat.condition))
        if not seat.condition.solo:
            return make(seat)
        seats = self.seats(seat.params)
        return AllSeats({each: make(replace(seat, name=each, seats=seats)) for each in seats})

    def _played(self, params: P, condition: Condition) -> P:
        return self.quiet(params) if condition.muted else params
