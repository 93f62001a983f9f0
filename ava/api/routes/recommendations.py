"""What to do with symbols and positions."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import Query
from msgspec import Meta, Struct

from ava.api.access import Access
from ava.api.route import Routes
from ava.api.symbols import MOST, Symbol, Symbols
from ava.core import Core
from ava.providers.market import Right
from ava.services.advice import (
    Action,
    Figures,
    HeldOption,
    HeldShares,
    Recommendation,
    Trend,
)
from ava.services.fresh import Fresh
from ava.services.recommendations import Advice, Advised, Case, Recommendations

Commented = Annotated[
    bool, Query(description="Have a language model comment; on 10 cases at the most.")
]

_POSITION = HeldOption(
    quantity=-1.0, right=Right.PUT, strike=145.0, expires=date(2026, 1, 16), cost=2.4, price=0.9
)
_EXAMPLE = Advice(
    items=[
        Advised(
            symbol="AAPL",
            position=_POSITION,
            recommendation=Recommendation(
                symbol="AAPL",
                action=Action.CLOSE,
                confidence=0.8,
                reasons=("62% of the premium is earned",),
                figures=Figures(
                    price=149.2,
                    mean_20=147.9,
                    mean_50=144.1,
                    momentum=0.041,
                    volatility=0.27,
                    trend=Trend.UP,
                    lean=2,
                ),
                as_of=date(2026, 1, 2),
            ),
            problem=None,
        )
    ]
)


class GivenCase(Case, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A symbol and what is held of it, within the bounds of a request."""

    symbol: Symbol


class Question(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is asked about; `comment` has a language model comment, on 10 cases at the most."""

    cases: Annotated[list[GivenCase], Meta(min_length=1, max_length=MOST)]
    comment: bool = False


_GIVEN = Question(
    cases=[
        GivenCase(symbol="AAPL", position=_POSITION),
        GivenCase(symbol="MSFT", position=HeldShares(quantity=100.0, cost=410.5)),
    ]
)


def routes(core: Core) -> Routes:
    """Return the routes."""
    area = Routes("/api/v1/recommendations", "recommendations")
    service = core.service(Recommendations)

    @area.get("", answers=Advice, example=_EXAMPLE, access=Access.KEY)
    async def of_symbols(
        symbols: Symbols,
        comment: Commented = False,  # noqa: FBT002 - a parameter of the query
    ) -> Fresh[Advice]:
        """Say what to do with symbols that are not held."""
        cases = [Case(symbol=symbol) for symbol in symbols]
        return await service.advise(cases, comments=comment)

    @area.change("POST", "", takes=Question, given=_GIVEN, answers=Advice, example=_EXAMPLE)
    async def of_positions(body: Question) -> Fresh[Advice]:
        """Say what to do with positions; nothing is changed."""
        return await service.advise(body.cases, comments=body.comment)

    return area
