"""Metrics of the API, of the signal loop, and of what watches the process."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from ava.api.traffic import Traffic
from ava.telemetry import logs
from ava.telemetry.families import counter, gauge, histogram, tallied

if TYPE_CHECKING:
    from ava.core import Core
    from ava.telemetry.telemetry import Telemetry


class WebCollector(Collector):
    """Requests by route, and what the API's layers did."""

    def __init__(self, core: Core, telemetry: Telemetry) -> None:
        self._traffic = core.service(Traffic)
        self._http = telemetry.http

    def collect(self) -> Iterator[Metric]:
        """Yield the families."""
        http, labels = self._http, ("method", "route", "status")
        yield tallied(
            "ava_http_request_duration_seconds", "HTTP requests.", http.tallies, by=labels
        )
        yield counter(
            "ava_http_response_bytes",
            "Bytes of the bodies sent.",
            by=labels,
            of=[(found, tally.bytes) for found, tally in http.tallies.items()],
        )
        yield gauge("ava_http_requests_in_progress", "Requests under way.", http.in_progress)
        yield from self._layers(self._traffic)

    @staticmethod
    def _layers(traffic: Traffic) -> Iterator[Metric]:
        yield counter("ava_fast_path_hits", "Answers given from memory.", traffic.hits)
        yield counter("ava_fast_path_misses", "Answers it could have had.", traffic.misses)
        yield counter("ava_http_not_modified", "Answers of 304.", traffic.not_modified)
        yield counter(
            "ava_http_requests_refused",
            "Requests turned away by a limit.",
            by=("reason",),
            of=[((kind,), number) for kind, number in traffic.refused.items()],
        )
        yield gauge("ava_stream_connections", "Open WebSockets.", traffic.streams)
        yield counter("ava_stream_messages", "Messages pushed.", traffic.pushed)
        yield counter(
            "ava_stream_dropped",
            "WebSockets closed by the server.",
            by=("code",),
            of=[((str(code),), number) for code, number in traffic.dropped.items()],
        )


class SignalCollector(Collector):
    """The signal loop, under the documents' names."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._signals = telemetry.signals

    def collect(self) -> Iterator[Metric]:
        """Yield the families."""
        signals = self._signals
        yield histogram(
            "argo_signal_generation_duration_seconds",
            "Signal generation time.",
            [((), *signals.durations)],
        )
        yield counter("argo_skipped_symbols", "Symbols that had not changed.", signals.skipped)
        yield counter("argo_processed_symbols", "Symbols looked at.", signals.processed)


class WatchCollector(Collector):
    """The event loop's lag, the log's queue, and the latency spikes."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry

    def collect(self) -> Iterator[Metric]:
        """Yield the families."""
        lag = self._telemetry.lag.tallies
        yield tallied("ava_event_loop_lag_seconds", "How late the event loop woke a sleeper.", lag)
        held = logs.installed()
        backlog = None if held is None else held.backlog
        waiting = None if backlog is None else len(backlog)
        yield gauge("ava_log_waiting", "Log lines that wait to be written.", waiting)
        dropped = None if backlog is None else backlog.dropped
        yield counter("ava_log_dropped", "Log lines for which there was no room.", dropped)
        yield from self._spikes()

    def _spikes(self) -> Iterator[Metric]:
        spikes, labels = self._telemetry.spikes, ("kind", "name")
        yield counter(
            "ava_latency_spikes",
            "Latency spikes since the start.",
            by=labels,
            of=list(spikes.started.items()),
        )
        yield gauge(
            "ava_latency_spiking",
            "1 while what is named is slower than usual.",
            by=labels,
            of=[((one.kind, one.name), 1.0) for one in spikes.active()],
        )
