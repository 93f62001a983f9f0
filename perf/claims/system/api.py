"""Row S8 and U4: what the API adds to the work behind it, and what it holds at a hundred users.

What a layer costs is measured against the same server without it: the cached path against a bare
ASGI application that sends the same bytes, a route against the same one in bare FastAPI. Latencies
are those that a client sees, at the simulated latency of a provider; errors, stale answers and
heartbeats are counted.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Iterator
from time import perf_counter
from typing import Annotated, Any

import pydantic
from fastapi import FastAPI, Query
from starlette.types import ASGIApp

from ava.api.app import create_app, discover
from ava.api.route import Routes
from ava.clock import ManualClock
from ava.core import Core
from ava.services.fresh import Fresh
from ava.settings import ApiSettings, Settings
from perf.claim import Category, Plan, at_least, at_most, claim, exactly
from perf.claims.cache.shared import Times, until
from perf.claims.database.prepared import empty_copy
from perf.claims.services.running import KEY, Running
from perf.claims.system.api_stage import KEPT, MADE, Connections, area, ask, free_ports, rows
from perf.instruments import Arm, Compare, Count, Counted
from perf.lab.cores import separate
from perf.lab.lab import Lab
from perf.lab.swarm import Swarm

CONNECTIONS = 32
USERS, QUESTIONS = 100, 10
LOADS, AT_ONCE = 72, 6
BROKERAGE_S = 0.13  # of each answer: the document's 112 calls one after the other take 15 s
CHANGES = 200
CALLS = 20  # a call of the arm, so that both are timed in slices of one length
_KEYED = [(b"authorization", f"Bearer {KEY}".encode())]


@claim(
    id="S8.api.cached-path",
    rows=["S8"],
    title="The cached path serves 80 % of what a bare ASGI application does on the same server",
    source="product target",
    target=at_least(0.8, "x"),
    category=Category.THROUGHPUT,
)
def cached_path(lab: Lab) -> Plan:
    """Ask both for the same kilobyte, over as many connections, in turns."""
    ports = free_ports(2)
    swarm = lab.keep(Swarm("perf.claims.system.api_stage:serve", 1, {"ports": ports}))
    raw = lab.keep(Connections(ports[0], KEPT, CONNECTIONS))
    ours = lab.keep(Connections(ports[1], KEPT, CONNECTIONS))
    facts = {
        "before": "an ASGI application of two messages made beforehand: the server's own cost",
        "after": "the API with all its layers, the answer in its fast path",
        "server": "uvicorn with httptools and uvloop, one process for both, on a core of its own"
        if separate(swarm.pids)
        else "uvicorn with httptools and uvloop, one process for both",
        "client": f"{CONNECTIONS} connections kept open, each asked once a round",
        "body_bytes": len(json.dumps(json.loads(ours.round()))),
    }
    return Compare(Arm(raw.round), Arm(ours.round), facts=facts, budget_s=3.0)


class _Row(pydantic.BaseModel):
    symbol: str
    price: float
    size: int
    open: bool


class _Rows(pydantic.BaseModel):
    items: list[_Row]
    next_cursor: str | None = None


def in_fastapi() -> FastAPI:
    """Return the route as FastAPI's own documents have it: a model of what is answered."""
    app = FastAPI()

    @app.get(MADE, response_model=_Rows)
    async def made(limit: Annotated[int, Query(ge=1, le=1000)] = 16) -> Any:
        found = [
            _Row(symbol=row.symbol, price=row.price, size=row.size, open=row.open)
            for row in rows(limit).items
        ]
        return _Rows(items=found)

    return app


@claim(
    id="S8.api.route",
    rows=["S8"],
    title="A route that is not cached costs at most 1.2 times the same in bare FastAPI",
    source="product target",
    target=at_most(1.2, "x"),
    category=Category.LATENCY,
)
async def route_cost(lab: Lab) -> Plan:
    """Ask both in this process, without a server around them."""
    running = Running(lab)
    ours: ASGIApp = create_app(await running.core(), [area()])
    theirs = in_fastapi()
    facts = {
        "before": "the API with all its layers: telemetry, keys, fast path, limits, ETag",
        "after": "FastAPI with a pydantic response model, and nothing around it",
        "note": "the figure is how many times the one costs the other; sixteen rows, no I/O",
    }

    def asking(app: ASGIApp) -> Arm:
        async def run() -> bytes:
            for _ in range(CALLS):
                answer = await ask(app, MADE)
            return answer

        return Arm(run)

    plan = Compare(
        asking(ours),
        asking(theirs),
        same=lambda one, other: json.loads(one) == json.loads(other),
        facts=facts,
    )
    return running.ending(plan)


@claim(
    id="S8.api.uncached",
    rows=["S8", "S1"],
    profiles=("full",),
    title="A portfolio that nobody has asked for is answered within 500 ms, 95 times of 100",
    source="000 targets: API response time",
    target=at_most(500, "ms"),
    category=Category.LATENCY,
)
async def uncached(lab: Lab) -> Plan:
    """Load it anew each time from a brokerage whose answers take 130 ms, some at once."""
    simulation = lab.providers("robinhood", latency=BROKERAGE_S)
    simulation.set_limits("robinhood")
    running = Running(lab)
    cores = [await running.core(simulation=simulation) for _ in range(AT_ONCE)]
    apps = [(core, create_app(core)) for core in cores]

    async def run() -> list[float]:
        taken = await asyncio.gather(*(_fresh_loads(core, app) for core, app in apps))
        return list(itertools.chain.from_iterable(taken))

    facts = {
        "latency": f"{BROKERAGE_S * 1000:.0f} ms for each answer of the simulated brokerage",
        "after": f"nothing kept anywhere, {AT_ONCE} at once; each waits for three rounds of calls",
        "loads": LOADS,
        "note": "from the application's first line to its last message, the server's socket apart",
    }
    return running.ending(Times(run, "ms", 0.95, facts))


async def _fresh_loads(core: Core, app: ASGIApp) -> list[float]:
    taken = []
    for number in range(1 + LOADS // AT_ONCE):
        await core.platform.cache.invalidate_pattern("*")
        began = perf_counter()
        await ask(app, "/api/v1/portfolio", _KEYED)
        if number:  # before the first there was no connection to the brokerage yet
            taken.append(perf_counter() - began)
    return taken


@claim(
    id="S8.api.cached",
    rows=["S8"],
    title="Of a hundred users who ask for what is cached at once, 95 have it within 100 ms",
    source="000 targets: API response time",
    target=at_most(100, "ms"),
    category=Category.LATENCY,
)
def cached(lab: Lab) -> Plan:
    """Let a hundred connections ask at the same moment, again and again."""
    ports = free_ports(2)
    swarm = lab.keep(Swarm("perf.claims.system.api_stage:serve", 1, {"ports": ports}))
    users = lab.keep(Connections(ports[1], KEPT, USERS))
    separate(swarm.pids)

    async def run() -> list[float]:
        users.round()
        return [seconds for _ in range(QUESTIONS) for seconds in users.waits()]

    facts = {
        "after": f"{USERS} connections, {QUESTIONS} times, over uvicorn in a process of its own",
        "note": "each from the moment before the first is asked to the end of its own answer, so"
        " whoever is served last has waited for all others",
    }
    return Times(run, "ms", 0.95, facts)


@claim(
    id="S8.api.users",
    rows=["S8"],
    title="A hundred users at once are all answered",
    source="000 targets: 100+ users",
    target=exactly(0, "errors"),
    category=Category.SCALABILITY,
    needs=["schema"],
)
async def users(lab: Lab) -> Plan:
    """Let each ask ten questions of every kind, none waiting for another's."""
    running = Running(lab)
    core = await running.core(dsn=lab.dsn(empty_copy(lab)), redis_url=lab.redis_url)
    app = create_app(core, [*discover(core), area()])
    paths = itertools.cycle(_questions())

    async def one() -> list[str]:
        return [await _error(app, next(paths)) for _ in range(QUESTIONS)]

    async def count() -> Counted:
        found = await asyncio.gather(*(one() for _ in range(USERS)))
        errors = [error for answers in found for error in answers if error]
        facts = {
            "users": USERS,
            "questions": USERS * QUESTIONS,
            "paths": list(_questions()),
            "errors": errors[:5],
            "after": "PostgreSQL by a pool of 20 connections, and Redis; the server's socket apart",
        }
        return Counted(len(errors), facts)

    return running.ending(Count(count, "errors", repeats=1))


def _questions() -> Iterator[str]:
    yield from (KEPT, MADE, "/api/v1/automation", "/api/v1/alerts", "/api/v1/analytics/trades")
    yield from ("/api/cache/stats", "/api/v1/health", "/api/v1/predictions", "/api/v1/providers")


async def _error(app: ASGIApp, path: str) -> str:
    try:
        await ask(app, path, _KEYED)
    except RuntimeError as error:
        return f"{path}: {error}"
    return ""


@claim(
    id="S8.api.stale-after-message",
    rows=["S8", "K4"],
    title="Once it has heard of a change, a second process serves no whole response from before it",
    source="product target",
    target=exactly(0, "stale answers"),
    category=Category.CACHING,
)
async def stale(lab: Lab) -> Plan:
    """Change a number in one core, and ask the other as soon as it has the message."""
    running = Running(lab)
    writer, reader = [await running.core(redis_url=lab.redis_url) for _ in range(2)]
    number = itertools.count()
    state = {"number": next(number)}
    app = create_app(reader, [_numbers(state)])
    heard: list[int] = []
    reader.platform.cache.watch(lambda what: heard.append(1) if "numbers" in what.tags else None)

    async def change() -> bool:
        """Say whether what was served before the change is served after its message."""
        before = await ask(app, "/api/v1/numbers")
        kept = await ask(app, "/api/v1/numbers")
        state["number"] = next(number)
        heard.clear()
        await writer.platform.cache.invalidate_tags("numbers")
        await until(lambda: bool(heard))
        after = await ask(app, "/api/v1/numbers")
        if kept != before:
            raise RuntimeError("the answer was not held, so this would show nothing")
        return bool(json.loads(after) != state["number"])

    async def count() -> Counted:
        late = sum([await change() for _ in range(CHANGES)])
        return Counted(late, {"changes": CHANGES, "before": "a response good for an hour"})

    return running.ending(Count(count, "stale answers", repeats=1))


def _numbers(state: dict[str, int]) -> Routes:
    made = Routes("/api/v1/numbers", "numbers")

    @made.get("", answers=int, example=1)
    async def current() -> Fresh[int]:
        """Return the number, good for an hour."""
        return Fresh(state["number"], 3600.0, ("numbers",))

    return made


@claim(
    id="U4.heartbeat.every-{every_s}s",
    rows=["U4", "S8"],
    title="Configured to {every_s} s, a WebSocket has so many heartbeats in ten minutes, no more",
    source="000.13",
    target=lambda every_s: exactly(600 // every_s, "heartbeats"),
    category=Category.RESILIENCE,
    cases=[{"every_s": 25}, {"every_s": 10}],
)
def heartbeats(lab: Lab, every_s: int) -> Plan:  # noqa: ARG001 - on a virtual clock, without servers
    """Hold a connection for ten minutes of a virtual clock."""

    async def count() -> Counted:
        clock = ManualClock()
        settings = Settings(api=ApiSettings(heartbeat_s=every_s))
        async with Core.open(settings, clock=clock) as core:
            heard = await _listen(create_app(core), clock, 600.0)
        beats = sum(message == {"type": "heartbeat"} for message in heard)
        if len(heard) != beats + 1:
            raise RuntimeError(f"something else was said as well: {heard}")
        return Counted(beats, {"told": heard[0]["every_s"], "clock": "virtual, ten minutes"})

    return Count(count, "heartbeats")


async def _listen(app: ASGIApp, clock: ManualClock, seconds: float) -> list[Any]:
    """Say hello, wait, and return what was said."""
    sent: list[Any] = []
    heard: asyncio.Queue[Any] = asyncio.Queue()
    heard.put_nowait({"type": "websocket.connect"})
    heard.put_nowait({"type": "websocket.receive", "text": '{"type":"hello"}'})
    scope = {
        "type": "websocket", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "ws",
        "path": "/api/v1/stream", "raw_path": b"/api/v1/stream", "query_string": b"",
        "root_path": "", "server": ("ava", 80), "client": ("claims", 1), "headers": [],
        "subprotocols": [],
    }  # fmt: skip

    async def send(message: Any) -> None:
        sent.append(message)

    serving = asyncio.ensure_future(app(scope, heard.get, send))
    await until(lambda: any(message["type"] == "websocket.send" for message in sent))
    await clock.advance(seconds)
    heard.put_nowait({"type": "websocket.disconnect", "code": 1000})
    await serving
    return [json.loads(m["text"]) for m in sent if m["type"] == "websocket.send"]
