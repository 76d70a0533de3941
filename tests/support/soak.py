"""Many episodes against a server that misbehaves, with the books of both sides compared."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from pytest_collab.agents.registry import Registry
from pytest_collab.agents.settings import AgentSettings
from pytest_collab.episode.condition import Condition
from pytest_collab.episode.executor import LocalExecutor
from pytest_collab.episode.outcome import Outcome
from pytest_collab.episode.plan import Plan
from pytest_collab.episode.record import Episode
from tests.support.handshake import Handshake, HandshakeFamily
from tests.support.model_server import AGENTS_OWN, RETRIED, Call, ModelServer, Say

TIMEOUT_S = 5.0
"""Long enough for a busy machine: a timeout that the server did not cause would be in one set of books only."""


@dataclass
class Mischief:
    """Injects faults at a rate, drawn from a seed, and at most `in_a_row` to one and the same question."""

    rate: float
    seed: int = 0
    in_a_row: int = 2
    names: tuple[str, ...] = (*RETRIED, *AGENTS_OWN, "overflow")
    _random: random.Random = field(init=False)
    _rows: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def __call__(self, call: Call) -> str | None:
        question = f"{call.system}|{call.body.get('messages', call.body.get('input'))}"
        if self._random.random() >= self.rate or self._rows[question] >= self.in_a_row:
            self._rows[question] = 0
            return None
        self._rows[question] += 1
        return self._random.choice(self.names)


def shake(call: Call) -> Say:
    """A model that is good at the handshake."""
    digits = "".join(character for character in call.text if character.isdigit())
    return Say(f"I say {digits}." if digits else "What is it?", cached=100)


@dataclass(frozen=True)
class Books:
    """What a soak came to, by both accounts."""

    episodes: list[Episode]
    server: ModelServer

    def check(self, count: int) -> dict[str, int]:
        """Compare the two accounts; the figures for people.

        Raises:
            AssertionError: an episode was lost, doubled or blamed on the wrong one, or the books differ.
        """
        own = {line.call.system for line in self.server.faults(*AGENTS_OWN)}
        too_long = {line.call.system for line in self.server.faults("overflow")}
        tag = {episode.id: f"<{episode.seed}>" for episode in self.episodes}
        assert len({episode.id for episode in self.episodes}) == len(self.episodes) == count
        for episode in self.episodes:
            system = tag[episode.id]
            if any(system in other for other in too_long):
                # What does not fit before anything was said is nobody's doing; later it is the seat's limit.
                alone = "the task alone does not fit" in (episode.error or "")
                assert episode.outcome is (Outcome.INFRASTRUCTURE if alone else Outcome.LIMIT), episode
                continue
            assert episode.outcome is not Outcome.INFRASTRUCTURE, episode.error
            if not any(system in other for other in own):
                assert episode.outcome is Outcome.SUCCESS, episode
        used = [usage for episode in self.episodes for usage in episode.usage.values()]
        figures = {
            "episodes": count,
            "calls": sum(usage.calls for usage in used),
            "retries": sum(usage.retries for usage in used),
            "input_tokens": sum(usage.input_tokens for usage in used),
            "output_tokens": sum(usage.output_tokens for usage in used),
            "cached_tokens": sum(usage.cached_tokens for usage in used),
        }
        log = self.server.log
        theirs = {
            "episodes": count,
            "calls": len(log) - len(self.server.faults(*RETRIED)),
            "retries": len(self.server.faults(*RETRIED)),
            "input_tokens": sum(line.input_tokens for line in log),
            "output_tokens": sum(line.output_tokens for line in log),
            "cached_tokens": sum(line.cached_tokens for line in log),
        }
        assert figures == theirs, f"clients counted {figures}, the server {theirs}"
        return figures


class TaggedFamily(HandshakeFamily):
    """The handshake, whose standing instructions name the seed: the server can tell the episodes apart."""

    def deal(self, params: Handshake, seed: int, condition: Condition):  # type: ignore[no-untyped-def]
        game = super().deal(params, seed, condition)
        brief = game.brief
        game.brief = lambda seat: f"<{seed}> {brief(seat)}"  # type: ignore[method-assign]
        return game


def soak(server: ModelServer, shared: Path, count: int, providers: Iterable[str], *, in_flight: int = 32) -> Books:
    """Play `count` episodes, the providers in turn, all in one process."""
    registry = Registry(shared=shared)
    agents = []
    for provider in providers:
        settings = AgentSettings.model_validate(
            {
                "provider": provider,
                "model": "tested-model",
                "base_url": server.url if provider == "anthropic" else f"{server.url}/v1",
                "price": {"input": 1, "output": 2},
                "timeout_s": TIMEOUT_S,
                "stream": provider == "anthropic",
            }
        )
        agents.append(registry._model(provider, settings))
    kept: list[Episode] = []
    lock = threading.Lock()

    def keep(episode: Episode, transcript: object) -> Episode:
        with lock:
            kept.append(episode)
        return episode

    family = TaggedFamily()
    executor = LocalExecutor(in_flight, keep=keep)
    plans = [
        Plan(
            family=family,
            params=Handshake(numbers=1000),
            task="soak",
            task_hash="",
            condition=Condition.parse("team"),
            team=(agents[seed % len(agents)].name,),
            agents=(agents[seed % len(agents)],),
            seed=seed,
        )
        for seed in range(count)
    ]
    executor.start(plans)
    for plan in plans:
        executor.result(plan)
    executor.close()
    return Books(kept, server)
