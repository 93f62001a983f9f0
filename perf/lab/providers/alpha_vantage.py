"""Alpha Vantage: one path, 25 calls a day and one a second, and every refusal a 200.

Numbers are strings and what is unknown is "None", "-" or "0000-00-00". The text about the burst
names the daily limit too, and the one about the day repeats the key: both as the real one does. The
full key has the premium functions and the free limits, so that one key meets both.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, ClassVar

from perf.lab.providers.alpha_vantage_forms import (
    Forms,
    calendar_csv,
    clock,
    money,
    quarter_of,
    row_of,
    story_of,
    year_of,
)
from perf.lab.providers.limits import Credits, Gauge, Window
from perf.lab.providers.market import Bar, day_of, market
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

_BURST = (
    "Thank you for using Alpha Vantage! Please consider spreading out your free API requests more "
    "sparingly (1 request per second). You may subscribe to any of the premium plans at "
    "https://www.alphavantage.co/premium/ to lift the free key rate limit (25 requests per day), "
    "raise the per-second burst limit, and instantly unlock all premium endpoints"
)
_DAILY = (
    "We have detected your API key as {key} and our standard API rate limit is {limit} requests "
    "per day. Please subscribe to any of the premium plans at "
    "https://www.alphavantage.co/premium/ to instantly remove all daily rate limits."
)
_PREMIUM = (
    "Thank you for using Alpha Vantage! This is a premium endpoint. You may subscribe to any of "
    "the premium plans at https://www.alphavantage.co/premium/ to instantly unlock all premium "
    "endpoints"
)
_DEMO = (
    "The **demo** API key is for demo purposes only. Please claim your free API key at "
    "(https://www.alphavantage.co/support/#api-key) to explore our full API offerings."
)
_NO_KEY = (
    "the parameter apikey is invalid or missing. Please claim your free API key on "
    "(https://www.alphavantage.co/support/#api-key). It should take less than 20 seconds."
)
_BAD_CALL = (
    "Invalid API call. Please retry or visit the documentation "
    "(https://www.alphavantage.co/documentation/) for {function}."
)
_COMPACT = 100
_COLUMNS = ("open", "high", "low", "close", "volume")
_INTERVALS = {"1min": 1, "5min": 5, "15min": 15, "30min": 30, "60min": 60}
_HORIZONS = {"3month": 92, "6month": 183, "12month": 366}


class AlphaVantage(Provider):
    """The one path, /query, of www.alphavantage.co."""

    name = "alpha_vantage"
    keys: ClassVar = {
        "AVSIMFULL4D1C9X2": Grade.FULL,
        "AVSIMFREE90AB7Q1": Grade.FREE,
        "demo": Grade.BLOCKED,
    }

    def __init__(self, terms: Terms) -> None:
        super().__init__(terms)
        self._market = market(terms.seed, day_of(terms.started))
        self._forms = Forms(self._market)

    def limits(self) -> list[Gauge]:
        """Return one a second."""
        return [Window(1, 1.0)]

    def allowance(self) -> Credits:
        """Return 25 a day of New York."""
        return Credits(25, "day", "America/New_York")

    def grade(self, request: Request) -> Grade:
        """Take any key but a missing one and `demo`: the real one knows keys by their form."""
        key = request.query.get("apikey", "")
        if not key:
            raise Refusal(refused(200, {"Error Message": _NO_KEY}))
        if key == "demo":
            raise Refusal(refused(200, {"Information": _DEMO}))
        return self.keys.get(key, Grade.FREE)

    def too_fast(self, _wait_s: float, _request: Request) -> Reply:
        """Answer 200 with a text that names the burst and the day."""
        return limited(200, {"Information": _BURST})

    def spent(self, request: Request) -> Reply:
        """Answer 200 with a text that repeats the key."""
        limit = self.credits.limit if self.credits is not None else 0
        text = _DAILY.format(key=request.query.get("apikey", ""), limit=limit)
        return limited(200, {"Information": text})

    def label(self, request: Request) -> str:
        """Count by function: there is one path."""
        return request.query.get("function", request.path)

    @route("/query")
    def query(self, request: Request, now: float) -> Any:
        """Answer the function asked for."""
        function = request.query.get("function", "")
        answer = _FUNCTIONS.get(function)
        return _bad(request) if answer is None else answer(self, request, now)

    def quote(self, request: Request, now: float) -> Any:
        """GLOBAL_QUOTE: nothing inside for an unknown symbol."""
        symbol = request.query.get("symbol", "")
        if not symbol:
            return _bad(request)
        if symbol not in self._market:
            return {"Global Quote": {}}
        seen = self._market.snapshot(symbol, now)
        return {
            "Global Quote": {
                "01. symbol": symbol,
                "02. open": money(seen.opened),
                "03. high": money(seen.high),
                "04. low": money(seen.low),
                "05. price": money(seen.price),
                "06. volume": str(seen.volume),
                "07. latest trading day": day_of(now).isoformat(),
                "08. previous close": money(seen.previous),
                "09. change": money(seen.change),
                "10. change percent": f"{seen.percent:.4f}%",
            }
        }

    def daily(self, request: Request, _now: float) -> Any:
        """TIME_SERIES_DAILY: a hundred sessions, or all with a premium key."""
        bars = self._bars(request)
        if bars is None:
            return _bad(request)
        rows = {bar.day.isoformat(): row_of(bar, _COLUMNS) for bar in bars}
        return self._series(request, bars, "Time Series (Daily)", rows, "US/Eastern")

    def adjusted(self, request: Request, _now: float) -> Any:
        """TIME_SERIES_DAILY_ADJUSTED: premium, and its columns are numbered anew."""
        _require_premium(request)
        bars = self._bars(request)
        if bars is None:
            return _bad(request)
        names = ("open", "high", "low", "close", "adjusted close", "volume")
        extra = {"7. dividend amount": "0.0000", "8. split coefficient": "1.0"}
        rows = {bar.day.isoformat(): {**row_of(bar, names), **extra} for bar in bars}
        return self._series(request, bars, "Time Series (Daily)", rows, "US/Eastern")

    def intraday(self, request: Request, _now: float) -> Any:
        """TIME_SERIES_INTRADAY: premium; the last session cut into intervals."""
        _require_premium(request)
        interval = request.query.get("interval", "")
        bars = self._bars(request)
        if bars is None or interval not in _INTERVALS:
            return _bad(request)
        cut = self._market.intraday(request.query["symbol"], bars[0], _INTERVALS[interval])
        rows = {
            f"{bars[0].day} {clock(at - bars[0].opened_at)}": row_of(bar, _COLUMNS)
            for at, bar in cut[: -_COMPACT - 1 : -1]
        }
        meta = {
            "1. Information": f"Intraday ({interval}) open, high, low, close prices and volume",
            "2. Symbol": request.query["symbol"],
            "3. Last Refreshed": next(iter(rows)),
            "4. Interval": interval,
            "5. Output Size": "Compact",
            "6. Time Zone": "US/Eastern",
        }
        return {"Meta Data": meta, f"Time Series ({interval})": rows}

    def overview(self, request: Request, now: float) -> Any:
        """OVERVIEW: flat, all strings; `{}` for an unknown symbol."""
        symbol = request.query.get("symbol", "")
        if symbol not in self._market:
            return {} if symbol else _bad(request)
        return self._forms.overview(symbol, now)

    def news(self, request: Request, now: float) -> Any:
        """NEWS_SENTIMENT: the overall score is a number, a ticker's is a string."""
        tickers = [ticker for ticker in request.query.get("tickers", "").split(",") if ticker]
        try:
            limit = min(1000, int(request.query.get("limit", "50")))
        except ValueError:
            return _bad(request)
        feed = [story_of(number, tickers, now) for number in range(min(limit, 10))]
        scale = "x <= -0.35: Bearish; -0.35 < x <= -0.15: Somewhat-Bearish; ..."
        return {
            "items": str(len(feed)),
            "sentiment_score_definition": scale,
            "relevance_score_definition": "0 < x <= 1, with a higher score indicating ...",
            "feed": feed,
        }

    def earnings(self, request: Request, _now: float) -> Any:
        """EARNINGS: years and quarters, newest first."""
        symbol = request.query.get("symbol", "")
        if symbol not in self._market:
            return {} if symbol else _bad(request)
        past = [report for report in self._market.earnings(symbol) if report.actual is not None]
        years = [report for report in past if report.ends.month == 12]  # noqa: PLR2004 - December
        return {
            "symbol": symbol,
            "annualEarnings": [
                {"fiscalDateEnding": report.ends.isoformat(), "reportedEPS": f"{year_of(report)}"}
                for report in years
            ],
            "quarterlyEarnings": [quarter_of(report) for report in past],
        }

    def calendar(self, request: Request, now: float) -> Any:
        """EARNINGS_CALENDAR: CSV, whatever `datatype` says."""
        horizon = _HORIZONS.get(request.query.get("horizon", "3month"))
        if horizon is None:
            return _bad(request)
        today = day_of(now)
        asked = request.query.get("symbol")
        rows = [
            (symbol, self._market.name(symbol), report)
            for symbol in ([asked] if asked else self._market.symbols)
            if symbol in self._market
            for report in self._market.earnings(symbol)
            if today <= report.reported <= today + timedelta(days=horizon)
        ]
        return Reply(200, calendar_csv(rows), "application/x-download")

    def search(self, request: Request, _now: float) -> Any:
        """SYMBOL_SEARCH: the best matches first."""
        words = request.query.get("keywords", "").lower()
        if not words:
            return _bad(request)
        found = [
            symbol
            for symbol in self._market.symbols
            if symbol.lower().startswith(words) or words in self._market.name(symbol).lower()
        ]
        exact = sorted(found, key=lambda symbol: symbol.lower() != words)
        return {"bestMatches": [self._forms.match(symbol, words) for symbol in exact[:10]]}

    def _bars(self, request: Request) -> list[Bar] | None:
        """Return the sessions asked for, newest first; None for an unknown symbol."""
        symbol = request.query.get("symbol", "")
        if symbol not in self._market:
            return None
        if request.query.get("outputsize", "compact") == "full":
            _require_premium(request)
            return self._market.bars(symbol)[::-1]
        return self._market.last(symbol, _COMPACT)[::-1]

    def _series(
        self, request: Request, bars: list[Bar], name: str, rows: dict[str, Any], zone: str
    ) -> dict[str, Any]:
        full = request.query.get("outputsize", "compact") == "full"
        meta = {
            "1. Information": "Daily Prices (open, high, low, close) and Volumes",
            "2. Symbol": request.query["symbol"],
            "3. Last Refreshed": bars[0].day.isoformat(),
            "4. Output Size": "Full size" if full else "Compact",
            "5. Time Zone": zone,
        }
        return {"Meta Data": meta, name: rows}


_FUNCTIONS: dict[str, Callable[[AlphaVantage, Request, float], Any]] = {
    "GLOBAL_QUOTE": AlphaVantage.quote,
    "TIME_SERIES_DAILY": AlphaVantage.daily,
    "TIME_SERIES_DAILY_ADJUSTED": AlphaVantage.adjusted,
    "TIME_SERIES_INTRADAY": AlphaVantage.intraday,
    "OVERVIEW": AlphaVantage.overview,
    "NEWS_SENTIMENT": AlphaVantage.news,
    "EARNINGS": AlphaVantage.earnings,
    "EARNINGS_CALENDAR": AlphaVantage.calendar,
    "SYMBOL_SEARCH": AlphaVantage.search,
}


def _bad(request: Request) -> Reply:
    text = _BAD_CALL.format(function=request.query.get("function", ""))
    return refused(200, {"Error Message": text})


def _require_premium(request: Request) -> None:
    if request.grade is not Grade.FULL:
        raise Refusal(refused(200, {"Information": _PREMIUM}))
