"""Keys of the cache: equal for equal questions, different for different ones, in any process."""

import os
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import IntEnum, StrEnum
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ava.cache.keys import LONGEST, key


class Sport(StrEnum):
    NFL = "nfl"


class Rank(IntEnum):
    TOP = 1


EAST = timezone(timedelta(hours=-5))


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (key("quote", symbol="AAPL"), "quote:symbol=AAPL"),
        (key("automation", "enabled", "odds"), "automation:enabled:odds"),
        (key("live-games"), "live-games"),
        (key("scan", dte=30, sectors={"Tech", "Energy"}), "scan:dte=30:sectors={Energy,Tech}"),
        (key("scan", max_price=Decimal("50.10"), cap=None), "scan:cap=@none:max_price=50.1"),
        (key("bars", "^GSPC", date(2026, 1, 5)), "bars:^GSPC:@2026-01-05"),
        (key("odds", Sport.NFL, Rank.TOP, live=True), "odds:nfl:1:live=@true"),
        (key("x", "1", "", "a:b", "é"), "x:'1:':a%3Ab:%C3%A9"),
        (key("x", b"\x00", ["a", (1, 2)], {"b": 2, "a": 1}), "x:@x00:[a,[1,2]]:(a=1,b=2)"),
        (key("x", 10**15, 1e300, -0.0, 1e-7), "x:1000000000000000:1e300:0:0.0000001"),
        (key("x", datetime(2026, 1, 5, 9, 30, tzinfo=EAST)), "x:@2026-01-05T14:30:00Z"),
    ],
)
def test_a_key_reads_as_what_was_asked_for(made, text):
    """The text is fixed: changing it would orphan everything stored."""
    assert made == text


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (["a", "b"], ("a", "b")),
        ({"a", "b"}, frozenset({"b", "a"})),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        (1, 1.0),
        (1, Decimal("1.00")),
        (0, -0.0),
        (0.1, Decimal("0.10")),
        (10**20, 1e20),
        (10**30, Decimal("1e30")),
        (datetime(2026, 1, 5, 9, 30, tzinfo=EAST), datetime(2026, 1, 5, 14, 30, tzinfo=UTC)),
    ],
)
def test_the_same_question_has_one_key(one, other):
    """Order of sets, notation of numbers and zones of moments do not matter."""
    assert key("x", one) == key("x", other)


def meaning(value):
    """Return a value two of which are equal exactly when they ask for the same thing."""
    if value is None or isinstance(value, str | bool | bytes):
        return (type(value).__name__, value)
    if isinstance(value, int | float | Decimal):
        return ("number", Decimal(repr(value)) if isinstance(value, float) else Decimal(value))
    if isinstance(value, datetime | date):
        return (type(value).__name__, value)
    if isinstance(value, list):
        return ("list", tuple(map(meaning, value)))
    if isinstance(value, frozenset):
        return ("set", frozenset(map(meaning, value)))
    return ("mapping", frozenset((meaning(k), meaning(v)) for k, v in value.items()))


NASTY = "a1-'%:=,@#x[]{}()"
LEAVES = (
    st.none()
    | st.booleans()
    | st.text(NASTY, max_size=3)
    | st.sampled_from(["none", "@none", "true", "1", "1.0", "1e3", "[]", "{}", "@2026-01-05"])
    | st.integers(-3, 3)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.binary(max_size=2)
    | st.dates()
    | st.datetimes(timezones=st.just(UTC))
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(NASTY, max_size=2), inner, max_size=3)
    ),
    max_leaves=6,
) | st.frozensets(LEAVES, max_size=3)
QUESTIONS = st.tuples(
    st.lists(VALUES, max_size=3),
    st.dictionaries(st.text(NASTY, min_size=1, max_size=2), VALUES, max_size=3),
)


@given(QUESTIONS, QUESTIONS)
def test_two_keys_are_equal_exactly_when_the_questions_are(one, other):
    """No two different questions collide, whatever separators they hold."""
    keys = [key("x", *parts, **named) for parts, named in (one, other)]
    meanings = [meaning([parts, named]) for parts, named in (one, other)]
    assert (keys[0] == keys[1]) is (meanings[0] == meanings[1])


def test_no_short_texts_collide_in_any_place():
    """Every text of up to three nasty letters, alone, listed, in a set and by name."""
    texts = ["".join(t) for n in range(4) for t in product("a1-':=,[]%@#", repeat=n)]
    shapes = [
        lambda t: key("x", t),
        lambda t: key("x", [t]),
        lambda t: key("x", {t}),
        lambda t: key("x", a=t),
        lambda t: key("x", {"a": t}),
        lambda t: key("x", t, t),
    ]
    made = [shape(text) for shape in shapes for text in texts]
    assert len(set(made)) == len(made)


@given(st.text(max_size=50))
def test_any_text_becomes_a_key_that_redis_can_hold(text):
    """Lone surrogates and control characters included."""
    made = key("x", text)
    assert made.isascii()
    assert made.isprintable()


def test_a_long_question_keeps_its_kind_and_a_digest():
    """Five hundred symbols do not make a key of kilobytes, and one symbol more is another key."""
    symbols = [f"S{n}" for n in range(500)]
    made = key("scan", symbols, dte=30)
    assert made.startswith("scan:#")
    assert len(made) <= LONGEST
    assert made != key("scan", [*symbols, "MORE"], dte=30)


def test_keys_are_cut_only_beyond_the_limit():
    """The longest readable key has exactly the stated length."""
    assert len(key("x", "a" * (LONGEST - 2))) == LONGEST
    assert key("x", "a" * (LONGEST - 1)).startswith("x:#")


@pytest.mark.parametrize("kind", ["", "Quote", "a:b", "1x", "a b"])
def test_a_kind_is_a_lower_case_word(kind):
    """A colon in a kind could make it another kind's key."""
    with pytest.raises(ValueError, match="kind of key"):
        key(kind)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), Decimal("-inf"), Decimal("nan")])
def test_what_is_not_a_number_is_refused(value):
    """NaN is not even equal to itself."""
    with pytest.raises(ValueError, match="no number"):
        key("x", value)


def test_a_moment_without_a_zone_is_refused():
    """It could be meant in any zone."""
    with pytest.raises(ValueError, match="no zone"):
        key("x", datetime(2026, 1, 5))  # noqa: DTZ001 - the point


def test_an_object_is_refused_instead_of_shown():
    """Its repr may hold an address, which no other process has."""
    with pytest.raises(TypeError, match="canonical"):
        key("x", object())


def test_keys_are_the_same_in_processes_that_hash_differently():
    """Two interpreters with different hash seeds agree with this one."""
    code = "from ava.cache.keys import key; print(key('scan', {'MSFT','AAPL','F'}, a={'x','y'}))"
    made = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert made == {key("scan", {"MSFT", "AAPL", "F"}, a={"x", "y"})}
