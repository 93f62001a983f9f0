"""Everything that watches one core, put together: `core.service(Telemetry)`.

It listens where statements and exchanges end (`QueryTimer.listener`, `Gateway.watch_by`), and takes
requests from the layer of `ava.telemetry.http`. Without `watching`, which a server or a worker
enters for as long as it runs, nothing runs in the background.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from msgspec import Struct

from ava.clock import Clock
from ava.db.timing import AD_HOC
from ava.errors import DeadlineError
from ava.settings import TracingSettings
from ava.telemetry.alerts import PROVIDER, STATEMENT, Spike, Spikes
from ava.telemetry.http import HttpRecorder
from ava.telemetry.lag import LoopLag
from ava.telemetry.metrics import Metrics
from ava.telemetry.signals import SignalRecorder
from ava.telemetry.spikes import Turn

if TYPE_CHECKING:
    from ava.core import Core
    from ava.telemetry.tracing import ExchangeSpan, Tracing

SLOW_KEPT: Final = 100  # statements
HEALTH_TAG: Final = "health"  # of what shows whether there are spikes
_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})

logger = logging.getLogger(__name__)


class SlowStatement(Struct, frozen=True, kw_only=True):
    """A statement that took too long: its name, when it ended, and whether it failed."""

    at: datetime
    statement: str
    seconds: float
    failed: bool


class SlowStatements(Struct, frozen=True, kw_only=True):
    """The last slow statements, the latest first, and from when on one is slow."""

    slower_than_s: float
    statements: list[SlowStatement]


class Telemetry:
    """The metrics, traces and alerts of one core."""

    def __init__(self, core: Core) -> None:
        self.clock = core.clock
        self.spikes = Spikes(core.clock)
        self.signals = SignalRecorder()
        self.lag = LoopLag(core.clock)
        self.http = HttpRecorder(self.spikes)
        self.tracing = tracing_of(core.settings.tracing, core.clock)
        self.metrics = Metrics(core, self)
        self._watching = False
        self._cache = core.platform.cache
        self._slow_s = core.settings.database.slow_query_s
        self._slow: deque[SlowStatement] = deque(maxlen=SLOW_KEPT)
        self._telling: set[asyncio.Task[Any]] = set()
        self.spikes.listeners.append(self._tell)
        core.platform.gateway.watch_by(self)
        if core.has_database:
            core.database.timer.listener = self._statement

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Watch the event loop for the length of a block, and send what is left of the traces.

        Inside of another such block this does nothing: the outer one lasts longer.
        """
        if self._watching:
            yield
            return
        self._watching = True
        lag = asyncio.create_task(self.lag.watch(), name="lag of the event loop")
        try:
            yield
        finally:
            self._watching = False
            lag.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await lag
            if self.tracing is not None:
                await asyncio.to_thread(self.tracing.close)

    def exchange(self, provider: str, method: str) -> Exchange:
        """Watch an exchange with a provider."""
        tracing = self.tracing
        span = None if tracing is None else tracing.exchange(provider, method)
        return Exchange(provider, self.spikes, span)

    def slow(self) -> SlowStatements:
        """Return the last slow statements; the log has them all."""
        return SlowStatements(slower_than_s=self._slow_s, statements=[*reversed(self._slow)])

    def _statement(self, name: str, seconds: float, failed: bool) -> None:  # noqa: FBT001 - as a timer tells it
        if name != AD_HOC:  # that is any statement, so it has no usual
            self.spikes.observe(STATEMENT, name, seconds)
        if seconds > self._slow_s:
            at = self.clock.now()
            self._slow.append(SlowStatement(at=at, statement=name, seconds=seconds, failed=failed))
        if self.tracing is not None:
            self.tracing.statement(name, seconds, failed=failed)

    def _tell(self, _spike: Spike, _turn: Turn) -> None:
        """Have those who watch the health look again; what watches may not fail what it watches."""
        with contextlib.suppress(RuntimeError):  # no loop: a thread's own connection was timed
            loop = asyncio.get_running_loop()
            telling = loop.create_task(self._cache.invalidate_tags(HEALTH_TAG))
            self._telling.add(telling)
            telling.add_done_callback(self._telling.discard)


class Exchange:
    """One exchange with a provider: its duration is watched, and traced where that is on."""

    __slots__ = ("_provider", "_span", "_spikes")

    def __init__(self, provider: str, spikes: Spikes, span: ExchangeSpan | None) -> None:
        self._provider = provider
        self._spikes = spikes
        self._span = span

    @property
    def headers(self) -> Mapping[str, str]:
        """What goes with the request: the trace's id, where the provider may know it."""
        return _NOTHING if self._span is None else self._span.headers

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._span is not None:
            self._span.__exit__(kind, error, trace)

    def ended(self, took_s: float, outcome: object) -> None:
        """Take the duration; what the caller's own deadline cut says nothing of the provider."""
        if not isinstance(outcome, DeadlineError):
            self._spikes.observe(PROVIDER, self._provider, took_s)
        if self._span is not None and isinstance(outcome, Exception):
            self._span.failed(type(outcome).__name__)


def tracing_of(settings: TracingSettings, clock: Clock) -> Tracing | None:
    """Return what makes traces, None where no endpoint is set or OpenTelemetry is not there."""
    if settings.endpoint is None:
        return None
    try:
        from ava.telemetry.tracing import open_tracing  # noqa: PLC0415 - an extra, and 0.2 s
    except ImportError:
        setting = TracingSettings.key("endpoint")
        logger.warning("no traces: %s is set, and ava-perf[tracing] is not installed", setting)
        return None
    return open_tracing(settings, clock)
