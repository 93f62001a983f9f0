"""Alpha Vantage: its answers read, and its endpoints asked of a provider on a virtual clock."""

import json
from datetime import UTC, date, datetime

import msgspec
import pytest

from ava.errors import AuthenticationError, NotFoundError, PlanError, QuotaExhaustedError
from ava.net.spec import Answer, Period
from ava.providers import alpha_vantage as av
from ava.providers.market import EarningsDate, Interval, Quote, ReportTime
from ava.providers.reading import alpha_vantage as reading
from ava.section import Secret
from perf.claims.providers.virtual import Virtual
from perf.lab.providers import Grade

pytestmark = pytest.mark.anyio

QUOTE = {
    "01. symbol": "AAA",
    "02. open": "10.1000",
    "03. high": "10.9000",
    "04. low": "10.0000",
    "05. price": "10.5000",
    "06. volume": "12345",
    "07. latest trading day": "2026-01-05",
    "08. previous close": "10.0000",
    "09. change": "0.5000",
    "10. change percent": "5.0000%",
}
ROW = {"1. open": "10.1", "2. high": "10.9", "3. low": "10.0", "4. close": "10.5", "5. volume": "7"}
ADJUSTED = {"4. close": "10.5", "5. adjusted close": "10.4", "6. volume": "7"}


def said(body):
    return Answer(200, {}, body if isinstance(body, bytes) else json.dumps(body).encode())


def series(rows, name="Time Series (Daily)", zone="US/Eastern"):
    return said({"Meta Data": {"1. Information": "x", "5. Time Zone": zone}, name: rows})


@pytest.fixture
def desk():
    return Virtual("alpha_vantage", unmetered=True)


@pytest.fixture
def feed(desk):
    return av.AlphaVantage(desk.client(av.SPEC))


def test_a_quote_is_read():
    """The documented example, every number of which is text."""
    assert reading.read_quote(said({"Global Quote": QUOTE})) == Quote(
        symbol="AAA",
        price=10.5,
        previous_close=10.0,
        open=10.1,
        high=10.9,
        low=10.0,
        volume=12345.0,
        session=date(2026, 1, 5),
    )


def test_an_empty_quote_is_an_unknown_symbol():
    """It is not a quote without a price."""
    with pytest.raises(NotFoundError):
        reading.read_quote(said({"Global Quote": {}}))


@pytest.mark.parametrize("missing", ["None", "-", ""])
def test_a_quote_without_a_price_is_bad_data(missing):
    """An unknown price is never 0."""
    with pytest.raises(ValueError, match="no price"):
        reading.read_quote(said({"Global Quote": {**QUOTE, "05. price": missing}}))


def test_unknown_figures_of_a_quote_are_none():
    """A field that is absent and one that says so are the same."""
    row = {**QUOTE, "06. volume": "-", "07. latest trading day": "0000-00-00"}
    del row["02. open"]
    quote = reading.read_quote(said({"Global Quote": row}))
    assert (quote.volume, quote.session, quote.open) == (None, None, None)


@pytest.mark.parametrize("body", [b"", b"[]", b'{"Global Quote":[]}', b'{"Global Quote":{"a":1}}'])
def test_another_shape_is_bad_data(body):
    """What the format does not promise is not guessed at."""
    with pytest.raises((msgspec.MsgspecError, KeyError)):
        reading.read_quote(said(body))


def test_bars_are_turned_round():
    """The provider sends the newest first; callers get the oldest first, at New York's midnight."""
    bars = reading.read_daily(series({"2026-01-06": ROW, "2026-01-05": ROW}))
    assert [bar.at for bar in bars] == [
        datetime(2026, 1, 5, 5, tzinfo=UTC),
        datetime(2026, 1, 6, 5, tzinfo=UTC),
    ]
    assert (bars[0].close, bars[0].volume, bars[0].adjusted_close) == (10.5, 7.0, None)


def test_adjusted_rows_are_numbered_otherwise():
    """The volume is number 6 there, and is read by its name."""
    (bar,) = reading.read_daily(series({"2026-01-05": ADJUSTED}))
    assert (bar.volume, bar.adjusted_close, bar.open) == (7.0, 10.4, None)


def test_intraday_bars_keep_their_wall_clock():
    """Stamps are New York's, in the summer as well."""
    answer = series({"2026-07-06 09:30:00": ROW}, name="Time Series (5min)")
    (bar,) = reading.read_series(answer, "Time Series (5min)")
    assert bar.at == datetime(2026, 7, 6, 13, 30, tzinfo=UTC)


def test_a_series_that_is_missing_is_bad_data():
    """An answer about something else is not an empty history."""
    with pytest.raises(KeyError):
        reading.read_daily(said({"Meta Data": {}}))


def test_an_overview_tells_unknown_from_zero():
    """ "None", "-" and "0000-00-00" are None; "0" is 0."""
    body = {
        "Symbol": "AAA",
        "Name": "A",
        "Sector": "None",
        "EBITDA": "None",
        "PERatio": "-",
        "DividendYield": "0",
        "ExDividendDate": "0000-00-00",
        "LatestQuarter": "2025-09-30",
        "52WeekHigh": "12.5",
    }
    found = reading.read_overview(said(body))
    assert (found.sector, found.ebitda, found.pe, found.ex_dividend) == (None, None, None, None)
    assert (found.dividend_yield, found.year_high) == (0.0, 12.5)
    assert found.latest_quarter == date(2025, 9, 30)


def test_an_empty_overview_is_an_unknown_symbol():
    """As it is for earnings."""
    for read in (reading.read_overview, reading.read_earnings):
        with pytest.raises(NotFoundError):
            read(said({}))


def test_news_tells_the_sentiment_asked_about():
    """The article's score is a number, a symbol's is text."""
    article = {
        "title": "T",
        "url": "https://e.x",
        "time_published": "20260105T133000",
        "overall_sentiment_score": 0.2,
        "ticker_sentiment": [{"ticker": "AAA", "ticker_sentiment_score": "-0.18"}],
    }
    feed = said({"items": "1", "feed": [article]})
    assert reading.read_news(feed)[0].sentiment == 0.2
    (item,) = reading.read_news(feed, "AAA")
    assert (item.sentiment, item.symbols) == (-0.18, ("AAA",))
    assert item.at == datetime(2026, 1, 5, 13, 30, tzinfo=UTC)


def test_the_calendar_is_csv():
    """Estimates may be missing; times have one vocabulary."""
    text = (
        "symbol,name,reportDate,fiscalDateEnding,estimate,currency,timeOfTheDay\r\n"
        "AAA,A,2026-02-03,2025-12-31,1.5,USD,pre-market\r\nBBB,B,2026-02-04,2025-12-31,,USD,\r\n"
    )
    first, second = reading.read_calendar(said(text.encode()))
    assert first == EarningsDate(
        symbol="AAA",
        day=date(2026, 2, 3),
        time=ReportTime.BEFORE_OPEN,
        fiscal_end=date(2025, 12, 31),
        eps_estimate=1.5,
        currency="USD",
    )
    assert (second.eps_estimate, second.time) == (None, None)


@pytest.mark.parametrize("body", [b"", b"<html>", b"a,b\r\n1,2\r\n"])
def test_a_calendar_without_its_columns_is_bad_data(body):
    """A page is not a calendar in which nobody reports."""
    with pytest.raises(ValueError, match="no column"):
        reading.read_calendar(said(body))


def test_the_signal_system_keeps_both_limits():
    """Its own pace stands beside the provider's second, and replaces nothing."""
    assert av.spec(av.SIGNALS).limits == (av.PER_SECOND, av.SIGNALS)
    assert av.SPEC.limits == (av.PER_SECOND,)
    quota = av.SPEC.quota
    assert (quota.limit, quota.period, quota.zone) == (25, Period.DAY, "America/New_York")


async def test_every_function_is_understood(desk, feed):
    """Each endpoint reads what the simulated provider answers, and nothing is refused."""
    symbol = desk.symbols[0]
    assert (await feed.quote(symbol)).symbol == symbol
    assert len(await feed.daily(symbol)) == av.COMPACT
    assert (await feed.intraday(symbol, Interval.MINUTES_5))[0].at.tzinfo is UTC
    assert (await feed.overview(symbol)).name
    assert (await feed.news(symbol))[0].symbols
    assert (await feed.earnings(symbol))[0].eps is not None
    assert {row.symbol for row in await feed.earnings_calendar(symbol)} == {symbol}
    assert (await feed.search(symbol))[0].symbol == symbol
    assert desk.answered(1e9) == 8


async def test_calls_wait_for_their_second(desk, feed):
    """No two arrive within a second, however they are made."""
    for symbol in desk.symbols[:5]:
        await feed.quote(symbol)
    gaps = [b - a for a, b in zip(desk.arrived, desk.arrived[1:], strict=False)]
    assert min(gaps) >= 1.0


async def test_history_reaches_back_or_fails(desk, feed):
    """Where 100 bars do not reach the first day, all are fetched, and nothing is cut short."""
    symbol = desk.symbols[0]
    recent = await feed.history(symbol, date(2025, 12, 1), date(2025, 12, 31))
    assert len(desk.arrived) == 1
    old = await feed.history(symbol, date(2024, 12, 2), date(2025, 12, 31))
    assert old[0].at == datetime(2024, 12, 2, 5, tzinfo=UTC)
    assert old[-len(recent) :] == recent


async def test_a_free_key_has_no_long_history(desk):
    """It is told so, and does not get 100 bars for a year."""
    client = desk.client(av.SPEC)
    client.use_key(Secret(desk.provider.key(Grade.FREE)))
    with pytest.raises(PlanError):
        await av.AlphaVantage(client).history(
            desk.symbols[0], date(2024, 12, 2), date(2025, 12, 31)
        )


async def test_an_unknown_symbol_is_not_found(feed):
    """In the quote's way and in the series' way."""
    with pytest.raises(NotFoundError):
        await feed.quote("NOSUCH")
    with pytest.raises(NotFoundError):
        await feed.daily("NOSUCH")


async def test_the_demo_key_is_no_key(desk):
    """It answers the documentation's samples only."""
    client = desk.client(av.SPEC)
    client.use_key(Secret("demo"))
    with pytest.raises(AuthenticationError):
        await av.AlphaVantage(client).quote(desk.symbols[0])


async def test_the_spent_day_is_told_without_the_key():
    """The 26th call is a spent quota; the key that the text repeats is not in the error."""
    desk = Virtual("alpha_vantage")
    feed = av.AlphaVantage(desk.client(av.SPEC))
    for symbol in desk.symbols[:25]:
        await feed.quote(symbol)
    with pytest.raises(QuotaExhaustedError) as caught:
        await feed.quote(desk.symbols[25])
    assert desk.key not in repr(caught.value)


async def test_a_horizon_that_there_is_not(feed):
    """The mistake is the caller's, and costs no call."""
    with pytest.raises(ValueError, match="3, 6 or 12"):
        await feed.earnings_calendar(months=4)
