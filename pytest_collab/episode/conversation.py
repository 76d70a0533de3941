"""What one seat has heard and said: the history that every request carries."""

from __future__ import annotations

from typing import Final

from pytest_collab.episode.agent import Reply, ToolResult, Turn
from pytest_collab.episode.text import REPLY_LIMIT, bounded, valid
from pytest_collab.episode.transcript import Transcript

CHARACTERS_PER_TOKEN: Final = 4
"""The rule of thumb by which text is measured against a context window before it is sent."""

FILL: Final = 0.8
"""The part of an agent's context that conversation may fill; the rest is for the answer."""


class Conversation:
    """A seat's history, trimmed by one declared policy.

    Policy `oldest_first`: the first user turn (the task) and the newest turns stay; whole exchanges after the
    first are left out, oldest first, until the estimate fits. Each trimming is a `trim` event.
    """

    def __init__(self, seat: str, system: str, transcript: Transcript) -> None:
        self.system = system
        self._seat = seat
        self._transcript = transcript
        self._turns: list[Turn] = []

    @property
    def turns(self) -> tuple[Turn, ...]:
        return tuple(self._turns)

    def recall(self, turns: tuple[Turn, ...], system: str | None = None) -> bool:
        """Put what the game's protocol lets the seat remember in the place of its history.

        Returns:
            Whether the standing instructions are new.
        """
        self._turns = list(turns)
        if system is None or system == self.system:
            return False
        self.system = system
        return True

    def hear(self, text: str, results: tuple[ToolResult, ...] = ()) -> None:
        """Add what the game says to the seat."""
        self._turns.append(Turn("user", text, tool_results=results))

    def say(self, reply: Reply) -> None:
        """Add what the agent answered."""
        self._turns.append(
            Turn(
                "assistant",
                bounded(valid(reply.text), REPLY_LIMIT),
                tool_calls=reply.tool_calls,
                opaque=reply.opaque,
            )
        )

    def fit(self, context_tokens: int | None) -> None:
        """Leave out the oldest exchanges until the history fits the agent's context."""
        if context_tokens is None:
            return
        room = int(context_tokens * FILL) - _tokens(self.system)
        before = self._estimate()
        left_out = 0
        while len(self._turns) > 3 and self._estimate() > room:
            # An exchange is an assistant turn and the user turn that answers it: tool results stay with their calls.
            del self._turns[1:3]
            left_out += 2
        if left_out:
            self._transcript.add(
                "trim",
                self._seat,
                policy="oldest_first",
                turns_left_out=left_out,
                tokens_before=before,
                tokens_after=self._estimate(),
                context_tokens=context_tokens,
            )

    def _estimate(self) -> int:
        return sum(
            _tokens(turn.text)
            + sum(_tokens(result.text) for result in turn.tool_results)
            + sum(_tokens(str(dict(call.arguments))) for call in turn.tool_calls)
            for turn in self._turns
        )


def _tokens(text: str) -> int:
    return len(text) // CHARACTERS_PER_TOKEN + 1
