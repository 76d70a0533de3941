"""What keeps a gate from passing whatever its interval says, and what a reader has to know beside it."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_collab.episode.text import counted
from pytest_collab.measure.decision import Decision, GateVerdict
from pytest_collab.measure.losses import Losses, lost_text
from pytest_collab.measure.matching import Matching


@dataclass(frozen=True, slots=True)
class Caveats:
    """Caveats of one gate.

    Attributes:
        losses: what was lost of its episodes.
        matching: how the run and its baseline fit together; None without a baseline.
        unmatched: what only one of the two runs played; the gate cannot pass.
        fails: unmatched units make the gate fail, instead of leaving it undecided.
        open: why neither pass nor fail can be said, one each.
        notes: what changes no verdict.
        run_void: the whole run is void: its verdict stands for those of all gates, which are left as they are.
        stopped: which runs were stopped when decided.
        corrected: the figure without the luck that they were stopped on; None where that cannot be told.
    """

    losses: Losses | None = None
    matching: Matching | None = None
    unmatched: tuple[str, ...] = ()
    fails: bool = False
    open: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    run_void: bool = False
    stopped: tuple[str, ...] = ()
    corrected: float | None = None

    @property
    def void(self) -> bool:
        """Whether too much was lost for this gate, in a run that is not void as a whole."""
        return self.losses is not None and self.losses.void and not self.run_void

    def verdict(self, decision: Decision) -> GateVerdict:
        """What is left of a verdict."""
        if self.void or self.open:
            return GateVerdict.UNDECIDED
        if self.unmatched and decision.verdict is not GateVerdict.FAIL:
            return GateVerdict.FAIL if self.fails else GateVerdict.UNDECIDED
        return decision.verdict

    def told(self) -> list[str]:
        """One part of a sentence each."""
        parts = []
        if self.losses is not None and self.void:
            parts.append(f"VOID: {_lost(self.losses)}")
        elif self.losses is not None and self.losses.lost:
            parts.append(_lost(self.losses))
        return [*parts, *self.open, *self.unmatched, *self.notes]


def _lost(losses: Losses) -> str:
    text = lost_text(
        f"{losses.lost} of its {counted(losses.episodes, 'episode')}", losses.lost, losses.ungraded, losses.episodes
    )
    if losses.void:
        text += f", above the declared {losses.at_most:.1%}"
    return f"{text}: {', '.join(losses.cells[:3])}" if losses.cells else text
