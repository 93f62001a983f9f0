"""The command `ava worker`, as a process: it says what it does, and ends gracefully."""

import os
import signal
import subprocess
import sys

import psycopg
import pytest

NOWHERE = "http://127.0.0.1:9"  # the port of discard, where nothing listens


@pytest.fixture
def start(tmp_path):
    """Start the command on a database, its providers out of reach."""
    started = []

    def run(dsn):
        names = ("espn", "finnhub", "alpha_vantage", "yahoo", "yahoo_door")
        environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("AVA_")},
            "AVA_STATE_DIRECTORY": str(tmp_path),
            "AVA_PROVIDERS_URLS": ",".join(f"{name}={NOWHERE}" for name in names),
            **({} if dsn is None else {"AVA_DATABASE_URL": dsn}),
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "ava.cli", "worker"],
            env=environ,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


def test_sigterm_ends_it_when_its_jobs_are_done(start, platform_dsn):
    """It says what it works at, unregisters, and exits with 0."""
    process = start(platform_dsn)
    assert "odds_sync" in process.stderr.readline()
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 0
    assert said.endswith("ava: stopped\n")
    with psycopg.connect(platform_dsn) as connection:
        workers = connection.execute("SELECT count(*) FROM procrastinate_workers").fetchone()
        doing = connection.execute(
            "SELECT count(*) FROM procrastinate_jobs WHERE status = 'doing'"
        ).fetchone()
    assert (workers, doing) == ((0,), (0,))


def test_without_a_database_it_says_which_setting_is_missing(start):
    """There is no work without one."""
    process = start(None)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "AVA_DATABASE_URL is not set" in said


def test_a_database_that_was_not_migrated_is_refused(start, database):
    """It says what to do."""
    process = start(database)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 3
    assert "ava migrate" in said
