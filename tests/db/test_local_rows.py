"""What the local store makes of values: the same ones back, or a refusal."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ava.db.local_rows import Bar, Position, Prediction, Trade, from_values, to_values
from ava.errors import BadValueError

AT = datetime(2026, 1, 5, 14, 30, 0, 1, tzinfo=UTC)
TRADE = Trade("t1", "AAPL", "buy", Decimal("1.5"), Decimal("187.1234"), AT)
BAR = Bar("AAPL", AT, *(Decimal(n) for n in (1, 2, 3, 4)), volume=5, source="test")

decimals = st.decimals(
    min_value=Decimal("-90e9"), max_value=Decimal("90e9"), places=8, allow_nan=False
)
moments = st.datetimes(
    min_value=datetime(1900, 1, 1),  # noqa: DTZ001 - the strategy wants it without a zone
    max_value=datetime(2200, 1, 1),  # noqa: DTZ001 - the strategy wants it without a zone
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=-5, minutes=-30))]),
)


@given(decimals, decimals, moments)
def test_what_is_stored_comes_back_exactly(quantity, price, moment):
    """Eight decimals and microseconds survive, whatever the size and the zone."""
    position = Position("S", quantity, price, moment)
    assert from_values(Position, tuple(to_values(position).values())) == position


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("price", Decimal("0.000000001"), "more than 8 decimals"),
        ("price", Decimal("NaN"), "no finite number"),
        ("price", Decimal("Infinity"), "no finite number"),
        ("price", Decimal("1e12"), "too large"),
        ("price", 187.12, "must be of type Decimal"),
        ("executed_at", datetime(2026, 1, 5), "needs a zone"),  # noqa: DTZ001 - the case
        ("executed_at", "2026-01-05", "must be of type datetime"),
        ("symbol", None, "must be of type str"),
    ],
)
def test_a_value_that_would_change_is_refused(column, value, said):
    """Nothing is rounded, shifted or guessed; the error names the column."""
    with pytest.raises(BadValueError, match=said) as raised:
        to_values(replace(TRADE, **{column: value}), 7)
    assert (raised.value.row, raised.value.column) == (7, column)


def test_a_volume_must_fit_the_file():
    """SQLite's integers have 64 bits."""
    with pytest.raises(BadValueError, match="too large"):
        to_values(replace(BAR, volume=2**63))


def test_whole_numbers_may_stand_for_decimals():
    """An int is exact; a prediction's confidence stays a float."""
    assert to_values(replace(TRADE, price=187))["price"] == 187 * 10**8
    prediction = Prediction("S", AT, "m", "up", Decimal("1.1"), 0.1)
    assert from_values(Prediction, tuple(to_values(prediction).values())) == prediction


def test_a_price_reads_as_it_was_written():
    """No trail of zeros: what people see is what they stored."""
    loaded = from_values(Trade, tuple(to_values(TRADE).values()))
    assert str(loaded.price) == "187.1234"
