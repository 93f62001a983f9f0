"""What a column of a batch accepts: nothing that could be meant otherwise, all the server takes."""

import math
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from ava.db.columns import Column
from ava.errors import BadValueError, StatementError

anyio = pytest.mark.anyio
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def test_a_float_in_a_numeric_column_keeps_the_digits_it_shows():
    """0.1 becomes 0.1, not the binary fraction next to it."""
    assert Column("price", "numeric(8, 2)").array([0.1, Decimal("0.2")]) == [
        Decimal("0.1"),
        Decimal("0.2"),
    ]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("boolean", 1),
        ("date", NOON),
        ("timestamptz", date(2026, 1, 5)),
        ("jsonb", {1, 2}),
        ("jsonb", math.nan),
        ("double precision", "1"),
        ("numeric(4, 1)", Decimal("999.95")),
        ("numeric(4, 1)", Decimal("-1e+40")),
        ("numeric(4, 1)", math.inf),
        ("numeric(4, 1)", True),
        ("smallint", 2**15),
        ("text", 1),
    ],
)
def test_a_value_of_another_kind_is_refused(kind, value):
    """Nothing is converted that could be meant otherwise."""
    with pytest.raises(BadValueError) as caught:
        Column("c", kind).checked([None, value])
    assert (caught.value.row, caught.value.column) == (1, "c")


@anyio
@pytest.mark.parametrize("value", ["999.949", "-999.94", "0.05", "NaN"])
async def test_a_number_that_just_fits_is_accepted_as_the_server_accepts_it(value, platform):
    """The check of digits rounds as the server does, and lets through what it takes."""
    (checked,) = Column("c", "numeric(4, 1)").checked([Decimal(value)])
    await platform.fetch("SELECT %s::numeric(4, 1) AS c", (checked,))


@anyio
@pytest.mark.parametrize("value", ["999.95", "-999.95", "1000", "Infinity"])
async def test_a_number_that_just_does_not_fit_is_refused_as_the_server_refuses_it(value, platform):
    """The check of digits stops nothing that the server would take."""
    with pytest.raises(BadValueError):
        Column("c", "numeric(4, 1)").checked([Decimal(value)])
    with pytest.raises(StatementError, match="overflow"):
        await platform.fetch("SELECT %s::numeric(4, 1) AS c", (Decimal(value),))


def test_a_long_value_is_shown_in_part():
    """An error about a large document is not a large error."""
    with pytest.raises(BadValueError) as caught:
        Column("c", "integer").checked(["x" * 10_000])
    assert len(str(caught.value)) < 200
