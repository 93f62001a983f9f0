"""The Odds API: what bookmakers offer on whole sports at once, for 500 credits a month.

A call costs markets x regions, whoever many games it returns, so the saving lies in asking once
for a whole sport and keeping the answer; lists of sports and events cost nothing and are still
answered when the credits are spent. What is left stands in every answer's headers. Spent credits
come as 401, like a wrong key: only the error code tells them apart.

Conversion to the platform's own rows is not here but in `ava.services.offers`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import MappingProxyType
from typing import Unpack
from urllib.parse import quote

from msgspec import Struct

from ava.cache.keep import Keep
from ava.errors import (
    AuthenticationError,
    BadRequestError,
    NotFoundError,
    PlanError,
    ProviderError,
    QuotaExhaustedError,
    RateLimitedError,
)
from ava.net.client import Client, Request
from ava.net.spec import (
    Answer,
    BreakerRule,
    Budget,
    Limit,
    Period,
    ProviderSpec,
    QuotaRule,
    Rate,
    Window,
)
from ava.providers import parse
from ava.providers.asking import DAY_S, How, ask
from ava.providers.games import (
    Event,
    EventOdds,
    EventScores,
    League,
    OddsFormat,
    SportInfo,
)
from ava.providers.reading import odds_api as reading
from ava.section import Secret

NAME = "odds_api"

CONSERVATIVE = Rate(0.5)  # 001.3
PUBLISHED = Window(30)
SLOW_DOWN_S = 2.0  # what the documentation advises after a 429
MONTHLY_CREDITS = 500

SPORT_KEYS: Mapping[str, str] = MappingProxyType(
    {
        League.NFL: "americanfootball_nfl",
        League.NCAA_FOOTBALL: "americanfootball_ncaaf",
        League.NBA: "basketball_nba",
        League.NCAA_BASKETBALL: "basketball_ncaab",
    }
)
GAME_MARKETS = ("h2h", "spreads", "totals")
BOOKMAKERS_A_REGION = 10  # so many named bookmakers cost as much as one region

# 001.5 syncs odds every 15 minutes; an answer kept just as long is never older than two syncs.
ODDS = Keep(ttl_s=900, stale_s=3_600)
EVENTS = Keep(ttl_s=900, stale_s=DAY_S)
SCORES = Keep(ttl_s=300, stale_s=900)  # each look costs a credit; ESPN's scoreboard costs none
SPORTS = Keep(ttl_s=DAY_S, stale_s=7 * DAY_S)

_NO_SUCH = frozenset({"UNKNOWN_SPORT", "SPORT_NOT_FOUND", "EVENT_NOT_FOUND"})
_BAD_KEY = frozenset({"INVALID_KEY", "MISSING_KEY", "DEACTIVATED_KEY"})
_OLDEST_SCORES_DAYS = 3


class _Refusal(Struct):
    error_code: str
    message: str = ""


def complaint(answer: Answer) -> ProviderError | None:
    """Read a refusal by its error code, whatever its status."""
    if answer.status < 400:  # noqa: PLR2004 - the first status that is a refusal
        return None
    said = parse.refusal(answer, _Refusal)
    return None if said is None else _refused(said, answer)


def _refused(said: _Refusal, answer: Answer) -> ProviderError:
    code = said.error_code
    text = f"The Odds API refused with {parse.excerpt(code)}: {parse.excerpt(said.message)}"
    if code == "OUT_OF_USAGE_CREDITS":
        return QuotaExhaustedError(
            "The Odds API says that the month's credits are spent",
            status=answer.status,
            resets_at=_next_month(answer),
            provider=NAME,
        )
    if code == "EXCEEDED_FREQ_LIMIT":
        return RateLimitedError(
            text, status=answer.status, retry_after_s=SLOW_DOWN_S, provider=NAME
        )
    return _kind(code)(text, status=answer.status, provider=NAME)


def _kind(code: str) -> Callable[..., ProviderError]:
    if code in _BAD_KEY:
        return AuthenticationError
    if code in _NO_SUCH:
        return NotFoundError
    if code.endswith("_PLAN"):
        return PlanError
    return BadRequestError


def _next_month(answer: Answer) -> datetime | None:
    """Return when credits come back: the first of the month after the answer's own date."""
    try:
        sent = parsedate_to_datetime(answer.headers["date"]).astimezone(UTC)
    except (KeyError, ValueError):
        return None
    year, month = sent.year + sent.month // 12, sent.month % 12 + 1
    return datetime(year, month, 1, tzinfo=UTC)


def budget(answer: Answer) -> Budget | None:
    """Read what the headers say of the month's credits; more may be used than there were."""
    remaining, used, last = (
        _count(answer.headers.get(f"x-requests-{name}")) for name in ("remaining", "used", "last")
    )
    if remaining is None and used is None and last is None:
        return None
    return Budget(remaining=None if remaining is None else max(0, remaining), used=used, cost=last)


def _count(text: str | None) -> int | None:
    try:
        return None if text is None else int(float(text))
    except (ValueError, OverflowError):
        return None


def authorise(key: Secret | None) -> tuple[dict[str, str], dict[str, str]]:
    """Put the key among the parameters, the only place it is taken from."""
    return ({} if key is None else {"apiKey": key.reveal()}), {}


def spec(*limits: Limit, credits: int = MONTHLY_CREDITS) -> ProviderSpec:  # noqa: A002 - the provider's own word
    """Return the provider; `limits` replace the document's careful half a request a second."""
    return ProviderSpec(
        name=NAME,
        base_url="https://api.the-odds-api.com/v4",
        limits=(*(limits or (CONSERVATIVE,)), PUBLISHED),
        quota=QuotaRule(credits, Period.MONTH),
        breaker=BreakerRule(failures=3, recovery_s=300.0),  # 001.3
        authorise=authorise,
        complaint=complaint,
        budget=budget,
    )


SPEC = spec()


class OddsApi:
    """Typed questions to The Odds API; a sport is a `League` or the provider's own key."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def sports(self, *, inactive: bool = False, **how: Unpack[How]) -> list[SportInfo]:
        """Return the sports there are; out of season too with `inactive`. Costs nothing."""
        request = Request("/sports", {"all": "true"} if inactive else {}, cost=0)
        return await ask(
            self._client, request, reading.read_sports, list[SportInfo], {"keep": SPORTS, **how}
        )

    async def events(
        self,
        sport: League | str,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        **how: Unpack[How],
    ) -> list[Event]:
        """Return a sport's games to come and under way, without odds. Costs nothing."""
        params = _said(commenceTimeFrom=_moment(since), commenceTimeTo=_moment(until))
        request = Request(f"/sports/{_key(sport)}/events", params, cost=0)
        return await ask(
            self._client, request, reading.read_events, list[Event], {"keep": EVENTS, **how}
        )

    async def odds(  # noqa: PLR0913 - each is a filter of the provider's
        self,
        sport: League | str,
        *,
        markets: Iterable[str] = GAME_MARKETS,
        regions: Iterable[str] = ("us",),
        bookmakers: Iterable[str] = (),
        event_ids: Iterable[str] = (),
        quoted: OddsFormat = OddsFormat.AMERICAN,
        **how: Unpack[How],
    ) -> list[EventOdds]:
        """Return all offers on a sport's games in one call of markets x regions credits.

        Named bookmakers replace the regions; each ten of them cost as one region. An answer
        without any event costs nothing.
        """
        params, cost = _offers(markets, regions, bookmakers, quoted)
        params |= _said(eventIds=_joined(event_ids))
        request = Request(f"/sports/{_key(sport)}/odds", params, cost=cost)
        read = reading.reader(quoted)
        return await ask(self._client, request, read, list[EventOdds], {"keep": ODDS, **how})

    async def event_odds(  # noqa: PLR0913 - each is a filter of the provider's
        self,
        sport: League | str,
        event_id: str,
        *,
        markets: Iterable[str] = GAME_MARKETS,
        regions: Iterable[str] = ("us",),
        bookmakers: Iterable[str] = (),
        quoted: OddsFormat = OddsFormat.AMERICAN,
        **how: Unpack[How],
    ) -> EventOdds:
        """Return the offers on one event, players' markets included.

        Costs regions x the markets that are returned: at most what is reserved here, and what the
        headers say of the credits is right afterwards.
        """
        params, cost = _offers(markets, regions, bookmakers, quoted)
        path = f"/sports/{_key(sport)}/events/{quote(event_id, safe='')}/odds"
        request = Request(path, params, cost=cost)
        return await ask(
            self._client, request, reading.event_reader(quoted), EventOdds, {"keep": ODDS, **how}
        )

    async def scores(
        self, sport: League | str, *, days_back: int | None = None, **how: Unpack[How]
    ) -> list[EventScores]:
        """Return live and coming games with scores for one credit.

        With `days_back` (1 to 3) those that ended since then come too, for two credits.
        """
        if days_back is not None and not 1 <= days_back <= _OLDEST_SCORES_DAYS:
            raise ValueError(f"scores reach back one to three days, not {days_back}")
        params = _said(daysFrom=None if days_back is None else str(days_back))
        request = Request(f"/sports/{_key(sport)}/scores", params, cost=2 if days_back else 1)
        return await ask(
            self._client, request, reading.read_scores, list[EventScores], {"keep": SCORES, **how}
        )


def price_of(
    markets: Iterable[str], regions: Iterable[str] = ("us",), bookmakers: Iterable[str] = ()
) -> int:
    """Return the credits a call for odds costs at most."""
    named = len(set(bookmakers))
    return len(set(markets)) * (-(-named // BOOKMAKERS_A_REGION) or len(set(regions)))


def _offers(
    markets: Iterable[str], regions: Iterable[str], bookmakers: Iterable[str], quoted: OddsFormat
) -> tuple[dict[str, str], int]:
    """Return parameters, in one order for one question, and what the call costs."""
    wanted, places, named = sorted(set(markets)), sorted(set(regions)), sorted(set(bookmakers))
    if not wanted or not (places or named):
        raise ValueError("odds need at least one market, and a region or a bookmaker")
    who = {"bookmakers": ",".join(named)} if named else {"regions": ",".join(places)}
    params = {"markets": ",".join(wanted), "oddsFormat": str(quoted), "dateFormat": "iso", **who}
    return params, price_of(wanted, places, named)


def _key(sport: League | str) -> str:
    return quote(SPORT_KEYS.get(sport, str(sport)), safe="")


def _joined(names: Iterable[str]) -> str | None:
    return ",".join(sorted(set(names))) or None


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _said(**params: str | None) -> dict[str, str]:
    """Return the parameters that are given."""
    return {name: value for name, value in params.items() if value is not None}
