"""The demonstration of the platform, on the session's servers and an empty database."""

import http.client
from contextlib import contextmanager
from dataclasses import fields
from urllib.parse import urlsplit

import psycopg
import pytest
from running import refuses

from ava.settings import Settings
from perf.claim import read
from perf.claims.system import demonstration
from perf.claims.system.processes import simulated
from perf.lab.lab import Lab
from perf.lab.providers import Simulation
from perf.load.server import Watch


@pytest.fixture
def show(servers, platform_dsn):
    """Start the platform as `ava-perf demo` does, on data of no rows."""
    database = psycopg.conninfo.conninfo_to_dict(platform_dsn)["dbname"]
    (shown,) = read([demonstration]).demonstrations

    @contextmanager
    def show():
        prepared = {"market": {"database": database}}
        with (
            Lab(servers.addresses, seed=1, prepared=prepared) as lab,
            shown.body(lab, servers.guard, 0) as stage,
        ):
            yield stage

    return show


def get(url, key):
    """Return the status and body of a question."""
    place = urlsplit(url)
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=20)
    try:
        headers = {"Authorization": f"Bearer {key}"}
        connection.request("GET", place.path or "/", headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def watched(service):
    """Hold that a service counts exactly what it is asked, and tells what a load run needs."""
    key = service.headers["Authorization"].partition(" ")[2]
    with Watch(service) as watch:
        before = watch.sample(0.0, asking=True)
        for _ in range(3):
            assert get(f"{service.url}/api/v1/portfolio", key)[0] == 200
        after = watch.sample(1.0, asking=True)
    assert after.told.requests - before.told.requests == 3
    assert after.told.hits + after.told.misses > before.told.hits + before.told.misses
    assert after.told.lag is not None
    assert after.told.pool.keys() == service.figures.pool.keys()
    assert after.rss_mb.keys() == after.cpu_s.keys() == {"serve", "worker"}
    assert after.postgres["numbackends"] > 0
    assert after.redis["connected_clients"] > 0


def test_what_is_printed_leads_to_the_platform_and_nothing_is_left_of_it(show):
    """The console opens, its key shows the brokerage's positions, and the port is free again."""
    with show() as stage:
        address, _, key = stage.lines[0].split()[0].partition("/#key=")
        assert get(address, key)[0] == 200
        status, body = get(f"{address}/api/v1/portfolio", key)
        assert (status, b'"AAPL"' in body) == (200, True)
        assert get(f"{address}/api/v1/portfolio", "another")[0] == 401
        watched(stage.service)  # here, since starting it once more would take seconds
    assert refuses(address)
    assert None not in {process.poll() for process in stage.processes}


def test_every_provider_is_simulated():
    """A demonstration asks nobody outside."""
    with Simulation() as simulation:
        settings = Settings.from_environment(simulated(simulation))
        assert set(simulation.names) <= set(settings.providers.addresses())
        assert [
            key.name for key in fields(settings.keys) if not getattr(settings.keys, key.name)
        ] == []
