"""Finnhub: 60 calls a minute and 30 a second, and 200 with zeros for symbols it does not know.

Daily candles need a paid plan (403 for a free key). The usual X-Ratelimit headers are sent although
no recording confirms them: a client must not need them. The reset is told in machine time.
"""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, ClassVar

from perf.lab.providers.limits import Gauge, Window
from perf.lab.providers.market import Market, Report, day_of, market
from perf.lab.providers.provider import (
    Grade,
    Provider,
    Refusal,
    Reply,
    Request,
    Terms,
    limited,
    refused,
    route,
)

_MINUTE = 60


class Finnhub(Provider):
    """The REST face of Finnhub; its paths lie under /api/v1 at the real one."""

    name = "finnhub"
    keys: ClassVar = {
        "fh_sim_full_4d1c": Grade.FULL,
        "fh_sim_free_90ab": Grade.FREE,
        "fh_sim_gone_77e2": Grade.BLOCKED,
    }

    def __init__(self, terms: Terms) -> None:
        super().__init__(terms)
        self._market: Market = market(terms.seed, day_of(terms.started))

    def limits(self) -> list[Gauge]:
        """Return 60 a minute and 30 a second."""
        return [Window(_MINUTE, 60.0), Window(30, 1.0)]

    def grade(self, request: Request) -> Grade:
        """Take the key from `token` or X-Finnhub-Token."""
        key = request.query.get("token") or request.headers.get("x-finnhub-token", "")
        grade = self.keys.get(key, Grade.BLOCKED)
        if grade is Grade.BLOCKED:
            what = "Invalid API key" if key else "Please use an API key."
            raise Refusal(refused(401, {"error": what}))
        return grade

    def too_fast(self, _wait_s: float, _request: Request) -> Reply:
        """Answer 429."""
        return limited(429, {"error": "API limit reached. Please try again later."})

    def stamp(self, reply: Reply, now: float, _paid: int) -> Reply:
        """Add the X-Ratelimit headers, as far as a window of a minute is in force."""
        for gauge in self.gauges:
            if isinstance(gauge, Window) and gauge.per_s == _MINUTE:
                wait_s = gauge.wait(now, self.slack_s) / self.terms.pace
                told = (
                    ("X-Ratelimit-Limit", str(gauge.permits)),
                    ("X-Ratelimit-Remaining", str(max(0, gauge.left()))),
                    ("X-Ratelimit-Reset", str(int(time.time() + wait_s) + 1)),
                )
                return replace(reply, headers=told)
        return reply

    @route("/quote")
    def quote(self, request: Request, now: float) -> Any:
        """Answer zeros for an unknown symbol, and null for its changes."""
        symbol = _symbol(request)
        if symbol not in self._market:
            return {"c": 0, "d": None, "dp": None, "h": 0, "l": 0, "o": 0, "pc": 0, "t": 0}
        seen = self._market.snapshot(symbol, now)
        return {
            "c": seen.price,
            "d": seen.change,
            "dp": seen.percent,
            "h": seen.high,
            "l": seen.low,
            "o": seen.opened,
            "pc": seen.previous,
            "t": int(now),
        }

    @route("/stock/profile2")
    def profile(self, request: Request, now: float) -> Any:
        """Answer an empty object for an unknown symbol."""
        symbol = _symbol(request)
        if symbol not in self._market:
            return {}
        shares = self._market.shares(symbol)
        return {
            "country": "US",
            "currency": "USD",
            "exchange": "NASDAQ NMS - GLOBAL MARKET",
            "finnhubIndustry": self._market.sector(symbol),
            "ipo": "1999-01-22",
            "logo": f"https://static.example/logo/{symbol}.png",
            "marketCapitalization": round(shares * self._market.price(symbol, now), 4),
            "name": self._market.name(symbol),
            "phone": "15550100",
            "shareOutstanding": shares,
            "ticker": symbol,
            "weburl": f"https://{symbol.lower()}.example/",
        }

    @route("/stock/metric")
    def metric(self, request: Request, now: float) -> Any:
        """Answer a few of the many metrics; one of them is null, as some always are."""
        symbol = _symbol(request)
        if symbol not in self._market:
            return {"metric": {}, "metricType": "all", "series": {}, "symbol": symbol}
        price = self._market.price(symbol, now)
        year = [{"period": f"{self._market.today.year - ago}-12-31", "v": 1.5} for ago in (1, 2)]
        return {
            "metric": {
                "10DayAverageTradingVolume": 12.5,
                "52WeekHigh": round(price * 1.2, 2),
                "52WeekLow": round(price * 0.7, 2),
                "beta": 1.1,
                "dividendYieldIndicatedAnnual": None,
                "epsTTM": 4.2,
                "peTTM": round(price / 4.2, 4),
            },
            "metricType": "all",
            "series": {"annual": {"currentRatio": year}},
            "symbol": symbol,
        }

    @route("/company-news")
    def news(self, request: Request, now: float) -> Any:
        """Answer an item a day of the range, newest first, at most ten."""
        symbol = _symbol(request)
        first, last = _range(request)
        if symbol not in self._market:
            return []
        days = [last - timedelta(days=ago) for ago in range(min(10, (last - first).days + 1))]
        return [self._item(symbol, day) for day in days if day <= day_of(now)]

    @route("/calendar/earnings")
    def calendar(self, request: Request, _now: float) -> Any:
        """Answer the reports in the range, of one symbol or of all."""
        first, last = _range(request)
        asked = request.query.get("symbol")
        symbols = [asked] if asked else self._market.symbols
        rows = [
            _reported(symbol, report)
            for symbol in symbols
            if symbol in self._market
            for report in self._market.earnings(symbol)
            if first <= report.reported <= last
        ]
        return {"earningsCalendar": sorted(rows, key=lambda row: row["date"], reverse=True)}

    @route("/stock/recommendation")
    def recommendation(self, request: Request, _now: float) -> Any:
        """Answer four months, newest first."""
        symbol = _symbol(request)
        if symbol not in self._market:
            return []
        month = self._market.today.replace(day=1)
        rows = []
        for _ in range(4):
            counts = {"buy": 20, "hold": 8, "sell": 2, "strongBuy": 12, "strongSell": 0}
            rows.append({**counts, "period": month.isoformat(), "symbol": symbol})
            month = (month - timedelta(days=1)).replace(day=1)
        return rows

    @route("/stock/candle")
    def candle(self, request: Request, now: float) -> Any:
        """Answer daily columns to a paid key, and `no_data` where there is none."""
        if request.grade is Grade.FREE:
            raise Refusal(refused(403, {"error": "You don't have access to this resource."}))
        symbol = _symbol(request)
        first = day_of(float(request.query.get("from", "0")))
        last = day_of(float(request.query.get("to", str(now))))
        bars = self._market.bars(symbol, first, last) if symbol in self._market else []
        if not bars:
            return {"s": "no_data"}
        return {
            "c": [bar.close for bar in bars],
            "h": [bar.high for bar in bars],
            "l": [bar.low for bar in bars],
            "o": [bar.opened for bar in bars],
            "s": "ok",
            "t": [bar.opened_at for bar in bars],
            "v": [bar.volume for bar in bars],
        }

    @route("/crypto/candle")
    def coins(self, _request: Request, _now: float) -> Any:
        """Refuse: no plan that is simulated has it."""
        raise Refusal(refused(403, {"error": "You don't have access to this resource."}))

    @route("/stock/price-target")
    def target(self, _request: Request, _now: float) -> Any:
        """Refuse: no plan that is simulated has it."""
        raise Refusal(refused(403, {"error": "You don't have access to this resource."}))

    def _item(self, symbol: str, day: date) -> dict[str, Any]:
        number = day.toordinal() * 1000 + self._market.rank(symbol)
        return {
            "category": "company",
            "datetime": (day - date(1970, 1, 1)).days * 86_400 + 50_400,
            "headline": f"{self._market.name(symbol)} in the news on {day}",
            "id": number,
            "image": "",
            "related": symbol,
            "source": "Wire",
            "summary": "Nothing that happened.",
            "url": f"https://news.example/{number}",
        }


def _symbol(request: Request) -> str:
    symbol = request.query.get("symbol", "")
    if not symbol:
        raise Refusal(refused(422, {"error": "symbol is required"}))
    return symbol


def _range(request: Request) -> tuple[date, date]:
    try:
        return tuple(date.fromisoformat(request.query[name]) for name in ("from", "to"))  # type: ignore[return-value]  # two names make a pair
    except (KeyError, ValueError) as error:
        raise Refusal(
            refused(422, {"error": "Wrong date format. Please use 2021-02-21"})
        ) from error


def _reported(symbol: str, report: Report) -> dict[str, Any]:
    return {
        "date": report.reported.isoformat(),
        "epsActual": report.actual,
        "epsEstimate": report.estimate,
        "hour": report.when,
        "quarter": (report.ends.month - 1) // 3 + 1,
        "revenueActual": None if report.actual is None else 2_500_000_000,
        "revenueEstimate": 2_400_000_000,
        "symbol": symbol,
        "year": report.ends.year,
    }
