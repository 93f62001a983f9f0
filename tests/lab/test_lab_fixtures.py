"""The suite's own fixtures do what other tests build on."""

from __future__ import annotations

import psycopg
import redis


def test_each_test_gets_an_empty_database(database):
    """A fresh database holds no table."""
    with psycopg.connect(database) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
        ).fetchone()
    assert row == (0,)


def test_redis_is_empty_at_first(redis_url):
    """A test finds no key of another test."""
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0
