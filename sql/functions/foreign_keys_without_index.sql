-- Foreign keys no index serves: deleting a parent row then reads the whole child table.
-- An index serves a key when its first columns are the key's columns, in any order. A partial or
-- invalid index serves nothing, an included column is no key column, and a name is never compared:
-- an index on user_id says nothing of a key on id. Keys of partitions are judged at their parent.

CREATE OR REPLACE FUNCTION foreign_keys_without_index(max_rows integer DEFAULT 1000)
RETURNS TABLE (
    schema_name text,
    table_name text,
    constraint_name text,
    key_columns text[],
    referenced_table text,
    table_bytes bigint,
    advice text
)
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT
        n.nspname::text,
        c.relname::text,
        k.conname::text,
        names.columns,
        format('%I.%I', pn.nspname, p.relname),
        pg_table_size(c.oid),
        format(
            'CREATE INDEX %sON %I.%I (%s)',
            -- A partitioned table takes no CONCURRENTLY.
            CASE WHEN c.relkind = 'p' THEN '' ELSE 'CONCURRENTLY ' END,
            n.nspname, c.relname, names.quoted
        )
    FROM pg_constraint AS k
    INNER JOIN pg_class AS c ON c.oid = k.conrelid
    INNER JOIN pg_namespace AS n ON n.oid = c.relnamespace
    INNER JOIN pg_class AS p ON p.oid = k.confrelid
    INNER JOIN pg_namespace AS pn ON pn.oid = p.relnamespace
    CROSS JOIN LATERAL (
        SELECT
            array_agg(a.attname::text ORDER BY u.position) AS columns,
            string_agg(quote_ident(a.attname), ', ' ORDER BY u.position) AS quoted
        FROM unnest(k.conkey) WITH ORDINALITY AS u (attnum, position)
        INNER JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = u.attnum
    ) AS names
    WHERE k.contype = 'f'
        AND k.conparentid = 0
        AND n.nspname NOT IN ('pg_catalog', 'information_schema')
        AND n.nspname NOT LIKE 'pg\_toast%'
        AND n.nspname NOT LIKE 'pg\_temp\_%'
        AND NOT EXISTS (
            SELECT FROM pg_index AS i
            INNER JOIN pg_class AS ic ON ic.oid = i.indexrelid
            INNER JOIN pg_am AS am ON am.oid = ic.relam
            WHERE i.indrelid = k.conrelid
                AND i.indisvalid
                AND i.indpred IS NULL
                AND am.amname IN ('btree', 'hash')
                AND i.indnkeyatts >= cardinality(k.conkey)
                -- indkey counts from 0; as many leading columns as the key has must be the key's.
                AND (i.indkey::smallint[])[0:cardinality(k.conkey) - 1] @> k.conkey
        )
    ORDER BY pg_table_size(c.oid) DESC, 1, 2, 3
    LIMIT least(greatest(max_rows, 0), 10000)
$function$;
