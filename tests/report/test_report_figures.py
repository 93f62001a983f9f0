"""Numbers as they are written: enough digits, never more, and never a guess."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.report import figures
from perf.report.read import read

FINITE = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e12, max_value=1e12)


def plain(text):
    return text.replace("\N{NO-BREAK SPACE}", " ").replace("\N{MINUS SIGN}", "-")


def value_of(text):
    return float(plain(text).replace(",", ""))


def entry(estimate, interval=None, kind="at_least", bound=10, unit="x", **more):
    claim = {
        "id": "D1.a",
        "verdict": "met",
        "target": {"kind": kind, "bound": bound, "unit": unit},
        "estimate": estimate,
        "interval": interval,
        **more,
    }
    return read({"schema": 1, "results": [claim]}).entries[0]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (11.84, "11.8"),
        (9.996, "10.0"),
        (0.0123456, "0.0123"),
        (123_456, "123,000"),
        (-5.5, "-5.50"),
        (0, "0"),
        (1e-7, "1.00e-7"),
        (math.inf, "∞"),
        (-math.inf, "-∞"),
    ],
)
def test_three_digits_are_enough(value, text):
    """Figures are written with three significant digits."""
    assert plain(figures.significant(value)) == text


@given(FINITE)
def test_three_digits_stay_near_the_value(value):
    """What is written differs from the value by at most half of its third digit."""
    assert value_of(figures.significant(value)) == pytest.approx(value, rel=0.00501, abs=0)


@given(FINITE, st.floats(min_value=1e-6, max_value=1e6))
def test_rounding_does_not_reach_the_bound(offset, bound):
    """A figure within 0.1 % of its target is not written as the target."""
    value = bound * (1 + math.copysign(1e-3, offset))
    assert value_of(figures.apart(value, bound)) != bound


@pytest.mark.parametrize(
    ("value", "bound", "text"), [(9.9996, 10, "9.9996"), (10, 10, "10.0"), (11.84, 10, "11.8")]
)
def test_digits_are_added_only_to_tell_from_the_bound(value, bound, text):
    """9.9996 misses a target of 10 and must not read 10.0."""
    assert figures.apart(value, bound) == text


@pytest.mark.parametrize(
    ("unit", "value", "text"),
    [
        ("x", 2, figures.TIMES),
        ("ms", 1, " ms"),
        ("statements", 1, " statement"),
        ("statements", 2, " statements"),
        ("fetches", 1, " fetch"),
        ("queries", 1, " query"),
        ("%", 30, " %"),
        ("", 3, ""),
    ],
)
def test_units_follow_the_number(unit, value, text):
    """One statement is written in the singular, symbols have none."""
    assert plain(figures.unit_of(unit, value)) == text


def test_a_count_has_no_interval():
    """A counted number is written in full and alone."""
    found = entry(12345, [12345, 12345], unit="rows", evidence={"kind": "count"})
    assert plain(figures.measured(found)) == "12,345 rows"
    assert figures.interval(found) is None


def test_a_count_that_varied_shows_its_range():
    """Counts that should repeat and did not show from where to where they went."""
    found = entry(2, [1, 3], unit="rows", evidence={"kind": "count"})
    assert figures.interval(found) == "[1, 3]"


def test_an_open_interval_is_infinite():
    """A null end means the samples could not tell, not zero."""
    assert figures.interval(entry(12, [11, None])) == "[11.0, ∞]"


def test_what_was_not_measured_has_no_text():
    """Absent is None, so nothing can print it as 0."""
    found = entry(None)
    assert (figures.measured(found), figures.interval(found), figures.margin(found)) == (None,) * 3


@pytest.mark.parametrize(
    ("kind", "bound", "unit", "estimate", "text"),
    [
        ("at_least", 10, "x", 11.8, "+18 %"),
        ("at_most", 10, "ms", 12.4, "-24 %"),
        ("at_most", 10, "ms", 9.95, "+0.5 %"),
        ("at_least", 30, "%", 34, "+4.00 points"),
        ("at_most", 0, "errors", 2, "-2.00 errors"),
        ("exactly", 1, "statements", 1, "none"),
        ("counter_example", 1, "occurrence", 1, None),
    ],
)
def test_margin_is_positive_on_the_good_side(kind, bound, unit, estimate, text):
    """The margin is relative, in points for percentages, in the unit where the bound is 0."""
    found = figures.margin(entry(estimate, kind=kind, bound=bound, unit=unit))
    assert (found and plain(found)) == text


@pytest.mark.parametrize(
    ("kind", "relative", "interval", "text"),
    [
        ("at_least", 0.06, [-0.02, 0.13], "~"),
        ("at_least", 0.13, [0.1, 0.16], "~"),
        ("at_least", 0.33, [0.3, 0.36], "+33 % better"),
        ("at_most", 0.33, [0.3, 0.36], "+33 % worse"),
        ("at_most", -0.33, [-0.36, -0.3], "-33 % better"),
        ("exactly", 2.0, [2.0, 2.0], "+200 %"),
    ],
)
def test_a_change_is_stated_only_where_its_interval_shows_one(kind, relative, interval, text):
    """What may be drift is `~`; more than that is better or worse by the target's direction."""
    moved = {"from": 1, "relative": relative, "interval": interval}
    assert plain(figures.change(entry(1, kind=kind, change=moved))) == text


def test_no_baseline_no_change():
    """Without a baseline there is no change to write."""
    assert figures.change(entry(1)) is None


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.0021, "2.10 ms"), (1.5, "1.50 s"), (3e-7, "300 ns"), (0, "0 s")]
)
def test_times_are_in_the_unit_that_suits_them(seconds, text):
    """A time is written in s, ms, µs or ns."""
    assert plain(figures.seconds(seconds)) == text


@pytest.mark.parametrize(("seconds", "text"), [(151.2, "2 min 31 s"), (59.6, "1 min 0 s")])
def test_long_times_are_in_minutes(seconds, text):
    """A run of minutes is not written in hundreds of seconds."""
    assert plain(figures.duration(seconds)) == text


@pytest.mark.parametrize(
    ("started", "text"),
    [("2026-11-21T05:00:00Z", "2026-11-21 05:00 UTC"), ("yesterday", "yesterday")],
)
def test_moments_are_cut_to_the_minute(started, text):
    """An ISO time loses its seconds; what is none is left as it stands."""
    assert plain(figures.moment(started)) == text


def test_a_counted_share_is_not_written_to_the_last_bit():
    """A hit rate is exact, and still three digits are all a reader needs."""
    found = entry(88.23529411764706, unit="% of hits", bound=85, evidence={"kind": "count"})
    assert plain(figures.measured(found)) == "88.2 % of hits"
