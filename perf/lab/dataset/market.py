"""Stocks, their daily bars, and their quarterly earnings.

Bars open near the previous close and contain their open and close, as real ones do. Earnings reach
one quarter ahead: those to come have an estimate and no actual figure.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from perf.lab.dataset.sessions import DAY, SATURDAY, Days, session_close, weekday
from perf.lab.dataset.table import Block, Ints, Table, columnar, unknown_where, words
from perf.lab.dataset.world import World

_NOT_OPTIONABLE_EVERY = 26
_SYMBOLS_A_BLOCK = 50
_QUARTER_MONTHS = 3


def tables(world: World) -> Iterator[Table]:
    """Yield the tables of this module, parents first."""
    symbols = len(world.symbols)
    yield columnar(
        "stocks",
        "id symbol company_name sector market_cap current_price optionable",
        symbols,
        lambda: [_stocks(world)],
    )
    yield columnar(
        "market_data",
        "symbol timestamp open high low close volume source",
        symbols * min(world.counts.bar_days, len(world.days) - 1),
        lambda: _bars(world),
    )
    yield columnar(
        "earnings",
        "id symbol fiscal_period_end report_date time_of_day eps_estimate eps_actual updated_at",
        symbols * world.counts.quarters,
        lambda: [_earnings(world)],
    )


def optionable(world: World) -> Ints:
    """Return the indexes of the stocks that have options."""
    index = np.arange(len(world.symbols))
    return np.asarray(index[index % _NOT_OPTIONABLE_EVERY != _NOT_OPTIONABLE_EVERY - 1])


def _stocks(world: World) -> Block:
    random = world.random("stocks")
    index = np.arange(len(world.symbols))
    spot = world.closes[:, -1] / 100
    shares_m = np.rint(20 + 15_000 / (index + 1) + 900 * random.random(len(index)) ** 3)
    return (
        index + 1,
        world.symbols,
        world.names,
        world.sectors,
        spot * shares_m * 1e6,
        spot,
        np.isin(index, optionable(world)),
    )


def _bars(world: World) -> Iterator[Block]:
    random = world.random("market_data")
    kept = min(world.counts.bar_days, len(world.days) - 1)
    stamps = session_close(world.days[-kept:])
    for first in range(0, len(world.symbols), _SYMBOLS_A_BLOCK):
        closes = world.closes[first : first + _SYMBOLS_A_BLOCK, -kept - 1 :]
        symbols = np.arange(first, first + len(closes))
        before, close = closes[:, :-1].ravel(), closes[:, 1:].ravel()
        gap = random.standard_normal(len(close)) * 0.003
        opened = np.maximum(np.rint(before * (1 + gap)).astype(np.int64), 1)
        reach = np.abs(random.standard_normal((2, len(close)))) * 0.006
        high = np.ceil(np.maximum(opened, close) * (1 + reach[0]))
        low = np.maximum(np.floor(np.minimum(opened, close) * (1 - reach[1])), 1)
        busy = np.repeat(world.popularity[symbols], kept)
        volume = 1_000 + 4e9 * busy * np.exp(0.5 * random.standard_normal(len(close))) / close
        yield (
            np.repeat(world.symbols[symbols], kept),
            np.tile(stamps, len(symbols)),
            opened / 100,
            high / 100,
            low / 100,
            close / 100,
            np.rint(volume).astype(np.int64),
            words(["feed"] * len(close)),
        )


def _earnings(world: World) -> Block:
    random = world.random("earnings")
    symbols, quarters = len(world.symbols), world.counts.quarters
    n = symbols * quarters
    ends = np.tile(_quarter_ends(world), symbols)
    reports = _on_weekdays(ends + random.integers(18, 50, n))
    usual = np.repeat(0.4 + 3 * random.random(symbols), quarters)
    estimate = usual * (1 + 0.1 * random.standard_normal(n))
    actual = estimate + 0.08 * random.standard_normal(n)
    to_come = reports > world.today
    when = np.array(["pre-market", "post-market", "unknown"], dtype=object)
    return (
        np.arange(1, n + 1),
        np.repeat(world.symbols, quarters),
        ends,
        reports,
        when[random.choice(3, n, p=[0.42, 0.53, 0.05])],
        estimate,
        unknown_where(actual, to_come),
        np.minimum((reports + DAY).astype("datetime64[s]"), world.now),
    )


def _quarter_ends(world: World) -> Days:
    """Return the last days of the quarters up to the one that `today` lies in."""
    month = world.today.astype("datetime64[M]").astype(np.int64)
    after = month - month % _QUARTER_MONTHS + _QUARTER_MONTHS
    starts = after - _QUARTER_MONTHS * np.arange(world.counts.quarters)[::-1]
    return np.asarray(starts.astype("datetime64[M]").astype("datetime64[D]") - DAY)


def _on_weekdays(days: Days) -> Days:
    """Move weekends to the Monday after."""
    return np.asarray(days + (7 - weekday(days)) * (weekday(days) >= SATURDAY))
