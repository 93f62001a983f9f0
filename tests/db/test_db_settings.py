"""Settings come from the environment, complete and checked, and keep their secrets."""

from pathlib import Path

import pytest

from ava.errors import SettingsError
from ava.section import Secret
from ava.settings import DatabaseSettings, Settings

HIDDEN = "hunter2"
URL = f"postgresql://ava:{HIDDEN}@db.example/ava"


def test_defaults_are_the_documents():
    """Without any variable the pool is 5 to 20, timeouts 10 and 30 s, three attempts 1 s apart."""
    found = Settings.from_environment({}).database
    assert (found.pool_min, found.pool_max) == (5, 20)
    assert (found.connect_timeout_s, found.statement_timeout_s) == (10.0, 30.0)
    assert (found.retries, found.retry_delay_s, found.slow_query_s) == (3, 1.0, 1.0)


def test_every_field_is_read_from_its_variable():
    """A variable fills the field of its name, in the field's type."""
    found = Settings.from_environment(
        {
            "AVA_DATABASE_URL": URL,
            "AVA_DATABASE_POOL_MAX": "40",
            "AVA_DATABASE_SLOW_QUERY_S": "0.25",
            "AVA_REDIS_URL": "redis://cache",
            "AVA_LOCAL_STORE": "store.sqlite",
            "PATH": "/bin",
        }
    )
    assert found.database.conninfo() == URL
    assert (found.database.pool_max, found.database.slow_query_s) == (40, 0.25)
    assert found.redis.url == Secret("redis://cache")
    assert found.local.store == Path("store.sqlite")


def test_an_empty_value_counts_as_absent():
    """A variable set to nothing leaves the default."""
    assert Settings.from_environment({"AVA_DATABASE_POOL_MIN": " "}).database.pool_min == 5


def test_an_unknown_key_is_refused_with_the_nearest_known_one():
    """A misspelt key does not silently leave the default."""
    with pytest.raises(SettingsError, match=r"AVA_DATABASE_POOL_MIX .* AVA_DATABASE_POOL_MIN"):
        Settings.from_environment({"AVA_DATABASE_POOL_MIX": "3"})


def test_the_harness_has_keys_of_its_own():
    """AVA_PERF_* is nobody's mistake here."""
    assert Settings.from_environment({"AVA_PERF_DATA": "x"}) == Settings()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("AVA_DATABASE_POOL_MIN", "five"),
        ("AVA_DATABASE_POOL_MIN", "2.5"),
        ("AVA_DATABASE_POOL_MIN", "0"),
        ("AVA_DATABASE_CONNECT_TIMEOUT_S", "0"),
        ("AVA_DATABASE_CONNECT_TIMEOUT_S", "nan"),
        ("AVA_DATABASE_STATEMENT_TIMEOUT_S", "inf"),
        ("AVA_DATABASE_STATEMENT_TIMEOUT_S", "-1"),
        ("AVA_DATABASE_RETRIES", "0"),
        ("AVA_DATABASE_POOL_MIN", "21"),
    ],
)
def test_a_value_out_of_bounds_is_refused_by_its_key(key, value):
    """What cannot be meant is an error that names the variable."""
    with pytest.raises(SettingsError, match=key):
        Settings.from_environment({key: value})


def test_a_missing_url_says_what_to_set():
    """Without a connection string the error names its variable."""
    with pytest.raises(SettingsError, match="AVA_DATABASE_URL is not set"):
        DatabaseSettings().conninfo()


def test_no_text_form_of_settings_shows_the_password():
    """Repr, str and format hide the connection string."""
    found = Settings.from_environment({"AVA_DATABASE_URL": URL, "AVA_REDIS_URL": URL})
    assert HIDDEN not in f"{found!r} {found} {found.database.url} {found.redis.url!r}"
