"""A Redis that is silent for a while, by a virtual clock: who waits, who is refused, who asks."""

import asyncio

import pytest

from ava.clock import ManualClock
from ava.errors import DeadlineError, SharedStoreDownError
from ava.net.shared_limiter import HICCUP_S, SharedLimiter
from ava.net.spec import Window
from ava.redis import RETRY_S

pytestmark = pytest.mark.anyio


class Flickering:
    """A link to a Redis that grants everything, and is away when told."""

    def __init__(self):
        self.away = True

    async def run(self, _script, _keys, wanted, *_told):
        if self.away:
            raise SharedStoreDownError("Redis failed: TimeoutError")
        return [wanted, 0, b"epoch", 0]


@pytest.fixture
def flickering():
    """Return a clock, a link that is away, and an hour's limit kept over it."""
    clock, link = ManualClock(), Flickering()
    return clock, link, SharedLimiter("x", [Window(2000, 3600.0)], link, clock=clock)


async def test_a_redis_that_is_back_is_asked_though_the_share_has_to_wait(flickering):
    """The share's hour is no reason to refuse: Redis, silent for some seconds, is used again."""
    clock, link, limiter = flickering
    early = asyncio.create_task(limiter.acquire(deadline=20))
    await clock.advance(HICCUP_S + RETRY_S)
    with pytest.raises(DeadlineError):
        await early
    link.away = False
    await limiter.acquire(deadline=clock.monotonic() + 20)
    assert limiter.stats().shared


async def test_a_hiccup_of_redis_refuses_nobody(flickering):
    """Who can wait for the next trial is served by it."""
    clock, link, limiter = flickering
    waiting = asyncio.create_task(limiter.acquire(deadline=20))
    await clock.advance(RETRY_S / 2)
    link.away = False
    await clock.advance(RETRY_S)
    await waiting
    assert clock.slept == [RETRY_S]


async def test_after_a_hiccup_a_wait_for_the_share_is_refused_at_once(flickering):
    """A Redis that stays away makes nobody wait for more than the share allows."""
    clock, _, limiter = flickering
    early = asyncio.create_task(limiter.acquire(deadline=20))
    await clock.advance(HICCUP_S)
    slept = len(clock.slept)
    for caller in (early, limiter.acquire(deadline=clock.monotonic() + 20)):
        with pytest.raises(DeadlineError):
            await caller
    assert len(clock.slept) == slept
