"""What the models said and what was made of it: predictions and signals, newest first, in pages."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from msgspec import Struct

from ava.db.page import fetch_page
from ava.db.query import named
from ava.services.lists import Listed, listed

if TYPE_CHECKING:
    from ava.core import Core


class Prediction(Struct, frozen=True, kw_only=True):
    """What a model said of a symbol at a time; `confidence` is from 0 to 1."""

    id: int
    symbol: str
    timestamp: datetime
    model: str
    direction: str
    predicted_price: Decimal
    confidence: float


class Signal(Struct, frozen=True, kw_only=True):
    """What was to be done, and what became of it; `outcome` is None while nobody knows."""

    id: int
    symbol: str
    timestamp: datetime
    action: str
    price: Decimal
    confidence: float
    reason: str
    outcome: str | None
    created_at: datetime


class Predictions:
    """The predictions and signals that are stored."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def latest(
        self, symbol: str | None = None, *, limit: int, cursor: str | None = None
    ) -> Listed[Prediction]:
        """Return the predictions of a symbol, or of all; a page."""
        name = "latest_predictions" if symbol is None else "latest_predictions_by_symbol"
        page = await fetch_page(
            self._core.database, named(name), {"symbol": symbol}, limit=limit, cursor=cursor
        )
        return listed(page, Prediction)

    async def signals(
        self, symbol: str, *, limit: int, cursor: str | None = None
    ) -> Listed[Signal]:
        """Return the signals of a symbol; a page."""
        page = await fetch_page(
            self._core.database,
            named("signals_by_symbol"),
            {"symbol": symbol},
            limit=limit,
            cursor=cursor,
        )
        return listed(page, Signal)
