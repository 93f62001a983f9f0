"""Values as bytes: what comes back, and what is refused."""

import dataclasses
import enum
import pickle
import re
import typing
from datetime import UTC, date, datetime
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ava.cache import codec
from ava.cache.memory import MISSING


class Quote(msgspec.Struct, frozen=True):
    symbol: str
    price: float
    asked: datetime | None = None


class Bar(msgspec.Struct, frozen=True):
    symbol: str
    price: float
    asked: datetime | None = None


class Side(enum.Enum):
    BUY = "buy"


@dataclasses.dataclass(frozen=True)
class Order:
    side: Side
    legs: tuple[Quote, ...]
    limit: Decimal


class Point(typing.NamedTuple):
    x: int
    y: int


QUOTE = Quote("AAPL", 189.5, datetime(2026, 1, 5, 14, 30, tzinfo=UTC))


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (None, int | None),
        (0, int),
        (False, bool),
        ("", str),
        ([], list[Quote]),
        ({}, dict[str, float]),
        (QUOTE, Quote),
        ([QUOTE, Quote("X", 1.0)], list[Quote]),
        ({"AAPL": QUOTE}, dict[str, Quote]),
        ([QUOTE, None], list[Quote | None]),
        (Order(Side.BUY, (QUOTE,), Decimal("1.10")), Order),
        (Decimal("1.10"), Decimal),
        (date(2026, 1, 5), date),
        (datetime(2026, 1, 5), datetime),  # noqa: DTZ001 - naive on purpose
        ((1, "a"), tuple[int, str]),
        (frozenset({1, 2}), frozenset[int]),
        (Point(1, 2), Point),
        (b"\x00\xff", bytes),
        ({"a": [1, {"b": None}]}, dict[str, typing.Any]),
    ],
    ids=repr,
)
def test_a_value_comes_back_equal_and_of_its_type(value, kind):
    """What is falsy is a value like any other, and records come back as records."""
    back = codec.decode(codec.encode(value), kind)
    assert back is not MISSING
    assert back == value
    assert type(back) is type(value)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (QUOTE, Bar),  # the same fields under another name
        ([QUOTE], list[Bar]),
        (QUOTE, dict),  # a record is not its fields
        (Decimal("1.1"), str),
        (Decimal("1.1"), typing.Any),  # would come back as text
        (Side.BUY, str),
        ((1, 2), list[int]),
        ({1}, list[int]),
        ("1", int),
        (1, str),
        (None, int),
        ([], dict),
    ],
    ids=repr,
)
def test_a_value_of_another_type_is_a_miss(value, kind):
    """A reader never gets something else than it asked for."""
    assert codec.decode(codec.encode(value), kind) is MISSING


def test_a_record_whose_fields_changed_is_a_miss():
    """An older program's entry is not read with today's meaning, even where it would fit."""

    def quote(**fields):
        return msgspec.defstruct("Ticker", list(fields.items()), module="prices")

    old, same = quote(price=float), quote(price=float)
    wider, renamed = quote(price=float | None), quote(price=float, bid=int | None)
    raw = codec.encode(old(1.0))
    assert codec.decode(raw, same) == same(1.0)
    assert codec.decode(raw, wider) is MISSING
    assert codec.decode(raw, renamed) is MISSING


def test_a_change_in_a_nested_record_is_seen():
    """The fingerprint reaches through fields, so the outer record changes with the inner."""

    def outer(inner_field):
        inner = msgspec.defstruct("Inner", [("a", inner_field)], module="prices")
        return inner, msgspec.defstruct("Outer", [("inner", list[inner])], module="prices")

    (inner, one), (_, other) = outer(int), outer(int | None)
    raw = codec.encode(one([inner(1)]))
    assert codec.decode(raw, one) == one([inner(1)])
    assert codec.decode(raw, other) is MISSING


def test_another_version_of_the_format_is_a_miss():
    """A later program may change the format without a clash."""

    def raw(version):
        header = msgspec.msgpack.encode([version, []])
        return len(header).to_bytes(2) + header + msgspec.msgpack.encode(1)

    assert codec.decode(raw(codec.VERSION), int) == 1
    assert codec.decode(raw(codec.VERSION + 1), int) is MISSING


@given(st.binary(max_size=200))
def test_garbage_is_a_miss(raw):
    """Whatever lies in Redis, reading it raises nothing."""
    codec.decode(raw, Quote)
    codec.decode(raw, dict[str, list[int]])


@given(st.integers(0, 400), st.integers(0, 255))
def test_a_damaged_entry_raises_nothing(at, byte):
    """One wrong byte gives a miss or another value of the right type."""
    raw = bytearray(codec.encode([QUOTE, QUOTE]))
    raw[at % len(raw)] = byte
    back = codec.decode(bytes(raw), list[Quote])
    assert back is MISSING or all(type(item) is Quote for item in back)


def test_deep_nesting_is_a_miss():
    """Garbage can be nested deeper than any stack."""
    assert codec.decode(codec.encode([])[:-1] + b"\x91" * 100_000, list) is MISSING


class Trap:
    """An object whose unpickling runs code."""

    def __reduce__(self):
        return (pytest.fail, ("code ran",))


def repr_of(value):
    """Return a text of a value that is the same in every process that runs the suite."""
    return re.sub(" at 0x[0-9a-f]+", "", repr(value))


def test_a_pickle_is_a_miss():
    """What another program pickled is never loaded."""
    assert codec.decode(pickle.dumps(Trap()), dict) is MISSING


@pytest.mark.parametrize("value", [object(), [object()], 1 << 70, "\ud800"], ids=repr_of)
def test_what_has_no_form_is_refused(value):
    """The error is one, whatever the codec says."""
    with pytest.raises(codec.UncodableError):
        codec.encode(value)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text() | st.binary()
    | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=20,
)  # fmt: skip


@given(json_values)
def test_plain_data_comes_back_equal(value):
    """Trees of lists, mappings and scalars need no type of their own."""
    assert codec.decode(codec.encode(value), typing.Any) == value
