"""The connections to a provider: httpx's face over aiohttp's pool, which is several times faster.

One client a provider, opened once. Two habits of the libraries below are corrected here. aiohttp
repeats a request by itself when a connection breaks, new ones included, so that a provider counts
calls which nobody made: that is switched off, and only a request that died on a *reused* connection
before any answer is sent again (the provider had closed it while it lay idle; RFC 9112, 9.3.1), and
only if it is repeatable. And the adapter between them calls any broken connection a connect
timeout: whether a request ever left is told apart here, because quotas depend on it.

The environment is not read: no proxy, no netrc, so that keys go where the settings say and nowhere
else. No cookie is kept.
"""

from __future__ import annotations

import functools
import ssl
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from ava.net.spec import Timeouts

KEEP_ALIVE_S = 30.0  # under the idle limits common at providers (60 s and more)
DNS_CACHE_S = 60.0  # a provider that moves is found again within a minute
_REPEATS = 5  # connections that lay idle together were closed together; then a new one is made


@dataclass(slots=True)
class _Wire:
    """What became of one sending: on a used connection or not, and whether headers were written."""

    reused: bool = False
    sent: bool = False


_CARRIED = "_ava_carried"  # the mark on a connection
_WIRE: ContextVar[_Wire] = ContextVar("ava_net_wire")


class StaleConnectionError(httpx.RemoteProtocolError):
    """A reused connection was closed by the other side before any of the answer came."""


class PooledTransport(httpx.AsyncBaseTransport):
    """aiohttp's pool as httpx's transport, with failures named by what they say of the request."""

    def __init__(self, connections: int) -> None:
        context = _tls()
        self._inner = AiohttpTransport(
            verify=context, trust_env=False, client=lambda: _session(connections, context)
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send; raise ConnectError or ConnectTimeout only for a request that never left."""
        repeats = _REPEATS if request.extensions.get("repeatable") else 0
        while True:
            sent = await self._send(request)
            if isinstance(sent, httpx.Response):
                return sent
            if not isinstance(sent, StaleConnectionError) or not repeats:
                raise sent
            repeats -= 1

    async def aclose(self) -> None:
        """Close every connection."""
        await self._inner.aclose()

    async def _send(self, request: httpx.Request) -> httpx.Response | httpx.TransportError:
        wire = _Wire()
        token = _WIRE.set(wire)
        try:
            return await self._inner.handle_async_request(request)
        except (httpx.TransportError, aiohttp.ClientError, OSError) as error:
            return _named(error, wire)
        finally:
            _WIRE.reset(token)


class PooledClient(httpx.AsyncClient):
    """httpx's client with a `send` that only sends.

    What httpx does around a request (redirects, authentication, cookies, hooks, a log line with the
    whole URL) is unwanted for a provider, and costs as much as the request itself.
    """

    def __init__(self, transport: PooledTransport, **settings: Any) -> None:
        super().__init__(transport=transport, **settings)
        self._pooled = transport

    async def send(
        self,
        request: httpx.Request,
        *,
        stream: bool = False,
        **_unused: Any,
    ) -> httpx.Response:
        """Send `request` as it is; with `stream`, the caller reads and closes the answer."""
        if self.is_closed:
            raise RuntimeError("the client has been closed")
        response = await self._pooled.handle_async_request(request)
        response.request = request
        if not stream:
            try:
                await response.aread()
            finally:
                await response.aclose()
        return response


def open_http(timeouts: Timeouts, *, connections: int) -> httpx.AsyncClient:
    """Return a client whose pool holds up to `connections`; close it with `aclose`.

    Nothing is connected yet. Requests carry timeouts of their own; `timeouts` is for those that
    do not.
    """
    return PooledClient(
        PooledTransport(connections),
        timeout=httpx.Timeout(timeouts.read_s, connect=timeouts.connect_s),
        trust_env=False,
    )


def _session(connections: int, context: ssl.SSLContext) -> aiohttp.ClientSession:
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            limit=connections,
            ssl=context,
            keepalive_timeout=KEEP_ALIVE_S,
            ttl_dns_cache=round(DNS_CACHE_S),
        ),
        cookie_jar=aiohttp.DummyCookieJar(),
        request_class=_Noted,
        trust_env=False,
    )
    session._retry_connection = False  # noqa: SLF001 - aiohttp has no public switch; a test guards it
    return session


class _Noted(aiohttp.ClientRequest):
    """A request that notes in its `_Wire` what happens to it.

    aiohttp's traces would tell the same, for a twelfth of all that a request costs. A connection is
    marked by the first request that it carries.
    """

    async def send(self, conn: Any) -> aiohttp.ClientResponse:
        wire, carried = _WIRE.get(), vars(conn.protocol)
        wire.reused = _CARRIED in carried
        carried[_CARRIED] = wire.sent = True
        return await super().send(conn)


def _named(error: Exception, wire: _Wire) -> httpx.TransportError:
    """Return httpx's error for what happened; its text is the cause's own."""
    cause = error.__cause__ if isinstance(error.__cause__, Exception) else error
    late = isinstance(cause, TimeoutError | httpx.TimeoutException)
    text = str(cause) or type(cause).__name__
    if not wire.sent:
        return httpx.ConnectTimeout(text) if late else httpx.ConnectError(text)
    if late:
        return httpx.ReadTimeout(text)
    broken = isinstance(cause, aiohttp.ServerDisconnectedError | OSError)
    if wire.reused and broken:
        return StaleConnectionError(text)
    return httpx.RemoteProtocolError(text)


@functools.cache
def _tls() -> ssl.SSLContext:
    """Return the process's one context: reading the root certificates takes 15 ms."""
    return httpx.create_ssl_context(trust_env=False)
