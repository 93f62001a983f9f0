"""The world the tables describe: companies, their popularity, and one history of prices for all.

Trades, bars, option chains and portfolios look at the same prices, so the tables agree with each
other. Returns are correlated (market, sector, company) and rounded to millionths before they are
added up, prices to cents: sums are of integers, so no machine's floating point can drift from
another's. Each table draws from a generator of its own, so a table is the same whether or not the
others are generated.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from perf.lab.dataset.companies import SECTORS, companies
from perf.lab.dataset.sessions import DAY, Days, Moments, weekdays
from perf.lab.dataset.sizes import Counts, Size, counts
from perf.lab.dataset.table import Column, Floats, Ints, words

_MARKET_SD, _SECTOR_SD = 0.009, 0.006  # of a day's return
_SESSIONS_A_YEAR = 252
_MILLION = 1_000_000
_LOWEST_CENTS = 50
_HOUR_OF_NOW = 21  # UTC: trading is over, some games are on


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """What all tables share.

    `closes` are cents, one row a symbol and one column a day of `days`; `market` the market's
    daily returns in millionths; `volatility` annual. Symbols are in order of popularity, which
    sums to 1, and the stock at index 0 has the id 1.
    """

    counts: Counts
    seed: int
    today: np.datetime64
    symbols: Column
    names: Column
    sectors: Column
    popularity: Floats
    volatility: Floats
    days: Days
    market: Ints
    closes: Ints

    @property
    def now(self) -> np.datetime64:
        """The moment the data set was taken, in the evening of `today` (UTC)."""
        moment: np.datetime64 = self.today.astype("datetime64[h]") + _HOUR_OF_NOW * np.timedelta64(
            1, "h"
        )
        seconds: np.datetime64 = moment.astype("datetime64[s]")
        return seconds

    def random(self, table: str) -> np.random.Generator:
        """Return the generator of one table, at its start."""
        return generator(self.seed, table)

    def pick(self, random: np.random.Generator, n: int) -> Ints:
        """Draw `n` symbols by popularity, as indexes."""
        return random.choice(len(self.symbols), size=n, p=self.popularity)

    def prices(self, symbols: Ints, moments: Moments) -> Ints:
        """Return the last closes known at those moments, in cents."""
        day = np.searchsorted(self.days, moments.astype("datetime64[D]"), side="right") - 1
        return self.closes[symbols, np.maximum(day, 0)]


def generator(seed: int, name: str) -> np.random.Generator:
    """Return the random generator that `seed` and `name` stand for."""
    return np.random.Generator(np.random.PCG64([seed, zlib.crc32(name.encode())]))


def build(size: Size, seed: int, today: date) -> World:
    """Build the world of that size and seed as it stands on `today`."""
    amounts = counts(size)
    random = generator(seed, "world")
    last = np.datetime64(today, "D")
    days = weekdays(last - (amounts.history_days - 1) * DAY, last)
    listed = companies(random, amounts.symbols)
    sector = np.array([SECTORS.index(company.sector) for company in listed])
    market = random.standard_normal(len(days)) * _MARKET_SD
    own_sd = 0.008 + 0.012 * random.random(len(listed))
    beta = 0.6 + 0.9 * random.random(len(listed))
    returns = _returns(random, market, beta, sector, own_sd)
    return World(
        counts=amounts,
        seed=seed,
        today=last,
        symbols=words(company.symbol for company in listed),
        names=words(company.name for company in listed),
        sectors=words(company.sector for company in listed),
        popularity=_zipf(len(listed)),
        volatility=np.sqrt((beta * _MARKET_SD) ** 2 + _SECTOR_SD**2 + own_sd**2)
        * np.sqrt(_SESSIONS_A_YEAR),
        days=days,
        market=np.rint(market * _MILLION).astype(np.int64),
        closes=_closes(random, returns),
    )


def _returns(
    random: np.random.Generator,
    market: Floats,
    beta: Floats,
    sector: npt.NDArray[np.int64],
    own_sd: Floats,
) -> Ints:
    sectors = random.standard_normal((len(SECTORS), len(market))) * _SECTOR_SD
    own = random.standard_normal((len(beta), len(market))) * own_sd[:, None]
    returns = beta[:, None] * market + sectors[sector] + own
    return np.rint(returns * _MILLION).astype(np.int64)


def _closes(random: np.random.Generator, returns: Ints) -> Ints:
    """Walk back from today's prices, so that today's are plausible however long the history."""
    today = np.exp(4.2 + 0.8 * random.standard_normal(len(returns))).clip(8, 900)
    still_to_come = returns.sum(axis=1, keepdims=True) - returns.cumsum(axis=1)
    cents = np.rint(100 * today[:, None] * np.exp(still_to_come / -_MILLION)).astype(np.int64)
    return np.asarray(np.maximum(cents, _LOWEST_CENTS))


def _zipf(n: int) -> Floats:
    weights: Floats = 1 / np.arange(1, n + 1)
    return np.asarray(weights / weights.sum())
