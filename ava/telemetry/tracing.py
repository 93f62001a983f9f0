"""Traces by OpenTelemetry: a span for each request, statement and exchange with a provider.

A span says what ran and for how long: a route's template, a statement's name, a provider's name.
It never holds a path, a query, a parameter, a key or the text of an error. FastAPI has telemetry of
its own, which puts path and query of each request into its spans and is not asked where the fast
path answers; it is switched off, and the layer of `ava.telemetry.http` makes the span instead.

This module needs the extra `tracing`; `ava.telemetry.telemetry` imports it only where an endpoint
is set. Nothing is registered globally: the tracer belongs to one core.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextvars import Token
from datetime import datetime
from types import TracebackType
from typing import Final, Self

from opentelemetry import context as contexts
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import Span, SpanKind, StatusCode, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from ava.clock import Clock
from ava.settings import TracingSettings

_PASSED_ON: Final = frozenset({b"traceparent", b"tracestate"})
_FAILED: Final = 500
_PROPAGATOR = TraceContextTextMapPropagator()

Headers = Iterable[tuple[bytes, bytes]]


class Tracing:
    """Makes the spans of one core; `told` are the providers that the trace's id is sent to."""

    def __init__(self, provider: TracerProvider, told: frozenset[str], clock: Clock) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("ava")
        self._told = told
        self._clock = clock

    def request(self, method: str, headers: Headers) -> RequestSpan:
        """Begin the span of a request, as a part of the caller's trace where it names one."""
        carrier = {
            name.decode("latin-1"): value.decode("latin-1")
            for name, value in headers
            if name in _PASSED_ON
        }
        parent = _PROPAGATOR.extract(carrier, contexts.Context())
        span = self._tracer.start_span(method, parent, SpanKind.SERVER)
        return RequestSpan(span, contexts.attach(set_span_in_context(span, parent)))

    def statement(self, name: str, seconds: float, *, failed: bool) -> None:
        """Note a statement that has just ended."""
        end = _nanoseconds(self._clock.now())
        attributes = {"db.system.name": "postgresql", "db.query.summary": name}
        span = self._tracer.start_span(
            name, None, SpanKind.CLIENT, attributes, start_time=end - round(seconds * 1e9)
        )
        if failed:
            span.set_status(StatusCode.ERROR)
        span.end(end)

    def exchange(self, provider: str, method: str) -> ExchangeSpan:
        """Begin the span of one request to a provider."""
        attributes = {"peer.service": provider, "http.request.method": method}
        span = self._tracer.start_span(provider, None, SpanKind.CLIENT, attributes)
        headers: dict[str, str] = {}
        if provider in self._told:
            _PROPAGATOR.inject(headers, set_span_in_context(span))
        return ExchangeSpan(span, headers)

    def flush(self) -> None:
        """Send what is left."""
        self._provider.force_flush()

    def close(self) -> None:
        """Send what is left, and end."""
        self._provider.shutdown()


class RequestSpan:
    """The span of one request, current until it ends."""

    __slots__ = ("_span", "_token")

    def __init__(self, span: Span, token: Token[contexts.Context]) -> None:
        self._span = span
        self._token = token

    @property
    def trace(self) -> str:
        """The id of the trace."""
        return format(self._span.get_span_context().trace_id, "032x")

    def end(self, method: str, route: str, status: int) -> None:
        """End it under the name of its route."""
        span = self._span
        span.update_name(f"{method} {route}")
        span.set_attributes(
            {
                "http.request.method": method,
                "http.route": route,
                "http.response.status_code": status,
            }
        )
        if status >= _FAILED:
            span.set_status(StatusCode.ERROR)
        contexts.detach(self._token)
        span.end()


class ExchangeSpan:
    """The span of one request to a provider; `headers` go with the request."""

    __slots__ = ("_span", "headers")

    def __init__(self, span: Span, headers: Mapping[str, str]) -> None:
        self._span = span
        self.headers = headers

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None:  # it was cancelled
            self.failed(kind.__name__)
        self._span.end()

    def failed(self, kind: str) -> None:
        """Mark it by the kind of its error, never by the text."""
        self._span.set_attribute("error.type", kind)
        self._span.set_status(StatusCode.ERROR)


def open_tracing(
    settings: TracingSettings, clock: Clock, *, exporter: SpanExporter | None = None
) -> Tracing:
    """Return what makes spans and sends them to the endpoint of the settings.

    With an `exporter`, spans go there instead.
    """
    if exporter is None:
        endpoint = None if settings.endpoint is None else settings.endpoint.reveal()
        exporter = OTLPSpanExporter(endpoint=endpoint)
    provider = TracerProvider(
        sampler=ParentBased(TraceIdRatioBased(settings.share)),
        resource=Resource.create({"service.name": "ava"}),
        shutdown_on_exit=False,
    )
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return Tracing(provider, settings.told(), clock)


def _nanoseconds(at: datetime) -> int:
    return round(at.timestamp() * 1e6) * 1000
