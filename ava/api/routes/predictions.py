"""What the models said, and what was made of it."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated

from fastapi import Query

from ava.api.parameters import SYMBOL, Cursor, Limit
from ava.api.route import Routes
from ava.api.symbols import OneSymbol
from ava.core import Core
from ava.services.lists import Listed
from ava.services.predictions import Prediction, Predictions, Signal

_AT = datetime(2026, 1, 5, 14, 30, tzinfo=UTC)
_PREDICTION = Prediction(
    id=9,
    symbol="AAPL",
    timestamp=_AT,
    model="trend",
    direction="up",
    predicted_price=Decimal("151.2000"),
    confidence=0.62,
)
_SIGNAL = Signal(
    id=4,
    symbol="AAPL",
    timestamp=_AT,
    action="buy",
    price=Decimal("149.2400"),
    confidence=0.62,
    reason="predicted to rise",
    outcome=None,
    created_at=_AT,
)

MaybeSymbol = Annotated[
    str | None, Query(pattern=SYMBOL, description="Only this symbol; all without it.")
]


def routes(core: Core) -> Routes:
    """Return the routes."""
    area = Routes("/api/v1/predictions", "predictions")
    service = core.service(Predictions)

    @area.get("", answers=Listed[Prediction], example=Listed(items=[_PREDICTION]))
    async def latest(
        symbol: MaybeSymbol = None, limit: Limit = 100, cursor: Cursor = None
    ) -> Listed[Prediction]:
        """List the predictions, newest first."""
        return await service.latest(symbol, limit=limit, cursor=cursor)

    @area.get("/signals", answers=Listed[Signal], example=Listed(items=[_SIGNAL]))
    async def signals(
        symbol: OneSymbol, limit: Limit = 100, cursor: Cursor = None
    ) -> Listed[Signal]:
        """List the signals of a symbol, newest first."""
        return await service.signals(symbol, limit=limit, cursor=cursor)

    return area
