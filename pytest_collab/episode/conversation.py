"""What one seat has heard and said: the history that every request carries."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from pytest_collab.episode.agent import Reply, ToolResult, Turn
from pytest_collab.episode.text import REPLY_LIMIT, bounded, valid
from pytest_collab.episode.transcript import Transcript

CHARACTERS_PER_TOKEN: Final = 4
"""The rule of thumb by which text is measured against a context window before it is sent."""

FILL: Final = 0.8
"""The part of an agent's context that conversation may fill; the rest is for the answer."""

KEPT: Final = 0.5
"""What is left of the context after a trimming. One deep cut, then growth: the requests between two cuts begin alike,
so that the provider's prompt cache serves them."""

MEASURED_FROM: Final = 1000
"""From so many estimated tokens on, the provider's own count corrects the rule of thumb."""

MOST_TOKENS_FOLD: Final = 3.0
"""The rule of thumb is taken to be wrong by this factor at most (other scripts, code)."""


class Conversation:
    """A seat's history, trimmed by one declared policy.

    Policy `oldest_first`: the first user turn (the task) and the newest turns stay; whole exchanges after the
    first are left out, oldest first, until half of the context is free. Each trimming is a `trim` event.
    """

    def __init__(self, seat: str, system: str, transcript: Transcript) -> None:
        self.system = system
        self._seat = seat
        self._transcript = transcript
        self._turns: list[Turn] = []
        self._window: int | None = None
        self._tokens_fold = 1.0

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
        """Add what the game says to the seat. Tool calls before it that nobody answered are forgotten."""
        self._forget_unanswered({result.id for result in results})
        self._turns.append(Turn("user", text, tool_results=results))

    def say(self, reply: Reply) -> None:
        """Add what the agent answered, and learn from the provider's count how long the conversation really is."""
        estimated = self._estimate()
        counted = reply.usage.input_tokens
        if counted and not reply.usage.retries and estimated >= MEASURED_FROM:
            self._tokens_fold = min(max(counted / estimated, 1.0), MOST_TOKENS_FOLD)
        self._turns.append(
            Turn(
                "assistant",
                bounded(valid(reply.text), REPLY_LIMIT),
                tool_calls=reply.tool_calls,
                opaque=reply.opaque,
            )
        )

    def fit(self, context_tokens: int | None) -> None:
        """Leave out the oldest exchanges when the history nears the end of the agent's context."""
        window = min(filter(None, (context_tokens, self._window)), default=None)
        if window is not None and self._size() > window * FILL:
            self._trim(window * KEPT, window)

    def shrink(self, window: int | None) -> bool:
        """Leave out the oldest exchanges because the provider said that the history does not fit.

        Args:
            window: the model's context in tokens, where the provider told it; kept in mind from now on.

        Returns:
            Whether anything could be left out.
        """
        if window is not None:
            self._window = min(window, self._window or window)
        size = self._size()
        room = size / 2 if self._window is None else min(self._window * KEPT, size / 2)
        return self._trim(room, self._window)

    def _trim(self, room: float, window: int | None) -> bool:
        before = self._size()
        left_out = 0
        while len(self._turns) > 3 and self._size() > room:
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
                tokens_after=self._size(),
                context_tokens=window,
            )
        return bool(left_out)

    def _forget_unanswered(self, answered: set[str]) -> None:
        """Providers refuse a call without its result; a call of a tool that was never offered has none."""
        if not self._turns or self._turns[-1].role != "assistant":
            return
        said = self._turns[-1]
        kept = tuple(call for call in said.tool_calls if call.id in answered)
        if kept != said.tool_calls:
            self._turns[-1] = replace(said, tool_calls=kept, opaque=None)  # the provider's blocks hold the call, too

    def _size(self) -> int:
        """About how many tokens the history and the standing instructions take."""
        return int(self._estimate() * self._tokens_fold)

    def _estimate(self) -> int:
        return _tokens(self.system) + sum(
            _tokens(turn.text)
            + sum(_tokens(result.text) for result in turn.tool_results)
            + sum(_tokens(str(dict(call.arguments))) for call in turn.tool_calls)
            for turn in self._turns
        )


def _tokens(text: str) -> int:
    return len(text) // CHARACTERS_PER_TOKEN + 1
