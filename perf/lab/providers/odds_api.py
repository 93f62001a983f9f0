"""The Odds API: credits a month, told in headers, and 401 when they are spent.

An answer costs markets x regions, nothing when it is empty; the lists of sports and events are free
and stay open when the credits are gone. Refusals cost nothing. Event ids are 32 hexadecimal digits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar

from perf.lab.providers.games import Game, games
from perf.lab.providers.limits import Credits, Gauge, Window
from perf.lab.providers.odds_api_forms import (
    BOOKS,
    SPORTS,
    event_id,
    event_of,
    quotes_of,
    score_of,
    sport_of,
    time_of,
)
from perf.lab.providers.provider import (
    Grade,
    Outcome,
    Provider,
    Refusal,
    Reply,
    Request,
    Terms,
    limited,
    listed,
    refused,
    route,
    told,
)

_HELP = "https://the-odds-api.com/liveapi/guides/v4/api-error-codes.html"
_FEATURED = ("h2h", "spreads", "totals", "outrights")
_PROPS = ("player_points", "player_pass_yds", "alternate_spreads", "alternate_totals")
_BOOKS_A_REGION = 10
_DAY_S = 86_400
_AHEAD_S = 10 * _DAY_S
_GAME_S = 12_600
_NO_RIGHT, _TOO_FAST = 401, 429


class OddsApi(Provider):
    """Version 4; its paths lie under /v4 at the real one."""

    name = "odds_api"
    keys: ClassVar = {
        "0dd5f0114d1c4d1c4d1c4d1c4d1c4d1c": Grade.FULL,
        "0dd5f4ee90ab90ab90ab90ab90ab90ab": Grade.FREE,
        "0dd560ee77e277e277e277e277e277e2": Grade.BLOCKED,
    }

    def __init__(self, terms: Terms) -> None:
        super().__init__(terms)
        played = games(terms.seed, terms.started)
        self._games = {key: played[sport] for key, (sport, _, _) in SPORTS.items()}
        self._events = {event_id(game): game for several in played.values() for game in several}

    def limits(self) -> list[Gauge]:
        """Return 30 a second."""
        return [Window(30, 1.0)]

    def allowance(self) -> Credits:
        """Return 500 a month."""
        return Credits(500, "month")

    def grade(self, request: Request) -> Grade:
        """Take the key from `apiKey`."""
        key = request.query.get("apiKey", "")
        grade = self.keys.get(key, Grade.BLOCKED)
        if grade is Grade.BLOCKED:
            text = "API key is not valid" if key else "API key is missing"
            raise Refusal(_error(401, "INVALID_KEY" if key else "MISSING_KEY", text))
        return grade

    def too_fast(self, _wait_s: float, _request: Request) -> Reply:
        """Answer 429."""
        text = "Requests are too frequent. Wait for a few seconds and try again"
        return limited(429, _complaint("EXCEEDED_FREQ_LIMIT", text))

    def spent(self, _request: Request) -> Reply:
        """Answer 401, as for a wrong key: only the code tells them apart."""
        text = "Usage quota has been reached. See usage plans at https://the-odds-api.com"
        return limited(401, _complaint("OUT_OF_USAGE_CREDITS", text))

    def stamp(self, reply: Reply, now: float, paid: int) -> Reply:
        """Tell the credits left, used, and what this call cost, to a key that has credits."""
        stranger = reply.status == _NO_RIGHT and reply.outcome is Outcome.REFUSED
        if self.credits is None or stranger or reply.status == _TOO_FAST:
            return reply
        headers = (
            ("x-requests-remaining", str(self.credits.left(now))),
            ("x-requests-used", str(self.credits.used(now))),
            ("x-requests-last", str(paid)),
        )
        return replace(reply, headers=headers)

    @route("/sports", free=True)
    def sports(self, request: Request, _now: float) -> Any:
        """List the sports in season, or all."""
        rows = [sport_of(key, active=True, outrights=False) for key in SPORTS]
        if request.query.get("all") == "true":
            rows.append(sport_of("americanfootball_nfl", active=False, outrights=True))
        return rows

    @route("/sports/{sport}/events", free=True)
    def events(self, request: Request, now: float) -> Any:
        """List what is coming or live."""
        return [event_of(game) for game in self._coming(request, now)]

    @route("/sports/{sport}/odds")
    def odds(self, request: Request, now: float) -> Any:
        """Answer all events of a sport with their books: markets x regions."""
        markets = _markets(request, _FEATURED)
        books = _books(request)
        found = [
            event_of(game) | {"bookmakers": quotes_of(game, books, markets, request, now)}
            for game in self._coming(request, now)
            if game.moneyline is not None
        ]
        return _charged(found, len(markets) * _regions(request))

    @route("/sports/{sport}/scores")
    def scores(self, request: Request, now: float) -> Any:
        """Answer live and coming games, and those of the last days with `daysFrom`."""
        days = request.query.get("daysFrom", "")
        if days and days not in {"1", "2", "3"}:
            raise Refusal(_error(422, "INVALID_SCORES_DAYS_FROM", "daysFrom is 1, 2 or 3"))
        since = now - int(days or "0") * _DAY_S
        found = [
            score_of(game, game.score(now), now)
            for game in self._of(request)
            if since < game.start + _GAME_S and game.start < now + _AHEAD_S
        ]
        return _charged(found, 2 if days else 1)

    @route("/sports/{sport}/events/{event}/odds")
    def event_odds(self, request: Request, now: float) -> Any:
        """Answer one event, props too: markets returned x regions."""
        self._of(request)
        game = self._events.get(request.query["event"])
        if game is None:
            raise Refusal(_error(404, "EVENT_NOT_FOUND", "Event not found"))
        markets = _markets(request, _FEATURED + _PROPS)
        quotes = quotes_of(game, _books(request), markets, request, now)
        returned = {market["key"] for book in quotes for market in book["markets"]}
        answer = event_of(game) | {"bookmakers": quotes}
        return Reply(200, told(answer), cost=len(returned) * _regions(request))

    @route("/historical/sports/{sport}/odds")
    def past(self, request: Request, now: float) -> Any:
        """Answer odds as of `date`, to a paid key: ten times the cost."""
        if request.grade is not Grade.FULL:
            text = "Historical odds are only available on paid usage plans"
            raise Refusal(_error(401, "HISTORICAL_UNAVAILABLE_ON_FREE_USAGE_PLAN", text))
        reply: Reply = self.odds(request, now)
        date = request.query.get("date", time_of(now))
        body = told({"timestamp": date, "previous_timestamp": None, "next_timestamp": None})
        return Reply(200, body[:-1] + b',"data":' + reply.body + b"}", cost=10 * reply.cost)

    def _of(self, request: Request) -> list[Game]:
        sport = request.query["sport"]
        if sport == "upcoming":
            return [game for several in self._games.values() for game in several]
        if sport not in self._games:
            raise Refusal(_error(404, "UNKNOWN_SPORT", "Unknown sport"))
        return self._games[sport]

    def _coming(self, request: Request, now: float) -> list[Game]:
        """Return the games live or coming that the request asks for."""
        wanted = set(listed(request.query.get("eventIds", "")))
        first = _moment(request, "commenceTimeFrom", now - _GAME_S)
        last = _moment(request, "commenceTimeTo", now + _AHEAD_S)
        found = [
            game
            for game in self._of(request)
            if first <= game.start <= last
            and now < game.start + _GAME_S
            and not game.postponed
            and (not wanted or event_id(game) in wanted)
        ]
        return found[:8] if request.query["sport"] == "upcoming" else found


def _markets(request: Request, known: Sequence[str]) -> list[str]:
    markets = listed(request.query.get("markets", "h2h"))
    strange = [market for market in markets if market not in known]
    if strange or not markets:
        text = f"Invalid markets: {', '.join(strange)}"
        raise Refusal(_error(422, "INVALID_MARKET", text))
    return markets


def _books(request: Request) -> list[str]:
    """Return the books of the regions, or those named."""
    named = listed(request.query.get("bookmakers", ""))
    if named:
        return named
    regions = listed(request.query.get("regions", ""))
    if not regions:
        raise Refusal(_error(422, "MISSING_REGION", "Missing regions or bookmakers"))
    if strange := [region for region in regions if region not in BOOKS]:
        raise Refusal(_error(422, "INVALID_REGION", f"Invalid regions: {', '.join(strange)}"))
    return [book for region in regions for book in BOOKS[region]]


def _regions(request: Request) -> int:
    """Return the regions to pay for: ten books named are one."""
    named = listed(request.query.get("bookmakers", ""))
    if named:
        return -(-len(named) // _BOOKS_A_REGION)
    return len(listed(request.query["regions"]))


def _charged(found: list[dict[str, Any]], cost: int) -> Reply:
    return Reply(200, told(found), cost=cost if found else 0)


def _moment(request: Request, name: str, default: float) -> float:
    text = request.query.get(name)
    if text is None:
        return default
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError as error:
        code = f"INVALID_{'COMMENCE_TIME_FROM' if name.endswith('From') else 'COMMENCE_TIME_TO'}"
        raise Refusal(_error(422, code, f"Invalid {name}: {text}")) from error


def _complaint(code: str, text: str) -> dict[str, str]:
    return {"message": text, "error_code": code, "details_url": f"{_HELP}#{code.lower()}"}


def _error(status: int, code: str, text: str) -> Reply:
    return refused(status, _complaint(code, text))
