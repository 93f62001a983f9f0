-- What the migration runner asks and records. The tables stand in the first schema of the search
-- path, beside the objects they speak of.

-- name: create_migrations
-- Make the ledger of migrations.
CREATE TABLE IF NOT EXISTS schema_migrations (
    version integer PRIMARY KEY CHECK (version > 0),
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now(),
    duration_ms double precision NOT NULL
);

-- name: create_repeatables
-- Make the ledger of views and functions, which are applied again when their file changes.
CREATE TABLE IF NOT EXISTS schema_repeatables (
    kind text NOT NULL CHECK (kind IN ('view', 'function')),
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now(),
    duration_ms double precision NOT NULL,
    PRIMARY KEY (kind, name)
);

-- name: ledger_exists
-- Tell whether a deployment was ever begun here.
SELECT to_regclass('schema_migrations') IS NOT NULL AND to_regclass('schema_repeatables') IS NOT NULL;

-- name: applied_migrations
-- Every migration recorded, in order.
SELECT version, name, checksum, applied_at, duration_ms FROM schema_migrations ORDER BY version;

-- name: record_migration
-- Record a migration as applied.
INSERT INTO schema_migrations (version, name, checksum, duration_ms)
VALUES (%(version)s, %(name)s, %(checksum)s, %(duration_ms)s);

-- name: applied_repeatables
-- Every view and function recorded.
SELECT kind, name, checksum FROM schema_repeatables ORDER BY kind, name;

-- name: record_repeatable
-- Record the text a view or function was made from.
INSERT INTO schema_repeatables (kind, name, checksum, duration_ms)
VALUES (%(kind)s, %(name)s, %(checksum)s, %(duration_ms)s)
ON CONFLICT (kind, name) DO UPDATE
SET checksum = excluded.checksum, applied_at = now(), duration_ms = excluded.duration_ms;

-- name: forget_repeatable
-- Remove the record of a view or function that was dropped.
DELETE FROM schema_repeatables WHERE kind = %(kind)s AND name = %(name)s;

-- name: try_lock
-- Take the lock that lets one deployer at a time in; false at once where another holds it. The
-- blocking form must not be used: a waiting statement holds a snapshot, which CREATE INDEX
-- CONCURRENTLY of the lock's holder would wait for in turn.
SELECT pg_try_advisory_lock(%(key)s);

-- name: unlock
-- Give the lock back.
SELECT pg_advisory_unlock(%(key)s);

-- name: set_locally
-- Change a setting until the end of the transaction.
SELECT set_config(%(name)s, %(value)s, true);

-- name: set_setting
-- Change a setting of the session.
SELECT set_config(%(name)s, %(value)s, false);

-- name: read_setting
-- Read a setting.
SELECT current_setting(%(name)s);

-- name: index_validity
-- Tell whether the index of that name on that table is valid; no row where there is none.
SELECT i.indisvalid, n.nspname
FROM pg_index AS i
INNER JOIN pg_class AS c ON c.oid = i.indexrelid
INNER JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE i.indrelid = to_regclass(%(table)s) AND c.relname = %(index)s;

-- name: existing_objects
-- The views and functions of the first schema: kind, name, identity.
SELECT 'view', c.relname, c.oid
FROM pg_class AS c
WHERE c.relkind = 'v' AND c.relnamespace = current_schema()::regnamespace
UNION ALL
SELECT 'function', p.proname, p.oid
FROM pg_proc AS p
WHERE p.pronamespace = current_schema()::regnamespace;

-- name: dependents
-- A view or function, and the views and functions of the first schema that hang on it, in the order
-- they can be dropped: kind, name and the statement that drops it.
WITH RECURSIVE tree (class_id, object_id, depth) AS (
    SELECT o.classid::oid, o.objid::oid, 0
    FROM (
        SELECT
            CASE %(kind)s WHEN 'view' THEN 'pg_class'::regclass ELSE 'pg_proc'::regclass END,
            %(identity)s::oid
    ) AS o (classid, objid)
    UNION ALL
    SELECT
        CASE WHEN r.oid IS NULL THEN d.classid ELSE 'pg_class'::regclass::oid END,
        coalesce(r.ev_class, d.objid),
        t.depth + 1
    FROM tree AS t
    INNER JOIN pg_depend AS d ON d.refclassid = t.class_id AND d.refobjid = t.object_id
    -- A view hangs on what its rule mentions; its rule and its row type hang on the view.
    LEFT JOIN pg_rewrite AS r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
    WHERE d.classid IN ('pg_rewrite'::regclass, 'pg_proc'::regclass, 'pg_type'::regclass)
        AND coalesce(r.ev_class, d.objid) <> t.object_id
        AND t.depth < 100
),
deepest AS (
    SELECT class_id, object_id, max(depth) AS depth FROM tree GROUP BY class_id, object_id
)
SELECT
    CASE WHEN c.oid IS NULL THEN 'function' ELSE 'view' END,
    coalesce(c.relname, p.proname),
    CASE
        WHEN c.oid IS NULL THEN format('DROP FUNCTION %%s', p.oid::regprocedure)
        ELSE format('DROP VIEW %%s', c.oid::regclass)
    END
FROM deepest AS t
LEFT JOIN pg_class AS c
    ON t.class_id = 'pg_class'::regclass AND c.oid = t.object_id AND c.relkind = 'v'
LEFT JOIN pg_proc AS p ON t.class_id = 'pg_proc'::regclass AND p.oid = t.object_id
WHERE coalesce(c.relnamespace, p.pronamespace) = current_schema()::regnamespace
ORDER BY t.depth DESC;
