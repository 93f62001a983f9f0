-- Indexes nothing has read for as long as can be told, largest first.
-- Never listed, because a scan count says nothing of their worth: primary keys, unique and exclusion
-- constraints, unique indexes, the replica identity, indexes that serve a foreign key, and the parts
-- of a partitioned index. Invalid indexes are another fault.
--
-- PostgreSQL does not record when an index was made, and an index of yesterday has no scans either.
-- So an index is listed only when it is known to have existed for min_age: by its commit time where
-- track_commit_timestamp is on, else because a migration recorded that long ago has a later
-- transaction number. The counters must be as old: stats_since is the latest of the resets known.
-- min_age => '0' lists whatever was not scanned. Counters are of this server: ask each replica too.

CREATE OR REPLACE FUNCTION unused_indexes(
    min_age interval DEFAULT '7 days',
    max_rows integer DEFAULT 100
)
RETURNS TABLE (
    schema_name text,
    table_name text,
    index_name text,
    index_bytes bigint,
    scans bigint,
    stats_since timestamptz,
    known_since timestamptz,
    definition text
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    ledger regclass;
    -- Number and time of past transactions: an index older in number is older in time.
    marks_xid xid[] := '{}';
    marks_at timestamptz[] := '{}';
    counted_since timestamptz;
    tracked boolean := current_setting('track_commit_timestamp')::boolean;
BEGIN
    -- The database's own reset is NULL until somebody resets it; a crash, which discards all
    -- counters, shows only in the server's reset time.
    SELECT greatest(d.stats_reset, b.stats_reset) INTO counted_since
    FROM pg_stat_database AS d
    CROSS JOIN pg_stat_bgwriter AS b
    WHERE d.datname = current_database();

    SELECT c.oid INTO ledger
    FROM pg_class AS c
    INNER JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = 'applied_at'
    WHERE c.relname = 'schema_migrations'
        AND c.relkind = 'r'
        AND a.atttypid = 'timestamptz'::regtype
        AND has_table_privilege(c.oid, 'SELECT')
    ORDER BY c.relnamespace = 'public'::regnamespace DESC
    LIMIT 1;
    IF ledger IS NOT NULL THEN
        EXECUTE format('SELECT array_agg(m.xmin), array_agg(m.applied_at) FROM %s AS m', ledger)
        INTO marks_xid, marks_at;
    END IF;

    RETURN QUERY
    SELECT
        n.nspname::text,
        t.relname::text,
        c.relname::text,
        pg_relation_size(c.oid),
        s.idx_scan,
        counted_since,
        known.since,
        pg_get_indexdef(c.oid)
    FROM pg_stat_user_indexes AS s
    INNER JOIN pg_index AS i ON i.indexrelid = s.indexrelid
    INNER JOIN pg_class AS c ON c.oid = s.indexrelid
    INNER JOIN pg_class AS t ON t.oid = s.relid
    INNER JOIN pg_namespace AS n ON n.oid = c.relnamespace
    CROSS JOIN LATERAL (
        SELECT least(
            CASE WHEN tracked THEN pg_xact_commit_timestamp(c.xmin) END,
            (
                SELECT min(m.applied_at)
                FROM unnest(marks_xid, marks_at) AS m (number, applied_at)
                WHERE age(m.number) < age(c.xmin)
            )
        ) AS since
    ) AS known
    WHERE s.idx_scan = 0
        AND i.indisvalid
        -- Primary keys, unique constraints and replica identities are unique indexes all.
        AND NOT i.indisunique
        AND NOT i.indisexclusion
        AND NOT c.relispartition
        AND NOT EXISTS (
            SELECT FROM pg_constraint AS k
            WHERE k.contype = 'f'
                AND k.conrelid = i.indrelid
                AND i.indpred IS NULL
                AND i.indnkeyatts >= cardinality(k.conkey)
                AND (i.indkey::smallint[])[0:cardinality(k.conkey) - 1] @> k.conkey
        )
        AND (
            min_age <= interval '0'
            OR (counted_since <= now() - min_age AND known.since <= now() - min_age)
        )
    ORDER BY pg_relation_size(c.oid) DESC, 1, 2, 3
    LIMIT least(greatest(max_rows, 0), 10000);
END;
$function$;
