"""Rows C2 and C5: where the documents' market-data clients do what they should not.

The documents' own code is run on the smallest example that shows it. Limits are those of the
simulated providers, which enforce what the real ones publish.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from typing import Any

import httpx

from perf.claim import Category, Plan, claim, counter_example
from perf.claims.document.feeds import AsyncSpacing, BlockingClient, get_batch_metadata
from perf.claims.providers.virtual import SYMBOLS, VIRTUAL, Virtual
from perf.instruments import Occurrence, Witness
from perf.lab.lab import Lab


@claim(
    id="C2.refuted.blocking-sleep",
    rows=["C2"],
    title="The blocking sleep between calls stops everything else in the process",
    source="000.1",
    target=counter_example(),
    category=Category.LATENCY,
)
async def blocking_sleep(_lab: Lab) -> Plan:
    """Call the document's client in a coroutine, beside one that should turn every millisecond."""
    spacing_s = 0.12

    def answer(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={})

    async def example() -> Occurrence:
        turns: list[float] = []
        clock = asyncio.get_running_loop().time

        async def tick() -> None:
            while True:
                turns.append(clock())
                await asyncio.sleep(0.001)

        ticking = asyncio.ensure_future(tick())
        with httpx.Client(base_url="http://p", transport=httpx.MockTransport(answer)) as http:
            client = BlockingClient(http, spacing_s)
            for _ in range(2):
                client.get("/query")
                await asyncio.sleep(0)
        await asyncio.sleep(0.002)
        ticking.cancel()
        longest_s = max(b - a for a, b in itertools.pairwise(turns))
        return Occurrence(
            longest_s >= spacing_s * 0.9,
            "no other coroutine ran for as long as the client slept",
            {"sleep_s": spacing_s, "longest_standstill_s": round(longest_s, 3)},
        )

    return Witness(example)


@claim(
    id="C2.refuted.three-seconds",
    rows=["C2"],
    title="With 3 s between calls the 25 of a day are spent after 75 s and the next is refused",
    source="000.1",
    target=counter_example(),
    category=Category.RESILIENCE,
)
def three_seconds(lab: Lab) -> Plan:
    """Space calls as the document's solution does, one after the other, until one is refused."""

    async def example() -> Occurrence:
        desk, spacing, ask = _document_desk(lab, 3.0)
        refused_at: float | None = None
        for number in range(30):
            await spacing.wait()
            await ask(number)
            if desk.limited:
                refused_at = desk.arrived[-1]
                break
        return Occurrence(
            desk.limited == 1 and len(desk.arrived) == 26,
            "spacing says nothing of a day: the 26th call is refused, and every one after it",
            {
                "answered": len(desk.arrived) - desk.limited,
                "refused_after_s": refused_at,
                "measured": VIRTUAL,
            },
        )

    return Witness(example)


@claim(
    id="C2.refuted.spacing-without-turns",
    rows=["C2"],
    title="Five calls made together pass the document's spacing at the same moment",
    source="000.1",
    target=counter_example(),
    category=Category.RESILIENCE,
)
def spacing_without_turns(lab: Lab) -> Plan:
    """Make one call, then five together, through the document's spacing."""

    async def example() -> Occurrence:
        desk, spacing, ask = _document_desk(lab, 3.0)

        async def call(number: int) -> None:
            await spacing.wait()
            await ask(number)

        await call(0)
        await asyncio.gather(*(call(number) for number in range(1, 6)))
        return Occurrence(
            desk.limited > 0,
            "all five read the same time of the last call, wait as long, and go together",
            {
                "refused": desk.limited,
                "arrived_s": [round(at, 2) for at in desk.arrived],
                "measured": VIRTUAL,
            },
        )

    return Witness(example)


@claim(
    id="C2.refuted.bare-second",
    rows=["C2"],
    title="Calls that leave exactly one second apart are refused where they travel unevenly",
    source="001.10",
    target=counter_example(),
    category=Category.RESILIENCE,
)
def bare_second(lab: Lab) -> Plan:
    """Let every call leave one second after the one before, answered or not."""

    async def example() -> Occurrence:
        desk, spacing, ask = _document_desk(lab, 1.0)
        calls = []
        for number in range(20):
            await spacing.wait()
            calls.append(asyncio.ensure_future(ask(number)))
        await asyncio.gather(*calls)
        return Occurrence(
            desk.limited > 0,
            "the provider looks at arrivals: one that was slow and one that was quick come closer",
            {"calls": 20, "refused": desk.limited, "measured": VIRTUAL},
        )

    return Witness(example)


def _document_desk(
    lab: Lab, spacing_s: float
) -> tuple[Virtual, AsyncSpacing, Callable[[int], Awaitable[None]]]:
    """Return Alpha Vantage on a virtual clock, the document's spacing, and how to ask bare."""
    desk = Virtual("alpha_vantage", seed=lab.seed)
    spacing = AsyncSpacing(spacing_s, desk.clock.monotonic, desk.clock.sleep)
    key = desk.key

    async def ask(number: int) -> None:
        params = {"function": "GLOBAL_QUOTE", "symbol": SYMBOLS[number % 5], "apikey": key}
        await desk.http.get("http://provider/query", params=params)

    return desk, spacing, ask


@claim(
    id="C5.refuted.unbounded-gather",
    rows=["C5"],
    profiles=("full",),
    title="An unbounded gather over 200 symbols is refused in part, and its errors look like data",
    source="000.2",
    target=counter_example(),
    category=Category.RESILIENCE,
)
def unbounded_gather(lab: Lab) -> Plan:
    """Run the document's get_batch_metadata over charts of 200 symbols."""

    async def example() -> Occurrence:
        desk = Virtual("yahoo", seed=lab.seed)

        found = await get_batch_metadata(desk.symbols[:200], _chart_meta(desk))
        posing = [data for data in found.values() if "error" in data]
        return Occurrence(
            desk.limited > 0 and len(posing) == desk.limited and len(found) == 200,
            "the burst is refused, and each refusal stands in the result as a dict like the others",
            {
                "symbols": 200,
                "refused": desk.limited,
                "errors_among_the_data": len(posing),
                "example": posing[0] if posing else None,
                "measured": VIRTUAL,
            },
        )

    return Witness(example)


@claim(
    id="C5.refuted.error-as-data",
    rows=["C5"],
    title="A symbol that failed comes back as a dict like the others",
    source="000.2",
    target=counter_example(),
    category=Category.RESILIENCE,
)
def error_as_data(lab: Lab) -> Plan:
    """Ask the document's get_batch_metadata for one symbol that exists and one that does not."""

    async def example() -> Occurrence:
        desk = Virtual("yahoo", seed=lab.seed)
        found = await get_batch_metadata(["AAPL", "NOSUCH"], _chart_meta(desk))
        posing = found["NOSUCH"]
        return Occurrence(
            bool(posing) and type(posing) is type(found["AAPL"]) and "error" in posing,
            "nothing but the name of a key tells the error from the data, and a cache keeps it",
            {"AAPL": found["AAPL"], "NOSUCH": posing, "measured": VIRTUAL},
        )

    return Witness(example)


def _chart_meta(desk: Virtual) -> Callable[[str], Awaitable[Any]]:
    """Return what the document leaves to its caller: one symbol's metadata, fetched."""

    async def metadata(symbol: str) -> Any:
        answer = await desk.http.get(f"http://provider/v8/finance/chart/{symbol}")
        answer.raise_for_status()
        return answer.json()["chart"]["result"][0]["meta"]

    return metadata
