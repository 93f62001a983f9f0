"""The forms in which Massive tells of bars, snapshots and options.

One letter a field in bars and trades, whole words in what is newer. Times of bars are milliseconds,
those of snapshots nanoseconds.
"""

from __future__ import annotations

from typing import Any

from perf.lab.providers.market import Bar, Market
from perf.lab.providers.options import Contract

MS = 1_000
_NS = 1_000_000_000


class Forms:
    """What is told of each ticker."""

    def __init__(self, market: Market) -> None:
        self._market = market

    def reference(self, symbol: str) -> dict[str, Any]:
        """Return a stock as the list of tickers has it."""
        return {
            "ticker": symbol,
            "name": self._market.name(symbol),
            "market": "stocks",
            "locale": "us",
            "primary_exchange": "XNAS",
            "type": "CS",
            "active": True,
            "currency_name": "usd",
            "last_updated_utc": f"{self._market.today}T00:00:00Z",
        }

    def stock(self, symbol: str, now: float) -> dict[str, Any]:
        """Return a stock's snapshot."""
        seen = self._market.snapshot(symbol, now)
        before = self._market.last(symbol)[0]
        day = {
            "o": seen.opened,
            "h": seen.high,
            "l": seen.low,
            "c": seen.price,
            "v": seen.volume,
            "vw": seen.price,
        }
        return {
            "ticker": symbol,
            "todaysChange": seen.change,
            "todaysChangePerc": seen.percent,
            "updated": int(now) * _NS,
            "day": day,
            "min": {},
            "prevDay": {
                name: value for name, value in row_of(before, 0).items() if name not in "tn"
            },
            "lastTrade": {"p": seen.price, "s": 100, "t": int(now) * _NS, "x": 4},
            "lastQuote": {"p": seen.bid, "s": 2, "P": seen.ask, "S": 3, "t": int(now) * _NS},
        }

    def coin(self, ticker: str, now: float) -> dict[str, Any]:
        """Return a coin's snapshot."""
        price = self._market.coin(ticker[2:-3], now)
        return {
            "ticker": ticker,
            "todaysChange": 0.0,
            "todaysChangePerc": 0.0,
            "updated": int(now) * _NS,
            "day": {"o": price, "h": price, "l": price, "c": price, "v": 1000, "vw": price},
            "min": {},
            "prevDay": {"o": price, "h": price, "l": price, "c": price, "v": 1000, "vw": price},
            "lastTrade": {"p": price, "s": 0.01, "t": int(now * MS), "x": 1, "c": [1], "i": "1"},
        }

    def any(self, ticker: str, now: float) -> dict[str, Any]:
        """Return any ticker's snapshot, an error inside for a stranger."""
        if ticker.startswith("X:") and ticker[2:-3] in self._market.coins:
            session = {"close": self._market.coin(ticker[2:-3], now)}
            return {"ticker": ticker, "type": "crypto", "market_status": "open", "session": session}
        if ticker not in self._market:
            return {"ticker": ticker, "error": "NOT_FOUND", "message": "Ticker not found."}
        seen = self._market.snapshot(ticker, now)
        session = {
            "change": seen.change,
            "change_percent": seen.percent,
            "close": seen.price,
            "open": seen.opened,
            "high": seen.high,
            "low": seen.low,
            "previous_close": seen.previous,
            "volume": seen.volume,
        }
        return {
            "ticker": ticker,
            "name": self._market.name(ticker),
            "type": "stocks",
            "market_status": "open",
            "session": session,
            "last_quote": {"bid": seen.bid, "ask": seen.ask, "last_updated": int(now) * _NS},
            "last_trade": {"price": seen.price, "size": 100, "last_updated": int(now) * _NS},
        }


def row_of(bar: Bar, at: int) -> dict[str, Any]:
    """Return a bar that begins `at` so many seconds since 1970."""
    return {
        "v": bar.volume,
        "vw": round((bar.high + bar.low + bar.close) / 3, 4),
        "o": bar.opened,
        "c": bar.close,
        "h": bar.high,
        "l": bar.low,
        "t": at * MS,
        "n": bar.volume // 140,
    }


def option_of(contract: Contract, price: float, now: float) -> dict[str, Any]:
    """Return an option's snapshot."""
    names = ("delta", "gamma", "theta", "vega")
    sign = 1 if contract.call else -1
    return {
        "break_even_price": round(contract.strike + sign * contract.mid, 4),
        "day": {}
        if contract.volume is None
        else {"close": contract.mid, "volume": contract.volume},
        "details": {
            "contract_type": "call" if contract.call else "put",
            "exercise_style": "american",
            "expiration_date": contract.expiration.isoformat(),
            "shares_per_contract": 100,
            "strike_price": contract.strike,
            "ticker": f"O:{contract.osi}",
        },
        "greeks": dict(zip(names, contract.greeks, strict=True)) if contract.greeks else {},
        "implied_volatility": contract.volatility,
        "last_quote": {"bid": contract.bid, "ask": contract.ask, "last_updated": int(now) * _NS},
        "open_interest": contract.open_interest,
        "underlying_asset": {"price": price, "ticker": contract.underlying},
    }
