"""Rows S6 and K9: lists that stay within their limit, and switches that are looked up.

The lists are those of the API itself: whatever its document says is read in pages is asked, on the
data set, for a few rows and for as many as it gives by itself; a list that a later part adds is
counted here without being named. A switch's look-up is counted at both servers: statements on
PostgreSQL's wire, and requests by Redis's own MONITOR.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import redis

from ava.api.app import create_app
from ava.core import Core
from ava.db.pool import Database
from ava.services.automation import PREFIX, Automation
from perf.claim import Category, Plan, at_most, claim, exactly
from perf.claims.database.prepared import empty_copy
from perf.claims.services.running import KEY, Running
from perf.instruments import Count, Counted
from perf.lab.lab import Lab

FEW, OTHERS = 3, 200
MOST, DEFAULT = 1000, 100  # rows of a page: at all, and where nothing is said

# Required parameters of lists, and statements that find a value with long lists behind it.
PLACES = {
    "owner": "SELECT owner AS value FROM watchlists GROUP BY owner ORDER BY count(*) DESC LIMIT 1",
    "watchlist_id": "SELECT watchlist_id AS value FROM watchlist_items GROUP BY watchlist_id"
    " ORDER BY count(*) DESC LIMIT 1",
    "symbol": "SELECT symbol AS value FROM signals GROUP BY symbol ORDER BY count(*) DESC LIMIT 1",
    "account_id": "SELECT min(id) AS value FROM trading_accounts LIMIT 1",
}


@claim(
    id="S6.lists.rows-over-limit",
    rows=["S6"],
    title="No list of the API, page by page, answers a row more than its limit",
    source="000.8, 002.4",
    target=exactly(0, "rows"),
    category=Category.SCALABILITY,
    needs=["market"],
)
async def rows_over_limit(lab: Lab) -> Plan:
    """Ask every list for three rows, for what it gives by itself, and for more than it may give."""
    running = Running(lab)
    core = await running.core(dsn=lab.dsn(str(lab.prepared["market"]["database"])))

    async def count() -> Counted:
        async with _client(core) as http:
            document = (await http.get("/openapi.json")).raise_for_status().json()
            places = await _places(core.database)
            asked = [await _asked(http, url) for url in _lists(document, places)]
        columns = ["list", "rows asked for 3", "rows by itself", "asked for 1001"]
        over = sum(max(0, few - FEW) + max(0, most - DEFAULT) for _, few, most, _ in asked)
        unrefused = sum(status != httpx.codes.UNPROCESSABLE_ENTITY for *_, status in asked)
        facts = {"lists": len(asked), "table": {"columns": columns, "rows": asked}}
        return Counted(over + MOST * unrefused, facts)

    return running.ending(Count(count, "rows"))


def _client(core: Core) -> httpx.AsyncClient:
    headers = {"authorization": f"Bearer {KEY}"}
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(create_app(core)), base_url="http://api", headers=headers
    )


def _lists(document: Mapping[str, Any], places: Mapping[str, Any]) -> Iterator[httpx.URL]:
    """Yield every question that takes a limit and a cursor, with what it requires filled in."""
    for path, methods in document["paths"].items():
        parameters = methods.get("get", {}).get("parameters", [])
        if not {"limit", "cursor"} <= {one["name"] for one in parameters}:
            continue
        needed = {one["name"]: one["in"] for one in parameters if one["required"]}
        unknown = needed.keys() - places.keys()
        if unknown:
            raise RuntimeError(f"{path} needs {', '.join(unknown)}: say in PLACES what to ask for")
        filled = path.format_map(places)
        query = {name: places[name] for name, where in needed.items() if where == "query"}
        yield httpx.URL(filled, params=query)


async def _places(database: Database) -> dict[str, Any]:
    """Return a value for each required parameter."""
    found = {}
    for name, statement in PLACES.items():
        row = await database.fetch_one(statement)
        if row is None:
            raise RuntimeError(f"the data set has no {name}")
        found[name] = row["value"]
    return found


async def _asked(http: httpx.AsyncClient, url: httpx.URL) -> tuple[str, int, int, int]:
    """Return the list, how many rows it gave twice, and the status of asking for too many."""
    few = (await http.get(url.copy_set_param("limit", FEW))).raise_for_status().json()
    most = (await http.get(url)).raise_for_status().json()
    refused = await http.get(url.copy_set_param("limit", MOST + 1))
    return str(url), len(few["items"]), len(most["items"]), refused.status_code


@claim(
    id="K9.switch.requests",
    rows=["K9", "S6"],
    title="A process that never saw a switch looks it up by one request to Redis",
    source="002.5",
    target=at_most(1, "requests"),
    category=Category.CACHING,
    needs=["schema"],
)
async def switch_requests(lab: Lab) -> Plan:
    """Count what Redis sees, alone and among two hundred others."""
    return await _switch_plan(lab, "requests")


@claim(
    id="K9.switch.statements",
    rows=["K9", "S6"],
    title="A switch that Redis holds is answered without the database",
    source="002.5",
    target=exactly(0, "statements"),
    category=Category.CACHING,
    needs=["schema"],
)
async def switch_statements(lab: Lab) -> Plan:
    """Count what PostgreSQL sees."""
    return await _switch_plan(lab, "statements")


async def _switch_plan(lab: Lab, unit: str) -> Plan:
    """Plan to count the look-up of a switch by a process that starts with an empty memory."""
    running, proxy = Running(lab), lab.proxy()
    dsn = lab.dsn_via(proxy, empty_copy(lab))
    first = await running.core(dsn=dsn, redis_url=lab.redis_url)
    name = f"claims_{uuid.uuid4().hex}"
    await _turned(first.service(Automation), [name])

    async def look_up() -> dict[str, int]:
        other = Running(lab)
        try:
            core = await other.core(dsn=dsn, redis_url=lab.redis_url)
            service = core.service(Automation)
            proxy.reset_counts()
            requests = await _seen(lab.redis_url, name, lambda: service.is_enabled(name))
            again = await _seen(lab.redis_url, name, lambda: service.is_enabled(name))
            statements = proxy.counts().statements
        finally:
            await other.close()
        return {"requests": requests, "statements": statements, "requests_again": again}

    async def count() -> Counted:
        alone = await look_up()
        await _turned(first.service(Automation), [f"{name}_{n}" for n in range(OTHERS)])
        among = await look_up()
        facts = {"one switch": alone, f"among {OTHERS} others": among}
        return Counted(max(alone[unit], among[unit]), facts)

    return running.ending(Count(count, unit, repeats=1))  # a second time none would be alone


async def _turned(service: Automation, names: list[str]) -> None:
    """Turn switches on, and have them in Redis."""
    for name in names:
        await service.turn(name, enabled=True, by="claims")
        await service.switch(name)


async def _seen(url: str, name: str, ask: Any) -> int:
    """Return how many requests about a switch reach Redis while `ask` runs.

    MONITOR shows commands in the order in which Redis runs them; what a script does inside Redis is
    marked as its own and is no request.
    """
    end = f"end of {uuid.uuid4().hex}"
    client = redis.Redis.from_url(url)
    with client, client.monitor() as monitor:  # type: ignore[no-untyped-call] # redis-py's own
        if not await ask():
            raise RuntimeError("the switch is on, and was answered as off")
        client.echo(end)
        return await asyncio.to_thread(_requests, monitor, PREFIX + name, end)


def _requests(monitor: Any, key: str, end: str) -> int:
    """Count the requests that name `key` until the one that says `end`."""
    found = 0
    for seen in monitor.listen():
        if end in seen["command"]:
            return found
        found += key in seen["command"] and seen["client_type"] != "lua"
    raise RuntimeError("Redis ended the monitoring")
