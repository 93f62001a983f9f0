"""Games of four sports, what markets expect, and the odds."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated

from fastapi import Query

from ava.api.parameters import Cursor, Limit
from ava.api.route import Routes
from ava.core import Core
from ava.errors import BadValueError
from ava.services.fresh import Fresh
from ava.services.lists import Listed
from ava.services.sports import Sport
from ava.services.sports_desk import (
    MOST_MARKETS,
    Game,
    MarketPrediction,
    OddsReport,
    Offer,
    PredictedMarket,
    Predictions,
    Sports,
)

MOST_DAYS = 31
_LARGEST = 2**63 - 1  # that an id can be

_AT = datetime(2026, 1, 11, 18, tzinfo=UTC)
_GAME = Game(
    sport=Sport.NFL,
    id=812,
    game_id="401772988",
    season=2025,
    home_team="Philadelphia Eagles",
    away_team="Green Bay Packers",
    home_score=14,
    away_score=10,
    game_time=_AT,
    game_status="live",
    period="3",
    time_remaining="8:41",
    moneyline_home=-185,
    moneyline_away=154,
    spread_home=Decimal("-3.5"),
    spread_odds_home=-110,
    spread_odds_away=-110,
    over_under=Decimal("45.5"),
    over_odds=-108,
    under_odds=-112,
    last_synced=datetime(2026, 1, 11, 17, 30, tzinfo=UTC),
)
_MARKET = PredictedMarket(
    market_id=17,
    ticker="KXNFLGAME-26JAN11GBPHI-PHI",
    title="Philadelphia wins",
    predictions=(
        MarketPrediction(
            id=90,
            predicted_outcome="yes",
            confidence=0.71,
            edge=0.06,
            overall_rank=3,
            created_at=datetime(2026, 1, 11, 12, tzinfo=UTC),
        ),
    ),
)
_REPORT = OddsReport(
    sport=Sport.NFL,
    synced_at=datetime(2026, 1, 11, 17, 30, tzinfo=UTC),
    updated=5,
    unmatched=1,
    ambiguous=0,
    unmatched_offers=(
        Offer(home_team="AFC All-Stars", away_team="NFC All-Stars", commence_time=_AT),
    ),
    credits_left=371,
)

Days = Annotated[int, Query(ge=1, le=MOST_DAYS, description="How many days ahead.")]
MarketIds = Annotated[
    str,
    Query(
        min_length=1,
        max_length=20 * MOST_MARKETS,
        description=f"Ids of at most {MOST_MARKETS} markets, with commas between.",
        examples=["17,18"],
    ),
]


def routes(core: Core) -> Routes:
    """Return the routes."""
    area = Routes("/api/v1/sports", "sports")
    service = core.service(Sports)

    @area.get("/live", answers=Listed[Game], example=Listed(items=[_GAME]))
    async def live(limit: Limit = 100, cursor: Cursor = None) -> Fresh[Listed[Game]]:
        """List the games being played now, longest running first."""
        return await service.live(limit=limit, cursor=cursor)

    @area.get("/upcoming", answers=Listed[Game], example=Listed(items=[_GAME]))
    async def upcoming(
        days: Days = 7, limit: Limit = 100, cursor: Cursor = None
    ) -> Fresh[Listed[Game]]:
        """List the games of the coming days, soonest first."""
        return await service.upcoming(days=days, limit=limit, cursor=cursor)

    @area.get("/predictions", answers=Predictions, example=Predictions(markets=(_MARKET,)))
    async def predictions(market_ids: MarketIds) -> Fresh[Predictions]:
        """Show the best predictions of several markets."""
        return await service.predictions(_ids(market_ids))

    @area.change("POST", "/{sport}/odds/sync", answers=OddsReport, example=_REPORT)
    async def sync_odds(sport: Sport) -> OddsReport:
        """Get a sport's odds from The Odds API and store them; costs credits unless just done."""
        return await service.sync_odds(sport)

    return area


def _ids(text: str) -> list[int]:
    """Read ids; raise BadValueError for what is none."""
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdigit() and int(part) <= _LARGEST for part in parts):
        raise BadValueError("market_ids are whole numbers with commas between, such as 17,18")
    return [int(part) for part in parts]
