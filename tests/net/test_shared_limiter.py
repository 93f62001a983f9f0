"""Limits kept by several processes: on a real Redis, by its clock, with and without it."""

import asyncio
import random
import time

import pytest
import redis
import redis.asyncio

from ava.clock import ManualClock
from ava.errors import DeadlineError, RateLimitedError
from ava.net.limits import tightened
from ava.net.shared_limiter import LATE_ANSWERS, Lease, SharedLimiter
from ava.net.spec import Priority, Rate, Window
from ava.redis import RedisLink
from ava.section import Secret
from ava.settings import RedisSettings

pytestmark = [pytest.mark.anyio, pytest.mark.real_time]

GENEROUS = Lease(use_within_s=0.3)  # the machine may be busy: a late answer is not the subject


@pytest.fixture
def url(redis_url):
    return redis_url


@pytest.fixture
async def process(url):
    """Return a maker of limiters that share a Redis as processes do: each over its own link."""
    links = []

    def make(limits, at=url, **wishes):
        # Answers may come late: what a Redis that is away means is for the proxies to show.
        link = RedisLink.open(RedisSettings(url=Secret(at), timeout_s=60))
        links.append(link)
        return SharedLimiter("x", limits, link, **{"lease": GENEROUS, **wishes})

    yield make
    for link in links:
        await link.aclose()


@pytest.fixture
def undisturbed(url):
    """Return what measures until the machine paused nowhere in it.

    A pause costs permits, which are good for a moment, and puts moments where they were not: such
    a run says nothing of the limiter, and is made again.
    """

    async def run(measure, pause_s=0.1):
        for _ in range(40):
            with redis.Redis.from_url(url) as client:
                client.delete("ava:limit:{x}", *client.keys("ava:limit:*"))
            over = asyncio.Event()
            watching = asyncio.create_task(longest_pause(url, over))
            found = await measure()
            over.set()
            if await watching < pause_s:
                return found
        raise AssertionError(f"this machine pauses for {pause_s} s time and again")

    return run


async def longest_pause(url, over):
    """Return how long this loop and Redis took at most to get round, until it is over."""
    longest, begun = 0.0, time.monotonic()
    async with redis.asyncio.Redis.from_url(url) as client:
        while not over.is_set():
            await client.ping()
            await asyncio.sleep(0.005)
            longest, begun = max(longest, time.monotonic() - begun), time.monotonic()
    return longest


async def drain(limiter, seconds, **wishes):
    """Acquire for `seconds`; return the moments."""
    end, moments = time.monotonic() + seconds, []
    while True:
        try:
            await limiter.acquire(deadline=end, **wishes)
        except DeadlineError:
            return moments
        moments.append(time.monotonic())


def most(moments, per_s):
    moments = sorted(moments)
    return max(sum(start <= m < start + per_s for m in moments) for start in moments)


async def test_two_processes_share_a_window(process, undisturbed):
    """Together they get what one alone would get, and not twice that."""

    async def measure():
        return await asyncio.gather(*(drain(process([Window(6, 0.4)]), 1.2) for _ in range(2)))

    taken = await undisturbed(measure)
    moments = [moment for each in taken for moment in each]
    assert most(moments, 0.4) == 6
    assert all(taken)


async def test_two_processes_share_a_rate_with_its_burst(process, undisturbed):
    """The burst is there once, then permits come at the rate."""
    limits, lease = [Rate(20, 1.0, 5.0)], Lease(use_within_s=0.05)

    async def measure():
        return await asyncio.gather(*(drain(process(limits, lease=lease), 0.5) for _ in range(2)))

    taken = await undisturbed(measure, pause_s=lease.use_within_s)
    assert 8 <= sum(map(len, taken)) <= 5 + 10


async def test_all_limits_hold_together(process, undisturbed):
    """Of 3 a window and 5 a longer one, the second stops what the first would allow."""

    async def measure():
        return await drain(process([Window(3, 0.2), Window(5, 5.0)]), 2.0)

    assert len(await undisturbed(measure)) == 5


async def test_a_call_on_its_way_keeps_its_place(process):
    """It may end now at the earliest, so the next asks again a window from now."""
    limiter = process([Window(1, 60.0)], on_way_s=5.0)
    await limiter.acquire()
    ended = limiter.begin()
    _, wait_s = await limiter._ask(1, Priority.INTERACTIVE, 0.0)
    assert wait_s == 60.0
    ended(time.monotonic())
    await asyncio.gather(*limiter._messages)
    await asyncio.sleep(0.01)
    _, wait_s = await limiter._ask(1, Priority.INTERACTIVE, 0.0)
    assert 55.0 < wait_s < 60.0


async def test_no_window_sees_more_arrive_from_two_processes(process):
    """However long calls travel, before they arrive and after: the window counts arrivals."""
    limits, arrived, chance = [Window(3, 0.2)], [], random.Random(1)

    async def call(limiter):
        await limiter.acquire()
        ended = limiter.begin()
        await asyncio.sleep(chance.choice([0.0, 0.02, 0.25]))
        arrived.append(time.monotonic())
        await asyncio.sleep(chance.choice([0.0, 0.02, 0.25]))
        ended(time.monotonic())

    both = [process(limits, on_way_s=5.0) for _ in range(2)]
    await asyncio.gather(*(call(limiter) for limiter in both for _ in range(12)))
    assert len(arrived) == 24
    assert most(arrived, 0.2) <= 3


async def test_a_process_that_is_gone_gives_its_place_back_in_the_end(process):
    """Nobody says that its call has ended, so it is taken to have arrived after a while."""
    gone, other = process([Window(1, 0.1)], on_way_s=0.3), process([Window(1, 0.1)], on_way_s=0.3)
    started = time.monotonic()
    await gone.acquire()
    await other.acquire()
    assert 0.35 <= time.monotonic() - started < 60


async def test_what_is_left_of_a_lease_gives_its_places_back(process):
    """Permits that nobody will use count for nothing: the window has room for others."""
    clock = ManualClock()
    wishes = {"clock": clock, "lease": Lease(permits=10, use_within_s=1.0), "on_way_s": 50.0}
    limiter = process([Window(10, 60)], **wishes)
    for _ in range(3):
        await limiter.acquire()  # leases of two and four: three of six are used
    limiter.pause(0.0)
    await asyncio.gather(*limiter._messages)
    assert await limiter._link.client.zcard("ava:limit:{x}:calls:1") == 3


def counting(limiter):
    """Count the limiter's calls of the script from now on."""
    asked, ask = [], limiter._ask

    async def counted(*arguments):
        asked.append(arguments)
        return await ask(*arguments)

    limiter._ask = counted
    return asked


async def test_who_waits_sleeps_until_the_permit_is_there(process, undisturbed):
    """One denied asks again when told, not in between: three calls of the script, not thirty."""

    async def measure():
        limiter = process([Window(1, 0.2)])
        asked = counting(limiter)
        await limiter.acquire()
        await limiter.acquire()
        return len(asked)

    assert await undisturbed(measure) == 3


async def test_a_lease_saves_calls_and_keeps_the_bound(process, undisturbed):
    """Permits are fetched in growing handfuls, and no window holds more for it."""
    limits = [Rate(200, 1.0, 100.0)]

    async def measure():
        limiter = process(limits, lease=Lease(permits=10, use_within_s=0.2))
        asked = counting(limiter)
        for _ in range(50):
            await limiter.acquire()
        return len(asked)

    assert await undisturbed(measure) <= 8


async def test_a_lease_that_ran_out_is_not_used(process):
    """Permits held too long are thrown away: what they stood for may have been granted again."""
    clock = ManualClock()
    limiter = process([Window(10, 60)], clock=clock, lease=Lease(permits=10, use_within_s=1.0))
    await limiter.acquire()
    await limiter.acquire()
    await limiter.acquire()  # leases of two and four: three of six are used
    assert len(limiter._held) == 3
    await clock.advance(1.1)
    await limiter.acquire()
    assert len(limiter._held) < 3
    stored = await limiter._link.client.zcard("ava:limit:{x}:calls:1")
    assert stored > 6


async def test_answers_that_come_too_late_are_an_error_in_the_end(process):
    """A way to Redis slower than the lease would waste every permit for ever."""
    clock = ManualClock()
    limiter = process([Window(100, 60)], clock=clock, lease=Lease(use_within_s=0.05))
    ask = limiter._ask

    async def slow(*arguments):
        answer = await ask(*arguments)
        await clock.advance(0.1)
        return answer

    limiter._ask = slow
    with pytest.raises(RateLimitedError, match="takes longer"):
        await limiter.acquire()
    assert await limiter._link.client.zcard("ava:limit:{x}:calls:1") == LATE_ANSWERS


async def test_a_wait_known_to_be_too_long_is_refused_at_once(process):
    """The caller learns it with the answer of Redis, and another process is not held up."""
    first, second = process([Window(1, 900)]), process([Window(1, 900)])
    await first.acquire()
    started = time.monotonic()
    with pytest.raises(DeadlineError):
        await second.acquire(deadline=started + 300)
    with pytest.raises(DeadlineError):
        await second.acquire(deadline=started + 300)
    assert time.monotonic() - started < 60
    assert second.stats().refused == 2


async def test_interactive_callers_of_another_process_go_first(process, undisturbed):
    """A background process stands back while an interactive one waits, and is not starved."""
    limits = [Rate(50, 1.0, 1.0)]

    async def measure():
        person, job = process(limits), process(limits)
        return await asyncio.gather(
            drain(person, 1.0), drain(job, 1.0, priority=Priority.BACKGROUND)
        )

    interactive, background = await undisturbed(measure)
    assert len(interactive) > 3 * len(background)
    assert len(background) >= 2


async def test_a_pause_reaches_the_other_processes(process):
    """What one was told by the provider, all heed."""
    told, other = process([Window(100)]), process([Window(100)])
    told.pause(0.4)
    started = time.monotonic()
    await asyncio.gather(*told._messages)
    with pytest.raises(DeadlineError):
        await other.acquire(deadline=started + 0.2)
    await other.acquire()
    assert time.monotonic() - started >= 0.4


async def test_a_redis_that_lost_its_memory_doubles_no_window(process, url):
    """Who knew the earlier memory sees that it is gone: the limit counts as just spent."""
    first, second = process([Window(5, 0.6)]), process([Window(5, 0.6)])
    for _ in range(5):
        await first.acquire()
    with redis.Redis.from_url(url) as client:
        client.delete(*client.keys("ava:limit:*"))
    started = time.monotonic()
    await first.acquire()
    assert time.monotonic() - started >= 0.6
    await second.acquire()


async def test_without_redis_each_keeps_to_its_share(process, lab, undisturbed):
    """It first waits the window out, then takes an eighth, and returns when Redis does."""
    proxy = lab.redis_proxy()

    async def measure():
        limiter = process([Window(16, 0.5)], at=lab.redis_url_via(proxy))
        found = [await drain(limiter, 0.3)]
        proxy.cut(refuse=True)
        cut = time.monotonic()
        found += [await drain(limiter, 1.8)]  # of which a trial of Redis may take one second
        alone = not limiter.stats().shared
        proxy.resume()
        found += [await drain(limiter, 1.8)]
        return found, cut, alone, limiter.stats().shared

    (before, taken, returned), cut, alone, shared = await undisturbed(measure)
    assert len(before) == 16
    assert taken[0] - cut >= 0.5
    assert most(taken, 0.5) <= 2
    assert alone
    assert shared
    assert most(taken + returned, 0.5) == 16


async def test_a_share_of_less_than_one_call_is_refused(process, lab):
    """One call a second cannot be divided among eight; alone one has it all."""
    proxy = lab.redis_proxy()
    proxy.cut(refuse=True)
    address = lab.redis_url_via(proxy)
    with pytest.raises(RateLimitedError, match=r"share of 0\.125") as caught:
        await process([Window(1, 0.2)], at=address).acquire()
    assert caught.value.retry_after_s == 0.5
    await process([Window(1, 0.2)], at=address, share=1.0).acquire()


@pytest.mark.parametrize("delay", [0.0, 0.001, 0.05, 0.2])
async def test_a_cancelled_caller_does_not_hold_up_the_next(process, delay):
    """Before, while and after Redis is asked: the next caller is served, and no permit doubled."""
    limiter = process([Window(1, 0.2)])
    await limiter.acquire()
    victim = asyncio.create_task(limiter.acquire())
    following = asyncio.create_task(limiter.acquire())
    await asyncio.sleep(delay)
    victim.cancel()
    await asyncio.wait_for(following, 60)
    assert limiter.stats().granted == 2 + (not victim.cancelled())
    assert limiter.stats().waiting == 0


async def test_a_clock_of_redis_that_went_back_grants_nothing_early(process, url):
    """Time in the script never goes back: stamps of the future are not waited for either."""
    limiter = process([Window(1, 0.3)])
    await limiter.acquire()
    with redis.Redis.from_url(url) as client:
        hour = 3600 * 10**6
        seen = int(client.hget("ava:limit:{x}", "seen")) + hour
        client.hset("ava:limit:{x}", "seen", seen)
        [(permit, stamp)] = client.zrange("ava:limit:{x}:calls:1", 0, -1, withscores=True)
        client.zadd("ava:limit:{x}:calls:1", {permit: stamp + hour})
    started = time.monotonic()
    await limiter.acquire()
    assert 0.3 <= time.monotonic() - started < 60


async def test_the_script_and_the_gate_agree(process):
    """Without contention the shared limit grants as the local one tightened for the lease does."""
    limiter = process([Rate(100, 1.0, 12.0)], lease=Lease(use_within_s=0.05))
    burst = tightened(Rate(100, 1.0, 12.0), 0.05).burst
    granted, _ = await limiter._ask(50, Priority.INTERACTIVE, 0.0)
    assert len(granted) == int(burst) == 8
