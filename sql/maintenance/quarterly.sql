-- Capacity: what the review of a quarter adds. Findings as in daily.sql.

-- name: database_size
-- The database and its largest tables with their growth, as the counters of inserts and deletes
-- tell it; unknown where they are younger than a day.
WITH days AS (
    SELECT extract(epoch FROM now() - greatest(d.stats_reset, b.stats_reset)) / 86400 AS counted
    FROM pg_stat_database AS d
    CROSS JOIN pg_stat_bgwriter AS b
    WHERE d.datname = current_database()
)
SELECT
    'info' AS severity,
    current_database()::text AS object,
    pg_size_pretty(pg_database_size(current_database())) AS figure,
    '' AS advice
UNION ALL
(
    SELECT
        'info',
        format('%%I.%%I', s.schemaname, s.relname),
        format(
            '%%s, %%s rows, growth %%s',
            pg_size_pretty(pg_total_relation_size(s.relid)),
            s.n_live_tup,
            CASE
                WHEN days.counted < 1 OR s.n_live_tup = 0 THEN 'unknown'
                ELSE pg_size_pretty((
                    (s.n_tup_ins - s.n_tup_del) / days.counted
                    * pg_total_relation_size(s.relid) / s.n_live_tup
                )::numeric) || ' a day'
            END
        ),
        ''
    FROM pg_stat_user_tables AS s
    CROSS JOIN days
    ORDER BY pg_total_relation_size(s.relid) DESC, s.schemaname, s.relname
    LIMIT 20
);

-- name: memory_settings
-- The server's memory, and what did not fit into it.
SELECT
    CASE WHEN spilled.a_day >= 1024.0 * 1024 * 1024 THEN 'warning' ELSE 'info' END AS severity,
    'memory' AS object,
    format(
        'shared_buffers %%s, work_mem %%s for each sort of %%s connections, maintenance_work_mem %%s; '
        '%%s a day spilled to temporary files',
        current_setting('shared_buffers'),
        current_setting('work_mem'),
        current_setting('max_connections'),
        current_setting('maintenance_work_mem'),
        pg_size_pretty(round(spilled.a_day))
    ) AS figure,
    CASE
        WHEN spilled.a_day >= 1024.0 * 1024 * 1024
            THEN 'raise work_mem for the sessions that sort much (log_temp_files names them)'
        ELSE ''
    END AS advice
FROM (
    SELECT
        d.temp_bytes
        / greatest(1, extract(epoch FROM now() - greatest(d.stats_reset, b.stats_reset)) / 86400)
            AS a_day
    FROM pg_stat_database AS d
    CROSS JOIN pg_stat_bgwriter AS b
    WHERE d.datname = current_database()
) AS spilled;

-- name: transaction_age
-- How much of the transaction numbers, and of the multixact ones, is used up before a freeze.
SELECT
    CASE WHEN a.share >= 50 THEN 'critical' WHEN a.share >= 25 THEN 'warning' ELSE 'info' END
        AS severity,
    a.kind AS object,
    format('%%s of 2147483648 (%%s %%%%)', a.age, round(a.share, 1)) AS figure,
    CASE
        WHEN a.share >= 25 THEN 'find what holds VACUUM back (old transactions, slots), then VACUUM'
        ELSE ''
    END AS advice
FROM (
    SELECT v.kind, v.age, 100.0 * v.age / 2147483648 AS share
    FROM pg_database AS d
    CROSS JOIN LATERAL (
        VALUES
        ('transaction numbers', age(d.datfrozenxid)),
        ('multixact numbers', mxid_age(d.datminmxid))
    ) AS v (kind, age)
    WHERE d.datname = current_database()
) AS a;

-- name: changed_statistics
-- Tables whose statistics are old after all that was done: never analysed, or mostly rewritten.
SELECT
    'warning' AS severity,
    format('%%I.%%I', s.schemaname, s.relname) AS object,
    format('%%s rows changed of %%s', s.n_mod_since_analyze, s.n_live_tup) AS figure,
    'run ANALYZE on it, and look at its autovacuum_analyze_scale_factor' AS advice
FROM pg_stat_user_tables AS s
WHERE s.n_mod_since_analyze > 0.2 * greatest(s.n_live_tup, 1000)
ORDER BY s.n_mod_since_analyze DESC
LIMIT 50;
