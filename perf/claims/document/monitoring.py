"""The monitoring of document 002, section 8, section 10 and migration 007, as printed there."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import wraps
from typing import Any

UNUSED_INDEXES = """
CREATE OR REPLACE FUNCTION check_unused_indexes()
RETURNS TABLE (
    schema_name TEXT,
    table_name TEXT,
    index_name TEXT,
    index_size TEXT,
    scans BIGINT
) AS $$
BEGIN
    RETURN QUERY
    SELECT
        schemaname::TEXT,
        tablename::TEXT,
        indexname::TEXT,
        pg_size_pretty(pg_relation_size(indexrelid)) as index_size,
        idx_scan as scans
    FROM pg_stat_user_indexes
    WHERE schemaname = 'public'
        AND idx_scan = 0
    ORDER BY pg_relation_size(indexrelid) DESC;
END;
$$ LANGUAGE plpgsql
"""

# pg_stat_user_indexes calls them relname and indexrelname; so corrected, the function runs.
UNUSED_INDEXES_RUNNABLE = UNUSED_INDEXES.replace("tablename::", "relname::").replace(
    "indexname::", "indexrelname::"
)

TABLE_BLOAT = """
CREATE OR REPLACE FUNCTION get_table_bloat()
RETURNS TABLE (
    table_name TEXT,
    bloat_pct NUMERIC,
    bloat_size TEXT,
    recommendation TEXT
) AS $$
BEGIN
    RETURN QUERY
    SELECT
        schemaname || '.' || tablename as table_name,
        ROUND(
            100 * (pg_relation_size(schemaname||'.'||tablename) -
                   pg_relation_size(schemaname||'.'||tablename, 'main'))::NUMERIC /
            NULLIF(pg_relation_size(schemaname||'.'||tablename), 0),
            2
        ) as bloat_pct,
        pg_size_pretty(
            pg_relation_size(schemaname||'.'||tablename) -
            pg_relation_size(schemaname||'.'||tablename, 'main')
        ) as bloat_size,
        CASE
            WHEN ROUND(
                100 * (pg_relation_size(schemaname||'.'||tablename) -
                       pg_relation_size(schemaname||'.'||tablename, 'main'))::NUMERIC /
                NULLIF(pg_relation_size(schemaname||'.'||tablename), 0),
                2
            ) > 20 THEN 'Run VACUUM FULL'
            WHEN ROUND(
                100 * (pg_relation_size(schemaname||'.'||tablename) -
                       pg_relation_size(schemaname||'.'||tablename, 'main'))::NUMERIC /
                NULLIF(pg_relation_size(schemaname||'.'||tablename), 0),
                2
            ) > 10 THEN 'Run VACUUM'
            ELSE 'OK'
        END as recommendation
    FROM pg_tables
    WHERE schemaname = 'public'
    ORDER BY pg_relation_size(schemaname||'.'||tablename) DESC
    LIMIT 20;
END;
$$ LANGUAGE plpgsql
"""

FOREIGN_KEYS_WITHOUT_INDEX = """
SELECT
    tc.table_name,
    kcu.column_name,
    tc.constraint_name
FROM information_schema.table_constraints tc
JOIN information_schema.key_column_usage kcu
    ON tc.constraint_name = kcu.constraint_name
WHERE tc.constraint_type = 'FOREIGN KEY'
    AND tc.table_schema = 'public'
    AND NOT EXISTS (
        SELECT 1 FROM pg_indexes
        WHERE schemaname = 'public'
            AND tablename = tc.table_name
            AND indexdef LIKE '%' || kcu.column_name || '%'
    )
"""

DATE_RANGE_INDEX = """
CREATE INDEX IF NOT EXISTS idx_portfolio_history_date_range
ON portfolio_history(date DESC)
WHERE date >= CURRENT_DATE - INTERVAL '365 days'
"""

PORTFOLIO_HISTORY = """
SELECT date, portfolio_value, day_change, day_change_pct
FROM portfolio_history
WHERE date >= CURRENT_DATE - INTERVAL '%s days'
ORDER BY date ASC
"""

logger = logging.getLogger(__name__)


def track_query_performance(func: Callable[..., Any]) -> Callable[..., Any]:
    """Log slow queries, as 002.10 does it."""

    @wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        start = time.time()
        result = func(*args, **kwargs)
        duration = time.time() - start

        if duration > 1.0:  # Log queries over 1 second
            query = args[0] if args else "unknown"
            logger.warning(f"Slow query detected: {duration:.2f}s - {query[:100]}")  # noqa: G004

        return result

    return wrapper
