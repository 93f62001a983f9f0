"""What sports providers answer: events, the odds on them, and how games stand, in one vocabulary.

Odds are exact: prices and points are Decimals, never floats, and a price is read in the format it
was asked for, because 150 is a fine price in both (American +150, decimal 150.0) and no look at it
tells which. Times are aware and in UTC. A score that nobody has made yet is None, not 0. The
structs are plain data and go through the cache unchanged.
"""

from __future__ import annotations

from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum

from msgspec import Struct


class League(StrEnum):
    """The leagues the platform follows, named as its tables are."""

    NFL = "nfl"
    NBA = "nba"
    NCAA_FOOTBALL = "ncaa_football"
    NCAA_BASKETBALL = "ncaa_basketball"


class OddsFormat(StrEnum):
    """How a price is written: what 100 wins or costs, or what one unit returns."""

    AMERICAN = "american"
    DECIMAL = "decimal"


class Status(StrEnum):
    """Where a game stands, in the words of the platform's tables."""

    SCHEDULED = "scheduled"
    LIVE = "live"
    FINAL = "final"
    POSTPONED = "postponed"  # or cancelled: it is over and was not played


class Exact(Struct, frozen=True, kw_only=True):
    """Base of structs with Decimals: text such as "NaN", which a Decimal would take, is refused."""

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if isinstance(value, Decimal) and not value.is_finite():
                raise ValueError(f"{name} is {value}, which is no number")


class SportInfo(Struct, frozen=True, kw_only=True):
    """A sport that odds are offered on."""

    key: str
    title: str
    group: str | None = None
    description: str | None = None
    active: bool = True
    has_outrights: bool = False


class Event(Struct, frozen=True, kw_only=True):
    """A game to come or under way; an outright (who wins the title) has no teams."""

    id: str
    sport_key: str
    commence_time: datetime
    home_team: str | None = None
    away_team: str | None = None


class Outcome(Exact, frozen=True, kw_only=True):
    """One side of a market: `point` is its line, `description` whom a player's market is about."""

    name: str
    price: Decimal
    point: Decimal | None = None
    description: str | None = None


class Market(Struct, frozen=True, kw_only=True):
    """What a bookmaker offers on one question: "h2h", "spreads", "totals", or another."""

    key: str
    outcomes: tuple[Outcome, ...]
    last_update: datetime | None = None


class Bookmaker(Struct, frozen=True, kw_only=True):
    """One bookmaker's markets on an event."""

    key: str
    title: str
    markets: tuple[Market, ...]
    last_update: datetime | None = None


class EventOdds(Event, frozen=True, kw_only=True):
    """An event with every offer on it."""

    bookmakers: tuple[Bookmaker, ...] = ()


class TeamScore(Struct, frozen=True, kw_only=True):
    """A team's points, by its full name."""

    name: str
    score: int


class EventScores(Event, frozen=True, kw_only=True):
    """An event with its score; None before the first is known."""

    completed: bool
    scores: tuple[TeamScore, ...] | None = None
    last_update: datetime | None = None


class Side(Struct, frozen=True, kw_only=True):
    """One team of a game; `rank` is that of the college polls, None for the unranked."""

    id: str
    name: str
    abbreviation: str | None = None
    score: int | None = None
    winner: bool | None = None
    rank: int | None = None


class GameState(Struct, frozen=True, kw_only=True):
    """How a game stands; `period` and `clock` are known only while it is played."""

    id: str
    league: League
    season: int
    starts_at: datetime
    status: Status
    home: Side
    away: Side
    period: int | None = None
    clock: str | None = None
    detail: str | None = None
    neutral_site: bool = False
    venue: str | None = None


def american(price: Decimal, quoted: OddsFormat) -> int:
    """Return a price as American odds, to the nearest whole number.

    Raises ValueError for a price that its format cannot hold: decimal odds of 1 or less win
    nothing, American odds lie at 100 and above or at -100 and below.
    """
    checked(price, quoted)
    if quoted is OddsFormat.AMERICAN:
        return int(price)
    profit = price - 1
    exact = profit * 100 if profit >= 1 else Decimal(-100) / profit
    return int(exact.to_integral_value(ROUND_HALF_EVEN))


def decimal_odds(odds: int) -> Decimal:
    """Return American odds as decimal ones; raise ValueError for what are none."""
    checked(Decimal(odds), OddsFormat.AMERICAN)
    return 1 + (Decimal(odds) / 100 if odds > 0 else Decimal(100) / -odds)


def checked(price: Decimal, quoted: OddsFormat) -> Decimal:
    """Return a price that its format can hold; raise ValueError for any other."""
    if quoted is OddsFormat.DECIMAL:
        good = price > 1
    else:
        good = abs(price) >= 100 and price == price.to_integral_value()  # noqa: PLR2004 - by definition
    if not good:
        raise ValueError(f"{price} is no price in {quoted} odds")
    return price
