"""Freshness: the documents' times, cut at the opening; volatility and significant moves."""

import math
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ava.cache import ttls
from ava.cache.freshness import CRYPTO, SCANS, STOCKS, Freshness, MarketRule, symbol_tag, ttl_at
from ava.cache.keep import Keep
from ava.cache.movement import HIGH, SAMPLES, MoveWatch, Volatility
from ava.cache.sessions import AlwaysOpen, new_york
from ava.clock import ManualClock

NY = ZoneInfo("America/New_York")


def at(text):
    """Return a moment told on New York's clocks."""
    return datetime.fromisoformat(text).replace(tzinfo=NY)


@pytest.mark.parametrize(
    ("rule", "moment", "volatile", "ttl_s"),
    [
        (SCANS, "2026-01-05T11:00:00", False, 60),
        (SCANS, "2026-01-05T20:00:00", False, 1800),
        (SCANS, "2025-12-25T11:00:00", False, 1800),
        (STOCKS, "2026-01-05T11:00:00", False, 20),
        (STOCKS, "2026-01-05T11:00:00", True, 10),
        (STOCKS, "2026-01-05T20:00:00", True, 300),
        (STOCKS, "2025-11-28T13:30:00", False, 300),
        (STOCKS, "2026-01-05T15:59:59", False, 20),
        (SCANS, "2026-01-05T09:20:00", False, 600),
        (SCANS, "2026-01-05T09:29:59", False, 1),
        (SCANS, "2026-01-05T09:30:00", False, 60),
    ],
)
def test_a_ttl_follows_the_session_and_ends_at_the_opening(rule, moment, volatile, ttl_s):
    """The documents' table, holidays and early closes, and the cut before 9:30."""
    assert ttl_at(rule, at(moment), new_york(), volatile=volatile) == ttl_s


@pytest.mark.parametrize(("volatile", "ttl_s"), [(False, 30), (True, 10)])
def test_crypto_knows_no_night(volatile, ttl_s):
    """On a holiday's night the ttl is the day's."""
    moment = at("2025-12-25T03:00:00")
    assert ttl_at(CRYPTO, moment, AlwaysOpen(), volatile=volatile) == ttl_s


@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - hypothesis adds the zone
    st.sampled_from([SCANS, STOCKS]),
    st.booleans(),
)
def test_nothing_kept_while_closed_is_fresh_in_the_open_market(moment, rule, volatile):
    """The ttl is positive and never reaches past an opening."""
    ttl_s = ttl_at(rule, moment, new_york(), volatile=volatile)
    assert 0 < ttl_s <= rule.closed_s
    if not new_york().is_open(moment) and ttl_s > 0.001:
        ends = moment + timedelta(seconds=ttl_s)
        assert not new_york().is_open(ends - timedelta(microseconds=2))


def test_an_opening_nearer_than_a_millisecond_leaves_a_ttl_that_can_be_kept():
    """A keep must be positive, so the last microsecond counts as a millisecond."""
    moment = at("2026-01-05T09:30:00") - timedelta(microseconds=1)
    assert ttl_at(SCANS, moment, new_york()) == 0.001


def test_the_rule_for_a_value_is_that_of_the_clocks_moment():
    """The clock's time, the symbol's volatility and its tag all reach the Keep."""
    clock = ManualClock(at("2026-01-05T11:00:00").astimezone(UTC))
    fresh = Freshness(is_volatile={"TSLA"}.__contains__, clock=clock)
    like = Keep(1, stale_s=60, tags=("quotes",))
    assert fresh.keep(STOCKS, "TSLA", like=like) == Keep(
        10, stale_s=60, tags=("quotes", symbol_tag("TSLA"))
    )
    assert fresh.keep(STOCKS, "KO").ttl_s == 20
    assert fresh.keep(SCANS) == Keep(60)
    always = Freshness.round_the_clock(is_volatile={"BTC"}.__contains__, clock=clock)
    assert (always.ttl_s(CRYPTO, "BTC"), always.ttl_s(CRYPTO, "ETH")) == (10, 30)


@pytest.mark.parametrize("times", [(0, 1, 0), (10, 5, 5), (10, 20, 15)])
def test_a_rule_that_keeps_open_markets_longer_is_refused(times):
    """It would be two figures in the wrong order."""
    with pytest.raises(ValueError, match="grow"):
        MarketRule(*times)


def walk(volatility, symbol, step, n=SAMPLES + 1, price=100.0):
    """Show `n` prices a minute apart that go up and down by `step`."""
    for i in range(n):
        volatility.saw(symbol, price * (1 + step * (i % 2)), 60.0 * i)


def test_volatility_is_the_deviation_of_a_minutes_return():
    """Steps of 1 % a minute have a median return of ln(1.01), times 1.4826 for a normal."""
    volatility = Volatility()
    walk(volatility, "X", 0.01)
    assert volatility.of("X") == pytest.approx(1.4826 * math.log(1.01))


def test_volatility_does_not_depend_on_how_often_one_looks():
    """A return over four minutes is twice that over one, for a random walk."""
    volatility = Volatility()
    for i in range(9):
        volatility.saw("X", 100 * (1.02 if i % 2 else 1), 240.0 * i)
    assert volatility.of("X") == pytest.approx(1.4826 * math.log(1.02) / 2)


def test_one_bad_print_makes_no_symbol_volatile():
    """A price ten times too high and back again are two returns of twenty."""
    volatility = Volatility()
    walk(volatility, "X", 0.0001)
    volatility.saw("X", 1000.0, 60.0 * 30)
    volatility.saw("X", 100.0, 60.0 * 31)
    assert not volatility.is_high("X")


@pytest.mark.parametrize(("step", "is_high"), [(0.0, False), (HIGH / 2, False), (HIGH, True)])
def test_a_symbol_is_volatile_from_the_threshold_on(step, is_high):
    """Three percent a day is volatile; half of that is not."""
    volatility = Volatility()
    walk(volatility, "X", step)
    assert volatility.is_high("X") is is_high


def test_a_symbol_hardly_seen_is_not_volatile():
    """Four returns say nothing; the fifth does."""
    volatility = Volatility()
    walk(volatility, "X", 0.05, n=5)
    assert volatility.of("X") is None
    walk(volatility, "Y", 0.05, n=6)
    assert volatility.is_high("Y")


def test_prices_out_of_order_are_left_out():
    """Neither an older print nor one of the same second is a return."""
    volatility, same = Volatility(), Volatility()
    for i in range(8):
        for tracked in (volatility, same):
            tracked.saw("X", 100.0 + i % 2, 60.0 * i)
        volatility.saw("X", 500.0, 60.0 * i - 30)
        volatility.saw("X", 500.0, 60.0 * i + 0.5)
    assert volatility.of("X") == same.of("X")


def test_the_wildest_symbols_come_first():
    """Those unknown come last and keep their order."""
    volatility = Volatility()
    walk(volatility, "KO", 0.001)
    walk(volatility, "TSLA", 0.02)
    assert volatility.wildest_first(["B", "KO", "A", "TSLA"]) == ["TSLA", "KO", "B", "A"]


def test_a_move_is_measured_from_the_last_one_that_counted():
    """Steps of 0.2 % add up: the third makes 0.6 %, and the count starts again there."""
    watch = MoveWatch()
    assert [watch.moved("X", price) for price in (100.0, 100.2, 100.4, 100.6, 100.8, 101.2)] == [
        (),
        (),
        (),
        ("symbol:X",),
        (),
        ("symbol:X",),
    ]


@pytest.mark.parametrize(("price", "moves"), [(100.5, True), (99.5, True), (100.49, False)])
def test_half_a_percent_either_way_is_significant(price, moves):
    """The document skips what changed by less than 0.5 %."""
    watch = MoveWatch()
    watch.moved("X", 100.0)
    assert bool(watch.moved("X", price)) is moves


@given(st.lists(st.floats(50, 200), min_size=2, max_size=60))
def test_no_price_strays_unnoticed(prices):
    """Between two reported moves every price lies within 0.5 % of the reference."""
    watch, reference = MoveWatch(), prices[0]
    for price in prices:
        if watch.moved("X", price):
            reference = price
        assert abs(price - reference) / reference < 0.005


def test_only_the_symbols_seen_last_are_remembered():
    """Memory is bounded, and what is touched stays."""
    watch, volatility = MoveWatch(symbols=2), Volatility(symbols=2)
    for symbol in ("A", "B", "A", "C"):
        watch.moved(symbol, 100.0)
        volatility.saw(symbol, 100.0, 0.0)
    assert (len(watch), len(volatility)) == (2, 2)
    assert watch.moved("A", 110.0) == ("symbol:A",)
    assert watch.moved("B", 110.0) == ()


@pytest.mark.parametrize("price", [0.0, -1.0, math.nan, math.inf])
def test_what_is_no_price_is_refused(price):
    """A zero would make every return infinite."""
    with pytest.raises(ValueError, match="price"):
        MoveWatch().moved("X", price)
    with pytest.raises(ValueError, match="price"):
        Volatility().saw("X", price, 0.0)


@pytest.mark.parametrize(
    ("name", "ttl_s"),
    [
        ("PORTFOLIO", 30),
        ("PORTFOLIO_SUMMARY", 60),
        ("ACTIVITY", 30),
        ("PERFORMANCE", 300),
        ("ALERTS", 15),
        ("LIVE_GAMES", 30),
        ("SCAN", 300),
        ("PREMIUM_SCAN", 300),
        ("AI_RECOMMENDATION", 300),
        ("METADATA", 3600),
        ("AUTOMATION", 3600),
    ],
)
def test_each_kind_is_kept_as_long_as_the_documents_say(name, ttl_s):
    """The table of times to live, constant by constant."""
    assert getattr(ttls, name).ttl_s == ttl_s


@pytest.mark.parametrize("name", ["PORTFOLIO", "PORTFOLIO_SUMMARY", "ACTIVITY", "ALERTS"])
def test_money_is_never_served_stale(name):
    """An old balance that looks new does more harm than an error."""
    assert getattr(ttls, name).stale_s == 0
