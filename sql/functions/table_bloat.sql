-- How much of each table is space a rewrite would give back, largest tables first.
-- One question either way: how many pages would the live rows need, packed at the table's fillfactor?
-- method says where the rows' number and size come from:
--   pgstattuple_approx  counted (it skips pages that vacuum left all-visible), if installed and allowed
--   estimate            pg_class.reltuples and column statistics, as good as the last ANALYZE
-- NULL figures mean unknown, never zero: no statistics yet. Main fork only, without TOAST.
-- An estimate cannot tell dead rows from free space, so it never supports advice to rewrite.

CREATE OR REPLACE FUNCTION table_bloat(
    max_rows integer DEFAULT 20,
    counted boolean DEFAULT true
)
RETURNS TABLE (
    schema_name text,
    table_name text,
    method text,
    table_bytes bigint,
    bloat_bytes bigint,
    bloat_pct double precision,
    dead_pct double precision,
    recommendation text
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    block_bytes CONSTANT integer := current_setting('block_size')::integer;
    page_header CONSTANT integer := 24;
    counter text;
    candidate record;
    live double precision;
    attribute record;
    alignment integer;
    attributes integer;
    without_null double precision;
    row_bytes double precision;
    rows_per_page double precision;
    needed_pages double precision;
BEGIN
    IF counted THEN
        SELECT format('%I.pgstattuple_approx(regclass)', n.nspname) INTO counter
        FROM pg_extension AS e
        INNER JOIN pg_namespace AS n ON n.oid = e.extnamespace
        WHERE e.extname = 'pgstattuple';
        IF NOT has_function_privilege(counter, 'EXECUTE') THEN
            counter := NULL;
        END IF;
        counter := replace(counter, '(regclass)', '');
    END IF;

    FOR candidate IN
        SELECT
            c.oid,
            n.nspname,
            c.relname,
            c.reltuples,
            pg_relation_size(c.oid) AS bytes,
            coalesce(
                (
                    SELECT o.option_value::integer
                    FROM pg_options_to_table(c.reloptions) AS o
                    WHERE o.option_name = 'fillfactor'
                ),
                100
            ) AS fillfactor,
            coalesce(s.n_mod_since_analyze, 0) AS modified
        FROM pg_class AS c
        INNER JOIN pg_namespace AS n ON n.oid = c.relnamespace
        INNER JOIN pg_am AS am ON am.oid = c.relam AND am.amname = 'heap'
        LEFT JOIN pg_stat_user_tables AS s ON s.relid = c.oid
        WHERE c.relkind IN ('r', 'm')
            AND n.nspname NOT IN ('pg_catalog', 'information_schema')
            AND n.nspname NOT LIKE 'pg\_toast%'
            AND n.nspname NOT LIKE 'pg\_temp\_%'
        ORDER BY pg_relation_size(c.oid) DESC, n.nspname, c.relname
        LIMIT least(greatest(max_rows, 0), 1000)
    LOOP
        schema_name := candidate.nspname;
        table_name := candidate.relname;
        table_bytes := candidate.bytes;
        bloat_bytes := NULL;
        bloat_pct := NULL;
        dead_pct := NULL;
        live := NULL;
        row_bytes := NULL;
        IF counter IS NOT NULL THEN
            method := 'pgstattuple_approx';
            -- Everything on the pages but free space and page headers is rows, live and dead.
            EXECUTE format(
                $query$
                SELECT
                    a.approx_tuple_count,
                    (a.table_len - a.approx_free_space - $2 * (a.table_len / $3))
                        / nullif(a.approx_tuple_count + a.dead_tuple_count, 0),
                    a.dead_tuple_percent
                FROM %s($1) AS a
                $query$,
                counter
            )
            INTO live, row_bytes, dead_pct
            USING candidate.oid::regclass, page_header, block_bytes;
        ELSE
            method := 'estimate';
            live := nullif(candidate.reltuples, -1);
            attributes := 0;
            without_null := 1;
            row_bytes := 0;
            FOR attribute IN
                SELECT a.attlen, a.attalign, s.null_frac, s.avg_width
                FROM pg_attribute AS a
                LEFT JOIN pg_stats AS s
                    ON s.schemaname = candidate.nspname
                    AND s.tablename = candidate.relname
                    AND s.attname = a.attname
                    AND NOT s.inherited
                WHERE a.attrelid = candidate.oid
                    AND a.attnum > 0
                    AND NOT a.attisdropped
                    AND a.attgenerated <> 'v'
                ORDER BY a.attnum
            LOOP
                alignment := CASE
                    -- A short value of variable length has a one-byte header and no alignment.
                    WHEN attribute.attlen = -1 AND attribute.avg_width < 127 THEN 1
                    WHEN attribute.attalign = 'd' THEN 8
                    WHEN attribute.attalign = 'i' THEN 4
                    WHEN attribute.attalign = 's' THEN 2
                    ELSE 1
                END;
                -- Only rows that hold the value pay for it. A column without statistics (not
                -- analysed, or not this user's to see) makes the sum NULL, that is unknown.
                row_bytes := row_bytes + (1 - attribute.null_frac) * (
                    ceil(row_bytes / alignment) * alignment - row_bytes + attribute.avg_width
                );
                attributes := attributes + 1;
                without_null := without_null * (1 - attribute.null_frac);
            END LOOP;
            -- Line pointer, header (longer in rows that need a null bitmap), padding at the end.
            row_bytes := 4
                + 24 * without_null
                + ceil((23 + ceil(attributes / 8.0)) / 8) * 8 * (1 - without_null)
                + ceil(row_bytes / 8) * 8;
        END IF;

        -- greatest() would turn an unknown into a figure, so only known rows get this far.
        IF table_bytes = 0 OR live = 0 THEN
            bloat_bytes := table_bytes;
        ELSIF row_bytes IS NOT NULL THEN
            rows_per_page := greatest(
                1,
                -- The quotient of a full page is a whole number but for the last binary digit.
                floor((block_bytes * candidate.fillfactor / 100.0 - page_header) / row_bytes + 1e-6)
            );
            needed_pages := ceil(live / rows_per_page);
            bloat_bytes := greatest(0, table_bytes - needed_pages * block_bytes);
        END IF;
        bloat_pct := CASE WHEN table_bytes = 0 THEN 0 ELSE 100.0 * bloat_bytes / table_bytes END;

        recommendation := CASE
            WHEN bloat_bytes IS NULL THEN 'unknown: run ANALYZE'
            WHEN table_bytes < 1048576 THEN 'none: too small to matter'
            WHEN dead_pct >= 20 THEN 'run VACUUM: dead rows take the space'
            WHEN method = 'estimate' AND candidate.modified > 0.1 * greatest(live, 1)
                THEN 'run ANALYZE: the estimate rests on old statistics'
            WHEN bloat_pct >= 30 AND method = 'estimate'
                THEN 'run VACUUM, then count with pgstattuple before any rewrite'
            WHEN bloat_pct >= 50
                THEN 'rewrite (pg_repack, or VACUUM FULL, which locks the table) '
                    'unless the table will grow into its free space'
            ELSE 'none'
        END;
        RETURN NEXT;
    END LOOP;
END;
$function$;
