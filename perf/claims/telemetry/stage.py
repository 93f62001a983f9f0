"""One application with PostgreSQL, Redis and a simulated provider, asked in this process.

Its route `/example/both` does a bit of all that is watched, `/example/nothing` nothing at all,
which is where the cost of watching weighs most.
"""

from __future__ import annotations

from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families
from starlette.types import ASGIApp, Message

from ava.api.app import create_app, discover
from ava.api.route import Routes
from ava.core import Core
from ava.db.migrate import migrate
from ava.db.query import named
from ava.telemetry.telemetry import Telemetry
from perf.claims.services.running import PACE, Running
from perf.lab.lab import Lab


class Stage:
    """An application that is asked in this process; its route `/example/both` does a bit of all."""

    def __init__(self, running: Running, core: Core) -> None:
        self.core = core
        self.telemetry = core.service(Telemetry)
        self.app = create_app(core, [*discover(core), _area(core)])
        self.bare: ASGIApp = self.app._app  # type: ignore[attr-defined] # noqa: SLF001 - without the layer, which is what is measured
        transport = httpx.ASGITransport(self.app)
        self.client = httpx.AsyncClient(transport=transport, base_url="http://ava")
        self.ending = running.ending

    @classmethod
    async def open(cls, lab: Lab) -> Stage:
        """Open one with everything behind it; `ending` puts its end into a plan."""
        running = Running(lab)
        dsn = lab.dsn(lab.create_database())
        migrate(dsn)
        core = await running.core(
            dsn=dsn, redis_url=lab.redis_url, simulation=lab.providers("finnhub", pace=PACE)
        )
        return cls(running, core)

    async def scrape(self) -> dict[str, Any]:
        """Return the families of /metrics by name."""
        text = (await self.client.get("/metrics")).raise_for_status().text
        return {family.name: family for family in text_string_to_metric_families(text)}


def _area(core: Core) -> Routes:
    area = Routes("/example", "example")

    @area.get("/both", answers=str, example="done")
    async def both() -> str:
        """Ask the database, and a provider."""
        await core.database.fetch(named("automation_switch"), {"name": "wheel"})
        await core.platform.finnhub.quote("AAPL", keep=None)
        return "done"

    @area.get("/nothing", answers=str, example="done")
    async def nothing() -> str:
        """Do nothing."""
        return "done"

    return area


async def call(app: ASGIApp, path: str) -> bytes:
    """Ask an application without a client, which would cost more than what is asked."""
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(b"host", b"ava"), (b"accept", b"*/*"), (b"user-agent", b"claims")],
        "server": ("ava", 80),
        "client": ("127.0.0.1", 1),
    }
    body = b""

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        nonlocal body
        body += message.get("body", b"")

    await app(scope, receive, send)
    return body
