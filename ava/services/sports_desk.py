"""Games for people: what is played and what is coming, what markets expect, odds on demand.

Each list is one statement over the four sports and one entry of the cache, whose key is made of
what was asked: the list, its days and its page (000.16). Odds come from The Odds API for a whole
sport at once and are stored in one statement; each sync leaves a record, by which the credits of
the month are planned. Whatever is written invalidates the tag "sports".
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import Struct

from ava.cache import ttls
from ava.cache.keep import Keep
from ava.cache.keys import key
from ava.db.page import Page
from ava.db.query import named
from ava.errors import BadLimitError
from ava.net.gateway import Spend
from ava.net.spec import Priority
from ava.providers.games import League
from ava.providers.odds_api import NAME, ODDS
from ava.services.fresh import Fresh
from ava.services.lists import Listed, listed
from ava.services.odds_budget import Synced
from ava.services.offers import game_odds
from ava.services.sports import GameOdds, Sport, live_games, sync_odds, upcoming_games

if TYPE_CHECKING:
    from ava.core import Core

MOST_MARKETS: Final = 100
BEST: Final = 5  # predictions of a market
SHOWN: Final = 50  # offers without a game that a report names
MOST_SYNCS: Final = 5_000  # of a month, with a plan of 20,000 credits

PREDICTIONS: Final = Keep(60, stale_s=300, tags=("kalshi_predictions",))


class Game(Struct, frozen=True, kw_only=True):
    """A game, its score, and the odds on it: American, the spread from the home side."""

    sport: Sport
    id: int
    game_id: str
    season: int
    home_team: str
    away_team: str
    home_score: int | None
    away_score: int | None
    game_time: datetime
    game_status: str
    period: str | None
    time_remaining: str | None
    moneyline_home: int | None
    moneyline_away: int | None
    spread_home: Decimal | None
    spread_odds_home: int | None
    spread_odds_away: int | None
    over_under: Decimal | None
    over_odds: int | None
    under_odds: int | None
    last_synced: datetime | None


class MarketPrediction(Struct, frozen=True, kw_only=True):
    """What is expected of a market, with its rank among all expectations."""

    id: int
    predicted_outcome: str
    confidence: float
    edge: float
    overall_rank: int
    created_at: datetime


class PredictedMarket(Struct, frozen=True, kw_only=True):
    """A market with its best predictions; a market may have none."""

    market_id: int
    ticker: str
    title: str
    predictions: tuple[MarketPrediction, ...]


class Predictions(Struct, frozen=True, kw_only=True):
    """Predictions by market in the order of their ids; `unknown` are ids that no market has."""

    markets: tuple[PredictedMarket, ...]
    unknown: tuple[int, ...] = ()


class Offer(Struct, frozen=True, kw_only=True):
    """Whom an offer is about, and when they play."""

    home_team: str
    away_team: str
    commence_time: datetime


class OddsReport(Struct, frozen=True, kw_only=True):
    """What came of a sync: games that got odds, and offers that went to none.

    `unmatched` and `ambiguous` count all such offers; of each kind the first are named.
    """

    sport: Sport
    synced_at: datetime
    updated: int
    unmatched: int
    ambiguous: int
    unmatched_offers: tuple[Offer, ...] = ()
    ambiguous_offers: tuple[Offer, ...] = ()
    credits_left: int | None = None


class Sports:
    """The four sports of one platform."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def live(self, *, limit: int = 100, cursor: str | None = None) -> Fresh[Listed[Game]]:
        """Return the games being played now; a page."""

        async def fetch() -> Listed[Game]:
            page = await live_games(self._core.database, limit=limit, cursor=cursor)
            return _games(page)

        return await self._listed(games_key("live", limit=limit, cursor=cursor), fetch)

    async def upcoming(
        self, *, days: int = 7, limit: int = 100, cursor: str | None = None
    ) -> Fresh[Listed[Game]]:
        """Return the games scheduled within `days`; a page."""

        async def fetch() -> Listed[Game]:
            source = self._core.database
            page = await upcoming_games(source, days=days, limit=limit, cursor=cursor)
            return _games(page)

        asked = games_key("upcoming", days=days, limit=limit, cursor=cursor)
        return await self._listed(asked, fetch)

    async def predictions(self, market_ids: Iterable[int]) -> Fresh[Predictions]:
        """Return the best predictions of many markets, by one statement.

        Raises BadLimitError for none, or more than `MOST_MARKETS`.
        """
        wanted = sorted(set(market_ids))
        if not 1 <= len(wanted) <= MOST_MARKETS:
            raise BadLimitError(f"ask for 1 to {MOST_MARKETS} markets, not {len(wanted)}")

        async def fetch() -> Predictions:
            rows = await self._core.database.fetch(
                named("kalshi_predictions_of"),
                {"market_ids": wanted, "each": BEST, "limit": BEST * len(wanted)},
            )
            return _predictions(wanted, rows)

        asked = key("kalshi_predictions", wanted)
        return await self._core.kept(asked, fetch, kind=Predictions, keep=PREDICTIONS)

    async def sync_odds(
        self, sport: Sport, *, priority: Priority = Priority.INTERACTIVE, keep: Keep | None = ODDS
    ) -> OddsReport:
        """Ask The Odds API for a sport's odds and store them with their games.

        An answer that is still fresh costs nothing, unless `keep` is None. Raises ProviderError,
        with QuotaExhaustedError where the month's credits are spent.
        """
        database, now = self._core.database, self._core.clock.now()  # before anything is paid for
        left = (await self.credits()).left
        how = {"priority": priority, "keep": keep}
        events = await self._core.platform.odds.odds(League(sport.value), **how)  # type: ignore[arg-type] # a TypedDict made in parts
        found = await sync_odds(database, sport, game_odds(events))
        report = OddsReport(
            sport=sport,
            synced_at=now,
            updated=found.updated,
            unmatched=len(found.unmatched),
            ambiguous=len(found.ambiguous),
            unmatched_offers=_offers(found.unmatched),
            ambiguous_offers=_offers(found.ambiguous),
            credits_left=(await self.credits()).left,
        )
        await self._record(report, left)
        return report

    async def credits(self) -> Spend:
        """Return what is left of the month's credits; raises AuthenticationError without a key."""
        _ = self._core.platform.odds  # a provider that nobody asked yet has no count
        return (await self._core.platform.gateway.spend())[NAME]

    async def syncs_since(self, since: datetime) -> list[Synced]:
        """Return the syncs made since a time, in order."""
        rows = await self._core.database.fetch(
            named("odds_syncs_since"), {"since": since, "limit": MOST_SYNCS}
        )
        return [Synced(Sport(r["sport"]), r["synced_at"], r["credits_left"]) for r in rows]

    async def _record(self, report: OddsReport, left: int | None) -> None:
        await self._core.database.execute(
            named("record_odds_sync"),
            {
                "sport": str(report.sport),
                "synced_at": report.synced_at,
                "credits_left": left,
                "updated": report.updated,
                "unmatched": report.unmatched,
                "ambiguous": report.ambiguous,
            },
        )
        if report.updated:
            await self._core.platform.cache.invalidate_tags(*ttls.LIVE_GAMES.tags)

    async def _listed(self, asked: str, fetch: Any) -> Fresh[Listed[Game]]:
        return await self._core.kept(asked, fetch, kind=Listed[Game], keep=ttls.LIVE_GAMES)


def games_key(which: str, *, limit: int, cursor: str | None = None, days: int | None = None) -> str:
    """Return the one key of a list of games of all sports."""
    return key("games", which, days=days, limit=limit, cursor=cursor)


def _games(page: Page) -> Listed[Game]:
    return listed(page, Game)


def _offers(left: Sequence[GameOdds]) -> tuple[Offer, ...]:
    return tuple(
        Offer(home_team=o.home_team, away_team=o.away_team, commence_time=o.commence_time)
        for o in left[:SHOWN]
    )


def _predictions(wanted: Sequence[int], rows: Sequence[dict[str, Any]]) -> Predictions:
    """Group rows, which come in the order of their markets."""
    markets = []
    for market_id, group in itertools.groupby(rows, key=lambda row: row["market_id"]):
        found = list(group)
        made = [row for row in found if row["id"] is not None]
        markets.append(
            PredictedMarket(
                market_id=market_id,
                ticker=found[0]["ticker"],
                title=found[0]["title"],
                predictions=msgspec.convert(made, tuple[MarketPrediction, ...]),
            )
        )
    known = {market.market_id for market in markets}
    return Predictions(markets=tuple(markets), unknown=tuple(i for i in wanted if i not in known))
