"""Option chains: strikes around the spot, weekly and monthly expirations up to two years ahead.

Prices and greeks come from one model and one volatility smile, so a call and a put of a strike
agree within their spread. Strikes are spaced as exchanges space them. Chains hold what can still be
traded: nothing that expired before `today`.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from perf.lab.dataset.market import optionable
from perf.lab.dataset.pricing import black_scholes
from perf.lab.dataset.sessions import DAY, FRIDAY, Days, weekday
from perf.lab.dataset.table import Block, Floats, Ints, Table, columnar, words
from perf.lab.dataset.world import World

_STEPS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0, 50.0)
_REACH = 0.45  # the furthest strike lies within this part of the spot
_WEEKLIES = 8
_TYPES = words(["call", "put"])


def tables(world: World) -> Iterator[Table]:
    """Yield the tables of this module, parents first."""
    chain = 2 * world.counts.expirations * world.counts.strikes
    yield columnar(
        "options_chains",
        "stock_id expiration_date strike_price option_type bid_price ask_price volume "
        "open_interest delta theta gamma vega implied_volatility updated_at",
        chain * len(optionable(world)),
        lambda: _chains(world),
        places=6,
    )


def expirations(today: np.datetime64, n: int) -> Days:
    """Return `n` expirations after `today`: the next weeklies, then monthlies over two years."""
    tomorrow = today + DAY
    friday = tomorrow + (FRIDAY - int(weekday(np.array([tomorrow]))[0])) % 7 * DAY
    weeklies = friday + 7 * np.arange(min(_WEEKLIES, (n + 1) // 2)) * DAY
    months = today.astype("datetime64[M]") + np.arange(26) * np.timedelta64(1, "M")
    firsts = months.astype("datetime64[D]")
    thirds = firsts + ((FRIDAY - weekday(firsts)) % 7 + 14) * DAY
    monthlies = thirds[thirds > weeklies[-1]][:23]
    spread = np.linspace(0, len(monthlies) - 1, n - len(weeklies)).round().astype(int)
    return np.concatenate([weeklies, monthlies[spread]])


def strikes(spot: float, n: int) -> Floats:
    """Return `n` evenly spaced strikes around `spot`, on the steps exchanges use."""
    step = max((step for step in _STEPS if step * n / 2 <= _REACH * spot), default=_STEPS[0])
    lowest = max(round(spot / step) - n // 2, 1)
    ladder: Floats = np.round((lowest + np.arange(n)) * step, 2)
    return ladder


def smile(spot: float, strike: Floats, years: Floats, level: float) -> Floats:
    """Return the implied volatility of each strike: dearer below the spot, flatter with time."""
    moneyness = np.log(strike / spot) / np.sqrt(years + 0.1)
    return np.round((level * (1 - 0.25 * moneyness + 0.2 * moneyness**2)).clip(0.05, 3), 4)


def _chains(world: World) -> Iterator[Block]:
    random = world.random("options_chains")
    dates = expirations(world.today, world.counts.expirations)
    for stock in optionable(world).tolist():
        yield _chain(world, random, stock, dates)


def _chain(world: World, random: np.random.Generator, stock: int, dates: Days) -> Block:
    spot = int(world.closes[stock, -1]) / 100
    ladder = strikes(spot, world.counts.strikes)
    date = np.repeat(dates, 2 * len(ladder))
    strike = np.tile(np.repeat(ladder, 2), len(dates))
    calls = np.tile([True, False], len(dates) * len(ladder))
    years = (date - world.today).astype(np.int64) / 365
    volatility = smile(spot, strike, years, float(world.volatility[stock]))
    model = black_scholes(spot, strike, years, volatility, calls)
    half = 0.01 + 0.015 * model.price
    near = np.exp(-8 * np.log(strike / spot) ** 2 - years)
    volume = _activity(random, 3_000 * near * (0.05 + 20 * world.popularity[stock]))
    age = random.integers(0, 900, len(date)).astype("timedelta64[s]")
    return (
        np.full(len(date), stock + 1),
        date,
        strike,
        np.tile(_TYPES, len(date) // 2),
        np.floor(100 * np.maximum(model.price - half, 0)) / 100,
        np.ceil(100 * (model.price + half)) / 100,
        volume,
        volume * 4 + _activity(random, 400 * near),
        model.delta,
        model.theta,
        model.gamma,
        model.vega,
        volatility,
        world.now - age,
    )


def _activity(random: np.random.Generator, scale: Floats) -> Ints:
    return np.floor(random.exponential(scale)).astype(np.int64)
