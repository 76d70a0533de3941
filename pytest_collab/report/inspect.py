"""A run as inspect_ai logs, which `inspect view` and `inspect_ai.log.read_eval_log` open.

An inspect_ai log holds one task and one model, so a run becomes one log for each task, condition and team; the
condition stands in the task's name. An episode is a sample: its transcript's prompts and replies are the sample's
messages, all that happened its events, and two scores say what it came to: `outcome` (the score, 0..1) and `success`
(1 or 0). A log begins with its first episode and ends with its last.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_collab.episode.outcome import Outcome
from pytest_collab.episode.record import Episode
from pytest_collab.episode.run import RunInfo
from pytest_collab.episode.transcript import Transcript
from pytest_collab.errors import UsageError

if TYPE_CHECKING:
    from inspect_ai.log import EvalLog, EvalSample
    from inspect_ai.model import ModelUsage


def write_logs(
    episodes: Sequence[Episode], read: Callable[[Episode], Transcript], info: RunInfo, folder: Path
) -> list[Path]:
    """Write one `.eval` file per task, condition and team.

    Args:
        read: an episode's transcript.

    Raises:
        UsageError: inspect_ai is not installed.
    """
    try:
        from inspect_ai.log import write_eval_log
    except ImportError:
        raise UsageError("this format needs inspect_ai: pip install 'pytest-collab[inspect]'") from None
    folder.mkdir(parents=True, exist_ok=True)
    if not info.started:  # all logs of a run have one id, which follows from when it began
        info = info.model_copy(update={"started": datetime.now(UTC).isoformat(timespec="seconds")})

    def group(episode: Episode) -> tuple[str, str, str, str]:
        return episode.family, episode.task, episode.condition, "+".join(episode.team)

    paths = []
    for number, (names, members) in enumerate(groupby(sorted(episodes, key=group), key=group)):
        path = folder / f"{number:04d}_{re.sub(r'[^A-Za-z0-9_.+-]+', '-', '_'.join(names))[:120]}.eval"
        write_eval_log(_log(names, list(members), read, info), str(path))
        paths.append(path)
    return paths


def _log(
    names: tuple[str, str, str, str],
    episodes: Sequence[Episode],
    read: Callable[[Episode], Transcript],
    info: RunInfo,
) -> EvalLog:
    from inspect_ai.log import (
        EvalConfig,
        EvalDataset,
        EvalLog,
        EvalMetric,
        EvalResults,
        EvalScore,
        EvalSpec,
        EvalStats,
    )

    family, task, condition, team = names
    started = info.started
    transcripts = {episode.id: read(episode) for episode in episodes}
    began = {episode.id: _began(transcripts[episode.id], started) for episode in episodes}
    ended = max(began[episode.id] + timedelta(seconds=episode.duration_s) for episode in episodes)
    judged = [episode for episode in episodes if episode.outcome is not Outcome.INFRASTRUCTURE]

    def score(name: str, values: Sequence[float]) -> EvalScore:
        mean = sum(values) / len(values) if values else 0.0
        metrics = {"mean": EvalMetric(name="mean", value=mean)}
        return EvalScore(name=name, scorer=f"pytest_collab/{name}", metrics=metrics, scored_samples=len(values))

    return EvalLog(
        status="success",
        eval=EvalSpec(
            eval_id=_identity(started, *names),
            run_id=_identity(started),
            task_id=_identity(*names),
            created=started,
            task=f"{family}/{task} {condition}",
            task_args={"condition": condition, "team": team},
            dataset=EvalDataset(name=task, samples=len(episodes), sample_ids=[one.id for one in episodes]),
            model=f"team/{team}",
            config=EvalConfig(),
            packages=info.versions,
            metadata={"condition": condition, "team": team.split("+"), "family": family},
        ),
        stats=EvalStats(
            started_at=min(began.values()).isoformat(timespec="milliseconds"),
            completed_at=ended.isoformat(timespec="milliseconds"),
            model_usage=_consumed(episodes),
        ),
        results=EvalResults(
            total_samples=len(episodes),
            completed_samples=len(judged),
            scores=[
                score("outcome", [episode.score for episode in judged]),
                score("success", [float(episode.success) for episode in judged]),
            ],
        ),
        samples=[_sample(episode, transcripts[episode.id], started, began[episode.id]) for episode in episodes],
    )


def _identity(*parts: str) -> str:
    """An id that follows from what it names: tables of logs and samples are joined by them."""
    return sha256("\x1f".join(parts).encode()).hexdigest()[:22]


def _began(transcript: Transcript, started: str) -> datetime:
    """When an episode began, by the clock on the wall; where that was not kept, when the run did."""
    known = [event.data.get("at") for event in transcript.of("start")]
    for text in (*known, started):
        try:
            found = datetime.fromisoformat(str(text))
        except ValueError:
            continue
        return found if found.tzinfo else found.replace(tzinfo=UTC)
    return datetime.now(UTC)


def _consumed(episodes: Sequence[Episode]) -> dict[str, ModelUsage]:
    """Tokens of all episodes of a log, by agent."""
    from inspect_ai.model import ModelUsage

    found: dict[str, ModelUsage] = {}
    for used in (seat for episode in episodes for seat in episode.usage.values()):
        known = found.get(used.agent, ModelUsage())
        found[used.agent] = ModelUsage(
            input_tokens=known.input_tokens + used.input_tokens,
            output_tokens=known.output_tokens + used.output_tokens,
            total_tokens=known.total_tokens + used.input_tokens + used.output_tokens,
            input_tokens_cache_read=(known.input_tokens_cache_read or 0) + used.cached_tokens,
        )
    return found


def _sample(episode: Episode, transcript: Transcript, started: str, began: datetime) -> EvalSample:
    from inspect_ai._util.error import EvalError
    from inspect_ai.log import EvalSample
    from inspect_ai.model import ModelOutput, ModelUsage
    from inspect_ai.scorer import Score

    usage = {
        f"{seat}: {used.agent}": ModelUsage(
            input_tokens=used.input_tokens,
            output_tokens=used.output_tokens,
            total_tokens=used.input_tokens + used.output_tokens,
            input_tokens_cache_read=used.cached_tokens,
            total_cost=used.cost_usd,
        )
        for seat, used in episode.usage.items()
    }
    codes = [failure.code for failure in episode.failures]
    why = "\n".join(f"{failure.code} ({', '.join(failure.seats)}): {failure.note}" for failure in episode.failures)
    messages = _messages(transcript)
    last = transcript.last("reply")
    error = None
    if episode.outcome is Outcome.INFRASTRUCTURE:
        said = episode.error or "infrastructure error"
        error = EvalError(message=said, traceback=said, traceback_ansi=said)
    return EvalSample(
        id=episode.id,
        uuid=_identity(started, episode.id),
        epoch=episode.epoch + 1,
        input=f"{episode.task}, seed {episode.seed}",
        target="success",
        messages=messages,
        output=ModelOutput.from_content("+".join(episode.team), last.data["text"] if last else ""),
        scores={
            "outcome": Score(value=episode.score, answer=str(episode.outcome), explanation=why),
            "success": Score(value=int(episode.success), answer=str(episode.outcome)),
        },
        metadata={
            "outcome": str(episode.outcome),
            "codes": codes,
            "seed": episode.seed,
            "condition": episode.condition,
            "team": list(episode.team),
            "metrics": episode.metrics,
            "failures": [failure.model_dump(mode="json") for failure in episode.failures],
        },
        model_usage=usage,
        events=_events(transcript, began),
        started_at=began.isoformat(timespec="milliseconds"),
        completed_at=(began + timedelta(seconds=episode.duration_s)).isoformat(timespec="milliseconds"),
        total_time=episode.duration_s,
        error=error,
    )


def _events(transcript: Transcript, began: datetime) -> list[Any]:
    """All that happened: an answer with its prompt as a call of a model, everything else as it was written down."""
    from inspect_ai.event import InfoEvent, ModelEvent
    from inspect_ai.model import ChatMessageUser, GenerateConfig, ModelOutput

    made: list[Any] = []
    asked: dict[str | None, str] = {}
    for event in transcript:
        when = {"timestamp": began + timedelta(seconds=event.t), "working_start": event.t}
        if event.kind == "prompt":
            asked[event.seat] = str(event.data.get("text", ""))
        elif event.kind == "reply":
            model = str(event.data.get("model") or event.seat)
            prompt = asked.pop(event.seat, None)
            made.append(
                ModelEvent(
                    model=model,
                    role=event.seat,
                    input=[] if prompt is None else [ChatMessageUser(content=prompt)],
                    tools=[],
                    tool_choice="none",
                    config=GenerateConfig(),
                    output=ModelOutput.from_content(model, str(event.data.get("text", ""))),
                    **when,
                )
            )
        else:
            source = event.kind if event.seat is None else f"{event.seat}: {event.kind}"
            made.append(InfoEvent(source=source, data={"seq": event.seq, **event.data}, **when))
    return made


def _messages(transcript: Transcript) -> list[Any]:
    """What each seat was told and what it answered, in order; the seat is named at the head of each.

    `inspect view` shows all system messages as one text: each ends with an empty line.
    """
    from inspect_ai.model import ChatMessageAssistant, ChatMessageSystem, ChatMessageUser

    made: list[Any] = []
    for event in transcript.of("brief", "prompt", "reply"):
        text = f"[{event.seat}] {event.data.get('text', '')}"
        if event.kind == "brief":
            made.append(ChatMessageSystem(content=f"{text}\n\n"))
        elif event.kind == "prompt":
            made.append(ChatMessageUser(content=text))
        else:
            made.append(ChatMessageAssistant(content=text, model=str(event.data.get("model") or "")))
    return made
