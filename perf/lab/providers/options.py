"""Option chains as the providers list them: one price, one set of greeks, whoever asks.

The chain is the data set's model around today's close. Some contracts lack their volume and some
their greeks, as real ones do.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import date

import numpy as np

from perf.lab.dataset.chains import expirations, smile, strikes
from perf.lab.dataset.pricing import black_scholes

_CHAIN_EXPIRATIONS = 8
_CHAIN_STRIKES = 20


@dataclass(frozen=True, slots=True)
class Contract:
    """One option at the clock's start; `volume` and the greeks may be unknown."""

    underlying: str
    expiration: date
    strike: float
    call: bool
    bid: float
    ask: float
    volume: int | None
    open_interest: int
    volatility: float
    greeks: tuple[float, float, float, float] | None  # delta, gamma, theta, vega

    @property
    def osi(self) -> str:
        """The contract's symbol, without blanks: AAA260220P00010000."""
        kind = "C" if self.call else "P"
        return f"{self.underlying}{self.expiration:%y%m%d}{kind}{round(self.strike * 1000):08d}"

    @property
    def mid(self) -> float:
        """Half way between bid and ask."""
        return round((self.bid + self.ask) / 2, 4)


def make_chain(
    symbol: str, *, spot: float, volatility: float, today: np.datetime64
) -> list[Contract]:
    """Return the options on a stock, by expiration, strike, and puts before calls."""
    dates = expirations(today, _CHAIN_EXPIRATIONS)
    ladder = strikes(spot, _CHAIN_STRIKES)
    date_of = np.repeat(dates, 2 * len(ladder))
    strike = np.tile(np.repeat(ladder, 2), len(dates))
    calls = np.tile([False, True], len(dates) * len(ladder))
    years = (date_of - today).astype(np.int64) / 365
    level = smile(spot, strike, years, volatility)
    model = black_scholes(spot, strike, years, level, calls)
    columns = np.stack([model.delta, model.gamma, model.theta, model.vega], axis=1)
    greeks = columns.round(6) + 0.0  # the sum turns -0.0 into 0.0
    half = 0.01 + 0.015 * model.price
    bids = np.floor(100 * np.maximum(model.price - half, 0)) / 100
    asks = np.ceil(100 * (model.price + half)) / 100
    rows = zip(
        date_of.astype(object), strike, calls, bids, asks, level, greeks.tolist(), strict=True
    )
    return [
        _contract(symbol, number, *(day, float(k), bool(call), float(bid), float(ask)), iv, g)
        for number, (day, k, call, bid, ask, iv, g) in enumerate(rows)
    ]


def _contract(  # noqa: PLR0913, PLR0917 - one row of the chain's columns
    symbol: str,
    number: int,
    day: date,
    strike: float,
    call: bool,  # noqa: FBT001 - a column
    bid: float,
    ask: float,
    volatility: float,
    greeks: list[float],
) -> Contract:
    """Return one option; every eleventh lacks its volume, every thirteenth its greeks."""
    drawn = zlib.crc32(f"{symbol}:{number}".encode()) % 5_000
    delta, gamma, theta, vega = greeks
    return Contract(
        symbol,
        day,
        strike,
        call,
        bid,
        ask,
        None if number % 11 == 10 else drawn % 900,  # noqa: PLR2004 - see above
        drawn,
        round(float(volatility), 4),
        None if number % 13 == 12 else (delta, gamma, theta, vega),  # noqa: PLR2004 - see above
    )
