"""The forms in which Alpha Vantage tells of bars, reports and stories: numbers as strings."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any

from perf.lab.providers.market import Bar, Market, Report, day_of

_WHEN = {"bmo": "pre-market", "amc": "post-market", "": ""}
_OPENING_MIN = 570  # half past nine


class Forms:
    """What is told of each symbol."""

    def __init__(self, market: Market) -> None:
        self._market = market

    def overview(self, symbol: str, now: float) -> dict[str, str]:
        """Return a company, with what is unknown written in three ways."""
        price, shares = self._market.price(symbol, now), self._market.shares(symbol)
        pays = self._market.rank(symbol) % 3 == 0
        return {
            "Symbol": symbol,
            "AssetType": "Common Stock",
            "Name": self._market.name(symbol),
            "Exchange": "NASDAQ",
            "Currency": "USD",
            "Country": "USA",
            "Sector": self._market.sector(symbol).upper(),
            "Industry": "SERVICES-MISCELLANEOUS",
            "LatestQuarter": last_quarter(self._market.earnings(symbol)),
            "MarketCapitalization": str(round(shares * 1e6 * price)),
            "EBITDA": "None" if self._market.rank(symbol) % 4 == 1 else "2500000000",
            "PERatio": "-" if self._market.rank(symbol) % 5 == 1 else f"{price / 4.2:.2f}",
            "EPS": "4.2",
            "DividendYield": "0.0065" if pays else "None",
            "ProfitMargin": "0.231",
            "AnalystTargetPrice": f"{price * 1.1:.2f}",
            "ForwardPE": f"{price / 4.6:.2f}",
            "Beta": "1.1",
            "52WeekHigh": f"{price * 1.2:.2f}",
            "52WeekLow": f"{price * 0.7:.2f}",
            "SharesOutstanding": str(round(shares * 1e6)),
            "DividendDate": "None" if pays else "0000-00-00",
            "ExDividendDate": (day_of(now) + timedelta(days=17)).isoformat() if pays else "None",
        }

    def match(self, symbol: str, words: str) -> dict[str, str]:
        """Return how a symbol matches the words searched."""
        return {
            "1. symbol": symbol,
            "2. name": self._market.name(symbol),
            "3. type": "Equity",
            "4. region": "United States",
            "5. marketOpen": "09:30",
            "6. marketClose": "16:00",
            "7. timezone": "UTC-04",
            "8. currency": "USD",
            "9. matchScore": "1.0000" if symbol.lower() == words else "0.7273",
        }


def row_of(bar: Bar, names: tuple[str, ...]) -> dict[str, str]:
    """Return a bar under numbered names."""
    told = {
        "open": money(bar.opened),
        "high": money(bar.high),
        "low": money(bar.low),
        "close": money(bar.close),
        "adjusted close": money(bar.close),
        "volume": str(bar.volume),
    }
    return {f"{number}. {name}": told[name] for number, name in enumerate(names, 1)}


def quarter_of(report: Report) -> dict[str, str]:
    """Return one quarter's report."""
    actual = report.actual or 0.0
    surprise = round(actual - report.estimate, 4)
    return {
        "fiscalDateEnding": report.ends.isoformat(),
        "reportedDate": report.reported.isoformat(),
        "reportedEPS": f"{actual:g}",
        "estimatedEPS": f"{report.estimate:g}",
        "surprise": f"{surprise:g}",
        "surprisePercentage": f"{100 * surprise / report.estimate:.4f}",
        "reportTime": _WHEN[report.when] or "post-market",
    }


def year_of(report: Report) -> float:
    """Return a year's earnings a share, as four of its last quarter's."""
    return round(4 * (report.actual or 0.0), 2)


def calendar_csv(rows: list[tuple[str, str, Report]]) -> bytes:
    """Return the calendar, with an estimate missing now and then."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    header = "symbol,name,reportDate,fiscalDateEnding,estimate,currency,timeOfTheDay"
    writer.writerow(header.split(","))
    for number, (symbol, name, report) in enumerate(sorted(rows)):
        estimate = "" if number % 7 == 6 else f"{report.estimate:g}"  # noqa: PLR2004 - now and then
        days = (report.reported.isoformat(), report.ends.isoformat())
        writer.writerow((symbol, name, *days, estimate, "USD", _WHEN[report.when]))
    return text.getvalue().encode()


def story_of(number: int, tickers: list[str], now: float) -> dict[str, Any]:
    """Return one story of the feed."""
    day = day_of(now) - timedelta(days=number)
    return {
        "title": f"Story {number}",
        "url": f"https://news.example/{number}",
        "time_published": f"{day:%Y%m%d}T133000",
        "authors": ["A. Writer"],
        "summary": "Nothing that happened.",
        "banner_image": None,
        "source": "Wire",
        "category_within_source": "n/a",
        "source_domain": "news.example",
        "topics": [{"topic": "Earnings", "relevance_score": "0.5"}],
        "overall_sentiment_score": 0.201,
        "overall_sentiment_label": "Somewhat-Bullish",
        "ticker_sentiment": [
            {
                "ticker": ticker,
                "relevance_score": "0.351",
                "ticker_sentiment_score": "-0.180",
                "ticker_sentiment_label": "Somewhat-Bearish",
            }
            for ticker in tickers
        ],
    }


def money(value: float) -> str:
    """Write dollars with four decimals."""
    return f"{value:.4f}"


def clock(seconds: int) -> str:
    """Return New York's time of day, so many seconds after the session began."""
    hours, minutes = divmod(_OPENING_MIN + seconds // 60, 60)
    return f"{hours:02d}:{minutes:02d}:00"


def last_quarter(reports: list[Report]) -> str:
    """Return the end of the last quarter reported."""
    return next(report.ends.isoformat() for report in reports if report.actual is not None)
