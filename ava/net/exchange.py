"""One request over HTTP: built, sent, and its answer read whole, within a time and a size.

What goes wrong comes back as a value, `Broken`, and is not raised: errors of httpx hold the request
with its key, and an error raised while one is handled carries it along.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode

import aiohttp
import httpx

from ava.net.request import Request
from ava.net.spec import Answer, Timeouts

_HEADERS = {"accept": "*/*", "accept-encoding": "gzip, deflate", "user-agent": "ava/0.1"}
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
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


def compose(
    base_url: str,
    request: Request,
    params: Mapping[str, str],
    headers: Mapping[str, str],
    timeouts: Timeouts,
) -> httpx.Request:
    """Return `request` as httpx takes it, with the authorising `params` and `headers` added."""
    query = urlencode({**request.params, **params})
    path = quote(request.path.lstrip("/"), safe=_PATH_SAFE)
    url = f"{base_url.rstrip('/')}/{path}" if path else base_url
    timeout = httpx.Timeout(timeouts.read_s, connect=timeouts.connect_s, pool=timeouts.connect_s)
    return httpx.Request(
        request.method,
        f"{url}?{query}" if query else url,
        headers={**_HEADERS, **request.headers, **headers},
        content=request.body,
        extensions={"timeout": timeout.as_dict(), "repeatable": request.repeatable},
    )


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
        async for chunk in response.aiter_bytes():
            size += len(chunk)
            if size > most_bytes:
                return None
            chunks.append(chunk)
    finally:
        await response.aclose()
    return b"".join(chunks)


def _told(error: Exception) -> str:
    """Name the failure; httpx's timeouts have no text of their own."""
    text = str(error).strip()
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
