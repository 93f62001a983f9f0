"""Yahoo Finance: a cookie, then a crumb, then data; and a 429 that is plain text.

The chart and spark need no crumb, everything else does. A crumb belongs to its cookie and both can
be expired from outside; the text of a 429 may come from getcrumb as well, where a naive client
takes it for a crumb. The limits are a guess, since none are published: 100 a second and 2,000 an
hour. Charts hold nulls, and contracts may lack their volume.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import date, timedelta
from typing import Any, ClassVar

from perf.lab.providers.limits import Gauge, Window
from perf.lab.providers.market import Bar, day_of, market
from perf.lab.providers.provider import (
    Grade,
    Outcome,
    Provider,
    Refusal,
    Reply,
    Request,
    Terms,
    listed,
    refused,
    route,
)
from perf.lab.providers.yahoo_forms import RANGES, Forms, epoch, indicators, option_of

_MINUTES = {"1m": 1, "2m": 2, "5m": 5, "15m": 15, "30m": 30, "60m": 60, "90m": 90, "1h": 60}
_STEPS = {"1d": "day", "1wk": "week", "1mo": "month"}
_KEPT_DAYS = {1: 8, 2: 60, 5: 60, 15: 60, 30: 60, 90: 60, 60: 730}
_WITH_CRUMB = ("/v7/finance/quote", "/v7/finance/options/", "/v10/finance/quoteSummary/")


class Yahoo(Provider):
    """The hosts fc, query1 and query2 in one; the cookie is set at the root."""

    name = "yahoo"
    keys: ClassVar = {"keyless": Grade.FULL}

    def __init__(self, terms: Terms) -> None:
        super().__init__(terms)
        self._market = market(terms.seed, day_of(terms.started))
        self._forms = Forms(self._market)
        self._sessions = 0
        self._oldest = 1

    def limits(self) -> list[Gauge]:
        """Return 100 a second and 2,000 an hour."""
        return [Window(100, 1.0), Window(2000, 3600.0)]

    def expire(self) -> None:
        """Let no cookie and no crumb of before be good any more."""
        self._oldest = self._sessions + 1

    def grade(self, request: Request) -> Grade:
        """Ask for the crumb of the cookie, where one is needed."""
        if request.path.startswith(_WITH_CRUMB):
            cookie = self._cookie(request)
            if cookie is None or request.query.get("crumb") != _crumb(cookie):
                raise Refusal(_unauthorised("Invalid Crumb"))
        return Grade.FULL

    def too_fast(self, _wait_s: float, request: Request) -> Reply:
        """Answer 429 in plain text, of the edge's or of the host's."""
        words = "Edge: Too Many Requests" if request.path.endswith("getcrumb") else ""
        text = words or "Too Many Requests\r\n"
        return Reply(429, text.encode(), "text/plain", outcome=Outcome.LIMITED)

    def unknown(self, _request: Request) -> Reply:
        """Answer what the edge does."""
        return Reply(404, b"Not Found", "text/html", outcome=Outcome.REFUSED)

    @route("/", fresh=True)
    def home(self, _request: Request, _now: float) -> Any:
        """Set a cookie, under a 404 that nobody minds."""
        self._sessions += 1
        cookie = f"A3=d=sim{self._sessions:06d}&S=x; Max-Age=31557600; Path=/; HttpOnly"
        return Reply(404, b"", "text/html", (("Set-Cookie", cookie),))

    @route("/v1/test/getcrumb", fresh=True)
    def crumb(self, request: Request, _now: float) -> Any:
        """Answer the cookie's crumb as text."""
        cookie = self._cookie(request)
        if cookie is None:
            raise Refusal(_unauthorised("Invalid Cookie"))
        return Reply(200, _crumb(cookie).encode(), "text/plain")

    @route("/v8/finance/chart/{symbol}")
    def chart(self, request: Request, now: float) -> Any:
        """Answer one symbol's bars, by range or period."""
        symbol = request.query["symbol"]
        if symbol not in self._market:
            text = "No data found, symbol may be delisted"
            raise Refusal(_failed("chart", 404, "Not Found", text))
        interval = request.query.get("interval", "1d")
        rows = self._rows(symbol, interval, request, now)
        answer: dict[str, Any] = {"meta": self._forms.meta(symbol, interval, rows, now)}
        if rows:
            answer["timestamp"] = [at for at, _ in rows]
        events = self._events(symbol, rows, request)
        if events:
            answer["events"] = events
        answer["indicators"] = indicators(rows, adjusted=interval in _STEPS)
        return {"chart": {"result": [answer], "error": None}}

    @route("/v7/finance/quote")
    def quotes(self, request: Request, now: float) -> Any:
        """Answer many symbols; the unknown ones are absent."""
        symbols = [
            name for name in listed(request.query.get("symbols", "")) if name in self._market
        ]
        rows = [self._forms.quote(symbol, now) for symbol in symbols]
        return {"quoteResponse": {"result": rows, "error": None}}

    @route("/v7/finance/spark")
    def spark(self, request: Request, now: float) -> Any:
        """Answer the closes of many symbols."""
        interval = request.query.get("interval", "1d")
        found = []
        for symbol in listed(request.query.get("symbols", "")):
            if symbol not in self._market:
                continue
            rows = self._rows(symbol, interval, request, now)
            closes = {"quote": [{"close": [bar.close for _, bar in rows]}]}
            response = {
                "meta": self._forms.meta(symbol, interval, rows, now),
                "timestamp": [at for at, _ in rows],
                "indicators": closes,
            }
            found.append({"symbol": symbol, "response": [response]})
        if not found:
            raise Refusal(_failed("spark", 404, "Not Found", "No data found for spark symbols"))
        return {"spark": {"result": found, "error": None}}

    @route("/v8/finance/spark")
    def sparks(self, request: Request, now: float) -> Any:
        """Answer the same as a map."""
        interval = request.query.get("interval", "1d")
        found = {}
        for symbol in listed(request.query.get("symbols", "")):
            if symbol in self._market:
                rows = self._rows(symbol, interval, request, now)
                found[symbol] = {
                    "symbol": symbol,
                    "timestamp": [at for at, _ in rows],
                    "close": [bar.close for _, bar in rows],
                    "chartPreviousClose": rows[0][1].opened if rows else None,
                    "dataGranularity": 300,
                }
        return found

    @route("/v10/finance/quoteSummary/{symbol}")
    def summary(self, request: Request, now: float) -> Any:
        """Answer the modules asked for; those that are not known are left out."""
        symbol = request.query["symbol"]
        if symbol not in self._market:
            text = f"Quote not found for symbol: {symbol}"
            raise Refusal(_failed("quoteSummary", 404, "Not Found", text))
        known = self._forms.modules(symbol, now)
        asked = [name for name in listed(request.query.get("modules", "")) if name in known]
        if not asked:
            text = "No fundamentals data found for any of the summaryTypes"
            raise Refusal(_failed("quoteSummary", 404, "Not Found", text))
        result = {name: known[name] for name in asked}
        return {"quoteSummary": {"result": [result], "error": None}}

    @route("/v7/finance/options/{symbol}")
    def options(self, request: Request, now: float) -> Any:
        """Answer the chain of one expiration, the next one without `date`."""
        symbol = request.query["symbol"]
        if symbol not in self._market:
            return {"optionChain": {"result": [], "error": None}}
        chain = self._market.chain(symbol)
        dates = sorted({contract.expiration for contract in chain})
        asked = request.query.get("date")
        day = dates[0] if asked is None else day_of(float(asked))
        listed_then = [contract for contract in chain if contract.expiration == day]
        price = self._market.price(symbol, now)
        options = {
            "expirationDate": epoch(day),
            "hasMiniOptions": False,
            "calls": [option_of(item, price, now) for item in listed_then if item.call],
            "puts": [option_of(item, price, now) for item in listed_then if not item.call],
        }
        result = {
            "underlyingSymbol": symbol,
            "expirationDates": [epoch(expiration) for expiration in dates],
            "strikes": sorted({item.strike for item in listed_then}),
            "hasMiniOptions": False,
            "quote": self._forms.quote(symbol, now),
            "options": [options] if listed_then else [],
        }
        return {"optionChain": {"result": [result], "error": None}}

    def _cookie(self, request: Request) -> str | None:
        """Return the session of the request's cookie, None for none or an expired one."""
        for part in request.headers.get("cookie", "").split(";"):
            name, _, value = part.strip().partition("=")
            number = value.strip('"')[5:11]
            if name == "A3" and number.isdigit() and self._oldest <= int(number) <= self._sessions:
                return number
        return None

    def _rows(
        self, symbol: str, interval: str, request: Request, now: float
    ) -> list[tuple[int, Bar]]:
        """Return bars with the seconds since 1970 that they begin at."""
        first, last = _span(request, now)
        if interval in _MINUTES:
            minutes = _MINUTES[interval]
            oldest = day_of(now) - timedelta(days=_KEPT_DAYS[minutes])
            if first < oldest and "range" not in request.query:
                text = f"{interval} data not available for startTime; too long ago"
                raise Refusal(_failed("chart", 422, "Unprocessable Entity", text))
            days = self._market.bars(symbol, max(first, oldest), last)
            return [cut for day in days for cut in self._market.intraday(symbol, day, minutes)]
        if interval not in _STEPS:
            text = f"Invalid input - interval={interval} is not supported."
            raise Refusal(_failed("chart", 400, "Bad Request", text))
        return [
            (bar.opened_at, bar)
            for bar in self._market.spans(symbol, first, last, _STEPS[interval])
        ]

    def _events(self, symbol: str, rows: list[tuple[int, Bar]], request: Request) -> dict[str, Any]:
        """Return a dividend every quarter, and no splits: the prices have none."""
        asked = listed(request.query.get("events", ""))
        if "div" not in asked or self._market.rank(symbol) % 3:
            return {}
        paid = [at for at, bar in rows if bar.day.month % 3 == 2 and bar.day.day == 10]  # noqa: PLR2004 - the day
        return {"dividends": {str(at): {"amount": 0.24, "date": at} for at in paid}} if paid else {}


def _span(request: Request, now: float) -> tuple[date, date]:
    """Return the first and last day asked for."""
    start, end = request.query.get("period1"), request.query.get("period2")
    try:
        if start is not None:
            return day_of(float(start)), day_of(float(end) - 1 if end else now)
        days = RANGES[request.query.get("range", "1mo")]
    except (KeyError, ValueError, OverflowError, OSError) as error:
        text = "Invalid input - range or period is not supported."
        raise Refusal(_failed("chart", 422, "Unprocessable Entity", text)) from error
    today = day_of(now)
    return (today - timedelta(days=days) if days < today.toordinal() else date.min), today


def _crumb(cookie: str) -> str:
    """Return a cookie's crumb: text that must be escaped in a query."""
    digest = hashlib.blake2b(cookie.encode(), digest_size=6).digest()
    return f"{base64.b64encode(digest).decode()}/.."


def _failed(root: str, status: int, code: str, text: str) -> Reply:
    return refused(status, {root: {"result": None, "error": {"code": code, "description": text}}})


def _unauthorised(text: str) -> Reply:
    return _failed("finance", 401, "Unauthorized", text)
