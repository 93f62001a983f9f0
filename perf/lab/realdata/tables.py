"""Rows of real files as tables of the platform's schema, for `load_rows`.

What a file does not say stays NULL. Two things are stated rather than known: a game without a time
of day is put at noon in New York, and an option quote's `updated_at` is the close of its day.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta

from perf.lab.dataset.table import Table, from_rows
from perf.lab.realdata.constituents import Constituent
from perf.lab.realdata.options import OptionQuote
from perf.lab.realdata.prices import Bar, closing, midnight
from perf.lab.realdata.sports import GameOdds

_NOON = timedelta(hours=12)


def stocks_table(rows: Iterable[Constituent]) -> Table:
    """Return constituents as rows of `stocks`; the database numbers them."""
    return from_rows(
        "stocks",
        "symbol company_name sector market_cap current_price",
        [(row.symbol, row.name, row.sector, row.market_cap, row.price) for row in rows],
    )


def bars_table(rows: Iterable[Bar], *, source: str) -> Table:
    """Return bars as rows of `market_data`."""
    return from_rows(
        "market_data",
        "symbol timestamp open high low close volume source",
        [
            (bar.symbol, bar.timestamp, bar.open, bar.high, bar.low, bar.close, bar.volume, source)
            for bar in rows
        ],
    )


def games_table(table: str, rows: Iterable[GameOdds]) -> Table:
    """Return played games as rows of a sport's table, such as `nfl_games`."""
    return from_rows(
        table,
        "game_id season home_team away_team home_score away_score game_time game_status "
        "moneyline_home moneyline_away spread_home spread_odds_home spread_odds_away "
        "over_under over_odds",
        [
            (
                _game_id(game),
                game.season,
                game.home_team,
                game.away_team,
                game.home_score,
                game.away_score,
                midnight(game.day) + _NOON,
                "final",
                game.moneyline_home,
                game.moneyline_away,
                game.spread_home,
                game.spread_odds_home,
                game.spread_odds_away,
                game.over_under,
                game.over_odds,
            )
            for game in rows
        ],
    )


def chain_table(rows: Iterable[OptionQuote], *, day: date, stock_ids: Mapping[str, int]) -> Table:
    """Return the quotes of one day as rows of `options_chains`, which holds the latest only.

    Raises KeyError for a symbol without an id.
    """
    at = closing(day)
    return from_rows(
        "options_chains",
        "stock_id expiration_date strike_price option_type bid_price ask_price volume "
        "open_interest delta theta gamma vega implied_volatility updated_at",
        [_quote_row(quote, stock_ids[quote.symbol], at) for quote in rows if quote.day == day],
    )


def _quote_row(quote: OptionQuote, stock_id: int, at: datetime) -> tuple[object, ...]:
    return (
        stock_id,
        quote.expiration,
        quote.strike,
        quote.type,
        quote.bid,
        quote.ask,
        quote.volume,
        quote.open_interest,
        quote.delta,
        quote.theta,
        quote.gamma,
        quote.vega,
        quote.implied_volatility,
        at,
    )


def _game_id(game: GameOdds) -> str:
    teams = f"{game.away_team} at {game.home_team}".lower().replace(" ", "-")
    return f"{game.day}-{teams}-{game.number}"
