"""The forms in which Kalshi tells of events, books and candles: money as strings of four decimals.

A game is an event of three markets: the home team by more than -7, 0 and 7 points.
"""

from __future__ import annotations

import zlib
from datetime import UTC, datetime
from typing import Any

from perf.lab.providers.games import Game, Stage

SERIES = {
    "nfl": "KXNFLGAME",
    "nba": "KXNBAGAME",
    "ncaa_football": "KXNCAAFGAME",
    "ncaa_basketball": "KXNCAAMBGAME",
}
STRIKES = (-7.0, 0.0, 7.0)


def event_ticker(game: Game) -> str:
    """Return the name of a game's event."""
    return f"{SERIES[game.sport]}-{game.day:%y%b%d}-{game.number:05d}".upper()


def tickers_of(game: Game) -> list[str]:
    """Return the names of an event's markets."""
    return [f"{event_ticker(game)}-T{place}" for place in range(len(STRIKES))]


def event_of(event: str, game: Game) -> dict[str, Any]:
    """Return an event without its markets."""
    return {
        "event_ticker": event,
        "series_ticker": SERIES[game.sport],
        "title": f"{game.away} at {game.home}",
        "sub_title": f"{game.day:%b %d}",
        "category": "Sports",
        "mutually_exclusive": False,
        "strike_date": time_of(game.start),
    }


def cents_of(game: Game, strike: float, now: float) -> int:
    """Return what yes costs, from 2 to 98: the line's chance, or the score's at the end."""
    score = game.score(now)
    if score.stage is Stage.OVER:
        return 98 if score.home - score.away > strike else 2
    margin = -(game.spread or 0.0) - strike
    drawn = zlib.crc32(f"{game.id}:{strike}:{now:.0f}".encode()) % 3 - 1
    return min(98, max(2, round(50 + 2.5 * margin) + drawn))


def bids_up_to(best: float, depth: int) -> list[list[str]]:
    """Return the levels from the lowest to the best."""
    cents = [round(100 * best) - step for step in range(min(depth, 10))]
    levels = [[dollars(cent), f"{100 + 10 * cent}.00"] for cent in cents if cent > 0]
    return levels[::-1]


def candle_of(ticker: str, end: int) -> dict[str, Any]:
    """Return a bar that ends at `end`; every ninth or so has no trades."""
    drawn = zlib.crc32(f"{ticker}:{end}".encode())
    base = zlib.crc32(ticker.encode()) % 60 + 20
    close = base + drawn % 5
    quiet = drawn % 9 == 0
    price = {
        name: None if quiet else dollars(cents)
        for name, cents in (
            ("open_dollars", base),
            ("high_dollars", close + 1),
            ("low_dollars", base - 1),
            ("close_dollars", close),
            ("mean_dollars", close),
            ("previous_dollars", base),
        )
    }
    bid = {f"{name}_dollars": dollars(close - 1) for name in ("open", "high", "low", "close")}
    ask = {f"{name}_dollars": dollars(close + 1) for name in ("open", "high", "low", "close")}
    return {
        "end_period_ts": end,
        "yes_bid": bid,
        "yes_ask": ask,
        "price": price,
        "volume_fp": "0.00" if quiet else f"{drawn % 500}.00",
        "open_interest_fp": f"{drawn % 900}.00",
    }


def dollars(cents: int) -> str:
    """Write cents as dollars."""
    return f"{cents / 100:.4f}"


def time_of(seconds: float) -> str:
    """Write a moment to the second."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"
