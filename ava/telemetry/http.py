"""What each request costs, seen from outside: the outermost layer of the API.

It knows a request by its route's template and by nothing a caller chose: a path that matches no
route counts as `UNMATCHED`, a method of nobody's as `OTHER`. Durations go into the metrics and,
unless the fast path answered, to the watch for spikes: what is answered from memory would only hide
how slow the rest is.

Inside of it a request has an id, which log lines name and the response carries. It is the caller's
own where that is harmless, and otherwise made when somebody first asks for it: most requests log
nothing, and an answer from memory takes hardly longer than making a name for it.
"""

from __future__ import annotations

import itertools
import re
import uuid
from bisect import bisect_left
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final, NamedTuple

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ava.telemetry import logs
from ava.telemetry.alerts import ROUTE, Spikes, Watched
from ava.telemetry.context import REQUEST
from ava.telemetry.lines import Access
from ava.telemetry.tallies import OTHER, Labels, Tallies, Tally

if TYPE_CHECKING:
    from ava.telemetry.telemetry import Telemetry

# Upper bounds in seconds: from an answer of the fast path to the deadline of a request.
BUCKETS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0)
UNMATCHED: Final = "unmatched"
CALLER: Final = "ava.caller"  # as `ava.api.access` leaves it in the scope
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_HARMLESS: Final = re.compile(rb"[\w.-]{1,64}")
_PATHS: Final = 4096  # remembered with their templates
_GONE: Final = 499  # nothing was answered: the client had left, or the server was told to end
_BAD: Final = 400
_FAILED: Final = 500


Ready = Callable[[Scope, float], tuple[Message, Message] | None]


class Instrumented:
    """The layer; it also runs what watches the process while it serves.

    `ready` returns the messages that answer a request from memory, where there are any. Those are
    sent from here and only counted: going through all other layers would take as long again.
    """

    def __init__(self, app: ASGIApp, telemetry: Telemetry, ready: Ready | None = None) -> None:
        self._app = app
        self._ready = ready
        self._telemetry = telemetry
        self._http = telemetry.http
        self._now = telemetry.clock.monotonic

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on, and note what came of it."""
        if scope["type"] == "lifespan":
            async with self._telemetry.watching():
                await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        tracing = self._telemetry.tracing
        if self._ready is not None and tracing is None and logs.access() is None:
            started = self._now()
            if (messages := self._ready(scope, started)) is not None:
                # In this coroutine: another one would cost a twentieth of the answer.
                start, body = messages
                status = 0
                try:
                    await send(start)
                    await send(body)
                    status = start["status"]
                finally:
                    self._http.note(scope, status, self._now() - started, len(body["body"]))
                return
        reply, http = Reply(scope, send), self._http
        span = None if tracing is None else tracing.request(scope["method"], scope["headers"])
        if span is not None:
            reply.trace = span.trace
        token = REQUEST.set(reply)
        http.in_progress += 1
        started = self._now()
        try:
            await self._app(scope, receive, reply.send)
        except Exception:  # whatever it is: it is counted as a failure, and raised on
            reply.status = reply.status or _FAILED
            raise
        finally:
            http.in_progress -= 1
            labels = http.note(scope, reply.status, self._now() - started, reply.size)
            if span is not None:
                span.end(labels[0], labels[1], reply.status or _GONE)
            if (access := logs.access()) is not None:
                access.add(_access(scope, labels, reply, started, self._now()))
            REQUEST.reset(token)


class HttpRecorder:
    """The figures of all requests: durations and bytes by method, route and status."""

    def __init__(self, spikes: Spikes) -> None:
        self._spikes = spikes
        self.tallies = Tallies(BUCKETS)
        self.in_progress = 0
        self._templates: dict[str, str] = {}
        self._kinds: dict[tuple[str, str, int], _Kind] = {}

    def note(self, scope: Scope, status: int, seconds: float, size: int) -> Labels:
        """Count an answered request; return its method, route and status as they are counted."""
        method, path = scope["method"], scope["path"]
        by_handler = "endpoint" in scope  # else a layer before the routes answered
        route = _routed(scope) if by_handler else self._templates.get(path, UNMATCHED)
        kind = self._kinds.get((method, route, status)) or self._new(method, route, status)
        tally = kind.tally
        tally.counts[bisect_left(BUCKETS, seconds)] += 1
        tally.total_s += seconds
        tally.bytes += size
        if by_handler:
            if path not in self._templates and len(self._templates) < _PATHS:
                self._templates[path] = route
            if kind.watched is not None:
                kind.watched.observe(seconds)
        return kind.labels

    def _new(self, method: str, route: str, status: int) -> _Kind:
        """Return what requests that are counted together have in common."""
        known = method if method in _METHODS else OTHER
        labels = (known, route, str(status or _GONE))
        refused = _BAD <= status < _FAILED  # which takes no time, and would hide what does
        watched = None if refused else self._spikes.of(ROUTE, f"{known} {route}")
        kind = _Kind(labels, self.tallies.of(labels), watched)
        if known is method:  # of the others there is no end
            self._kinds[method, route, status] = kind
        return kind


class _Kind(NamedTuple):
    """Requests that are counted together."""

    labels: Labels
    tally: Tally
    watched: Watched | None


class Reply:
    """Sends on, with the request's id in the head where it has one, and counts what was sent."""

    __slots__ = ("_id", "_send", "size", "status", "trace")

    def __init__(self, scope: Scope, send: Send) -> None:
        self._send = send
        self._id = ""
        self.size = 0
        self.status = 0
        self.trace: str | None = None
        for name, value in scope["headers"]:
            if name == b"x-request-id" and _HARMLESS.fullmatch(value):
                self._id = value.decode()

    @property
    def id(self) -> str:
        """The id of the request, made now if it has none yet."""
        if not self._id:
            self._id = _PREFIX % next(_numbers)
        return self._id

    # Not a coroutine function: one that only awaits another costs as much as what it counts.
    def send(self, message: Message) -> Awaitable[None]:
        """Send the next message."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            if self._id:  # in another message: the fast path sends one and the same to everybody
                headers = [*message["headers"], (b"x-request-id", self._id.encode())]
                message = {**message, "headers": headers}
        elif "body" in message:
            self.size += len(message["body"])
        return self._send(message)


def _routed(scope: Scope) -> str:
    """Return the template of the route that answered, or what answers if it is FastAPI's own."""
    route: str = getattr(scope.get("route"), "path", "")
    return route or getattr(scope["endpoint"], "__name__", UNMATCHED)


def _access(scope: Scope, labels: Labels, reply: Reply, started: float, ended: float) -> Access:
    return Access(
        ended,
        labels[0],
        labels[1],
        reply.status or _GONE,
        ended - started,
        reply.size,
        scope.get(CALLER),
        reply.id,
        reply.trace,
    )


_numbers = itertools.count(1)
_PREFIX: Final = f"{uuid.uuid4().hex[:8]}-%x"
