"""Scans of options: puts near a day, premiums over many expiries, and those by days to expiry."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import Depends, Query

from ava.api.access import Access
from ava.api.parameters import TEXT
from ava.api.route import Routes
from ava.api.symbols import Symbols
from ava.core import Core
from ava.errors import BadValueError
from ava.services.fresh import Fresh
from ava.services.option_scanner import OptionScan, OptionScanner, Scanned, ScanQuestion
from ava.services.premium import Candidate, Criteria, Strategy
from ava.services.premium_scanner import (
    Expiry,
    ExpiryView,
    PremiumQuestion,
    PremiumScan,
    PremiumScanner,
)

Share = Annotated[float, Query(ge=0, le=1, allow_inf_nan=False)]
Money = Annotated[float, Query(ge=0, le=1e9, allow_inf_nan=False)]
Count = Annotated[int, Query(ge=0, le=10**9)]
Days = Annotated[int, Query(ge=0, le=3650)]
Sectors = Annotated[
    str | None,
    Query(
        max_length=500,
        pattern=TEXT,
        description="Only these sectors, with commas between; all without it.",
        examples=["Energy,Financials"],
    ),
]

_CANDIDATE = Candidate(
    symbol="JPM",
    contract="JPM261204P00100000",
    strategy=Strategy.PUT,
    expires=date(2026, 12, 4),
    days=8,
    strike=100.0,
    spot=103.57,
    bid=0.89,
    ask=0.94,
    spread=0.054645,
    credit=89.0,
    collateral=10_000.0,
    premium=0.0089,
    annualised=0.406062,
    delta=-0.243724,
    volatility=0.3643,
    volatility_rank=None,
    probability_otm=0.739079,
    break_even=99.11,
    cushion=0.043063,
    if_called=None,
    earnings_before_expiry=False,
    open_interest=4372,
    volume=772,
    score=0.12944,
)
_OPTIONS = OptionScan(
    results=[Scanned(symbol="JPM", sector="Financials", best=_CANDIDATE)],
    passed_over={"sector": 3},
    dropped={"delta": 27, "zero_bid": 9},
    failed={},
)
_PREMIUMS = PremiumScan(
    candidates=[_CANDIDATE],
    found=9,
    dropped={"delta": 157, "zero_bid": 70},
    passed_over={},
    expiries_left_out=2,
    failed={},
)
_EXPIRIES = ExpiryView(
    expiries=[
        Expiry(
            expires=date(2026, 12, 4),
            days=8,
            symbols=1,
            best_annualised=0.406062,
            candidates=[_CANDIDATE],
        )
    ],
    expiries_left_out=2,
    failed={},
)
_DEFAULT = Criteria()


def _criteria(  # noqa: PLR0913 - each criterion is a parameter
    *,
    min_days: Days = _DEFAULT.min_days,
    max_days: Days = _DEFAULT.max_days,
    min_delta: Share = _DEFAULT.min_delta,
    max_delta: Share = _DEFAULT.max_delta,
    min_open_interest: Count = _DEFAULT.min_open_interest,
    min_volume: Count = _DEFAULT.min_volume,
    max_spread: Annotated[float, Query(ge=0, le=2, allow_inf_nan=False)] = _DEFAULT.max_spread,
    min_premium: Share = _DEFAULT.min_premium,
    min_credit: Money = _DEFAULT.min_credit,
    max_collateral: Money | None = None,
    skip_earnings: bool = False,
) -> Criteria:
    """Read what a seller wants; deltas, yields and spreads are fractions."""
    _ordered("days", min_days, max_days)
    _ordered("delta", min_delta, max_delta)
    return Criteria(
        min_days=min_days,
        max_days=max_days,
        min_delta=min_delta,
        max_delta=max_delta,
        min_open_interest=min_open_interest,
        min_volume=min_volume,
        max_spread=max_spread,
        min_premium=min_premium,
        min_credit=min_credit,
        max_collateral=max_collateral,
        skip_earnings=skip_earnings,
    )


def _question(
    symbols: Symbols,
    criteria: Annotated[Criteria, Depends(_criteria)],
    strategy: Strategy = Strategy.PUT,
    expiries: Annotated[int, Query(ge=1, le=12)] = 4,
) -> PremiumQuestion:
    """Read what a premium scan is asked."""
    return PremiumQuestion(
        symbols=frozenset(symbols), strategy=strategy, criteria=criteria, expiries=expiries
    )


Question = Annotated[PremiumQuestion, Depends(_question)]


def routes(core: Core) -> Routes:
    """Return the routes."""
    area = Routes("/api/v1/scanner", "scanner")
    options, premiums = core.service(OptionScanner), core.service(PremiumScanner)

    @area.get("/options", answers=OptionScan, example=_OPTIONS, access=Access.KEY)
    async def scan_options(
        symbols: Symbols,
        sectors: Sectors = None,
        max_price: Money | None = None,
        min_premium_pct: Annotated[float, Query(ge=0, le=100, allow_inf_nan=False)] = 1.0,
        dte: Days = 30,
    ) -> Fresh[OptionScan]:
        """Find the best put of each symbol at the expiry nearest to `dte` days."""
        wanted = frozenset(name.strip() for name in (sectors or "").split(",") if name.strip())
        question = ScanQuestion(
            symbols=frozenset(symbols),
            max_price=max_price,
            min_premium_pct=min_premium_pct,
            days=dte,
            sectors=wanted,
        )
        return await options.scan(question)

    @area.get("/premium", answers=PremiumScan, example=_PREMIUMS, access=Access.KEY)
    async def scan_premiums(
        question: Question, limit: Annotated[int, Query(ge=1, le=500)] = 100
    ) -> Fresh[PremiumScan]:
        """Rank what selling puts or calls would bring."""
        return await premiums.scan(question, limit=limit)

    @area.get("/expiry", answers=ExpiryView, example=_EXPIRIES, access=Access.KEY)
    async def scan_expiries(
        question: Question, limit: Annotated[int, Query(ge=1, le=100)] = 10
    ) -> Fresh[ExpiryView]:
        """Show the same scan by days to expiry, with the best `limit` of each day."""
        return await premiums.by_expiry(question, limit=limit)

    return area


def _ordered(name: str, least: float, most: float) -> None:
    if least > most:
        raise BadValueError(f"min_{name} is {least}, more than max_{name}, which is {most}")
