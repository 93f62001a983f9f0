"""Rows T2 and T3: what skipping unchanged symbols saves and hides, and who is looked at first.

How much is saved depends on how prices move between two looks, so it is shown on real minutes,
trades, hours and days. What is skipped keeps the signal it had; how often a new one would have said
something else is stated beside what was saved.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from ava.cache.movement import Volatility
from ava.signals.change import THRESHOLD, Changes
from perf.claim import Category, Plan, at_least, claim, counter_example, exactly
from perf.claims.abreast import abreast
from perf.claims.document.trading import LastSeen
from perf.claims.trading.market import (
    CURRENCY,
    DAYS,
    HOURS,
    MINUTES,
    QUOTES,
    TRADES,
    Generator,
    Moment,
    market_file,
    moments,
    most_moments,
    replayed,
)
from perf.claims.trading.stage import names
from perf.instruments import Arm, Compare, Count, Counted, Occurrence, Witness
from perf.lab.lab import Lab
from perf.sample import Scale

FILES = (MINUTES, TRADES, QUOTES, CURRENCY, HOURS, DAYS)
_PIECE = 3_000  # moments a timed call goes through


def _row(piece: tuple[str, int]) -> list[Any]:
    """Return what skipping does on a file, or on its first moments."""
    name, most = piece
    symbols, prices = asyncio.run(moments(name, most))
    skipping, asking = (Generator(symbols, t).run(prices) for t in (THRESHOLD, 0.0))
    other = sum(a is not b for a, b in zip(skipping.stood, asking.stood, strict=True))
    looks = len(asking.stood)
    skipped = 100 * (1 - skipping.asked / looks)
    return [name, len(symbols), looks, round(skipped, 2), other, round(100 * other / looks, 2)]


def _most(lab: Lab, name: str) -> int:
    """Return how many moments of a file are looked at; a day of twenty symbols is twenty prices."""
    return most_moments(lab) // (20 if name == DAYS else 1)


_COLUMNS = (
    "file",
    "symbols",
    "prices",
    "skipped, %",
    "signals that would have differed",
    "of all prices, %",
)


async def _facts(lab: Lab) -> dict[str, Any]:
    pieces = [(name, _most(lab, name)) for name in FILES]
    rows = await asyncio.to_thread(abreast, _row, pieces)
    return {
        "before": "every symbol predicted at each price",
        "after": "those predicted that moved by half a percent since their last signal (003.2)",
        "differed": "prices at which a model asked anew would have said another action than the"
        " signal that still stood",
        "table": {"columns": list(_COLUMNS), "rows": rows},
    }


def _saving(name: str, facts: dict[str, Any], symbols: Any, prices: Any) -> Plan:
    def generate(threshold: float) -> Callable[[], int]:
        return lambda: len(Generator(symbols, threshold).run(prices).stood)

    facts = {**facts, "timed": f"{len(prices)} moments of {name}, all in this process's memory"}
    return Compare(
        Arm(generate(0.0)), Arm(generate(THRESHOLD)), scale=Scale.SAVING, facts=facts, budget_s=2.0
    )


@claim(
    id="T2.generation",
    rows=["T2"],
    profiles=("full",),
    title="On real minute bars signals are generated 40 % faster by skipping what did not move",
    source="003.2",
    category=Category.RESOURCES,
    target=at_least(40, "%"),
    deadline_s=120,
)
@claim(
    id="T2.generation-30",
    rows=["T2"],
    profiles=("full",),
    title="On real minute bars signals are generated 30 % faster by skipping what did not move",
    source="003.2",
    category=Category.RESOURCES,
    target=at_least(30, "%"),
    deadline_s=120,
)
async def generation(lab: Lab) -> Plan:
    """Time history, detection and prediction, which is what 003 calls generation."""
    symbols, prices = await moments(MINUTES, _PIECE)
    return _saving(MINUTES, await _facts(lab), symbols, prices)


@claim(
    id="T2.cpu",
    rows=["T2"],
    profiles=("full",),
    title="On real ticks the whole loop takes 40 % less processor time by skipping",
    source="003.2",
    category=Category.RESOURCES,
    target=at_least(40, "%"),
    deadline_s=120,
)
def cpu(_lab: Lab) -> Plan:
    """Time whole iterations, reading included, in memory: their time is the processor's."""
    paths = [market_file(TRADES)]

    def run(threshold: float) -> Callable[[], Any]:
        async def iterate() -> int:
            _, _, done = await replayed(paths, most=_PIECE, threshold=threshold)
            return done

        return iterate

    facts = {
        "before": "each of the day's first trades of SPY predicted and stored",
        "after": "the same loop with 003.2's half a percent",
        "timed": f"{_PIECE} moments: reading, detection, prediction, storing into a ledger",
    }
    return Compare(
        Arm(run(0.0)), Arm(run(THRESHOLD)), scale=Scale.SAVING, facts=facts, budget_s=2.0
    )


@claim(
    id="T2.hidden",
    rows=["T2"],
    title="On real ticks no skipped price is half a percent or more from that of the last signal",
    source="003.2; product target",
    category=Category.RESILIENCE,
    target=exactly(0, "moves hidden"),
    deadline_s=120,
)
def hidden(lab: Lab) -> Plan:
    """Follow the distance to the last signal through files of trades, quotes, bars and days."""

    async def count() -> Counted:
        rows: list[tuple[str, int, int, int]] = []
        for name in FILES:
            _, prices = await moments(name, _most(lab, name))
            rows.append((name, *_hidden(prices)))
        columns = ["file", "prices", "signals", "skipped moves of half a percent or more"]
        return Counted(
            sum(int(row[-1]) for row in rows), {"table": {"columns": columns, "rows": rows}}
        )

    return Count(count, "moves hidden", repeats=1)


def _hidden(prices: list[Moment]) -> tuple[int, int, int]:
    changes, signalled = Changes(), dict[str, float]()
    signals = hidden = 0
    for now in prices:
        changed = changes.changed(now)
        changes.signalled(changed, now)
        signalled.update({symbol: now[symbol] for symbol in changed})
        signals += len(changed)
        away = [abs(price / signalled[symbol] - 1) for symbol, price in now.items()]
        hidden += sum(each > THRESHOLD * (1 + 1e-9) for each in away)
    return sum(map(len, prices)), signals, hidden


@claim(
    id="T2.drift",
    rows=["T2"],
    title="Compared with the last price seen, a symbol can double without a signal",
    source="003.2",
    category=Category.RESILIENCE,
    target=counter_example(),
)
def drift(_lab: Lab) -> Plan:
    """Raise a price by 0.4 % a look until it has doubled."""

    def run() -> Occurrence:
        theirs, ours, price = LastSeen(), Changes(), 100.0
        signals = {"document": 0, "ours": 0}
        for _ in range(math.ceil(math.log(2) / math.log(1.004))):
            signals["document"] += not theirs.is_unchanged("A", price)
            if ours.changed({"A": price}):
                ours.signalled(["A"], {"A": price})
                signals["ours"] += 1
            price *= 1.004
        return Occurrence(
            signals["document"] == 1,
            f"From 100 to {price:.0f} in steps of 0.4 % the comparison with the last price seen"
            f" makes one signal, the first; that with the price of the last one {signals['ours']}."
            " Small steps never add up unless the reference stays where the last signal was made.",
            {
                "signals": signals,
                "read as": "`_last_prices` holds the last price seen, as its comment says; the text"
                " below it, updated after generation, could also mean ours",
            },
        )

    return Witness(run)


@claim(
    id="T3.order",
    rows=["T3"],
    title="Symbols that moved are decided on in the order of their volatility, the wildest first",
    source="003.6",
    category=Category.RESILIENCE,
    target=exactly(0, "symbols out of order"),
)
def wildest_first(_lab: Lab) -> Plan:
    """Let 50 symbols move by steps of their own, and read the order of the signals."""

    def count() -> Counted:
        volatility, symbols = Volatility(), names(50)
        for number in range(30):
            for place, symbol in enumerate(symbols):
                step = 0.0005 * (place * 7 % 50 + 1) * (-1) ** number
                volatility.saw(symbol, 100 * (1 + step), 60.0 * number)
        ordered = volatility.wildest_first(symbols)
        known = [volatility.of(symbol) or 0.0 for symbol in ordered]
        return Counted(sum(a < b for a, b in pairwise(known)), {"symbols": len(symbols)})

    return Count(count, "symbols out of order")
