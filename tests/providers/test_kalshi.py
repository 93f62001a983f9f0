"""Kalshi: exact prices, lists walked to their end, batches, order books and refusals."""

import base64
import json
import random
from datetime import UTC, datetime
from decimal import Decimal

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ava.clock import ManualClock
from ava.errors import (
    AuthenticationError,
    BadDataError,
    BadLimitError,
    BadRequestError,
    NotFoundError,
    OutageError,
    RateLimitedError,
)
from ava.net.client import Client
from ava.net.spec import Answer
from ava.providers import kalshi
from ava.providers.kalshi import Kalshi, Period
from ava.providers.reading.kalshi import Orderbook

pytestmark = pytest.mark.anyio

MARKET = {
    "ticker": "KXAAA-26JAN05-T10",
    "event_ticker": "KXAAA-26JAN05",
    "market_type": "binary",
    "yes_sub_title": "above 10",
    "status": "active",
    "close_time": "2026-01-05T21:00:00Z",
    "yes_bid_dollars": "0.4200",
    "yes_ask_dollars": "0.4400",
    "no_bid_dollars": "0.5600",
    "last_price_dollars": "0.4300",
    "volume_fp": "1200.00",
    "open_interest_fp": "800.00",
    "result": "",
    "strike_type": "greater",
    "floor_strike": 10.05,
}


def market(ticker, **changes):
    return MARKET | {"ticker": ticker} | changes


class Provider:
    """Lists `rows` in pages of two by cursors, filters by tickers, and remembers the calls.

    With an `answer` it says nothing else; from the call `broken_from` on it fails.
    """

    def __init__(self, rows=(), *, name="markets", answer=None, broken_from=None, circle=False):
        self.rows, self.name, self.answer = list(rows), name, answer
        self.broken_from, self.circle = broken_from, circle
        self.asked = []

    def __call__(self, request):
        self.asked.append(request)
        if self.broken_from is not None and len(self.asked) >= self.broken_from:
            return httpx.Response(500)
        body = self.answer or self.page(dict(request.url.params))
        return httpx.Response(200, json=body)

    def page(self, params):
        if "tickers" in params:
            tickers = params["tickers"].split(",")
            found = [row for row in self.rows if row["ticker"] in tickers]
            return {"markets": found, "cursor": ""}
        start = 0 if self.circle else int(params.get("cursor", "0"))
        more = start + 2 < len(self.rows)
        return {self.name: self.rows[start : start + 2], "cursor": str(start + 2) if more else ""}

    def kalshi(self, **parts):
        http = httpx.AsyncClient(transport=httpx.MockTransport(self))
        clock = ManualClock(jump=True)
        client = Client(kalshi.SPEC, http, clock=clock, rng=random.Random(0))
        return Kalshi(client, clock=clock, **parts)


async def test_money_keeps_every_digit():
    """Text becomes a Decimal, a bare number one too, and neither passes through a float."""
    provider = Provider(answer={"market": MARKET})
    found = await provider.kalshi().market("KXAAA-26JAN05-T10")
    assert str(found.yes_bid) == "0.4200"
    assert str(found.volume) == "1200.00"
    assert str(found.floor_strike) == "10.05"
    assert found.no_ask is None
    assert found.close_time == datetime(2026, 1, 5, 21, tzinfo=UTC)


@pytest.mark.parametrize(
    "change",
    [{"yes_bid_dollars": "NaN"}, {"volume_fp": ""}, {"yes_ask_dollars": [1]}, {"close_time": "x"}],
)
async def test_what_is_no_price_is_bad_data(change):
    """No text that is not a number becomes one."""
    provider = Provider(answer={"market": MARKET | change})
    with pytest.raises(BadDataError):
        await provider.kalshi().market("KXAAA-26JAN05-T10")


async def test_a_hundred_markets_take_one_call():
    """Tickers travel together, sorted and without repetition; the unknown are left out."""
    tickers = [f"T{n:03d}" for n in range(100)]
    provider = Provider([market(ticker) for ticker in tickers[:-1]])
    found = await provider.kalshi().markets([*reversed(tickers), "T000"])
    assert sorted(found) == tickers[:-1]
    (request,) = provider.asked
    assert request.url.params["tickers"] == ",".join(tickers)


async def test_more_than_a_hundred_markets_take_a_call_a_hundred():
    """Two hundred and one are three calls, and all of them come."""
    tickers = [f"T{n:03d}" for n in range(201)]
    provider = Provider([market(ticker) for ticker in tickers])
    assert sorted(await provider.kalshi().markets(tickers)) == tickers
    assert len(provider.asked) == 3


async def test_no_tickers_take_no_call():
    """Asking for nothing would list everything."""
    provider = Provider([market("T")])
    assert await provider.kalshi().markets([]) == {}
    assert provider.asked == []


@pytest.mark.parametrize("rows", [0, 1, 2, 3, 7])
async def test_a_list_is_walked_to_its_end(rows):
    """Every market comes once, in order, whatever the page size divides."""
    tickers = [f"T{n}" for n in range(rows)]
    provider = Provider([market(ticker) for ticker in tickers])
    found = await provider.kalshi().list_markets(series="KXAAA", status="open")
    assert [one.ticker for one in found] == tickers
    assert provider.asked[0].url.params["series_ticker"] == "KXAAA"
    assert provider.asked[0].url.params["limit"] == "1000"


async def test_a_row_that_moved_to_the_next_page_comes_once():
    """A list that grows at its head repeats rows; they are not doubled."""
    provider = Provider([market("A"), market("B"), market("B"), market("C")])
    assert [one.ticker for one in await provider.kalshi().list_markets()] == ["A", "B", "C"]


async def test_a_list_longer_than_its_bound_is_refused():
    """It is never cut off without a word."""
    provider = Provider([market(f"T{n}") for n in range(9)])
    with pytest.raises(BadLimitError, match="more than 4"):
        await provider.kalshi().list_markets(most=4)
    assert len(provider.asked) == 3


async def test_a_page_that_fails_fails_the_list():
    """Half a list is no list."""
    provider = Provider([market(f"T{n}") for n in range(9)], broken_from=2)
    with pytest.raises(OutageError):
        await provider.kalshi().list_markets()


async def test_a_list_that_runs_in_a_circle_is_bad_data():
    """A cursor that comes again would be followed for ever."""
    provider = Provider([market(f"T{n}") for n in range(9)], circle=True)
    with pytest.raises(BadDataError, match="circle"):
        await provider.kalshi().list_markets()
    assert len(provider.asked) == 2


async def test_events_bring_their_markets_where_asked():
    """Nested markets are as exact as others."""
    event = {"event_ticker": "E", "series_ticker": "S", "title": "t", "sub_title": "s"}
    provider = Provider([event | {"markets": [MARKET]}], name="events")
    (found,) = await provider.kalshi().list_events(series="S", with_markets=True)
    assert found.markets[0].yes_bid == Decimal("0.4200")
    assert provider.asked[0].url.params["with_nested_markets"] == "true"


async def test_trades_are_exact():
    """Both sides' prices add up to the dollar."""
    trade = {
        "trade_id": "1",
        "ticker": "T",
        "count_fp": "3.00",
        "yes_price_dollars": "0.3700",
        "no_price_dollars": "0.6300",
        "taker_side": "yes",
        "created_time": "2026-01-05T20:00:00Z",
    }
    provider = Provider([trade], name="trades")
    since = datetime(2026, 1, 5, tzinfo=UTC)
    (found,) = await provider.kalshi().trades("T", since=since)
    assert found.yes_price + found.no_price == 1
    assert provider.asked[0].url.params["min_ts"] == str(int(since.timestamp()))


async def test_a_candle_without_a_trade_has_no_price():
    """Null prices stay unknown."""
    bids = {f"{name}_dollars": "0.40" for name in ("open", "high", "low", "close")}
    prices = dict.fromkeys(bids)
    candle = {"end_period_ts": 1767646800, "yes_bid": bids, "yes_ask": bids, "price": prices,
              "volume_fp": "0.00", "open_interest_fp": "5.00"}  # fmt: skip
    provider = Provider(answer={"ticker": "T", "candlesticks": [candle]})
    since, until = datetime(2026, 1, 5, tzinfo=UTC), datetime(2026, 1, 6, tzinfo=UTC)
    (found,) = await provider.kalshi().candles(
        "S", "T", since=since, until=until, period=Period.DAY
    )
    assert (found.price.close, found.yes_bid.close) == (None, Decimal("0.40"))
    assert provider.asked[0].url.path.endswith("/series/S/markets/T/candlesticks")
    assert provider.asked[0].url.params["period_interval"] == "1440"


class Signer:
    key_id = "key-1"

    def __init__(self):
        self.messages = []

    def sign(self, message):
        self.messages.append(message)
        return b"signed"


async def test_an_order_book_is_asked_for_with_a_signature():
    """Time, method and whole path are signed, the query is not."""
    provider = Provider(answer={"orderbook_fp": {"yes_dollars": None, "no_dollars": []}})
    signer = Signer()
    found = await provider.kalshi(signer=signer).orderbook("T", depth=5)
    assert found == Orderbook()
    headers = provider.asked[0].headers
    stamp = headers["kalshi-access-timestamp"]
    assert signer.messages == [f"{stamp}GET/trade-api/v2/markets/T/orderbook".encode()]
    assert int(stamp) == datetime(2026, 1, 5, 14, 30, tzinfo=UTC).timestamp() * 1000
    assert headers["kalshi-access-signature"] == base64.b64encode(b"signed").decode()
    assert headers["kalshi-access-key"] == "key-1"


async def test_without_a_signer_an_order_book_is_not_asked_for():
    """The refusal is known beforehand."""
    provider = Provider()
    with pytest.raises(AuthenticationError, match="signer"):
        await provider.kalshi().orderbook("T")
    assert provider.asked == []


async def test_an_order_book_of_no_numbers_is_bad_data():
    """A level is a price and a count."""
    provider = Provider(answer={"orderbook_fp": {"yes_dollars": [["NaN", "1"]], "no_dollars": []}})
    with pytest.raises(BadDataError):
        await provider.kalshi(signer=Signer()).orderbook("T")


def level(price, count="100.00"):
    return (Decimal(price), Decimal(count))


async def test_an_ask_is_a_dollar_less_the_other_sides_best_bid():
    """The order of the levels and empty ones do not matter."""
    book = Orderbook(
        yes=(level("0.4200"), level("0.4000"), level("0.9900", "0")), no=(level("0.5600"),)
    )
    assert (book.yes_bid, book.yes_ask) == (Decimal("0.4200"), Decimal("0.4400"))
    assert (book.no_bid, book.no_ask) == (Decimal("0.5600"), Decimal("0.5800"))


async def test_an_empty_side_has_no_price():
    """Nobody's bid is not nought, and nobody's ask not a dollar."""
    book = Orderbook(yes=(level("0.4200"),))
    assert (book.yes_ask, book.no_bid) == (None, None)
    assert Orderbook().yes_bid is None


bids = st.lists(st.integers(1, 9_999).map(lambda n: (Decimal(n) / 10_000, Decimal(1))))


@given(bids, bids)
def test_the_two_sides_mirror_each_other(yes, no):
    """Yes seen from no is no seen from yes."""
    book, mirrored = (
        Orderbook(yes=tuple(yes), no=tuple(no)),
        Orderbook(yes=tuple(no), no=tuple(yes)),
    )
    assert (book.yes_ask, book.yes_bid) == (mirrored.no_ask, mirrored.no_bid)


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (429, {"error": "too many requests"}, RateLimitedError, "too many requests"),
        (400, {"code": "bad", "message": "no filter"}, BadRequestError, "bad: no filter"),
        (404, {"error": {"code": "none", "message": "gone"}}, NotFoundError, "none: gone"),
        (401, {"code": "no", "details": "d", "service": "s"}, AuthenticationError, "no"),
        (404, {}, NotFoundError, "status 404"),
    ],
)
async def test_a_refusal_is_read_flat_or_nested(status, body, kind, words):
    """The status says which error, the words say why."""
    error = kalshi.complaint(Answer(status, {}, json.dumps(body).encode()))
    assert type(error) is kind
    assert str(error) == f"Kalshi refused: {words}"
    assert error.retry_after_s is None


@pytest.mark.parametrize(
    ("status", "body"), [(200, b'{"error":"x"}'), (500, b'{"error":"x"}'), (404, b"<html>")]
)
async def test_other_answers_are_left_to_their_status(status, body):
    """A page of a proxy is no complaint of the provider's."""
    assert kalshi.complaint(Answer(status, {}, body)) is None


async def test_twenty_reads_a_second_leave_room_in_the_bucket():
    """Calls of the rate, its burst included, never empty a bucket of twenty."""
    (reads,) = kalshi.SPEC.limits
    assert (reads.permits, reads.per_s) == (20.0, 1.0)
    assert reads.burst < 20
