"""Finnhub: its answers read, and its endpoints asked of a provider on a virtual clock."""

import asyncio
import json
from datetime import UTC, date, datetime

import msgspec
import pytest

from ava.errors import AuthenticationError, NotFoundError, PlanError
from ava.net.spec import Answer
from ava.providers import finnhub as fh
from ava.providers.market import Interval, Quote, ReportTime
from ava.providers.reading import finnhub as reading
from ava.section import Secret
from perf.claims.providers.virtual import Virtual
from perf.lab.providers import Grade

pytestmark = pytest.mark.anyio

DAYS = date(2025, 12, 1), date(2025, 12, 31)
ZEROS = {"c": 0, "d": None, "dp": None, "h": 0, "l": 0, "o": 0, "pc": 0, "t": 0}


def said(body):
    return Answer(200, {}, json.dumps(body).encode())


@pytest.fixture
def desk():
    return Virtual("finnhub")


@pytest.fixture
def feed(desk):
    return fh.Finnhub(desk.client(fh.SPEC))


def test_a_quote_is_read():
    """The documented example; the symbol is the one asked for."""
    raw = {
        "c": 10.5,
        "d": 0.5,
        "dp": 5.0,
        "h": 10.9,
        "l": 10.0,
        "o": 10.1,
        "pc": 10,
        "t": 1767646800,
    }
    assert reading.read_quote(said(raw), "AAA") == Quote(
        symbol="AAA",
        price=10.5,
        previous_close=10.0,
        open=10.1,
        high=10.9,
        low=10.0,
        at=datetime(2026, 1, 5, 21, tzinfo=UTC),
    )


@pytest.mark.parametrize("body", [ZEROS, {}])
def test_zeros_are_an_unknown_symbol(body):
    """They are not a price of 0."""
    with pytest.raises(NotFoundError, match="NOSUCH"):
        reading.read_quote(said(body), "NOSUCH")


def test_before_the_open_the_day_is_unknown():
    """A symbol with a price and zeros for today has no open, high and low."""
    quote = reading.read_quote(said({**ZEROS, "c": 10.5, "pc": 10.5, "t": 1767646800}), "AAA")
    assert (quote.price, quote.open, quote.high, quote.low) == (10.5, None, None, None)


def test_amounts_are_in_millions():
    """Whole units come out."""
    raw = {"ticker": "AAA", "name": "A", "marketCapitalization": 2.5, "shareOutstanding": 1.5}
    found = reading.read_profile(said(raw))
    assert (found.market_cap, found.shares_outstanding) == (2_500_000, 1_500_000)
    assert found.industry is None


def test_an_empty_profile_is_an_unknown_symbol():
    """As are figures without any."""
    with pytest.raises(NotFoundError):
        reading.read_profile(said({}))
    with pytest.raises(NotFoundError):
        reading.read_metrics(said({"metric": {}, "metricType": "all", "series": {}}))


def test_figures_are_numbers_only():
    """Dates and nulls among them are left out, 0 is not."""
    raw = {"metric": {"beta": 1.1, "52WeekHighDate": "2026-01-05", "peTTM": None, "dividend": 0}}
    assert reading.read_metrics(said(raw)) == {"beta": 1.1, "dividend": 0.0}


def test_a_calendar_is_read():
    """Its hours have one vocabulary, and unknown results stay unknown."""
    row = {
        "date": "2026-02-03",
        "epsActual": None,
        "epsEstimate": 1.5,
        "hour": "amc",
        "symbol": "AAA",
    }
    (report,) = reading.read_calendar(said({"earningsCalendar": [row]}))
    assert (report.day, report.time) == (date(2026, 2, 3), ReportTime.AFTER_CLOSE)
    assert (report.eps_actual, report.eps_estimate) == (None, 1.5)
    assert reading.read_calendar(said({"earningsCalendar": None})) == []


@pytest.mark.parametrize(
    "stamp",
    [
        pytest.param(1767571200, id="midnight in UTC"),
        pytest.param(1767589200, id="midnight in New York"),
        pytest.param(1767623400, id="opening"),
    ],
)
def test_daily_candles_begin_at_midnight(stamp):
    """However the provider stamps a day, it is the same day."""
    raw = {"s": "ok", "t": [stamp], "o": [1], "h": [3], "l": [1], "c": [2], "v": [9]}
    (bar,) = reading.read_candles(said(raw), Interval.DAY)
    assert bar.at == datetime(2026, 1, 5, 5, tzinfo=UTC)


def test_no_data_is_no_bars():
    """An unknown status is bad data, and so are columns of unequal length."""
    assert reading.read_candles(said({"s": "no_data"}), Interval.DAY) == []
    with pytest.raises(ValueError, match="unknown status"):
        reading.read_candles(said({"s": "later"}), Interval.DAY)
    with pytest.raises(ValueError, match="shorter"):
        reading.read_candles(said({"s": "ok", "t": [1, 2], "c": [1.0]}), Interval.DAY)


def test_wrong_types_are_bad_data():
    """A list where a number belongs is refused."""
    with pytest.raises(msgspec.ValidationError):
        reading.read_quote(said({"c": [1], "t": 1}), "AAA")


def test_the_key_is_in_no_address():
    """It travels in a header."""
    assert fh.authorise(Secret("k")) == ({}, {"X-Finnhub-Token": "k"})


async def test_every_path_is_understood(desk, feed):
    """Each endpoint reads what the simulated provider answers."""
    symbol = desk.symbols[0]
    assert (await feed.quote(symbol)).price > 0
    assert (await feed.profile(symbol)).symbol == symbol
    assert "beta" in await feed.metrics(symbol)
    assert (await feed.news(symbol, *DAYS))[0].title
    assert await feed.earnings_calendar(date(2026, 1, 1), date(2026, 3, 1), symbol=symbol)
    assert (await feed.recommendations(symbol))[0].buy >= 0
    bars = await feed.history(symbol, *DAYS)
    assert bars[0].at.date() == DAYS[0]
    assert bars[-1].at.date() <= DAYS[1]
    assert desk.answered(1e9) == 7


async def test_sixty_are_answered_at_once_and_the_next_waits(desk, feed):
    """A burst is the limits' own: 30 in a second, 60 in a minute, none refused."""
    await asyncio.gather(*(feed.quote(symbol, deadline_s=120) for symbol in desk.symbols[:61]))
    assert desk.limited == 0
    assert desk.arrived[29] < 1 < desk.arrived[30]
    assert desk.arrived[60] > 60


async def test_a_free_key_has_no_candles(desk):
    """That is the plan's refusal, and a wrong key is another."""
    client = desk.client(fh.SPEC)
    feed = fh.Finnhub(client)
    client.use_key(Secret(desk.provider.key(Grade.FREE)))
    with pytest.raises(PlanError, match="plan"):
        await feed.history(desk.symbols[0], *DAYS)
    client.use_key(Secret("wrong"))
    with pytest.raises(AuthenticationError):
        await feed.quote(desk.symbols[0])
