"""What one request may take: so much to read, so many at once, so long, so often.

- A body above `AVA_API_BODY_BYTES` is refused with 413, before it is read where its length is told
  and as soon as it is too long where it is not; path and query above `AVA_API_ADDRESS_BYTES`, 414.
- Above `AVA_API_IN_FLIGHT` requests at once, more get 503 and when to come again. What answers from
  memory alone and tells how the process is doing is let through.
- A request ends after `AVA_API_DEADLINE_S` with 504. Calls of providers must end a little earlier
  (`ava.net.deadline`): one that would be late is not made, and a handler has the time left to say
  which part failed.
- Of what needs a key, each key may ask `AVA_API_RATE` times a second; more is 429. What the fast
  path answers costs nobody anything, and counts for nothing.

A client that leaves is no error. What goes wrong that nobody expected is answered as a problem and
is in the log with its traceback; its text is in no answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from http import HTTPStatus
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ava.api.access import TURNS
from ava.api.answers import NOSNIFF, answer_problem
from ava.api.traffic import Traffic
from ava.clock import Clock
from ava.errors import TooLargeError, TooManyRequestsError
from ava.net.deadline import within
from ava.net.limits import Gate, gate
from ava.net.spec import Rate
from ava.problems import Problem, problem, problem_of
from ava.settings import ApiSettings

ALWAYS: Final = frozenset({"/api/v1/health/live", "/metrics"})
_FOR_CALLS: Final = 0.9  # of the deadline; the rest is for putting together what there is
_PAUSE_S: Final = 1.0  # to stay away after a 503: a request takes less than that
_DIGITS: Final = 20  # of a length; more make it no shorter
_BODILESS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class RequestLimits:
    """The layer around the routes."""

    def __init__(self, app: ASGIApp, settings: ApiSettings, clock: Clock, traffic: Traffic) -> None:
        self._app = app
        self._settings = settings
        self._clock = clock
        self._traffic = traffic
        self._turns = Turns(Rate(settings.rate, 1.0, settings.rate_burst), clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or say why not."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        reply = _Reply(send)
        refused = self._refusal(scope)
        if refused is not None:
            self._traffic.refused[refused.kind] += 1
            await answer_problem(refused)(scope, receive, reply.send)
            return
        self._traffic.in_flight += 1
        try:
            await self._answer(scope, receive, reply)
        finally:
            self._traffic.in_flight -= 1

    def _refusal(self, scope: Scope) -> Problem | None:
        settings = self._settings
        if len(scope["path"]) + len(scope["query_string"]) > settings.address_bytes:
            most = f"path and query are longer than {settings.address_bytes} bytes"
            return problem("address_too_long", HTTPStatus.REQUEST_URI_TOO_LONG, most)
        if scope["method"] not in _BODILESS and _length(scope["headers"]) > settings.body_bytes:
            return problem_of(_too_large(settings.body_bytes))
        if self._traffic.in_flight >= settings.in_flight and scope["path"] not in ALWAYS:
            return problem(
                "busy",
                HTTPStatus.SERVICE_UNAVAILABLE,
                f"{settings.in_flight} requests are being answered, which is the most at once",
                retry_after_s=_PAUSE_S,
            )
        return None

    async def _answer(self, scope: Scope, receive: Receive, reply: _Reply) -> None:
        scope[TURNS] = self._turn
        if scope["method"] not in _BODILESS:
            receive = _bounded(receive, self._settings.body_bytes)
        deadline_s = self._settings.deadline_s
        try:
            with within(deadline_s * _FOR_CALLS, self._clock):
                async with asyncio.timeout(deadline_s) as deadline:
                    await self._app(scope, receive, reply.send)
        except Exception:  # whatever it is: it is raised on, unless answered or out of time
            if reply.is_whole:
                return  # it was answered, and raised again for servers that keep the log
            if reply.has_begun or not deadline.expired():
                raise
            self._traffic.refused["deadline"] += 1
            detail = f"there is no answer after {deadline_s:g} s"
            late = problem("deadline", HTTPStatus.GATEWAY_TIMEOUT, detail)
            await answer_problem(late)(scope, receive, reply.send)

    def _turn(self, caller: str) -> None:
        try:
            self._turns.take(caller)
        except TooManyRequestsError:
            self._traffic.refused["too_many_requests"] += 1
            raise


class Turns:
    """How often each caller may ask; there are as many as keys, so this needs no bound."""

    def __init__(self, rate: Rate, clock: Clock) -> None:
        self._rate = rate
        self._clock = clock
        self._gates: dict[str, Gate] = {}

    def take(self, caller: str) -> None:
        """Count one request; raise TooManyRequestsError for one too many."""
        if caller not in self._gates:
            self._gates[caller] = gate([self._rate])
        mine, now = self._gates[caller], self._clock.monotonic()
        if not mine.take(now):
            most = f"this key may ask {self._rate.permits:g} times a second"
            raise TooManyRequestsError(most, retry_after_s=mine.due(now) - now)


class _Reply:
    """Sends on, with the header that every answer has, and knows how far it came."""

    __slots__ = ("_send", "has_begun", "is_whole")

    def __init__(self, send: Send) -> None:
        self._send = send
        self.has_begun = self.is_whole = False

    async def send(self, message: Message) -> None:
        """Send the next message."""
        if message["type"] == "http.response.start":
            self.has_begun = True
            message = {**message, "headers": [*message.get("headers", ()), NOSNIFF]}
        elif not message.get("more_body"):
            self.is_whole = True
        await self._send(message)


def _bounded(receive: Receive, most: int) -> Receive:
    """Return `receive` that raises TooLargeError once the body is longer than `most` bytes."""
    read = 0

    async def bounded() -> Message:
        nonlocal read
        message = await receive()
        read += len(message.get("body", b""))
        if read > most:
            raise _too_large(most)
        return message

    return bounded


def _too_large(most: int) -> TooLargeError:
    return TooLargeError(f"the body is longer than {most} bytes")


def _length(headers: Iterable[tuple[bytes, bytes]]) -> int:
    """Return the length that a request tells of its body; 0 where it tells none."""
    for name, value in headers:
        if name == b"content-length":
            return int(value[:_DIGITS]) if value.isdigit() else 0
    return 0
