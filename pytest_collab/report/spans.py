"""Episodes as OpenTelemetry spans, in the words of the GenAI semantic conventions.

Followed is version 1.41.1 of the semantic conventions, the last release that carries the GenAI pages before they
moved to a repository of their own; their status is "development". An episode becomes one trace:

    invoke_workflow FAMILY/TASK      the episode: outcome, score, failures
      invoke_agent AGENT             a seat, as long as that agent sits on it
        chat MODEL                   one question and its answer
        execute_tool NAME            one tool call

What has no word there is called `collab.*`. What agents and games wrote is left out unless it is asked for.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from pytest_collab.episode.record import Episode
from pytest_collab.episode.run import RunInfo
from pytest_collab.episode.transcript import Event, Transcript
from pytest_collab.report.story import headline

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer

SEMANTIC_CONVENTIONS: Final = "1.41.1"
SCHEMA_URL: Final = f"https://opentelemetry.io/schemas/{SEMANTIC_CONVENTIONS}"

_PROVIDERS: Final = {"openai-chat": "openai"}  # the convention names the protocol, not who stands behind it
_REMOTE: Final = ("anthropic", "openai")
_FINISH: Final = {"end": "stop", "tool": "tool_call", "filter": "content_filter"}


def emit(tracer: Tracer, episode: Episode, transcript: Transcript, info: RunInfo, *, content: bool = False) -> None:
    """Start and end every span of one episode, at the times of its transcript.

    Args:
        tracer: of any SDK; it decides where spans go.
        info: the run's; gives agents' providers, and the time of episodes whose transcript does not have it.
        content: also what agents were told, answered and did, and notes that may quote it.
    """
    _Trace(tracer, episode, transcript, info, content).emit()


class _Trace:
    """One episode while it is told."""

    def __init__(
        self, tracer: Tracer, episode: Episode, transcript: Transcript, info: RunInfo, content: bool
    ) -> None:
        self._tracer = tracer
        self._episode = episode
        self._transcript = transcript
        self._content = content
        self._began = _began(transcript, info)
        self._end = max([episode.duration_s, *(event.t for event in transcript)], default=0.0)
        self._providers = {
            str(agent.get("name")): _PROVIDERS.get(str(agent["provider"]), str(agent["provider"]))
            for agent in info.agents
            if agent.get("provider")
        }

    def emit(self) -> None:
        episode = self._episode
        codes = [failure.code for failure in episode.failures]
        root = self._start(
            f"invoke_workflow {episode.family}/{episode.task}",
            0.0,
            {
                "gen_ai.operation.name": "invoke_workflow",
                "gen_ai.workflow.name": f"{episode.family}/{episode.task}",
                "gen_ai.conversation.id": episode.id,
                "collab.family": episode.family,
                "collab.task": episode.task,
                "collab.condition": episode.condition,
                "collab.team": list(episode.team),
                "collab.seed": episode.seed,
                "collab.epoch": episode.epoch,
                "collab.attempt": episode.attempt,
                "collab.turns": episode.turns,
                "collab.worker": episode.worker,
                "collab.outcome": str(episode.outcome),
                "collab.score": episode.score,
                "collab.failures": codes,
                "collab.cost_usd": episode.cost_usd,
                **{f"collab.metric.{name}": value for name, value in episode.metrics.items()},
            },
        )
        for number, failure in enumerate(episode.failures):
            told: dict[str, Any] = {
                "collab.failure.code": failure.code,
                "collab.failure.cause": str(failure.cause),
                "collab.failure.seats": list(failure.seats),
                "collab.failure.events": list(failure.events),
                "collab.failure.headline": number == 0,
            }
            if self._content:
                told["collab.failure.note"] = failure.note
            shown = [self._transcript[seq].t for seq in failure.events if seq < len(self._transcript)]
            self._event(root, "collab.failure", max(shown, default=self._end), told)
        verdict: dict[str, Any] = {
            "gen_ai.evaluation.name": "collab.outcome",
            "gen_ai.evaluation.score.value": episode.score,
            "gen_ai.evaluation.score.label": str(episode.outcome),
        }
        if self._content:
            verdict["gen_ai.evaluation.explanation"] = headline(episode)
        self._event(root, "gen_ai.evaluation.result", self._end, verdict)
        if not episode.success:
            kind = codes[0] if codes else str(episode.outcome)
            self._fail(root, kind, f"{episode.outcome}: {kind}")
        for seat in dict.fromkeys(event.seat for event in self._transcript.of("seated")):
            if seat is not None:
                self._seat(root, seat)
        for event in self._transcript.of("grader_reply"):
            agent, model = str(event.data.get("agent", "")), str(event.data.get("model", ""))
            self._chat(root, agent, "", model, _asked_before(self._transcript, event), event)
        root.end(self._at(self._end))

    # Seats.

    def _seat(self, root: Span, seat: str) -> None:
        """One span per agent that sat on the seat: two after a relay."""
        own = [event for event in self._transcript if event.seat == seat]
        taken = [index for index, event in enumerate(own) if event.kind == "seated"]
        for place, first in enumerate(taken):
            last = place + 1 == len(taken)
            events = own[first : None if last else taken[place + 1]]
            self._agent(root, seat, events, self._end if last else own[taken[place + 1]].t)

    def _agent(self, root: Span, seat: str, events: Sequence[Event], until: float) -> None:
        name, model = str(events[0].data["agent"]), str(events[0].data.get("model") or "")
        usages = [event.data["usage"] for event in events if event.data.get("usage")]
        span = self._start(
            f"invoke_agent {name}",
            events[0].t,
            {
                "gen_ai.operation.name": "invoke_agent",
                "gen_ai.provider.name": self._provider(name, model),
                "gen_ai.agent.name": name,
                "gen_ai.agent.id": f"{name}@{seat}",
                "gen_ai.conversation.id": self._episode.id,
                "gen_ai.request.model": model or None,
                "collab.seat": seat,
                "collab.condition": self._episode.condition,
                **_tokens(usages),
            },
            parent=root,
        )
        self._calls(span, name, seat, model, events, until)
        for event in events:
            if event.kind == "malformed":
                why = {"collab.malformed.why": event.data["why"]} if self._content else {}
                self._event(span, "collab.malformed", event.t, {"collab.event": event.seq, **why})
            elif event.kind == "message":
                told: dict[str, Any] = {
                    "collab.message.to": list(event.data["to"]),
                    "collab.message.delivered": list(event.data["delivered"]),
                    "collab.message.dropped": [f"{who}: {why}" for who, why in event.data["dropped"].items()],
                    "collab.event": event.seq,
                }
                if self._content:
                    told["collab.message.text"] = event.data["text"]
                self._event(span, "collab.message", event.t, told)
        here = {event.seq for event in events}
        at_fault = [
            failure.code
            for failure in self._episode.failures
            if seat in failure.seats
            and (not failure.events or here.intersection(failure.events) or until == self._end)
        ]
        if at_fault and not self._episode.success:
            self._fail(span, at_fault[0], ", ".join(at_fault))
        span.end(self._at(until))

    def _calls(self, parent: Span, agent: str, seat: str, model: str, events: Sequence[Event], until: float) -> None:
        """Questions with their answers, and tool calls with their results."""
        asked: Event | None = None
        results = {event.data.get("call"): event for event in events if event.kind == "tool_result"}
        for event in events:
            if event.kind == "prompt":
                asked = event
            elif event.kind in ("reply", "failed_call"):
                self._chat(parent, agent, seat, model, asked or event, event)
                asked = None
            elif event.kind == "tool_call":
                self._tool(parent, seat, event, results.get(event.seq), until)
        if asked is not None:
            self._unanswered(parent, agent, seat, model, asked, until)

    def _chat(self, parent: Span, agent: str, seat: str, model: str, asked: Event, answered: Event) -> None:
        data = answered.data
        usage: Mapping[str, Any] = data.get("usage") or {}
        provider = self._provider(agent, model)
        stop = str(data.get("stop") or "")
        span = self._start(
            f"chat {model or agent}",
            asked.t,
            {
                "gen_ai.operation.name": "chat",
                "gen_ai.provider.name": provider,
                "gen_ai.agent.name": agent,
                "gen_ai.conversation.id": self._episode.id,
                "gen_ai.request.model": model or None,
                "gen_ai.response.model": data.get("model") or None,
                "gen_ai.response.finish_reasons": [_FINISH.get(stop, stop)] if stop else None,
                **_tokens([usage]),
                "collab.cost_usd": usage.get("cost_usd"),
                "collab.retries": usage.get("retries"),
                "collab.seat": seat or None,
                "collab.turn": data.get("turn"),
                "collab.event": answered.seq,
                **(self._exchange(seat, asked, answered) if self._content else {}),
            },
            parent=parent,
            remote=provider in _REMOTE,
        )
        if answered.kind == "failed_call":
            self._fail(span, "provider_error", "the answer never came")
        span.end(self._at(answered.t))

    def _unanswered(self, parent: Span, agent: str, seat: str, model: str, asked: Event, until: float) -> None:
        """A question whose answer never came: the episode ended first."""
        stopped = next(
            (
                event
                for event in self._transcript[asked.seq + 1 :]
                if event.kind in ("limit", "error") and event.seat in (seat, None)
            ),
            None,
        )
        provider = self._provider(agent, model)
        span = self._start(
            f"chat {model or agent}",
            asked.t,
            {
                "gen_ai.operation.name": "chat",
                "gen_ai.provider.name": provider,
                "gen_ai.agent.name": agent,
                "gen_ai.conversation.id": self._episode.id,
                "gen_ai.request.model": model or None,
                "collab.seat": seat,
                "collab.turn": asked.data.get("turn"),
            },
            parent=parent,
            remote=provider in _REMOTE,
        )
        code = str(stopped.data.get("code") or "_OTHER") if stopped is not None else "_OTHER"
        self._fail(span, code, "the answer never came")
        span.end(self._at(until if stopped is None else stopped.t))

    def _exchange(self, seat: str, asked: Event, answered: Event) -> dict[str, Any]:
        """Instructions, question and answer, as the conventions write messages: JSON of parts."""
        data = answered.data
        parts: list[dict[str, Any]] = [{"type": "text", "content": data.get("text", "")}]
        parts += [
            {"type": "tool_call", "id": call["id"], "name": call["name"], "arguments": call["arguments"]}
            for call in data.get("tool_calls", ())
        ]
        stop = str(data.get("stop") or "end")
        told = {
            "gen_ai.output.messages": [
                {"role": "assistant", "parts": parts, "finish_reason": _FINISH.get(stop, stop)}
            ]
        }
        if asked.kind == "prompt" and "text" in asked.data:
            words = {"type": "text", "content": asked.data["text"]}
            told["gen_ai.input.messages"] = [{"role": "user", "parts": [words]}]
        brief = next(iter(self._transcript.of("brief", seat=seat)), None) if seat else None
        if brief is not None:
            told["gen_ai.system_instructions"] = [{"type": "text", "content": brief.data.get("text", "")}]
        return {key: json.dumps(value, ensure_ascii=False) for key, value in told.items()}

    def _tool(self, parent: Span, seat: str, call: Event, result: Event | None, until: float) -> None:
        name = str(call.data["name"])
        attributes: dict[str, Any] = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": name,
            "gen_ai.tool.type": "function",
            "gen_ai.tool.call.id": str(call.data["id"]),
            "collab.seat": seat,
            "collab.turn": call.data.get("turn"),
            "collab.event": call.seq,
        }
        if self._content:
            attributes["gen_ai.tool.call.arguments"] = json.dumps(call.data["arguments"], ensure_ascii=False)
            if result is not None:
                attributes["gen_ai.tool.call.result"] = result.data.get("text", "")
        span = self._start(f"execute_tool {name}", call.t, attributes, parent=parent)
        if result is None:
            self._fail(span, "_OTHER", "the tool never answered")
        elif result.data.get("is_error"):
            self._fail(span, "tool_error", "the tool answered with an error")
        span.end(self._at(until if result is None else result.t))

    # The SDK.

    def _start(
        self,
        name: str,
        t: float,
        attributes: Mapping[str, Any],
        *,
        parent: Span | None = None,
        remote: bool = False,
    ) -> Span:
        from opentelemetry.context import Context
        from opentelemetry.trace import SpanKind, set_span_in_context

        return self._tracer.start_span(
            name,
            context=Context() if parent is None else set_span_in_context(parent),  # never within another's trace
            kind=SpanKind.CLIENT if remote else SpanKind.INTERNAL,
            attributes={key: value for key, value in attributes.items() if value is not None},
            start_time=self._at(t),
        )

    def _event(self, span: Span, name: str, t: float, attributes: Mapping[str, Any]) -> None:
        span.add_event(name, dict(attributes), self._at(t))

    @staticmethod
    def _fail(span: Span, kind: str, why: str) -> None:
        from opentelemetry.trace import Status, StatusCode

        span.set_attribute("error.type", kind)
        span.set_status(Status(StatusCode.ERROR, why))

    def _at(self, t: float) -> int:
        """Nanoseconds since 1970 of a time of the transcript."""
        return self._began + round(t * 1e9)

    def _provider(self, agent: str, model: str) -> str:
        if agent in self._providers:
            return self._providers[agent]
        return "builtin" if model.startswith("builtin/") else "_OTHER"


def _began(transcript: Transcript, info: RunInfo) -> int:
    """When the episode began, in nanoseconds since 1970; when the run did, for transcripts that do not say."""
    for text in (str(transcript.start.get("at") or ""), info.started):
        with suppress(ValueError):
            moment = datetime.fromisoformat(text)
            moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
            return round(moment.timestamp() * 1_000_000) * 1000
    return 0


def _asked_before(transcript: Transcript, event: Event) -> Event:
    """The event after which a grader was asked: the one before its answer."""
    before: Event = transcript[max(0, event.seq - 1)]
    return before


def _tokens(usages: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Token counts; nothing at all where no model was called."""
    if not any(usage.get("input_tokens") or usage.get("output_tokens") for usage in usages):
        return {}
    return {
        "gen_ai.usage.input_tokens": sum(usage.get("input_tokens", 0) for usage in usages),
        "gen_ai.usage.output_tokens": sum(usage.get("output_tokens", 0) for usage in usages),
        "gen_ai.usage.cache_read.input_tokens": sum(usage.get("cached_tokens", 0) for usage in usages),
    }
