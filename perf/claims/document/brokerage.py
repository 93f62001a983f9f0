"""A portfolio as document 001.1 loads it: position by position, and "in parallel".

The document calls robin_stocks, whose calls are written down here with the same paths and
parameters and in the same number: looking up a contract's market reads the contract first, so it
is two requests. Only the transport is a parameter. The real library blocks a thread where these
await; that changes when calls are made, not how many.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

Get = Callable[..., Awaitable[Any]]  # (path or URL, **parameters) -> decoded JSON


class RobinStocks:
    """The functions of robin_stocks that the document uses."""

    def __init__(self, get: Get) -> None:
        self._get = get

    async def get_open_stock_positions(self) -> list[dict[str, Any]]:
        """One page: the library walks `next`, and there is none here."""
        return list((await self._get("/positions/", nonzero="true"))["results"])

    async def get_open_option_positions(self) -> list[dict[str, Any]]:
        """One page, as above."""
        return list((await self._get("/options/positions/", nonzero="True"))["results"])

    async def get_instrument_by_url(self, url: str) -> dict[str, Any]:
        """One request a share."""
        return dict(await self._get(url))

    async def get_latest_price(self, symbols: list[str]) -> list[str]:
        """One request for all symbols given; of extended hours where there is a price."""
        quotes = (await self._get("/quotes/", symbols=",".join(symbols)))["results"]
        return [q["last_extended_hours_trade_price"] or q["last_trade_price"] for q in quotes]

    async def get_option_instrument_data_by_id(self, option: str) -> dict[str, Any]:
        """One request a contract."""
        return dict(await self._get(f"/options/instruments/{option}/"))

    async def get_option_market_data_by_id(self, option: str) -> list[dict[str, Any]]:
        """Two requests a contract: its URL is read from the contract itself."""
        url = (await self.get_option_instrument_data_by_id(option))["url"]
        return list((await self._get("/marketdata/options/", instruments=url))["results"])


async def load_in_a_loop(rh: RobinStocks) -> dict[str, tuple[str, str]]:
    """Load stocks, then options, one after the other: name -> (quantity, price)."""
    found = {}
    for position in await rh.get_open_stock_positions():
        symbol = (await rh.get_instrument_by_url(position["instrument"]))["symbol"]
        price = (await rh.get_latest_price([symbol]))[0]
        found[symbol] = (position["quantity"], price)
    for position in await rh.get_open_option_positions():
        opt_id = position["option_id"]
        await rh.get_option_instrument_data_by_id(opt_id)
        market = (await rh.get_option_market_data_by_id(opt_id))[0]
        found[market["occ_symbol"]] = (position["quantity"], market["adjusted_mark_price"])
    return found


async def load_in_parallel(rh: RobinStocks) -> dict[str, tuple[str, str]]:
    """001.1's solution: prices of all symbols at once, and each option's two look-ups gathered."""
    positions, raw_positions = await asyncio.gather(
        rh.get_open_stock_positions(), rh.get_open_option_positions()
    )
    instruments = await asyncio.gather(
        *[rh.get_instrument_by_url(position["instrument"]) for position in positions]
    )
    symbols = [instrument["symbol"] for instrument in instruments]
    prices = await rh.get_latest_price(symbols)

    async def fetch_option_data(opt_id: str) -> tuple[str, Any, Any]:
        opt_data, market_data = await asyncio.gather(
            rh.get_option_instrument_data_by_id(opt_id),
            rh.get_option_market_data_by_id(opt_id),
        )
        return (opt_id, opt_data, market_data)

    results = await asyncio.gather(*[fetch_option_data(p["option_id"]) for p in raw_positions])
    found = {
        symbol: (position["quantity"], price)
        for position, symbol, price in zip(positions, symbols, prices, strict=True)
    }
    for position, (_, _, market) in zip(raw_positions, results, strict=True):
        found[market[0]["occ_symbol"]] = (position["quantity"], market[0]["adjusted_mark_price"])
    return found
