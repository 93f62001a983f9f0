"""No key of a provider is in an error, a log line, a repr or a traceback."""

import asyncio
import logging
import traceback
from urllib.parse import quote

import httpx
import msgspec
import pytest
import respx

from ava.clock import ManualClock
from ava.errors import AuthenticationError, ProviderError, QuotaExhaustedError
from ava.net.client import Client, Request
from ava.net.http import open_http
from ava.net.redact import Redactor
from ava.net.spec import ProviderSpec, RetryRule, Timeouts
from ava.section import Secret

pytestmark = pytest.mark.anyio

URL = "http://provider.test"
KEY = "k3y/with+odd=chars-0123"
SPELLINGS = (KEY, quote(KEY, safe=""), quote(KEY))


def by_query(secret):
    """Authorise in the query."""
    return ({"apikey": secret.reveal()} if secret else {}), {}


def by_header(secret):
    """Authorise by a header."""
    return {}, ({"authorization": f"Bearer {secret.reveal()}"} if secret else {})


def echo(answer):
    """Complain with the provider's own words."""
    if b"daily" in answer.body:
        return QuotaExhaustedError(answer.body.decode(), provider="acme")
    return None


def read(answer):
    """Fail on what is no number, quoting it."""
    return float(answer.body)


ENDINGS = {
    "refusal in a body": httpx.Response(200, text=f"daily limit of key {KEY} reached"),
    "unreadable": httpx.Response(200, text=f"your key is {KEY}"),
    "status": httpx.Response(401, text=KEY),
    "redirect": httpx.Response(302, headers={"location": f"http://x/?apikey={quote(KEY)}"}),
    "transport": httpx.ConnectError(
        f"no way to http://provider.test/q?apikey={quote(KEY, safe='')}"
    ),
    "timeout": httpx.ReadTimeout(f"GET /q?apikey={KEY}"),
}


def leaks(*texts):
    """Return the texts that hold the key in any spelling."""
    return [text for text in texts if any(spelling in text for spelling in SPELLINGS)]


def told(error):
    """Return every text there is of an error and what it was raised from."""
    texts = ["".join(traceback.format_exception(error))]
    seen = [error]
    while seen:
        one = seen.pop()
        texts += [str(one), repr(one), repr(one.__dict__)]
        seen += [other for other in (one.__cause__, one.__context__) if other is not None]
    return texts


@pytest.mark.parametrize("authorise", [by_query, by_header])
@pytest.mark.parametrize("ending", ENDINGS, ids=lambda name: name.replace(" ", "-"))
async def test_however_a_call_ends_its_error_holds_no_key(ending, authorise, caplog):
    """Message, repr, attributes, causes, traceback and log lines, httpx's own included."""
    caplog.set_level(logging.DEBUG)
    router = respx.Router(base_url=URL)
    outcome = ENDINGS[ending]
    route = router.get("/q").mock(side_effect=[outcome, outcome])
    spec = ProviderSpec(
        "acme", URL, authorise=authorise, complaint=echo, retry=RetryRule(attempts=2)
    )
    http = httpx.AsyncClient(transport=httpx.MockTransport(router.async_handler))
    client = Client(spec, http, key=Secret(KEY), clock=ManualClock(jump=True))
    with pytest.raises(ProviderError) as caught:
        await client.fetch(Request("/q"), read)
    sent = route.calls[0].request
    assert leaks(str(sent.url), *sent.headers.values())  # it was there to be leaked
    assert leaks(*told(caught.value), caplog.text, repr(client)) == []


async def test_httpx_logs_urls_without_their_query(caplog):
    """The line that httpx writes for each request keeps the path alone."""
    caplog.set_level(logging.INFO, logger="httpx")
    http = httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(200)))
    Client(ProviderSpec("acme", URL), http)
    await http.get(f"{URL}/q?apikey={KEY}")
    assert len(caplog.messages) == 1
    assert f"{URL}/q" in caplog.text
    assert leaks(caplog.text) == []


async def test_a_real_connection_that_is_refused_leaks_nothing(caplog):
    """The pool's own errors and logs hold no key either."""
    caplog.set_level(logging.DEBUG)
    spec = ProviderSpec(
        "acme", "http://127.0.0.1:1", authorise=by_query, retry=RetryRule(attempts=1)
    )
    async with open_http(Timeouts(), connections=1) as http:
        with pytest.raises(ProviderError) as caught:
            await Client(spec, http, key=Secret(KEY)).fetch(Request("/q"), read)
    assert leaks(*told(caught.value), caplog.text) == []


async def test_a_key_that_was_replaced_stays_hidden():
    """A late answer may echo the key before."""
    router = respx.Router(base_url=URL)
    router.get("/q").mock(return_value=httpx.Response(200, text=f"daily {KEY}"))
    http = httpx.AsyncClient(transport=httpx.MockTransport(router.async_handler))
    spec = ProviderSpec("acme", URL, complaint=echo, authorise=by_header)
    client = Client(spec, http, key=Secret(KEY))
    client.use_key(Secret("another-key-456"))
    with pytest.raises(QuotaExhaustedError) as caught:
        await client.fetch(Request("/q"), read)
    assert leaks(str(caught.value)) == []


async def test_callers_who_share_a_failure_are_told_no_key():
    """The one who joined reads the answer by itself, and its error is redacted as well."""
    router = respx.Router(base_url=URL)
    router.get("/q").mock(return_value=httpx.Response(200, text=f"your key is {KEY}"))
    http = httpx.AsyncClient(transport=httpx.MockTransport(router.async_handler))
    client = Client(ProviderSpec("acme", URL, authorise=by_query), http, key=Secret(KEY))
    value, error = await asyncio.gather(
        client.fetch(Request("/q"), lambda answer: len(answer.body)),
        client.fetch(Request("/q"), read),
        return_exceptions=True,
    )
    assert value == 12 + len(KEY)
    assert leaks(*told(error)) == []


def test_a_derived_header_is_a_secret_too():
    """A key in base64 is hidden whole; short words around it are not."""
    redact = Redactor()
    redact.learn("pw", ["Basic dXNlcjpwdzEyMzQ1"])
    assert redact("Basic dXNlcjpwdzEyMzQ1 failed") == "Basic *** failed"


def test_escaped_keys_are_found():
    """A key in JSON is hidden as JSON writes it."""
    redact = Redactor()
    redact.learn('a"quoted\\key', [])
    text = msgspec.json.encode({"key": 'a"quoted\\key'}).decode()
    assert redact(text) == '{"key":"***"}'


def test_without_a_key_nothing_is_hidden():
    """Texts of a keyless provider are left as they are."""
    redact = Redactor()
    redact.learn(None, [])
    error = AuthenticationError("no key", provider="acme")
    assert str(redact.clean(error)) == "no key"
