"""The interception probe: a critic is shown a reference patch or a mutant of it, and must stop the wrong ones.

The question is Team of Rivals' and TeamBench's (arXiv 2605.07073): what does a verifier let through? Here it is asked
of one agent, without a team and without whole episodes of work.
"""

from __future__ import annotations

import atexit
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from pytest_collab.episode.agent import Agent, Seat
from pytest_collab.episode.condition import Condition
from pytest_collab.episode.family import Detection, Family, Picture, worded
from pytest_collab.episode.game import Game
from pytest_collab.episode.limits import Limits, SeatLimits
from pytest_collab.episode.outcome import Verdict
from pytest_collab.episode.transcript import Transcript
from pytest_collab.errors import TaskError
from pytest_collab.families.coding.interception.cast import PLAYERS, SUMMARIES
from pytest_collab.families.coding.interception.params import Interception
from pytest_collab.families.coding.interception.rules import Deal

if TYPE_CHECKING:
    from pytest_collab.families.coding.workspace.bench import Bench

__all__ = ["Interception", "InterceptionFamily"]

_TOOLCHAINS = {"go": "go", "rust": "rust", "typescript": "node", "javascript": "node"}
_WHY_SOLO = {
    "team": "one critic and one patch: there is no second seat; play it solo",
    "mute": "there is nobody to talk to, so nothing to mute",
    "shared": "the critic has no partner whose information could be shown",
    "with": "there is no second seat for another agent",
    "relay": "there is nobody who could take over after so many messages",
}


class InterceptionFamily(Family[Interception]):
    """Critics of patches."""

    name = "interception"
    desks = True
    summary = "a patch is right, or wrong in one place: does the critic stop the wrong ones, and only these?"
    params_type = Interception
    cast: ClassVar[Mapping[str, str]] = SUMMARIES
    figures: ClassVar[Mapping[str, str]] = {"hits": "hit", "false alarms": "false_alarm"}
    codes: ClassVar[frozenset[str] | None] = frozenset({"own_part_failed", "rubber_stamp"})
    detection: ClassVar[Detection | None] = Detection(
        signal="wrong",
        evidence="suspicion",
        answer="rejected",
        splits={"shown by": "seen_", "language": "language_", "kind": "kind_"},
        task="wrong patches from right ones",
    )

    def __init__(self) -> None:
        self._sandbox = "auto"
        self._benches: dict[tuple[str, str, str], Bench] = {}

    def seats(self, params: Interception) -> tuple[str, ...]:
        return ("a",)

    def seeds(self, params: Interception) -> int | None:
        params.check()
        return 2 * params.mutants * len(params.shown)

    def configure(self, settings: Mapping[str, str]) -> Sequence[str]:
        import anyio

        from pytest_collab.sandbox import choose

        self._sandbox = settings.get("sandbox", "auto")
        choice = anyio.run(choose, self._sandbox)
        lines = [f"collab sandbox: {choice.name} ({choice.reason})"]
        return [*lines, f"WARNING: {choice.warning}"] if choice.warning else lines

    def refuses(self, condition: Condition, params: Interception) -> str | None:
        if condition.solo:
            return None
        return _WHY_SOLO.get(condition.kind, f"a critic works alone: there is no {str(condition)!r}")

    def limits(self, params: Interception) -> Limits:
        return Limits(seconds=1800.0, seat=SeatLimits(turns=60, answer_seconds=600.0))

    def needs(self, params: Interception) -> frozenset[str]:
        pool = params.coding
        if pool.environment.named_image:
            return frozenset({"docker"})
        return frozenset({_TOOLCHAINS[pool.language]} if pool.language in _TOOLCHAINS else ())

    def missing(self, params: Interception) -> str | None:
        from pytest_collab.families.coding.environment.toolchain import missing_toolchain

        return missing_toolchain(params.coding)

    def prepare(self, requests: Sequence[tuple[Interception, Sequence[int]]]) -> None:
        for params, _ in requests:
            params.check()

    def prepare_to_judge(self, requests: Sequence[tuple[Interception, Sequence[int]]]) -> None:
        """Nothing: what was shown is in the transcript. The pool may lie elsewhere, or be gone."""

    def vet(self, params: Interception, seeds: Sequence[int], settings: Mapping[str, str]) -> Sequence[str]:
        import anyio

        from pytest_collab.families.coding.interception.vetting import vetted

        return anyio.run(vetted, params, settings)

    def deal_of(self, params: Interception, seed: int) -> Deal:
        """What is shown under a seed."""
        return params.deal_of(seed)

    def deal(self, params: Interception, seed: int, condition: Condition) -> Game:
        from pytest_collab.families.coding.interception.seats import CriticGame

        return CriticGame(self.bench(params), params, params.deal_of(seed), condition)

    def bench(self, params: Interception) -> Bench:
        """The bench of a pool in this process."""
        from pytest_collab.families.coding.workspace.bench import Bench

        pool = params.coding
        key = (str(pool.folder), pool.model_dump_json(), self._sandbox)
        if key not in self._benches:
            if not self._benches:
                atexit.register(self.close)
            self._benches[key] = Bench(pool, self._sandbox)
        return self._benches[key]

    def close(self) -> None:
        """Remove what grading keeps on the disk while the process lasts."""
        import anyio

        while self._benches:
            anyio.run(self._benches.popitem()[1].close)

    def verdict(self, params: Interception, seed: int, condition: Condition, transcript: Transcript) -> Verdict:
        from pytest_collab.families.coding.interception.verdict import assess

        return assess(transcript)

    def player(self, name: str, seat: Seat) -> Agent:
        if name not in PLAYERS:
            raise TaskError(
                f"family 'interception' has no built-in player {name!r}", remedy=f"It has {', '.join(PLAYERS)}."
            )
        return PLAYERS[name](seat)

    def tell(self, action: Any) -> str:
        return f"uses {', '.join(action['tools'])}" if "tools" in action else f"does {worded(action)}"

    def about(self, params: Interception, seed: int) -> str:
        return params.deal_of(seed).feature

    def draw(
        self,
        params: Interception,
        seed: int,
        condition: Condition,
        transcript: Transcript,
        upto: int | None = None,
    ) -> Picture | None:
        from pytest_collab.families.coding.interception.draw import picture

        return picture(transcript, upto)

    def identity(self, params: Interception) -> dict[str, Any]:
        """Where the pool lies is no part of the problem; what is in it is part of `content`."""
        return params.model_dump(mode="json", exclude={"pool"})

    def content(self, params: Interception) -> str:
        from pytest_collab.families.coding.interception.mutants.making import VERSION

        return f"{VERSION} {params.content()}"
