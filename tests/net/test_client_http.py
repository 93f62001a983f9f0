"""The pool on real sockets: what the libraries below do by themselves, and what we make of it."""

import asyncio
import gc
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from ava.clock import ManualClock
from ava.errors import BadDataError, DeadlineError, OutageError
from ava.net.client import Client, Request
from ava.net.http import StaleConnectionError, open_http
from ava.net.spec import ProviderSpec, RetryRule, Timeouts

pytestmark = pytest.mark.anyio

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
ONCE = RetryRule(attempts=1)


class Server:
    """A server that answers each request by a script of (bytes or None, then close or not)."""

    def __init__(self, *script):
        self.script = list(script)
        self.requests = []
        self.connections = self.open = 0

    async def serve(self, reader, writer):
        self.connections += 1
        self.open += 1
        try:
            while await self.answer(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.open -= 1
            writer.close()

    async def answer(self, reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        self.requests.append(head)
        what = self.script.pop(0) if self.script else OK
        if what is None:
            return False
        if what == "silence":
            await reader.read()
            return False
        if what == "abort":
            writer.transport.abort()
            return False
        writer.write(what)
        await writer.drain()
        return not what.endswith(b"cut")


@asynccontextmanager
async def serving(*script, spec=None, clock=None):
    """Serve the script, and give the server and a client to it."""
    server = Server(*script)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    rule = ProviderSpec("acme", f"http://127.0.0.1:{port}", **(spec or {"retry": ONCE}))
    async with open_http(rule.timeouts, connections=5) as http:
        yield server, Client(rule, http, clock=clock or ManualClock(jump=True))
    listening.close()


def body(answer):
    """Return the body."""
    return answer.body


async def ask(client, **how):
    """Fetch a page."""
    return await client.fetch(Request("/page", {"n": "1"}, **how), body)


async def test_a_connection_is_used_again():
    """Ten calls after each other take one connection."""
    async with serving() as (server, client):
        for _ in range(10):
            assert await ask(client) == b"ok"
    assert (len(server.requests), server.connections) == (10, 1)


async def test_the_pool_is_bounded():
    """More callers than connections wait for one."""
    async with serving() as (server, client):
        asked = [Request("/page", {"n": str(n)}) for n in range(40)]
        await asyncio.gather(*[client.fetch(r, body) for r in asked])
    assert len(server.requests) == 40
    assert server.connections <= 5


async def test_a_request_on_a_closed_idle_connection_is_sent_again_unseen():
    """It is no failure and no retry: the provider never saw it."""
    async with serving(OK, None) as (server, client):
        assert await ask(client) == b"ok"
        assert await ask(client) == b"ok"
        stats = client.stats()
    assert (stats.successes, stats.failures, stats.retries) == (2, 0, 0)
    assert (len(server.requests), server.connections) == (3, 2)


async def test_an_order_on_a_closed_idle_connection_is_not_sent_again():
    """What must not be repeated is not, even there: the error says so."""
    async with serving(OK, None) as (server, client):
        await ask(client)
        with pytest.raises(OutageError, match="StaleConnectionError"):
            await ask(client, method="POST", repeatable=False)
    assert len(server.requests) == 2


@pytest.mark.parametrize("end", [None, "abort"])
async def test_a_request_that_breaks_on_a_new_connection_is_sent_once(end):
    """aiohttp's own repetition is off: a provider counts each call that is made, and no other."""
    async with serving(end, end) as (server, client):
        with pytest.raises(OutageError):
            await ask(client)
    assert len(server.requests) == 1


async def test_a_refused_connection_never_left():
    """Nothing listens: the error is the one that stands for a request not sent."""
    async with open_http(Timeouts(), connections=1) as http:
        with pytest.raises(httpx.ConnectError):
            await http.get("http://127.0.0.1:1/")


async def test_a_broken_connection_is_no_connect_failure():
    """The request was sent; the adapter's own error would say that it never left."""
    async with serving(None) as (_, client):
        with pytest.raises(httpx.RemoteProtocolError) as caught:
            await client._asker._http.get(client.spec.base_url)
    assert not isinstance(caught.value, StaleConnectionError)


async def test_silence_is_an_outage_after_the_read_timeout():
    """A server that accepts and says nothing is given up."""
    spec = {"retry": ONCE, "timeouts": Timeouts(connect_s=1, read_s=0.05)}
    async with serving("silence", spec=spec) as (_, client):
        with pytest.raises(OutageError, match="ReadTimeout"):
            await ask(client)


async def test_a_dripping_body_is_bounded_by_the_attempt():
    """Each piece comes in time, the whole does not."""

    class Dripping(Server):
        async def answer(self, reader, writer):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
            for _ in range(1000):
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.01)

    listening = await asyncio.start_server(Dripping().serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    timeouts = Timeouts(connect_s=0.05, read_s=0.05)
    spec = ProviderSpec("acme", f"http://127.0.0.1:{port}", retry=ONCE, timeouts=timeouts)
    async with open_http(timeouts, connections=1) as http:
        with pytest.raises(OutageError, match="no whole answer within"):
            await ask(Client(spec, http))
        with pytest.raises(DeadlineError):
            await Client(spec, http).fetch(Request("/page"), body, deadline_s=0.03)
    listening.close()


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ncut", OutageError),
        (b"rubbish\r\n\r\ncut", OutageError),
        (
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\ncut",
            BadDataError,
        ),
        (b"HTTP/1.1 302 F\r\nLocation: http://x/\r\nContent-Length: 0\r\n\r\n", BadDataError),
    ],
    ids=["short", "no-http", "not-gzip", "redirect"],
)
async def test_broken_answers_are_typed(answer, kind):
    """Each way an answer can be broken is one of our errors, without a foreign cause."""
    async with serving(answer) as (_, client):
        with pytest.raises(kind) as caught:
            await ask(client)
    assert caught.value.__context__ is None


async def test_no_cookie_is_kept():
    """What one answer sets, the next request does not send."""
    set_cookie = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 2\r\n\r\nok"
    async with serving(set_cookie) as (server, client):
        await ask(client)
        await ask(client)
    assert b"cookie" not in server.requests[1].lower()


async def test_the_environment_names_no_proxy(monkeypatch):
    """Keys go to the provider's host, whatever the environment says."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    async with serving() as (_, client):
        assert await ask(client) == b"ok"


def sockets():
    """Count this process's sockets."""
    links = [link for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    return sum(str(link.readlink()).startswith("socket:") for link in links if link.is_symlink())


async def test_cancelled_requests_leak_no_connection():
    """Cancelled at many moments, calls leave no connection behind after the pool is closed."""
    before = sockets()
    async with serving() as (server, client):
        for turns in range(40):
            task = asyncio.ensure_future(ask(client))
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
        assert await ask(client) == b"ok"
    for _ in range(200):
        if server.open == 0 and sockets() <= before:
            break
        gc.collect()
        await asyncio.sleep(0.01)
    assert (server.open, sockets()) == (0, before)
