"""Kalshi: markets on the lab's games, money as strings, cursors that say nothing.

Reading needs no key but for order books, which want the three headers of a signed request; whether
the signature is right is not checked. A Basic key has 200 tokens a second and a call takes ten of
them. The 429 has no headers; other errors are flat, but for the 401, which is nested: both forms
are seen. The words of the `status` filter are not the words of the field.
"""

from __future__ import annotations

import base64
import zlib
from datetime import datetime
from typing import Any, ClassVar

from perf.lab.providers.games import Game, Stage, games
from perf.lab.providers.kalshi_forms import (
    SERIES,
    STRIKES,
    bids_up_to,
    candle_of,
    cents_of,
    dollars,
    event_of,
    event_ticker,
    tickers_of,
    time_of,
)
from perf.lab.providers.limits import Bucket, Gauge
from perf.lab.providers.provider import (
    Grade,
    Provider,
    Refusal,
    Reply,
    Request,
    Terms,
    limited,
    listed,
    refused,
    route,
)

_FIELD = {
    "unopened": "initialized",
    "open": "active",
    "paused": "inactive",
    "closed": "closed",
    "settled": "finalized",
}
_DAY_S = 86_400
_NEAR_S = 14 * _DAY_S
_INTERVALS = {1, 60, 1440}
_SIGNED = ("kalshi-access-key", "kalshi-access-timestamp", "kalshi-access-signature")
_MOST_CANDLES = 5000
_NO_RIGHT = 401


class Kalshi(Provider):
    """The REST face; its paths lie under /trade-api/v2 at the real one."""

    name = "kalshi"
    keys: ClassVar = {
        "0a1b2c3d-4d1c-4d1c-4d1c-000000000001": Grade.FULL,
        "0a1b2c3d-77e2-77e2-77e2-000000000003": Grade.BLOCKED,
    }

    def __init__(self, terms: Terms) -> None:
        super().__init__(terms)
        near = terms.started - _NEAR_S, terms.started + _NEAR_S
        self._games = {
            event_ticker(game): game
            for several in games(terms.seed, terms.started).values()
            for game in several
            if near[0] < game.start < near[1]
        }
        self._tickers = {
            ticker: game for game in self._games.values() for ticker in tickers_of(game)
        }

    def limits(self) -> list[Gauge]:
        """Return 20 calls a second: 200 tokens, ten a call."""
        return [Bucket(20.0, 20.0)]

    def grade(self, request: Request) -> Grade:
        """Ask for the headers of a signed request, where they are needed."""
        if request.path.endswith("/orderbook"):
            key = request.headers.get(_SIGNED[0], "")
            whole = all(request.headers.get(name) for name in _SIGNED)
            if not whole or self.keys.get(key, Grade.BLOCKED) is Grade.BLOCKED:
                raise Refusal(_error(401, "authentication_error", "authentication required"))
        return Grade.FULL

    def too_fast(self, _wait_s: float, _request: Request) -> Reply:
        """Answer 429, without a word about when."""
        return limited(429, {"error": "too many requests"})

    def unknown(self, _request: Request) -> Reply:
        """Answer 404."""
        return _error(404, "not_found", "not found")

    @route("/markets")
    def markets(self, request: Request, now: float) -> Any:
        """List the markets that fit, a page at a time."""
        asked = request.query
        wanted = listed(asked.get("tickers", ""))
        names = wanted or list(self._tickers)
        found = [
            row
            for name in names
            if name in self._tickers and _of(name, asked)
            for row in [self._market(name, now)]
            if _fits(row, asked)
        ]
        page, cursor = _page(found, asked, usual=100, most=1000)
        return {"markets": page, "cursor": cursor}

    @route("/markets/trades")
    def trades(self, request: Request, now: float) -> Any:
        """List the trades, the latest first."""
        ticker = request.query.get("ticker")
        if ticker is not None and ticker not in self._tickers:
            raise Refusal(_missing("market"))
        names = [ticker] if ticker else list(self._tickers)[:20]
        found = [self._trade(name, number, now) for number in range(30) for name in names]
        page, cursor = _page(found, request.query, usual=100, most=1000)
        return {"trades": page, "cursor": cursor}

    @route("/markets/{ticker}")
    def market(self, request: Request, now: float) -> Any:
        """Answer one market."""
        return {"market": self._market(self._known(request), now)}

    @route("/markets/{ticker}/orderbook")
    def orderbook(self, request: Request, now: float) -> Any:
        """Answer the bids of both sides, the best last; asks are the other side's."""
        market = self._market(self._known(request), now)
        depth = int(request.query.get("depth", "0")) or 10
        return {
            "orderbook_fp": {
                "yes_dollars": bids_up_to(float(market["yes_bid_dollars"]), depth),
                "no_dollars": bids_up_to(float(market["no_bid_dollars"]), depth),
            }
        }

    @route("/events")
    def events(self, request: Request, now: float) -> Any:
        """List the events that fit, a page at a time."""
        asked = request.query
        nested = asked.get("with_nested_markets") == "true"
        found = []
        for event, game in self._games.items():
            if asked.get("series_ticker") not in {None, "", SERIES[game.sport]}:
                continue
            rows = [self._market(ticker, now) for ticker in tickers_of(game)]
            if any(_fits(row, asked) for row in rows):
                found.append(event_of(event, game) | ({"markets": rows} if nested else {}))
        page, cursor = _page(found, asked, usual=200, most=200)
        return {"events": page, "cursor": cursor}

    @route("/events/{event}")
    def event(self, request: Request, now: float) -> Any:
        """Answer one event and its markets."""
        game = self._games.get(request.query["event"])
        if game is None:
            raise Refusal(_missing("event"))
        rows = [self._market(ticker, now) for ticker in tickers_of(game)]
        if request.query.get("with_nested_markets") == "true":
            return {"event": event_of(request.query["event"], game) | {"markets": rows}}
        return {"event": event_of(request.query["event"], game), "markets": rows}

    @route("/series/{series}/markets/{ticker}/candlesticks")
    def candlesticks(self, request: Request, now: float) -> Any:
        """Answer bars of one, 60 or 1440 minutes; a bar without trades has a null price."""
        ticker = self._known(request)
        try:
            minutes = int(request.query["period_interval"])
            first, last = (int(request.query[name]) for name in ("start_ts", "end_ts"))
        except (KeyError, ValueError) as error:
            raise Refusal(_error(400, "bad_request", "missing parameter")) from error
        step_s = minutes * 60
        if minutes not in _INTERVALS or (last - first) / step_s > _MOST_CANDLES:
            raise Refusal(_error(400, "bad_request", "invalid period_interval or range"))
        start = -(-first // step_s) * step_s
        ends = range(start, min(last, int(now)) + 1, step_s)
        return {"ticker": ticker, "candlesticks": [candle_of(ticker, end) for end in ends]}

    @route("/account/limits")
    def account(self, _request: Request, _now: float) -> Any:
        """Answer the tier's tokens."""
        return {"usage_tier": "basic", "read_limit": 200, "write_limit": 100}

    def _known(self, request: Request) -> str:
        ticker = request.query["ticker"]
        if ticker not in self._tickers:
            raise Refusal(_missing("market"))
        return ticker

    def _market(self, ticker: str, now: float) -> dict[str, Any]:
        game = self._tickers[ticker]
        strike = STRIKES[int(ticker.rpartition("-T")[2])]
        cents, score = cents_of(game, strike, now), game.score(now)
        over = score.stage is Stage.OVER
        status = "finalized" if over else "initialized" if _unopened(game, now) else "active"
        bought = zlib.crc32(ticker.encode()) % 5000
        return {
            "ticker": ticker,
            "event_ticker": event_ticker(game),
            "market_type": "binary",
            "title": f"{game.home} to win by more than {strike:g}?",
            "yes_sub_title": f"{game.home} by more than {strike:g}",
            "no_sub_title": f"{game.home} by {strike:g} or less",
            "status": status,
            "open_time": time_of(game.start - 10 * _DAY_S),
            "close_time": time_of(game.start + 4 * 3600),
            "expiration_time": time_of(game.start + 14 * _DAY_S),
            "yes_bid_dollars": dollars(cents - 1),
            "yes_ask_dollars": dollars(cents + 1),
            "no_bid_dollars": dollars(99 - cents),
            "no_ask_dollars": dollars(101 - cents),
            "last_price_dollars": dollars(cents),
            "previous_price_dollars": dollars(cents),
            "volume_fp": f"{bought}.00",
            "volume_24h_fp": f"{bought // 4}.00",
            "open_interest_fp": f"{bought // 2}.00",
            "liquidity_dollars": "0.0000",
            "result": ("yes" if score.home - score.away > strike else "no") if over else "",
            "strike_type": "greater",
            "floor_strike": strike,
            "can_close_early": True,
        }

    def _trade(self, ticker: str, number: int, now: float) -> dict[str, Any]:
        game = self._tickers[ticker]
        cents = cents_of(game, 0.0, now)
        drawn = zlib.crc32(f"{ticker}:{number}".encode())
        return {
            "trade_id": f"{drawn:08x}-0000-4000-8000-{number:012d}",
            "ticker": ticker,
            "count_fp": f"{drawn % 90 + 1}.00",
            "yes_price_dollars": dollars(cents),
            "no_price_dollars": dollars(100 - cents),
            "taker_side": "yes" if drawn % 2 else "no",
            "created_time": time_of(now - 60 * number - 1),
        }


def _unopened(game: Game, now: float) -> bool:
    return now < game.start - 10 * _DAY_S


def _of(ticker: str, asked: Any) -> bool:
    """Say whether a market belongs to the event and series asked for, by its name alone."""
    event, series = asked.get("event_ticker"), asked.get("series_ticker")
    return (not event or ticker.startswith(f"{event}-")) and (
        not series or ticker.startswith(f"{series}-")
    )


def _fits(market: dict[str, Any], asked: Any) -> bool:
    """Say whether a market has one of the statuses asked for, and closes in time."""
    wanted = listed(asked.get("status", ""))
    if strange := [word for word in wanted if word not in _FIELD]:
        raise Refusal(_error(400, "bad_request", f"invalid status filter: {strange[0]}"))
    if wanted and market["status"] not in {_FIELD[word] for word in wanted}:
        return False
    closes = datetime.fromisoformat(market["close_time"]).timestamp()
    lowest, highest = asked.get("min_close_ts"), asked.get("max_close_ts")
    return (not lowest or closes >= float(lowest)) and (not highest or closes <= float(highest))


def _page(
    found: list[dict[str, Any]], asked: Any, *, usual: int, most: int
) -> tuple[list[dict[str, Any]], str]:
    """Return a page and the cursor of the next, empty at the end."""
    try:
        limit = int(asked.get("limit") or usual)
        start = int(base64.urlsafe_b64decode(asked.get("cursor", "")).decode() or 0)
    except ValueError as error:
        raise Refusal(_error(400, "bad_request", "invalid cursor or limit")) from error
    if not 0 < limit <= most:
        raise Refusal(_error(400, "bad_request", f"limit is 1 to {most}"))
    end = start + limit
    more = end < len(found)
    return found[start:end], base64.urlsafe_b64encode(str(end).encode()).decode() if more else ""


def _missing(what: str) -> Reply:
    return _error(404, "not_found", f"{what} not found")


def _error(status: int, code: str, text: str) -> Reply:
    told = {"code": code, "message": text, "details": "", "service": "exchange"}
    return refused(status, {"error": told} if status == _NO_RIGHT else told)
