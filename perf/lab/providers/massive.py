"""Massive (once Polygon.io): five calls a minute and the day before for a free key, all for a paid.

A paid key may make 100 calls a second. A free one gets 403 NOT_AUTHORIZED for snapshots, options
and what is older than two years, and its answers say DELAYED. A `next_url` is absolute and without
the key. Times of bars are milliseconds, those of snapshots nanoseconds.
"""

from __future__ import annotations

import base64
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import urlencode

from perf.lab.providers.limits import Gauge, Window
from perf.lab.providers.market import Bar, day_of, market
from perf.lab.providers.massive_forms import MS, Forms, option_of, row_of
from perf.lab.providers.options import Contract
from perf.lab.providers.provider import (
    Grade,
    Provider,
    Refusal,
    Reply,
    Request,
    Terms,
    bearer,
    limited,
    listed,
    refused,
    route,
)

_MOST_BARS, _USUAL_BARS = 50_000, 5_000
_MINUTES = {"minute": 1, "hour": 60}
_OLDEST = timedelta(days=731)
_SESSION_S = 23_400
_MORNING_S = 34_200  # a day's bar is stamped with New York's midnight, not with the opening
_ID = "6a7e466379af0a71039d60cc78e72282"
_UPGRADE = (
    "You are not entitled to this data. Please upgrade your plan at https://massive.com/pricing"
)


class Massive(Provider):
    """The REST face of api.massive.com."""

    name = "massive"
    keys: ClassVar = {
        "msv_sim_full_4d1c4d1c4d1c4d1c4d1c": Grade.FULL,
        "msv_sim_free_90ab90ab90ab90ab90ab": Grade.FREE,
        "msv_sim_gone_77e277e277e277e277e2": Grade.BLOCKED,
    }

    def __init__(self, terms: Terms) -> None:
        self._tiers = {Grade.FREE: Window(5, 60.0), Grade.FULL: Window(100, 1.0)}
        super().__init__(terms)
        self._market = market(terms.seed, day_of(terms.started))
        self._forms = Forms(self._market)

    def limits(self) -> list[Gauge]:
        """Return the free key's five a minute and the paid one's 100 a second."""
        return list(self._tiers.values())

    def limited_by(self, _request: Request, grade: Grade) -> list[Gauge]:
        """Return the key's own limit, or all where they were replaced."""
        own = self._tiers[grade]
        return [own] if own in self.gauges else self.gauges

    def grade(self, request: Request) -> Grade:
        """Take the key from the Authorization header or `apiKey`."""
        key = bearer(request) or request.query.get("apiKey", "")
        grade = self.keys.get(key, Grade.BLOCKED)
        if grade is Grade.BLOCKED:
            text = "Unknown API Key" if key else "API Key was not provided"
            raise Refusal(_error(401, text))
        return grade

    def too_fast(self, _wait_s: float, _request: Request) -> Reply:
        """Answer 429."""
        text = (
            "You've exceeded the maximum requests per minute, please wait or upgrade your "
            "subscription to continue. https://massive.com/pricing"
        )
        return limited(429, {"status": "ERROR", "request_id": _ID, "error": text})

    def unknown(self, request: Request) -> Reply:
        """Answer 404 in the usual form."""
        return _error(404, f"path not found: {request.path}")

    @route("/v2/aggs/ticker/{ticker}/range/{mult}/{timespan}/{first}/{last}")
    def aggregates(self, request: Request, now: float) -> Any:
        """Answer bars, a page at a time; `results` is absent when there are none."""
        ticker, timespan = request.query["ticker"], request.query["timespan"]
        first, last = _day(request.query["first"]), _day(request.query["last"])
        oldest = day_of(now) - _OLDEST
        if request.grade is Grade.FREE and first < oldest:
            raise _not_authorised()
        rows = self._bars(ticker, timespan, first, last, _multiplier(request))
        if request.query.get("sort") == "desc":
            rows = rows[::-1]
        start, limit = _page(request, _USUAL_BARS, _MOST_BARS)
        page = rows[start : start + limit]
        answer: dict[str, Any] = {
            "ticker": ticker,
            "queryCount": len(page),
            "resultsCount": len(page),
            "adjusted": request.query.get("adjusted", "true") == "true",
        }
        if page:
            answer["results"] = page
        answer |= {"status": _status(request), "request_id": _ID, "count": len(page)}
        if start + limit < len(rows):
            answer["next_url"] = self._next(request, start + limit, limit)
        return answer

    @route("/v2/aggs/grouped/locale/us/market/stocks/{day}")
    def grouped(self, request: Request, _now: float) -> Any:
        """Answer every stock's bar of a day."""
        day = _day(request.query["day"])
        found = [
            {"T": symbol, **row_of(bar, bar.opened_at + _SESSION_S)}
            for symbol in self._market.symbols
            for bar in self._market.bars(symbol, day, day)
        ]
        return self._few(request, found)

    @route("/v2/aggs/ticker/{ticker}/prev")
    def previous(self, request: Request, _now: float) -> Any:
        """Answer the last session's bar."""
        ticker = request.query["ticker"]
        rows = self._bars(ticker, "day", self._market.today - timedelta(days=7), self._market.today)
        return {"ticker": ticker, **self._few(request, [{"T": ticker, **row} for row in rows[-1:]])}

    @route("/v3/reference/tickers")
    def tickers(self, request: Request, _now: float) -> Any:
        """List the stocks, a page at a time."""
        wanted, words = request.query.get("ticker"), request.query.get("search", "").lower()
        symbols = sorted(
            symbol
            for symbol in self._market.symbols
            if (not wanted or symbol == wanted)
            and (words in symbol.lower() or words in self._market.name(symbol).lower())
        )
        start, limit = _page(request, 100, 1000)
        answer: dict[str, Any] = {
            "results": [self._forms.reference(symbol) for symbol in symbols[start : start + limit]],
            "status": "OK",
            "request_id": _ID,
            "count": len(symbols[start : start + limit]),
        }
        if start + limit < len(symbols):
            answer["next_url"] = self._next(request, start + limit, limit)
        return answer

    @route("/v1/last/crypto/{base}/{counter}")
    def last_coin(self, request: Request, now: float) -> Any:
        """Answer the last trade of a coin in dollars."""
        base, counter = request.query["base"], request.query["counter"]
        price = self._market.coin(base, now) if counter == "USD" else None
        if price is None:
            raise Refusal(_error(404, "Data not found."))
        last = {
            "price": price,
            "size": 0.01,
            "exchange": 1,
            "conditions": [1],
            "timestamp": int(now * MS),
        }
        return {
            "status": "success",
            "request_id": _ID,
            "symbol": f"{base}-{counter}",
            "last": last,
        }

    @route("/v2/snapshot/locale/us/markets/stocks/tickers")
    def snapshots(self, request: Request, now: float) -> Any:
        """Answer the stocks asked for, or all; unknown ones are absent."""
        _require_paid(request)
        asked = listed(request.query.get("tickers", "")) or self._market.symbols
        found = [self._forms.stock(symbol, now) for symbol in asked if symbol in self._market]
        return {"count": len(found), "status": "OK", "request_id": _ID, "tickers": found}

    @route("/v2/snapshot/locale/us/markets/stocks/tickers/{ticker}")
    def snapshot(self, request: Request, now: float) -> Any:
        """Answer one stock, 404 for an unknown one."""
        _require_paid(request)
        if request.query["ticker"] not in self._market:
            raise Refusal(
                refused(
                    404, {"status": "NotFound", "request_id": _ID, "message": "Ticker not found."}
                )
            )
        return {
            "status": "OK",
            "request_id": _ID,
            "ticker": self._forms.stock(request.query["ticker"], now),
        }

    @route("/v2/snapshot/locale/global/markets/crypto/tickers")
    def coins(self, request: Request, now: float) -> Any:
        """Answer the coins asked for, or all."""
        _require_paid(request)
        known = [f"X:{base}USD" for base in self._market.coins]
        asked = listed(request.query.get("tickers", "")) or known
        found = [self._forms.coin(ticker, now) for ticker in asked if ticker in known]
        return {"count": len(found), "status": "OK", "request_id": _ID, "tickers": found}

    @route("/v3/snapshot")
    def universal(self, request: Request, now: float) -> Any:
        """Answer up to 250 tickers of any kind; an unknown one is an entry with an error."""
        _require_paid(request)
        asked = listed(request.query.get("ticker.any_of", ""))
        if len(asked) > 250:  # noqa: PLR2004 - the documented most
            raise Refusal(_error(400, "ticker.any_of may have at most 250 values"))
        start, limit = _page(request, 10, 250)
        page = asked[start : start + limit]
        answer: dict[str, Any] = {
            "results": [self._forms.any(ticker, now) for ticker in page],
            "status": "OK",
            "request_id": _ID,
        }
        if start + limit < len(asked):
            answer["next_url"] = self._next(request, start + limit, limit)
        return answer

    @route("/v3/snapshot/options/{ticker}")
    def chain(self, request: Request, now: float) -> Any:
        """Answer the chain of a stock, a page at a time."""
        _require_paid(request)
        ticker = request.query["ticker"]
        chain = self._market.chain(ticker) if ticker in self._market else []
        rows = [contract for contract in chain if _fits(contract, request)]
        start, limit = _page(request, 10, 250)
        price = self._market.price(ticker, now) if chain else 0.0
        answer: dict[str, Any] = {
            "results": [option_of(item, price, now) for item in rows[start : start + limit]],
            "status": "OK",
            "request_id": _ID,
        }
        if start + limit < len(rows):
            answer["next_url"] = self._next(request, start + limit, limit)
        return answer

    def _bars(
        self, ticker: str, timespan: str, first: date, last: date, multiplier: int = 1
    ) -> list[dict[str, Any]]:
        symbol = ticker
        if ticker.startswith("X:") and ticker.endswith("USD"):
            return self._coin_bars(ticker[2:-3], first, last)
        if symbol not in self._market:
            return []
        if timespan in _MINUTES:
            days = self._market.bars(symbol, first, last)
            minutes = _MINUTES[timespan] * multiplier
            cut = [self._market.intraday(symbol, day, minutes) for day in days]
            return [row_of(bar, at) for several in cut for at, bar in several]
        if timespan not in {"day", "week", "month"}:
            raise Refusal(_error(400, f"The parameter 'timespan' has an invalid value: {timespan}"))
        bars = self._market.spans(symbol, first, last, timespan)
        return [row_of(bar, bar.opened_at - _MORNING_S) for bar in bars]

    def _coin_bars(self, base: str, first: date, last: date) -> list[dict[str, Any]]:
        """Return a bar a day, weekends too, at most up to yesterday."""
        count = (min(last, self._market.today - timedelta(days=1)) - first).days + 1
        rows = []
        for number in range(count):
            day = first + timedelta(days=number)
            at = datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()
            opened, close = self._market.coin(base, at), self._market.coin(base, at + 86_399)
            if opened is not None and close is not None:
                bar = Bar(day, opened, max(opened, close), min(opened, close), close, 1000)
                rows.append(row_of(bar, int(at)))
        return rows

    def _few(self, request: Request, found: list[dict[str, Any]]) -> dict[str, Any]:
        answer: dict[str, Any] = {
            "queryCount": len(found),
            "resultsCount": len(found),
            "adjusted": True,
        }
        if found:
            answer["results"] = found
        return answer | {"status": _status(request), "request_id": _ID, "count": len(found)}

    def _next(self, request: Request, start: int, limit: int) -> str:
        """Return where the list goes on, without the key."""
        kept = {
            name: value
            for name, value in request.query.items()
            if name not in {"apiKey", "cursor", "limit"} and f"/{value}" not in request.path
        }
        cursor = base64.urlsafe_b64encode(f"{start}:{limit}".encode()).decode()
        return f"{self.terms.base}{request.path}?{urlencode(kept | {'cursor': cursor})}"


def _multiplier(request: Request) -> int:
    """Return how many spans of time make a bar."""
    told = request.query["mult"]
    if not told.isdecimal() or int(told) < 1:
        raise Refusal(_error(400, f"The parameter 'multiplier' has an invalid value: {told}"))
    return int(told)


def _page(request: Request, usual: int, most: int) -> tuple[int, int]:
    """Return where the page starts and how long it is."""
    try:
        if "cursor" in request.query:
            start, limit = base64.urlsafe_b64decode(request.query["cursor"]).decode().split(":")
            return int(start), int(limit)
        limit_asked = int(request.query.get("limit", str(usual)))
    except ValueError as error:
        raise Refusal(_error(400, "The parameter 'cursor' or 'limit' is not valid")) from error
    if not 0 < limit_asked <= most:
        raise Refusal(_error(400, f"The parameter 'limit' is at most {most}"))
    return 0, limit_asked


def _fits(contract: Contract, request: Request) -> bool:
    kind = request.query.get("contract_type")
    day = request.query.get("expiration_date")
    strike = request.query.get("strike_price")
    return (
        (kind is None or contract.call is (kind == "call"))
        and (day is None or contract.expiration.isoformat() == day)
        and (strike is None or contract.strike == float(strike))
    )


def _day(text: str) -> date:
    """Read a date, or milliseconds since 1970."""
    try:
        return day_of(int(text) / MS) if text.isdigit() else date.fromisoformat(text)
    except ValueError as error:
        raise Refusal(_error(400, f"Could not parse the time parameter: '{text}'.")) from error


def _status(request: Request) -> str:
    return "DELAYED" if request.grade is Grade.FREE else "OK"


def _require_paid(request: Request) -> None:
    if request.grade is Grade.FREE:
        raise _not_authorised()


def _not_authorised() -> Refusal:
    return Refusal(
        refused(403, {"status": "NOT_AUTHORIZED", "request_id": _ID, "message": _UPGRADE})
    )


def _error(status: int, text: str) -> Reply:
    return refused(status, {"status": "ERROR", "request_id": _ID, "error": text})
