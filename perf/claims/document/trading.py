"""The trading loop and the skipping of documents 003 and 004, as printed there.

PERF-001's loop asks, predicts and stores symbol by symbol, each insert a transaction of its own; it
is shown without its `time.sleep(update_interval)`, which is a pause and no work. Its predictor is
PERF-006's: the last ten prices in a list, and the global random state of PERF-007. What the
document only names (`data_source`, `predictor`) is as small as it can be.
"""

from __future__ import annotations

import random
import sqlite3
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from statistics import fmean

LENGTH = 10  # prices that PERF-006 keeps
THRESHOLD = 0.005  # 003.2

Price = Callable[[str], float]


class MockPredictor:
    """004's mock_predictor: a list a symbol, its first entry popped."""

    def __init__(self) -> None:
        self.last_prices: dict[str, list[float]] = {}

    def predict(self, symbol: str, current_price: float) -> tuple[float, float]:
        """Return the predicted price and a confidence."""
        append_to_list(self.last_prices.setdefault(symbol, []), current_price)
        held = self.last_prices[symbol]
        momentum = current_price / fmean(held) - 1
        noise = random.gauss(0, 0.001)
        return current_price * (1 + momentum + noise), random.uniform(0.5, 0.95)  # noqa: S311


def append_to_list(held: list[float], price: float) -> None:
    """PERF-006, before."""
    held.append(price)
    if len(held) > LENGTH:
        held.pop(0)


def append_to_deque(held: deque[float], price: float) -> None:
    """PERF-006, after: the deque has a maxlen."""
    held.append(price)


def open_local(path: str) -> sqlite3.Connection:
    """Open the document's local database: in WAL (WIN-003), everything else as SQLite has it."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.executescript(
        """
        CREATE TABLE IF NOT EXISTS market_data (
            id INTEGER PRIMARY KEY AUTOINCREMENT, symbol TEXT, timestamp TEXT, open REAL,
            high REAL, low REAL, close REAL, volume INTEGER
        );
        CREATE INDEX IF NOT EXISTS idx_md ON market_data (symbol, timestamp);
        CREATE TABLE IF NOT EXISTS predictions (
            id INTEGER PRIMARY KEY AUTOINCREMENT, symbol TEXT, timestamp TEXT,
            predicted_price REAL, confidence REAL
        );
        CREATE INDEX IF NOT EXISTS idx_p ON predictions (symbol, timestamp);
        """
    )
    return connection


class SequentialLoop:
    """PERF-001, before. `timed` is called with a component's name before each of its parts."""

    def __init__(
        self,
        symbols: Sequence[str],
        price: Price,
        connection: sqlite3.Connection,
        timed: Callable[[str], None] = lambda _component: None,
    ) -> None:
        self._symbols, self._price, self._db = symbols, price, connection
        self._timed = timed
        self._predictor = MockPredictor()

    def iterate(self) -> int:
        """Do one iteration; return how many symbols were stored."""
        self._timed("fetch")
        market_data = {symbol: self._price(symbol) for symbol in self._symbols}
        for symbol, price in market_data.items():
            self._timed("predict")
            predicted, confidence = self._predictor.predict(symbol, price)
            self._timed("store")
            now = datetime.now(UTC).isoformat()
            self._insert_market_data(symbol, now, price)
            self._insert_prediction(symbol, now, predicted, confidence)
        self._timed("")
        return len(market_data)

    def _insert_market_data(self, symbol: str, now: str, price: float) -> None:
        self._db.execute(
            "INSERT INTO market_data (symbol, timestamp, open, high, low, close, volume)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (symbol, now, price, price, price, price, 0),
        )
        self._db.commit()

    def _insert_prediction(self, symbol: str, now: str, price: float, confidence: float) -> None:
        self._db.execute(
            "INSERT INTO predictions (symbol, timestamp, predicted_price, confidence)"
            " VALUES (?, ?, ?, ?)",
            (symbol, now, price, confidence),
        )
        self._db.commit()


class LastSeen:
    """003.2's comparison: "track last price", whatever became of it."""

    def __init__(self) -> None:
        self._last_prices: dict[str, float] = {}

    def is_unchanged(self, symbol: str, current_price: float) -> bool:
        """Say whether the document skips the symbol."""
        last_price = self._last_prices.get(symbol)
        self._last_prices[symbol] = current_price
        if last_price is None:
            return False
        return abs(current_price - last_price) / last_price < THRESHOLD
