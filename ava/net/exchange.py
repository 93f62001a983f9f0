"""One request over HTTP: built, sent, and its answer read whole, within a time and a size.

What goes wrong comes back as a value, `Broken`, and is not raised: errors of httpx hold the request
with its key, and an error raised while one is handled carries it along.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import cast
from urllib.parse import quote, urlencode

import aiohttp
import httpx

from ava.net.request import Request
from ava.net.spec import Answer, Timeouts

_HEADERS = {"accept": "*/*", "accept-encoding": "gzip, deflate", "user-agent": "ava/0.1"}
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
_ADDRESSES = 256  # of paths; those with a symbol in them are many
_PATH_SAFE = "/:@!$&'()*+,;=~%"  # "%" too: a path may be given quoted


@dataclass(frozen=True, slots=True)
class Broken:
    """An exchange without an answer; `sent` says whether the provider may have seen the request.

    `out_of_time` and `garbled` (an answer came, which cannot be decoded or is too large) tell apart
    what is no plain transport failure.
    """

    why: str
    sent: bool = True
    out_of_time: bool = False
    garbled: bool = False


class Letterhead:
    """What a client's requests have in common, made once: where to, by whom, how long to wait.

    httpx takes longer to read an address and its own headers again than to send them. So of a
    question without a body, nearly every one, only the query is put in.
    """

    def __init__(
        self,
        base_url: str,
        timeouts: Timeouts,
        params: Mapping[str, str],
        headers: Mapping[str, str],
    ) -> None:
        self._base_url = base_url
        self._params = params
        self._headers = {**_HEADERS, **headers}
        self._own = headers
        timeout = httpx.Timeout(
            timeouts.read_s, connect=timeouts.connect_s, pool=timeouts.connect_s
        )
        self._timeout = timeout.as_dict()
        host = httpx.URL(base_url).netloc.decode("ascii")
        self._complete = httpx.Headers({"Host": host, **self._headers})
        self._address = lru_cache(_ADDRESSES)(self._read_address)

    def compose(self, request: Request, more: Mapping[str, str]) -> httpx.Request:
        """Return `request` as httpx takes it, authorised, with `more` headers besides."""
        extensions = {"timeout": self._timeout, "repeatable": request.repeatable}
        url = self._located(request)
        if request.body is not None or request.headers or request.method != "GET":
            headers = {**_HEADERS, **request.headers, **self._own, **more}
            return httpx.Request(
                request.method, url, headers=headers, content=request.body, extensions=extensions
            )
        complete = self._complete.copy()
        complete.update(more)
        stream = httpx.ByteStream(b"")
        sending = httpx.Request("GET", url, headers=complete, stream=stream, extensions=extensions)
        sending.read()
        return sending

    def _located(self, request: Request) -> httpx.URL:
        """Return the address; the query needs no reading, it has just been written."""
        query = urlencode({**request.params, **self._params})
        url = httpx.URL(self._address(request.path))
        if query:
            # httpx has no way to do this that does not read all of it again; a test guards it.
            url._uri_reference = url._uri_reference._replace(query=query)  # noqa: SLF001
        return url

    def _read_address(self, path: str) -> httpx.URL:
        quoted = quote(path.lstrip("/"), safe=_PATH_SAFE)
        return httpx.URL(f"{self._base_url.rstrip('/')}/{quoted}" if quoted else self._base_url)


async def exchange(
    http: httpx.AsyncClient, request: httpx.Request, *, within_s: float, most_bytes: int
) -> Answer | Broken:
    """Send `request` and return the answer, with its body decoded, or what went wrong."""
    response: httpx.Response | None = None
    try:
        async with asyncio.timeout(within_s):
            response = await http.send(request, stream=True, follow_redirects=False)
            body = await _body(response, most_bytes)
    except TimeoutError:
        return Broken(f"no whole answer within {within_s:.3g} s", out_of_time=True)
    except (httpx.HTTPError, httpx.InvalidURL, aiohttp.ClientError, OSError) as error:
        sent = response is not None or not isinstance(error, _NOT_SENT)
        return Broken(_told(error), sent=sent, garbled=isinstance(error, httpx.DecodingError))
    if body is None:
        return Broken(f"the body is larger than {most_bytes} bytes", garbled=True)
    return Answer(response.status_code, dict(response.headers.items()), body)


async def _body(response: httpx.Response, most_bytes: int) -> bytes | None:
    """Return the decoded body, None where it is too large; the connection is given back."""
    chunks: list[bytes] = []
    size = 0
    try:
        async for chunk in _chunks(response):
            size += len(chunk)
            if size > most_bytes:
                return None
            chunks.append(chunk)
    finally:
        await response.aclose()
    return b"".join(chunks)


def _chunks(response: httpx.Response) -> AsyncIterable[bytes]:
    """Return the decoded body in parts; what is not encoded comes straight from the transport."""
    if "content-encoding" in response.headers:
        return response.aiter_bytes()
    return cast("AsyncIterable[bytes]", response.stream)


def _told(error: Exception) -> str:
    """Name the failure; httpx's timeouts have no text of their own."""
    text = str(error).strip()
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
