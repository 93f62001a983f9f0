"""Yahoo's companies: quoteSummary tells all of one, in modules that overlap and have gaps.

Quotes tell the rest's outline for many at once: names and sizes, and no sectors.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from ava.errors import NotFoundError
from ava.net.spec import Answer
from ava.providers import parse
from ava.providers.market import Fundamentals
from ava.providers.parse import Loose, number
from ava.providers.reading.yahoo import NAME

MODULES = ("price", "assetProfile", "summaryDetail", "defaultKeyStatistics", "financialData")

# Asked for by name, so that quotes and outlines are two questions, each with one form of answer.
FIELDS = (
    "longName", "shortName", "fullExchangeName", "currency", "marketCap", "sharesOutstanding",
    "trailingPE", "forwardPE", "epsTrailingTwelveMonths", "trailingAnnualDividendYield",
    "fiftyTwoWeekHigh", "fiftyTwoWeekLow",
)  # fmt: skip


class _Listing(Struct, rename="camel"):
    symbol: str
    long_name: str | None = None
    short_name: str | None = None
    full_exchange_name: str | None = None
    exchange: str | None = None
    currency: str | None = None
    market_cap: Loose = None
    shares_outstanding: Loose = None
    trailing_pe: Loose = field(name="trailingPE", default=None)
    forward_pe: Loose = field(name="forwardPE", default=None)
    eps_trailing_twelve_months: Loose = None
    trailing_annual_dividend_yield: Loose = None
    fifty_two_week_high: Loose = None
    fifty_two_week_low: Loose = None


class _ListingResponse(Struct):
    result: list[_Listing]


class _Listings(Struct):
    response: _ListingResponse = field(name="quoteResponse")


def read_listings(answer: Answer) -> dict[str, Fundamentals]:
    """Read /v7/finance/quote as companies; an unknown symbol is absent."""
    rows = parse.read_json(answer, _Listings).response.result
    return {row.symbol: _listing(row) for row in rows}


def _listing(raw: _Listing) -> Fundamentals:
    return Fundamentals(
        symbol=raw.symbol,
        name=parse.known(raw.long_name) or parse.known(raw.short_name),
        exchange=parse.known(raw.full_exchange_name) or parse.known(raw.exchange),
        currency=parse.known(raw.currency),
        market_cap=number(raw.market_cap),
        shares_outstanding=number(raw.shares_outstanding),
        pe=number(raw.trailing_pe),
        forward_pe=number(raw.forward_pe),
        eps=number(raw.eps_trailing_twelve_months),
        dividend_yield=number(raw.trailing_annual_dividend_yield),
        year_high=number(raw.fifty_two_week_high),
        year_low=number(raw.fifty_two_week_low),
    )


class _SummaryBody(Struct):
    result: list[dict[str, dict[str, Any]]] | None = None


class _Summary(Struct):
    summary: _SummaryBody = field(name="quoteSummary")


def read_summary(answer: Answer, symbol: str) -> Fundamentals:
    """Read /v10/finance/quoteSummary; a name is taken from the first module that has it."""
    result = parse.read_json(answer, _Summary).summary.result
    if not result:
        raise NotFoundError(f"Yahoo has no summary of {symbol!r}", provider=NAME)
    modules = _Modules(result[0])
    figure, text = modules.figure, modules.text
    return Fundamentals(
        symbol=text("symbol") or symbol,
        name=text("longName") or text("shortName"),
        exchange=text("exchangeName"),
        currency=text("currency"),
        country=text("country"),
        sector=text("sector"),
        industry=text("industry"),
        market_cap=figure("marketCap"),
        shares_outstanding=figure("sharesOutstanding"),
        ebitda=figure("ebitda"),
        pe=figure("trailingPE"),
        forward_pe=figure("forwardPE"),
        eps=figure("trailingEps"),
        dividend_yield=figure("dividendYield"),
        profit_margin=figure("profitMargins"),
        beta=figure("beta"),
        target_price=figure("targetMeanPrice"),
        year_high=figure("fiftyTwoWeekHigh"),
        year_low=figure("fiftyTwoWeekLow"),
    )


class _Modules:
    """Several modules of one summary, read by name."""

    def __init__(self, modules: Mapping[str, Mapping[str, Any]]) -> None:
        self._modules = modules

    def text(self, name: str) -> str | None:
        """Return a text, None where no module has one."""
        value = self._find(name)
        return parse.known(value) if isinstance(value, str) else None

    def figure(self, name: str) -> float | None:
        """Return a number, None where no module has one."""
        return number(self._find(name))

    def _find(self, name: str) -> Any:
        """Return the first value there is; numbers may come wrapped as {"raw": 1.5, "fmt": ...}."""
        for module in MODULES:
            value = self._modules.get(module, {}).get(name)
            if isinstance(value, dict):
                value = value.get("raw")
            if value is not None:
                return value
        return None
