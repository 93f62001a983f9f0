"""ESPN's scoreboards: states, scores, ranges that are split, boards that are cut short."""

import random
from copy import deepcopy
from datetime import UTC, date, datetime

import httpx
import pytest

from ava.clock import ManualClock
from ava.errors import BadDataError, BadRequestError, OutageError
from ava.net.client import Client
from ava.net.spec import Answer
from ava.providers import espn
from ava.providers.espn import Espn
from ava.providers.games import League, Status

pytestmark = pytest.mark.anyio

GAME = {
    "id": "401",
    "date": "2026-09-13T17:00Z",
    "name": "A Team at H Team",
    "season": {"year": 2026, "type": 2, "slug": "regular-season"},
    "competitions": [
        {
            "id": "401",
            "date": "2026-09-13T17:00Z",
            "neutralSite": False,
            "venue": {"fullName": "The Dome", "indoor": True},
            "competitors": [
                {
                    "id": "1",
                    "homeAway": "home",
                    "winner": True,
                    "score": "26",
                    "team": {"id": "1", "abbreviation": "H", "displayName": "H Team"},
                    "curatedRank": {"current": 4},
                },
                {
                    "id": "2",
                    "homeAway": "away",
                    "winner": False,
                    "score": "20",
                    "team": {"id": "2", "abbreviation": "A", "displayName": "A Team"},
                    "curatedRank": {"current": 99},
                },
            ],
            "status": {
                "clock": 48,
                "displayClock": "0:48",
                "period": 4,
                "type": {
                    "id": "2",
                    "name": "STATUS_IN_PROGRESS",
                    "state": "in",
                    "completed": False,
                    "shortDetail": "0:48 - 4th",
                },
            },
        }
    ],
}


def game(name="STATUS_IN_PROGRESS", state="in", *, completed=False, **changes):
    made = deepcopy(GAME) | changes
    kind = made["competitions"][0]["status"]["type"]
    kind |= {"name": name, "state": state, "completed": completed}
    return made


class Provider:
    """Answers with the games of the days asked for, as the real boards do, and counts the calls."""

    def __init__(self, games=(), broken=()):
        self.games, self.broken = dict(games), broken
        self.asked = []

    def __call__(self, request):
        params = dict(request.url.params)
        self.asked.append((request.url.path.split("/sports")[1], params))
        dates = params.get("dates", "")
        if "-" in dates:
            refused = {"code": 400, "message": "Failed to get events endpoint."}
            return httpx.Response(400, json=refused)
        if dates in self.broken:
            return httpx.Response(503)
        return httpx.Response(200, json={"events": self.games.get(dates, [])})

    def espn(self):
        http = httpx.AsyncClient(transport=httpx.MockTransport(self))
        clock = ManualClock(jump=True)
        return Espn(Client(espn.SPEC, http, clock=clock, rng=random.Random(0)))

    @property
    def days(self):
        return [params.get("dates") for _, params in self.asked]


async def only(event):
    (found,) = await Provider({"": [event]}).espn().games(League.NFL)
    return found


async def test_a_live_game_has_scores_period_and_clock():
    """Scores are numbers, the time is aware, the unranked have no rank."""
    found = await only(game())
    assert (found.id, found.league, found.season) == ("401", League.NFL, 2026)
    assert found.starts_at == datetime(2026, 9, 13, 17, tzinfo=UTC)
    assert (found.status, found.period, found.clock) == (Status.LIVE, 4, "0:48")
    assert (found.home.name, found.home.score, found.home.rank) == ("H Team", 26, 4)
    assert (found.away.name, found.away.score, found.away.rank) == ("A Team", 20, None)
    assert (found.venue, found.detail) == ("The Dome", "0:48 - 4th")


@pytest.mark.parametrize(
    ("name", "state", "completed", "status", "scored", "timed"),
    [
        ("STATUS_SCHEDULED", "pre", False, Status.SCHEDULED, False, False),
        ("STATUS_IN_PROGRESS", "in", False, Status.LIVE, True, True),
        ("STATUS_HALFTIME", "in", False, Status.LIVE, True, True),
        ("STATUS_FINAL", "post", True, Status.FINAL, True, False),
        ("STATUS_POSTPONED", "post", False, Status.POSTPONED, False, False),
        ("STATUS_POSTPONED", "post", True, Status.POSTPONED, False, False),
        ("STATUS_CANCELED", "post", True, Status.POSTPONED, False, False),
        ("STATUS_FORFEIT", "post", False, Status.POSTPONED, False, False),
    ],
)
async def test_a_state_is_a_status(name, state, completed, status, scored, timed):  # noqa: PLR0917 - a table
    """A score stands only where the game was played, a clock only while it is."""
    found = await only(game(name, state, completed=completed))
    assert found.status is status
    assert (found.home.score is not None, found.clock is not None) == (scored, timed)
    assert (found.home.winner is True) == (status is Status.FINAL)


async def test_no_score_is_not_a_nought():
    """A side without a score has none, though the game is on."""
    event = game()
    del event["competitions"][0]["competitors"][0]["score"]
    assert (await only(event)).home.score is None


@pytest.mark.parametrize(
    "change",
    [
        {"date": "2026-09-13T17:00"},
        {"date": "soon"},
        {"competitions": []},
        {"competitions": GAME["competitions"] * 2},
        {"id": 401},
        {"season": None},
    ],
)
async def test_what_is_no_game_is_bad_data(change):
    """A board that cannot be understood is refused whole."""
    with pytest.raises(BadDataError):
        await only(GAME | change)


async def test_two_home_sides_are_no_game():
    """Neither side is guessed."""
    event = game()
    event["competitions"][0]["competitors"][1]["homeAway"] = "home"
    with pytest.raises(BadDataError, match="home and an away"):
        await only(event)


async def test_an_unheard_of_state_is_bad_data():
    """A new state is not taken for one of the old."""
    with pytest.raises(BadDataError, match="no state"):
        await only(game("STATUS_LIMBO", "limbo"))


@pytest.mark.parametrize(
    ("league", "path", "groups"),
    [
        (League.NFL, "/football/nfl/scoreboard", None),
        (League.NBA, "/basketball/nba/scoreboard", None),
        (League.NCAA_FOOTBALL, "/football/college-football/scoreboard", "80"),
        (League.NCAA_BASKETBALL, "/basketball/mens-college-basketball/scoreboard", "50"),
    ],
)
async def test_college_boards_are_asked_for_whole(league, path, groups):
    """Without its group a college board shows a selection."""
    provider = Provider()
    await provider.espn().games(league, date(2026, 1, 5))
    ((asked, params),) = provider.asked
    assert (asked, params.get("groups"), params["dates"]) == (path, groups, "20260105")


async def test_a_range_is_asked_for_day_by_day():
    """No range is ever sent, and a game on two boards comes once, in order of start."""
    late, early = game(id="2"), game(id="1", date="2026-01-05T20:00Z")
    provider = Provider({"20260105": [late, early], "20260106": [late]})
    found = await provider.espn().between(League.NBA, date(2026, 1, 5), date(2026, 1, 7))
    assert sorted(provider.days) == ["20260105", "20260106", "20260107"]
    assert [one.id for one in found] == ["1", "2"]


async def test_a_day_that_fails_fails_the_range():
    """A list without a day does not look like a whole one."""
    provider = Provider(broken={"20260106"})
    with pytest.raises(OutageError):
        await provider.espn().between(League.NBA, date(2026, 1, 5), date(2026, 1, 7))


@pytest.mark.parametrize(
    ("first", "last"),
    [(date(2026, 1, 2), date(2026, 1, 1)), (date(2026, 1, 1), date(2026, 6, 1))],
)
async def test_a_range_is_bounded(first, last):
    """A year of calls, or none, is a mistake of the caller's."""
    provider = Provider()
    with pytest.raises(ValueError, match="92 days"):
        await provider.espn().between(League.NBA, first, last)
    assert provider.asked == []


async def test_a_month_takes_one_call():
    """Its board is enough while it shows fewer games than it can."""
    provider = Provider({"202609": [game(id=str(n)) for n in range(99)]})
    assert len(await provider.espn().month(League.NFL, 2026, 9)) == 99
    assert provider.days == ["202609"]


async def test_a_month_that_may_be_cut_short_is_asked_for_by_days():
    """A hundred games are as many as a board shows: there may be more."""
    full = {"202609": [game(id=str(n)) for n in range(100)]}
    days = {f"202609{day:02d}": [game(id=f"d{day}-{n}") for n in range(5)] for day in range(1, 31)}
    provider = Provider(full | days)
    assert len(await provider.espn().month(League.NFL, 2026, 9)) == 150
    assert len(provider.asked) == 31


async def test_the_silent_400_is_explained():
    """The error says what ESPN accepts."""
    body = b'{"code":400,"message":"Failed to get events endpoint."}'
    error = espn.complaint(Answer(400, {}, body))
    assert type(error) is BadRequestError
    assert "a day, a month or a year" in str(error)
    assert espn.complaint(Answer(200, {}, body)) is None
    assert espn.complaint(Answer(400, {}, b"<html>")) is None
