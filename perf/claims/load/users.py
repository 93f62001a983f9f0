"""Rows S8 and H3: a hundred users at once on the whole platform, and what the documents promise.

The scenario is `loadtests/dashboard_users.py`; the platform is the demonstration's: its API, its
worker, PostgreSQL, Redis and providers at their real limits, on a data set of its own. It is run
once, by a preparation, and each target is judged on that one run. A run that the generator could
not do honestly leaves every one of them unmeasured, with its reasons.
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg

from ava.db.migrate import migrate
from loadtests.dashboard_users import SCENARIO
from perf.claim import Category, Plan, at_least, claim, exactly, prepare
from perf.claims.load import ladder
from perf.claims.system.demonstration import FIGURES, platform
from perf.demonstration import Service
from perf.instruments import Bench
from perf.lab.dataset import Size, load
from perf.lab.guard import PACKAGE_ROOT, Guard
from perf.lab.lab import Lab
from perf.load.capacity import Outcome
from perf.load.recording import percentiles_ms
from perf.load.result import Result
from perf.load.run import Order, run
from perf.load.scenario import Threshold, error_rate, hit_rate, memory, p95
from perf.load.thresholds import measured, target_of
from perf.load.told import Spread, parse
from perf.sample import Kind, Measurement, failure

STEADY = "steady"
FILE = PACKAGE_ROOT / "loadtests" / "dashboard_users.py"
NEED = "hundred users"
_STATEMENT_S = 0.05
_PATIENCE_S = 10.0
_CACHED = ("portfolio", "dashboard", "alerts", "trades", "live games", "metadata")


@prepare(NEED, deadline_s=240)
def hundred_users(lab: Lab) -> Mapping[str, Any]:
    """Start the platform, let a hundred users ask, and keep what came of it."""
    lab.prepared = {**lab.prepared, "market": {"database": _market(lab)}}
    with Guard() as guard, platform(lab, guard, 0) as shown:
        if shown.service is None:
            raise RuntimeError("the demonstration offers no service")
        before = _statements(shown.service)
        result = run(Order(FILE), shown.service, guard)
        statements = _statements(shown.service).since(before)
        climbed = ladder.climb(ladder.rung(result, STEADY), ladder.on(shown.service, guard))
    kept = {"result": result.to_json(), "statements": _within(statements), "climbed": climbed}
    file = lab.scratch / "load.json"
    file.write_text(json.dumps(kept), encoding="utf-8")
    return {"file": str(file.relative_to(file.parents[1])), "size": str(Size.SMALL)}


def _market(lab: Lab) -> str:
    """Load a data set of its own: the worker writes to it."""
    database = lab.create_database()
    migrate(lab.dsn(database))
    load(lab.dsn(database), Size.SMALL, seed=lab.seed)
    with psycopg.connect(lab.dsn(database), autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE)")
    return database


def _statements(service: Service) -> Spread:
    """Return the durations of the API's statements so far, as it tells them itself."""
    figures = replace(FIGURES, requests="db_query_duration_seconds", aside=None)
    with urllib.request.urlopen(service.url + figures.path, timeout=_PATIENCE_S) as answer:  # noqa: S310 - the lab's own
        told = parse(answer.read().decode(), figures).latency
    return told or Spread(0.0, 0.0, ())


def _within(statements: Spread) -> dict[str, float]:
    return {"within": dict(statements.buckets).get(_STATEMENT_S, 0.0), "all": statements.count}


def _kept(lab: Lab) -> dict[str, Any]:
    """Return what the preparation left, in whichever process."""
    file = Path(lab.scratch.parent, str(lab.prepared[NEED]["file"]))
    kept: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return kept


def _result(lab: Lab) -> Result:
    return Result.from_json(_kept(lab)["result"])


@dataclass(frozen=True, slots=True)
class Seen:
    """A plan whose work was done by the preparation: it reads one figure of that run."""

    measurement: Measurement

    def measure(self, bench: Bench) -> Measurement:  # noqa: ARG002 - nothing is left to be run
        """Return the figure."""
        return self.measurement


def _judged_by(lab: Lab, threshold: Threshold) -> Plan:
    result = _result(lab)
    if invalid := _invalid(result):
        return Seen(invalid)
    measurement = measured(threshold, result.seen)
    return Seen(replace(measurement, facts={**measurement.facts, **_facts(result)}))


def _invalid(result: Result) -> Measurement | None:
    """Return why nothing of the run is a figure; None where it is valid."""
    reasons = result.reasons()
    return failure("the run is invalid: " + "; ".join(reasons)) if reasons else None


def _facts(result: Result) -> dict[str, Any]:
    """Return what a reader has to know of the run, with the table of all requests."""
    worker = result.generator.workers[0]
    rows = [_row(result, request) for request in result.recording.requests()]
    return {
        "load": f"{SCENARIO.users} users, one question a second each, at chance moments; every"
        " response time counts from the moment it was due",
        "after": "the API and its worker over PostgreSQL, Redis and providers at their own limits",
        "generator_busy_share": worker.busy,
        "generator_and_server_on_own_cores": result.facts.get("generator_and_server_on_own_cores"),
        "table": {
            "columns": ["request", "sent", "errors", "p50 ms", "p95 ms", "p99 ms"],
            "rows": [row for row in rows if row[1]],
        },
    }


def _row(result: Result, request: str) -> list[Any]:
    series = result.recording.select(STEADY, request)
    times = percentiles_ms(series.response).values()
    shown = [None if ms is None else round(ms, 2) for ms in times]
    return [request, series.sent, series.failed, *shown]


@claim(
    id="S8.load.cached.{key}",
    rows=["S8", "H3"],
    profiles=("full",),
    title="With a hundred users at once, 95 of 100 have {request} within 100 ms: it is cached",
    source="000 targets: API response time",
    target=target_of(p95(100)),
    category=Category.LATENCY,
    needs=[NEED],
    cases=[{"key": name.replace(" ", "-"), "request": name} for name in _CACHED],
)
def cached(lab: Lab, key: str, request: str) -> Plan:  # noqa: ARG001 - the id's
    """Read the request's percentile."""
    return _judged_by(lab, p95(100, request=request, phase=STEADY))


@claim(
    id="S8.load.uncached",
    rows=["S8", "H3"],
    profiles=("full",),
    title="With a hundred users at once, 95 of 100 have a dashboard nobody kept within 500 ms",
    source="000 targets: API response time",
    target=target_of(p95(500)),
    category=Category.LATENCY,
    needs=[NEED],
)
def uncached(lab: Lab) -> Plan:
    """Read the percentile of dashboards over days that hardly anybody chose."""
    return _judged_by(lab, p95(500, request="dashboard of days", phase=STEADY))


@claim(
    id="S8.load.errors",
    rows=["S8", "H3"],
    profiles=("full",),
    title="With a hundred users at once nothing fails",
    source="000 targets: 100+ users",
    target=target_of(error_rate(0)),
    category=Category.SCALABILITY,
    needs=[NEED],
)
def errors(lab: Lab) -> Plan:
    """Count what failed of everything that was asked, while it was warming too."""
    return _judged_by(lab, error_rate(0))


@claim(
    id="S8.load.hits.{percent}",
    rows=["S8", "K2"],
    profiles=("full",),
    title="With a hundred users at once {percent} % of look-ups are hits",
    source="{source}",
    target=lambda percent, source: target_of(hit_rate(percent)),  # noqa: ARG005 - the source is a case's
    category=Category.CACHING,
    needs=[NEED],
    cases=[
        {"percent": 85, "source": "000 targets: cache hit rate"},
        {"percent": 80, "source": "001.7: cache hit rate"},
    ],
)
def hits(lab: Lab, percent: int, source: str) -> Plan:  # noqa: ARG001 - the claim's own
    """Read the server's counters at the phase's edges."""
    return _judged_by(lab, hit_rate(percent, phase=STEADY))


@claim(
    id="S8.load.capacity",
    rows=["S8", "H3"],
    profiles=("full",),
    title="The platform keeps its times with 100 users or more, each asking once a second",
    source="000 targets: 100+ users",
    target=at_least(100, "users"),
    category=Category.SCALABILITY,
    needs=[NEED],
)
def capacity(lab: Lab) -> Plan:
    """Read how far the ladder was climbed, and what was at its limit first."""
    climbed = _kept(lab)["climbed"]
    if all(outcome == Outcome.UNOFFERED for _, outcome, _ in climbed["tried"]):
        return Seen(failure("the generator could not offer the load"))
    samples = {"count": [climbed["met"]]}
    return Seen(Measurement(Kind.COUNT, "users", samples, facts=ladder.facts(climbed)))


@claim(
    id="S8.load.memory",
    rows=["S8"],
    profiles=("full",),
    title="With a hundred users at once no process of the platform holds 300 MB",
    source="000 targets: memory usage",
    target=target_of(memory(300)),
    category=Category.RESOURCES,
    needs=[NEED],
)
def resident(lab: Lab) -> Plan:
    """Read the resident memory of the API and of the worker, every second."""
    return _judged_by(lab, memory(300))


@claim(
    id="S8.load.statements",
    rows=["S8", "D9"],
    profiles=("full",),
    title="With a hundred users at once 95 of 100 statements take the database 50 ms or less",
    source="000 targets: database query time",
    target=at_least(95, "%"),
    category=Category.DATABASE,
    needs=[NEED],
)
def statements_in_time(lab: Lab) -> Plan:
    """Count in the API's own histogram those within 50 ms, and all."""
    kept = _kept(lab)
    result, counted = Result.from_json(kept["result"]), kept["statements"]
    if invalid := _invalid(result):
        return Seen(invalid)
    samples = {"part": [counted["within"]], "whole": [counted["all"]]}
    return Seen(Measurement(Kind.SHARE, "%", samples, facts=_facts(result)))


@claim(
    id="U4.load.listeners",
    rows=["U4", "S8"],
    profiles=("full",),
    title="Beside a hundred users who ask, a hundred WebSockets miss no heartbeat",
    source="000.13",
    target=exactly(0, "connections refused, ended or silent"),
    category=Category.RESILIENCE,
    needs=[NEED],
)
def listeners(lab: Lab) -> Plan:
    """Count the connections on which something was amiss."""
    result = _result(lab)
    heard = result.listeners or []
    if invalid := _invalid(result):
        return Seen(invalid)
    asked = sum(one["asked"] for one in heard)
    if not asked:
        return Seen(failure("nobody listened"))
    lacking = asked - sum(one["connected"] for one in heard)
    amiss = lacking + sum(one["silences"] + one["ended"] for one in heard)
    facts = {
        "listeners": asked,
        "messages": sum(one["messages"] for one in heard),
        "heartbeat_s": SCENARIO.listeners.heartbeat_s if SCENARIO.listeners else None,
        "run_s": SCENARIO.duration_s,
    }
    unit = "connections refused, ended or silent"
    return Seen(Measurement(Kind.COUNT, unit, {"count": [amiss]}, facts=facts))
