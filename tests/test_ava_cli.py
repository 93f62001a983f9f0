"""The command `ava` as a script sees it: exit codes, stdout for data, one line for a failure."""

import json
import os
import subprocess
import sys
from importlib.metadata import version

import psycopg
import pytest

from ava.db.migrate import migrate


@pytest.fixture
def ava():
    """Run the command in a process of its own, with no settings but those given."""

    def run(*arguments, **environ):
        clean = {key: value for key, value in os.environ.items() if not key.startswith("AVA_")}
        return subprocess.run(
            [sys.executable, "-c", "from ava.cli import main; main()", *arguments],
            env=clean | environ,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return run


def test_the_version_is_told(ava):
    """It is the distribution's."""
    assert ava("--version").stdout == f"ava {version('ava-perf')}\n"


def test_migrate_says_what_it_applied(ava, database):
    """The first run lists its files on stdout, the second none."""
    first, second = (ava("migrate", "--dsn", database) for _ in range(2))
    assert (first.returncode, second.returncode) == (0, 0)
    assert "applied migrations/0001_trading_tables.sql" in first.stdout.splitlines()
    assert "repeated views/v_live_games.sql" in first.stdout.splitlines()
    assert second.stdout == ""


def test_the_database_may_come_from_the_environment(ava, database):
    """AVA_DATABASE_URL stands in for --dsn, and the option wins."""
    assert ava("migrate", AVA_DATABASE_URL=database).returncode == 0
    wrong = "postgresql://localhost:1/none"
    assert ava("migrate", "--dsn", database, AVA_DATABASE_URL=wrong).returncode == 0


def test_status_lists_applied_and_pending(ava, database):
    """Before a deployment all is pending, after it all is applied; status itself does nothing."""
    before = ava("migrate", "--status", "--dsn", database)
    migrate(database)
    after = ava("migrate", "--status", "--dsn", database)
    assert (before.returncode, after.returncode) == (0, 0)
    assert "pending migrations/0001_trading_tables.sql" in before.stdout.splitlines()
    assert "pending" not in after.stdout
    assert after.stdout.startswith("applied 0001_trading_tables ")


@pytest.mark.parametrize(
    ("arguments", "environ", "code", "said"),
    [
        (["migrate"], {}, 2, "AVA_DATABASE_URL is not set"),
        (["migrate"], {"AVA_DATABASE_URL": "  "}, 2, "AVA_DATABASE_URL is not set"),
        (["migrate", "--dsn", "hunter2 nonsense"], {}, 2, "malformed"),
        (["migrate", "--dsn", "postgresql://u:hunter%zz2@h/d"], {}, 2, "malformed"),
        (["migrate", "--dsn", "postgresql://u:hunter2@127.0.0.1:1/d"], {}, 3, "nothing listens"),
        (["maintain", "daily", "--dsn", "postgresql://u:hunter2@127.0.0.1:1/d"], {}, 3, "ava: "),
        (["migrate"], {"AVA_DATABASE_UR": "hunter2"}, 2, "AVA_DATABASE_UR is not a setting"),
        (["maintain", "hourly"], {}, 2, "'hourly' is not one of"),
        (["maintain"], {}, 2, "Missing argument"),
        (["nothing"], {}, 2, "No such command"),
    ],
)
def test_a_mistake_is_told_and_no_secret_with_it(ava, arguments, environ, code, said):
    """Usage and configuration exit with 2, a server out of reach with 3; never a traceback."""
    done = ava(*arguments, **environ)
    assert done.returncode == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert "hunter" not in done.stderr
    assert done.stdout == ""


def test_a_failed_deployment_is_one_line(ava, database):
    """The file, the statement and what the server said, on stderr."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("CREATE TABLE stocks (id integer)")
    done = ava("migrate", "--dsn", database)
    assert done.returncode == 3
    assert len(done.stderr.splitlines()) == 1
    assert 'migrations/0001_trading_tables.sql: line 4: relation "stocks"' in done.stderr


def test_findings_are_json_on_stdout(ava, database):
    """Progress stays on stderr, so the output can be read by a program."""
    migrate(database)
    done = ava("maintain", "weekly", "--json", "--dsn", database)
    assert done.returncode == 0
    found = json.loads(done.stdout)
    assert found["period"] == "weekly"
    assert {"check", "severity", "object", "figure", "advice"} == set(found["findings"][0])
    assert "cache_hit ..." in done.stderr.splitlines()


def test_a_check_that_cannot_be_made_is_no_success(ava, database):
    """Without pg_stat_statements the day's list is incomplete: exit 3, and the cure is shown."""
    migrate(database)
    done = ava("maintain", "daily", "--dsn", database)
    assert done.returncode == 3
    assert "unknown  slow_queries: the whole check: not done" in done.stdout
    assert "CREATE EXTENSION pg_stat_statements" in done.stdout


def test_findings_need_attention(ava, database):
    """Something to act on exits with 1, whatever else could not be checked."""
    migrate(database)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("CREATE TABLE note (alert_id bigint REFERENCES alerts)")
    done = ava("maintain", "monthly", "--dsn", database)
    assert done.returncode == 1
    assert "-> CREATE INDEX CONCURRENTLY ON public.note (alert_id)" in done.stdout
