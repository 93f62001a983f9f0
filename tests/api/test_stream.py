"""News over a WebSocket: over a real server where the wire matters, by bare messages elsewhere."""

import asyncio
import json
import logging
import socket
from contextlib import asynccontextmanager

import pytest
from api_asking import SECRET, opened, serving
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from ava.api.app import create_app, discover
from ava.api.stream import MESSAGE_BYTES, MOST_TOPICS
from ava.api.traffic import Traffic
from ava.clock import ManualClock
from ava.serving.goodbye import Goodbye

pytestmark = pytest.mark.anyio

HELLO = {"type": "hello"}
HELLO_KEYED = {"type": "hello", "key": SECRET}


def app_of(core):
    """Return the application with the stream alone."""
    return create_app(core, [area for area in discover(core) if "/stream" in area.router.prefix])


class Client:
    """One end of a WebSocket that speaks JSON."""

    def __init__(self, wire):
        self.wire = wire

    async def say(self, *messages):
        for message in messages:
            await self.wire.send(message if isinstance(message, str) else json.dumps(message))

    async def hear(self):
        return json.loads(await asyncio.wait_for(self.wire.recv(), 30))

    async def subscribe(self, *topics, hello=HELLO):
        """Say hello and subscribe; return what came of it."""
        await self.say(hello, {"type": "subscribe", "topics": topics})
        assert (await self.hear())["type"] == "welcome"
        return await self.hear()

    async def ending(self):
        """Return the code that the server closes with."""
        try:
            while True:
                await self.hear()
        except ConnectionClosed as closed:
            return closed.rcvd.code


@asynccontextmanager
async def connected(place, **how):
    """Connect to the stream at host:port."""
    async with connect(f"ws://{place}/api/v1/stream", ping_interval=None, **how) as wire:
        yield Client(wire)


@asynccontextmanager
async def client_of(core, **how):
    """Serve a core and connect to it."""
    async with serving(app_of(core)) as place, connected(place, **how) as client:
        yield client


async def test_a_change_is_told(core):
    """Who subscribed to the tag hears of it, and of no other."""
    async with client_of(core) as client:
        assert (await client.subscribe("sports"))["topics"] == ["sports"]
        await core.platform.cache.invalidate_tags("scans")
        await core.platform.cache.invalidate_tags("sports", "sports:nfl")
        assert await client.hear() == {"type": "changed", "topic": "sports"}


async def test_a_change_in_another_process_is_told(redis_url):
    """Two cores on one Redis; the news comes once, from either."""
    both = opened(redis=redis_url), opened(redis=redis_url)
    async with both[0] as core, both[1] as other, client_of(core) as client:
        await client.subscribe("sports", "scans")
        for one, topic in ((other, "sports"), (core, "scans"), (other, "sports")):
            assert await one.platform.cache.invalidate_tags(topic)
            assert await client.hear() == {"type": "changed", "topic": topic}


async def test_an_account_s_topics_need_a_key(core):
    """Without one they are refused by name, and the others are heard all the same."""
    async with client_of(core) as client:
        refused = await client.subscribe("sports", "portfolio", "never-heard-of")
        assert (refused["type"], "portfolio, never-heard-of" in refused["detail"]) == (
            "error",
            True,
        )
        assert (await client.hear())["topics"] == ["sports"]
        await core.platform.cache.invalidate_tags("portfolio")
        await core.platform.cache.invalidate_tags("sports")
        assert (await client.hear())["topic"] == "sports"


async def test_with_a_key_every_topic_is_heard(core):
    """The key comes in the first message, since a browser can set no header."""
    async with client_of(core) as client:
        done = await client.subscribe("portfolio", "automation:wheel", hello=HELLO_KEYED)
        assert done["topics"] == ["automation:wheel", "portfolio"]
        await core.platform.cache.invalidate_tags("automation:wheel")
        assert (await client.hear())["topic"] == "automation:wheel"


async def test_a_wrong_key_ends_the_connection_and_is_repeated_nowhere(core, caplog):
    """Closed with 1008 at once; neither the reason nor the log has the key."""
    caplog.set_level(logging.DEBUG)
    logging.getLogger("websockets.client").setLevel(logging.WARNING)  # the client shows its own
    async with client_of(core) as client:
        await client.say({"type": "hello", "key": "swordfish"})
        with pytest.raises(ConnectionClosed) as closed:
            await client.hear()
    assert closed.value.rcvd.code == 1008
    server = [r.getMessage() for r in caplog.records if not r.name.startswith("websockets.client")]
    assert "swordfish" not in closed.value.rcvd.reason
    assert not any("swordfish" in line for line in server if "< TEXT" not in line)


async def test_a_topic_covers_the_tags_below_it(core):
    """Who shows all symbols hears of each, and of nothing that merely begins alike."""
    async with client_of(core) as client:
        await client.subscribe("symbol", "symbol:MSFT")
        await core.platform.cache.invalidate_tags("symbols", "symbol-list:AAPL")
        await core.platform.cache.invalidate_tags("symbol:^GSPC")
        assert (await client.hear())["topic"] == "symbol"
        await core.platform.cache.invalidate_tags("symbol:MSFT")
        assert [(await client.hear())["topic"] for _ in "ab"] == ["symbol", "symbol:MSFT"]


@pytest.mark.parametrize("message", ["{", "[]", '{"type":"shout"}', '{"type":"subscribe"}', "\x00"])
async def test_what_cannot_be_read_is_answered_and_then_ends(core, message):
    """Twice an error, and the third time 1008."""
    async with client_of(core) as client:
        await client.say(message, message)
        assert [(await client.hear())["type"] for _ in range(2)] == ["error", "error"]
        await client.say(message)
        assert await client.ending() == 1008
    assert core.service(Traffic).malformed == 3
    assert core.service(Traffic).dropped[1008] == 1


async def test_a_large_message_ends_the_connection(core):
    """Nothing that is asked for here is that long."""
    async with client_of(core) as client:
        await client.say(json.dumps({"type": "hello", "key": "x" * MESSAGE_BYTES}))
        assert await client.ending() == 1009


@pytest.mark.parametrize(
    "topics", [[f"sports:{n}" for n in range(MOST_TOPICS + 1)], ["UPPER"], [""], ["s" * 65]]
)
async def test_topics_are_few_and_plain(core, topics):
    """Too many, or what is no tag, is refused, and nothing of it is subscribed to."""
    async with client_of(core) as client:
        assert (await client.subscribe(*topics))["type"] == "error"
        await client.say({"type": "unsubscribe", "topics": []})
        assert await client.hear() == {"type": "subscribed", "topics": []}


async def test_who_unsubscribes_hears_no_more(core):
    """The next topic heard is the one still subscribed to."""
    async with client_of(core) as client:
        await client.subscribe("sports", "scans")
        await client.say({"type": "unsubscribe", "topics": ["sports"]})
        assert (await client.hear())["topics"] == ["scans"]
        await core.platform.cache.invalidate_tags("sports")
        await core.platform.cache.invalidate_tags("scans")
        assert (await client.hear())["topic"] == "scans"


async def test_a_page_of_another_site_is_let_in_nowhere(core):
    """A browser tells which page asks; this server's own may, and programs have none."""
    async with serving(app_of(core)) as place:
        with pytest.raises(InvalidStatus) as refused:
            async with connected(place, origin="http://elsewhere.example"):
                pass
        async with connected(place, origin=f"http://{place}") as client:
            await client.subscribe("sports")
    assert refused.value.response.status_code == 403


async def test_connections_are_bounded():
    """One too many is told to come later; when one leaves there is room again."""
    async with opened(streams=1) as core, serving(app_of(core)) as place:
        async with connected(place) as first:
            await first.subscribe("sports")
            async with connected(place) as second:
                assert await second.ending() == 1013
        while core.service(Traffic).streams:  # noqa: ASYNC110 - a plain integer
            await asyncio.sleep(0.002)
        async with connected(place) as third:
            await third.subscribe("sports")


async def test_a_client_that_does_not_read_is_dropped():
    """It gets no more than buffers hold, and then its connection ends; others are not held up."""
    topics = [f"sports:{'x' * 50}{n:03}" for n in range(MOST_TOPICS)]
    async with (
        opened(send_s=0.05) as core,
        serving(app_of(core), send_bytes=4096) as place,
        connected(place) as good,
    ):
        await good.subscribe("scans")
        with await asyncio.to_thread(_deaf, place, topics):
            traffic = core.service(Traffic)
            async with asyncio.timeout(60):
                while not traffic.dropped[1013]:
                    await core.platform.cache.invalidate_tags(*topics)
                    await asyncio.sleep(0.001)
            await core.platform.cache.invalidate_tags("scans")
            assert (await good.hear())["topic"] == "scans"


def _deaf(place, topics):
    """Connect, subscribe and read nothing from then on."""
    wire = _handshake(place)
    _write(wire, HELLO)
    _write(wire, {"type": "subscribe", "topics": topics})
    wire.recv(512)
    return wire


def _handshake(place):
    host, port = place.split(":")
    wire = socket.socket()
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    wire.settimeout(30)
    wire.connect((host, int(port)))
    wire.sendall(
        f"GET /api/v1/stream HTTP/1.1\r\nHost: {place}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
    )
    head = b""
    while not head.endswith(b"\r\n\r\n"):  # and no byte of the frames that may follow it
        head += wire.recv(1)
    assert b" 101 " in head
    return wire


def _write(wire, message):
    text = json.dumps(message).encode()
    assert len(text) < 1 << 16
    wire.sendall(b"\x81" + bytes([0x80 | 126]) + len(text).to_bytes(2) + bytes(4) + text)


async def test_a_client_that_answers_no_ping_is_dropped(core):
    """It is there no more, though its connection does not say so."""
    fast = {"ws_ping_interval": 0.05, "ws_ping_timeout": 0.05}
    async with serving(app_of(core), **fast) as place:
        with await asyncio.to_thread(_handshake, place) as wire:
            seen = await asyncio.to_thread(_until_closed, wire)
        while core.service(Traffic).streams:  # noqa: ASYNC110 - a plain integer
            await asyncio.sleep(0.002)
    assert bytes([0x89]) in seen[:1]  # a ping came first


def _until_closed(wire):
    seen = b""
    while chunk := wire.recv(512):
        seen += chunk
    return seen


async def test_the_server_says_goodbye(core):
    """Closed with 1001, and nothing of the connection is left."""
    goodbye = Goodbye(app_of(core))
    async with serving(goodbye) as place, connected(place) as client:
        await client.subscribe("sports")
        await goodbye.say()
        assert await client.ending() == 1001
        while core.service(Traffic).streams:  # noqa: ASYNC110 - a plain integer
            await asyncio.sleep(0.002)


async def test_a_client_that_leaves_is_no_error(core, caplog):
    """Whether it says so or not, the log has no warning."""
    async with serving(app_of(core)) as place:
        async with connected(place) as client:
            await client.subscribe("sports")
        rude = await asyncio.to_thread(_handshake, place)
        rude.close()
        await core.platform.cache.invalidate_tags("sports")
        while core.service(Traffic).streams:  # noqa: ASYNC110 - a plain integer
            await asyncio.sleep(0.002)
    assert [r for r in caplog.records if r.levelno >= logging.WARNING] == []


class Bare:
    """A WebSocket of bare messages: what the client says is put in, what it gets is read."""

    def __init__(self, app):
        self.sent = []
        self.may_send = asyncio.Event()
        self.may_send.set()
        self._heard = asyncio.Queue()
        self._heard.put_nowait({"type": "websocket.connect"})
        scope = {
            "type": "websocket", "asgi": {"version": "3.0"}, "http_version": "1.1",
            "path": "/api/v1/stream", "raw_path": b"/api/v1/stream", "query_string": b"",
            "root_path": "", "scheme": "ws", "server": ("ava", 80), "client": ("c", 1),
            "headers": [], "subprotocols": [],
        }  # fmt: skip
        self.running = asyncio.create_task(app(scope, self._heard.get, self._send))

    async def _send(self, message):
        await self.may_send.wait()
        self.sent.append(message)

    def say(self, message):
        self._heard.put_nowait({"type": "websocket.receive", "text": json.dumps(message)})

    async def leave(self):
        self._heard.put_nowait({"type": "websocket.disconnect", "code": 1000})
        await self.running

    def texts(self):
        return [json.loads(m["text"]) for m in self.sent if m["type"] == "websocket.send"]


async def settled():
    for _ in range(20):
        await asyncio.sleep(0)


@pytest.mark.parametrize(("every_s", "beats"), [(25.0, 24), (10.0, 60)])
async def test_the_heart_beats_as_configured(every_s, beats):
    """In ten minutes of a virtual clock exactly so often."""
    clock = ManualClock()
    async with opened(clock=clock, heartbeat_s=every_s) as core:
        bare = Bare(app_of(core))
        bare.say(HELLO)
        await settled()
        await clock.advance(600.0)
        await bare.leave()
        texts = bare.texts()
    assert texts[0] == {"type": "welcome", "caller": None, "every_s": every_s}
    assert texts[1:] == [{"type": "heartbeat"}] * beats


async def test_changes_that_wait_are_told_once(core):
    """However often a topic changes while a client reads, it waits but once."""
    bare = Bare(app_of(core))
    bare.say({"type": "subscribe", "topics": ["sports", "scans"]})
    await settled()
    bare.may_send.clear()
    for _ in range(100):
        await core.platform.cache.invalidate_tags("sports")
        await core.platform.cache.invalidate_tags("scans")
        await settled()
    bare.may_send.set()
    await settled()
    await bare.leave()
    changed = [text["topic"] for text in bare.texts() if text["type"] == "changed"]
    # One was on its way already when the client stopped reading.
    assert changed[1:] == ["scans", "sports"] or sorted(changed) == ["scans", "sports"]
    assert len(changed) <= 3


async def test_after_an_outage_everything_may_have_changed(core):
    """A lost connection to Redis is told as a change of each topic subscribed to."""
    bare = Bare(app_of(core))
    bare.say({"type": "subscribe", "topics": ["sports", "scans"]})
    await settled()
    await core.platform.cache.invalidate_pattern("*")
    await settled()
    await bare.leave()
    changed = [text["topic"] for text in bare.texts() if text["type"] == "changed"]
    assert changed == ["scans", "sports"]
