-- What to do and look at every month. Findings as in daily.sql.

-- name: all_tables
-- Every table and materialised view that VACUUM can work on: schema, table.
SELECT n.nspname, c.relname
FROM pg_class AS c
INNER JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'm')
    AND n.nspname NOT IN ('pg_catalog', 'information_schema')
    AND n.nspname NOT LIKE 'pg\_toast%%'
    AND n.nspname NOT LIKE 'pg\_temp\_%%'
ORDER BY n.nspname, c.relname
LIMIT 10000;

-- name: unused_indexes
-- Indexes that only cost writes.
SELECT
    'warning' AS severity,
    format('%%I.%%I', schema_name, index_name) AS object,
    format('%%s, no scans since %%s', pg_size_pretty(index_bytes), stats_since::timestamptz(0))
        AS figure,
    format(
        'if no replica uses it either: DROP INDEX CONCURRENTLY %%I.%%I', schema_name, index_name
    ) AS advice
FROM unused_indexes(make_interval(days => %(min_days)s), 50);

-- name: table_bloat
-- Tables whose figure supports advice, or whose bloat is unknown.
SELECT
    CASE WHEN bloat_bytes IS NULL THEN 'unknown' ELSE 'warning' END AS severity,
    format('%%I.%%I', schema_name, table_name) AS object,
    format(
        '%%s %%%% of %%s (%%s)',
        coalesce(round(bloat_pct::numeric)::text, 'unknown'), pg_size_pretty(table_bytes), method
    ) AS figure,
    recommendation AS advice
FROM table_bloat(50)
WHERE recommendation NOT LIKE 'none%%';

-- name: index_bloat
-- Indexes worth rebuilding; where nothing can count them, one line says so.
SELECT
    CASE WHEN method = 'unknown' THEN 'unknown' ELSE 'warning' END AS severity,
    CASE WHEN method = 'unknown' THEN 'indexes' ELSE format('%%I.%%I', schema_name, index_name) END
        AS object,
    CASE
        WHEN method = 'unknown' THEN 'unknown'
        ELSE format('%%s %%%% of %%s', round(bloat_pct::numeric), pg_size_pretty(index_bytes))
    END AS figure,
    recommendation AS advice
FROM index_bloat(50)
WHERE recommendation NOT LIKE 'none%%'
GROUP BY 1, 2, 3, 4;

-- name: foreign_keys
-- Foreign keys that no index serves.
SELECT
    'warning' AS severity,
    format('%%I.%%I %%s', schema_name, table_name, constraint_name) AS object,
    format('on a table of %%s', pg_size_pretty(table_bytes)) AS figure,
    advice
FROM foreign_keys_without_index(50);
