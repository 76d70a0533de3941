"""Sends a run's spans to where OpenTelemetry's own environment variables point."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, Final

from pytest_collab import __version__
from pytest_collab.episode.record import Episode
from pytest_collab.episode.run import RunInfo
from pytest_collab.episode.transcript import Transcript
from pytest_collab.errors import RunError, UsageError
from pytest_collab.report.spans import SCHEMA_URL, emit

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter

GROUP: Final = "opentelemetry_traces_exporter"
CONTENT: Final = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
RESOURCE: Final = "OTEL_RESOURCE_ATTRIBUTES"
BATCH: Final = 512  # spans; what the SDK's own batches hold
_PROTOCOLS: Final = {"http/protobuf": "otlp_proto_http", "grpc": "otlp_proto_grpc"}


def wants_content(environment: Mapping[str, str] = os.environ) -> bool:
    """What the variable that other GenAI instrumentations read says about content; no content unless it says so."""
    return environment.get(CONTENT, "").strip().lower() in ("true", "1", "span_only", "span_and_event")


def export(
    episodes: Iterable[Episode],
    read: Callable[[Episode], Transcript],
    info: RunInfo,
    *,
    content: bool,
    exporters: Iterable[SpanExporter] | None = None,
) -> int:
    """Send one trace an episode.

    The ids of traces and spans follow from the run and the episode: sending a run again makes no new ones.

    Args:
        read: an episode's transcript.
        content: see `spans.emit`.
        exporters: where to; those that the environment names when left out.

    Returns:
        How many spans were sent.

    Raises:
        UsageError: OpenTelemetry is not installed, or the environment names an exporter that is not.
        RunError: an exporter did not take the spans.
    """
    _require()
    delivery = _Delivery(list(_named() if exporters is None else exporters))
    try:
        for episode in episodes:
            provider = _provider(f"{info.started}\0{episode.id}", delivery)
            tracer = provider.get_tracer("pytest_collab", __version__, SCHEMA_URL)
            emit(tracer, episode, read(episode), info, content=content)
        delivery.deliver()
    finally:
        delivery.shutdown()
    return delivery.sent


def _require() -> None:
    try:
        import opentelemetry.sdk.trace  # noqa: F401
    except ImportError:
        raise UsageError("this needs OpenTelemetry: pip install 'pytest-collab[otel]'") from None


def _named(environment: Mapping[str, str] = os.environ) -> list[SpanExporter]:
    """The exporters of OTEL_TRACES_EXPORTER: `otlp` (when it is not set), `console`, any that a package offers."""
    names = [name.strip() for name in environment.get("OTEL_TRACES_EXPORTER", "").split(",") if name.strip()]
    found = []
    for name in names or ["otlp"]:
        if name == "none":
            continue
        key = name
        if name == "otlp":
            protocol = environment.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or environment.get(
                "OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"
            )
            key = _PROTOCOLS.get(protocol, "")
            if not key:
                raise UsageError(
                    f"OTEL_EXPORTER_OTLP_PROTOCOL={protocol}: choose from {', '.join(_PROTOCOLS)} "
                    "(http/json is not offered by the Python SDK)"
                )
        offered = list(entry_points(group=GROUP, name=key))
        if not offered:
            known = ", ".join(sorted({"otlp", *(entry.name for entry in entry_points(group=GROUP))}))
            fix = "pip install opentelemetry-exporter-otlp-proto-grpc" if key == "otlp_proto_grpc" else ""
            raise UsageError(
                f"OTEL_TRACES_EXPORTER={name}: no such exporter is installed; there are {known}"
                + (f". For this one: {fix}" if fix else "")
            )
        found.append(offered[0].load()())
    return found


class _Delivery:
    """Takes ended spans and sends them in batches; unlike the SDK's own, it tells when they were not taken.

    A span processor by its methods; no subclass, so that the SDK is not imported with this module.
    """

    def __init__(self, exporters: list[SpanExporter]) -> None:
        self._exporters = exporters
        self._ended: list[Any] = []
        self.sent = 0

    def on_start(self, span: Any, parent_context: Any = None) -> None:
        pass

    def _on_ending(self, span: Any) -> None:
        pass

    def on_end(self, span: Any) -> None:
        self._ended.append(span)
        if len(self._ended) >= BATCH:
            self.deliver()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        self.deliver()
        return True

    def deliver(self) -> None:
        """Send what has ended.

        Raises:
            RunError: an exporter did not take it.
        """
        from opentelemetry.sdk.trace.export import SpanExportResult

        batch, self._ended = self._ended, []
        for exporter in self._exporters if batch else ():
            if exporter.export(batch) is not SpanExportResult.SUCCESS:
                where = os.environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") or os.environ.get(
                    "OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:4318"
                )
                raise RunError(
                    f"{type(exporter).__name__} did not take the spans (endpoint {where}). Is a collector there? "
                    "Set OTEL_EXPORTER_OTLP_ENDPOINT, or OTEL_TRACES_EXPORTER=console to see them here."
                )
        self.sent += len(batch)

    def shutdown(self) -> None:
        for exporter in self._exporters:
            exporter.shutdown()


def _provider(seed: str, delivery: _Delivery) -> TracerProvider:
    """A provider of one episode's spans, whose ids follow from `seed`. The global provider is left alone."""
    from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.id_generator import IdGenerator
    from opentelemetry.sdk.trace.sampling import ALWAYS_ON

    class Ids(IdGenerator):
        count = 0

        def generate_trace_id(self) -> int:
            return int.from_bytes(hashlib.sha256(f"trace\0{seed}".encode()).digest()[:16]) or 1

        def generate_span_id(self) -> int:
            self.count += 1
            return int.from_bytes(hashlib.sha256(f"span\0{self.count}\0{seed}".encode()).digest()[:8]) or 1

    named = {SERVICE_VERSION: __version__}
    if "OTEL_SERVICE_NAME" not in os.environ and "service.name=" not in os.environ.get(
        "OTEL_RESOURCE_ATTRIBUTES", ""
    ):
        named[SERVICE_NAME] = "pytest-collab"
    provider = TracerProvider(
        sampler=ALWAYS_ON, resource=Resource.create(named), id_generator=Ids(), shutdown_on_exit=False
    )
    provider.add_span_processor(delivery)  # type: ignore[arg-type]
    return provider
