"""`collab export --format otel`: an episode as a trace, checked with the SDK's own exporters and a real collector."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from pytest_collab.agents.registry import Registry
from pytest_collab.cli import main
from pytest_collab.episode.agent import Agent, Reply, Request, ToolCall, Usage
from pytest_collab.episode.limits import Limits
from pytest_collab.episode.outcome import Outcome
from pytest_collab.episode.record import Episode
from pytest_collab.episode.run import RunDirectory, RunInfo
from pytest_collab.episode.transcript import Transcript
from pytest_collab.report.otel import CONTENT, export
from pytest_collab.report.spans import SCHEMA_URL
from pytest_collab.testing import Played, play_episode
from tests.support.handshake import Handshake, HandshakeFamily

sdk = pytest.importorskip("opentelemetry.sdk.trace.export", reason="pip install 'pytest-collab[otel]'")
memory = pytest.importorskip("opentelemetry.sdk.trace.export.in_memory_span_exporter")

INFO = RunInfo(started="2026-05-01T10:00:00+00:00", agents=[{"name": "parrot", "model": "p-1", "provider": "openai"}])


class Parrot(Agent):
    """Says the number, and what that took."""

    name, model = "parrot", "p-1"

    async def reply(self, request: Request) -> Reply:
        usage = Usage(calls=1, input_tokens=100, output_tokens=7, cached_tokens=60, cost_usd=0.5)
        return Reply(f"It is {request.view.get('number', 'secret')}", usage=usage, model="p-1-2026", stop="length")


def spans_of(played: Played, *, content: bool = False, info: RunInfo = INFO) -> list[Any]:
    taken = memory.InMemorySpanExporter()
    sent = export([played.episode], lambda _: played.transcript, info, content=content, exporters=[taken])
    found = list(taken.get_finished_spans())
    assert sent == len(found)
    return found


def handshake(*team: str | Agent, condition: str = "team", limits: Limits | None = None) -> Played:
    registry = Registry(cast=HandshakeFamily.cast)
    return play_episode(Handshake(), team, condition, family=HandshakeFamily(), limits=limits, registry=registry)


def by_name(spans: list[Any], name: str) -> list[Any]:
    return [span for span in spans if span.name == name]


def test_an_episode_is_one_trace_of_workflow_agents_and_chats():
    played = handshake("partner", "partner")
    spans = spans_of(played)
    (root,) = [span for span in spans if span.parent is None]
    assert root.name == "invoke_workflow handshake/played"
    assert {span.context.trace_id for span in spans} == {root.context.trace_id}
    agents = by_name(spans, "invoke_agent partner")
    assert [span.attributes["collab.seat"] for span in agents] == ["a", "b"]
    assert {span.parent.span_id for span in agents} == {root.context.span_id}
    chats = by_name(spans, "chat builtin/partner")
    assert len(chats) == len(played.transcript.of("reply"))
    assert {span.parent.span_id for span in chats} == {span.context.span_id for span in agents}
    assert {span.attributes["gen_ai.operation.name"] for span in spans} == {"invoke_workflow", "invoke_agent", "chat"}
    assert {span.attributes["gen_ai.conversation.id"] for span in spans} == {played.episode.id}
    assert {span.instrumentation_scope.schema_url for span in spans} == {SCHEMA_URL}
    assert root.attributes["collab.outcome"] == "success"
    assert all(span.status.status_code.name == "UNSET" for span in spans)


def test_every_gen_ai_attribute_is_one_that_the_conventions_know():
    from opentelemetry.semconv._incubating.attributes import gen_ai_attributes

    known = {value for name, value in vars(gen_ai_attributes).items() if name.startswith("GEN_AI")}
    spans = spans_of(handshake(Parrot(), "silent"), content=True)
    told = [attributes for span in spans for attributes in (span.attributes, *(e.attributes for e in span.events))]
    used = {name for attributes in told for name in attributes}
    assert {name for name in used if name.startswith("gen_ai.")} <= known
    assert all(name.startswith(("gen_ai.", "collab.", "error.type")) for name in used)


def test_times_are_the_transcripts_on_the_wall_clock():
    played = handshake("slow", "slow")
    root = next(span for span in spans_of(played) if span.parent is None)
    began = datetime.fromisoformat(played.transcript.start["at"])
    assert abs(datetime.now(UTC) - began) < timedelta(minutes=5)
    assert root.start_time == round(began.timestamp() * 1e6) * 1000
    chats = by_name(spans_of(played), "chat builtin/slow")
    for chat, asked, answered in zip(
        sorted(chats, key=lambda span: span.start_time),
        played.transcript.of("prompt"),
        played.transcript.of("reply"),
        strict=True,
    ):
        assert chat.start_time == root.start_time + round(asked.t * 1e9)
        assert chat.end_time == root.start_time + round(answered.t * 1e9)
    del played.transcript.start["at"]
    root = next(span for span in spans_of(played) if span.parent is None)
    assert root.start_time == round(datetime.fromisoformat(INFO.started).timestamp() * 1e9)


def test_tokens_models_and_providers_are_where_dashboards_look():
    spans = spans_of(handshake(Parrot(), Parrot()))
    chat = by_name(spans, "chat p-1")[0]
    assert chat.kind.name == "CLIENT"
    assert chat.attributes["gen_ai.provider.name"] == "openai"
    assert chat.attributes["gen_ai.request.model"] == "p-1"
    assert chat.attributes["gen_ai.response.model"] == "p-1-2026"
    assert chat.attributes["gen_ai.response.finish_reasons"] == ("length",)
    assert chat.attributes["gen_ai.usage.input_tokens"] == 100
    assert chat.attributes["gen_ai.usage.output_tokens"] == 7
    assert chat.attributes["gen_ai.usage.cache_read.input_tokens"] == 60
    agent = by_name(spans, "invoke_agent parrot")[0]
    own = [span for span in by_name(spans, "chat p-1") if span.parent.span_id == agent.context.span_id]
    assert agent.attributes["gen_ai.usage.input_tokens"] == 100 * len(own)


def test_a_failure_is_a_status_and_an_event_with_its_proof():
    played = handshake("partner", "silent")
    spans = spans_of(played)
    root = next(span for span in spans if span.parent is None)
    assert (root.status.status_code.name, root.attributes["error.type"]) == ("ERROR", "unresponsive")
    (failure,) = [event for event in root.events if event.name == "collab.failure"]
    (known,) = played.episode.failures
    assert failure.attributes["collab.failure.code"] == known.code
    assert failure.attributes["collab.failure.seats"] == known.seats
    assert failure.attributes["collab.failure.events"] == known.events
    at = root.start_time + round(played.transcript[known.events[-1]].t * 1e9)
    assert failure.timestamp == at
    (verdict,) = [event for event in root.events if event.name == "gen_ai.evaluation.result"]
    assert verdict.attributes["gen_ai.evaluation.score.label"] == "coordination_failure"
    assert verdict.attributes["gen_ai.evaluation.score.value"] == played.episode.score
    (guilty,) = by_name(spans, "invoke_agent silent")
    (innocent,) = by_name(spans, "invoke_agent partner")
    assert guilty.status.status_code.name == "ERROR"
    assert innocent.status.status_code.name == "UNSET"


def test_an_answer_that_never_came_is_a_failed_chat():
    played = handshake("partner", "provider_down")
    assert played.episode.outcome is Outcome.INFRASTRUCTURE
    (chat,) = by_name(spans_of(played), "chat builtin/provider_down")
    assert (chat.status.status_code.name, chat.attributes["error.type"]) == ("ERROR", "provider_error")


def test_a_relay_is_two_agents_on_one_seat():
    spans = spans_of(handshake("partner", "stubborn", condition="relay:1"))
    on_a = [span for span in spans if span.name.startswith("invoke_agent") and span.attributes["collab.seat"] == "a"]
    assert [span.attributes["gen_ai.agent.name"] for span in on_a] == ["partner", "stubborn"]
    assert on_a[0].end_time == on_a[1].start_time


def test_what_was_said_goes_out_only_when_asked_for():
    played = handshake(Parrot(), "partner")
    said = [event.data["text"] for event in played.transcript.of("reply", "prompt", "brief", "message")]
    kept = "\n".join(span.to_json() for span in spans_of(played))
    assert not [text for text in said if text and text in kept]
    told = [json.loads(span.to_json()) for span in spans_of(played, content=True)]
    chat = next(one for one in told if one["name"] == "chat p-1")["attributes"]
    (asked,) = json.loads(chat["gen_ai.input.messages"])
    (answered,) = json.loads(chat["gen_ai.output.messages"])
    first, reply = played.transcript.of("prompt", seat="a")[0], played.transcript.of("reply", seat="a")[0]
    assert asked == {"role": "user", "parts": [{"type": "text", "content": first.data["text"]}]}
    assert answered["parts"] == [{"type": "text", "content": reply.data["text"]}]
    assert answered["finish_reason"] == "length"
    assert json.loads(chat["gen_ai.system_instructions"])[0]["content"].startswith("Both of you must say")


def test_tool_calls_are_spans_with_their_results():
    transcript = Transcript()
    transcript.add("start", params={}, at="2026-05-01T10:00:00+00:00")
    transcript.add("seated", "a", agent="parrot", model="p-1")
    transcript.add("prompt", "a", turn=0, text="go")
    calls = [ToolCall("1", "read", {"path": "x"}), ToolCall("2", "write", {})]
    transcript.add("reply", "a", turn=0, text="", stop="tool", model="p-1", usage={}, tool_calls=[])
    for call, text, bad in ((calls[0], "secret", False), (calls[1], "denied", True)):
        asked = transcript.add("tool_call", "a", id=call.id, name=call.name, arguments=dict(call.arguments), turn=0)
        transcript.add("tool_result", "a", id=call.id, text=text, is_error=bad, call=asked.seq)
    transcript.add("tool_call", "a", id="3", name="hang", arguments={}, turn=0)
    episode = Episode(
        id="e", family="f", task="t", condition="team", team=("parrot",), seed=0, outcome=Outcome.SUCCESS, score=1
    )
    spans = spans_of(Played(episode, transcript), content=True)
    (read,), (write,), (hang,) = (by_name(spans, f"execute_tool {name}") for name in ("read", "write", "hang"))
    assert read.attributes["gen_ai.tool.call.id"] == "1"
    assert json.loads(read.attributes["gen_ai.tool.call.arguments"]) == {"path": "x"}
    assert read.attributes["gen_ai.tool.call.result"] == "secret"
    assert (read.status.status_code.name, write.attributes["error.type"]) == ("UNSET", "tool_error")
    assert hang.status.status_code.name == "ERROR"
    assert by_name(spans, "chat p-1")[0].attributes["gen_ai.response.finish_reasons"] == ("tool_call",)


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    directory = RunDirectory.create(tmp_path / "run")
    for team in (["partner", "partner"], ["partner", "silent"]):
        played = handshake(*team)
        directory.add(played.episode, played.transcript)
    directory.write("run.json", INFO)
    return directory


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """A collector on loopback that takes OTLP over HTTP, and keeps the requests."""
    service = pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2")
    taken: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            taken.append((self.path, service.ExportTraceServiceRequest.FromString(body)))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{server.server_address[1]}")
    yield taken
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_collector_gets_the_run_and_the_same_ids_again(run, collector, monkeypatch, capsys):
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=nightly")
    assert main(["export", str(run.path), "--format=otel"]) == 0
    assert main(["export", str(run.path), "--format=otel"]) == 0
    assert "spans of 2 episodes" in capsys.readouterr().err
    assert {path for path, _ in collector} == {"/v1/traces"}

    def spans(request: Any) -> list[Any]:
        return [span for one in request.resource_spans for scope in one.scope_spans for span in scope.spans]

    first, again = (spans(request) for _, request in collector)
    assert [span.span_id for span in first] == [span.span_id for span in again]
    assert len({span.trace_id for span in first}) == 2
    resource = collector[0][1].resource_spans[0].resource
    told = {attribute.key: attribute.value.string_value for attribute in resource.attributes}
    assert told["service.name"] == "pytest-collab"
    assert told["deployment.environment"] == "nightly"


def test_the_console_shows_spans_and_content_by_the_standard_variables(run):
    done = subprocess.run(
        [sys.executable, "-m", "pytest_collab.cli", "export", str(run.path), "--format=otel"],
        env=os.environ | {"OTEL_TRACES_EXPORTER": "console", CONTENT: "true"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert '"name": "invoke_agent silent"' in done.stdout
    assert "gen_ai.output.messages" in done.stdout
    assert "spans of 2 episodes" in done.stderr


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"OTEL_TRACES_EXPORTER": "zipkn"}, "OTEL_TRACES_EXPORTER=zipkn: no such exporter"),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"}, "choose from http/protobuf, grpc"),
    ],
)
def test_an_exporter_that_there_is_not_is_told(run, monkeypatch, capsys, environment, told):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert main(["export", str(run.path), "--format=otel"]) == 2
    assert told in capsys.readouterr().err


def test_a_collector_that_is_not_there_is_told(run, monkeypatch, capsys):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    assert main(["export", str(run.path), "--format=otel"]) == 2
    assert "http://127.0.0.1:9" in capsys.readouterr().err


def test_formats_say_what_they_need(run, capsys):
    assert main(["export", str(run.path), "--format=csv"]) == 2
    assert "needs --out" in capsys.readouterr().err
    assert main(["export", str(run.path), "--format=otel", "--out=x"]) == 2
    assert "leave --out away" in capsys.readouterr().err
