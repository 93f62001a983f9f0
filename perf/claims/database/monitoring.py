"""Row D8: the monitoring functions against truth that was constructed.

Each claim makes the state it then asks about, so the right answer is known.
"""

from __future__ import annotations

from typing import Any, LiteralString

import psycopg

from perf.claim import Plan, at_most, claim, exactly
from perf.claims.database.prepared import connect, empty_copy
from perf.instruments import Count, Counted
from perf.lab.lab import Lab

# Wide enough that the tuple header is not most of it; half the rows are then deleted.
_QUOTES: tuple[LiteralString, ...] = (
    "CREATE TABLE quotes (id bigint, symbol text, quoted_at timestamptz, price double precision)",
    "INSERT INTO quotes SELECT g, md5(g::text), now(), g FROM generate_series(1, 40000) AS g",
    "ANALYZE quotes",
)
_HALVE: tuple[LiteralString, ...] = ("DELETE FROM quotes WHERE id % 2 = 0", "VACUUM ANALYZE quotes")


@claim(
    id="D8.bloat.counted",
    rows=["D8"],
    title="table_bloat() with pgstattuple is within 5 points of the space a rewrite frees",
    source="002.8, migration 007",
    target=at_most(5, "points"),
    needs=["schema"],
)
def bloat_counted(lab: Lab) -> Plan:
    """Ask the function where it can count tuples."""
    name = empty_copy(lab)
    lab.require_extension("pgstattuple", name)
    return _bloat(lab, name)


@claim(
    id="D8.bloat.estimated",
    rows=["D8"],
    title="table_bloat() without extensions is within 10 points of the space a rewrite frees",
    source="002.8, migration 007",
    target=at_most(10, "points"),
    needs=["schema"],
)
def bloat_estimated(lab: Lab) -> Plan:
    """Ask the function where it has only the planner's statistics."""
    return _bloat(lab, empty_copy(lab))


def _bloat(lab: Lab, name: str) -> Plan:
    connection = connect(lab, name)

    def count() -> Counted:
        connection.execute("DROP TABLE IF EXISTS quotes")
        for statement in (*_QUOTES, *_HALVE):
            connection.execute(statement)
        row = connection.execute(
            "SELECT bloat_pct, method, table_bytes FROM table_bloat(1000)"
            " WHERE table_name = 'quotes'"
        ).fetchone()
        if row is None or row[0] is None:
            raise RuntimeError("table_bloat() says nothing of a table that was just analysed")
        connection.execute("VACUUM FULL quotes")
        whole = _value(connection, "SELECT pg_relation_size('quotes')")
        truth = 100 * (1 - whole / row[2])
        facts = {"reported_pct": row[0], "method": row[1], "freed_by_rewrite_pct": truth}
        return Counted(round(abs(row[0] - truth), 1), facts)

    return Count(count, "points")


@claim(
    id="D8.unused-indexes.finds",
    rows=["D8"],
    title="unused_indexes() lists the one index of a table that nothing reads",
    source="002 migration 007",
    target=exactly(1, "indexes listed"),
    needs=["schema"],
)
def unused_finds(lab: Lab) -> Plan:
    """Give a table a key, a unique constraint, a used and an unused index."""
    connection = connect(lab, empty_copy(lab))
    connection.execute(
        "CREATE TABLE orders (id bigint PRIMARY KEY, number text UNIQUE, a int, b int)"
    )
    connection.execute("INSERT INTO orders SELECT g, g::text, g, g FROM generate_series(1, 5000) g")
    connection.execute("CREATE INDEX orders_used ON orders (a)")
    connection.execute("CREATE INDEX orders_unused ON orders (b)")
    connection.execute("ANALYZE orders")
    connection.execute("SELECT id FROM orders WHERE a = 77").fetchall()
    connection.execute("SELECT pg_stat_force_next_flush()")

    def count() -> Counted:
        rows = connection.execute(
            "SELECT index_name FROM unused_indexes(min_age => '0') WHERE table_name = 'orders'"
        ).fetchall()
        names = [row[0] for row in rows]
        return Counted(len(names) if names == ["orders_unused"] else -1, {"listed": names})

    return Count(count, "indexes listed")


@claim(
    id="D8.unused-indexes.spares-constraints",
    rows=["D8"],
    title="unused_indexes() lists no index that enforces a constraint",
    source="002 migration 007",
    target=exactly(0, "constraint indexes listed"),
    needs=["schema"],
)
def unused_spares_constraints(lab: Lab) -> Plan:
    """Ask for a schema in which no index was ever read, so that every one is a candidate."""
    connection = connect(lab, empty_copy(lab))

    def count() -> Counted:
        listed = connection.execute(
            "SELECT index_name, EXISTS (SELECT FROM pg_constraint WHERE conname = index_name)"
            " FROM unused_indexes(min_age => '0')"
        ).fetchall()
        wrong = [name for name, enforces in listed if enforces]
        return Counted(len(wrong), {"listed": len(listed), "wrong": wrong})

    return Count(count, "constraint indexes listed")


@claim(
    id="D8.foreign-keys.finds",
    rows=["D8"],
    title="foreign_keys_without_index() lists the key whose name is part of another column's",
    source="002.8",
    target=exactly(1, "keys listed"),
    needs=["schema"],
)
def foreign_keys_finds(lab: Lab) -> Plan:
    """Give a table a bare key `id`, an indexed key, and an index on `user_id`."""
    connection = connect(lab, empty_copy(lab))
    connection.execute("CREATE TABLE parents (id bigint PRIMARY KEY)")
    connection.execute(
        "CREATE TABLE children (id bigint REFERENCES parents, user_id bigint,"
        " parent_id bigint REFERENCES parents)"
    )
    connection.execute("CREATE INDEX ON children (user_id)")
    connection.execute("CREATE INDEX ON children (parent_id)")

    def count() -> Counted:
        rows = connection.execute(
            "SELECT table_name, key_columns FROM foreign_keys_without_index()"
        ).fetchall()
        right = rows == [("children", ["id"])]
        return Counted(len(rows) if right else -1, {"listed": [list(row) for row in rows]})

    return Count(count, "keys listed")


@claim(
    id="D8.foreign-keys.ours",
    rows=["D8", "D5"],
    title="Every foreign key of the platform has an index that leads with it",
    source="002.8",
    target=exactly(0, "keys without index"),
    needs=["schema"],
)
def foreign_keys_ours(lab: Lab) -> Plan:
    """Ask for the platform's own schema."""
    connection = connect(lab, empty_copy(lab))

    def count() -> Counted:
        rows = connection.execute(
            "SELECT table_name, key_columns FROM foreign_keys_without_index()"
        ).fetchall()
        total = _value(connection, "SELECT count(*) FROM pg_constraint WHERE contype = 'f'")
        return Counted(len(rows), {"listed": [list(row) for row in rows], "foreign_keys": total})

    return Count(count, "keys without index")


@claim(
    id="D8.slow-queries.finds",
    rows=["D8", "D9"],
    title="slow_queries() lists the one statement slower than its threshold",
    source="002 migration 007",
    target=exactly(1, "statements listed"),
    needs=["schema"],
)
def slow_queries_finds(lab: Lab) -> Plan:
    """Run a slow statement and quick ones, and ask for those over 100 ms."""
    name = empty_copy(lab)
    lab.require_extension("pg_stat_statements", name)
    connection = connect(lab, name)

    def count() -> Counted:
        connection.execute("SELECT pg_sleep(0.15)")
        for _ in range(10):
            connection.execute("SELECT 1")
        rows = connection.execute(
            "SELECT query_text, calls FROM slow_queries(100) WHERE query_text LIKE '%pg_sleep%'"
        ).fetchall()
        return Counted(len(rows), {"listed": [list(row) for row in rows]})

    return Count(count, "statements listed")


def _value(connection: psycopg.Connection[Any], statement: LiteralString) -> Any:
    row = connection.execute(statement).fetchone()
    return None if row is None else row[0]
