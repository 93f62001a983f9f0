"""Row C6: a brokerage asked for many things at once.

What is claimed is the number of calls, counted by the provider on a virtual clock
(`perf.claims.providers.virtual`): the same on every machine. All ways to load the portfolio must
find the same. How much sooner it is there is row S1's question, not this one's.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from ava.providers import robinhood
from ava.providers.holdings import Portfolio
from ava.providers.robinhood import Robinhood
from perf.claim import Category, Plan, at_least, at_most, claim, counter_example
from perf.claims.document.brokerage import (
    Get,
    RobinStocks,
    load_in_a_loop,
    load_in_parallel,
)
from perf.claims.providers.virtual import VIRTUAL, Virtual
from perf.instruments import Count, Counted, Occurrence, Witness
from perf.lab.lab import Lab

Found = dict[str, tuple[Decimal, Decimal]]


def getting(virtual: Virtual) -> Get:
    """Return the bare transport of a document's client; a call that fails raises."""

    async def get(url: str, **params: str) -> Any:
        answer = await virtual.http.get(
            f"http://provider{urlsplit(url).path}",
            params=params,
            headers={"authorization": f"Bearer {virtual.key}"},
        )
        return answer.raise_for_status().json()

    return get


async def load(seed: int, way: str) -> tuple[int, Found]:
    """Load the portfolio one way; return the calls the provider counted, and what was found."""
    virtual = Virtual("robinhood", seed=seed)
    virtual.provider.gauges = []  # a throttled loop would make more calls, or stop
    if way == "ours":
        found = _held(await Robinhood(virtual.client(robinhood.SPEC)).portfolio())
    else:
        loads = {"loop": load_in_a_loop, "parallel": load_in_parallel}
        texts = await loads[way](RobinStocks(getting(virtual)))
        found = {name: (Decimal(held), Decimal(price)) for name, (held, price) in texts.items()}
    return virtual.answered(1e9), found


def _held(portfolio: Portfolio) -> Found:
    """Return what a portfolio holds: name -> (quantity, price)."""
    found: dict[str, tuple[Decimal, Decimal | None]] = {}
    for stock in portfolio.stocks:
        price = None if stock.quote is None else stock.quote.price
        found[stock.symbol or stock.position.instrument] = (stock.position.quantity, price)
    for option in portfolio.options:
        mark = option.mark
        name = None if mark is None else mark.occ_symbol
        price = None if mark is None else mark.price
        found[name or option.position.id] = (option.position.quantity, price)
    unpriced = [name for name, (_, price) in found.items() if price is None]
    if unpriced:
        raise RuntimeError(f"no price for {', '.join(unpriced)}")
    return {name: (held, price) for name, (held, price) in found.items() if price is not None}


async def loads(lab: Lab) -> dict[str, int]:
    """Return the calls of each way; raise RuntimeError unless all of them found the same."""
    calls, found = {}, {}
    for way in ("loop", "parallel", "ours"):
        calls[way], found[way] = await load(lab.seed, way)
    if found["loop"] != found["ours"] or found["parallel"] != found["ours"]:
        raise RuntimeError("the ways to load a portfolio do not find the same holdings")
    return calls


def portfolio_facts(calls: dict[str, int]) -> dict[str, Any]:
    """Return what a reader must know to place the figures."""
    return {
        "portfolio": "25 stocks and 20 options",
        "before": "robin_stocks as the document calls it: a share is two calls, an option three",
        "after": "both lists, then shares, contracts and quotes in one call each",
        "provider": VIRTUAL,
        "equal": "quantities and prices of all positions are the same to the last digit",
        "table": {
            "columns": ["way", "calls"],
            "rows": [
                ["one after the other (001.1, before)", calls["loop"]],
                ["the document's gather (001.1, after)", calls["parallel"]],
                ["in batches (ours)", calls["ours"]],
            ],
        },
    }


def counted(lab: Lab, figure: Callable[[dict[str, int]], float], unit: str) -> Plan:
    """Return the plan that loads the portfolio every way and counts."""

    async def count() -> Counted:
        calls = await loads(lab)
        return Counted(figure(calls), portfolio_facts(calls))

    return Count(count, unit)


@claim(
    id="C6.portfolio.calls",
    rows=["C6"],
    title="A portfolio of 45 positions is loaded in at most five calls",
    source="001.1",
    target=at_most(5, "calls"),
    category=Category.RESOURCES,
)
@claim(
    id="C6.portfolio.calls-2",
    rows=["C6"],
    title="Loading a portfolio takes two calls or more, as the document says",
    source="001.1",
    target=at_least(2, "calls"),
    category=Category.RESOURCES,
)
def portfolio_calls(lab: Lab) -> Plan:
    """Count ours."""
    return counted(lab, lambda calls: calls["ours"], "calls")


@claim(
    id="C6.portfolio.calls-before",
    rows=["C6"],
    title="Read position by position, the same portfolio takes fifty calls or more",
    source="001.1",
    target=at_least(50, "calls"),
    category=Category.RESOURCES,
)
def portfolio_calls_before(lab: Lab) -> Plan:
    """Count the document's loop."""
    return counted(lab, lambda calls: calls["loop"], "calls")


@claim(
    id="C6.portfolio.fewer",
    rows=["C6"],
    title="Loading a portfolio takes 90 % fewer calls than position by position",
    source="001.1",
    target=at_least(90, "% of calls"),
    category=Category.RESOURCES,
)
def portfolio_fewer(lab: Lab) -> Plan:
    """Compare both counts."""
    return counted(lab, lambda calls: 100 * (1 - calls["ours"] / calls["loop"]), "% of calls")


@claim(
    id="C6.parallel.calls",
    rows=["C6"],
    title="Fetching in parallel, as the document does, needs more than five calls still",
    source="001.1",
    target=counter_example(),
    category=Category.RESOURCES,
)
def parallel_calls(lab: Lab) -> Plan:
    """Count the document's own solution."""

    async def run() -> Occurrence:
        calls = await loads(lab)
        return Occurrence(
            calls["parallel"] > 5,
            f"The document's gather makes {calls['parallel']} calls for the portfolio: at once is"
            " not fewer. Only asking for many contracts by one call is.",
            portfolio_facts(calls),
        )

    return Witness(run)
