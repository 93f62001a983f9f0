"""Yahoo: its answers read, its crumb fetched and renewed, its batches counted."""

import asyncio
import json
from datetime import UTC, date, datetime

import httpx
import pytest

from ava.cache.memory import MemoryCache
from ava.cache.tiered import Cache
from ava.clock import ManualClock
from ava.errors import BadDataError, NotFoundError, OutageError, RateLimitedError
from ava.net.client import Client
from ava.net.spec import Answer
from ava.providers import yahoo
from ava.providers.asking import Partial
from ava.providers.market import Interval, Right
from ava.providers.reading import yahoo as reading
from ava.providers.reading import yahoo_summary
from ava.section import Secret
from perf.claims.providers.virtual import Virtual

pytestmark = pytest.mark.anyio

DAYS = date(2025, 12, 1), date(2025, 12, 31)
OPENING = 1767623400  # 2026-01-05 14:30 UTC


def said(body, status=200):
    return Answer(status, {}, body if isinstance(body, bytes) else json.dumps(body).encode())


def chart(quote, stamps=(OPENING,), **more):
    series = {
        "meta": {"symbol": "AAA", "exchangeTimezoneName": "America/New_York"},
        "timestamp": list(stamps),
        "indicators": {"quote": [quote], **more},
    }
    if not stamps:
        del series["timestamp"]
    return said({"chart": {"result": [series], "error": None}})


@pytest.fixture
def desk():
    return Virtual("yahoo")


@pytest.fixture
def feed(desk):
    return yahoo.Yahoo(desk.client(yahoo.SPEC))


def test_a_chart_is_read():
    """A day begins at the exchange's midnight, though it is stamped with the opening."""
    columns = {"open": [10.1], "high": [10.9], "low": [10.0], "close": [10.5], "volume": [12345]}
    (bar,) = reading.read_chart(chart(columns, adjclose=[{"adjclose": [10.4]}]), Interval.DAY)
    assert bar.at == datetime(2026, 1, 5, 5, tzinfo=UTC)
    assert (bar.close, bar.adjusted_close, bar.volume) == (10.5, 10.4, 12345)
    (bar,) = reading.read_chart(chart(columns), Interval.HOUR)
    assert bar.at == datetime(2026, 1, 5, 14, 30, tzinfo=UTC)


def test_nulls_in_a_chart_are_unknown():
    """A bar without a close is none; a bar without a volume is one."""
    columns = {"close": [None, 10.5], "volume": [1, None], "open": [1.0, None]}
    (bar,) = reading.read_chart(chart(columns, (OPENING, OPENING + 86400)), Interval.DAY)
    assert (bar.close, bar.volume, bar.open, bar.high) == (10.5, None, None, None)


def test_a_chart_without_timestamps_is_empty():
    """A known symbol that did not trade has no bars; one without a result is not known."""
    assert reading.read_chart(chart({}, ()), Interval.DAY) == []
    with pytest.raises(NotFoundError):
        reading.read_chart(said({"chart": {"result": None, "error": {}}}), Interval.DAY)


def test_columns_of_unequal_length_are_bad_data():
    """Prices are not moved to other days."""
    with pytest.raises(ValueError, match="shorter"):
        reading.read_chart(chart({"close": [1.0]}, (OPENING, OPENING + 86400)), Interval.DAY)


def test_a_quote_without_a_price_is_absent():
    """It is the same as a symbol that is not known."""
    rows = [
        {"symbol": "AAA", "regularMarketPrice": 1.5, "bid": 0, "currency": "USD"},
        {"symbol": "B"},
    ]
    found = reading.read_quotes(said({"quoteResponse": {"result": rows, "error": None}}))
    assert list(found) == ["AAA"]
    assert (found["AAA"].bid, found["AAA"].currency) == (None, "USD")


def test_options_are_read():
    """The volume may be absent, and greeks always are."""
    contract = {"contractSymbol": "AAA260220P00010000", "strike": 10, "expiration": 1771545600}
    expiry = {"expirationDate": 1771545600, "calls": [], "puts": [contract]}
    result = {"underlyingSymbol": "AAA", "expirationDates": [1771545600], "options": [expiry]}
    chain = reading.read_options(said({"optionChain": {"result": [result], "error": None}}))
    assert chain.expirations == (date(2026, 2, 20),)
    (put,) = chain.contracts
    assert (put.right, put.expires, put.volume, put.delta) == (
        Right.PUT,
        date(2026, 2, 20),
        None,
        None,
    )


def test_a_chain_says_when_it_traded_and_when_the_company_reports():
    """Both are moments; 0 is how an unknown one is sent."""
    contract = {"contractSymbol": "A", "strike": 10, "expiration": 1771545600}
    calls = [contract | {"lastTradeDate": OPENING}, contract | {"lastTradeDate": 0}]
    quote = {"symbol": "AAA", "earningsTimestamp": OPENING}
    result = {"underlyingSymbol": "AAA", "quote": quote, "options": [{"calls": calls}]}
    chain = reading.read_options(said({"optionChain": {"result": [result], "error": None}}))
    opened = datetime(2026, 1, 5, 14, 30, tzinfo=UTC)
    assert [one.traded_at for one in chain.contracts] == [opened, None]
    assert chain.reports_at == opened


def test_a_listing_is_a_company_without_a_sector():
    """The long name where there is one; what is not sent is unknown."""
    rows = [
        {"symbol": "AAA", "shortName": "A", "longName": "A Inc.", "trailingPE": 12.5,
         "marketCap": 10**9, "fullExchangeName": "NasdaqGS", "exchange": "NMS"},
        {"symbol": "BBB", "shortName": "B", "exchange": "NYQ"},
    ]  # fmt: skip
    found = yahoo_summary.read_listings(said({"quoteResponse": {"result": rows}}))
    a, b = found["AAA"], found["BBB"]
    assert (a.name, a.exchange, a.pe, a.market_cap) == ("A Inc.", "NasdaqGS", 12.5, 1e9)
    assert (b.name, b.exchange, b.pe, b.sector) == ("B", "NYQ", None, None)


def test_a_summary_takes_the_first_module_that_knows():
    """Numbers may be wrapped, and null in one module is filled by another."""
    modules = {
        "price": {"marketCap": {"raw": 5, "fmt": "5"}, "symbol": "AAA"},
        "summaryDetail": {"marketCap": 6, "beta": None},
        "defaultKeyStatistics": {"beta": 1.5},
        "assetProfile": {"sector": ""},
    }
    found = yahoo_summary.read_summary(said({"quoteSummary": {"result": [modules]}}), "AAA")
    assert (found.market_cap, found.beta, found.sector) == (5, 1.5, None)


@pytest.mark.parametrize(
    "text", [b"", b"Too Many Requests\r\n", b"<html></html>", b'{"finance":{}}', b"abc def"]
)
def test_an_error_is_never_a_crumb(text):
    """What the provider serves at that address in its bad moments is refused."""
    with pytest.raises(ValueError, match="not a crumb"):
        yahoo.read_crumb(said(text))


@pytest.mark.parametrize("crumb", ["Fb2Xr.dJ/9k", "vA6bq6Fv/..", "abc+/=_-~1"])
def test_a_crumb_is_a_crumb(crumb):
    """With all the signs they are seen with."""
    assert yahoo.read_crumb(said(crumb.encode())) == crumb


def test_the_session_is_the_key():
    """The crumb is a parameter, the cookie a header, and either may be all there is."""
    assert yahoo.authorise(Secret("cr A3=x")) == ({"crumb": "cr"}, {"cookie": "A3=x"})
    assert yahoo.authorise(Secret(" A3=x")) == ({}, {"cookie": "A3=x"})
    assert yahoo.authorise(None) == ({}, {})


def test_cookies_are_told_from_their_attributes():
    """Two cookies in one header, with commas in their dates."""
    headers = {"set-cookie": "A1=a; Expires=Tue, 5 Jan 2027; Path=/, A3=d=b&S=c; Path=/, B=1"}
    assert yahoo.cookie_of(Answer(404, headers, b"")) == "A1=a; A3=d=b&S=c"


async def test_every_path_is_understood(desk, feed):
    """Each endpoint reads what the simulated provider answers."""
    symbol = desk.symbols[0]
    assert (await feed.quote(symbol)).price > 0
    assert (await feed.history(symbol, *DAYS))[0].at.date() == DAYS[0]
    assert await feed.history(symbol, *DAYS, interval=Interval.HOUR)
    chain = await feed.options(symbol)
    assert {contract.expires for contract in chain.contracts} == {chain.expirations[0]}
    later = await feed.options(symbol, chain.expirations[1])
    assert {contract.expires for contract in later.contracts} == {chain.expirations[1]}
    assert (await feed.summary(symbol)).symbol == symbol
    assert desk.limited == 0


async def test_one_session_serves_all(desk, feed):
    """Twenty first callers fetch one cookie and one crumb."""
    await asyncio.gather(*(feed.quote(symbol) for symbol in desk.symbols[:20]))
    assert len(desk.arrived) == 22


async def test_a_refused_crumb_is_renewed_once(desk, feed):
    """Ten callers whose crumb has expired get one new one, and their answers."""
    symbols = desk.symbols[:10]
    await feed.quote(symbols[0])
    desk.provider.expire()
    before = len(desk.arrived)
    quotes = await asyncio.gather(*(feed.quote(symbol, keep=None) for symbol in symbols))
    assert [quote.symbol for quote in quotes] == symbols
    assert len(desk.arrived) - before <= 10 + 2 + 10  # refused, cookie and crumb, once more


async def test_history_needs_no_crumb(desk, feed):
    """Charts and sparks are asked for at once."""
    await feed.history(desk.symbols[0], *DAYS)
    await feed.histories(desk.symbols[:3])
    assert len(desk.arrived) == 2


async def test_batches_are_as_large_as_they_may_be(desk, feed):
    """150 quotes are two calls, 50 histories three; unknown and repeated symbols cost nothing."""
    await feed.quote(desk.symbols[0])
    start = len(desk.arrived)
    quotes = await feed.quotes([*desk.symbols[:150], *desk.symbols[:5], "NOSUCH"])
    assert (len(quotes), len(desk.arrived) - start) == (150, 2)
    start = len(desk.arrived)
    histories = await feed.histories([*desk.symbols[:50], "NOSUCH"])
    assert (len(histories), len(desk.arrived) - start) == (50, 3)


async def test_listings_and_quotes_are_two_questions(desk):
    """Kept under one name, the one would be read as the other."""
    async with Cache(MemoryCache(clock=desk.clock), clock=desk.clock) as cache:
        feed = yahoo.Yahoo(desk.client(yahoo.SPEC, cache))
        quotes = await feed.quotes(["AAPL", "MSFT"])
        listings = await feed.listings(["AAPL", "MSFT", "NOSUCH"])
        assert await feed.quotes(["AAPL", "MSFT"]) == quotes
    assert {symbol: one.name for symbol, one in listings.items()} == {
        "AAPL": "Apple",
        "MSFT": "Microsoft",
    }


async def test_nobody_known_is_an_empty_batch(feed):
    """A 404 for a whole batch is not an error: its symbols are absent."""
    assert await feed.histories(["NOSUCH"]) == {}
    assert await feed.quotes(["NOSUCH"]) == {}
    assert await feed.quotes([]) == {}


async def test_an_unknown_symbol_is_not_found(feed):
    """Asked for alone, it is."""
    for call in (feed.quote, feed.summary, feed.options):
        with pytest.raises(NotFoundError):
            await call("NOSUCH")


async def test_charts_keep_failures_apart(desk, feed):
    """An error does not stand among the bars."""
    found = await feed.charts([desk.symbols[0], "NOSUCH"], *DAYS)
    assert isinstance(found, Partial)
    assert list(found.values) == [desk.symbols[0]]
    assert {name: type(error) for name, error in found.errors.items()} == {"NOSUCH": NotFoundError}
    companies = await feed.summaries([desk.symbols[0], "NOSUCH"])
    assert (list(companies.values), list(companies.errors)) == ([desk.symbols[0]], ["NOSUCH"])


async def test_five_requests_run_at_once():
    """However many charts are asked for."""
    running, most = 0, 0

    async def answer(_request):
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        return httpx.Response(200, content=chart({"close": [1.0]}).body)

    feed = _feed_at(answer)
    await feed.charts([f"S{number}" for number in range(30)], *DAYS)
    assert most == yahoo.CONCURRENCY


async def test_a_rate_limit_text_is_not_used_as_a_crumb():
    """Where getcrumb is limited with status 200, the caller is told so and no quote is asked."""
    paths = []

    async def answer(request):
        paths.append(request.url.path)
        return httpx.Response(200, content=b"Too Many Requests\r\n")

    with pytest.raises(RateLimitedError):
        await _feed_at(answer).quote("AAA")
    assert not any("quote" in path for path in paths)


async def test_a_page_is_not_a_crumb():
    """It is bad data, and the next caller tries again."""
    good = False

    async def answer(request):
        if request.url.path.endswith("getcrumb"):
            return httpx.Response(200, content=b"abcdef12" if good else b"<html></html>")
        rows = [{"symbol": "AAA", "regularMarketPrice": 1.5}]
        return httpx.Response(200, json={"quoteResponse": {"result": rows}})

    feed = _feed_at(answer)
    with pytest.raises(BadDataError):
        await feed.quote("AAA")
    good = True
    assert (await feed.quote("AAA")).price == 1.5


async def test_a_cancelled_caller_leaves_the_renewal_to_the_others():
    """The first of two who wait for a crumb is cancelled; the second gets its quote."""
    asked = asyncio.Event()
    going = asyncio.Event()

    async def answer(request):
        if request.url.path.endswith("getcrumb"):
            asked.set()
            await going.wait()
            return httpx.Response(200, content=b"abcdef12")
        rows = [{"symbol": "AAA", "regularMarketPrice": 1.5}]
        return httpx.Response(200, json={"quoteResponse": {"result": rows}})

    feed = _feed_at(answer)
    first, second = (asyncio.create_task(feed.quote("AAA")) for _ in range(2))
    await asked.wait()
    first.cancel()
    await asyncio.sleep(0)
    going.set()
    assert (await second).price == 1.5
    assert first.cancelled()


async def test_a_late_refusal_does_not_renew_again():
    """Who was refused with the crumb before last takes the one that another has fetched since."""
    crumbs, late = [], asyncio.Event()

    async def answer(request):
        path, params = request.url.path, request.url.params
        if path.endswith("getcrumb"):
            crumbs.append(f"crumb{len(crumbs)}")
            return httpx.Response(200, text=crumbs[-1])
        if path == "/":
            return httpx.Response(404)
        if params["crumb"] != "crumb1":
            if params["symbols"] == "LATE":
                await late.wait()
            return httpx.Response(401, json={})
        rows = [{"symbol": params["symbols"], "regularMarketPrice": 1.5}]
        return httpx.Response(200, json={"quoteResponse": {"result": rows}})

    feed = _feed_at(answer)
    second = asyncio.create_task(feed.quote("LATE"))
    assert (await feed.quote("AAA")).price == 1.5
    late.set()
    assert (await second).price == 1.5
    assert crumbs == ["crumb0", "crumb1"]


async def test_who_comes_during_a_renewal_waits_for_it():
    """A second cookie would make the first one's crumb worthless."""
    doors, asked, going = 0, asyncio.Event(), asyncio.Event()

    async def answer(request):
        nonlocal doors
        if request.url.path.endswith("getcrumb"):
            asked.set()
            await going.wait()
            return httpx.Response(200, text="abcdef12")
        if request.url.path == "/v7/finance/quote":
            rows = [{"symbol": request.url.params["symbols"], "regularMarketPrice": 1.5}]
            return httpx.Response(200, json={"quoteResponse": {"result": rows}})
        doors += 1
        return httpx.Response(404, headers={"set-cookie": f"A3=d{doors}"})

    feed = _feed_at(answer)
    first = asyncio.create_task(feed.quote("AAA"))
    await asked.wait()
    second = asyncio.create_task(feed.quote("BBB"))
    for _ in range(20):
        await asyncio.sleep(0)
    going.set()
    assert [(await task).price for task in (first, second)] == [1.5, 1.5]
    assert doors == 1


async def test_the_last_day_is_asked_for():
    """A period ends before its second bound, so that is the midnight after."""
    asked = []

    async def answer(request):
        asked.append(request.url.params)
        return httpx.Response(200, content=chart({"close": [1.0]}).body)

    await _feed_at(answer).history("AAA", date(2026, 1, 5), date(2026, 1, 5))
    assert int(asked[0]["period2"]) - int(asked[0]["period1"]) == 86_400


async def test_a_door_that_is_away_is_said():
    """Without cookies there is no crumb: the outage is the answer, not a confusing 401."""

    async def answer(_request):
        return httpx.Response(503)

    with pytest.raises(OutageError):
        await _feed_at(answer).quote("AAA")


async def test_symbols_are_one_segment_of_a_path():
    """An index or a share class does not change the path."""
    paths = []

    async def answer(request):
        paths.append(request.url.raw_path.decode())
        return httpx.Response(200, content=chart({"close": [1.0]}).body)

    await _feed_at(answer).history("BRK/B", *DAYS)
    assert paths[0].startswith("/v8/finance/chart/BRK%2FB?")


def _feed_at(answer):
    http = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    clock = ManualClock(jump=True)
    return yahoo.Yahoo(Client(yahoo.SPEC, http, clock=clock))
