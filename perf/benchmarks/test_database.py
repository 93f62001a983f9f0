"""What the database layer adds to a statement: cursors, array columns, timing, local writes."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from ava.db.columns import gather
from ava.db.local import BlockingLocalStore
from ava.db.local_rows import Bar
from ava.db.page_cursor import decode, encode
from ava.db.query import named
from ava.db.tables import MARKET_DATA
from ava.db.timing import QueryTimer

_START = datetime(2026, 1, 2, 14, 30, tzinfo=UTC)
_PRICE = Decimal("101.25")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[BlockingLocalStore]:
    """Open a local store on disk."""
    with BlockingLocalStore.open(tmp_path / "bench.db") as opened:
        yield opened


def test_page_cursor_round_trip(benchmark: Any) -> None:
    """A cursor made and read again."""
    benchmark(lambda: decode(encode("trade_history", (_START, 12345)), "trade_history"))


def test_gather_a_thousand_bars(benchmark: Any) -> None:
    """Rows turned into checked columns."""
    prices = dict.fromkeys(("open", "high", "low", "close"), _PRICE)
    rows = [
        {"symbol": "AAA", "timestamp": _START, **prices, "volume": i, "source": "bench"}
        for i in range(1000)
    ]
    columns = tuple(MARKET_DATA.columns.values())

    def write() -> None:
        given = gather(columns, rows)
        for column in columns:
            column.checked(given[column.name])

    benchmark(write)


def test_timer_record(benchmark: Any) -> None:
    """One statement counted in its histogram."""
    timer, query = QueryTimer(), named("recent_activity")
    benchmark(timer.record, query, 0.0012, 10)


def test_local_insert(benchmark: Any, store: BlockingLocalStore) -> None:
    """One bar written to SQLite and committed."""
    numbers = count()

    def insert() -> None:
        moment = _START + timedelta(seconds=next(numbers))
        store.insert_market_data(Bar("AAA", moment, _PRICE, _PRICE, _PRICE, _PRICE, 1, "bench"))

    benchmark(insert)
