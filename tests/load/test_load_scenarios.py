"""The scenarios of the platform: readable without Locust, seeded, and about routes that exist."""

import asyncio
import importlib
import json
import pkgutil
import re
import subprocess
import sys
from random import Random

import httpx
import pytest

import loadtests
from ava.api.app import create_app
from ava.core import Core
from ava.settings import Settings, StateSettings
from loadtests import people, scanner, watchlists
from perf.load.scenario import Answer, Metric, Scenario

MODULES = [info.name for info in pkgutil.iter_modules(loadtests.__path__)]
SCENARIOS = {
    name: found.SCENARIO
    for name in MODULES
    if hasattr(found := importlib.import_module(f"loadtests.{name}"), "SCENARIO")
}


def asked(scenario, number=1000):
    """Return what arrivals over the whole run ask, as the generator would let them."""
    step_s = scenario.duration_s / number
    return [scenario.asks(Random(n), n * step_s) for n in range(number)]


@pytest.fixture(scope="module")
def routes(tmp_path_factory):
    """The platform's paths, as patterns."""
    settings = Settings(state=StateSettings(directory=tmp_path_factory.mktemp("state")))

    async def told():
        async with Core.open(settings) as core:
            transport = httpx.ASGITransport(create_app(core))
            async with httpx.AsyncClient(transport=transport, base_url="http://ava") as client:
                return (await client.get("/openapi.json")).json()["paths"]

    return [re.compile(re.sub(r"\{\w+\}", "[^/]+", path)) for path in asyncio.run(told())]


def test_scenarios_are_read_without_locust():
    """Locust patches the standard library, so a scenario's file must not load it."""
    imports = "; ".join(f"import loadtests.{name}" for name in MODULES)
    code = f"import sys; {imports}; print('locust' in sys.modules, 'gevent' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_every_workload_has_a_scenario():
    """Row H3 names the workloads."""
    assert set(SCENARIOS) == {
        "dashboard_users", "scanner", "sports_day", "portfolio_open", "watchlists", "listeners",
        "mixed_day",
    }  # fmt: skip


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_is_named_like_its_file(name):
    """What is typed is what the report says."""
    assert isinstance(SCENARIOS[name], Scenario)
    assert SCENARIOS[name].name.replace("-", "_") == name


@pytest.mark.parametrize("name", SCENARIOS)
def test_an_arrival_asks_the_same_in_every_run(name):
    """All chance comes from the arrival's own source."""

    def told(asks):
        return [(ask.name, ask.path) for ask in asks]

    assert told(asked(SCENARIOS[name], 200)) == told(asked(SCENARIOS[name], 200))


@pytest.mark.parametrize("name", SCENARIOS)
def test_thresholds_are_on_requests_that_are_made(name):
    """A threshold on a name that nobody asks would judge nothing."""
    made = {ask.name for ask in asked(SCENARIOS[name])} | {"next page"}
    wanted = {t.request for t in SCENARIOS[name].thresholds if t.request is not None}
    assert wanted <= made


@pytest.mark.parametrize("name", SCENARIOS)
def test_no_error_and_bounded_memory_are_wanted_of_every_scenario(name):
    """000's targets hold under any traffic."""
    bounds = {threshold.metric: threshold.bound for threshold in SCENARIOS[name].thresholds}
    assert bounds[Metric.ERROR_RATE] == 0
    assert bounds[Metric.MEMORY] == 300


@pytest.mark.parametrize("name", SCENARIOS)
def test_percentiles_are_judged_on_enough_requests(name):
    """An interval of a p95 needs its thousand-odd arrivals in the phase, or at least hundreds."""
    scenario = SCENARIOS[name]
    for threshold in scenario.thresholds:
        if threshold.metric is not Metric.P95 or threshold.phase is None:
            continue
        start = dict(zip((p.name for p in scenario.phases), scenario.starts(), strict=True))
        phase = next(p for p in scenario.phases if p.name == threshold.phase)
        number = round(phase.rate * (phase.duration_s - phase.warmup_s))
        asks = [scenario.asks(Random(n), start[phase.name] + phase.warmup_s) for n in range(number)]
        assert sum(ask.name == threshold.request for ask in asks) >= 93  # bounds a p95 above


@pytest.mark.parametrize("name", SCENARIOS)
def test_only_routes_of_the_platform_are_asked(name, routes):
    """A path that moved would make a scenario of errors."""
    paths = {ask.path.partition("?")[0] for ask in asked(SCENARIOS[name], 500)}
    assert [path for path in paths if not any(route.fullmatch(path) for route in routes)] == []


def test_popular_symbols_are_asked_most_and_others_too():
    """Keys by Zipf's law: the first of 520 has some 15 % of the requests, and hundreds have any."""
    random = Random(1)
    picked = [people.SYMBOL.pick(random) for _ in range(10_000)]
    share = picked.count("AAPL") / len(picked)
    assert 0.12 < share < 0.17  # 1 / (1 + 1/2 + ... + 1/520) = 0.146
    assert len(set(picked)) > 400


def test_all_symbols_are_warmed_within_the_time():
    """What is left out would be fetched one by one while people wait."""
    warm = people.warming(10.0)
    paths = [warm(Random(0), at_s / 10).path for at_s in range(100)]
    asked = {symbol for path in paths for symbol in path.partition("=")[2].split(",")}
    assert asked == set(people.SYMBOLS)


def test_every_scan_has_been_made_before_it_is_judged():
    """A scan that is made for the first time waits for an outside provider."""
    asks = scanner.SCENARIO.asks
    first = {asks(Random(0), at_s / 4).path for at_s in range(80)}
    later = {asks(Random(n), 30.0).path for n in range(500)}
    assert later <= first


def test_pages_follow_their_cursors_to_the_end():
    """The next page is asked for by what the page before said, until none is named."""
    first = watchlists._page("/lists?", "first page")
    following = first.follow(Answer(200, json.dumps({"next_cursor": "a+b="}).encode()))
    assert following.path == "/lists?limit=5&cursor=a%2Bb%3D"
    assert following.follow(Answer(200, b'{"next_cursor": null}')) is None


def test_a_panel_that_failed_is_followed_by_none():
    """An answer without a body, such as 304, names no next page."""
    assert watchlists._page("/lists?", "first page").follow(Answer(304, b"")) is None
