"""The way to Redis: one bounded pool for the process, and a memory of whether it answers.

Caches, limits and quotas all ask through a `RedisLink`. When Redis does not answer, each of them
carries on in its own stated way, and must not wait for a timeout on every call: after a failure the
link refuses at once, and lets one call through every `RETRY_S` to see whether Redis is back. Errors
of redis-py end here as SharedStoreDownError, without the address, which may hold a password.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as UnconnectedError
from redis.exceptions import NoScriptError, RedisError
from redis.exceptions import TimeoutError as TimedOutError

from ava.clock import Clock, SystemClock
from ava.errors import SharedStoreDownError
from ava.redis_wire import Part, Wire, pack
from ava.settings import RedisSettings

RETRY_S = 0.5  # between trials while Redis is away: soon enough to be used again within a second

# From Python 3.12 on, writing to a connection that has just been lost ends inside asyncio with an
# AttributeError: its transport has no loop any more.
FAILURES = (RedisError, OSError, TimeoutError, AttributeError)

T = TypeVar("T")


class Script:
    """A Lua script, sent by its hash, and in full to a server that does not know it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.sha = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


class RedisLink:
    """A client of Redis that fails at once while Redis is known to be away.

    `client` is redis-py's own, decoding nothing; call it through `ask`, so that failures are seen
    and nothing takes longer than `timeout_s`.
    """

    def __init__(
        self, client: Redis, *, timeout_s: float | None = None, clock: Clock | None = None
    ) -> None:
        self.client = client
        self._wire: Wire | None = None
        self._timeout_s = timeout_s
        self._clock = clock or SystemClock()
        self._trial_at: float | None = None  # None while Redis answers

    @classmethod
    def open(cls, settings: RedisSettings, *, clock: Clock | None = None) -> RedisLink:
        """Return a link to the Redis of `settings`; nothing is connected before the first call."""
        pool: BlockingConnectionPool = BlockingConnectionPool.from_url(
            settings.address(),
            max_connections=settings.connections,
            timeout=settings.timeout_s,
            # One timeout around each call (`ask`) does for all its parts; redis-py's own starts a
            # task for every write, which is a third of a short command's time.
            socket_timeout=None,
            socket_connect_timeout=settings.timeout_s,
            socket_keepalive=True,
            # A dead connection is found by the link; trying again inside hides it and takes longer.
            retry=Retry(NoBackoff(), 0),
            health_check_interval=0,
        )
        return cls(Redis.from_pool(pool), timeout_s=settings.timeout_s, clock=clock)

    @property
    def up(self) -> bool:
        """Say whether the last call was answered."""
        return self._trial_at is None

    async def ask(self, call: Callable[[Redis], Awaitable[T]]) -> T:
        """Return what `call` gets from the client; raise SharedStoreDownError if it gets nothing.

        A reply that is an error of the command itself counts as an answer and is raised the same.
        """
        self._admit()
        try:
            # Of the loop's clock: what it cuts off is input and output, which no test clock moves.
            async with asyncio.timeout(self._timeout_s):
                answer = await call(self.client)
        except FAILURES as error:
            if _is_silence(error):
                self._trial_at = self._clock.monotonic() + RETRY_S
            # The message of redis-py may quote the address.
            raise SharedStoreDownError(f"Redis failed: {type(error).__name__}") from None
        self._trial_at = None
        return answer

    async def command(self, *parts: Part) -> Any:
        """Return the reply to one command, sent once; raise SharedStoreDownError.

        The way is the shortest there is, for what is asked thousands of times a second.
        """
        return await self._over_wire(lambda: self._send(*parts))

    async def run(self, script: Script, keys: Sequence[str], *args: Part) -> Any:
        """Return what a script returns; raise SharedStoreDownError, also for the script's error."""
        return await self._over_wire(lambda: self._evaluate(script, (len(keys), *keys, *args)))

    async def aclose(self) -> None:
        """Close every connection."""
        if self._wire is not None:
            await self._wire.aclose()
        await self.client.aclose()

    async def _over_wire(self, send: Callable[[], Awaitable[Any]]) -> Any:
        if self._wire is None:
            self._wire = Wire.beside(self.client.connection_pool)
        try:
            return await self.ask(lambda _: send())
        except SharedStoreDownError:
            if self._wire is not None and not self.up:
                self._wire.drop()  # half dead, it would keep everybody waiting as long
            raise

    async def _evaluate(self, script: Script, told: tuple[Part, ...]) -> Any:
        try:
            return await self._send(b"EVALSHA", script.sha, *told)
        except NoScriptError:
            return await self._send(b"EVAL", script.text, *told)

    async def _send(self, *parts: Part) -> Any:
        if self._wire is not None:
            return await self._wire.ask(pack(*parts))
        return await self.client.execute_command(*parts)  # type: ignore[no-untyped-call] # theirs

    def _admit(self) -> None:
        if self._trial_at is None:
            return
        now = self._clock.monotonic()
        if now < self._trial_at:
            raise SharedStoreDownError("Redis does not answer; it is tried again shortly")
        self._trial_at = now + RETRY_S  # this call is the trial; others still fail at once


def _is_silence(error: Exception) -> bool:
    """Tell a server that is away, loading or full of clients from one that refuses a command."""
    return isinstance(
        error, UnconnectedError | TimedOutError | OSError | TimeoutError | AttributeError
    )
