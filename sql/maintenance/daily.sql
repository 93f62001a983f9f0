-- What to look at every day. Each statement returns findings: severity, object, figure, advice.
-- A check that finds nothing wrong still says its figure, as info.

-- name: slow_queries
-- Statements with a mean time over the threshold; needs pg_stat_statements.
SELECT
    'warning' AS severity,
    query_text AS object,
    format('%%s ms mean, %%s ms at most, %%s calls', round(mean_ms), round(max_ms), calls) AS figure,
    'look at its plan with EXPLAIN (ANALYZE, BUFFERS)' AS advice
FROM slow_queries(%(threshold_ms)s, 20);

-- name: connection_saturation
-- Connections in use against those an ordinary user may have, on the whole server.
SELECT
    CASE
        WHEN used.share >= 95 THEN 'critical'
        WHEN used.share >= 80 THEN 'warning'
        ELSE 'info'
    END AS severity,
    'server' AS object,
    format(
        '%%s of %%s connections (%%s %%%%), %%s of them active',
        used.sessions, most.allowed, round(used.share), used.active
    ) AS figure,
    CASE
        WHEN used.share >= 80 THEN 'lower the pools'' sizes or put a pooler in front'
        ELSE ''
    END AS advice
FROM (
    SELECT
        current_setting('max_connections')::integer
        - current_setting('superuser_reserved_connections')::integer AS allowed
) AS most
CROSS JOIN LATERAL (
    SELECT
        count(*) AS sessions,
        count(*) FILTER (WHERE a.state = 'active') AS active,
        100.0 * count(*) / most.allowed AS share
    FROM pg_stat_activity AS a
    WHERE a.backend_type = 'client backend'
) AS used;

-- name: database_errors
-- Deadlocks, conflicts with recovery, rollbacks, damaged pages and sessions that ended badly, since
-- the counters were reset: a day's share of them where they are older than a day.
SELECT
    CASE
        WHEN e.amount > 0 AND e.kind = 'damaged pages' THEN 'critical'
        WHEN e.amount / e.days >= e.allowed THEN 'warning'
        ELSE 'info'
    END AS severity,
    e.kind AS object,
    format('%%s a day (%%s since %%s)', round(e.amount / e.days, 1), e.amount, e.since) AS figure,
    CASE WHEN e.amount / e.days >= e.allowed THEN e.advice ELSE '' END AS advice
FROM (
    SELECT
        v.kind,
        v.amount::numeric AS amount,
        v.allowed,
        v.advice,
        w.since::timestamptz(0) AS since,
        greatest(1, extract(epoch FROM now() - w.since) / 86400) AS days
    FROM pg_stat_database AS d
    CROSS JOIN pg_stat_bgwriter AS b
    CROSS JOIN LATERAL (SELECT greatest(d.stats_reset, b.stats_reset) AS since) AS w
    CROSS JOIN LATERAL (
        VALUES
        ('deadlocks', d.deadlocks, 1, 'take locks in one order; log_lock_waits shows who'),
        ('conflicts with recovery', d.conflicts, 1, 'look at max_standby_streaming_delay'),
        ('damaged pages', coalesce(d.checksum_failures, 0), 1, 'restore from a backup, check the disk'),
        ('sessions ended by errors', d.sessions_fatal, 10, 'read the server''s log')
    ) AS v (kind, amount, allowed, advice)
    WHERE d.datname = current_database()
) AS e;

-- name: rollbacks
-- The share of transactions that were rolled back; little is said of fewer than 1,000.
SELECT
    CASE WHEN r.share >= 10 AND r.transactions >= 1000 THEN 'warning' ELSE 'info' END AS severity,
    'transactions' AS object,
    format('%%s %%%% of %%s rolled back', round(r.share, 1), r.transactions) AS figure,
    CASE
        WHEN r.share >= 10 AND r.transactions >= 1000
            THEN 'look for failing statements in the server''s log'
        ELSE ''
    END AS advice
FROM (
    SELECT
        d.xact_commit + d.xact_rollback AS transactions,
        100.0 * d.xact_rollback / greatest(1, d.xact_commit + d.xact_rollback) AS share
    FROM pg_stat_database AS d
    WHERE d.datname = current_database()
) AS r;

-- name: long_transactions
-- Transactions older than the limit, prepared ones among them: they keep dead rows and locks.
SELECT
    CASE WHEN t.age_s >= 10 * %(limit_s)s THEN 'critical' ELSE 'warning' END AS severity,
    t.object,
    format('%%s s', round(t.age_s)) AS figure,
    t.advice
FROM (
    SELECT
        format('pid %%s %%s %%s', a.pid, a.application_name, a.state) AS object,
        extract(epoch FROM clock_timestamp() - a.xact_start) AS age_s,
        format('end it: SELECT pg_terminate_backend(%%s)', a.pid) AS advice
    FROM pg_stat_activity AS a
    WHERE a.datname = current_database() AND a.pid <> pg_backend_pid()
        AND a.backend_type = 'client backend'
    UNION ALL
    SELECT
        format('prepared transaction %%s', p.gid),
        extract(epoch FROM clock_timestamp() - p.prepared),
        'COMMIT PREPARED or ROLLBACK PREPARED it'
    FROM pg_prepared_xacts AS p
    WHERE p.database = current_database()
) AS t
WHERE t.age_s >= %(limit_s)s
ORDER BY t.age_s DESC
LIMIT 20;
