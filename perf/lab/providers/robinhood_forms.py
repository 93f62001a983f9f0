"""The forms in which Robinhood tells of accounts, positions, contracts and quotes.

Prices and quantities are strings, of four or six decimals as the real ones; what names another
thing is an absolute URL. Nothing here knows who asked.
"""

from __future__ import annotations

import uuid
from typing import Any

from perf.lab.providers.market import Market, day_of
from perf.lab.providers.options import Contract

ACCOUNT = "5SIM00001"
_NAMESPACE = uuid.UUID("6ba7b810-9dad-11d1-80b4-00c04fd430c8")
_OPENED = "2026-01-05T15:00:00Z"
STOCKS = 25


class Forms:
    """What is told of each thing; `base` is what URLs begin with."""

    def __init__(self, market: Market, base: str) -> None:
        self._market = market
        self._base = base

    def url(self, *parts: str) -> str:
        """Return an absolute URL below the provider's own."""
        return f"{self._base}/{'/'.join(parts)}/"

    def account(self) -> dict[str, Any]:
        """Return the one account."""
        return {
            "url": self.url("accounts", ACCOUNT),
            "account_number": ACCOUNT,
            "type": "margin",
            "buying_power": "25000.0000",
            "cash": "25000.0000",
            "portfolio_cash": "25000.0000",
            "cash_held_for_options_collateral": "8500.0000",
            "positions": self.url("accounts", ACCOUNT, "positions"),
            "portfolio": self.url("portfolios", ACCOUNT),
        }

    def position(self, symbol: str, place: int) -> dict[str, Any]:
        """Return a stock held at `place`, none of it after the last."""
        price = self._market.price(symbol, 0.0)
        held = shares_at(place) if place < STOCKS else 0
        return {
            "url": self.url("positions", ACCOUNT, id_of(symbol)),
            "account": self.url("accounts", ACCOUNT),
            "account_number": ACCOUNT,
            "instrument": self.url("instruments", id_of(symbol)),
            "instrument_id": id_of(symbol),
            "quantity": f"{held:.8f}",
            "average_buy_price": money(price * (0.85 + place % 7 * 0.05)),
            "shares_held_for_sells": "0.00000000",
            "created_at": _OPENED,
            "updated_at": _OPENED,
        }

    def option_position(self, item: Contract, place: int) -> dict[str, Any]:
        """Return an option held at `place`."""
        option = id_of(item.osi)
        return {
            "id": id_of(f"position:{item.osi}"),
            "url": self.url("options", "positions", id_of(f"position:{item.osi}")),
            "account": self.url("accounts", ACCOUNT),
            "account_number": ACCOUNT,
            "chain_id": id_of(f"chain:{item.underlying}"),
            "chain_symbol": item.underlying,
            "option": self.url("options", "instruments", option),
            "option_id": option,
            "type": _side(place),
            "quantity": f"{1 + place % 3}.0000",
            "average_price": money(100 * item.mid),
            "trade_value_multiplier": "100.0000",
            "expiration_date": item.expiration.isoformat(),
            "created_at": _OPENED,
            "updated_at": _OPENED,
        }

    def aggregate(self, item: Contract, place: int) -> dict[str, Any]:
        """Return the same as a strategy of one leg."""
        option = id_of(item.osi)
        kind = "call" if item.call else "put"
        leg = {
            "id": id_of(f"leg:{item.osi}"),
            "position": self.url("options", "positions", id_of(f"position:{item.osi}")),
            "position_type": _side(place),
            "option": self.url("options", "instruments", option),
            "option_id": option,
            "ratio_quantity": 1,
            "expiration_date": item.expiration.isoformat(),
            "strike_price": money(item.strike),
            "option_type": kind,
        }
        return {
            "id": id_of(f"aggregate:{item.osi}"),
            "chain": self.url("options", "chains", id_of(f"chain:{item.underlying}")),
            "account": self.url("accounts", ACCOUNT),
            "symbol": item.underlying,
            "strategy": f"{_side(place)}_{kind}",
            "average_open_price": money(100 * item.mid),
            "legs": [leg],
            "quantity": f"{1 + place % 3}.0000",
            "trade_value_multiplier": "100.0000",
            "created_at": _OPENED,
        }

    def option_instrument(self, item: Contract) -> dict[str, Any]:
        """Return what a contract is."""
        option = id_of(item.osi)
        return {
            "id": option,
            "url": self.url("options", "instruments", option),
            "chain_id": id_of(f"chain:{item.underlying}"),
            "chain_symbol": item.underlying,
            "created_at": _OPENED,
            "expiration_date": item.expiration.isoformat(),
            "issue_date": "2020-01-06",
            "min_ticks": {"above_tick": "0.05", "below_tick": "0.01", "cutoff_price": "3.00"},
            "rhs_tradability": "tradable",
            "state": "active",
            "strike_price": money(item.strike),
            "tradability": "tradable",
            "type": "call" if item.call else "put",
        }

    def option_quote(self, item: Contract, now: float) -> dict[str, Any]:
        """Return what a contract costs; its greeks may be unknown."""
        option = id_of(item.osi)
        sign = 1 if item.call else -1
        greeks = item.greeks or (None, None, None, None)
        told = dict(zip(("delta", "gamma", "theta", "vega"), map(_six, greeks), strict=True))
        delta = greeks[0]
        return {
            "instrument": self.url("options", "instruments", option),
            "instrument_id": option,
            "symbol": item.underlying,
            "occ_symbol": f"{item.underlying:<6}{item.osi.removeprefix(item.underlying)}",
            "state": "active",
            "adjusted_mark_price": _six(item.mid),
            "mark_price": _six(item.mid),
            "bid_price": _six(item.bid),
            "bid_size": 5,
            "ask_price": _six(item.ask),
            "ask_size": 7,
            "break_even_price": _six(item.strike + sign * item.mid),
            "last_trade_price": None if item.volume is None else _six(item.mid),
            "previous_close_price": _six(item.mid),
            "volume": item.volume or 0,
            "open_interest": item.open_interest,
            "implied_volatility": None if delta is None else _six(item.volatility),
            **told,
            "chance_of_profit_short": None if delta is None else _six(1 - abs(delta)),
            "chance_of_profit_long": None if delta is None else _six(abs(delta)),
            "updated_at": _time(now),
        }

    def quote(self, symbol: str, now: float) -> dict[str, Any] | None:
        """Return what a stock costs, None for a stranger."""
        if symbol not in self._market:
            return None
        seen = self._market.snapshot(symbol, now)
        return {
            "symbol": symbol,
            "instrument": self.url("instruments", id_of(symbol)),
            "instrument_id": id_of(symbol),
            "last_trade_price": _six(seen.price),
            "last_extended_hours_trade_price": None,
            "bid_price": _six(seen.bid),
            "bid_size": 100,
            "ask_price": _six(seen.ask),
            "ask_size": 200,
            "previous_close": _six(seen.previous),
            "adjusted_previous_close": _six(seen.previous),
            "previous_close_date": self._market.last(symbol)[0].day.isoformat(),
            "trading_halted": False,
            "has_traded": True,
            "state": "active",
            "updated_at": _time(now),
        }

    def fundamental(self, symbol: str, now: float) -> dict[str, Any] | None:
        """Return figures of a stock, None for a stranger."""
        if symbol not in self._market:
            return None
        seen = self._market.snapshot(symbol, now)
        return {
            "symbol": symbol,
            "instrument": self.url("instruments", id_of(symbol)),
            "open": _six(seen.opened),
            "high": _six(seen.high),
            "low": _six(seen.low),
            "volume": f"{seen.volume}.000000",
            "market_cap": _six(self._market.shares(symbol) * 1e6 * seen.price),
            "pe_ratio": _six(seen.price / 4.2),
            "dividend_yield": None if self._market.rank(symbol) % 3 else "0.650000",
            "high_52_weeks": _six(seen.price * 1.2),
            "low_52_weeks": _six(seen.price * 0.7),
            "sector": self._market.sector(symbol),
            "description": "A company.",
        }

    def instrument(self, symbol: str) -> dict[str, Any]:
        """Return what a stock is."""
        return {
            "id": id_of(symbol),
            "url": self.url("instruments", id_of(symbol)),
            "quote": self.url("quotes", symbol),
            "symbol": symbol,
            "name": self._market.name(symbol),
            "simple_name": self._market.name(symbol),
            "state": "active",
            "tradeable": True,
            "type": "stock",
            "tradable_chain_id": id_of(f"chain:{symbol}"),
        }


def id_of(name: str) -> str:
    """Return the UUID that stands for `name`."""
    return str(uuid.uuid5(_NAMESPACE, name))


def shares_at(place: int) -> int:
    """Return how many shares of the stock at `place` are held."""
    return 5 * (1 + place % 12)


def _side(place: int) -> str:
    """Return which way an option is held: every seventh is long."""
    return "short" if (place + 1) % 7 else "long"


def money(value: float) -> str:
    """Write dollars with four decimals."""
    return f"{value:.4f}"


def _six(value: float | None) -> str | None:
    return None if value is None else f"{value:.6f}"


def _time(now: float) -> str:
    return (
        f"{day_of(now)}T{int(now) // 3600 % 24:02d}:{int(now) // 60 % 60:02d}:{int(now) % 60:02d}Z"
    )
