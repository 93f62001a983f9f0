"""Row D12: the live games of four sports by one UNION ALL instead of four queries."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from ava.db.pool import Database
from ava.services.sports import SPORTS, live_games
from perf.claim import Plan, at_least, claim, exactly
from perf.claims.database.pool import settings
from perf.instruments import Arm, Compare, Count, Counted
from perf.lab.lab import Lab

COLUMNS = (
    "id, game_id, season, home_team, away_team, home_score, away_score, game_time, game_status,"
    " period, time_remaining, moneyline_home, moneyline_away, spread_home, spread_odds_home,"
    " spread_odds_away, over_under, over_odds, under_odds, last_synced"
)
LIVE = sql.SQL(f"SELECT {COLUMNS} FROM {{table}} WHERE game_status = 'live' ORDER BY game_time, id")


@claim(
    id="D12.live-games.statements",
    rows=["D12", "S5"],
    title="The live games of four sports take one statement, not four",
    source="002.1",
    target=exactly(1, "statements"),
    needs=["market"],
)
async def live_statements(lab: Lab) -> Plan:
    """Count what passes on the wire."""
    proxy = lab.proxy()
    dsn = lab.dsn_via(proxy, str(lab.prepared["market"]["database"]))
    database = Database(settings(dsn, pool_min=1, pool_max=1))
    await database.open()

    async def count() -> Counted:
        proxy.reset_counts()
        page = await live_games(database)
        return Counted(proxy.counts().statements, {"games": len(page.rows), "before": len(SPORTS)})

    return Count(count, "statements")


@claim(
    id="D12.live-games.4x.rtt{rtt}",
    rows=["D12", "S5"],
    title="Over {rtt} ms the live games come four times faster by one statement",
    source="002.1",
    target=at_least(4, "x"),
    needs=["market"],
    cases=[{"rtt": 0}, {"rtt": 1}, {"rtt": 5}],
)
async def live_factor(lab: Lab, rtt: int) -> Plan:
    """Ask sport by sport, and once."""
    name = str(lab.prepared["market"]["database"])
    dsn = lab.dsn_via(lab.proxy(rtt_ms=rtt), name) if rtt else lab.dsn(name)
    database = Database(settings(dsn, pool_min=1, pool_max=1))
    await database.open()
    connection = lab.keep(psycopg.connect(dsn, autocommit=True, row_factory=dict_row))
    statements = {
        sport: LIVE.format(table=sql.Identifier(table)) for sport, table in SPORTS.items()
    }

    def four() -> list[dict[str, Any]]:
        return _ordered(
            {"sport": str(sport), **row}
            for sport, text in statements.items()
            for row in connection.execute(text).fetchall()
        )

    async def one() -> list[dict[str, Any]]:
        return _ordered((await live_games(database)).rows)

    facts = {
        "rtt_ms": rtt,
        "before": "one query a sport",
        "after": "one UNION ALL",
        "explanation": "Four round trips against one is a factor of four at most, reached only if "
        "the rows themselves cost nothing to find, send and decode.",
    }
    return Compare(Arm(four), Arm(one), facts=facts)


def _ordered(games: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return games in one order; both ways order them, by different tie-breaks."""
    return sorted(games, key=lambda game: (game["sport"], game["id"]))
