"""A private Redis comes up for us alone; a user's own is left alone."""

from __future__ import annotations

import pytest
import redis

from perf.lab import Unavailable
from perf.lab.binaries import Source
from perf.lab.guard import Guard
from perf.lab.redis import RedisServer, find_redis, redis_target, redis_url_at


def test_nothing_is_kept_and_memory_is_bounded(redis_server):
    """The settings reported are those a measurement relies on."""
    if redis_server.source is Source.URL:
        pytest.skip("a Redis of the user's own has its own settings")
    with redis.Redis.from_url(redis_server.url) as client:
        assert client.config_get("save") == {"save": ""}
    assert redis_server.settings == {
        "maxmemory": "256.00M",
        "maxmemory_policy": "noeviction",
        "appendonly": "no",
    }


def test_a_stranger_cannot_enter(redis_server):
    """Whoever does not know the password drawn for the run is refused."""
    if redis_server.source is Source.URL:
        pytest.skip("a Redis of the user's own has its own rules")
    host, port = redis_target(redis_server.url)
    with (
        redis.Redis(host=host, port=port, retry=None) as client,
        pytest.raises(redis.AuthenticationError),
    ):
        client.ping()


def test_its_repr_shows_no_url(redis_server):
    """The URL holds the password, so it is not shown."""
    assert redis_server.url not in repr(redis_server)


@pytest.mark.redis
def test_a_program_that_is_no_redis_says_so(tmp_path):
    """A server that ends at once is unavailable, with what it left in its log."""
    lame = tmp_path / "redis-server"
    lame.write_text("#!/bin/sh\necho out of order >> server.log\n")
    lame.chmod(0o755)
    with (
        Guard(tmp_path) as guard,
        pytest.raises(Unavailable, match="redis did not start: out of order"),
    ):
        RedisServer.start(guard, lame, Source.MACHINE)


@pytest.mark.redis
def test_stopping_ends_the_server():
    """After the block nobody answers."""
    with Guard() as guard, RedisServer.start(guard, *find_redis()) as server:
        pass
    with (
        redis.Redis.from_url(server.url, retry=None) as client,
        pytest.raises(redis.ConnectionError),
    ):
        client.ping()


def test_a_redis_named_by_url_is_used_and_never_stopped(redis_server):
    """Closing leaves the user's Redis running."""
    with RedisServer.at(redis_server.url) as borrowed:
        assert borrowed.source is Source.URL
    with redis.Redis.from_url(redis_server.url) as client:
        assert client.ping()


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("redis://:hunter2@127.0.0.1:1/0", "ConnectionError"),
        ("http://hunter2", "not a Redis address"),
    ],
)
def test_an_unreachable_redis_is_one_clear_line_without_secrets(url, why):
    """What is said about a Redis out of reach does not repeat its address."""
    with pytest.raises(Unavailable, match=why) as caught:
        RedisServer.at(url)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("url", "moved"),
    [
        ("redis://cache.example/2", "redis://127.0.0.1:7000/2"),
        ("rediss://cache.example/2", "rediss://127.0.0.1:7000/2"),
        (
            "redis://u:p%40ss@cache.example:6380/0?protocol=3",
            "redis://u:p%40ss@127.0.0.1:7000/0?protocol=3",
        ),
        ("unix:///run/redis.sock?db=3", "redis://127.0.0.1:7000?db=3"),
    ],
)
def test_a_proxy_takes_the_place_of_any_address(url, moved):
    """Place changes; credentials, database and options stay."""
    assert redis_url_at(url, "127.0.0.1", 7000) == moved
