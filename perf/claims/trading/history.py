"""Row T6: bounded price history and a generator of its own, at the document's own sizes.

JSON is in `perf.claims.trading.codec`, queued logging with the observability's claims, and what is
opened when it is first asked for in T8's start.
"""

from __future__ import annotations

import math
import random
import tracemalloc
from collections import deque
from collections.abc import Callable, Iterator
from itertools import pairwise
from timeit import repeat
from typing import Any

import numpy as np

from ava.signals.features import features
from ava.signals.history import History
from ava.signals.predictor import Baseline
from perf.claim import Category, Plan, at_least, claim, counter_example, exactly
from perf.claims.document.trading import LENGTH, append_to_deque, append_to_list
from perf.instruments import Arm, Compare, Count, Counted, Occurrence, Witness
from perf.lab.lab import Lab

_Append = Callable[[], tuple[float, int]]
_PRICES = [100 + n * 0.01 for n in range(1_000)]


def _deques(length: int) -> tuple[_Append, _Append]:
    """Return a thousand appends to a full list of that length, and to a full deque."""
    held, kept = [1.0] * length, deque([1.0] * length, maxlen=length)

    def before() -> tuple[float, int]:
        for price in _PRICES:
            held.append(price)
            if len(held) > length:
                held.pop(0)
        return held[-1], len(held)

    def after() -> tuple[float, int]:
        for price in _PRICES:
            append_to_deque(kept, price)
        return kept[-1], len(kept)

    return before, after


@claim(
    id="T6.history.deque",
    rows=["T6"],
    title="At the document's ten prices a deque is not ten times faster than a list with pop(0)",
    source="004 PERF-006, WIN-002",
    category=Category.RESOURCES,
    target=counter_example(),
)
def deque_10x(_lab: Lab) -> Plan:
    """Append a thousand prices to each, at the document's length and at longer ones."""

    def run() -> Occurrence:
        ratios = {length: _ratio(*_deques(length)) for length in (LENGTH, 100, 1_000, 10_000)}
        rows = [[length, round(ratio, 2)] for length, ratio in ratios.items()]
        return Occurrence(
            ratios[LENGTH] < 10,
            f"A deque of ten prices is {ratios[LENGTH]:.1f} times as fast: pop(0) moves"
            " what is left, nine pointers. A list must be long before that takes ten times a call.",
            {"table": {"columns": ["prices kept", "times as fast"], "rows": rows}},
        )

    return Witness(run)


def _ratio(before: _Append, after: _Append) -> float:
    return min(repeat(before, number=1, repeat=9)) / min(repeat(after, number=1, repeat=9))


@claim(
    id="T6.history.deque-long",
    rows=["T6"],
    title="At a hundred thousand prices the deque is ten times faster",
    source="004 PERF-006 (O(n) against O(1)); the length is ours",
    category=Category.RESOURCES,
    target=at_least(10, "x"),
)
def deque_long(_lab: Lab) -> Plan:
    """Do the same at a length where moving what is left costs something."""
    before, after = _deques(100_000)
    return Compare(Arm(before), Arm(after), facts={"length": 100_000})


@claim(
    id="T6.history.symbols",
    rows=["T6"],
    title="A price of each of a thousand symbols is kept no slower by us than by the document",
    source="004 PERF-006; the bound is a product target",
    category=Category.SCALABILITY,
    target=at_least(1, "x"),
)
def many_symbols(_lab: Lab) -> Plan:
    """Append a price a symbol: a list each, and one matrix for all."""
    symbols = [f"S{n}" for n in range(1_000)]
    prices = np.linspace(100, 200, len(symbols))
    held: dict[str, list[float]] = {symbol: [] for symbol in symbols}
    ours = History(window=LENGTH)

    def before() -> float:
        for symbol, price in zip(symbols, prices.tolist(), strict=True):
            append_to_list(held[symbol], price)
        return held[symbols[-1]][-1]

    def after() -> float:
        ours.append_many(symbols, prices)
        return ours.latest(symbols[-1])

    return Compare(Arm(before), Arm(after), facts={"symbols": len(symbols), "length": LENGTH})


@claim(
    id="T6.history.read",
    rows=["T6"],
    title="Momentum and volatility of a thousand symbols come twice as fast from one matrix",
    source="004 PERF-006; the bound is a product target",
    category=Category.SCALABILITY,
    target=at_least(2, "x"),
)
def read(_lab: Lab) -> Plan:
    """Compute the same measures from lists, symbol by symbol, and from the matrix at once."""
    symbols, rng = [f"S{n}" for n in range(1_000)], np.random.default_rng(1)
    history = History(window=LENGTH)
    for _ in range(LENGTH):
        history.append_many(symbols, 100 + rng.random(len(symbols)))
    rows, counts = history.last(symbols)
    held = rows.tolist()

    def before() -> list[tuple[float, float]]:
        return [_by_hand(prices) for prices in held]

    def after() -> list[tuple[float, float]]:
        seen = features(*history.last(symbols))
        return list(zip(seen.momentum.tolist(), seen.volatility.tolist(), strict=True))

    facts = {"symbols": len(symbols), "length": LENGTH, "prices": int(counts.sum())}
    return Compare(Arm(before), Arm(after), same=_nearly, facts=facts)


def _by_hand(prices: list[float]) -> tuple[float, float]:
    """Return the measures of one list, by the definitions of `ava.signals.features`."""
    logs = [math.log(price) for price in prices]
    returns = [b - a for a, b in pairwise(logs)]
    mean = sum(returns) / len(returns)
    deviation = math.sqrt(sum((each - mean) ** 2 for each in returns) / (len(returns) - 1))
    recent = returns[-8:]
    return sum(recent) / len(recent) / deviation * math.sqrt(len(recent)), deviation


def _nearly(one: list[tuple[float, float]], other: list[tuple[float, float]]) -> bool:
    return bool(np.allclose(np.array(one), np.array(other), rtol=1e-6))


@claim(
    id="T4.memory",
    rows=["T4", "T6"],
    title="The price history of 10,000 symbols takes 30 % less memory than lists of ten prices",
    source="003 targets (-30 %, of what is not said); 004 PERF-006's structure",
    category=Category.RESOURCES,
    target=at_least(30, "% of bytes"),
)
def memory(_lab: Lab) -> Plan:
    """Count the bytes that Python and numpy ask for, at the document's ten prices a symbol."""
    symbols = [f"S{n}" for n in range(10_000)]

    def count() -> Counted:
        before = _bytes(lambda: _lists(symbols))
        after = _bytes(lambda: _matrix(symbols, LENGTH))
        usual = _bytes(lambda: _matrix(symbols, 64))
        facts = {
            "bytes_a_symbol": {
                "before": round(before / len(symbols)),
                "after": round(after / len(symbols)),
            },
            "our_default": f"64 prices a symbol take {usual / len(symbols):.0f} bytes: more than"
            " the document's ten, because they are more",
            "not_measured": "the memory of the document's whole system, of which nothing is shown",
        }
        return Counted(round(100 * (1 - after / before)), facts)

    return Count(count, "% of bytes")


def _lists(symbols: list[str]) -> dict[str, list[float]]:
    held: dict[str, list[float]] = {}
    for number in range(2 * LENGTH):
        for symbol in symbols:
            append_to_list(held.setdefault(symbol, []), 100 + number / 7)
    return held


def _matrix(symbols: list[str], window: int) -> History:
    history = History(window=window)
    for number in range(2 * LENGTH):
        history.append_many(symbols, np.full(len(symbols), 100 + number / 7))
    return history


def _bytes(make: Callable[[], Any]) -> int:
    tracemalloc.start()
    try:
        made = make()
        held = tracemalloc.get_traced_memory()[0]
        del made
        return held
    finally:
        tracemalloc.stop()


@claim(
    id="T6.random.repeats",
    rows=["T6"],
    title="A seeded model says the same while other code draws from the global generator",
    source="004 PERF-007",
    category=Category.RESILIENCE,
    target=exactly(0, "different predictions"),
)
def own_generator(_lab: Lab) -> Plan:
    """Predict twice by one seed, with strangers drawing in between the second time."""

    def count() -> Counted:
        ours = [list(_said(disturbed=disturbed)) for disturbed in (False, True)]
        different = sum(a != b for a, b in zip(*ours, strict=True))
        return Counted(different, {"predictions": len(ours[0])})

    return Count(count, "different predictions")


def _said(*, disturbed: bool) -> Iterator[float]:
    history = History(window=16)
    for number in range(16):
        history.append("A", 100 + number % 3)
    model = Baseline(noise=0.1, seed=7)
    for number in range(100):
        if disturbed:
            random.seed(number)
            np.random.default_rng(number).random()
        yield float(model.predict(features(*history.last(["A"]))).score[0])


@claim(
    id="T6.random.global",
    rows=["T6"],
    title="The global generator's seed does not hold once other code draws from it",
    source="004 PERF-007 (global random state)",
    category=Category.RESILIENCE,
    target=counter_example(),
)
def global_generator(_lab: Lab) -> Plan:
    """Let a stranger draw once between two draws of a seeded sequence."""

    def run() -> Occurrence:
        draw = random.random  # the global generator, whose state everybody shares
        random.seed(7)
        alone = [draw() for _ in range(3)]
        random.seed(7)
        among = [draw()]
        draw()
        among += [draw() for _ in range(2)]
        return Occurrence(
            alone != among,
            "After a stranger's draw a seeded sequence goes on elsewhere. The reason to have a"
            " generator of one's own is this; a draw takes as long from either.",
        )

    return Witness(run)
