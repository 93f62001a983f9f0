"""Predictions and signals, paged from a real database."""

from decimal import Decimal

import pytest

from ava.errors import NoDatabaseError
from ava.services.predictions import Predictions

pytestmark = pytest.mark.anyio

ROWS = """
INSERT INTO predictions (symbol, timestamp, model, direction, predicted_price, confidence)
SELECT CASE g % 2 WHEN 0 THEN 'AAPL' ELSE 'MSFT' END, now() - (g / 3) * interval '1 minute',
    'trend', 'up', 100 + g, 0.5
FROM generate_series(1, 9) AS g;
INSERT INTO signals (symbol, timestamp, action, price, confidence)
SELECT 'AAPL', now() - g * interval '1 minute', 'buy', 100.5, 0.5 FROM generate_series(1, 3) AS g
"""


@pytest.fixture
async def predictions(core):
    """The predictions of a platform with nine of them and three signals."""
    for statement in ROWS.split(";"):
        await core.database.execute(statement)
    return core.service(Predictions)


async def test_predictions_are_listed_newest_first_in_pages(predictions):
    """Several have one timestamp, and none is lost or repeated between pages."""
    seen, cursor = [], None
    while True:
        page = await predictions.latest(limit=2, cursor=cursor)
        seen += page.items
        cursor = page.next_cursor
        if cursor is None:
            break
    assert len({p.id for p in seen}) == len(seen) == 9
    assert [p.timestamp for p in seen] == sorted((p.timestamp for p in seen), reverse=True)


async def test_a_symbols_predictions_are_its_own(predictions):
    """And prices are exact."""
    page = await predictions.latest("AAPL", limit=10)
    assert {p.symbol for p in page.items} == {"AAPL"}
    assert page.items[0].predicted_price == Decimal("102.0000")
    assert (await predictions.latest("ZZZ", limit=10)).items == []


async def test_signals_of_a_symbol_are_listed(predictions):
    """What nobody knows yet has no outcome."""
    first = await predictions.signals("AAPL", limit=2)
    second = await predictions.signals("AAPL", limit=2, cursor=first.next_cursor)
    assert len(first.items) + len(second.items) == 3
    assert {s.outcome for s in first.items} == {None}
    assert second.next_cursor is None


async def test_without_a_database_it_says_so(core):
    """The message names the setting."""
    core._database = None
    with pytest.raises(NoDatabaseError, match="AVA_DATABASE_URL"):
        await core.service(Predictions).latest(limit=1)
