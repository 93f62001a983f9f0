"""The brokerage account."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

from ava.api.access import Access
from ava.api.route import Routes
from ava.core import Core
from ava.providers.holdings import OptionTerms
from ava.providers.market import Right
from ava.services.fresh import Fresh
from ava.services.portfolio import Portfolios
from ava.services.valuation import Contracts, Greeks, PortfolioView, Shares, total

_STOCK = Shares(
    name="AAPL",
    value=Decimal("1892.40"),
    cost=Decimal("1725.00"),
    profit=Decimal("167.40"),
    symbol="AAPL",
    quantity=Decimal(10),
    average_price=Decimal("172.50"),
    price=Decimal("189.24"),
    quoted_at=datetime(2026, 1, 5, 14, 30, tzinfo=UTC),
)
_OPTION = Contracts(
    name="AAPL  260220P00180000",
    value=Decimal("-85.00"),
    cost=Decimal("-120.00"),
    profit=Decimal("35.00"),
    underlying="AAPL",
    side="short",
    terms=OptionTerms(
        underlying="AAPL", expires=date(2026, 2, 20), right=Right.PUT, strike=Decimal(180)
    ),
    quantity=Decimal(1),
    multiplier=Decimal(100),
    average_price=Decimal("120.00"),
    price=Decimal("0.85"),
    bid=Decimal("0.80"),
    ask=Decimal("0.90"),
    break_even=Decimal("179.15"),
    underlying_price=Decimal("189.24"),
    greeks=Greeks(
        delta=Decimal("-0.27"),
        gamma=Decimal("0.05"),
        theta=Decimal("-0.01"),
        vega=Decimal("0.012"),
        implied_volatility=Decimal("0.412"),
    ),
)
_EXAMPLE = PortfolioView(
    stocks=(_STOCK,),
    options=(_OPTION,),
    stock_totals=total([_STOCK]),
    option_totals=total([_OPTION]),
    totals=total([_STOCK, _OPTION]),
)


def routes(core: Core) -> Routes:
    """Return the routes."""
    area = Routes("/api/v1/portfolio", "portfolio")
    service = core.service(Portfolios)

    @area.get("", answers=PortfolioView, example=_EXAMPLE, access=Access.KEY)
    async def portfolio() -> Fresh[PortfolioView]:
        """Return everything held, valued; a total that lacks a price is null and says which."""
        return await service.portfolio()

    return area
