"""The forms in which Yahoo tells of quotes, charts and options.

Days are seconds since 1970 at midnight UTC. Now and then a row of a chart is null, and a contract
lacks its volume.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from perf.lab.providers.market import Bar, Market
from perf.lab.providers.options import Contract

_DAY_S = 86_400
RANGES = {
    "1d": 1, "5d": 7, "1mo": 31, "3mo": 92, "6mo": 183,
    "1y": 366, "2y": 731, "5y": 1827, "10y": 3653, "max": 36_500,
}  # fmt: skip
_NULL_EVERY = 23


class Forms:
    """What is told of each symbol."""

    def __init__(self, market: Market) -> None:
        self._market = market

    def meta(
        self, symbol: str, interval: str, rows: list[tuple[int, Bar]], now: float
    ) -> dict[str, Any]:
        """Return what a chart says of itself."""
        return {
            "currency": "USD",
            "symbol": symbol,
            "exchangeName": "NMS",
            "fullExchangeName": "NasdaqGS",
            "instrumentType": "EQUITY",
            "firstTradeDate": 345_479_400,
            "regularMarketTime": int(now),
            "hasPrePostMarketData": True,
            "gmtoffset": -18_000,
            "timezone": "EST",
            "exchangeTimezoneName": "America/New_York",
            "regularMarketPrice": self._market.price(symbol, now),
            "chartPreviousClose": rows[0][1].opened if rows else None,
            "priceHint": 2,
            "dataGranularity": interval,
            "range": "",
            "validRanges": list(RANGES),
        }

    def quote(self, symbol: str, now: float) -> dict[str, Any]:
        """Return a stock's quote."""
        seen = self._market.snapshot(symbol, now)
        report = next(item for item in self._market.earnings(symbol)[::-1] if item.actual is None)
        return {
            "language": "en-US",
            "region": "US",
            "quoteType": "EQUITY",
            "symbol": symbol,
            "shortName": self._market.name(symbol),
            "longName": self._market.name(symbol),
            "marketState": "REGULAR",
            "currency": "USD",
            "exchange": "NMS",
            "regularMarketPrice": seen.price,
            "regularMarketChange": seen.change,
            "regularMarketChangePercent": seen.percent,
            "regularMarketTime": int(now),
            "regularMarketOpen": seen.opened,
            "regularMarketDayHigh": seen.high,
            "regularMarketDayLow": seen.low,
            "regularMarketVolume": seen.volume,
            "regularMarketPreviousClose": seen.previous,
            "bid": seen.bid,
            "ask": seen.ask,
            "marketCap": round(self._market.shares(symbol) * 1e6 * seen.price),
            "trailingPE": round(seen.price / 4.2, 4),
            "earningsTimestamp": epoch(report.reported) + 16 * 3600,
        }

    def modules(self, symbol: str, now: float) -> dict[str, Any]:
        """Return all modules there are of a stock."""
        quote = self.quote(symbol, now)
        named = ("currency", "symbol", "marketCap", "regularMarketPrice", "regularMarketOpen")
        return {
            "price": {name: quote[name] for name in (*named, "shortName", "quoteType")},
            "summaryDetail": {
                "previousClose": quote["regularMarketPreviousClose"],
                "trailingPE": quote["trailingPE"],
                "marketCap": quote["marketCap"],
                "fiftyTwoWeekHigh": round(quote["regularMarketPrice"] * 1.2, 2),
                "fiftyTwoWeekLow": round(quote["regularMarketPrice"] * 0.7, 2),
                "beta": 1.1,
                "dividendYield": None,
            },
            "assetProfile": {
                "sector": self._market.sector(symbol),
                "industry": "Services",
                "country": "United States",
                "fullTimeEmployees": 1000 + self._market.rank(symbol),
            },
            "calendarEvents": {
                "maxAge": 1,
                "earnings": {"earningsDate": [quote["earningsTimestamp"]], "earningsAverage": 1.5},
            },
            "defaultKeyStatistics": {
                "sharesOutstanding": round(self._market.shares(symbol) * 1e6),
                "forwardPE": round(quote["regularMarketPrice"] / 4.6, 4),
                "trailingEps": 4.2,
            },
            "financialData": {
                "currentPrice": quote["regularMarketPrice"],
                "targetMeanPrice": round(quote["regularMarketPrice"] * 1.1, 2),
                "recommendationKey": "buy",
            },
        }


def indicators(rows: list[tuple[int, Bar]], *, adjusted: bool) -> dict[str, Any]:
    """Return the columns; now and then a row is null, as Yahoo's are."""
    if not rows:
        return {"quote": [{}], "adjclose": [{}]} if adjusted else {"quote": [{}]}
    bars = [None if at // _DAY_S % _NULL_EVERY == 0 and adjusted else bar for at, bar in rows]
    columns = {
        "open": [bar and bar.opened for bar in bars],
        "high": [bar and bar.high for bar in bars],
        "low": [bar and bar.low for bar in bars],
        "close": [bar and bar.close for bar in bars],
        "volume": [bar and bar.volume for bar in bars],
    }
    told: dict[str, Any] = {"quote": [columns]}
    if adjusted:
        told["adjclose"] = [{"adjclose": columns["close"]}]
    return told


def option_of(contract: Contract, price: float, now: float) -> dict[str, Any]:
    """Return an option, which may lack its volume."""
    told = {
        "contractSymbol": contract.osi,
        "strike": contract.strike,
        "currency": "USD",
        "lastPrice": contract.mid,
        "change": 0.0,
        "percentChange": 0.0,
        "volume": contract.volume,
        "openInterest": contract.open_interest,
        "bid": contract.bid,
        "ask": contract.ask,
        "contractSize": "REGULAR",
        "expiration": epoch(contract.expiration),
        "lastTradeDate": int(now) - 600,
        "impliedVolatility": contract.volatility,
        "inTheMoney": (price > contract.strike) is contract.call,
    }
    if contract.volume is None:
        del told["volume"]
    return told


def epoch(day: date) -> int:
    """Return a day as seconds since 1970."""
    return (day - date(1970, 1, 1)).days * _DAY_S
