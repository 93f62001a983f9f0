"""Offers of many bookmakers, made into the one set of odds that the platform keeps of a game.

Between The Odds API, which knows bookmakers, and `sync_odds`, which knows games. For each market
the first bookmaker of the caller's order that offers both sides of it is taken, so a price and its
counterpart never come from different books. What is incomplete or contradicts itself (two spreads
that do not mirror each other, a total with two lines) is no offer, and never half of one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from ava.providers.games import EventOdds, Market, OddsFormat, Outcome, american
from ava.services.sports import GameOdds

_HALF = Decimal("0.5")  # the tables keep one decimal; a quarter line would be rounded to a lie


def game_odds(
    events: Iterable[EventOdds],
    *,
    quoted: OddsFormat = OddsFormat.AMERICAN,
    books: Sequence[str] = (),
) -> list[GameOdds]:
    """Return the odds of each game of two teams, for `sync_odds`.

    `books` are keys of bookmakers, the preferred first; the rest follow in the provider's order.
    """
    return [
        GameOdds(
            home_team=event.home_team,
            away_team=event.away_team,
            commence_time=event.commence_time,
            **_prices(event, event.home_team, event.away_team, quoted, books),
        )
        for event in events
        if event.home_team and event.away_team
    ]


def _prices(
    event: EventOdds, home: str, away: str, quoted: OddsFormat, books: Sequence[str]
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for market in _preferred(event, books):
        match market.key:
            case "h2h" if "moneyline_home" not in found:
                found |= _moneyline(market, home, away, quoted)
            case "spreads" if "spread_home" not in found:
                found |= _spread(market, home, away, quoted)
            case "totals" if "over_under" not in found:
                found |= _total(market, quoted)
    return found


def _preferred(event: EventOdds, books: Sequence[str]) -> list[Market]:
    rank = {key: place for place, key in enumerate(books)}
    ordered = sorted(event.bookmakers, key=lambda book: rank.get(book.key, len(rank)))
    return [market for book in ordered for market in book.markets]


def _moneyline(market: Market, home: str, away: str, quoted: OddsFormat) -> Mapping[str, Any]:
    sides = _sides(market, home, away)
    if sides is None:
        return {}
    return {
        "moneyline_home": american(sides[0].price, quoted),
        "moneyline_away": american(sides[1].price, quoted),
    }


def _spread(market: Market, home: str, away: str, quoted: OddsFormat) -> Mapping[str, Any]:
    sides = _sides(market, home, away)
    if sides is None or not _is_line(sides[0].point) or sides[1].point is None:
        return {}
    if sides[0].point != -sides[1].point:
        return {}
    return {
        "spread_home": sides[0].point,
        "spread_odds_home": american(sides[0].price, quoted),
        "spread_odds_away": american(sides[1].price, quoted),
    }


def _total(market: Market, quoted: OddsFormat) -> Mapping[str, Any]:
    sides = _sides(market, "Over", "Under")
    if sides is None or not _is_line(sides[0].point) or sides[0].point != sides[1].point:
        return {}
    return {
        "over_under": sides[0].point,
        "over_odds": american(sides[0].price, quoted),
        "under_odds": american(sides[1].price, quoted),
    }


def _sides(market: Market, first: str, second: str) -> tuple[Outcome, Outcome] | None:
    """Return the two outcomes by name, None unless there is exactly one of each."""
    found = [[o for o in market.outcomes if o.name == name] for name in (first, second)]
    if any(len(outcomes) != 1 for outcomes in found):
        return None
    return found[0][0], found[1][0]


def _is_line(point: Decimal | None) -> bool:
    return point is not None and point % _HALF == 0
