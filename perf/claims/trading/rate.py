"""Rows T1 and T7: how fast an iteration is, beside the document's loop.

See `perf.claims.trading.stage` for what both have in common. Equal work is checked by what each has
stored: a bar and a prediction of every symbol, each time. Times are those that nine of ten
iterations stay under.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from statistics import median
from typing import Any

from ava.signals.broker import PaperBroker
from ava.signals.loop import TradingLoop
from ava.signals.orders import Holding, Order, Side, applied
from ava.signals.store import Decided
from perf.claim import Body, Category, Plan, at_least, at_most, claim
from perf.claims.trading.stage import FACTS, Given, Stage, both, names, nine_of_ten, stored
from perf.instruments import Arm, Compare, Latency
from perf.lab.lab import Lab


@claim(
    id="T1.iterations.10x",
    rows=["T1"],
    title="With 10 symbols the loop does ten times as many iterations a second as the document's",
    source="004 PERF-001",
    category=Category.THROUGHPUT,
    target=at_least(10, "x"),
)
async def iterations_10x(lab: Lab) -> Plan:
    """Iterate by both loops."""
    stage, before, after, _ = await both(lab, 10)
    limit = (
        "ten calls become one, so ten times is what the provider's part can give, at any latency;"
        " the rest is the document's commits against all that ours does besides the call"
    )
    facts = {**FACTS, "symbols": 10, "limit": limit}
    plan = Compare(Arm(before.iterate), Arm(lambda: stored(after)), facts=facts, budget_s=5.0)
    return stage.ending(plan)


@claim(
    id="T1.iterations.n100",
    rows=["T1"],
    title="With 100 symbols it does twenty times as many, the upper end of what is promised",
    source="004 PERF-001",
    category=Category.SCALABILITY,
    target=at_least(20, "x"),
    profiles=("full",),
    deadline_s=180,
)
async def iterations_n100(lab: Lab) -> Plan:
    """Iterate by both loops; the document's takes seconds."""
    stage, before, after, _ = await both(lab, 100)
    plan = Compare(
        Arm(before.iterate),
        Arm(lambda: stored(after)),
        facts={**FACTS, "symbols": 100},
        budget_s=30.0,
    )
    return stage.ending(plan)


@claim(
    id="T1.iterations.rate-5",
    rows=["T1"],
    profiles=("full",),
    title="With 10 symbols the loop does five iterations a second: each takes under 200 ms",
    source="004 PERF-001",
    category=Category.THROUGHPUT,
    target=at_most(200, "ms"),
)
@claim(
    id="T1.iterations.rate-10",
    rows=["T1"],
    profiles=("full",),
    title="With 10 symbols the loop does ten iterations a second: each takes under 100 ms",
    source="004 PERF-001",
    category=Category.THROUGHPUT,
    target=at_most(100, "ms"),
)
async def iterations_rate(lab: Lab) -> Plan:
    """Iterate by ours alone, slow tenths included."""
    stage = Stage(lab)
    loop = await stage.loop(names(10), stage.asked(stage.massive()))
    facts = {"latency": FACTS["latency"]}
    return stage.ending(nine_of_ten(Arm(lambda: stored(loop)), facts))


@claim(
    id="T1.curve",
    rows=["T1"],
    profiles=("full",),
    title="With 1,000 symbols an iteration takes under a second",
    source="004 PERF-001; the bound is a product target",
    category=Category.SCALABILITY,
    target=at_most(1000, "ms"),
    deadline_s=180,
)
async def curve(lab: Lab) -> Plan:
    """Time 10, 100 and 1,000 symbols, the document's loop too where it ends soon."""
    stage, rows = Stage(lab), []
    simulation = stage.massive()
    for count in (10, 100, 1000):
        symbols = names(count)
        ours = await stage.loop(symbols, stage.asked(simulation))
        ours_ms = await _iteration_ms(ours, 8)
        theirs_ms: float | None = None
        if count <= 100:
            theirs_ms = _once_ms(stage.document(symbols, simulation, lambda _: None).iterate)
        rates = [None if ms is None else round(1000 / ms, 2) for ms in (theirs_ms, ours_ms)]
        rows.append([count, theirs_ms, ours_ms, *rates])
    columns = ["symbols", "document, ms", "ours, ms", "document, 1/s", "ours, 1/s"]
    facts = {**FACTS, "table": {"columns": columns, "rows": rows}}
    plan = Latency(Arm(lambda: stored(ours)), facts=facts, budget_s=1.0, min_rounds=12)
    return stage.ending(plan)


async def _iteration_ms(loop: TradingLoop, times: int) -> float:
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        await stored(loop)
        taken.append(time.perf_counter() - began)
    return round(1e3 * median(taken[1:]), 2)


def _once_ms(run: Callable[[], Any]) -> float:
    began = time.perf_counter()
    run()
    return round(1e3 * (time.perf_counter() - began), 2)


def _under(name: str, row: str, title: str, source: str, bound: float) -> Callable[[Body], Body]:
    return claim(
        id=f"{row}.{name}",
        rows=[row],
        title=title,
        source=source,
        category=Category.LATENCY,
        target=at_most(bound, "ms"),
    )


@_under("signal", "T1", "From price to stored signal takes under 100 ms", "004 targets", 100)
async def signal_latency(lab: Lab) -> Plan:
    """Iterate on prices in memory: detection, prediction, both transactions, fills."""
    stage, symbols = Stage(lab), names(10)
    loop = await stage.loop(symbols, Given(symbols))
    facts = {
        "measured": "an iteration of 10 symbols whose prices are there, all of them predicted",
        "store": "SQLite on the lab's disk",
    }
    plan = nine_of_ten(Arm(lambda: stored(loop)), facts)
    return stage.ending(plan)


@_under(
    "pipeline", "T1", "From the source to the stored signal takes under 1 s", "004 targets", 1000
)
async def pipeline_delay(lab: Lab) -> Plan:
    """Begin before the provider is asked, so that any stamp it sets is later."""
    stage = Stage(lab)
    loop = await stage.loop(names(100), stage.asked(stage.massive()))
    facts = {
        "measured": "from before the question leaves until what follows from the answer is stored,"
        " which is longer than from any stamp that the provider sets on a price",
        "symbols": 100,
        "latency": FACTS["latency"],
        "cache": "a price is decided on once, when it arrives; between two questions to a provider"
        " lie the 10 or 20 s of 003.1, which are no delay of the pipeline",
    }
    return stage.ending(nine_of_ten(Arm(lambda: stored(loop)), facts))


@_under(
    "execution",
    "T7",
    "A paper order is stored, filled and settled in under 50 ms",
    "004 targets",
    50,
)
async def execution(lab: Lab) -> Plan:
    """Store an order, submit it, store its fill with the holding."""
    stage = Stage(lab)
    store, broker = await stage.store(), PaperBroker()
    held, at = Holding("A"), datetime(2026, 1, 5, 14, 30, tzinfo=UTC)

    async def run() -> bool:
        nonlocal held, at
        at += timedelta(seconds=1)
        side = Side.SELL if held.quantity else Side.BUY
        order = Order(f"m:A:{at:%s%f}", "A", side, Decimal(10), Decimal("101.25"), at)
        await store.commit(Decided(at, orders=[order]))
        fill = await broker.submit(order)
        held = applied(held, fill)
        await store.settle([fill], [held])
        return fill.quantity == order.quantity

    facts = {"transactions": 2, "store": "SQLite on the lab's disk"}
    plan = nine_of_ten(Arm(run), facts)
    return stage.ending(plan)
