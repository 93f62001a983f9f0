"""Row C7: a prediction market asked for many things at once, and read to the last digit.

Counted on a virtual clock (`perf.claims.providers.virtual`), so every figure is the same on every
machine. The yardstick is a plain client that walks the same lists page by page and keeps the raw
JSON.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable
from typing import Any

from ava.providers import kalshi
from ava.providers.kalshi import Kalshi
from ava.providers.reading.kalshi import Market
from perf.claim import Category, Plan, claim, exactly
from perf.claims.providers.virtual import VIRTUAL, Virtual
from perf.instruments import Count, Counted
from perf.lab.lab import Lab

FIELDS = {
    "yes_bid": "yes_bid_dollars",
    "yes_ask": "yes_ask_dollars",
    "no_bid": "no_bid_dollars",
    "no_ask": "no_ask_dollars",
    "last_price": "last_price_dollars",
    "volume": "volume_fp",
    "open_interest": "open_interest_fp",
}


async def listed(virtual: Virtual, size: int, pages: int = 100) -> list[dict[str, Any]]:
    """Walk the markets with a plain client, `size` a page, one page after the other."""
    rows: list[dict[str, Any]] = []
    cursor = ""
    virtual.provider.gauges = []  # this walk is the yardstick, not what is measured
    for _ in range(pages):
        params = {"limit": str(size), **({"cursor": cursor} if cursor else {})}
        answer = (await virtual.http.get("http://provider/markets", params=params)).json()
        rows += answer["markets"]
        cursor = answer["cursor"]
        if not cursor:
            break
    return rows


@claim(
    id="C7.batch.calls",
    rows=["C7"],
    title="A hundred Kalshi markets come in one call, not a hundred",
    source="product target",
    target=exactly(1, "calls"),
    category=Category.RESOURCES,
)
def batch_calls(lab: Lab) -> Plan:
    """Ask for the same hundred markets one by one and together."""

    async def count() -> Counted:
        known = await listed(Virtual("kalshi", seed=lab.seed), 100, pages=1)
        wanted = [row["ticker"] for row in known]
        one_by_one, together = (Virtual("kalshi", seed=lab.seed) for _ in range(2))
        api = Kalshi(one_by_one.client(kalshi.SPEC), clock=one_by_one.clock)
        apart = {ticker: await api.market(ticker) for ticker in wanted}
        asked = Kalshi(together.client(kalshi.SPEC), clock=together.clock)
        if await asked.markets(wanted) != apart:
            raise RuntimeError("the batch does not hold the same markets")
        calls = {"before": one_by_one.answered(1e9), "after": together.answered(1e9)}
        return Counted(calls["after"], {"calls": calls})

    facts = {
        "before": "one call a market",
        "after": "tickers of a hundred markets in one call",
        "provider": VIRTUAL,
    }
    return Count(count, "calls", facts=facts)


async def _all_markets(lab: Lab) -> tuple[list[Market], list[dict[str, Any]], int]:
    """Return all markets by our client, the same by the yardstick, and our client's pages."""
    virtual = Virtual("kalshi", seed=lab.seed)
    api = Kalshi(virtual.client(kalshi.SPEC), clock=virtual.clock)
    ours = await api.list_markets(most=10**6)
    theirs = await listed(Virtual("kalshi", seed=lab.seed), 700)
    return ours, theirs, virtual.answered(1e9)


@claim(
    id="C7.pages.complete",
    rows=["C7"],
    title="A walk through Kalshi's pages brings every market once",
    source="product target",
    target=exactly(0, "markets missing or repeated"),
    category=Category.RESILIENCE,
)
def pages_complete(lab: Lab) -> Plan:
    """Compare with a walk by pages of another size."""

    async def count() -> Counted:
        ours, theirs, pages = await _all_markets(lab)
        here, there = (
            Counter(market.ticker for market in ours),
            Counter(str(row["ticker"]) for row in theirs),
        )
        unlike = (here - there) + (there - here)
        return Counted(unlike.total(), {"markets": len(theirs), "pages": pages})

    return Count(count, "markets missing or repeated", facts={"provider": VIRTUAL})


@claim(
    id="C7.prices.exact",
    rows=["C7"],
    title="Every price and count of Kalshi's is kept to the last digit",
    source="product target",
    target=exactly(0, "inexact values"),
    category=Category.RESILIENCE,
)
def prices_exact(lab: Lab) -> Plan:
    """Write each value out again and compare it with the provider's text."""

    async def count() -> Counted:
        ours, theirs, _ = await _all_markets(lab)
        rows = {row["ticker"]: row for row in theirs}
        values = [
            (str(getattr(market, ours_name)), rows[market.ticker][name])
            for market in ours
            for ours_name, name in FIELDS.items()
        ]
        return Counted(sum(mine != said for mine, said in values), {"values": len(values)})

    return Count(count, "inexact values", facts={"provider": VIRTUAL})


@claim(
    id="C7.reads.refusals",
    rows=["C7"],
    title="Kalshi refuses no read for coming too fast under more load than it takes",
    source="product target",
    target=exactly(0, "refused calls"),
    category=Category.RESILIENCE,
)
def reads_refused(lab: Lab) -> Plan:
    """Ask from sixty callers for ten seconds, the burst at the start included."""
    within_s = 10.0

    async def count() -> Counted:
        virtual = Virtual("kalshi", seed=lab.seed)
        rows = await listed(Virtual("kalshi", seed=lab.seed), 200, pages=1)
        api = Kalshi(virtual.client(kalshi.SPEC), clock=virtual.clock)

        def ask(number: int) -> Awaitable[object]:
            ticker = rows[number % len(rows)]["ticker"]
            return api.market(ticker, keep=None, deadline_s=1e6)

        await virtual.saturate(ask, within_s, callers=60)
        arrived = sum(at < within_s for at in virtual.arrived)
        share = arrived / (within_s * 20)
        return Counted(virtual.limited, {"calls": arrived, "share_of_the_limit": round(share, 3)})

    facts = {
        "limit": "20 a second, of which 10 at once; the provider's bucket holds 20",
        "provider": VIRTUAL,
        "explanation": "The virtual clock runs on while a permit is handed over, so the share of"
        " the limit that was used is less than a real clock would show.",
    }
    return Count(count, "refused calls", facts=facts)
