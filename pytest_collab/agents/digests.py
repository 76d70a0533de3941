"""Digests of conversations: what stands before a turn, told apart from any other past."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256

from pytest_collab.episode.agent import Request, Turn


def digests(request: Request) -> Iterator[tuple[Turn, str]]:
    """Each turn with a digest of all that stands before it."""
    running = sha256(request.system.encode("utf-8", "replace"))
    for turn in request.conversation:
        yield turn, running.hexdigest()[:24]
        parts = [turn.role, turn.text, *(r.id + r.text for r in turn.tool_results), *(c.id for c in turn.tool_calls)]
        running.update("\x1f".join(parts).encode("utf-8", "replace"))


def last_digest(request: Request) -> str:
    """The digest under which the answer to `request` will be found before its turn."""
    running = replace(request, conversation=(*request.conversation, Turn("assistant")))
    return list(digests(running))[-1][1]
