"""Row C5: many symbols a call, and no more calls at once than the provider bears."""

from __future__ import annotations

from datetime import UTC, date, datetime

import httpx

from ava.providers import yahoo
from perf.claim import Category, Plan, at_least, claim, exactly
from perf.claims.providers.desk import Desk
from perf.claims.providers.virtual import SYMBOLS, VIRTUAL, Virtual
from perf.instruments import Arm, Compare, Count, Counted
from perf.lab.lab import Lab


@claim(
    id="C5.batch-history.faster",
    rows=["C5"],
    profiles=("full",),
    title="Three months of 15 symbols come 5 times faster in a batch than one by one",
    source="000.12",
    target=at_least(5, "x"),
    category=Category.LATENCY,
)
async def batch_history(lab: Lab) -> Plan:
    """Read daily closes: a chart call a symbol, and one spark call."""
    latency_s = 0.005
    simulation = lab.providers("yahoo", latency=latency_s)
    simulation.set_limits("yahoo")
    theirs = lab.keep(httpx.Client(base_url=simulation.url("yahoo")))
    desk = Desk(simulation)
    ours = yahoo.Yahoo(desk.client(yahoo.SPEC))

    def before() -> dict[str, dict[date, float]]:
        return {symbol: _chart_closes(theirs, symbol) for symbol in SYMBOLS}

    async def after() -> dict[str, dict[date, float]]:
        found = await ours.histories(SYMBOLS, "3mo", keep=None)
        return {
            symbol: {bar.at.date(): bar.close for bar in bars} for symbol, bars in found.items()
        }

    facts = {
        "before": "one chart request a symbol, one after the other, on one connection",
        "after": "one spark request for all, read into bars",
        "latency": f"{latency_s * 1000:g} ms a request, constant; the longer it is, the more a"
        " batch saves",
        "compared": "every close that the charts hold; charts leave out some days (nulls)",
    }
    return desk.ending(Compare(Arm(before), Arm(after), same=_holds, facts=facts))


def _chart_closes(http: httpx.Client, symbol: str) -> dict[date, float]:
    params = {"range": "3mo", "interval": "1d"}
    series = http.get(f"/v8/finance/chart/{symbol}", params=params).json()["chart"]["result"][0]
    closes = series["indicators"]["quote"][0]["close"]
    days = [datetime.fromtimestamp(stamp, UTC).date() for stamp in series["timestamp"]]
    return {day: close for day, close in zip(days, closes, strict=True) if close is not None}


def _holds(charts: dict[str, dict[date, float]], batch: dict[str, dict[date, float]]) -> bool:
    """Say whether the batch has every close of the charts, and no symbol more."""
    return charts.keys() == batch.keys() and all(
        batch[symbol].get(day) == close
        for symbol, closes in charts.items()
        for day, close in closes.items()
    )


@claim(
    id="C5.quotes.calls",
    rows=["C5"],
    title="Quotes of 100 symbols cost Yahoo one call",
    source="000.2",
    target=exactly(1, "calls"),
    category=Category.THROUGHPUT,
)
def quotes_calls(lab: Lab) -> Plan:
    """Ask for 100 quotes, after the one call each for cookie and crumb."""

    async def count() -> Counted:
        desk = Virtual("yahoo", seed=lab.seed)
        feed = yahoo.Yahoo(desk.client(yahoo.SPEC))
        await feed.quote("AAPL", keep=None)
        asked = len(desk.arrived)
        symbols = desk.symbols[:100]
        found = await feed.quotes(symbols, keep=None)
        if found.keys() != set(symbols):
            raise RuntimeError("the batch lacks a symbol that the provider knows")
        return Counted(len(desk.arrived) - asked, {"quotes": len(found), "measured": VIRTUAL})

    return Count(count, "calls")


@claim(
    id="C5.bounded.refusals",
    rows=["C5"],
    title="Charts of 200 symbols, five at once, are refused nowhere",
    source="000.7",
    target=exactly(0, "refusals"),
    category=Category.RESILIENCE,
)
def bounded_refusals(lab: Lab) -> Plan:
    """Ask the same provider for the same symbols through our client."""

    async def count() -> Counted:
        desk = Virtual("yahoo", seed=lab.seed)
        feed = yahoo.Yahoo(desk.client(yahoo.SPEC))
        days = date(2025, 12, 1), date(2025, 12, 31)
        found = await feed.charts([*desk.symbols[:200], "NOSUCH"], *days, keep=None)
        if len(found.values) != 200 or set(found.errors) != {"NOSUCH"}:
            raise RuntimeError("charts and failures are not kept apart")
        facts = {
            "charts": len(found.values),
            "failures, apart from the data": [type(e).__name__ for e in found.errors.values()],
            "seconds": round(desk.clock.monotonic(), 1),
            "measured": VIRTUAL,
        }
        return Counted(desk.limited, facts)

    return Count(count, "refusals")
