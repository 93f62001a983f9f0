"""What /metrics says: in Prometheus's form, under the documents' names, as the platform has it."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from telemetry_asking import opened

from ava.cache.keep import Keep
from ava.clock import ManualClock
from ava.db.query import named
from ava.net.request import Request
from ava.providers import espn
from ava.telemetry.exposition import written
from ava.telemetry.families import gauge
from ava.telemetry.lag import EVERY_S, LoopLag
from ava.telemetry.signals import SignalRecorder
from ava.telemetry.tallies import Tallies
from ava.telemetry.telemetry import Telemetry

pytestmark = pytest.mark.anyio

DOCUMENTED = {
    "db_query_duration_seconds": "histogram",
    "argo_signal_generation_duration_seconds": "histogram",
    "argo_data_source_requests": "counter",
    "argo_data_source_status": "gauge",
    "argo_cache_hits": "counter",
    "argo_cache_misses": "counter",
    "argo_skipped_symbols": "counter",
}


async def scraped(client):
    """Return the families of a scrape, by name."""
    answer = await client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {family.name: family for family in text_string_to_metric_families(answer.text)}


def values(family, suffix=""):
    """Return the samples of a family by the values of their labels, in order of their names."""
    wanted = family.name + suffix
    return {
        tuple(value for _, value in sorted(sample.labels.items())): sample.value
        for sample in family.samples
        if sample.name == wanted
    }


async def test_every_documented_metric_is_there_from_the_start():
    """With its name and type, even before anything happened and without any server."""
    async with opened() as (_, client):
        found = await scraped(client)
    assert {name: found[name].type for name in DOCUMENTED} == DOCUMENTED


async def test_a_histogram_of_nothing_counts_nothing():
    """The signal loop does not run: there is a histogram, and it is empty."""
    async with opened() as (_, client):
        signals = (await scraped(client))["argo_signal_generation_duration_seconds"]
    assert values(signals, "_count") == {(): 0.0}
    assert {sample.value for sample in signals.samples} == {0.0}


async def test_signals_are_those_that_the_loop_recorded():
    """Durations, symbols looked at and symbols skipped."""
    async with opened() as (core, client):
        core.service(Telemetry).signals.record(0.25, symbols=10, skipped=4)
        found = await scraped(client)
    duration = found["argo_signal_generation_duration_seconds"]
    assert values(duration, "_sum") == {(): 0.25}
    assert values(duration, "_bucket")[("0.3",)] == 1
    assert values(duration, "_bucket")[("0.2",)] == 0
    assert values(found["argo_skipped_symbols"], "_total") == {(): 4.0}


@pytest.mark.real_time
async def test_cache_figures_are_those_of_the_cache(redis_url):
    """Three look-ups, of which one was a hit."""

    async def fetch():
        return 1

    async with opened(redis=redis_url) as (core, client):
        for key in ("a", "b", "a"):
            await core.platform.cache.get_or_fetch(key, fetch, kind=int, keep=Keep(60))
        found, stats = await scraped(client), core.platform.cache.stats()
    assert values(found["argo_cache_hits"], "_total") == {("memory",): 1, ("redis",): 0}
    assert values(found["argo_cache_misses"], "_total") == {(): stats.misses} == {(): 2}
    assert values(found["ava_cache_connected"]) == {(): 1.0}


async def test_statements_are_those_of_the_timer(platform_dsn):
    """By the names that sql/queries gives them, with the buckets of the timer."""
    async with opened(dsn=platform_dsn) as (core, client):
        await core.database.fetch(named("automation_switch"), {"name": "wheel"})
        found, seen = await scraped(client), core.database.timer.snapshot()
    duration = found["db_query_duration_seconds"]
    assert values(duration, "_count") == {(name,): one.count for name, one in seen.items()}
    mine = seen["automation_switch"]
    shown = values(duration, "_bucket")
    for bound, count in mine.buckets.items():
        label = "+Inf" if bound == float("inf") else str(bound)
        assert shown[(label, "automation_switch")] == count
    assert values(found["ava_db_pool_connections_limit"]) == {(): 2.0}
    assert values(found["ava_db_pool_in_use"]) == {(): 0.0}


async def test_providers_are_those_of_the_gateway():
    """One that cannot be reached failed, and counts so; the others were not asked."""
    async with opened() as (core, client):
        provider = core.platform.gateway.client(espn.SPEC)
        provider._asker._http = _Refusing()
        with pytest.raises(Exception, match="espn"):
            await provider.fetch(Request("/x", repeatable=False), bytes, deadline_s=1.0)
        found = await scraped(client)
    requests = values(found["argo_data_source_requests"], "_total")
    assert requests == {("success", "espn"): 0.0, ("failure", "espn"): 1.0}
    assert values(found["argo_data_source_status"]) == {("espn",): 0.5}
    assert values(found["ava_breaker_state"]) == {
        ("espn", "closed"): 1.0,
        ("espn", "open"): 0.0,
        ("espn", "half_open"): 0.0,
    }
    assert values(found["ava_limiter_waiting"]) == {("espn",): 0.0}


class _Refusing:
    """A transport that nobody answers."""

    async def send(self, *_args, **_options):
        raise OSError("refused")


async def test_no_label_comes_from_a_request():
    """Paths, methods and values that callers made up are counted under names of ours."""
    async with opened() as (_, client):
        for n in range(50):
            await client.get(f"/made-up/{n}?q={n}")
            await client.get(f"/example/lasting/symbol{n}")
        await client.request("PURGE", "/example/passing")
        requests = (await scraped(client))["ava_http_request_duration_seconds"]
    counts = values(requests, "_count")
    assert counts[("GET", "/example/lasting/{name}", "200")] == 50
    assert counts[("GET", "unmatched", "404")] == 50
    assert "symbol" not in str(counts)
    assert "PURGE" not in str(counts)
    assert len(counts) == 3


async def test_an_answer_of_the_fast_path_counts_for_its_route():
    """Though no route was asked; hits are those of the layer itself."""
    async with opened() as (_, client):
        for _ in range(3):
            await client.get("/example/lasting/a")
        found = await scraped(client)
    requests = values(found["ava_http_request_duration_seconds"], "_count")
    assert requests == {("GET", "/example/lasting/{name}", "200"): 3.0}
    assert values(found["ava_fast_path_hits"], "_total") == {(): 2.0}


async def test_bytes_are_those_of_the_bodies():
    """Of every answer, errors too."""
    async with opened() as (_, client):
        sent = len((await client.get("/example/passing")).content)
        missing = len((await client.get("/nothing")).content)
        found = await scraped(client)
    assert values(found["ava_http_response_bytes"], "_total") == {
        ("GET", "/example/passing", "200"): sent,
        ("GET", "unmatched", "404"): missing,
    }


async def test_each_core_has_a_registry_of_its_own():
    """What one counts is not seen at another."""
    async with opened() as (one, _), opened() as (_, client):
        one.service(Telemetry).signals.record(1.0)
        found = await scraped(client)
    assert values(found["argo_signal_generation_duration_seconds"], "_count") == {(): 0.0}


async def test_the_process_and_its_memory_are_shown():
    """By prometheus_client's own collectors."""
    async with opened() as (_, client):
        found = await scraped(client)
    assert values(found["process_resident_memory_bytes"])[()] > 10e6
    assert "python_gc_collections" in found


async def test_the_lag_of_the_loop_is_how_late_a_sleeper_wakes():
    """A loop that is held up for a second shows a second."""
    clock = ManualClock()
    lag = LoopLag(clock)
    watching = asyncio.create_task(lag.watch())
    await clock.advance(EVERY_S)
    assert lag.last_s == 0.0
    clock._elapsed += 1.0  # the hands move while nobody can wake
    await clock.advance(0.0)
    watching.cancel()
    assert lag.last_s == pytest.approx(1.0 - EVERY_S)


async def test_the_text_is_that_of_the_library(platform_dsn):
    """Byte for byte, so that whatever reads Prometheus's form reads ours."""
    async with opened(dsn=platform_dsn) as (core, client):
        await core.database.fetch(named("automation_switch"), {"name": "wheel"})
        await client.get("/example/passing")
        families = list(core.service(Telemetry).metrics.registry.collect())
    assert written(families) == generate_latest(_Collected(families))


class _Collected:
    """Families as a registry gives them."""

    def __init__(self, families):
        self._families = families

    def collect(self):
        return self._families


@given(st.lists(st.tuples(st.text(), st.floats()), max_size=5), st.text())
def test_whatever_a_label_holds_is_written_as_the_library_does(samples, help_text):
    """Quotes, line breaks, infinities and what is no number; a zero has no sign."""
    of = [((value, "x"), number + 0.0) for value, number in samples]
    family = gauge("example", help_text, by=("b", "a"), of=of)
    assert written([family]) == generate_latest(_Collected([family]))


def test_labels_are_bounded():
    """Beyond the bound everything is `other`."""
    tallies = Tallies((1.0,), most=2)
    for name in ("a", "b", "c", "d"):
        tallies.add((name, "x"), 0.5)
    found = dict(tallies.items())
    assert set(found) == {("a", "x"), ("b", "x"), ("other", "other")}
    assert found[("other", "other")].count == 2


def test_what_signals_did_not_do_is_unknown():
    """No mean of nothing, no rate of nothing."""
    signals = SignalRecorder()
    assert (signals.mean_s, signals.skip_rate) == (None, None)
    signals.record(0.2, symbols=4, skipped=1)
    signals.record(0.4, symbols=4, skipped=1)
    assert signals.mean_s == pytest.approx(0.3)
    assert signals.skip_rate == 25.0
