"""Numbers, dates and refusals as providers write them."""

import math
from datetime import UTC, date, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ava.net.spec import Answer
from ava.providers import parse
from ava.providers.market import ReportTime


@pytest.mark.parametrize("raw", [None, "", "-", "None", "none", " ", "N/A", "nan", math.nan, "inf"])
def test_the_unknown_is_none(raw):
    """Nothing that stands for the unknown becomes a number."""
    assert parse.number(raw) is None


@pytest.mark.parametrize(("raw", "value"), [("10.5", 10.5), (0, 0.0), ("0", 0.0), ("-3", -3.0)])
def test_numbers_are_read(raw, value):
    """Zero is a number, as text and as itself."""
    assert parse.number(raw) == value


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_and_its_text_are_the_same(value):
    """Whether a provider quotes its numbers makes no difference."""
    assert parse.number(repr(value)) == parse.number(value) == value


@pytest.mark.parametrize("raw", ["ten", "1,000", "10.5 USD"])
def test_other_text_is_no_number(raw):
    """What is no number is bad data, never unknown."""
    with pytest.raises(ValueError, match="could not convert"):
        parse.number(raw)


def test_a_price_of_zero_is_unknown():
    """Where 0 means that nobody has quoted, it is not passed on."""
    assert parse.positive("0.0000") is None
    assert parse.positive(3) == 3


def test_a_percentage_becomes_a_fraction():
    """With and without its sign."""
    assert parse.percent("5.0000%") == parse.percent(5) == 0.05
    assert parse.percent("None") is None


def test_days_are_read():
    """The provider's own way of not knowing a day is None."""
    assert parse.day("2026-01-05") == date(2026, 1, 5)
    assert parse.day("0000-00-00") is None
    with pytest.raises(ValueError, match="isoformat"):
        parse.day("05/01/2026")


@pytest.mark.parametrize(
    ("raw", "unit"),
    [
        (1_767_646_800, parse.SECOND),
        (1_767_646_800_000, parse.MILLISECOND),
        (1_767_646_800_000_000_000, parse.NANOSECOND),
    ],
)
def test_an_epoch_is_a_moment_in_utc(raw, unit):
    """Seconds, milliseconds and nanoseconds mean the same moment."""
    assert parse.moment(raw, unit) == datetime(2026, 1, 5, 21, 0, tzinfo=UTC)


def test_an_epoch_of_zero_is_unknown():
    """1970 is never meant."""
    assert parse.moment(0) is None
    assert parse.moment(None) is None


def test_an_epoch_out_of_range_is_bad_data():
    """A unit taken wrongly does not become a crash of another kind."""
    with pytest.raises(ValueError, match="no moment"):
        parse.moment(1e30)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-05 15:55:00", datetime(2026, 1, 5, 20, 55, tzinfo=UTC)),
        ("2026-07-06 15:55:00", datetime(2026, 7, 6, 19, 55, tzinfo=UTC)),
        ("2026-01-05", datetime(2026, 1, 5, 5, 0, tzinfo=UTC)),
    ],
)
def test_the_exchange_wall_clock_knows_summer(text, moment):
    """New York's clock is read by its own rules."""
    assert parse.local_moment(text) == moment


def test_times_of_reports_have_one_vocabulary():
    """Two providers' words for it, and silence."""
    assert parse.report_time("bmo") == parse.report_time("pre-market") == ReportTime.BEFORE_OPEN
    assert parse.report_time("") is parse.report_time(None) is None


@pytest.mark.parametrize(
    "text",
    [
        "We have detected your API key as ABCDEF1234567890 and our limit",
        "token=abc123def456ghi7 is wrong",
        "the key 'pplx-0123456789abcdef' is unknown",
        "api_key: short",
    ],
)
def test_an_excerpt_shows_no_key(text):
    """What looks like a key, or is called one, is masked."""
    shown = parse.excerpt(text)
    assert "***" in shown
    assert not any(key in shown for key in ("ABCDEF", "abc123", "0123", "short"))


def test_an_excerpt_is_short():
    """An error quotes the beginning of a page, in one line."""
    assert parse.excerpt("too\nmany " + "words " * 500).startswith("too many words")
    assert len(parse.excerpt("words " * 500)) <= 200


def test_a_required_value_is_there():
    """A price that is missing is bad data; 0 is there."""
    assert parse.required(0, "price") == 0
    with pytest.raises(ValueError, match="no price"):
        parse.required(None, "price")


def test_data_is_no_refusal():
    """Only a short body of the refusal's form is one."""

    class Refused(msgspec.Struct):
        error: str

    assert parse.refusal(_answer(b'{"error":"no"}'), Refused).error == "no"
    assert parse.refusal(_answer(b'{"price":1}'), Refused) is None
    assert parse.refusal(_answer(b"<html>"), Refused) is None
    assert parse.refusal(_answer(b'{"error":"' + b"x" * 5000 + b'"}'), Refused) is None


def _answer(body):
    return Answer(200, {}, body)
