"""The simulated providers of sports and predictions: odds, scores, markets, and their refusals."""

import json
from itertools import pairwise

import pytest

from perf.lab.providers.games import Stage, games
from perf.lab.providers.provider import Grade, Outcome, Request, Terms, split_target
from perf.lab.providers.server import load

NBA = "/sports/basketball_nba"


class Asker:
    """Ask one provider, a second of its clock between two calls."""

    def __init__(self, name, grade=Grade.FULL):
        self.provider = load(name)(Terms())
        self.now = self.provider.terms.started
        self.keyed = {"apiKey": self.provider.key(grade)} if name == "odds_api" else {}

    def reply(self, target, headers=None):
        """Return the reply to a GET."""
        self.now += 1
        _, path, query = split_target(f"/x{target}")
        request = Request("GET", path, query | self.keyed, headers or {})
        return self.provider.answer(request, self.now)

    def json(self, target, headers=None):
        """Return the JSON of an answer that must be a good one."""
        reply = self.reply(target, headers)
        assert (reply.status, reply.outcome) == (200, Outcome.OK), reply.body
        return json.loads(reply.body)


@pytest.fixture
def odds():
    """The Odds API with the full key."""
    return Asker("odds_api")


@pytest.fixture
def kalshi():
    """Kalshi."""
    return Asker("kalshi")


@pytest.fixture
def espn():
    """ESPN."""
    return Asker("espn")


def spent(reply):
    """Return the three numbers of the headers: remaining, used, last."""
    return [
        int(dict(reply.headers)[f"x-requests-{name}"]) for name in ("remaining", "used", "last")
    ]


# The Odds API


@pytest.mark.parametrize(
    ("path", "cost"),
    [
        ("/sports", 0),
        (f"{NBA}/events", 0),
        (f"{NBA}/odds?regions=us", 1),
        (f"{NBA}/odds?regions=us,uk&markets=h2h,spreads,totals", 6),
        (f"{NBA}/odds?bookmakers=a,b,c,d,e,f,g,h,i,j,k&markets=h2h,totals", 4),
        (f"{NBA}/odds?regions=us&commenceTimeTo=2020-01-01T00:00:00Z", 0),
        (f"{NBA}/scores", 1),
        (f"{NBA}/scores?daysFrom=3", 2),
        ("/historical/sports/basketball_nba/odds?regions=us&markets=h2h,totals", 20),
    ],
)
def test_odds_cost_markets_times_regions(odds, path, cost):
    """Each call's price is told in its headers; what is empty costs nothing."""
    reply = odds.reply(path)
    assert reply.status == 200
    assert spent(reply) == [500 - cost, cost, cost]


def test_odds_of_an_event_cost_the_markets_returned(odds):
    """A market that no book offers is not paid for; props name their player."""
    event = odds.json(f"{NBA}/events")[0]["id"]
    path = f"{NBA}/events/{event}/odds?regions=us&markets=h2h,player_points,player_pass_yds"
    reply = odds.reply(path)
    assert spent(reply)[2] == 2
    markets = json.loads(reply.body)["bookmakers"][0]["markets"]
    outcome = next(market for market in markets if market["key"] == "player_points")["outcomes"][0]
    assert set(outcome) == {"name", "description", "price", "point"}


def test_odds_are_decimal_unless_american(odds):
    """American odds are whole numbers of 100 or more, decimal ones floats above 1."""

    def prices(extra):
        path = f"{NBA}/odds?regions=us&markets=h2h,spreads,totals{extra}"
        for game in odds.json(path):
            for book in game["bookmakers"]:
                for market in book["markets"]:
                    yield from (outcome["price"] for outcome in market["outcomes"])

    assert all(
        isinstance(price, int) and abs(price) >= 100 for price in prices("&oddsFormat=american")
    )
    assert all(isinstance(price, float) and price > 1 for price in prices(""))


def test_odds_name_the_teams_and_the_lines(odds):
    """Ids are 32 hexadecimal digits; spreads mirror each other; totals are over and under."""
    game = odds.json(f"{NBA}/odds?regions=us&markets=spreads,totals")[0]
    assert len(game["id"]) == 32
    assert int(game["id"], 16) >= 0
    spreads, totals = game["bookmakers"][0]["markets"]
    assert [side["name"] for side in spreads["outcomes"]] == [game["home_team"], game["away_team"]]
    assert sum(side["point"] for side in spreads["outcomes"]) == 0
    assert [side["name"] for side in totals["outcomes"]] == ["Over", "Under"]


def test_odds_scores_are_strings_or_null(odds):
    """Null before the start; completed games are there with daysFrom only."""
    rows = odds.json(f"{NBA}/scores?daysFrom=1")
    assert any(row["completed"] for row in rows)
    for row in rows:
        begun = row["scores"] is not None
        assert begun == (row["last_update"] is not None)
        if begun:
            assert all(isinstance(side["score"], str) for side in row["scores"])
    assert not any(row["completed"] for row in odds.json(f"{NBA}/scores"))


def test_odds_refuse_with_401_when_credits_are_spent(odds):
    """The code tells it from a wrong key; the free lists stay open."""
    odds.provider.credits.limit = 1
    odds.json(f"{NBA}/odds?regions=us,uk")
    reply = odds.reply(f"{NBA}/odds?regions=us")
    assert (reply.status, reply.outcome) == (401, Outcome.LIMITED)
    assert json.loads(reply.body)["error_code"] == "OUT_OF_USAGE_CREDITS"
    assert spent(reply) == [-1, 2, 0]
    assert odds.reply("/sports").status == odds.reply(f"{NBA}/events").status == 200


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/sports/curling/odds?regions=us", 404, "UNKNOWN_SPORT"),
        (f"{NBA}/odds?regions=us&markets=nope", 422, "INVALID_MARKET"),
        (f"{NBA}/odds", 422, "MISSING_REGION"),
        (f"{NBA}/odds?regions=mars", 422, "INVALID_REGION"),
        (f"{NBA}/events/{'0' * 32}/odds?regions=us", 404, "EVENT_NOT_FOUND"),
        (f"{NBA}/scores?daysFrom=4", 422, "INVALID_SCORES_DAYS_FROM"),
    ],
)
def test_odds_refuse_what_is_wrong_for_free(odds, path, status, code):
    """With a message, a code and a place to read on; no credit is taken."""
    reply = odds.reply(path)
    told = json.loads(reply.body)
    assert (reply.status, told["error_code"]) == (status, code)
    assert set(told) == {"message", "error_code", "details_url"}
    assert spent(reply) == [500, 0, 0]


def test_odds_refuse_a_wrong_key_without_a_word_about_credits():
    """401 INVALID_KEY has no credit headers."""
    reply = Asker("odds_api", Grade.BLOCKED).reply("/sports")
    assert (reply.status, reply.headers) == (401, ())
    assert json.loads(reply.body)["error_code"] == "INVALID_KEY"


def test_odds_refuse_the_31st_call_of_a_second(odds):
    """429 EXCEEDED_FREQ_LIMIT."""
    request = Request("GET", "/sports", odds.keyed)
    replies = [odds.provider.answer(request, 1e9) for _ in range(31)]
    assert [reply.status for reply in replies] == [200] * 30 + [429]
    assert json.loads(replies[-1].body)["error_code"] == "EXCEEDED_FREQ_LIMIT"


# Kalshi


def test_kalshi_money_is_strings(kalshi):
    """Prices have four decimals, counts two, and asks are the other side's bids."""
    market = kalshi.json("/markets?status=open&limit=1")["markets"][0]
    for name in ("yes_bid_dollars", "yes_ask_dollars", "no_bid_dollars", "last_price_dollars"):
        assert len(market[name].partition(".")[2]) == 4
    assert market["volume_fp"].endswith(".00")
    assert float(market["yes_ask_dollars"]) + float(market["no_bid_dollars"]) == pytest.approx(1)
    assert (market["market_type"], market["status"], market["result"]) == ("binary", "active", "")


@pytest.mark.parametrize(
    ("word", "field"), [("open", "active"), ("settled", "finalized"), ("unopened", "initialized")]
)
def test_kalshi_filters_by_other_words_than_its_fields(kalshi, word, field):
    """`open` finds what is active, `settled` what is finalized and has a result."""
    markets = kalshi.json(f"/markets?status={word}&limit=1000")["markets"]
    assert {market["status"] for market in markets} == {field}
    assert all((market["result"] != "") == (field == "finalized") for market in markets)


def test_kalshi_cursors_lead_through_all_markets(kalshi):
    """Pages of 500 together are each market once; the last cursor is empty."""
    seen, cursor = [], None
    while cursor != "":
        told = kalshi.json(f"/markets?limit=500{f'&cursor={cursor}' if cursor else ''}")
        seen += [market["ticker"] for market in told["markets"]]
        cursor = told["cursor"]
    assert len(seen) == len(set(seen)) == len(kalshi.provider._tickers)


def test_kalshi_answers_many_tickers_at_once(kalshi):
    """In one call; strangers are left out."""
    names = list(kalshi.provider._tickers)[:100]
    told = kalshi.json(f"/markets?limit=1000&tickers={','.join(names)},NOPE")
    assert [market["ticker"] for market in told["markets"]] == names


def test_kalshi_events_hold_their_markets_when_asked(kalshi):
    """Nested only with the parameter."""
    assert "markets" not in kalshi.json("/events?limit=1")["events"][0]
    event = kalshi.json("/events?limit=1&with_nested_markets=true")["events"][0]
    assert {market["event_ticker"] for market in event["markets"]} == {event["event_ticker"]}


def test_kalshi_books_want_a_signed_request(kalshi):
    """401, nested under `error`, without the three headers; bids alone with them, best last."""
    ticker = kalshi.json("/markets?status=open&limit=1")["markets"][0]["ticker"]
    path = f"/markets/{ticker}/orderbook?depth=5"
    reply = kalshi.reply(path)
    assert (reply.status, set(json.loads(reply.body))) == (401, {"error"})
    names = ("kalshi-access-key", "kalshi-access-timestamp", "kalshi-access-signature")
    signed = dict(zip(names, (kalshi.provider.key(Grade.FULL), "1", "s"), strict=True))
    book = kalshi.json(path, signed)["orderbook_fp"]
    prices = [float(price) for price, _ in book["yes_dollars"]]
    assert prices == sorted(prices)
    assert len(prices) == 5
    assert prices[-1] + float(book["no_dollars"][-1][0]) < 1


def test_kalshi_errors_are_flat(kalshi):
    """Code, message, details, service."""
    reply = kalshi.reply("/markets/NOPE")
    assert (reply.status, set(json.loads(reply.body))) == (
        404,
        {"code", "message", "details", "service"},
    )


def test_kalshi_candles_may_lack_a_price(kalshi):
    """Bars end on the interval; one without trades has nulls."""
    ticker = next(iter(kalshi.provider._tickers))
    end = int(kalshi.now)
    path = f"/series/KXNFLGAME/markets/{ticker}/candlesticks"
    asked = f"?period_interval=60&start_ts={end - 86_400 * 3}&end_ts={end}"
    rows = kalshi.json(path + asked)["candlesticks"]
    assert all(row["end_period_ts"] % 3600 == 0 for row in rows)
    assert None in [row["price"]["close_dollars"] for row in rows]


def test_kalshi_limits_to_twenty_reads_without_headers(kalshi):
    """The 429 says nothing about when; a twentieth of a second later one more passes."""
    request = Request("GET", "/markets", {"limit": "1"})
    replies = [kalshi.provider.answer(request, 1e9) for _ in range(21)]
    assert [reply.status for reply in replies] == [200] * 20 + [429]
    assert (replies[-1].headers, replies[-1].body) == ((), b'{"error":"too many requests"}')
    assert kalshi.provider.answer(request, 1e9 + 0.05).status == 200


# ESPN


def test_espn_boards_show_every_state(espn):
    """Scores are strings, home comes first, winners are there at the end only."""
    events = espn.json("/basketball/nba/scoreboard?dates=202601")["events"]
    states = {event["status"]["type"]["state"] for event in events}
    assert states == {"pre", "in", "post"}
    for event in events:
        competition = event["competitions"][0]
        home, away = competition["competitors"]
        kind = competition["status"]["type"]
        assert (home["homeAway"], away["homeAway"]) == ("home", "away")
        assert isinstance(home["score"], str)
        assert ("winner" in home) == kind["completed"]
        assert "odds" not in competition or kind["state"] == "pre"
        assert event["date"].endswith("Z")
        assert len(event["date"]) == len("2026-01-05T17:00Z")


def test_espn_refuses_ranges_of_days(espn):
    """400 with the code and the message, as for a league that is none."""
    for path in (
        "/football/nfl/scoreboard?dates=20260101-20260105",
        "/football/xfl/scoreboard",
        "/nothing",
    ):
        reply = espn.reply(path)
        assert reply.status == 400
        assert json.loads(reply.body) == {
            "code": 400,
            "message": "Failed to get events endpoint.",
        }


def test_espn_days_add_up_to_their_month(espn):
    """A month is the union of its days."""
    path = "/basketball/nba/scoreboard"
    month = {event["id"] for event in espn.json(f"{path}?dates=202601&limit=1000")["events"]}
    days = [espn.json(f"{path}?dates=202601{day:02d}")["events"] for day in range(1, 32)]
    assert {event["id"] for events in days for event in events} == month
    assert len(espn.json(f"{path}?dates=2026&limit=1000")["events"]) == 100


def test_espn_college_boards_are_partial_without_groups(espn):
    """With `groups=80` there are all games and ranks."""
    path = "/football/college-football/scoreboard?dates=202601&limit=1000"
    part, whole = (espn.json(path + extra)["events"] for extra in ("", "&groups=80"))
    assert 0 < len(part) < len(whole)
    ranks = {
        side["curatedRank"]["current"]
        for event in whole
        for side in event["competitions"][0]["competitors"]
    }
    assert 99 in ranks
    assert min(ranks) <= 25


# The games behind them


@pytest.fixture(scope="module")
def played():
    """The games of the usual start."""
    return games(0, Terms().started)


def test_games_are_over_live_and_coming_at_the_start(played):
    """Of both kinds of sport, whenever a simulation begins."""
    now = Terms().started
    for sport in ("nba", "ncaa_basketball", "nfl", "ncaa_football"):
        stages = {game.score(now).stage for game in played[sport]}
        assert {Stage.OVER, Stage.COMING} <= stages
    live = [game for several in played.values() for game in several]
    assert any(game.score(now).stage is Stage.LIVE for game in live)


def test_a_game_goes_on_to_its_final_score(played):
    """Points never fall, periods never go back, and the end is the final score."""
    game = next(game for game in played["nba"] if not game.postponed)
    scores = [game.score(game.start + at) for at in range(-600, 13_200, 60)]
    assert [scores[0].stage, scores[-1].stage] == [Stage.COMING, Stage.OVER]
    for earlier, later in pairwise(scores):
        assert earlier.home <= later.home
        assert earlier.away <= later.away
        assert earlier.period <= later.period
    assert (scores[-1].home, scores[-1].away) == game.final
    assert game.final[0] != game.final[1]
    assert any(score.halftime for score in scores)
    assert {score.period for score in scores} == {0, 1, 2, 3, 4}


def test_providers_agree_on_a_game(odds, espn):
    """The teams and the score of a live game are the same at both."""
    scores = {
        (row["home_team"], row["away_team"]): [side["score"] for side in row["scores"]]
        for row in odds.json(f"{NBA}/scores")
        if row["scores"]
    }
    boards = {
        tuple(side["team"]["displayName"] for side in sides): [side["score"] for side in sides]
        for event in espn.json("/basketball/nba/scoreboard")["events"]
        for sides in [event["competitions"][0]["competitors"]]
        if event["status"]["type"]["state"] == "in"
    }
    assert scores == boards
    assert boards
