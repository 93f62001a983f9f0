"""The link to Redis: it fails at once while Redis is away, and finds it again."""

import asyncio

import pytest
from redis.exceptions import ConnectionError as UnconnectedError
from redis.exceptions import ResponseError

from ava.clock import ManualClock
from ava.errors import SharedStoreDownError
from ava.redis import RETRY_S, RedisLink
from ava.section import Secret
from ava.settings import RedisSettings

pytestmark = pytest.mark.anyio


class Calls:
    """A call that fails while `error` is set, and counts."""

    def __init__(self):
        self.made = 0
        self.error = None

    async def __call__(self, _client):
        self.made += 1
        if self.error is not None:
            raise self.error
        return "answer"


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def link(clock):
    return RedisLink(object(), clock=clock)


async def test_while_redis_is_away_only_a_trial_now_and_then_reaches_it(link, clock):
    """The others fail without waiting; the first answer ends it."""
    calls = Calls()
    calls.error = UnconnectedError("redis://:hunter2@somewhere")
    for _ in range(5):
        with pytest.raises(SharedStoreDownError) as caught:
            await link.ask(calls)
        assert "hunter2" not in str(caught.value)
        assert caught.value.__cause__ is None
    assert (calls.made, link.up) == (1, False)
    await clock.advance(RETRY_S)
    for _ in range(5):
        with pytest.raises(SharedStoreDownError):
            await link.ask(calls)
    assert calls.made == 2
    calls.error = None
    await clock.advance(RETRY_S)
    assert await link.ask(calls) == "answer"
    assert link.up
    assert await link.ask(calls) == "answer"


async def test_a_refused_command_is_an_answer(link):
    """A server that says no is there."""
    calls = Calls()
    calls.error = ResponseError("OOM")
    for made in (1, 2):
        with pytest.raises(SharedStoreDownError):
            await link.ask(calls)
        assert (calls.made, link.up) == (made, True)


@pytest.mark.parametrize("error", [OSError(), TimeoutError(), AttributeError("_add_writer")])
async def test_every_kind_of_silence_counts(link, error):
    """Whatever layer it comes from."""
    calls = Calls()
    calls.error = error
    with pytest.raises(SharedStoreDownError):
        await link.ask(calls)
    assert not link.up


async def test_a_late_answer_does_not_hide_a_cancelled_trial(link, clock):
    """A trial that is cancelled says nothing, and another follows after the same pause."""
    calls = Calls()
    calls.error = OSError()
    with pytest.raises(SharedStoreDownError):
        await link.ask(calls)
    await clock.advance(RETRY_S)
    trial = asyncio.create_task(link.ask(lambda _: asyncio.Event().wait()))
    await asyncio.sleep(0)
    trial.cancel()
    with pytest.raises(asyncio.CancelledError):
        await trial
    assert not link.up
    calls.error = None
    await clock.advance(RETRY_S)
    assert await link.ask(calls) == "answer"


async def test_a_real_server_is_lost_and_found(lab, redis_url):
    """Through a proxy that refuses for a while, on one pool of connections."""
    proxy, clock = lab.redis_proxy(), ManualClock()
    settings = RedisSettings(url=Secret(lab.redis_url_via(proxy)), timeout_s=0.5)
    link = RedisLink.open(settings, clock=clock)
    assert await link.ask(lambda client: client.ping())
    proxy.cut(refuse=True)
    for _ in range(2):
        with pytest.raises(SharedStoreDownError):
            await link.ask(lambda client: client.ping())
    proxy.resume()
    await clock.advance(RETRY_S)
    assert await link.ask(lambda client: client.ping())
    await link.aclose()
