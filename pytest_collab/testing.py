"""For authors of families and agents: play an episode, check a family, check an agent."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import anyio

from pytest_collab import families
from pytest_collab.agents.registry import Registry
from pytest_collab.episode.agent import Agent
from pytest_collab.episode.condition import GENERAL, Condition
from pytest_collab.episode.engine import play
from pytest_collab.episode.family import Family, Params
from pytest_collab.episode.judge import judge, record
from pytest_collab.episode.limits import Limits
from pytest_collab.episode.outcome import Outcome
from pytest_collab.episode.plan import Plan
from pytest_collab.episode.record import Episode
from pytest_collab.episode.transcript import Transcript


@dataclass(frozen=True, slots=True)
class Played:
    """One played episode: its record and its transcript."""

    episode: Episode
    transcript: Transcript


def play_episode(
    params: Params,
    team: Sequence[str | Agent],
    condition: str = "team",
    seed: int = 0,
    *,
    family: Family[Any] | None = None,
    limits: Limits | None = None,
    registry: Registry | None = None,
) -> Played:
    """Play one episode in this process, outside any pytest session.

    Args:
        params: the family's params.
        team: agents in seat order, by name or as objects.
        family: only needed for a family that is not registered.

    Raises:
        TaskError, UsageError: as the command line would refuse.
    """
    family = family or families.of(params)
    registry = registry or Registry()
    agents = [registry.get(agent) if isinstance(agent, str) else agent for agent in team]
    how = Condition.parse(condition)
    family.prepare([(params, [seed])])
    plan = Plan(
        family=family,
        params=params,
        task="played",
        task_hash="",
        condition=how,
        team=tuple(agent.name for agent in agents),
        agents=tuple(agents),
        others=registry.get(how.argument) if how.kind == "with" else None,
        seed=seed,
        limits=limits or family.limits(params),
    )
    transcript = anyio.run(play, plan)
    verdict = judge(family, params, seed, how, transcript)
    return Played(record(transcript, verdict, episode_id=plan.id), transcript)


def check_family(family: Family[Any], examples: Iterable[Params], *, seeds: Sequence[int] = (0, 1)) -> None:
    """Check that a family keeps every promise that the engine, reports and statistics rely on.

    For each example it plays every general condition that the family supports with every member of its cast, and
    checks: the same seed gives the same game and, with the same replies, the same transcript; verdicts are pure
    and agree with themselves after the transcript went through JSON; scores lie in 0..1; every failure names events
    that exist and (infrastructure apart) seats at fault; an unsuccessful episode has a failure; `partner` exists,
    is at least as good as `nop`, and `mute` delivers nothing; pictures are drawn without script.

    Raises:
        AssertionError: naming the family, example, condition, player and seed.
    """
    for params in examples:
        assert type(params).family == family.name, f"{type(params).__name__}.family is not {family.name!r}"
        assert isinstance(params, family.params_type)
        again = family.params_type(**params.model_dump())
        assert again == params, f"{family.name}: params do not survive model_dump: {params} -> {again}"
        assert "partner" in family.cast, f"family {family.name!r} casts no partner"
        assert len(family.seats(params)) >= 1
        family.prepare([(params, list(seeds))])
        scores: dict[str, list[float]] = {}
        for kind in GENERAL:
            text = {"with": "with:partner", "relay": "relay:1"}.get(kind, kind)
            how = Condition.parse(text)
            refusal = family.refuses(how, params)
            if refusal is not None:
                assert "\n" not in refusal, f"{family.name}: the reason against {text} must be one line"
                assert len(refusal) > 10, f"{family.name}: {refusal!r} is no reason against {text}"
                continue
            for name in family.cast:
                for seed in seeds:
                    where = f"{family.name} {params!r} {text} {name} seed {seed}"
                    played = _play_by_name(family, params, name, text, seed)
                    _check_played(family, params, how, seed, played, where)
                    if text == "team":
                        scores.setdefault(name, []).append(played.episode.score)
        if "nop" in scores:
            assert sum(scores["partner"]) >= sum(scores["nop"]), f"{family.name}: nop beats partner at {params!r}"


def _play_by_name(family: Family[Any], params: Params, name: str, condition: str, seed: int) -> Played:
    team = [name] if Condition.parse(condition).takes_one_agent else [name, "partner"]
    registry = Registry(cast=family.cast)
    return play_episode(params, team, condition, seed, family=family, registry=registry)


def _check_played(family: Family[Any], params: Params, how: Condition, seed: int, played: Played, where: str) -> None:
    episode, transcript = played.episode, played.transcript
    assert episode.outcome is not Outcome.INFRASTRUCTURE, f"{where}: {episode.error}"
    copy = Transcript.parse([event.json_line() for event in transcript])
    first = judge(family, params, seed, how, transcript)
    second = judge(family, params, seed, how, copy)
    assert first == second, f"{where}: the verdict changes when the transcript went through JSON"
    rerecorded = record(copy, second, episode_id=episode.id)
    assert rerecorded.model_dump() == episode.model_dump() | {"duration_s": rerecorded.duration_s}, where
    assert 0.0 <= episode.score <= 1.0, where
    for failure in episode.failures:
        assert all(0 <= seq < len(transcript) for seq in failure.events), f"{where}: {failure} names no event"
        assert failure.events, f"{where}: {failure.code} has no evidence"
        assert failure.seats, f"{where}: {failure.code} blames nobody"
        known = set(transcript.start["seats"]) | set(family.seats(params))
        assert set(failure.seats) <= known, f"{where}: {failure}"
    if not episode.success:
        assert episode.failures, f"{where}: {episode.outcome} without any failure code"
    if how.muted:
        assert not any(event.data["delivered"] for event in transcript.of("message")), f"{where}: mute delivers"
    json.loads(episode.json_line())
    picture = family.draw(params, seed, how, copy)
    if picture is not None:
        assert picture.text.strip(), f"{where}: an empty picture"
        assert "<script" not in picture.svg, where
        assert "javascript:" not in picture.svg, where
        if picture.svg:
            assert picture.svg.lstrip().startswith("<svg"), f"{where}: the picture is no svg element"
