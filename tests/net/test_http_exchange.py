"""One request over HTTP: composed as httpx itself would, and its answer read whole."""

import gzip
from urllib.parse import quote, urlencode

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ava.net.exchange import Broken, Letterhead, exchange
from ava.net.request import Request
from ava.net.spec import Timeouts

pytestmark = pytest.mark.anyio

BASE = "https://api.example:8443/v1"
PARAMS, HEADERS = {"token": "s3cret"}, {"authorization": "Bearer s3cret"}
OURS = {"accept": "*/*", "accept-encoding": "gzip, deflate", "user-agent": "ava/0.1"}
SAFE = "/:@!$&'()*+,;=~%"
PATHS = st.text(st.characters(exclude_characters="?#:", exclude_categories=["Cs"]), max_size=12)


def plain(request, more=(), base=BASE):
    """Return the request as httpx makes it when it reads every part itself."""
    path = quote(request.path.lstrip("/"), safe=SAFE)
    query = urlencode({**request.params, **PARAMS})
    return httpx.Request(
        request.method,
        f"{base}/{path}?{query}" if path else f"{base}?{query}",
        headers={**OURS, **request.headers, **HEADERS, **dict(more)},
        content=request.body,
    )


def same(one, other):
    """Say whether two requests are the same on the wire."""
    return (one.method, str(one.url), one.url.raw_path, one.headers.raw, one.content) == (
        other.method, str(other.url), other.url.raw_path, other.headers.raw, other.content,
    )  # fmt: skip


@pytest.fixture(scope="module")
def letterhead():
    return Letterhead(BASE, Timeouts(), PARAMS, HEADERS)


@given(path=PATHS, params=st.dictionaries(st.text(max_size=6), st.text(max_size=12), max_size=4))
def test_an_address_is_what_httpx_reads(letterhead, path, params):
    """Of whatever path and parameters; twice, since the second takes the path as read."""
    request = Request(path.lstrip("/"), params)
    for _ in range(2):
        assert same(letterhead.compose(request, {}), plain(request))


@pytest.mark.parametrize(
    "request_",
    [
        Request("/quote", {"symbol": "A"}),
        Request("/quote", {"symbol": "A"}, headers={"Accept": "text/csv"}),
        Request("/a/../b/./c", {"x": "1 2&3"}),
        Request("/orders", method="POST", body=b'{"n":1}', repeatable=False),
        Request("/orders", method="POST"),
        Request("/orders/1", method="DELETE"),
        Request(""),
    ],
)
@pytest.mark.parametrize("more", [{}, {"traceparent": "00-1-2-01"}])
def test_a_request_is_what_httpx_makes(letterhead, request_, more):
    """Its headers too, and a body's; with the headers of a trace among them or not."""
    assert same(letterhead.compose(request_, more), plain(request_, more))


def test_a_default_port_is_not_named():
    """Neither in the address nor to the host."""
    letterhead = Letterhead("https://api.example:443", Timeouts(), PARAMS, HEADERS)
    request = Request("/quote")
    expected = plain(request, base="https://api.example:443")
    assert same(letterhead.compose(request, {}), expected)
    assert expected.headers["host"] == "api.example"


def test_without_parameters_there_is_no_query():
    """A lone question mark is another address."""
    letterhead = Letterhead("https://fc.example", Timeouts(), {}, {})
    assert str(letterhead.compose(Request("/"), {}).url) == "https://fc.example"
    assert str(letterhead.compose(Request("/a"), {}).url) == "https://fc.example/a"


def test_one_request_leaves_no_trace_in_the_next(letterhead):
    """The headers and the address in common are copied and not changed."""
    first = letterhead.compose(Request("/quote", {"symbol": "A"}), {"traceparent": "1"})
    second = letterhead.compose(Request("/quote", {"symbol": "B"}), {})
    assert "traceparent" not in second.headers
    assert (first.url.params["symbol"], second.url.params["symbol"]) == ("A", "B")


async def sent(response):
    """Return what becomes of an exchange that is answered by `response`."""
    letterhead = Letterhead(BASE, Timeouts(), {}, {})
    transport = httpx.MockTransport(lambda _: response)
    async with httpx.AsyncClient(transport=transport) as http:
        return await exchange(
            http, letterhead.compose(Request("/a"), {}), within_s=5, most_bytes=100
        )


@pytest.mark.parametrize("coding", ["gzip", None])
async def test_a_body_is_decoded(coding):
    """Where it is encoded; otherwise it is as it came."""
    body = gzip.compress(b"told") if coding else b"told"
    headers = {"content-encoding": coding} if coding else {}
    answer = await sent(httpx.Response(200, headers=headers, content=body))
    assert (answer.status, answer.body) == (200, b"told")


@pytest.mark.parametrize("coding", ["gzip", None])
async def test_a_body_has_a_largest_size(coding):
    """Counted after decoding."""
    body = b"0" * 101
    headers = {"content-encoding": coding} if coding else {}
    content = gzip.compress(body) if coding else body
    answer = await sent(httpx.Response(200, headers=headers, content=content))
    assert isinstance(answer, Broken)
    assert answer.garbled
