"""The migration's tables are those that the installed procrastinate brings along itself."""

import psycopg
import pytest
from procrastinate.schema import SchemaManager

WHAT = {
    "columns": """
        SELECT table_name, column_name, data_type, is_nullable, column_default
        FROM information_schema.columns WHERE table_name LIKE 'procrastinate%' ORDER BY 1, 2""",
    "indexes": """
        SELECT indexdef FROM pg_indexes
        WHERE tablename LIKE 'procrastinate%' AND indexname <> 'idx_procrastinate_jobs_worker'
        ORDER BY 1""",
    "constraints": """
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE conrelid::regclass::text LIKE 'procrastinate%' ORDER BY 1, 2""",
    "triggers": """
        SELECT pg_get_triggerdef(oid) FROM pg_trigger
        WHERE tgname LIKE 'procrastinate%' AND NOT tgisinternal ORDER BY 1""",
    "functions": """
        SELECT replace(pg_get_functiondef(oid), 'jobs.*', 'jobs.id') FROM pg_proc
        WHERE proname LIKE 'procrastinate%' ORDER BY 1""",
    "types": """
        SELECT t.typname, e.enumlabel FROM pg_type AS t
        LEFT JOIN pg_enum AS e ON e.enumtypid = t.oid
        WHERE t.typname LIKE 'procrastinate%' ORDER BY 1, e.enumsortorder""",
}


@pytest.fixture(scope="module")
def catalogues(servers, schema_template):
    """What is in a database migrated by us, and in one made by procrastinate."""
    from perf.lab.lab import Lab  # noqa: PLC0415 - the fixture's own

    with Lab(servers.addresses) as lab:
        theirs = lab.dsn(lab.create_database())
        with psycopg.connect(theirs, autocommit=True) as connection:
            connection.execute(SchemaManager.get_schema())
        yield lab.dsn(schema_template), theirs


@pytest.mark.parametrize("what", WHAT)
def test_the_queue_is_procrastinates_own(catalogues, what):
    """After an upgrade that changes it this fails, and says that a migration is missing."""
    found = []
    for dsn in catalogues:
        with psycopg.connect(dsn) as connection:
            found.append(connection.execute(WHAT[what]).fetchall())
    assert found[0] == found[1]
    assert found[0]
