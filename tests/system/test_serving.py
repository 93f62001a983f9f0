"""`ava serve` as its operator knows it: what it says, what it refuses, and how it ends."""

import signal
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import psycopg
import pytest
from running import refuses, until

SERVE = ("serve", "--port", "0")
SWITCH = "/api/v1/automation/wheel"
ON = {"enabled": True}


def test_without_keys_it_says_what_is_refused(ava, alone):
    """What a key is needed for stays closed, from whichever machine."""
    everywhere = "0.0.0.0"  # noqa: S104 - the point
    serving = ava(*SERVE, "--host", everywhere, **alone | {"AVA_API_KEYS": ""})
    assert serving.ask("GET", SWITCH, key=None)[0] == 401
    assert "no keys (AVA_API_KEYS is not set)" in serving.text
    assert "other machines can reach it" in serving.text


REFUSALS = {
    "AVA_API_PORT=https": (2, "AVA_API_PORT must be a whole number"),
    "AVA_API_PROT=1": (2, "AVA_API_PROT is not a setting; did you mean AVA_API_PORT?"),
    "AVA_API_KEYS=hunter2": (2, "AVA_API_KEYS must be name:secret pairs"),
    "AVA_API_HOST=198.51.100.1": (3, "cannot listen on 198.51.100.1:0"),
    "AVA_API_HOST=no such host": (3, "no such host:0 is not an address"),
    "AVA_DATABASE_URL=postgresql://u:hunter2@127.0.0.1:1/d": (
        3,
        "PostgreSQL at 127.0.0.1:1 cannot be reached",
    ),
}


@pytest.mark.parametrize("setting", REFUSALS)
def test_what_keeps_it_from_starting_is_one_line(ava, alone, setting):
    """A script sees the exit code, a person the sentence; a secret is in neither."""
    code, said = REFUSALS[setting]
    key, _, value = setting.partition("=")
    serving = ava(*SERVE, **alone | {"AVA_DATABASE_RETRIES": "1", key: value})
    assert serving.wait() == code
    assert len(serving.lines) == 1
    assert said in serving.lines[0]
    assert "hunter2" not in serving.text


def test_a_port_that_is_taken_is_refused(ava, alone):
    """Two on one port would share its connections by chance."""
    first = ava(*SERVE, **alone)
    port = urlsplit(first.url).port
    second = ava("serve", "--port", str(port), **alone)
    assert second.wait() == 3
    assert f"cannot listen on 127.0.0.1:{port}: Address already in use" in second.text


def waits(connection):
    """Say whether a session stands before a lock."""
    return connection.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone() > (0,)


def test_a_running_request_is_finished(ava, whole, held):
    """SIGTERM comes while it waits: nobody else is let in, and it is answered."""
    serving = ava(*SERVE, **whole)
    url = serving.url
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(serving.ask, "PUT", SWITCH, ON)
        until(lambda: waits(held))
        serving.signal()
        until(lambda: refuses(url))
        held.commit()
        status, switch = asked.result()
    assert (status, switch["enabled"]) == (200, True)
    assert serving.wait() == 0


def test_a_second_signal_ends_it_at_once(ava, whole, held):
    """The first is still waiting for a request, which is lost."""
    serving = ava(*SERVE, **whole)
    url = serving.url
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(serving.ask, "PUT", SWITCH, ON)
        until(lambda: waits(held))
        serving.signal()
        until(lambda: refuses(url))
        serving.signal()
        assert serving.wait() == -signal.SIGTERM
        assert isinstance(asked.exception(), OSError)


def test_a_request_that_does_not_end_is_given_up_in_time(ava, whole, held):
    """AVA_API_DRAIN_S is how long the end may take."""
    serving = ava(*SERVE, **whole | {"AVA_API_DRAIN_S": "0"})
    assert serving.url
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(serving.ask, "PUT", SWITCH, ON)
        until(lambda: waits(held))
        serving.signal()
        assert serving.wait() == 0
        assert asked.exception() is not None or asked.result()[0] >= 500


def test_sessions_are_those_of_one_pool(ava, whole, platform_dsn):
    """Forty requests at once share what AVA_DATABASE_POOL_MAX allows."""
    serving = ava(*SERVE, **whole)
    assert serving.url
    sessions = (
        "SELECT count(*) FILTER (WHERE application_name = 'ava'), count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        " AND state IS NOT NULL"  # a session that is just starting has no name yet
    )
    seen = []
    with ThreadPoolExecutor(20) as pool, psycopg.connect(platform_dsn, autocommit=True) as mine:
        paths = [f"{SWITCH}{number}" for number in range(40)]
        asked = [pool.submit(serving.ask, "PUT", path, ON) for path in paths]
        while not all(one.done() for one in asked):
            seen.append(mine.execute(sessions).fetchone())
    assert {one.result()[0] for one in asked} == {200}
    assert {pool_s == all_s for pool_s, all_s in seen} == {True}
    assert max(seen) <= (3, 3)
