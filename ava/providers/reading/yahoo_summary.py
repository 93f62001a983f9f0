"""Yahoo's quoteSummary: one company in several modules, which overlap and have gaps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from ava.errors import NotFoundError
from ava.net.spec import Answer
from ava.providers import parse
from ava.providers.market import Fundamentals
from ava.providers.parse import number
from ava.providers.reading.yahoo import NAME

MODULES = ("price", "assetProfile", "summaryDetail", "defaultKeyStatistics", "financialData")


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
