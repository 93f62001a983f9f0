-- Statements of this database whose mean time is over a threshold, slowest first.
-- Needs pg_stat_statements when it is called, not when it is created. One statement run by several
-- users is one row. The text is cut at 1,000 characters; constants are already $1, $2, ...

CREATE OR REPLACE FUNCTION slow_queries(
    threshold_ms double precision DEFAULT 1000,
    max_rows integer DEFAULT 20
)
RETURNS TABLE (
    query_id bigint,
    query_text text,
    calls bigint,
    total_ms double precision,
    mean_ms double precision,
    max_ms double precision,
    rows_returned bigint
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    home name;
BEGIN
    SELECT n.nspname INTO home
    FROM pg_extension AS e
    INNER JOIN pg_namespace AS n ON n.oid = e.extnamespace
    WHERE e.extname = 'pg_stat_statements';
    IF home IS NULL THEN
        RAISE EXCEPTION 'slow_queries needs the extension pg_stat_statements, which is not installed'
        USING ERRCODE = 'object_not_in_prerequisite_state',
        HINT = 'Add pg_stat_statements to shared_preload_libraries, restart the server, '
            'then run CREATE EXTENSION pg_stat_statements in this database.';
    END IF;
    RETURN QUERY EXECUTE format(
        $query$
        SELECT
            s.queryid,
            left(min(s.query), 1000),
            sum(s.calls)::bigint,
            sum(s.total_exec_time),
            sum(s.total_exec_time) / sum(s.calls),
            max(s.max_exec_time),
            sum(s.rows)::bigint
        FROM %I.pg_stat_statements AS s
        WHERE s.dbid = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
            AND s.calls > 0
        GROUP BY s.queryid
        HAVING sum(s.total_exec_time) / sum(s.calls) >= $1
        ORDER BY 5 DESC
        LIMIT least(greatest($2, 0), 1000)
        $query$,
        home
    ) USING threshold_ms, max_rows;
END;
$function$;
