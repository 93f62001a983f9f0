"""The news channel of a namespace, and exactly how far what was heard on it can be trusted.

Redis drops messages for who is not connected and says nothing about it. So the subscription pings
on its own connection every `BEAT_S`. Redis answers in order: when the answer to a ping comes, every
message published before that ping was sent has been heard. From that moment the process may trust
its own copies until `LEASE_S` after the ping was sent, by its own clock, whatever the network does.
A connection that breaks, or a ping unanswered for `LEASE_S`, closes the session; so does a caller
who saw Redis fail.

A session opens after a loss only when: subscribed again, what this process could not deliver is
delivered, and `GRACE_S` has passed, in which the other processes return and deliver theirs.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, Protocol

from redis.asyncio.client import PubSub

from ava.clock import Clock
from ava.redis import FAILURES, RedisLink

BEAT_S = 0.5
LEASE_S = 2.0
GRACE_S = 1.0
RETRY_S = 0.5

_LOG = logging.getLogger("ava.cache")


class Audience(Protocol):
    """Who listens; none of these may raise."""

    async def prepare(self) -> None:
        """Deliver what Redis has not heard; raise SharedStoreDownError to be asked again."""
        ...

    def opened(self) -> None:
        """Learn that the session is open from now on."""
        ...

    def heard(self, message: bytes) -> None:
        """Learn of a message."""
        ...

    def closed(self) -> None:
        """Learn that anything may have been missed from now on."""
        ...


class _LostError(Exception):
    """The session is over."""


class Subscription:
    """One subscription, renewed for as long as the task runs."""

    def __init__(self, link: RedisLink, channel: str, audience: Audience, clock: Clock) -> None:
        self._link = link
        self._channel = channel
        self._audience = audience
        self._clock = clock
        self._task: asyncio.Task[None] | None = None
        self._first = asyncio.Event()
        self._open = False
        self._doubted = False
        self._lease = 0.0

    @property
    def open(self) -> bool:
        """Say whether Redis may be read: nothing invalid is left there that is known to us."""
        return self._open

    def current(self) -> bool:
        """Say whether every message of up to LEASE_S ago has been heard."""
        return self._open and self._clock.monotonic() < self._lease

    async def start(self) -> None:
        """Begin, and return when the first session is open or the first attempt has failed."""
        self._task = asyncio.create_task(self._run())
        await self._first.wait()

    def doubt(self) -> None:
        """End the session: a caller saw Redis fail."""
        self._close()
        self._doubted = True

    async def aclose(self) -> None:
        """Stop listening."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None
        self._close()

    async def _run(self) -> None:
        grace_s = 0.0  # nothing was missed before the first session
        while True:
            try:
                async with _subscribed(self._link, self._channel) as pubsub:
                    await self._session(pubsub, grace_s)
            except Exception as error:  # noqa: BLE001 - whatever ends a session, another begins
                _LOG.warning("the cache's subscription ended: %s", type(error).__name__)
            finally:
                self._close()
                self._first.set()
            grace_s = GRACE_S
            await self._clock.sleep(RETRY_S)

    async def _session(self, pubsub: PubSub, grace_s: float) -> None:
        """Ping and listen until the connection is lost or doubted."""
        self._doubted = False
        await self._audience.prepare()
        opens_at = self._clock.monotonic() + grace_s
        asked: float | None = None
        next_ping = 0.0
        while not self._doubted:
            now = self._clock.monotonic()
            if asked is None and now >= next_ping:
                async with asyncio.timeout(LEASE_S):
                    await pubsub.ping()
                asked, next_ping = now, now + BEAT_S
            message = await pubsub.get_message(timeout=_patience(next_ping - now))
            if message is None:
                _check_answered(asked, self._clock.monotonic())
            elif message["type"] == "pong" and asked is not None:
                await self._renew(asked, opens_at)
                asked = None
            else:
                self._take(message)
        raise _LostError

    async def _renew(self, asked: float, opens_at: float) -> None:
        self._lease = asked + LEASE_S
        if self._open or asked < opens_at:
            return
        await self._audience.prepare()  # what came up during the grace
        if not self._doubted:
            self._open = True
            self._audience.opened()
            self._first.set()

    def _take(self, message: dict[str, Any]) -> None:
        if message["type"] == "subscribe":
            # redis-py connected again by itself: what was said in between is lost.
            raise _LostError
        if message["type"] == "message":
            self._audience.heard(message["data"])

    def _close(self) -> None:
        if self._open:
            self._open = False
            self._audience.closed()


def _patience(until_ping_s: float) -> float:
    """Return how long to listen: to the next ping, and never so long that a doubt goes unseen."""
    return min(BEAT_S, max(0.01, until_ping_s))


def _check_answered(asked: float | None, now: float) -> None:
    if asked is not None and now - asked > LEASE_S:
        raise TimeoutError


@asynccontextmanager
async def _subscribed(link: RedisLink, channel: str) -> AsyncIterator[PubSub]:
    """Subscribe on a connection of its own; confirmed when this yields."""
    pubsub = link.client.pubsub()
    try:
        async with asyncio.timeout(LEASE_S):
            await pubsub.subscribe(channel)
            confirmed = await pubsub.get_message(timeout=LEASE_S)
        if confirmed is None or confirmed["type"] != "subscribe":
            raise _LostError
        yield pubsub
    finally:
        await _quietly(pubsub.aclose)


async def _quietly(close: Callable[[], Awaitable[None]]) -> None:
    with suppress(*FAILURES):
        await close()
