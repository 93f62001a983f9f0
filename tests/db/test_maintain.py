"""The maintenance schedule on a real server: what it finds, what it does, what it leaves alone."""

import json
import threading

import psycopg
import pytest

from ava.db.maintain import (
    SCHEDULE,
    Finding,
    MaintenanceReport,
    Period,
    Severity,
    analyze_active,
    cache_hit,
    capacity,
    connection_saturation,
    database_errors,
    foreign_keys,
    index_usage,
    long_transactions,
    maintain,
    slow_queries,
    transaction_age,
    vacuum_all,
)
from ava.db.migrate import migrate


@pytest.fixture
def db(database):
    """A connection to a migrated database."""
    migrate(database)
    with psycopg.connect(database, autocommit=True) as connection:
        yield connection


def report(*severities):
    """Return a report with findings of these severities."""
    findings = [Finding("c", severity, "o", "f", "a") for severity in severities]
    return MaintenanceReport(Period.DAILY, tuple(findings), 0.1)


def test_warnings_need_attention_and_unknowns_do_not():
    """A check that could not be made is no finding, and no all-clear either."""
    assert not report(Severity.INFO, Severity.UNKNOWN).needs_attention
    assert report(Severity.INFO, Severity.WARNING).needs_attention
    assert report(Severity.CRITICAL).needs_attention
    assert report(Severity.UNKNOWN).incomplete
    assert not report(Severity.INFO, Severity.WARNING).incomplete


@pytest.mark.parametrize("period", Period)
def test_every_period_runs_on_an_idle_database(database, db, period):
    """Each step says what it saw, in the order of the schedule, and all of it is JSON."""
    steps = []
    found = maintain(database, period, progress=steps.append)
    assert steps == [step.__name__ for step in SCHEDULE[period]]
    assert not found.needs_attention
    assert json.loads(json.dumps(found.to_dict()))["period"] == period


def test_a_quarter_holds_what_the_other_periods_look_at():
    """Only the week's ANALYZE is missing: VACUUM (ANALYZE) does it."""
    shorter = {step for period in Period for step in SCHEDULE[period]}
    assert shorter - set(SCHEDULE[Period.QUARTERLY]) == {analyze_active}


def test_without_migrations_the_cure_is_told(database):
    """A check whose function is not there is unknown, and the others still run."""
    found = maintain(database, Period.MONTHLY)
    (unused,) = [each for each in found.findings if each.check == "unused_indexes"]
    assert unused.severity is Severity.UNKNOWN
    assert "run `ava migrate`" in unused.advice
    assert found.incomplete


def test_a_missing_extension_is_unknown_with_its_cure(database, db):
    """The server's hint is the advice."""
    found = maintain(database, Period.DAILY)
    (slow,) = [each for each in found.findings if each.check == "slow_queries"]
    assert (slow.severity, slow.figure) == (Severity.UNKNOWN, "not done")
    assert "CREATE EXTENSION pg_stat_statements" in slow.advice


def test_slow_statements_are_found(db, postgres_server):
    """A statement over the threshold is a warning."""
    if "pg_stat_statements" not in postgres_server.contrib:
        pytest.skip("this PostgreSQL has no pg_stat_statements; apt-get install postgresql-contrib")
    db.execute("CREATE EXTENSION pg_stat_statements")
    db.execute("SELECT pg_sleep(0.02) AS slow_on_purpose")
    found = slow_queries(db, threshold_ms=10)
    (finding,) = [each for each in found if "slow_on_purpose" in each.object]
    assert finding.severity is Severity.WARNING
    assert finding.figure.endswith("1 calls")


def test_connections_are_counted(db):
    """An almost idle server is far from its limit."""
    (finding,) = connection_saturation(db)
    assert finding.severity is Severity.INFO
    assert "%" in finding.figure


def test_saturation_is_critical(database, db):
    """With all but a few connections taken the finding asks for action."""
    query = (
        "SELECT current_setting('max_connections')::int - (SELECT count(*) FROM pg_stat_activity)"
    )
    free = db.execute(query).fetchone()[0]
    held = []
    try:
        held += [psycopg.connect(database) for _ in range(free - 4)]
        (finding,) = connection_saturation(db)
    finally:
        for connection in held:
            connection.close()
    assert finding.severity in {Severity.WARNING, Severity.CRITICAL}


def test_deadlocks_are_counted(database, db):
    """A deadlock today is worth a look."""
    db.execute("CREATE TABLE d (id integer); INSERT INTO d VALUES (1), (2)")
    barrier = threading.Barrier(2, timeout=30)
    outcomes = []

    def collide(first, second):
        with psycopg.connect(database) as connection:
            connection.execute("SET deadlock_timeout = '10ms'")
            connection.execute("UPDATE d SET id = id WHERE id = %s", [first])
            barrier.wait()
            try:
                connection.execute("UPDATE d SET id = id WHERE id = %s", [second])
            except psycopg.errors.DeadlockDetected as error:
                outcomes.append(error)
                connection.rollback()
                connection.execute("SELECT pg_stat_force_next_flush()")

    threads = [threading.Thread(target=collide, args=pair) for pair in ((1, 2), (2, 1))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == 1
    (finding,) = [each for each in database_errors(db) if each.object == "deadlocks"]
    assert finding.severity is Severity.WARNING


def test_a_transaction_left_open_is_found(database, db):
    """Age is the server's to say; the limit decides who is named."""
    with psycopg.connect(database, application_name="forgotten") as other:
        other.execute("SELECT 1")
        assert long_transactions(db) == []
        (finding,) = long_transactions(db, limit_s=0)
        end = f"pg_terminate_backend({other.info.backend_pid})"
    assert "forgotten idle in transaction" in finding.object
    assert end in finding.advice


def test_only_written_tables_are_analysed(db):
    """A table without changes is left alone, a changed one gets statistics."""
    db.execute("CREATE TABLE quiet (id integer); CREATE TABLE busy (id integer)")
    db.execute("INSERT INTO busy SELECT generate_series(1, 500)")
    db.execute("SELECT pg_stat_force_next_flush()")
    found = {each.object: each for each in analyze_active(db)}
    assert "public.quiet" not in found
    assert found["public.busy"].figure == "500 rows changed"
    assert db.execute("SELECT reltuples FROM pg_class WHERE relname = 'busy'").fetchone() == (500,)


def test_every_table_is_vacuumed(db):
    """Dead rows are gone, in every schema, whatever the tables are called."""
    db.execute('CREATE SCHEMA "S"; CREATE TABLE "S"."T;" (id integer)')
    db.execute('INSERT INTO "S"."T;" SELECT generate_series(1, 5000); DELETE FROM "S"."T;"')
    found = vacuum_all(db)
    assert {each.severity for each in found} == {Severity.INFO}
    assert "S.T;" in [each.object for each in found]
    assert db.execute("""SELECT pg_relation_size('"S"."T;"')""").fetchone() == (0,)


def test_a_locked_table_does_not_end_the_round(database, db):
    """It is told as not done, and the tables after it are vacuumed."""
    db.execute("SET lock_timeout = '50ms'")
    with psycopg.connect(database) as other:
        other.execute("LOCK TABLE alerts")
        found = {each.object: each for each in vacuum_all(db)}
    assert found["public.alerts"].severity is Severity.UNKNOWN
    assert "lock timeout" in found["public.alerts"].advice
    assert found["public.watchlists"].severity is Severity.INFO


def test_a_table_of_another_owner_is_told_as_not_done(db):
    """VACUUM only warns where it may not work; that is no success."""
    role = "ava_test_maintenance_guest"
    db.execute(f"DROP ROLE IF EXISTS {role}; CREATE ROLE {role}")
    try:
        db.execute(f"SET ROLE {role}")
        found = {each.object: each for each in vacuum_all(db)}
    finally:
        db.execute(f"RESET ROLE; DROP ROLE {role}")
    assert found["public.alerts"].severity is Severity.UNKNOWN
    assert "alerts" in found["public.alerts"].advice


def test_a_table_read_from_end_to_end_is_found(db):
    """A large table with many sequential scans and no index scan wants an index."""
    db.execute("CREATE TABLE big (id integer); INSERT INTO big SELECT generate_series(1, 20000)")
    for _ in range(60):
        db.execute("SELECT count(*) FROM big WHERE id = 7")
    db.execute("SELECT pg_stat_force_next_flush()")
    (finding,) = index_usage(db)
    assert (finding.object, finding.severity) == ("public.big", Severity.WARNING)


def test_the_cache_hit_rate_is_told_for_tables_and_indexes(db):
    """Few reads are told without a judgement."""
    assert [(each.object, each.severity) for each in cache_hit(db)] == [
        ("tables", Severity.INFO),
        ("indexes", Severity.INFO),
    ]


def test_a_foreign_key_without_an_index_is_advised_one(db):
    """The advice is the statement that cures it."""
    db.execute("CREATE TABLE note (alert_id bigint REFERENCES alerts)")
    (finding,) = foreign_keys(db)
    assert finding.advice == "CREATE INDEX CONCURRENTLY ON public.note (alert_id)"


def test_growth_is_unknown_while_the_counters_are_young(db):
    """A rate a day cannot be told from counters of minutes."""
    db.execute("SELECT pg_stat_reset()")
    figures = {each.object: each.figure for each in capacity(db)}
    assert figures["public.alerts"].endswith("growth unknown")
    assert "shared_buffers" in figures["memory"]


def test_transaction_numbers_are_told_as_a_share(db):
    """A young database has used next to none."""
    assert [(each.object, each.severity) for each in transaction_age(db)] == [
        ("transaction numbers", Severity.INFO),
        ("multixact numbers", Severity.INFO),
    ]
