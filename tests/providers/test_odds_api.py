"""The Odds API: what it says, what it costs, how it refuses, and what becomes of its offers."""

import json
import random
from datetime import UTC, datetime
from decimal import Decimal

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ava.clock import ManualClock
from ava.errors import (
    AuthenticationError,
    BadDataError,
    BadRequestError,
    NotFoundError,
    PlanError,
    QuotaExhaustedError,
    RateLimitedError,
)
from ava.net.client import Client
from ava.net.spec import Answer, Budget, Period, Rate, Window
from ava.providers import odds_api
from ava.providers.games import EventOdds, League, OddsFormat, american, decimal_odds
from ava.providers.odds_api import OddsApi
from ava.section import Secret
from ava.services.offers import game_odds

KEY = "0123456789abcdef0123456789abcdef"
START = datetime(2026, 1, 6, 0, 10, tzinfo=UTC)


def market(key, *outcomes):
    names = ("name", "price", "point")
    return {
        "key": key,
        "last_update": "2026-01-05T20:00:00Z",
        "outcomes": [dict(zip(names, outcome, strict=False)) for outcome in outcomes],
    }


def book(key, *markets):
    return {
        "key": key,
        "title": key.title(),
        "last_update": "2026-01-05T20:00:00Z",
        "markets": list(markets),
    }


def event(*books, home="H", away="A"):
    return {
        "id": "0123456789abcdef0123456789abcdef",
        "sport_key": "basketball_nba",
        "sport_title": "NBA",
        "commence_time": "2026-01-06T00:10:00Z",
        "home_team": home,
        "away_team": away,
        "bookmakers": list(books),
    }


H2H = market("h2h", ("H", -142), ("A", 120))
SPREADS = market("spreads", ("H", -110, -3.5), ("A", -110, 3.5))
TOTALS = market("totals", ("Over", -105, 221.5), ("Under", -115, 221.5))
FULL = event(book("bookx", H2H, SPREADS, TOTALS))


class Provider:
    """Answers each call with the next of `bodies` (the last for ever) and remembers the calls."""

    def __init__(self, *bodies, status=200, headers=None):
        self.bodies, self.status, self.headers = list(bodies), status, headers
        self.asked = []

    def __call__(self, request):
        self.asked.append(request.url)
        body = self.bodies.pop(0) if len(self.bodies) > 1 else self.bodies[0]
        return httpx.Response(self.status, json=body, headers=self.headers)

    def odds_api(self):
        http = httpx.AsyncClient(transport=httpx.MockTransport(self))
        client = Client(
            odds_api.SPEC,
            http,
            key=Secret(KEY),
            clock=ManualClock(jump=True),
            rng=random.Random(0),
        )
        return OddsApi(client)

    @property
    def params(self):
        return dict(self.asked[-1].params)


def said(status, body, **headers):
    return Answer(status, headers, json.dumps(body).encode())


def read(*events):
    return [odds_api.reading.event_reader(OddsFormat.AMERICAN)(said(200, e)) for e in events]


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (401, "OUT_OF_USAGE_CREDITS", QuotaExhaustedError),
        (401, "INVALID_KEY", AuthenticationError),
        (401, "MISSING_KEY", AuthenticationError),
        (401, "DEACTIVATED_KEY", AuthenticationError),
        (429, "EXCEEDED_FREQ_LIMIT", RateLimitedError),
        (404, "UNKNOWN_SPORT", NotFoundError),
        (404, "EVENT_NOT_FOUND", NotFoundError),
        (422, "EVENT_NOT_FOUND", NotFoundError),
        (422, "INVALID_MARKET", BadRequestError),
        (422, "MISSING_REGION", BadRequestError),
        (401, "HISTORICAL_UNAVAILABLE_ON_FREE_USAGE_PLAN", PlanError),
    ],
)
def test_a_refusal_is_told_by_its_code(status, code, kind):
    """Two meanings of 401, and two statuses of one meaning, do not mislead."""
    error = odds_api.complaint(said(status, {"message": "m", "error_code": code}))
    assert type(error) is kind
    assert (error.status, error.provider) == (status, "odds_api")


def test_a_call_too_soon_waits_two_seconds():
    """The documented wait comes with the error."""
    error = odds_api.complaint(said(429, {"error_code": "EXCEEDED_FREQ_LIMIT", "message": ""}))
    assert error.retry_after_s == 2.0


@pytest.mark.parametrize(
    ("date", "resets"),
    [
        ("Mon, 05 Jan 2026 15:00:00 GMT", datetime(2026, 2, 1, tzinfo=UTC)),
        ("Thu, 31 Dec 2026 23:59:59 GMT", datetime(2027, 1, 1, tzinfo=UTC)),
        ("soon", None),
        (None, None),
    ],
)
def test_spent_credits_come_back_on_the_first(date, resets):
    """The day is reckoned from the answer's own date; without one it is unknown."""
    headers = {} if date is None else {"date": date}
    body = {"error_code": "OUT_OF_USAGE_CREDITS", "message": "Usage quota has been reached"}
    assert odds_api.complaint(said(401, body, **headers)).resets_at == resets


@pytest.mark.parametrize("status", [401, 500, 503])
def test_a_refusal_without_a_code_is_left_to_its_status(status):
    """A page of a proxy is no complaint of the provider's."""
    assert odds_api.complaint(Answer(status, {}, b"<html>")) is None
    assert odds_api.complaint(said(200, {"error_code": "INVALID_KEY", "message": ""})) is None


@pytest.mark.parametrize(
    ("remaining", "used", "last", "told"),
    [
        ("499", "1", "1", Budget(remaining=499, used=1, cost=1)),
        ("-2", "502", "3", Budget(remaining=0, used=502, cost=3)),
        ("10.0", "490.0", "0.0", Budget(remaining=10, used=490, cost=0)),
        ("many", "490", None, Budget(remaining=None, used=490, cost=None)),
        ("nan", "inf", "x", None),
        (None, None, None, None),
    ],
)
def test_headers_tell_the_credits(remaining, used, last, told):
    """Each figure is read by itself, and one that is none is unknown."""
    names = ("x-requests-remaining", "x-requests-used", "x-requests-last")
    pairs = zip(names, (remaining, used, last), strict=True)
    answer = Answer(200, {name: text for name, text in pairs if text is not None}, b"[]")
    assert odds_api.budget(answer) == told


def test_the_spec_holds_the_documents_limits():
    """Half a request a second (001.3) beside the published 30, 500 a month, 3 failures, 5 min."""
    spec = odds_api.SPEC
    assert spec.limits == (Rate(0.5), Window(30))
    assert (spec.quota.limit, spec.quota.period, spec.quota.zone) == (500, Period.MONTH, "UTC")
    assert (spec.breaker.failures, spec.breaker.recovery_s) == (3, 300.0)
    assert odds_api.spec(Rate(10), credits=20_000).limits == (Rate(10), Window(30))


@pytest.mark.anyio
async def test_odds_are_read_exactly():
    """Prices and lines keep their digits."""
    (found,) = await Provider([FULL]).odds_api().odds(League.NBA)
    assert (found.home_team, found.away_team, found.commence_time) == ("H", "A", START)
    prices = [[o.price for o in m.outcomes] for m in found.bookmakers[0].markets]
    assert prices == [[-142, 120], [-110, -110], [-105, -115]]
    assert found.bookmakers[0].markets[2].outcomes[0].point == Decimal("221.5")


@pytest.mark.anyio
async def test_the_same_question_is_the_same_request():
    """Order and repetition of markets, regions and events make no other question."""
    provider = Provider([])
    api = provider.odds_api()
    for markets, regions in (
        (("totals", "h2h"), ("us", "uk")),
        (("h2h", "totals", "h2h"), ("uk", "us")),
    ):
        await api.odds("soccer_epl", markets=markets, regions=regions, event_ids=("b", "a"))
    assert provider.asked[0] == provider.asked[1]
    assert provider.params == {
        "markets": "h2h,totals",
        "regions": "uk,us",
        "eventIds": "a,b",
        "oddsFormat": "american",
        "dateFormat": "iso",
        "apiKey": KEY,
    }


@pytest.mark.anyio
async def test_named_bookmakers_replace_the_regions():
    """Both together would be billed by the bookmakers alone."""
    provider = Provider([])
    await provider.odds_api().odds("upcoming", bookmakers=("b", "a"))
    assert provider.params["bookmakers"] == "a,b"
    assert "regions" not in provider.params


@pytest.mark.parametrize(
    ("markets", "regions", "bookmakers", "cost"),
    [
        (("h2h",), ("us",), (), 1),
        (("h2h", "spreads", "totals"), ("us", "uk"), (), 6),
        (("h2h", "totals"), ("us",), tuple(map(str, range(10))), 2),
        (("h2h",), ("us", "uk", "eu"), tuple(map(str, range(11))), 2),
        (("h2h", "h2h"), ("us", "us"), (), 1),
    ],
)
def test_a_call_costs_markets_times_regions(markets, regions, bookmakers, cost):
    """Each ten named bookmakers count as one region."""
    assert odds_api.price_of(markets, regions, bookmakers) == cost


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("asked", "cost"), [("sports", 0), ("events", 0), ("odds", 3), ("scores", 1)]
)
async def test_lists_are_free_and_offers_are_not(asked, cost):
    """What the quota is asked for is what the provider will bill."""
    taken = []

    class Quota:
        async def take(self, cost=1):
            taken.append(cost)

        async def observe(self, budget, *_):
            pass

    provider = Provider([])
    http = httpx.AsyncClient(transport=httpx.MockTransport(provider))
    api = OddsApi(Client(odds_api.SPEC, http, quota=Quota()))
    await getattr(api, asked)(*(() if asked == "sports" else (League.NFL,)))
    assert sum(taken) == cost


@pytest.mark.anyio
@pytest.mark.parametrize(
    "body",
    [
        [event(book("b", market("h2h", ("H", 1.7), ("A", 2.2))))],
        [event(book("b", market("h2h", ("H", "NaN"), ("A", 120))))],
        [event(book("b", market("spreads", ("H", -110, "Infinity"), ("A", -110, 3.5))))],
        [{"id": "x"}],
        {"not": "a list"},
    ],
)
async def test_what_is_no_offer_is_bad_data(body):
    """Decimal odds in place of American ones are refused, not taken for long favourites."""
    with pytest.raises(BadDataError):
        await Provider(body).odds_api().odds(League.NBA)


@pytest.mark.anyio
async def test_decimal_odds_are_read_where_they_are_asked_for():
    """The format of the question is the format of the answer."""
    offered = event(book("b", market("h2h", ("H", 1.70), ("A", 2.2))))
    found = await Provider([offered]).odds_api().odds(League.NBA, quoted=OddsFormat.DECIMAL)
    (row,) = game_odds(found, quoted=OddsFormat.DECIMAL)
    assert (row.moneyline_home, row.moneyline_away) == (-143, 120)


@pytest.mark.anyio
async def test_scores_are_numbers_and_absent_before_the_game():
    """Text becomes a number, null stays unknown."""
    played = [{"name": "H", "score": "101"}, {"name": "A", "score": "99"}]
    games = [event() | {"completed": bool(scores), "scores": scores, "last_update": None}
             for scores in (played, None)]  # fmt: skip
    provider = Provider(games)
    over, coming = await provider.odds_api().scores(League.NBA, days_back=2)
    assert [one.score for one in over.scores] == [101, 99]
    assert coming.scores is None
    assert provider.params["daysFrom"] == "2"


@pytest.mark.anyio
@pytest.mark.parametrize("days", [0, 4, -1])
async def test_scores_do_not_reach_further_than_three_days(days):
    """A question the provider would refuse is not paid for."""
    provider = Provider([])
    with pytest.raises(ValueError, match="three days"):
        await provider.odds_api().scores(League.NBA, days_back=days)
    assert provider.asked == []


@pytest.mark.anyio
async def test_a_name_cannot_leave_its_place_in_the_path():
    """A sport with a slash asks for no other endpoint."""
    provider = Provider(event())
    await provider.odds_api().event_odds("a/../b", "c?d", markets=["player_points"])
    assert provider.asked[-1].raw_path.startswith(b"/v4/sports/a%2F..%2Fb/events/c%3Fd/odds?")


def test_an_offer_becomes_a_row():
    """Moneyline, spread from the home side and total, each with both prices."""
    (row,) = game_odds(read(FULL))
    assert (row.home_team, row.away_team, row.commence_time) == ("H", "A", START)
    assert (row.moneyline_home, row.moneyline_away) == (-142, 120)
    assert (row.spread_home, row.spread_odds_home, row.spread_odds_away) == (
        Decimal("-3.5"),
        -110,
        -110,
    )
    assert (row.over_under, row.over_odds, row.under_odds) == (Decimal("221.5"), -105, -115)


def test_both_sides_of_a_market_come_from_one_bookmaker():
    """A half offer is passed over for the next bookmaker's whole one."""
    half = book("first", market("h2h", ("H", 300)), TOTALS)
    whole = book("second", H2H, market("totals", ("Over", 100, 230), ("Under", -120, 230)))
    (row,) = game_odds(read(event(half, whole)))
    assert (row.moneyline_home, row.moneyline_away) == (-142, 120)
    assert row.over_under == Decimal("221.5")


def test_the_preferred_bookmaker_is_taken_first():
    """The caller's order goes before the provider's."""
    first, second = book("first", H2H), book("second", market("h2h", ("H", -150), ("A", 130)))
    (row,) = game_odds(read(event(first, second)), books=["second"])
    assert row.moneyline_home == -150


@pytest.mark.parametrize(
    "contradiction",
    [
        market("spreads", ("H", -110, -3.5), ("A", -110, -3.5)),
        market("spreads", ("H", -110, -3.25), ("A", -110, 3.25)),
        market("spreads", ("H", -110), ("A", -110)),
        market("spreads", ("H", -110, -3.5), ("H", -110, 3.5)),
        market("spreads", ("H", -110, -3.5), ("A", -110, 3.5), ("H", -105, -3.5)),
        market("totals", ("Over", -110, 220), ("Under", -110, 221)),
        market("totals", ("Over", -110, 220.25), ("Under", -110, 220.25)),
        market("h2h", ("H", -110), ("Draw", 250)),
    ],
)
def test_what_contradicts_itself_is_no_offer(contradiction):
    """Nothing of such a market is kept."""
    (row,) = game_odds(read(event(book("b", contradiction))))
    prices = (row.moneyline_home, row.spread_home, row.spread_odds_home, row.over_under)
    assert prices == (None, None, None, None)


def test_a_draw_beside_two_teams_takes_nothing_away():
    """Soccer's third outcome is left out, its two teams stay."""
    three = market("h2h", ("H", 150), ("Draw", 250), ("A", 180))
    (row,) = game_odds(read(event(book("b", three))))
    assert (row.moneyline_home, row.moneyline_away) == (150, 180)


def test_an_outright_is_no_game():
    """An event without two teams gives no row."""
    assert game_odds(read(event(home=None, away=None))) == []


@pytest.mark.parametrize(
    ("price", "odds"), [("2.2", 120), ("2", 100), ("1.5", -200), ("1.7", -143), ("1.01", -10000)]
)
def test_decimal_odds_have_american_ones(price, odds):
    """100 x profit above evens, -100 / profit below."""
    assert american(Decimal(price), OddsFormat.DECIMAL) == odds


@given(st.integers(100, 100_000) | st.integers(-100_000, -101))
def test_american_odds_survive_the_way_to_decimal_and_back(odds):
    """No price is changed by being written the other way; -100 and +100 are one price."""
    assert american(decimal_odds(odds), OddsFormat.DECIMAL) == odds


@pytest.mark.parametrize(
    ("price", "quoted"),
    [
        *((price, OddsFormat.AMERICAN) for price in ("99", "0", "-99", "110.5")),
        *((price, OddsFormat.DECIMAL) for price in ("1", "0.5", "-110")),
    ],
)
def test_a_price_outside_its_format_is_refused(price, quoted):
    """A price that no bookmaker can mean is an error, not a figure."""
    with pytest.raises(ValueError, match="no price"):
        american(Decimal(price), quoted)


def test_events_are_what_the_cache_can_hold():
    """An event with its offers survives the cache's own encoding."""

    (found,) = read(FULL)
    packed = msgspec.msgpack.encode(found)
    assert msgspec.msgpack.decode(packed, type=EventOdds) == found
