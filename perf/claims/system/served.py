"""Row S8, with S4's memory: the platform as its operator runs it, by real processes of `ava serve`.

How soon it answers, what a scan of the whole market leaves in memory, and whether two processes
agree. Everything is started by the command, over the lab's servers and simulated providers, and is
asked over HTTP.
"""

from __future__ import annotations

import asyncio
import itertools
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import psutil  # type: ignore[import-untyped] # it ships no types

from perf.claim import Category, Plan, at_most, claim, exactly
from perf.claims.cache.shared import Times
from perf.claims.database.prepared import empty_copy
from perf.claims.system.processes import Started, running, simulated
from perf.instruments import Bench, Count, Counted
from perf.lab.guard import PACKAGE_ROOT
from perf.lab.lab import Lab, Profile
from perf.lab.providers.market import market
from perf.sample import Kind, Measurement

STARTS = 6  # of so many times the median lies between the least and the greatest, at 95 %
SYMBOLS, A_REQUEST = 500, 100
VIEWS = ("options", "premium", "expiry")
PACE = 1000.0  # of Yahoo's clock: its limits would make the scan last for half an hour
CHANGES = 200
LATE_S = 0.1
_KEY = "measured"
_MB = 1_000_000
_LOOK_S = 0.02
_SERVES = "import ava.cli.commands.serve, ava.serving.server"
_IMPORT = re.compile(r"import time:\s*(\d+) \|\s*\d+ \|\s*([\w.]+)")
_logs = itertools.count()


@contextmanager
def serving(lab: Lab, settings: Mapping[str, str]) -> Iterator[tuple[Started, httpx.Client]]:
    """Serve with these settings, and return a client that has a key."""
    own = {"AVA_STATE_DIRECTORY": str(lab.scratch), "AVA_API_KEYS": f"claim:{_KEY}", **settings}
    log = lab.scratch / f"serve-{next(_logs)}.log"
    with running(["serve", "--port", "0"], own, log, "serves") as process:
        headers = {"Authorization": f"Bearer {_KEY}"}
        with httpx.Client(base_url=process.url, headers=headers, timeout=60) as client:
            yield process, client


def whole(lab: Lab) -> dict[str, str]:
    """Return the settings of a platform with a database of its own, and Redis."""
    return {"AVA_DATABASE_URL": lab.dsn(empty_copy(lab)), "AVA_REDIS_URL": lab.redis_url}


@claim(
    id="S8.start.first-answer",
    rows=["S8"],
    profiles=("full",),
    title="ava serve answers its first request within 5 s of its start",
    source="004: start-up",
    target=at_most(5, "s"),
    category=Category.LATENCY,
    needs=["schema"],
)
def first_answer(lab: Lab) -> Plan:
    """Start it anew each time, and ask for a switch: a key, a route, the database."""
    settings = whole(lab)

    async def times() -> list[float]:
        return [await asyncio.to_thread(_start, lab, settings) for _ in range(STARTS)]

    facts = {
        "after": "a new process to the first answered request, which reads a row of the database",
        "beside": "PostgreSQL with a pool of 5 connections, Redis",
        **_imports(),
    }
    return Times(times, "s", 0.5, facts)


def _start(lab: Lab, settings: Mapping[str, str]) -> float:
    with serving(lab, settings) as (process, client):
        client.get("/api/v1/automation").raise_for_status()
        return time.monotonic() - process.began


def _imports() -> dict[str, Any]:
    """Return what `ava serve` imports by package, the slowest first, as Python counts it."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", _SERVES],
        capture_output=True,
        text=True,
        check=True,
        cwd=PACKAGE_ROOT,
    )
    spent, modules = Counter[str](), Counter[str]()
    for microseconds, name in _IMPORT.findall(done.stderr):
        package = name.partition(".")[0]
        spent[package] += int(microseconds)
        modules[package] += 1
    rows = [[name, modules[name], round(us / 1000, 1)] for name, us in spent.most_common(15)]
    return {
        "imports_ms": round(sum(spent.values()) / 1000),
        "imported_modules": sum(modules.values()),
        "bytecode": "compiled anew each time" if sys.dont_write_bytecode else "kept by Python",
        "table": {"columns": ["package", "modules", "ms of their own"], "rows": rows},
    }


@dataclass(frozen=True, slots=True)
class Resident:
    """A plan that reads a process's resident memory while it works; the figure is the highest.

    `work` is given the process's readings so far and returns facts, and whether all was answered.
    """

    work: Callable[[], tuple[list[float], Mapping[str, Any], bool]]

    def measure(self, bench: Bench) -> Measurement:
        """Work once; a level needs no repetition, since it is read all along."""
        readings, facts, answered = bench.call(self.work)
        return Measurement(Kind.LEVEL, "MB", {"level": readings}, facts=dict(facts), equal=answered)


@claim(
    id="S4.memory.saving-40",
    rows=["S4"],
    profiles=("full",),
    title="With the scan the API process holds 40 % less than the document's 500 MB",
    source="000 summary: memory efficiency",
    target=at_most(0.6 * 500, "MB"),
    category=Category.RESOURCES,
    needs=["schema"],
)
@claim(
    id="S4.memory.scan",
    rows=["S4", "S8"],
    profiles=("full",),
    title="The API process holds less than 300 MB during and after a scan of 500 symbols",
    source="000 targets: memory usage",
    target=at_most(300, "MB"),
    category=Category.RESOURCES,
    needs=["schema"],
)
def scan_memory(lab: Lab) -> Plan:
    """Scan the market for puts, in the full profile by premium and expiry too, and watch it."""
    yahoo = lab.providers("yahoo", pace=PACE)
    settings = whole(lab) | simulated(yahoo) | {"AVA_PROVIDERS_PACE": str(PACE)}
    known = market(lab.seed, yahoo.now().date()).symbols
    scanned, views = known[:SYMBOLS], VIEWS if lab.profile is Profile.FULL else VIEWS[:1]

    def work() -> tuple[list[float], Mapping[str, Any], bool]:
        with serving(lab, settings) as (process, client):
            start_mb = _resident_mb(process)
            with _watched(process) as readings:
                failed = _scan(client, scanned, views)
            end_mb = _resident_mb(process)
        facts = {
            "after": "a process of `ava serve`; its whole resident memory, not its growth",
            "scanned": f"{len(scanned)} of the {len(known)} symbols that the simulated Yahoo"
            f" knows, {A_REQUEST} a request, by {', '.join(views)}",
            "calls_to_yahoo": yahoo.counts("yahoo").requests,
            "failed_symbols": failed,
            "at_start_mb": round(start_mb, 1),
            "afterwards_mb": round(end_mb, 1),
            "readings": f"every {_LOOK_S * 1000:.0f} ms",
            "pace": f"Yahoo's clock runs {PACE:g} times as fast, and its limits with it",
        }
        return [*readings, end_mb], facts, failed == 0

    return Resident(work)


def _scan(client: httpx.Client, symbols: list[str], views: tuple[str, ...]) -> int:
    """Ask for all of them; return for how many there was no answer."""
    failed = 0
    for view, first in itertools.product(views, range(0, len(symbols), A_REQUEST)):
        part = symbols[first : first + A_REQUEST]
        answer = client.get(f"/api/v1/scanner/{view}", params={"symbols": ",".join(part)})
        answer.raise_for_status()
        failed += len(answer.json()["failed"])
    return failed


def _resident_mb(process: Started) -> float:
    return float(psutil.Process(process.process.pid).memory_info().rss) / _MB


@contextmanager
def _watched(process: Started) -> Iterator[list[float]]:
    """Read the process's memory for as long as the block lasts."""
    readings, ended = [_resident_mb(process)], threading.Event()

    def watch() -> None:
        while not ended.wait(_LOOK_S):
            readings.append(_resident_mb(process))

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield readings
    finally:
        ended.set()
        watching.join()


@claim(
    id="S8.processes.stale",
    rows=["S8", "K2"],
    profiles=("full",),
    title="A change through one API process is what the other answers 100 ms later",
    source="product target",
    target=exactly(0, "stale answers"),
    category=Category.CACHING,
    needs=["schema"],
)
def stale_answers(lab: Lab) -> Plan:
    """Turn a switch through one process and read it, cached, through the other."""
    settings = whole(lab)

    async def count() -> Counted:
        return await asyncio.to_thread(_stale, lab, settings)

    return Count(count, "stale answers", repeats=1)


def _stale(lab: Lab, settings: Mapping[str, str]) -> Counted:
    with ExitStack() as stack:
        writer = stack.enter_context(serving(lab, settings))[1]
        reader = stack.enter_context(serving(lab, settings))[1]
        path = "/api/v1/automation/wheel"
        late = 0
        for change in range(CHANGES):
            wanted = change % 2 == 0
            writer.put(path, json={"enabled": wanted}).raise_for_status()
            late += not _seen(reader, path, wanted)
        hits = sum(reader.get(path).json()["enabled"] is wanted for _ in range(CHANGES))
    facts = {
        "before": "the answer is held by the other process, in memory, for an hour",
        "after": f"{CHANGES} changes, each followed by reads until it is seen or {LATE_S} s passed",
        "answers_afterwards": f"{hits} of {CHANGES} reads in a row say the last change",
    }
    return Counted(late + (CHANGES - hits), facts)


def _seen(reader: httpx.Client, path: str, wanted: bool) -> bool:  # noqa: FBT001 - the value itself
    """Say whether an answer asked for within the time, or at its end, is the new one."""
    left_s = LATE_S
    while True:
        answer = reader.get(path)
        answer.raise_for_status()
        if answer.json()["enabled"] is wanted:
            return True
        if left_s <= 0:
            return False
        left_s -= answer.elapsed.total_seconds()
