"""The tables that are written in batches, with the columns a writer gives.

What the database fills in by itself (ids, creation times, flags) is left out. A test holds the
types against the schema.
"""

from __future__ import annotations

from ava.db.batch_sql import BatchTable

WATCHLIST_ITEMS = BatchTable(
    "watchlist_items",
    {"watchlist_id": "bigint", "symbol": "text", "notes": "text"},
    key=("watchlist_id", "symbol"),
)
ALERTS = BatchTable(
    "alerts",
    {"alert_type": "text", "symbol": "text", "message": "text", "priority": "smallint"},
)
PREDICTIONS = BatchTable(
    "predictions",
    {
        "symbol": "text",
        "timestamp": "timestamptz",
        "model": "text",
        "direction": "text",
        "predicted_price": "numeric(14, 4)",
        "confidence": "double precision",
    },
)
VOLATILITY_HISTORY = BatchTable(
    "volatility_history",
    {"symbol": "text", "day": "date", "volatility": "double precision"},
    key=("symbol", "day"),
)
MARKET_DATA = BatchTable(
    "market_data",
    {
        "symbol": "text",
        "timestamp": "timestamptz",
        "open": "numeric(14, 4)",
        "high": "numeric(14, 4)",
        "low": "numeric(14, 4)",
        "close": "numeric(14, 4)",
        "volume": "bigint",
        "source": "text",
    },
    key=("symbol", "timestamp"),
)
