-- How much of each btree index a REINDEX would give back, largest first.
-- Counted by pgstatindex, which reads the whole index; without that extension the figures are NULL,
-- unknown: since btrees store duplicates once (PostgreSQL 13), no estimate from statistics is right.

CREATE OR REPLACE FUNCTION index_bloat(max_rows integer DEFAULT 20)
RETURNS TABLE (
    schema_name text,
    table_name text,
    index_name text,
    method text,
    index_bytes bigint,
    bloat_bytes bigint,
    bloat_pct double precision,
    recommendation text
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    block_bytes CONSTANT integer := current_setting('block_size')::integer;
    counter text;
    candidate record;
    leaf_pages bigint;
    idle_pages bigint;
    density double precision;
BEGIN
    SELECT format('%I.pgstatindex(regclass)', n.nspname) INTO counter
    FROM pg_extension AS e
    INNER JOIN pg_namespace AS n ON n.oid = e.extnamespace
    WHERE e.extname = 'pgstattuple';
    IF NOT has_function_privilege(counter, 'EXECUTE') THEN
        counter := NULL;
    END IF;
    counter := replace(counter, '(regclass)', '');
    method := CASE WHEN counter IS NULL THEN 'unknown' ELSE 'pgstatindex' END;

    FOR candidate IN
        SELECT
            c.oid,
            n.nspname,
            t.relname AS tablename,
            c.relname AS indexname,
            pg_relation_size(c.oid) AS bytes,
            coalesce(
                (
                    SELECT o.option_value::integer
                    FROM pg_options_to_table(c.reloptions) AS o
                    WHERE o.option_name = 'fillfactor'
                ),
                90
            ) AS fillfactor
        FROM pg_index AS i
        INNER JOIN pg_class AS c ON c.oid = i.indexrelid
        INNER JOIN pg_class AS t ON t.oid = i.indrelid
        INNER JOIN pg_namespace AS n ON n.oid = c.relnamespace
        INNER JOIN pg_am AS am ON am.oid = c.relam AND am.amname = 'btree'
        WHERE c.relkind = 'i'
            AND i.indisvalid
            AND n.nspname NOT IN ('pg_catalog', 'information_schema')
            AND n.nspname NOT LIKE 'pg\_toast%'
            AND n.nspname NOT LIKE 'pg\_temp\_%'
        ORDER BY pg_relation_size(c.oid) DESC, n.nspname, c.relname
        LIMIT least(greatest(max_rows, 0), 1000)
    LOOP
        schema_name := candidate.nspname;
        table_name := candidate.tablename;
        index_name := candidate.indexname;
        index_bytes := candidate.bytes;
        bloat_bytes := NULL;
        IF counter IS NOT NULL THEN
            EXECUTE format(
                'SELECT s.leaf_pages, s.empty_pages + s.deleted_pages, s.avg_leaf_density FROM %s($1) AS s',
                counter
            )
            INTO leaf_pages, idle_pages, density
            USING candidate.oid::regclass;
            -- The last leaf is as empty as chance has it: one page is never counted as bloat.
            bloat_bytes := block_bytes * (
                idle_pages
                + CASE
                    WHEN leaf_pages > 0 AND density < candidate.fillfactor
                        THEN floor((leaf_pages - 1) * (1 - density / candidate.fillfactor))
                    ELSE 0
                END
            );
        END IF;
        bloat_pct := CASE WHEN index_bytes = 0 THEN 0 ELSE 100.0 * bloat_bytes / index_bytes END;
        recommendation := CASE
            WHEN bloat_bytes IS NULL THEN 'unknown: install pgstattuple to count it'
            WHEN index_bytes < 1048576 THEN 'none: too small to matter'
            -- Random inserts alone leave pages about two thirds full.
            WHEN bloat_pct >= 50 THEN format(
                'REINDEX INDEX CONCURRENTLY %I.%I', candidate.nspname, candidate.indexname
            )
            ELSE 'none'
        END;
        RETURN NEXT;
    END LOOP;
END;
$function$;
