-- What to do and look at every week. Findings as in daily.sql.

-- name: active_tables
-- Tables with rows changed since their last ANALYZE, most changed first: schema, table, changes.
SELECT s.schemaname, s.relname, s.n_mod_since_analyze
FROM pg_stat_user_tables AS s
WHERE s.n_mod_since_analyze > 0
ORDER BY s.n_mod_since_analyze DESC, s.schemaname, s.relname
LIMIT 1000;

-- name: index_usage
-- Large tables that are mostly read from end to end.
SELECT
    'warning' AS severity,
    format('%%I.%%I', s.schemaname, s.relname) AS object,
    format(
        '%%s sequential scans of about %%s rows, %%s index scans',
        s.seq_scan, s.n_live_tup, coalesce(s.idx_scan, 0)
    ) AS figure,
    'find the statement in slow_queries and index what it filters by' AS advice
FROM pg_stat_user_tables AS s
WHERE s.n_live_tup >= 10000 AND s.seq_scan >= 50 AND s.seq_scan > coalesce(s.idx_scan, 0)
ORDER BY s.seq_tup_read DESC
LIMIT 20;

-- name: cache_hit
-- The share of page reads that shared_buffers answered; little is said of fewer than 10,000.
SELECT
    CASE WHEN c.share < 90 AND c.reads >= 10000 THEN 'warning' ELSE 'info' END AS severity,
    c.kind AS object,
    CASE
        WHEN c.reads = 0 THEN 'no reads yet'
        ELSE format('%%s %%%% of %%s page reads', round(c.share, 1), c.reads)
    END AS figure,
    CASE
        WHEN c.share < 90 AND c.reads >= 10000
            THEN 'raise shared_buffers, or index so that fewer pages are read'
        ELSE ''
    END AS advice
FROM (
    SELECT v.kind, v.hits + v.misses AS reads, 100.0 * v.hits / nullif(v.hits + v.misses, 0) AS share
    FROM (
        SELECT
            coalesce(sum(s.heap_blks_hit), 0) AS table_hits,
            coalesce(sum(s.heap_blks_read), 0) AS table_misses,
            coalesce(sum(s.idx_blks_hit), 0) AS index_hits,
            coalesce(sum(s.idx_blks_read), 0) AS index_misses
        FROM pg_statio_user_tables AS s
    ) AS t
    CROSS JOIN LATERAL (
        VALUES
        ('tables', t.table_hits, t.table_misses),
        ('indexes', t.index_hits, t.index_misses)
    ) AS v (kind, hits, misses)
) AS c;
