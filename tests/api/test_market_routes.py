"""Metadata, scans, recommendations and predictions over HTTP, at simulated providers."""

from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date

import httpx
import pytest

from ava.api.app import create_app
from ava.clock import ManualClock
from ava.core import Core
from ava.section import Secret
from ava.settings import (
    ApiSettings,
    DatabaseSettings,
    ProviderKeys,
    ProviderSettings,
    Settings,
    StateSettings,
)
from perf.lab.providers import Fault, Kind, Simulation

pytestmark = pytest.mark.anyio

KEY = {"authorization": "Bearer open-sesame"}
PUT = {"kind": "option", "quantity": -1, "right": "put", "strike": 90, "expires": "2026-02-20"}
ASKED = [
    ("GET", "/api/v1/metadata?symbols=AAPL,MSFT", None),
    ("GET", "/api/v1/scanner/options?symbols=AAPL,JPM&sectors=Financials&dte=30", None),
    ("GET", "/api/v1/scanner/premium?symbols=AAPL,JPM&strategy=covered_call", None),
    ("GET", "/api/v1/scanner/expiry?symbols=AAPL,JPM", None),
    ("GET", "/api/v1/recommendations?symbols=AAPL,MSFT", None),
    ("POST", "/api/v1/recommendations", {"cases": [{"symbol": "AAPL", "position": PUT}]}),
]
OPEN = ["/api/v1/predictions", "/api/v1/predictions/signals?symbol=AAPL"]
REFUSED = [
    "/api/v1/metadata",
    "/api/v1/metadata?symbols=",
    "/api/v1/metadata?symbols=AAPL,",
    "/api/v1/metadata?symbols=a%00b",
    "/api/v1/metadata?symbols=AAPL;DROP",
    "/api/v1/metadata?symbols=" + ",".join(f"S{n}" for n in range(101)),
    "/api/v1/scanner/options?symbols=AAPL&max_price=nan",
    "/api/v1/scanner/options?symbols=AAPL&min_premium_pct=-1",
    "/api/v1/scanner/options?symbols=AAPL&dte=-1",
    "/api/v1/scanner/premium?symbols=AAPL&min_delta=0.5&max_delta=0.4",
    "/api/v1/scanner/premium?symbols=AAPL&min_days=9&max_days=8",
    "/api/v1/scanner/premium?symbols=AAPL&max_collateral=inf",
    "/api/v1/scanner/premium?symbols=AAPL&strategy=naked_call",
    "/api/v1/scanner/premium?symbols=AAPL&limit=0",
    "/api/v1/scanner/expiry?symbols=" + ",".join(f"S{n}" for n in range(100)) + "&expiries=12",
    "/api/v1/recommendations?symbols=" + ",".join(f"S{n}" for n in range(11)) + "&comment=true",
    "/api/v1/predictions?symbol=%00",
    "/api/v1/predictions?limit=0",
]
BAD_BODIES = [
    {},
    {"cases": []},
    {"cases": [{"symbol": "AAPL"}] * 101},
    {"cases": [{"symbol": "a b"}]},
    {"cases": [{"symbol": "AAPL", "position": {**PUT, "strike": 0}}]},
    {"cases": [{"symbol": "AAPL", "position": {**PUT, "kind": "future"}}]},
    {"cases": [{"symbol": "AAPL", "shares": 1}]},
]


@pytest.fixture(scope="module")
def simulation():
    """The providers of this module."""
    with Simulation("yahoo", "robinhood", seed=1, pace=100, today=date(2026, 1, 5)) as running:
        yield running


@pytest.fixture(scope="module")
def settings(simulation, tmp_path_factory):
    """Settings of a platform with a brokerage and one key."""
    urls = {name: simulation.url(name) for name in simulation.names}
    urls["yahoo_door"] = urls["yahoo"]
    return Settings(
        api=ApiSettings(keys=Secret("desk:open-sesame")),
        providers=ProviderSettings(
            urls=",".join(f"{name}={url}" for name, url in urls.items()), pace=100
        ),
        keys=ProviderKeys(robinhood=Secret(simulation.key("robinhood"))),
        state=StateSettings(directory=tmp_path_factory.mktemp("state")),
    )


@asynccontextmanager
async def asking(settings):
    """Ask a platform whose clock stands."""
    async with Core.open(settings, clock=ManualClock(jump=True)) as core:
        transport = httpx.ASGITransport(create_app(core))
        async with httpx.AsyncClient(transport=transport, base_url="http://ava") as client:
            yield client


@pytest.fixture(scope="module")
async def client(settings):
    """A client of a platform without a database; one for all, since making one takes longest."""
    async with asking(settings) as client:
        yield client


@pytest.fixture
async def stored(settings, platform_dsn):
    """A client of a platform with an empty one."""
    database = DatabaseSettings(url=Secret(platform_dsn), pool_min=1, pool_max=2)
    async with asking(replace(settings, database=database)) as client:
        yield client


@pytest.mark.parametrize(("method", "path", "body"), ASKED)
async def test_what_asks_providers_needs_a_key(client, method, path, body):
    """It may cost somebody's quota; with a key it is answered."""
    refused = await client.request(method, path, json=body)
    assert refused.status_code == 401
    answer = await client.request(method, path, json=body, headers=KEY)
    assert answer.status_code == 200, answer.text
    assert float(answer.headers["x-fresh-for"]) > 0


@pytest.mark.parametrize("path", OPEN)
async def test_what_is_stored_needs_none(stored, path):
    """A list, empty here."""
    assert (await stored.get(path)).json() == {"items": [], "next_cursor": None}


@pytest.mark.parametrize("path", REFUSED)
async def test_what_is_out_of_bounds_is_refused(client, path, simulation):
    """By its parameter, before anybody outside is asked."""
    asked = simulation.counts("yahoo").requests
    answer = await client.get(path, headers=KEY)
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert simulation.counts("yahoo").requests == asked


@pytest.mark.parametrize("body", BAD_BODIES)
async def test_a_body_out_of_bounds_is_refused(client, body):
    """The problem says where in it."""
    answer = await client.post("/api/v1/recommendations", json=body, headers=KEY)
    assert answer.status_code == 422
    assert answer.json()["type"] == "urn:ava:problem:bad_body"


async def test_one_failed_symbol_stands_beside_the_answers(client):
    """The answer is good, says what is missing, and is not to be kept."""
    answer = await client.get("/api/v1/metadata?symbols=AAPL,NOSUCH", headers=KEY)
    assert answer.status_code == 200
    told = answer.json()
    assert list(told["items"]) == ["AAPL"]
    assert told["failed"]["NOSUCH"]["status"] == 404
    assert answer.headers["cache-control"] == "private, no-cache"


async def test_nothing_but_failures_is_a_problem(settings, simulation):
    """Of the provider's, so that no page shows an empty table for it."""
    simulation.fault("yahoo", Fault(Kind.STATUS, times=None, status=503))
    async with asking(settings) as client:
        answer = await client.get("/api/v1/scanner/premium?symbols=AAPL,JPM", headers=KEY)
    simulation.reset()
    assert answer.status_code == 502
    assert answer.json()["provider"].startswith("yahoo")


async def test_a_limit_cuts_and_the_count_stays(client):
    """Who reads one row learns how many there are."""
    path = "/api/v1/scanner/premium?symbols=AAPL,JPM&limit=1"
    told = (await client.get(path, headers=KEY)).json()
    assert len(told["candidates"]) == 1
    assert told["found"] > 1
