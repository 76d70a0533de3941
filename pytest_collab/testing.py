"""For authors of families and agents: play an episode, check a family, check an agent, use a recorded team."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio

from pytest_collab import families
from pytest_collab.agents.recording import Recording
from pytest_collab.agents.registry import Registry
from pytest_collab.episode.agent import Agent
from pytest_collab.episode.condition import GENERAL, Condition
from pytest_collab.episode.engine import play
from pytest_collab.episode.family import Family, Params
from pytest_collab.episode.judge import judge, record
from pytest_collab.episode.limits import Limits
from pytest_collab.episode.outcome import FAMILY_CODES, Outcome
from pytest_collab.episode.plan import Plan, Prefix
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
    grader: str | Agent | None = None,
    prefix: Prefix | None = None,
    gradings: int = 1,
) -> Played:
    """Play one episode in this process, outside any pytest session.

    The agents are closed afterwards, since the event loop ends; models open new connections when they play again.

    Args:
        params: the family's params.
        team: agents in seat order, by name or as objects.
        family: only needed for a family that is not registered.
        grader: who reads free-form dialogue: an agent, `seats` (each is asked when it has ended), or the family's own
            rules when None.
        gradings: how often the grader reads.
        prefix: turns of another episode to begin with, see `episode.plan.Prefix`.

    Raises:
        TaskError, UsageError: as the command line would refuse.
    """
    family = family or families.of(params)
    registry = registry or Registry()
    agents = [registry.get(agent) if isinstance(agent, str) else agent for agent in team]
    reader = grader if isinstance(grader, Agent) else registry.get(grader) if grader not in (None, "seats") else None
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
        others=registry.get(how.others) if how.others else None,
        seed=seed,
        grader=reader,
        gradings=gradings,
        asks_seats=grader == "seats",
        limits=limits or family.limits(params),
        prefix=prefix,
    )

    async def play_and_close() -> Transcript:
        try:
            return await play(plan)
        finally:
            for agent in {id(agent): agent for agent in (*agents, *registry.all())}.values():
                await agent.aclose()

    transcript = anyio.run(play_and_close)
    verdict = judge(family, params, seed, how, transcript)
    return Played(record(transcript, verdict, episode_id=plan.id), transcript)


def recorded_team(folder: Path, names: Sequence[str] | None = None) -> list[Agent]:
    """Agents that answer from a recording (`--collab-record`), for tests without keys and network.

    Args:
        names: which of the recorded agents, in seat order; all of them by name when None.

    Raises:
        UsageError: there is no recording, or no agent of that name in it.
    """
    registry = Registry(replay=folder)
    return [registry.get(name) for name in (sorted(Recording(folder).agents()) if names is None else names)]


def check_agent(make: Callable[[], Agent], params: Params | None = None, *, seeds: Sequence[int] = (0, 1, 2)) -> None:
    """Check that an agent keeps every promise that the engine, reports and budgets rely on.

    It plays all `seeds` at the same time in one event loop, beside the family's `partner`, and checks: it raises
    nothing, every answer is a `Reply` with sane usage, what it tells about itself is JSON and holds no secret of
    the environment, and it can be closed.

    Args:
        make: makes the agent under test; called once.
        params: what to play; a small maze when None.

    Raises:
        AssertionError: says which promise is broken.
    """
    family: Family[Any] = families.get("maze") if params is None else families.of(params)
    played_params = params if params is not None else family.params_type(size=4, path=(4, 6), turns=8)  # type: ignore[call-arg]
    agent = make()
    about = json.dumps(agent.describe())
    for variable, value in os.environ.items():
        if len(value) > 7 and any(word in variable.upper() for word in ("KEY", "TOKEN", "SECRET", "PASSWORD")):
            assert value not in about, f"describe() gives away the value of {variable}"
    registry = Registry(cast=family.cast)
    family.prepare([(played_params, list(seeds))])
    plans = [_plan(family, played_params, (agent, registry.get("partner")), seed) for seed in seeds]
    transcripts: dict[int, Transcript] = {}

    async def play_all() -> None:
        async def play_one(plan: Plan) -> None:
            transcripts[plan.seed] = await play(plan)

        async with anyio.create_task_group() as group:
            for plan in plans:
                group.start_soon(play_one, plan)
        await agent.aclose()

    anyio.run(play_all)
    for seed, transcript in transcripts.items():
        for event in transcript:
            where = f"agent {agent.name!r}, seed {seed}, event {event.seq}"
            assert event.kind != "error", f"{where}: {event.data['text']}"
            assert "left badly" not in str(event.data.get("warning", "")), f"{where}: {event.data['warning']}"
            if event.seat != transcript.start["seats"][0]:
                continue
            if event.kind == "malformed":
                why = event.data["why"]
                assert not why.startswith("the agent"), f"{where}: {why}"
            if event.kind == "reply":
                usage = event.data["usage"]
                counts = [
                    usage[key] for key in ("calls", "input_tokens", "output_tokens", "cached_tokens", "retries")
                ]
                assert all(isinstance(count, int) and count >= 0 for count in counts), f"{where}: usage {usage}"
                assert usage["cached_tokens"] <= usage["input_tokens"], (
                    f"{where}: cached tokens are part of the input"
                )
                assert usage["cost_usd"] is None or 0 <= usage["cost_usd"] < float("inf"), f"{where}: usage {usage}"


def _plan(family: Family[Any], params: Params, agents: tuple[Agent, ...], seed: int) -> Plan:
    return Plan(
        family=family,
        params=params,
        task="checked",
        task_hash="",
        condition=Condition.parse("team"),
        team=tuple(agent.name for agent in agents),
        agents=agents,
        seed=seed,
        limits=family.limits(params),
    )


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
        assert failure.seats or failure.ungraded, f"{where}: {failure.code} blames nobody"
        known = set(transcript.start["seats"]) | set(family.seats(params))
        assert set(failure.seats) <= known, f"{where}: {failure}"
        declared = family.codes is None or failure.code in family.codes or failure.code not in FAMILY_CODES
        assert declared, f"{where}: {failure.code} is not among the family's `codes`"
    if not episode.success:
        assert episode.failures, f"{where}: {episode.outcome} without any failure code"
    if how.muted:
        assert not any(event.data["delivered"] for event in transcript.of("message")), f"{where}: mute delivers"
    json.loads(episode.json_line())
    for event in copy.of("action"):
        assert family.tell(event.data["action"]).strip(), f"{where}: tells nothing of {event.data['action']!r}"
    assert "\n" not in family.about(params, seed), f"{where}: what it is about is more than a line"
    picture = family.draw(params, seed, how, copy)
    if picture is not None:
        assert picture.text.strip(), f"{where}: an empty picture"
        assert "<script" not in picture.svg, where
        assert "javascript:" not in picture.svg, where
        if picture.svg:
            assert picture.svg.lstrip().startswith("<svg"), f"{where}: the picture is no svg element"
