"""Odds reach the game they belong to, in one statement, or come back; games are one list."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql
from psycopg.rows import dict_row

from ava.errors import BadValueError
from ava.services.sports import (
    SPORTS,
    GameOdds,
    OddsSync,
    Sport,
    live_games,
    sync_odds,
    upcoming_games,
)

KICKOFF = datetime(2026, 1, 10, 18, tzinfo=UTC)
HALF_DAY = timedelta(hours=12)
PRICES = (
    "moneyline_home", "moneyline_away", "spread_home", "spread_odds_home", "spread_odds_away",
    "over_under", "over_odds", "under_odds",
)  # fmt: skip
TEAMS = [
    "Auburn Tigers",
    "auburn  TIGERS ",
    "Clemson Tigers",
    "Miami (FL) Hurricanes",
    "Miami (OH) RedHawks",
]


async def add_game(conn, home, away, *, sport=Sport.NFL, at=KICKOFF, status="scheduled", **odds):
    """Insert a game and return its id."""
    values = {"home_team": home, "away_team": away, "game_time": at, "game_status": status, **odds}
    names = [*values, "season", "game_id"]
    statement = sql.SQL(
        "INSERT INTO {} ({}) SELECT {}, 2026, count(*)::text FROM {} RETURNING id"
    ).format(
        sql.Identifier(SPORTS[sport]),
        sql.SQL(", ").join(map(sql.Identifier, names)),
        sql.SQL(", ").join(map(sql.Placeholder, values)),
        sql.Identifier(SPORTS[sport]),
    )
    cursor = conn.cursor(row_factory=dict_row)
    await cursor.execute(statement, values)
    return (await cursor.fetchone())["id"]


async def stored(conn, sport=Sport.NFL):
    """Return the games by id."""
    cursor = conn.cursor(row_factory=dict_row)
    await cursor.execute(
        sql.SQL("SELECT id, last_synced, {} FROM {}").format(
            sql.SQL(", ").join(map(sql.Identifier, PRICES)), sql.Identifier(SPORTS[sport])
        )
    )
    return {row["id"]: row for row in await cursor.fetchall()}


@pytest.fixture
async def conn(platform):
    """A connection of the pool, in autocommit."""
    async with platform.connection() as lent:
        yield lent


def offer(home="Home Town Bears", away="Away City Lions", at=KICKOFF, **odds):
    """Return odds for a game."""
    return GameOdds(home, away, at, **odds)


@pytest.mark.anyio
@pytest.mark.parametrize("sport", Sport)
async def test_odds_are_stored_with_their_game(sport, conn):
    """Every price goes to its column, and the game says when it was synced."""
    game = await add_game(conn, "Home Town Bears", "Away City Lions", sport=sport)
    odds = {
        "moneyline_home": -150, "moneyline_away": 130, "spread_home": Decimal("-3.5"),
        "spread_odds_home": -110, "spread_odds_away": -105, "over_under": Decimal("221.5"),
        "over_odds": -108, "under_odds": -112,
    }  # fmt: skip
    assert await sync_odds(conn, sport, [offer(**odds)]) == OddsSync(1, (), ())
    row = (await stored(conn, sport))[game]
    assert {name: row[name] for name in PRICES} == odds
    assert row["last_synced"] is not None


@pytest.mark.anyio
async def test_a_price_that_is_not_offered_leaves_the_stored_one(conn):
    """None means no offer, not no price."""
    game = await add_game(conn, "Home Town Bears", "Away City Lions", moneyline_home=-150)
    await sync_odds(conn, Sport.NFL, [offer(moneyline_away=130)])
    row = (await stored(conn))[game]
    assert (row["moneyline_home"], row["moneyline_away"]) == (-150, 130)


@pytest.mark.anyio
async def test_teams_that_share_the_last_word_are_told_apart(conn):
    """The document's match by `%tigers%` would update both of these games."""
    auburn = await add_game(conn, "Auburn Tigers", "Alabama Crimson Tide")
    clemson = await add_game(conn, "Clemson Tigers", "Roll Crimson Tide")
    result = await sync_odds(
        conn, Sport.NFL, [offer("Clemson Tigers", "Roll Crimson Tide", moneyline_home=-120)]
    )
    games = await stored(conn)
    assert result.updated == 1
    assert (games[auburn]["moneyline_home"], games[clemson]["moneyline_home"]) == (None, -120)


@pytest.mark.anyio
async def test_case_and_spaces_of_names_do_not_matter(conn):
    """Feeds differ in these and in nothing else that could be guessed."""
    await add_game(conn, "Home Town  Bears", "AWAY CITY LIONS")
    assert (await sync_odds(conn, Sport.NFL, [offer(" home town bears ")])).updated == 1


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("late", "updated"),
    [(HALF_DAY, 1), (-HALF_DAY, 1), (HALF_DAY + timedelta(seconds=1), 0)],
    ids=str,
)
async def test_the_time_must_agree_within_half_a_day(late, updated, conn):
    """The same teams meet again; twelve hours is still the same meeting, a second more is not."""
    await add_game(conn, "Home Town Bears", "Away City Lions", at=KICKOFF + late)
    assert (await sync_odds(conn, Sport.NFL, [offer()])).updated == updated


@pytest.mark.anyio
async def test_home_and_away_are_not_exchanged(conn):
    """An offer for the return match is not for this one."""
    await add_game(conn, "Away City Lions", "Home Town Bears")
    assert (await sync_odds(conn, Sport.NFL, [offer()])).unmatched == (offer(),)


@pytest.mark.anyio
@pytest.mark.parametrize("status", ["live", "final", "postponed"])
async def test_only_scheduled_games_get_odds(status, conn):
    """A game that has begun keeps its closing odds."""
    await add_game(conn, "Home Town Bears", "Away City Lions", status=status)
    assert await sync_odds(conn, Sport.NFL, [offer()]) == OddsSync(0, (offer(),), ())


@pytest.mark.anyio
async def test_an_offer_that_fits_two_games_is_returned(conn):
    """A doubleheader's games are not both given the odds of one."""
    await add_game(conn, "Home Town Bears", "Away City Lions")
    await add_game(conn, "Home Town Bears", "Away City Lions", at=KICKOFF + timedelta(hours=4))
    result = await sync_odds(conn, Sport.NFL, [offer(moneyline_home=-110)])
    assert result == OddsSync(0, (), (offer(moneyline_home=-110),))
    assert {row["moneyline_home"] for row in (await stored(conn)).values()} == {None}


@pytest.mark.anyio
async def test_two_offers_for_one_game_are_both_returned(conn):
    """Which of two prices is right is not for chance to say."""
    await add_game(conn, "Home Town Bears", "Away City Lions")
    offers = (offer(moneyline_home=-110), offer(moneyline_home=-120))
    assert await sync_odds(conn, Sport.NFL, offers) == OddsSync(0, (), offers)


@pytest.mark.anyio
async def test_no_odds_send_no_statement(platform):
    """An empty list is done before it begins."""
    assert await sync_odds(platform, Sport.NFL, []) == OddsSync(0, (), ())
    assert "sync_odds" not in platform.timer.snapshot()


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("bad", "column"),
    [
        ({"at": datetime(2026, 1, 10)}, "commence_time"),  # noqa: DTZ001 - the bad value
        ({"moneyline_home": "-110"}, "moneyline_home"),
        ({"spread_home": Decimal(1000)}, "spread_home"),
    ],
)
async def test_a_bad_value_is_named_before_anything_is_sent(bad, column, platform):
    """A value its column cannot hold is an error with its place."""
    with pytest.raises(BadValueError) as caught:
        await sync_odds(platform, Sport.NFL, [offer(), offer(**bad)])
    assert (caught.value.row, caught.value.column) == (1, column)
    assert "sync_odds" not in platform.timer.snapshot()


@pytest.mark.anyio
async def test_a_sync_of_any_size_is_one_statement_and_one_round_trip(lab, schema_template, opened):
    """Counted on the wire, again and again, so that no statement is prepared on the side."""
    proxy = lab.proxy()
    dsn = lab.dsn_via(proxy, lab.create_database(schema_template))
    async with opened(dsn, pool_min=1, pool_max=1) as database:
        proxy.reset_counts()
        for _ in range(7):
            await sync_odds(database, Sport.NFL, [offer(f"Team {n}") for n in range(50)])
        counts = proxy.counts()
    assert (counts.statements, counts.round_trips) == (7, 7)


@pytest.mark.anyio
async def test_a_game_that_begins_meanwhile_is_not_updated(platform, platform_dsn):
    """A sync that waits for a game's row looks at its status again before it writes."""
    async with platform.connection() as other, platform.connection() as first:
        game = await add_game(other, "Home Town Bears", "Away City Lions")
        async with first.transaction():
            await first.execute("UPDATE nfl_games SET game_status = 'live'")
            syncing = asyncio.ensure_future(sync_odds(other, Sport.NFL, [offer(over_odds=-110)]))
            await _blocked(platform_dsn)
        assert await syncing == OddsSync(0, (offer(over_odds=-110),), ())
        assert (await stored(other))[game]["over_odds"] is None


async def _blocked(dsn):
    """Return when a session waits for another's lock."""
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as watcher:
        while True:
            cursor = await watcher.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if await cursor.fetchone() != (0,):
                return


GAMES = st.lists(
    st.fixed_dictionaries(
        {
            "home": st.sampled_from(TEAMS),
            "away": st.sampled_from(TEAMS),
            "at": st.sampled_from([KICKOFF, KICKOFF + HALF_DAY, KICKOFF + 3 * HALF_DAY]),
            "status": st.sampled_from(["scheduled", "scheduled", "scheduled", "live"]),
            "moneyline_home": st.none() | st.integers(-300, 300),
        }
    ),
    max_size=6,
)
OFFERS = st.lists(
    st.builds(
        GameOdds,
        st.sampled_from(TEAMS),
        st.sampled_from(TEAMS),
        st.sampled_from([KICKOFF, KICKOFF + HALF_DAY, KICKOFF + 2 * HALF_DAY]),
        moneyline_home=st.none() | st.integers(-300, 300),
        over_under=st.none() | st.decimals(0, 999, places=1),
    ),
    max_size=6,
)


def model(games, offers):
    """Say in plain Python what a sync does: the games after it, and its result."""

    def name(team):
        return " ".join(team.lower().split())

    def fits(game, offered):
        return (
            game["status"] == "scheduled"
            and name(game["home"]) == name(offered.home_team)
            and name(game["away"]) == name(offered.away_team)
            and abs(game["at"] - offered.commence_time) <= HALF_DAY
        )

    after = [dict(game, over_under=None) for game in games]
    hits = [[n for n, game in enumerate(games) if fits(game, offered)] for offered in offers]
    taken = [n for hit in hits for n in hit]
    unmatched, ambiguous = [], []
    for offered, hit in zip(offers, hits, strict=True):
        if not hit:
            unmatched.append(offered)
        elif len(hit) > 1 or taken.count(hit[0]) > 1:
            ambiguous.append(offered)
        else:
            for price in ("moneyline_home", "over_under"):
                if getattr(offered, price) is not None:
                    after[hit[0]][price] = getattr(offered, price)
    applied = len(offers) - len(unmatched) - len(ambiguous)
    return after, OddsSync(applied, tuple(unmatched), tuple(ambiguous))


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(games=GAMES, offers=OFFERS)
def test_a_sync_does_what_the_model_says(games, offers, platform_dsn):
    """For any games and offers the one statement equals a loop that looks at each pair."""

    async def scenario():
        async with await psycopg.AsyncConnection.connect(platform_dsn, autocommit=True) as lent:
            await lent.execute("TRUNCATE nfl_games RESTART IDENTITY")
            for game in games:
                await add_game(lent, **game)
            expected, result = model(games, offers)
            assert await sync_odds(lent, Sport.NFL, offers) == result
            found = await stored(lent)
            assert [
                (found[n]["moneyline_home"], found[n]["over_under"]) for n in sorted(found)
            ] == [(game["moneyline_home"], game["over_under"]) for game in expected]
            assert sum(row["last_synced"] is not None for row in found.values()) == result.updated

    asyncio.run(scenario())


@pytest.mark.anyio
async def test_live_games_of_all_sports_are_one_list(platform, conn):
    """One statement returns the games of the four tables in the order of their start."""
    for hours, sport in enumerate(Sport):
        at = KICKOFF + timedelta(hours=hours)
        await add_game(conn, "H", "A", sport=sport, at=at, status="live")
        await add_game(conn, "H", "A", sport=sport, at=at, status="final")
    page = await live_games(conn)
    assert [row["sport"] for row in page.rows] == list(Sport)
    assert platform.timer.snapshot()["live_games"].count == 1


@pytest.mark.anyio
async def test_upcoming_games_are_those_of_the_coming_days_in_pages(platform, conn):
    """Past, distant and started games are left out, and a page leads to the next."""
    now = datetime.now(UTC)
    for days in (-1, 1, 2, 30):
        for sport in (Sport.NBA, Sport.NFL):
            await add_game(conn, f"H{days}", "A", sport=sport, at=now + timedelta(days=days))
    first = await upcoming_games(platform, days=7, limit=3)
    second = await upcoming_games(platform, days=7, limit=3, cursor=first.next_cursor)
    seen = [(row["sport"], row["home_team"]) for row in first.rows + second.rows]
    assert seen == [("nba", "H1"), ("nfl", "H1"), ("nba", "H2"), ("nfl", "H2")]
    assert second.next_cursor is None


def test_the_mapping_of_sports_is_closed():
    """Four tables, and no way to name another."""
    assert list(SPORTS.values()) == [
        "nfl_games",
        "nba_games",
        "ncaa_football_games",
        "ncaa_basketball_games",
    ]
    with pytest.raises(TypeError):
        SPORTS["chess"] = "chess_games"


@pytest.mark.anyio
async def test_an_unknown_sport_is_refused(platform):
    """A name that is no sport never reaches a statement."""
    with pytest.raises(ValueError, match="chess"):
        await sync_odds(platform, "chess", [replace(offer(), moneyline_home=1)])
