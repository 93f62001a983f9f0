"""What is made through a lab goes with it, and what is missing is said with its cure."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
import redis
from psycopg.conninfo import conninfo_to_dict

from perf.lab import Unavailable
from perf.lab.binaries import Source
from perf.lab.lab import Addresses, Lab, Missing, Profile, Servers
from perf.lab.postgres import PostgresAddress

NOWHERE = Addresses(
    Path("/nowhere"),
    Missing("no PostgreSQL was found", "install one"),
    Missing("no Redis was found", "install another"),
)


def databases(lab):
    with psycopg.connect(lab.dsn()) as connection:
        return {name for (name,) in connection.execute("SELECT datname FROM pg_database")}


def execute(dsn, statement):
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(statement)


def test_a_lab_carries_what_the_run_decided(servers):
    """Profile, seed and preparations reach the claim as they were given."""
    lab = Lab(servers.addresses, profile=Profile.FULL, seed=7, prepared={"data": {"rows": 3}})
    assert (lab.profile, lab.seed, lab.prepared["data"]["rows"]) == ("full", 7, 3)


@pytest.mark.parametrize("addresses", [NOWHERE, None])
def test_addresses_travel_as_json(addresses, servers):
    """A child process reads from JSON the same addresses that its parent wrote."""
    sent = addresses or servers.addresses
    assert Addresses.from_dict(json.loads(json.dumps(sent.to_dict()))) == sent


def test_addresses_show_no_secret():
    """Neither password is in the repr, which ends up in logs and test reports."""
    address = PostgresAddress("password=hunter2", "password=hunter2")
    assert "hunter2" not in repr(Addresses(Path("/run"), address, "redis://:hunter2@host"))


@pytest.mark.postgres
def test_a_database_goes_with_its_lab(servers):
    """Closing drops the database although somebody is still connected."""
    with Lab(servers.addresses) as lab, Lab(servers.addresses) as observer:
        name = lab.create_database()
        guest = psycopg.connect(lab.dsn(name))
        assert name in databases(observer)
        lab.close()
        assert name not in databases(observer)
        guest.close()


def test_a_database_can_be_a_copy(lab):
    """A template's tables and rows are in the copy, and a change of one is not in the other."""
    first = lab.create_database()
    execute(lab.dsn(first), "CREATE TABLE prices AS SELECT 42 AS price")
    second = lab.create_database(template=first)
    execute(lab.dsn(second), "UPDATE prices SET price = 0")
    with psycopg.connect(lab.dsn(first)) as connection:
        assert connection.execute("SELECT price FROM prices").fetchone() == (42,)


def test_without_the_right_to_create_databases_it_is_unavailable(servers, lab):
    """A role that may not create databases is told so, with the statement that allows it."""
    if servers.postgres.source is Source.URL:
        pytest.skip("a role is not made on a server of the user's own")
    database = lab.create_database()
    execute(lab.dsn(database), "CREATE ROLE reader LOGIN")
    address = PostgresAddress(f"{lab.dsn(database)} user=reader", "")
    reader = Lab(Addresses(Path("/nowhere"), address, NOWHERE.redis_url))
    with pytest.raises(Unavailable, match=r"may not create databases.*CREATEDB"):
        reader.create_database()
    execute(lab.dsn(), "DROP ROLE reader")


def test_an_extension_is_there_once_required(lab):
    """Requiring creates it, and requiring again is no error."""
    database = lab.create_database()
    lab.require_extension("plpgsql", database)
    lab.require_extension("plpgsql", database)


def test_contrib_works_when_the_server_has_it(postgres_server, lab):
    """Statistics of statements can be read, which takes more than creating the extension."""
    if "pg_stat_statements" not in postgres_server.contrib:
        pytest.skip("this server has no contrib modules")
    database = lab.create_database()
    lab.require_extension("pg_stat_statements", database)
    with psycopg.connect(lab.dsn(database)) as connection:
        assert connection.execute("SELECT count(*) >= 0 FROM pg_stat_statements").fetchone()[0]


@pytest.mark.parametrize("name", ["hypopg", "no_such_extension"])
def test_an_extension_that_is_not_there_has_a_cure(postgres_server, lab, name):
    """What the server lacks is unavailable, with the command that installs it."""
    if name in postgres_server.contrib:
        pytest.skip("this server offers it")
    with pytest.raises(Unavailable, match=name) as caught:
        lab.require_extension(name, lab.create_database())
    assert caught.value.cure.startswith("apt-get install postgresql")


def test_scratch_goes_with_the_lab(lab, servers):
    """A lab's files lie in the run's directory and are removed at close."""
    scratch = lab.scratch
    (scratch / "file").write_text("anything")
    assert scratch.parent == servers.guard.directory
    assert lab.scratch == scratch
    lab.close()
    assert not scratch.exists()


def test_what_is_kept_is_left_the_latest_first(servers):
    """Context managers given to a lab end with it, in reverse order."""
    left = []

    @contextmanager
    def manager(name):
        yield name
        left.append(name)

    with Lab(servers.addresses) as lab:
        assert [lab.keep(manager("first")), lab.keep(manager("second"))] == ["first", "second"]
        assert left == []
    assert left == ["second", "first"]


@pytest.mark.redis
def test_redis_can_be_reached_through_a_proxy(lab, redis_url):
    """A client is led through the proxy with the same credentials, and sees it cut."""
    proxy = lab.redis_proxy()
    with (
        redis.Redis.from_url(lab.redis_url_via(proxy), retry=None) as far,
        redis.Redis.from_url(redis_url) as near,
    ):
        far.set("key", "value")
        assert near.get("key") == b"value"
        proxy.cut(refuse=True)
        with pytest.raises(redis.ConnectionError):
            far.get("key")


@pytest.mark.redis
def test_a_lab_finds_redis_empty_and_keeps_what_it_writes(servers, redis_server):
    """Nothing that another claim left is there; asking once more takes nothing away."""
    if redis_server.source is Source.URL:
        pytest.skip("a Redis of the user's own is not ours to empty")
    with Lab(servers.addresses) as earlier, Lab(servers.addresses) as later:
        for lab, found in (earlier, None), (later, None), (later, b"permits"):
            with redis.Redis.from_url(lab.redis_url) as client:
                assert client.get("ava:limit:{yahoo}") == found
                client.set("ava:limit:{yahoo}", "permits")


@pytest.mark.redis
def test_a_redis_of_the_users_own_is_not_emptied(servers, redis_url):
    """What its owner keeps there is there after a claim asked for it."""
    with redis.Redis.from_url(redis_url) as client:
        client.set("theirs", "kept")
        with Lab(replace(servers.addresses, redis_pid=None)) as lab:
            assert lab.redis_url == redis_url
        assert client.getdel("theirs") == b"kept"


def test_what_is_missing_is_said_when_it_is_asked_for():
    """A lab without servers opens; each server is unavailable with its reason and cure."""
    with Lab(NOWHERE) as lab:
        with pytest.raises(Unavailable, match="no PostgreSQL was found; try: install one"):
            lab.dsn()
        with pytest.raises(Unavailable, match="no Redis was found; try: install another"):
            _ = lab.redis_url


@pytest.mark.redis
def test_one_missing_server_does_not_take_the_other_along(tmp_path, redis_server):
    """A run without PostgreSQL still has its Redis, and its facts say what is not there."""
    environ = {"AVA_PERF_POSTGRES_BIN": str(tmp_path), "AVA_REDIS_URL": redis_server.url}
    with Servers(environ) as servers, Lab(servers.addresses) as lab:
        assert lab.redis_url == redis_server.url
        assert "AVA_PERF_POSTGRES_BIN" in servers.facts()["postgres"]["unavailable"]


@pytest.mark.postgres
def test_servers_of_the_users_own_are_used_and_left_running(servers):
    """A run on given addresses starts nothing and stops nothing."""
    given = {"AVA_DATABASE_URL": servers.postgres.dsn(), "AVA_REDIS_URL": servers.redis.url}
    with Servers(given) as borrowed:
        assert {each["source"] for each in borrowed.facts().values()} == {"url"}
    with Lab(servers.addresses) as lab:
        assert "postgres" in databases(lab)


def test_facts_hold_no_secret(servers):
    """What goes into the report is JSON without any password."""
    facts = json.dumps(servers.facts())
    secret = conninfo_to_dict(servers.postgres.tcp_dsn()).get("password")
    assert servers.postgres.version in facts
    assert secret is None or secret not in facts
    assert servers.redis.url not in facts
