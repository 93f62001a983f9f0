"""Reads under way at once on one connection: each gets its own reply, whatever befalls others."""

import asyncio
from contextlib import asynccontextmanager

import fakeredis
import pytest
import redis
from redis.exceptions import ConnectionError as UnconnectedError
from redis.exceptions import ResponseError

from ava.clock import ManualClock
from ava.errors import SharedStoreDownError
from ava.redis import RETRY_S, RedisLink, Script
from ava.redis_wire import Wire, pack
from ava.section import Secret
from ava.settings import RedisSettings
from perf.lab.redis import redis_url_at

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def opened(url, **settings):
    link = RedisLink.open(
        RedisSettings(url=Secret(url), **{"timeout_s": 60.0, **settings}), clock=ManualClock()
    )
    try:
        yield link
    finally:
        await link.aclose()


@pytest.fixture
async def link(redis_url):
    async with opened(redis_url) as made:
        yield made


@pytest.fixture
async def wire(link):
    made = Wire.beside(link.client.connection_pool)
    yield made
    await made.aclose()


async def test_replies_find_their_askers(link):
    """A thousand reads at once on one connection, and none gets another's."""
    await link.client.mset({f"k{n}": n for n in range(1000)})
    replies = await asyncio.gather(*[link.command(b"GET", f"k{n}".encode()) for n in range(1000)])
    assert replies == [str(n).encode() for n in range(1000)]
    assert len(await link.client.client_list()) == 2  # the writes' and the reads'


async def test_what_is_not_there_is_none(link):
    """A missing key is an answer."""
    assert await link.command(b"GET", b"nothing") is None


async def test_bytes_pass_as_they_are(link):
    """Line ends and zeros in a value are no part of the protocol."""
    value = b"\r\n$3\r\n\x00\xff"
    await link.client.set("k", value)
    assert await link.command(b"MGET", b"k", b"k") == [value, value]


async def test_a_cancelled_reader_harms_nobody(link, wire):
    """Its reply is dropped, and the next reader gets its own."""
    await link.client.mset({"a": 1, "b": 2})
    await wire.ask(pack(b"PING"))
    first = asyncio.create_task(wire.ask(pack(b"GET", b"a")))
    second = asyncio.create_task(wire.ask(pack(b"GET", b"b")))
    await asyncio.sleep(0)  # both are sent, and no reply is read yet
    first.cancel()
    assert await second == b"2"
    assert await wire.ask(pack(b"GET", b"a")) == b"1"


async def test_an_error_reply_is_one_readers(link, wire):
    """Who asks wrongly is told, and the connection goes on."""
    await link.client.hset("h", "f", "v")
    wrong, right = await asyncio.gather(
        wire.ask(pack(b"GET", b"h")), wire.ask(pack(b"EXISTS", b"h")), return_exceptions=True
    )
    assert isinstance(wrong, ResponseError)
    assert right == 1


async def test_a_refused_read_does_not_close_the_link(link):
    """Redis is there; the caller gets the package's error."""
    await link.client.hset("h", "f", "v")
    with pytest.raises(SharedStoreDownError):
        await link.command(b"GET", b"h")
    assert link.up
    assert await link.command(b"EXISTS", b"h") == 1


async def test_a_lost_connection_is_everybodys_and_the_next_is_new(lab, redis_url):
    """Readers under way fail at once; after the pause another connection is made."""
    proxy = lab.redis_proxy(rtt_ms=50)
    async with opened(lab.redis_url_via(proxy)) as link:
        assert await link.command(b"PING") == b"PONG"
        readers = [asyncio.create_task(link.command(b"PING")) for _ in range(5)]
        await asyncio.sleep(0.01)
        proxy.cut()
        for reader in readers:
            with pytest.raises(SharedStoreDownError):
                await reader
        await link._clock.advance(RETRY_S)
        assert await link.command(b"PING") == b"PONG"


async def test_a_silent_server_is_left_for_a_new_connection(lab, redis_url):
    """A connection that answers nothing in time is not asked again."""
    proxy = lab.redis_proxy()
    async with opened(lab.redis_url_via(proxy), timeout_s=0.1) as link:
        assert await link.command(b"PING") == b"PONG"
        proxy.stall()
        with pytest.raises(SharedStoreDownError):
            await link.command(b"PING")
        before = link._wire._replies
        proxy.resume()
        await link._clock.advance(RETRY_S)
        assert await link.command(b"PING") == b"PONG"
        assert link._wire._replies is not before


async def test_a_wrong_password_is_told_without_it(redis_url):
    """The link says that Redis failed; the password appears nowhere."""
    host, _, port = redis_url.rpartition("@")[2].partition("/")[0].partition(":")
    wrong = redis_url_at("redis://:wrong-word@x/0", host, int(port))
    async with opened(wrong) as link:
        with pytest.raises(SharedStoreDownError) as caught:
            await link.command(b"PING")
        assert "wrong-word" not in str(caught.value)
        assert caught.value.__cause__ is None
        assert not link.up


async def test_the_database_of_the_address_is_read(redis_url):
    """Reads look where redis-py writes."""
    other = redis_url.rpartition("/")[0] + "/3"
    with redis.Redis.from_url(other) as client:
        client.set("k", "in three")
    async with opened(other) as link:
        assert await link.command(b"GET", b"k") == b"in three"


async def test_where_no_server_is_nobody_waits(redis_url):
    """A refused connection is the link's own error."""
    async with opened("redis://127.0.0.1:1/0") as link:
        with pytest.raises(SharedStoreDownError):
            await link.command(b"PING")


async def test_other_connections_are_left_to_redis_py():
    """What only redis-py can connect to is read through it."""
    client = fakeredis.FakeAsyncRedis()
    await client.set("k", "v")
    link = RedisLink(client)
    assert await link.command(b"GET", b"k") == b"v"
    await link.aclose()


async def test_a_script_is_sent_whole_only_to_who_does_not_know_it(link):
    """The hash is enough once, and after a flush the text goes again."""
    script = Script("return {KEYS[1], ARGV[1], #KEYS}")
    for _ in range(2):
        assert await link.run(script, ["k"], 7) == [b"k", b"7", 1]
    await link.client.script_flush()
    assert await link.run(script, ["k"], "x") == [b"k", b"x", 1]


async def test_scripts_run_by_redis_py_where_it_alone_can_connect():
    """The same script on a connection that is not plain."""
    link = RedisLink(fakeredis.FakeAsyncRedis())
    assert await link.run(Script("return ARGV[1]"), ["k"], "x") == b"x"
    assert link._wire is None
    await link.aclose()


async def test_a_scripts_error_is_no_outage(link):
    """Redis answered, if not what was hoped for."""
    with pytest.raises(SharedStoreDownError):
        await link.run(Script("return redis.call('NOSUCH')"), ["k"])
    assert link.up


async def test_nonsense_on_the_wire_ends_the_connection():
    """A server that does not speak the protocol is not listened to further."""

    async def babble(reader, writer):
        await reader.read(100)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(babble, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    wire = Wire({"host": "127.0.0.1", "port": port})
    with pytest.raises(UnconnectedError):
        await wire.ask(pack(b"PING"))
    await wire.aclose()
    server.close()
    await server.wait_closed()
