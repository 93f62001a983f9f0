"""Games of four sports and their odds.

Odds arrive for a whole sport at once and are stored by one statement. The document matched teams
by the last word of their names, which takes one Tigers for another and can hit two games; here an
offer and a game are the same only by both full names and the time. What fits nothing, or more than
one thing, is returned to the caller and never applied.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from functools import cache
from types import MappingProxyType

from psycopg import sql

from ava.db.columns import Column
from ava.db.connection import Source, fetch_from
from ava.db.page import Page, fetch_page
from ava.db.query import Query, built, named


class Sport(StrEnum):
    """The sports there are tables for."""

    NFL = "nfl"
    NBA = "nba"
    NCAA_FOOTBALL = "ncaa_football"
    NCAA_BASKETBALL = "ncaa_basketball"


SPORTS: Mapping[Sport, str] = MappingProxyType({sport: f"{sport}_games" for sport in Sport})


@dataclass(frozen=True, slots=True)
class GameOdds:
    """The odds offered for one game: American, the spread from the home side; None is no offer."""

    home_team: str
    away_team: str
    commence_time: datetime
    moneyline_home: int | None = None
    moneyline_away: int | None = None
    spread_home: Decimal | None = None
    spread_odds_home: int | None = None
    spread_odds_away: int | None = None
    over_under: Decimal | None = None
    over_odds: int | None = None
    under_odds: int | None = None


@dataclass(frozen=True, slots=True)
class OddsSync:
    """How many games got odds, and the offers that no game, or more than one thing, answered to."""

    updated: int
    unmatched: tuple[GameOdds, ...]
    ambiguous: tuple[GameOdds, ...]


_COLUMNS = tuple(
    Column(name, kind)
    for name, kind in {
        "home_team": "text",
        "away_team": "text",
        "commence_time": "timestamptz",
        "moneyline_home": "integer",
        "moneyline_away": "integer",
        "spread_home": "numeric(4, 1)",
        "spread_odds_home": "integer",
        "spread_odds_away": "integer",
        "over_under": "numeric(5, 1)",
        "over_odds": "integer",
        "under_odds": "integer",
    }.items()
)


async def sync_odds(source: Source, sport: Sport, odds: Sequence[GameOdds]) -> OddsSync:
    """Store odds with the scheduled games they belong to, in one statement and one round trip.

    Raises BadValueError, before anything is sent, for a value its column cannot hold.
    """
    if not odds:
        return OddsSync(0, (), ())
    arrays = {
        column.name: column.checked([getattr(offer, column.name) for offer in odds])
        for column in _COLUMNS
    }
    # Preparing it would take a round trip of its own.
    left = await fetch_from(
        source, _statement(Sport(sport)), {**arrays, "limit": len(odds)}, prepare=False
    )
    return OddsSync(
        updated=len(odds) - len(left),
        unmatched=tuple(odds[row["position"] - 1] for row in left if not row["ambiguous"]),
        ambiguous=tuple(odds[row["position"] - 1] for row in left if row["ambiguous"]),
    )


async def live_games(source: Source, *, limit: int = 100, cursor: str | None = None) -> Page:
    """Return the games being played now in all sports."""
    return await fetch_page(source, named("live_games"), limit=limit, cursor=cursor)


async def upcoming_games(
    source: Source, *, days: int = 7, limit: int = 100, cursor: str | None = None
) -> Page:
    """Return the games scheduled within `days` in all sports."""
    query = named("upcoming_games")
    return await fetch_page(source, query, {"days": days}, limit=limit, cursor=cursor)


@cache
def _statement(sport: Sport) -> Query:
    return built("sync_odds", named("sync_odds").format(table=sql.Identifier(SPORTS[sport])))
