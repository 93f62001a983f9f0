"""Games, odds and predictions, on a real database and simulated providers."""

from datetime import timedelta

import pytest
from sports_platform import NOW, opened, simulated

from ava.db.query import named
from ava.errors import (
    AuthenticationError,
    BadLimitError,
    ProviderError,
    QuotaExhaustedError,
)
from ava.services.scoreboard import Scoreboard
from ava.services.sports import Sport
from ava.services.sports_desk import MOST_MARKETS, Sports, games_key
from perf.lab.providers import Fault, Kind

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def simulation():
    """The providers of this module."""
    with simulated() as running:
        yield running


@pytest.fixture
async def core(simulation, platform_dsn, tmp_path):
    """A platform without games."""
    simulation.reset()
    simulation.fault(None)
    async with opened(simulation, platform_dsn, tmp_path) as made:
        yield made


@pytest.fixture
async def played(core):
    """A platform that knows this week's games."""
    await core.service(Scoreboard).refresh_schedule()
    return core


async def count(core, table, where="true"):
    """Return how many rows a table has."""
    row = await core.database.fetch_one(f"SELECT count(*) AS n FROM {table} WHERE {where}")
    return row["n"]


async def test_the_schedule_brings_in_the_games_of_all_sports(core):
    """Each league's board of today and the week to come, by one statement a sport."""
    done = await core.service(Scoreboard).refresh_schedule()
    assert done.failed == {}
    assert done.added == done.games > 20
    stored = [await count(core, f"{sport}_games") for sport in Sport]
    assert sum(stored) == done.games


async def test_a_refresh_writes_what_changed_and_nothing_else(played):
    """The same boards again: no row is touched, no odds are lost, no cache is emptied."""
    row = "UPDATE nba_games SET moneyline_home = 130"
    await played.database.execute(row)
    again = await played.service(Scoreboard).refresh_schedule()
    assert (again.added, again.changed) == (0, 0)
    assert await count(played, "nba_games", "moneyline_home IS DISTINCT FROM 130") == 0


async def test_scores_are_asked_for_where_a_game_is_due(played, simulation):
    """One board for each league and day with an unfinished game, and no other."""
    rows = await played.database.fetch(
        named("games_unfinished"),
        {"since": NOW - timedelta(days=2), "until": NOW + timedelta(minutes=10), "limit": 50},
    )
    simulation.reset("espn")
    await played.service(Scoreboard).refresh_scores()
    assert simulation.counts("espn").requests == len(rows)


async def test_a_game_that_begins_is_live_and_invalidates_what_was_kept(played):
    """The list of live games was empty, was kept, and is asked for anew after the change."""
    sports = played.service(Sports)
    await played.database.execute("UPDATE nba_games SET game_status = 'scheduled'")
    before = (await sports.live()).value.items
    await played.database.execute(
        "UPDATE nba_games SET game_status = 'live' WHERE id = (SELECT min(id) FROM nba_games)"
    )
    kept = await sports.live()
    assert kept.value.items == before
    assert kept.tags == ("sports",)
    await played.platform.cache.invalidate_tags("sports")
    assert len((await sports.live()).value.items) == len(before) + 1


async def test_one_league_in_trouble_leaves_the_others_theirs(core, simulation):
    """ESPN refuses one league's board; the rest is stored, and the failure is told."""
    simulation.fault("espn", Fault(Kind.STATUS, times=None, status=400, path="*/nba/*"))
    done = await core.service(Scoreboard).refresh_schedule()
    assert set(done.failed) == {"nba"}
    assert done.added > 0
    assert await count(core, "nba_games") == 0


async def test_a_board_that_nobody_answers_is_an_error(core, simulation):
    """When every league fails the refresh fails, and is tried again by whoever asked."""
    simulation.fault("espn", Fault(Kind.STATUS, times=None))
    with pytest.raises(ProviderError):
        await core.service(Scoreboard).refresh_schedule()


async def test_odds_reach_the_games(played):
    """What The Odds API offers stands on the games afterwards, and the sync is recorded."""
    report = await played.service(Sports).sync_odds(Sport.NBA)
    assert report.updated > 0
    assert await count(played, "nba_games", "moneyline_home IS NOT NULL") == report.updated
    assert report.credits_left == 497
    (synced,) = await played.service(Sports).syncs_since(NOW - timedelta(days=1))
    assert (synced.sport, synced.left) == (Sport.NBA, 500)
    assert timedelta(0) <= synced.at - NOW < timedelta(seconds=5)


async def test_offers_without_a_game_are_named(played):
    """A game that is no longer there leaves its offer unmatched, by the names of its teams."""
    await played.database.execute(
        "DELETE FROM nba_games WHERE game_status = 'scheduled' AND id % 2 = 0"
    )
    report = await played.service(Sports).sync_odds(Sport.NBA)
    assert report.unmatched >= len(report.unmatched_offers) > 0
    assert report.unmatched_offers[0].home_team


async def test_odds_that_are_fresh_are_not_paid_for_twice(played, simulation):
    """Two people press the button: one call, three credits."""
    sports = played.service(Sports)
    await sports.sync_odds(Sport.NBA)
    second = await sports.sync_odds(Sport.NBA)
    assert simulation.counts("odds_api").requests == 1
    assert second.credits_left == 497


async def test_spent_credits_are_an_error_that_says_when_there_are_more(played, simulation):
    """Nothing is stored, and nothing is recorded as synced."""
    simulation.fault("odds_api", Fault(Kind.SPENT))
    with pytest.raises(QuotaExhaustedError) as caught:
        await played.service(Sports).sync_odds(Sport.NBA)
    assert caught.value.resets_at is not None
    assert await played.service(Sports).syncs_since(NOW - timedelta(days=1)) == []


async def test_without_a_key_it_says_which_setting_is_missing(simulation, platform_dsn, tmp_path):
    """The rest of the platform works."""
    async with opened(simulation, platform_dsn, tmp_path, keys=()) as core:
        with pytest.raises(AuthenticationError, match="AVA_KEY_ODDS_API"):
            await core.service(Sports).sync_odds(Sport.NBA)
        assert (await core.service(Sports).live()).value.items == []


async def test_upcoming_games_come_in_pages_of_all_sports(core):
    """The second page goes on where the first ended."""
    await core.database.execute(
        "INSERT INTO nfl_games (game_id, season, home_team, away_team, game_time, game_status)"
        " SELECT g::text, 2026, 'a', 'b', now() + g * interval '1 minute', 'scheduled'"
        " FROM generate_series(1, 3) AS g"
    )
    await core.database.execute(
        "INSERT INTO nba_games (game_id, season, home_team, away_team, game_time, game_status)"
        " VALUES ('x', 2026, 'a', 'b', now() + interval '90 s', 'scheduled')"
    )
    sports = core.service(Sports)
    first = (await sports.upcoming(days=1, limit=3)).value
    rest = (await sports.upcoming(days=1, limit=3, cursor=first.next_cursor)).value
    assert [g.game_id for g in [*first.items, *rest.items]] == ["1", "x", "2", "3"]
    assert rest.next_cursor is None


def test_a_list_of_all_sports_is_one_key():
    """The lists differ in what was asked, and in nothing else (000.16)."""
    assert games_key("live", limit=100) == games_key("live", limit=100)
    asked = {
        games_key("live", limit=100),
        games_key("live", limit=50),
        games_key("upcoming", days=7, limit=100),
        games_key("upcoming", days=8, limit=100),
        games_key("upcoming", days=7, limit=100, cursor="c"),
    }
    assert len(asked) == 5


@pytest.fixture
async def markets(core):
    """Three markets: with seven predictions, with none, with one."""
    await core.database.execute(
        "INSERT INTO kalshi_markets (ticker, title, category, status, close_time)"
        " SELECT 'T' || g, 'title', 'sports', 'open', now() FROM generate_series(1, 3) AS g"
    )
    await core.database.execute(
        "INSERT INTO kalshi_predictions"
        " (market_id, predicted_outcome, confidence, edge, overall_rank)"
        " SELECT m, 'yes', 0.5, 0.1, 8 - r FROM (VALUES (1, 7), (3, 1)) AS n (m, most),"
        " generate_series(1, most) AS r"
    )
    return core.service(Sports)


async def test_predictions_of_many_markets_come_by_rank(markets):
    """At most five a market, the best first; a market may have none."""
    found = (await markets.predictions([3, 1, 2])).value
    ranks = {m.market_id: [p.overall_rank for p in m.predictions] for m in found.markets}
    assert ranks == {1: [1, 2, 3, 4, 5], 2: [], 3: [7]}
    assert found.unknown == ()


async def test_an_unknown_market_is_told_from_one_without_predictions(markets):
    """An id that is nobody's is not shown as empty."""
    assert (await markets.predictions([1, 99])).value.unknown == (99,)


@pytest.mark.parametrize("ids", [[], range(MOST_MARKETS + 1)])
async def test_predictions_are_bounded(markets, ids):
    """None, or more than a page, is refused before anything is asked."""
    with pytest.raises(BadLimitError):
        await markets.predictions(ids)
