"""The monitoring functions against truth that was constructed, with contrib and without.

Every test that needs no extension runs twice: on the session's server, and on the wheel's, which
has no contrib modules.
"""

import psycopg
import pytest

from ava.db.migrate import migrate
from perf.lab.binaries import find_binaries
from perf.lab.guard import Guard
from perf.lab.postgres import PostgresServer


@pytest.fixture(scope="module")
def wheel():
    """A server without contrib."""
    binaries = find_binaries({"AVA_PERF_POSTGRES_BIN": "wheel"})
    with Guard() as guard, PostgresServer.start(guard, binaries) as server:
        yield server


@pytest.fixture
def contrib(database):
    """A connection to a migrated database of the session's server."""
    migrate(database)
    with psycopg.connect(database, autocommit=True) as connection:
        yield connection


@pytest.fixture
def install(contrib, postgres_server):
    """Install an extension, where the server has it."""

    def run(extension):
        if extension not in postgres_server.contrib:
            pytest.skip(f"this PostgreSQL has no {extension}; apt-get install postgresql-contrib")
        contrib.execute(f"CREATE EXTENSION {extension}")

    return run


@pytest.fixture(params=["session", "wheel"])
def db(request):
    """A connection to a migrated database, once of each server."""
    if request.param == "session":
        yield request.getfixturevalue("contrib")
        return
    server = request.getfixturevalue("wheel")
    with psycopg.connect(server.address.dsn(), autocommit=True) as admin:
        admin.execute("CREATE DATABASE functions")
    try:
        dsn = server.address.dsn("functions")
        migrate(dsn)
        with psycopg.connect(dsn, autocommit=True) as connection:
            yield connection
    finally:
        with psycopg.connect(server.address.dsn(), autocommit=True) as admin:
            admin.execute("DROP DATABASE functions WITH (FORCE)")


def column(connection, query, params=None):
    """Return the first column of a query."""
    return [row[0] for row in connection.execute(query, params)]


# Foreign keys


def unserved(db):
    """Return the constraints without an index, apart from the product's own tables."""
    return column(db, "SELECT constraint_name FROM foreign_keys_without_index() ORDER BY 1")


def test_an_index_on_a_column_whose_name_contains_the_key_does_not_count(db):
    """The document's LIKE '%id%' took an index on user_id for one on id."""
    db.execute(
        "CREATE TABLE p (id integer PRIMARY KEY);"
        "CREATE TABLE c (user_id integer, id integer CONSTRAINT c_fk REFERENCES p);"
        "CREATE INDEX ON c (user_id)"
    )
    found = db.execute(
        "SELECT schema_name, table_name, constraint_name, key_columns, referenced_table, advice "
        "FROM foreign_keys_without_index()"
    ).fetchall()
    advice = "CREATE INDEX CONCURRENTLY ON public.c (id)"
    assert found == [("public", "c", "c_fk", ["id"], "public.p", advice)]


@pytest.mark.parametrize(
    ("index", "served"),
    [
        ("(a, b)", True),
        ("(b, a)", True),
        ("(b, a, c)", True),
        ("(a, c, b)", False),
        ("(c, a, b)", False),
        ("(a)", False),
        ("(a) INCLUDE (b)", False),
        ("(a, b) WHERE c IS NOT NULL", False),
        ("USING brin (a, b)", False),
        ("(a, lower(b::text))", False),
    ],
)
def test_a_composite_key_is_served_by_its_columns_in_front(contrib, index, served):
    """The first columns must be the key's, in any order; included and partial ones do not count."""
    contrib.execute(
        "CREATE TABLE p (a integer, b integer, PRIMARY KEY (a, b));"
        "CREATE TABLE c (a integer, b integer, c integer,"
        " CONSTRAINT c_fk FOREIGN KEY (a, b) REFERENCES p);"
        f"CREATE INDEX ON c {index}"
    )
    assert unserved(contrib) == ([] if served else ["c_fk"])


def test_an_invalid_index_serves_no_key(db):
    """The remains of a failed concurrent build answer no query."""
    db.execute(
        "CREATE TABLE p (id integer PRIMARY KEY);"
        "CREATE TABLE c (id integer CONSTRAINT c_fk REFERENCES p);"
        "INSERT INTO p VALUES (1); INSERT INTO c VALUES (1), (1)"
    )
    with pytest.raises(psycopg.errors.UniqueViolation):
        db.execute("CREATE UNIQUE INDEX CONCURRENTLY ON c (id)")
    assert unserved(db) == ["c_fk"]


def test_every_schema_is_looked_at_and_names_are_quoted(db):
    """A key in another schema counts; odd names come back as usable advice."""
    db.execute(
        'CREATE SCHEMA "Odd"; CREATE TABLE p (id integer PRIMARY KEY);'
        'CREATE TABLE "Odd"."T;" ("Key" integer CONSTRAINT odd_fk REFERENCES p)'
    )
    (advice,) = column(db, "SELECT advice FROM foreign_keys_without_index()")
    db.execute(advice)
    assert unserved(db) == []


def test_a_partitioned_key_is_judged_once(db):
    """Partitions inherit the key; the parent's index serves them all."""
    db.execute(
        "CREATE TABLE p (id integer PRIMARY KEY);"
        "CREATE TABLE c (id integer CONSTRAINT c_fk REFERENCES p, k integer)"
        " PARTITION BY RANGE (k);"
        "CREATE TABLE c1 PARTITION OF c FOR VALUES FROM (0) TO (10)"
    )
    (advice,) = column(db, "SELECT advice FROM foreign_keys_without_index()")
    db.execute(advice)
    assert unserved(db) == []


def test_lists_are_bounded(db):
    """No more rows than asked for."""
    db.execute("CREATE TABLE p (id integer PRIMARY KEY)")
    for number in range(3):
        db.execute(f"CREATE TABLE c{number} (id integer REFERENCES p)")
    assert len(column(db, "SELECT 1 FROM foreign_keys_without_index(2)")) == 2
    assert len(column(db, "SELECT 1 FROM unused_indexes('0', 2)")) == 2
    assert len(column(db, "SELECT 1 FROM table_bloat(2)")) == 2
    assert len(column(db, "SELECT 1 FROM index_bloat(2)")) == 2
    assert column(db, "SELECT 1 FROM foreign_keys_without_index(-1)") == []


# Unused indexes


@pytest.fixture
def indexed(db):
    """One table with an index of every kind, none of them ever scanned."""
    db.execute(
        "CREATE TABLE p (id integer PRIMARY KEY);"
        "CREATE TABLE x (id integer PRIMARY KEY, u integer UNIQUE, ui integer, r integer NOT NULL,"
        " fk integer REFERENCES p, plain integer, part integer,"
        " span int4range, EXCLUDE USING gist (span WITH &&));"
        "CREATE UNIQUE INDEX x_ui ON x (ui);"
        "CREATE UNIQUE INDEX x_replica ON x (r);"
        "ALTER TABLE x REPLICA IDENTITY USING INDEX x_replica;"
        "CREATE INDEX x_fk ON x (fk);"
        "CREATE INDEX x_plain ON x (plain);"
        "CREATE INDEX x_part ON x (part) WHERE part > 0;"
        "INSERT INTO x SELECT g, g, g, g, NULL, g, g FROM generate_series(1, 1000) AS g;"
        "ANALYZE x"
    )
    return db


UNUSED = "SELECT index_name FROM unused_indexes(%s) WHERE table_name = 'x' ORDER BY 1"


def test_only_indexes_that_can_go_are_listed(indexed):
    """Keys, constraints, unique indexes, the replica identity and a foreign key's index stay."""
    assert column(indexed, UNUSED, ["0"]) == ["x_part", "x_plain"]


def test_an_index_that_was_scanned_is_used(indexed):
    """One scan is enough."""
    indexed.execute("SET enable_seqscan = off")
    indexed.execute("SELECT id FROM x WHERE plain = 7")
    indexed.execute("SELECT pg_stat_force_next_flush()")
    assert column(indexed, UNUSED, ["0"]) == ["x_part"]


def test_an_index_of_unknown_age_is_not_listed(indexed):
    """It was made after the last migration on record, so nothing tells how long it was idle."""
    assert column(indexed, UNUSED, ["1 microsecond"]) == []


def test_a_later_migration_tells_an_indexes_age(indexed):
    """The record of a later transaction proves that the index existed at that time."""
    indexed.execute("INSERT INTO schema_migrations VALUES (99, 'later', '', now(), 0)")
    assert column(indexed, UNUSED, ["1 microsecond"]) == ["x_part", "x_plain"]


def test_young_statistics_prove_nothing(indexed):
    """Counters that were just reset say nothing of the time before."""
    indexed.execute(
        "INSERT INTO schema_migrations VALUES (99, 'later', '', now() - interval '1 year', 0)"
    )
    indexed.execute("SELECT pg_stat_reset()")
    assert column(indexed, UNUSED, ["1 hour"]) == []


def test_an_unused_index_is_described(indexed):
    """Size, scans, the statistics' age and the definition come with it."""
    found = indexed.execute(
        "SELECT schema_name, scans, index_bytes, stats_since < now(), known_since, definition "
        "FROM unused_indexes('0') WHERE index_name = 'x_plain'"
    ).fetchone()
    size = indexed.execute("SELECT pg_relation_size('x_plain')").fetchone()[0]
    definition = "CREATE INDEX x_plain ON public.x USING btree (plain)"
    assert found == ("public", 0, size, True, None, definition)


def test_the_parts_of_a_partitioned_index_are_not_listed(db):
    """They cannot be dropped one by one."""
    db.execute(
        "CREATE TABLE x (a integer, b integer) PARTITION BY RANGE (a);"
        "CREATE TABLE x1 PARTITION OF x FOR VALUES FROM (0) TO (10);"
        "CREATE INDEX ON x (b)"
    )
    assert column(db, "SELECT index_name FROM unused_indexes('0') WHERE table_name ~ '^x'") == []


# Bloat

ROWS = 20_000

FILL = {
    "plain": "CREATE TABLE b (id bigint, flag boolean, name text, at timestamptz);"
    "INSERT INTO b SELECT g, true, repeat('x', 10 + g % 50), now() FROM generate_series(1, {n}) g",
    "nulls": "CREATE TABLE b (a smallint, b bigint, c text, d integer, e bigint, f bigint,"
    " g bigint, h bigint, i bigint);"
    "INSERT INTO b SELECT 1, g, CASE WHEN g % 3 = 0 THEN 'word' || g END, NULL, g, g, g, g, NULL "
    "FROM generate_series(1, {n}) g",
    "fillfactor": "CREATE TABLE b (id bigint, name text) WITH (fillfactor = 60);"
    "INSERT INTO b SELECT g, 'name ' || g FROM generate_series(1, {n}) g",
    "wide": "CREATE TABLE b (name text); ALTER TABLE b ALTER name SET STORAGE plain;"
    "INSERT INTO b SELECT repeat('x', 2500) FROM generate_series(1, {n} / 20) g",
}


def bloat(db, counted):
    """Return method, bloat in per cent and recommendation of table b."""
    return db.execute(
        "SELECT method, bloat_pct, recommendation FROM table_bloat(1000, %s) "
        "WHERE table_name = 'b'",
        [counted],
    ).fetchone()


@pytest.fixture(params=["estimate", "pgstattuple_approx"])
def method(request, contrib):
    """The way bloat is found, with what it needs in place."""
    if request.param != "estimate":
        request.getfixturevalue("install")("pgstattuple")
    return request.param


@pytest.mark.parametrize("table", FILL)
def test_a_fresh_table_has_no_bloat(contrib, method, table):
    """Headers, nulls, alignment, fillfactor and packing of wide rows are no bloat."""
    contrib.execute(FILL[table].format(n=ROWS))
    contrib.execute("ANALYZE b")
    found, percent, advice = bloat(contrib, counted=True)
    assert found == method
    assert percent < 8
    assert advice == "none"


@pytest.mark.parametrize("table", [name for name in FILL if name != "wide"])
@pytest.mark.parametrize("vacuum", [False, True])
def test_half_a_table_deleted_is_half_bloat(contrib, method, table, vacuum):
    """Dead rows and the free space they become are both room for new ones."""
    contrib.execute(FILL[table].format(n=ROWS))
    # By position, since whichever column says "every second row" is another in each table.
    contrib.execute(
        "DELETE FROM b WHERE split_part(trim('()' from ctid::text), ',', 2)::int % 2 = 0"
    )
    contrib.execute("VACUUM (ANALYZE) b" if vacuum else "ANALYZE b")
    found, percent, _ = bloat(contrib, counted=True)
    assert found == method
    assert percent == pytest.approx(50, abs=8)


def test_a_table_never_analysed_is_unknown(db):
    """Without statistics the figure is NULL, never 0."""
    db.execute(FILL["plain"].format(n=100))
    assert bloat(db, counted=False) == ("estimate", None, "unknown: run ANALYZE")


def test_an_empty_table_has_no_bloat(db):
    """No pages, nothing to give back, analysed or not."""
    db.execute("CREATE TABLE b (id integer)")
    assert bloat(db, counted=False)[:2] == ("estimate", 0)


def test_a_table_emptied_but_not_vacuumed_is_all_bloat(db):
    """Pages without live rows are bloat to the last."""
    db.execute(FILL["plain"].format(n=ROWS) + "; DELETE FROM b; ANALYZE b")
    assert bloat(db, counted=False)[1] == 100


def test_without_the_extension_an_estimate_says_so(db):
    """Where nothing can count, the method column tells that the figure is estimated."""
    db.execute(FILL["plain"].format(n=ROWS) + "; ANALYZE b")
    assert bloat(db, counted=True)[0] == "estimate"


def test_a_user_who_may_not_count_gets_an_estimate(contrib, install):
    """Without the right to pgstattuple the function falls back instead of failing."""
    install("pgstattuple")
    contrib.execute(FILL["plain"].format(n=ROWS) + "; ANALYZE b")
    contrib.execute("SET ROLE pg_read_all_data")
    assert bloat(contrib, counted=True)[0] == "estimate"


def test_advice_goes_as_far_as_the_figure(contrib, install):
    """An estimate advises no rewrite; dead rows want VACUUM; counted free space may want one."""
    install("pgstattuple")
    contrib.execute(FILL["plain"].format(n=ROWS))
    contrib.execute("DELETE FROM b WHERE id % 10 > 0")
    assert "unknown" in bloat(contrib, counted=False)[2]
    contrib.execute("ANALYZE b")
    assert "then count with pgstattuple" in bloat(contrib, counted=False)[2]
    assert bloat(contrib, counted=True)[2].startswith("run VACUUM")
    contrib.execute("VACUUM b")
    assert bloat(contrib, counted=True)[2].startswith("rewrite")


def test_old_statistics_support_no_advice(contrib):
    """After many changes an estimate only says: ANALYZE first."""
    contrib.execute(FILL["plain"].format(n=ROWS) + "; ANALYZE b; DELETE FROM b WHERE id % 2 = 0")
    contrib.execute("SELECT pg_stat_force_next_flush()")
    assert bloat(contrib, counted=False)[2].startswith("run ANALYZE")


def index_bloat(db):
    """Return method, bloat and recommendation of the index on b."""
    return db.execute(
        "SELECT method, bloat_pct, recommendation FROM index_bloat(1000) WHERE index_name = 'b_i'"
    ).fetchone()


@pytest.mark.parametrize("fillfactor", [90, 50])
def test_a_fresh_index_has_no_bloat(contrib, fillfactor, install):
    """The room its fillfactor leaves is meant to be there."""
    install("pgstattuple")
    contrib.execute(FILL["plain"].format(n=ROWS))
    contrib.execute(f"CREATE INDEX b_i ON b (id) WITH (fillfactor = {fillfactor})")
    method, percent, _ = index_bloat(contrib)
    assert method == "pgstatindex"
    assert percent < 5


def test_an_index_that_lost_most_rows_wants_rebuilding(contrib, install):
    """Nine of ten entries gone, the leaves are nine tenths empty."""
    install("pgstattuple")
    contrib.execute(FILL["plain"].format(n=5 * ROWS))
    contrib.execute("CREATE INDEX b_i ON b (id)")
    contrib.execute("DELETE FROM b WHERE id % 10 > 0")
    contrib.execute("VACUUM b")
    _, percent, advice = index_bloat(contrib)
    assert percent == pytest.approx(90, abs=5)
    assert advice == "REINDEX INDEX CONCURRENTLY public.b_i"


def test_an_index_nobody_can_count_is_unknown(db):
    """Without the extension there is no figure, since no estimate is right for btrees."""
    db.execute(FILL["plain"].format(n=100) + "; CREATE INDEX b_i ON b (id)")
    assert index_bloat(db) == ("unknown", None, "unknown: install pgstattuple to count it")


# Slow queries


def test_without_the_extension_the_cure_is_told(db):
    """The function can be made anywhere, and says when called what is missing."""
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState) as raised:
        db.execute("SELECT query_text FROM slow_queries()")
    assert "CREATE EXTENSION pg_stat_statements" in raised.value.diag.message_hint


def test_slow_statements_of_this_database_are_listed(contrib, database, install):
    """Over the threshold, slowest first, and nothing of another database."""
    install("pg_stat_statements")
    contrib.execute("SELECT pg_sleep(0.03) AS the_slow_one")
    contrib.execute("SELECT pg_sleep(0.02) AS the_slow_one, 2 AS two")
    contrib.execute("SELECT 1 AS the_fast_one")
    found = contrib.execute(
        "SELECT query_text, calls, mean_ms >= 20, max_ms >= mean_ms, total_ms >= mean_ms "
        "FROM slow_queries(20, 10) WHERE query_text LIKE '%%the_%%one%%' "
        "AND query_text NOT LIKE '%%slow_queries%%'"
    ).fetchall()
    assert found == [
        ("SELECT pg_sleep($1) AS the_slow_one", 1, True, True, True),
        ("SELECT pg_sleep($1) AS the_slow_one, $2 AS two", 1, True, True, True),
    ]


def test_statements_of_other_databases_are_not_ours(contrib, lab, install):
    """The statistics are the whole server's; the function looks at one database."""
    install("pg_stat_statements")
    with psycopg.connect(lab.dsn(lab.create_database())) as elsewhere:
        elsewhere.execute("SELECT pg_sleep(0.02) AS somewhere_else")
    texts = column(contrib, "SELECT query_text FROM slow_queries(10, 1000)")
    assert not [text for text in texts if "somewhere_else" in text]
