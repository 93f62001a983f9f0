"""Robinhood: a portfolio of 45 positions, lists in pages, and a throttle that says for how long.

25 stocks and 20 options, most of them short. Stock positions name their instrument by
URL only, as the real ones do, so a client that reads one by one needs two calls a contract. Batches
of quotes answer null in place of a symbol that is not known. Every URL is absolute, `next` too.
Calls are throttled at one a second on average, 30 at once: no limit is published, so that is a
guess. Tokens come from a password or a refresh token and can be expired from outside.
"""

from __future__ import annotations

import json
import math
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlencode

from perf.lab.providers.limits import Bucket, Gauge
from perf.lab.providers.market import day_of, market
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
from perf.lab.providers.robinhood_forms import ACCOUNT, STOCKS, Forms, id_of, money, shares_at

_OPTIONS = 20
_PAGE = 100
_MOST_QUOTES, _MOST_FUNDAMENTALS, _MOST_OPTIONS = 1000, 100, 40
_LONGEST_TARGET = 3000  # a longer line of a request is refused: about 17 URLs of instruments
_USER, _PASSWORD = "sim@lab.example", "correct-horse"


class Robinhood(Provider):
    """The private face that its apps use, as far as open clients know it."""

    name = "robinhood"
    keys: ClassVar = {
        "rh-sim-full-4d1c4d1c": Grade.FULL,
        "rh-sim-gone-77e277e2": Grade.BLOCKED,
    }

    def __init__(self, terms: Terms) -> None:
        super().__init__(terms)
        self._market = market(terms.seed, day_of(terms.started))
        self._forms = Forms(self._market, terms.base)
        self._issued: set[str] = {self.key(Grade.FULL)}
        self._by_id: dict[str, Contract] = {}
        self._stock_ids = {id_of(symbol): symbol for symbol in self._market.symbols}
        self._held = [self._one_option(place) for place in range(_OPTIONS)]
        self._tell(self._held)

    def limits(self) -> list[Gauge]:
        """Return one a second, 30 at once."""
        return [Bucket(1.0, 30.0)]

    def expire(self) -> None:
        """Let no token of before be good any more, the key itself included."""
        self._issued.clear()

    def reset(self) -> None:
        """Forget the calls, and let the key be good again."""
        super().reset()
        self._issued.add(self.key(Grade.FULL))

    def grade(self, request: Request) -> Grade:
        """Take the token from the Authorization header; signing in needs none."""
        if request.path == "/oauth2/token/":
            return Grade.FULL
        token = bearer(request)
        if token not in self._issued:
            text = "Incorrect authentication credentials."
            given = text if token else "Authentication credentials were not provided."
            raise Refusal(refused(401, {"detail": given}))
        return Grade.FULL

    def too_fast(self, wait_s: float, _request: Request) -> Reply:
        """Answer 429 with the seconds in its sentence."""
        seconds = max(1, math.ceil(wait_s))
        text = f"Request was throttled. Expected available in {seconds} seconds."
        return limited(429, {"detail": text})

    def unknown(self, _request: Request) -> Reply:
        """Answer 404."""
        return refused(404, {"detail": "Not found."})

    @route("/oauth2/token/", method="POST")
    def token(self, request: Request, _now: float) -> Any:
        """Issue a token for the password or the refresh token; a new device is asked to prove."""
        form = dict(parse_qsl(request.body.decode("utf-8", "replace")))
        if request.headers.get("content-type", "").startswith("application/json"):
            form = {name: str(value) for name, value in json.loads(request.body).items()}
        if form.get("grant_type") == "refresh_token":
            good = form.get("refresh_token", "").startswith("rh-sim-refresh-")
        else:
            good = (form.get("username"), form.get("password")) == (_USER, _PASSWORD)
        if not good:
            raise Refusal(refused(400, {"detail": "Unable to log in with provided credentials."}))
        if not form.get("device_token") and form.get("grant_type") != "refresh_token":
            workflow = {
                "id": id_of("workflow"),
                "workflow_status": "workflow_status_internal_pending",
            }
            raise Refusal(refused(403, {"verification_workflow": workflow}))
        number = self.sequence
        token = f"rh-sim-issued-{number:06d}"
        self._issued.add(token)
        return {
            "access_token": token,
            "expires_in": 86_400,
            "token_type": "Bearer",
            "scope": "internal",
            "refresh_token": f"rh-sim-refresh-{number:06d}",
            "mfa_code": None,
            "backup_code": None,
        }

    @route("/accounts/")
    def accounts(self, request: Request, _now: float) -> Any:
        """List the one account."""
        return self._paged(request, [self._forms.account()])

    @route("/accounts/{number}/?")
    def account(self, request: Request, _now: float) -> Any:
        """Answer the account."""
        self._require_own(request)
        return self._forms.account()

    @route("/portfolios/{number}/?")
    def portfolio(self, request: Request, now: float) -> Any:
        """Answer what the positions are worth."""
        self._require_own(request)
        worth = sum(
            self._market.price(symbol, now) * shares_at(place)
            for place, symbol in enumerate(self._market.symbols[:STOCKS])
        )
        return {
            "url": self._forms.url("portfolios", ACCOUNT),
            "account": self._forms.url("accounts", ACCOUNT),
            "equity": money(worth + 25_000),
            "market_value": money(worth),
            "extended_hours_equity": None,
            "equity_previous_close": money(worth * 0.995 + 25_000),
            "start_date": "2020-01-06",
        }

    @route("/positions/")
    def positions(self, request: Request, _now: float) -> Any:
        """List the stocks held, with closed ones unless `nonzero`."""
        held = [
            self._forms.position(symbol, place)
            for place, symbol in enumerate(self._market.symbols[: STOCKS + 5])
        ]
        nonzero = request.query.get("nonzero", "").lower() == "true"
        rows = [row for row in held if not nonzero or float(row["quantity"])]
        return self._paged(request, rows)

    @route("/options/positions/")
    def option_positions(self, request: Request, _now: float) -> Any:
        """List the options held."""
        rows = [self._forms.option_position(item, place) for place, item in enumerate(self._held)]
        return self._paged(request, rows)

    @route("/options/aggregate_positions/")
    def aggregates(self, request: Request, _now: float) -> Any:
        """List the options held by strategy, each of one leg."""
        rows = [self._forms.aggregate(item, place) for place, item in enumerate(self._held)]
        return self._paged(request, rows)

    @route("/options/chains/{chain}/")
    def chain(self, request: Request, _now: float) -> Any:
        """Answer a chain's expirations."""
        symbol = self._chain_symbol(request.query["chain"])
        days = sorted({contract.expiration for contract in self._market.chain(symbol)})
        return {
            "id": request.query["chain"],
            "symbol": symbol,
            "can_open_position": True,
            "cash_component": None,
            "expiration_dates": [day.isoformat() for day in days],
            "trade_value_multiplier": "100.0000",
            "underlying_instruments": [
                {"id": id_of(symbol), "instrument": self._forms.url("instruments", id_of(symbol))}
            ],
            "min_ticks": {"above_tick": "0.05", "below_tick": "0.01", "cutoff_price": "3.00"},
        }

    @route("/options/instruments/")
    def option_instruments(self, request: Request, _now: float) -> Any:
        """List the contracts that fit, a page at a time."""
        asked = request.query
        if "ids" in asked:
            found = [self._contract(name) for name in listed(asked["ids"])]
            return self._paged(
                request, [self._forms.option_instrument(item) for item in found if item]
            )
        symbol = asked.get("chain_symbol") or self._chain_symbol(asked.get("chain_id", ""))
        chain = self._market.chain(symbol) if symbol in self._market else []
        days = listed(asked.get("expiration_dates", ""))
        kind, strike = asked.get("type"), asked.get("strike_price")
        fitting = [
            item
            for item in chain
            if (not days or item.expiration.isoformat() in days)
            and (kind is None or item.call is (kind == "call"))
            and (strike is None or item.strike == float(strike))
        ]
        self._tell(fitting)
        return self._paged(request, [self._forms.option_instrument(item) for item in fitting])

    @route("/options/instruments/{option}/")
    def option_instrument(self, request: Request, _now: float) -> Any:
        """Answer one contract."""
        found = self._contract(request.query["option"])
        if found is None:
            raise Refusal(refused(404, {"detail": "Not found."}))
        return self._forms.option_instrument(found)

    @route("/marketdata/options/")
    def option_quotes(self, request: Request, now: float) -> Any:
        """Answer many contracts, null in place of an unknown one."""
        asked = request.query
        names = listed(asked.get("ids", "")) or [
            url.rstrip("/").rpartition("/")[2] for url in listed(asked.get("instruments", ""))
        ]
        if not names or len(names) > _MOST_OPTIONS or len(urlencode(asked)) > _LONGEST_TARGET:
            raise Refusal(refused(400, {"detail": "Too many or no instruments."}))
        found = [self._contract(name) for name in names]
        return {"results": [item and self._forms.option_quote(item, now) for item in found]}

    @route("/marketdata/options/{option}/")
    def option_quote(self, request: Request, now: float) -> Any:
        """Answer one contract."""
        found = self._contract(request.query["option"])
        if found is None:
            raise Refusal(refused(404, {"detail": "Not found."}))
        return self._forms.option_quote(found, now)

    @route("/quotes/")
    def quotes(self, request: Request, now: float) -> Any:
        """Answer many symbols, null in place of an unknown one."""
        symbols = self._asked(request, _MOST_QUOTES)
        return {"results": [self._forms.quote(symbol, now) for symbol in symbols]}

    @route("/quotes/{symbol}/")
    def quote(self, request: Request, now: float) -> Any:
        """Answer one symbol."""
        found = self._forms.quote(request.query["symbol"], now)
        if found is None:
            raise Refusal(refused(404, {"detail": "Not found."}))
        return found

    @route("/fundamentals/")
    def fundamentals(self, request: Request, now: float) -> Any:
        """Answer many symbols, null in place of an unknown one."""
        symbols = self._asked(request, _MOST_FUNDAMENTALS)
        return {"results": [self._forms.fundamental(symbol, now) for symbol in symbols]}

    @route("/instruments/")
    def instruments(self, request: Request, _now: float) -> Any:
        """List stocks by `ids` or `symbol`."""
        asked = request.query
        symbols = [self._stock_ids.get(name) for name in listed(asked.get("ids", ""))]
        symbols += [symbol for symbol in listed(asked.get("symbol", "")) if symbol in self._market]
        rows = [self._forms.instrument(symbol) for symbol in symbols if symbol is not None]
        return self._paged(request, rows)

    @route("/instruments/{stock}/")
    def instrument(self, request: Request, _now: float) -> Any:
        """Answer one stock."""
        symbol = self._stock_ids.get(request.query["stock"])
        if symbol is None:
            raise Refusal(refused(404, {"detail": "Not found."}))
        return self._forms.instrument(symbol)

    def _paged(self, request: Request, rows: list[dict[str, Any]]) -> dict[str, Any]:
        """Return a page of 100 with the absolute URL of the next."""
        start = int(request.query.get("cursor") or 0)
        following = None
        if start + _PAGE < len(rows):
            asked = {**request.query, "cursor": str(start + _PAGE)}
            following = f"{self.terms.base}{request.path}?{urlencode(asked)}"
        return {"next": following, "previous": None, "results": rows[start : start + _PAGE]}

    def _require_own(self, request: Request) -> None:
        if request.query["number"] != ACCOUNT:
            raise Refusal(refused(404, {"detail": "Not found."}))

    def _asked(self, request: Request, most: int) -> list[str]:
        symbols = listed(request.query.get("symbols", ""))
        if not symbols or len(symbols) > most:
            raise Refusal(refused(400, {"detail": f"symbols: from 1 to {most} are allowed."}))
        return symbols

    def _one_option(self, place: int) -> Contract:
        """Return the option held at `place`: of a stock held, out of the money, a month ahead."""
        symbol = self._market.symbols[place % STOCKS]
        chain = self._market.chain(symbol)
        days = sorted({item.expiration for item in chain})
        spot = self._market.price(symbol, 0.0)
        call = place % 3 == 0
        fitting = [
            item
            for item in chain
            if item.expiration == days[3] and item.call is call and (item.strike > spot) is call
        ]
        return fitting[0] if call else fitting[-1]

    def _tell(self, contracts: list[Contract]) -> None:
        """Remember contracts by their ids, so that they can be asked for."""
        self._by_id |= {id_of(item.osi): item for item in contracts}

    def _contract(self, name: str) -> Contract | None:
        """Return the contract of an id, if it is held or was listed before."""
        return self._by_id.get(name)

    def _chain_symbol(self, chain: str) -> str:
        found = next(
            (name for name in self._market.symbols if id_of(f"chain:{name}") == chain), None
        )
        if found is None:
            raise Refusal(refused(404, {"detail": "Not found."}))
        return found
