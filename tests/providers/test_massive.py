"""Massive: its answers read, its pages followed, its plans kept apart."""

import json
from datetime import UTC, date, datetime

import httpx
import pytest

from ava.clock import ManualClock
from ava.errors import AuthenticationError, BadDataError, NotFoundError, PlanError
from ava.net.client import Client
from ava.net.spec import Answer, Rate, Window
from ava.providers import massive as mv
from ava.providers.market import Interval, Right
from ava.providers.reading import massive as reading
from ava.section import Secret
from perf.claims.providers.virtual import Virtual
from perf.lab.providers import Grade

pytestmark = pytest.mark.anyio

DAYS = date(2025, 12, 1), date(2025, 12, 31)
SNAPSHOT = {
    "ticker": "AAA",
    "updated": 1767646800000000000,
    "day": {"o": 10.1, "h": 10.9, "l": 10.0, "c": 10.5, "v": 12345, "vw": 10.4},
    "min": {},
    "prevDay": {"c": 10.0},
    "lastTrade": {"p": 10.6, "s": 100, "t": 1, "x": 4},
    "lastQuote": {"p": 10.4, "s": 2, "P": 10.7, "S": 3, "t": 1},
}


def said(body):
    return Answer(200, {}, json.dumps(body).encode())


@pytest.fixture
def desk():
    return Virtual("massive")


@pytest.fixture
def feed(desk):
    return mv.Massive(desk.client(mv.spec(mv.Plan.SIGNALS)))


def test_bars_are_stamped_in_milliseconds():
    """The documented example; a day begins at New York's midnight."""
    row = {"v": 12345.0, "vw": 10.4, "o": 10.1, "c": 10.5, "h": 10.9, "l": 10.0, "t": 1767589200000}
    page = reading.read_bars(said({"status": "OK", "results": [row]}), Interval.DAY)
    assert page.next is None
    (bar,) = page.rows
    assert (bar.at, bar.close, bar.volume) == (datetime(2026, 1, 5, 5, tzinfo=UTC), 10.5, 12345)


def test_no_results_are_no_bars():
    """The list is absent then; for the previous day it means an unknown symbol."""
    nothing = said({"ticker": "AAA", "status": "OK", "resultsCount": 0})
    assert reading.read_bars(nothing, Interval.DAY).rows == []
    with pytest.raises(NotFoundError):
        reading.read_previous(nothing, "AAA")


def test_a_snapshot_is_a_quote():
    """The last trade is the price; small and large letters are bid and ask."""
    quote = reading.read_snapshots(said({"status": "OK", "tickers": [SNAPSHOT]}))["AAA"]
    assert (quote.price, quote.bid, quote.ask, quote.previous_close) == (10.6, 10.4, 10.7, 10.0)
    assert quote.at == datetime(2026, 1, 5, 21, tzinfo=UTC)


def test_a_snapshot_before_the_first_trade_has_no_price():
    """Its zeros are unknown, and the symbol is left out."""
    zeros = {**SNAPSHOT, "day": {"c": 0, "o": 0}, "lastTrade": {"p": 0}}
    assert reading.read_snapshots(said({"tickers": [zeros]})) == {}


def test_an_option_is_read():
    """Greeks are absent where there are none, and the right is one of two."""
    details = {
        "ticker": "O:AAA260220P00010000",
        "contract_type": "put",
        "expiration_date": "2026-02-20",
        "strike_price": 10,
    }
    row = {"details": details, "greeks": {"delta": -0.27}, "last_quote": {"bid": 0.8, "ask": 0.9}}
    (put,) = reading.read_contracts(said({"results": [row]}), "AAA").rows
    assert (put.right, put.strike, put.delta, put.gamma) == (Right.PUT, 10, -0.27, None)
    assert (put.underlying, put.expires) == ("AAA", date(2026, 2, 20))
    row["details"] = {**details, "contract_type": "other"}
    with pytest.raises(ValueError, match="other"):
        reading.read_contracts(said({"results": [row]}), "AAA")


@pytest.mark.parametrize(
    "address",
    [
        "http://provider/v3/x/A?cursor=c1&apiKey=k",
        "https://api.polygon.io/v3/x/A?cursor=c1",
        "https://evil.example/v3/x/A?cursor=c1",
    ],
)
def test_the_next_page_is_asked_of_the_same_host(address):
    """Whatever host the address names, only its path and parameters are taken."""
    request = mv.following(address, "http://provider")
    assert (request.path, request.params) == ("/v3/x/A", {"cursor": "c1"})


def test_a_base_url_with_a_path_is_not_repeated():
    """As behind a proxy, or at a simulator."""
    assert mv.following("http://h:1/massive/v3/x?cursor=c", "http://h:1/massive").path == "/v3/x"


def test_plans_have_their_own_limits():
    """5 a minute for nothing; the document's 5 a second with a burst of 10 for money."""
    (free,) = mv.SPEC.limits
    assert isinstance(free, Window)
    assert (free.permits, free.per_s >= 60) == (5, True)
    assert mv.spec(mv.Plan.SIGNALS).limits == (Rate(5.0, burst=10),)


def test_the_key_is_in_no_address():
    """It travels in a header."""
    assert mv.authorise(Secret("k")) == ({}, {"Authorization": "Bearer k"})


async def test_every_path_is_understood(desk, feed):
    """Each endpoint reads what the simulated provider answers."""
    symbols = desk.symbols[:3]
    assert (await feed.quote(symbols[0])).session == date(2026, 1, 2)
    assert set(await feed.quotes([*symbols, "NOSUCH"])) == set(symbols)
    assert len(await feed.quotes()) == len(desk.symbols)
    assert set(await feed.crypto(["X:BTCUSD"])) == {"X:BTCUSD"}
    assert (await feed.history(symbols[0], *DAYS))[0].at.date() == DAYS[0]
    assert len(await feed.grouped(date(2026, 1, 2))) == len(desk.symbols)
    assert symbols[0] in {match.symbol for match in await feed.tickers(symbols[0])}
    assert (await feed.last_crypto("BTC")).price > 0


async def test_a_chain_is_read_to_its_end(desk, feed):
    """More contracts than a page holds, each of them once."""
    contracts = await feed.chain(desk.symbols[0])
    assert len(contracts) > mv.SYMBOLS_A_CALL
    assert len({contract.symbol for contract in contracts}) == len(contracts)
    one = await feed.chain(desk.symbols[0], expires=contracts[0].expires)
    assert {contract.expires for contract in one} == {contracts[0].expires}


async def test_a_list_without_end_is_bad_data():
    """It is not read for ever, and not returned as if it were whole."""

    async def answer(request):
        page = int(request.url.params.get("cursor", "0"))
        address = f"http://h/v3/reference/tickers?cursor={page + 1}"
        return httpx.Response(200, json={"status": "OK", "results": [], "next_url": address})

    http = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    with pytest.raises(BadDataError, match="goes on"):
        await mv.Massive(Client(mv.SPEC, http, clock=ManualClock(jump=True))).tickers("A")


async def test_a_page_that_fails_fails_the_list():
    """Half a list is never returned."""

    async def answer(request):
        if "cursor" in request.url.params:
            return httpx.Response(404)
        row = {"ticker": "AAA", "name": "A"}
        address = "http://h/v3/reference/tickers?cursor=1"
        return httpx.Response(200, json={"status": "OK", "results": [row], "next_url": address})

    http = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    with pytest.raises(NotFoundError):
        await mv.Massive(Client(mv.SPEC, http, clock=ManualClock(jump=True))).tickers("A")


async def test_a_free_key_has_no_snapshots(desk):
    """That is the plan's refusal; a wrong key is another, and the free quote works."""
    client = desk.client(mv.SPEC)
    feed = mv.Massive(client)
    client.use_key(Secret(desk.provider.key(Grade.FREE)))
    with pytest.raises(PlanError):
        await feed.quotes(desk.symbols[:2])
    assert (await feed.quote(desk.symbols[0])).price > 0
    client.use_key(Secret("wrong"))
    with pytest.raises(AuthenticationError):
        await feed.quote(desk.symbols[1])


async def test_an_unknown_symbol_is_not_found(feed):
    """Its history is empty."""
    with pytest.raises(NotFoundError):
        await feed.quote("NOSUCH")
    assert await feed.history("NOSUCH", *DAYS) == []
