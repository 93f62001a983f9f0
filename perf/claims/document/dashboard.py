"""The dashboard as document 001.2 finds it: four blocking queries, one after the other, in async.

The document prints the activity query, the alerts query and the shape of the method that blocks
(002.6); the curve's query is the one of its own tests, and the balance's that of 002.4. Its desk
has one account, so its statements name none; here there are many, and the three that belong to an
account name it, in both ways that are compared. A tie of two rows is broken by id, as it must be
for two ways to be compared at all.

The document does not print its pool. `autocommit` is the kindest reading: a query is one round
trip. Otherwise it is what psycopg does unless it is told not to, in both its generations: the first
statement on a connection begins a transaction by a round trip of its own, and a pool that takes the
connection back ends it by another.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import dict_row

BALANCE = """
SELECT portfolio_value, cash, total_equity, date
FROM portfolio_balances
WHERE account_id = %s
ORDER BY date DESC
LIMIT 1
"""

ACTIVITY = """
SELECT symbol, action, quantity, price,
       total_value, executed_at, order_type
FROM trade_history
WHERE account_id = %s
ORDER BY executed_at DESC, id DESC
LIMIT %s
"""

HISTORY = """
SELECT date, portfolio_value, day_change, day_change_pct
FROM portfolio_history
WHERE account_id = %s AND date >= CURRENT_DATE - INTERVAL '30 days'
ORDER BY date ASC
"""

ALERTS = """
SELECT id, alert_type, symbol, message,
       priority, created_at, is_read
FROM alerts
WHERE is_dismissed = FALSE
ORDER BY priority DESC, created_at DESC, id DESC
LIMIT %s
"""

Rows = list[dict[str, Any]]


class Pool:
    """A pool as its caller sees it, with the one connection that sequential queries take."""

    def __init__(self, dsn: str, *, autocommit: bool) -> None:
        self._conn = psycopg.connect(dsn, autocommit=autocommit, row_factory=dict_row)

    def close(self) -> None:
        """Close the connection."""
        self._conn.close()

    @contextmanager
    def get_connection(self) -> Iterator[psycopg.Connection[dict[str, Any]]]:
        """Lend the connection; a transaction that it comes back with is ended."""
        try:
            yield self._conn
        finally:
            if self._conn.info.transaction_status is not TransactionStatus.IDLE:
                self._conn.rollback()


class DashboardService:
    """`backend/services/dashboard_service.py` before it was optimised."""

    def __init__(self, db_pool: Pool, account_id: int) -> None:
        self._pool = db_pool
        self._account_id = account_id

    async def get_dashboard_stats(self) -> dict[str, Rows]:
        """Return everything; the event loop stands still meanwhile."""
        portfolio = self.get_portfolio_summary()
        activity = self.get_recent_activity(10)
        performance = self.get_performance_history()
        alerts = self.get_alerts(20)
        return {
            "portfolio": portfolio,
            "recent_activity": activity,
            "performance": performance,
            "alerts": alerts,
        }

    def get_portfolio_summary(self) -> Rows:
        """Return the last balance."""
        return self._rows(BALANCE, (self._account_id,))

    def get_recent_activity(self, limit: int = 10) -> Rows:
        """Return recent trades."""
        return self._rows(ACTIVITY, (self._account_id, limit))

    def get_performance_history(self) -> Rows:
        """Return the curve of thirty days."""
        return self._rows(HISTORY, (self._account_id,))

    def get_alerts(self, limit: int = 20) -> Rows:
        """Return active alerts."""
        return self._rows(ALERTS, (limit,))

    def _rows(self, statement: str, params: tuple[Any, ...]) -> Rows:
        with self._pool.get_connection() as conn, conn.cursor() as cur:  # BLOCKING!
            cur.execute(statement.encode(), params)
            return [dict(row) for row in cur.fetchall()]
