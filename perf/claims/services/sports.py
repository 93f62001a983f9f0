"""Row S5: the sports service, for what it asks of the database and how its lists are kept.

The one UNION ALL in place of four queries is row D12; here it is asked through the service, with
the cache emptied before each call, so that what is timed is a first viewer's list. The documents'
own code for predictions is a query a market; how often each way asks is counted on the wire.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import psycopg
from msgspec import structs
from psycopg import sql
from psycopg.rows import dict_row

from ava.services.scoreboard import Scoreboard
from ava.services.sports import SPORTS
from ava.services.sports_desk import Game, Predictions, Sports
from perf.claim import Category, Plan, at_least, claim, exactly
from perf.claims.database.live_games import LIVE
from perf.claims.database.prepared import empty_copy
from perf.claims.document.queries import MARKET_PREDICTIONS
from perf.claims.services.running import Running
from perf.instruments import Arm, Compare, Count, Counted
from perf.lab.lab import Lab

READINGS = {
    "autocommit": "a query is one round trip",
    "transactions": "each query begins and ends a transaction, as drivers do unless told not to",
}
MARKETS = 20
WARM_UP = 40  # a statement is prepared at its sixth call on each of five connections


@claim(
    id="S5.live-games.3x.{reading}",
    rows=["S5"],
    title="Over 1 ms the service has the live games of four sports three times faster than four"
    " queries ({reading})",
    source="product target",
    target=at_least(3, "x"),
    category=Category.LATENCY,
    needs=["market"],
    cases=[{"reading": reading} for reading in READINGS],
)
async def live_through_the_service(lab: Lab, reading: str) -> Plan:
    """Ask sport by sport, and the service with an empty cache."""
    dsn = lab.dsn_via(lab.proxy(rtt_ms=1), str(lab.prepared["market"]["database"]))
    running = Running(lab)
    core = await running.core(dsn=dsn)
    service = core.service(Sports)
    whole = reading == "transactions"
    connection = lab.keep(psycopg.connect(dsn, autocommit=not whole, row_factory=dict_row))
    statements = {
        str(sport): LIVE.format(table=sql.Identifier(table)) for sport, table in SPORTS.items()
    }

    def four() -> list[dict[str, Any]]:
        games = []
        for sport, text in statements.items():
            games += [{"sport": sport, **row} for row in connection.execute(text).fetchall()]
            if whole:
                connection.commit()
        return games

    async def one() -> list[Game]:
        return (await service.live()).value.items

    async def forget() -> None:
        await core.platform.cache.invalidate_tags("sports")

    for _ in range(WARM_UP):
        await forget()
        await one()
    facts = {
        "rtt_ms": 1,
        "before": f"002.1: one query a sport, on a connection that is open; {READINGS[reading]}",
        "after": "the service: its cache looked into and filled, a connection of the pool, one"
        " statement, a page of typed games; nothing is kept from one call to the next",
        "equal": "every column of every game",
    }
    return running.ending(Compare(Arm(four), Arm(one, reset=forget), same=_same, facts=facts))


def _same(rows: Iterable[Mapping[str, Any]], games: Iterable[Game]) -> bool:
    theirs = sorted((dict(row) for row in rows), key=_place)
    ours = sorted((structs.asdict(game) for game in games), key=_place)
    return bool(ours) and theirs == ours


def _place(game: Mapping[str, Any]) -> tuple[str, int]:
    return game["sport"], game["id"]


@claim(
    id="S5.predictions.statements",
    rows=["S5", "D4"],
    title=f"The predictions of {MARKETS} markets take one statement, not {MARKETS}",
    source="002.1",
    target=exactly(1, "statements"),
    category=Category.DATABASE,
    needs=["market"],
)
async def predictions_at_once(lab: Lab) -> Plan:
    """Count what passes on the wire, and compare what comes of both ways."""
    proxy = lab.proxy()
    dsn = lab.dsn_via(proxy, str(lab.prepared["market"]["database"]))
    running = Running(lab)
    core = await running.core(dsn=dsn)
    service = core.service(Sports)
    connection = lab.keep(psycopg.connect(dsn, autocommit=True, row_factory=dict_row))
    ids = [
        row["market_id"]
        for row in connection.execute(
            "SELECT DISTINCT market_id FROM kalshi_predictions ORDER BY 1 LIMIT %s", (MARKETS,)
        )
    ]

    async def count() -> Counted:
        await core.platform.cache.invalidate_tags("kalshi_predictions")
        proxy.reset_counts()
        ours = (await service.predictions(ids)).value
        statements = proxy.counts().statements
        proxy.reset_counts()
        theirs = {i: connection.execute(MARKET_PREDICTIONS, (i,)).fetchall() for i in ids}
        before = proxy.counts().statements
        if not _same_best(theirs, ours):
            raise RuntimeError("both ways do not give the same predictions")
        return Counted(statements, {"markets": len(ids), "before": before})

    facts = {
        "before": "N+1: one query a market",
        "equal": "id, outcome, confidence and rank of the best predictions of each market",
    }
    return running.ending(Count(count, "statements", facts=facts))


def _same_best(theirs: Mapping[int, list[dict[str, Any]]], ours: Predictions) -> bool:
    found = {
        market.market_id: [
            (p.id, p.predicted_outcome, p.confidence, p.overall_rank) for p in market.predictions
        ]
        for market in ours.markets
    }
    expected = {
        market_id: [
            (row["id"], row["predicted_outcome"], row["confidence"], row["overall_rank"])
            for row in rows[: len(found.get(market_id, ()))]
        ]
        for market_id, rows in theirs.items()
    }
    return len(theirs) == MARKETS and all(found.values()) and found == expected


@claim(
    id="S5.keys.composite",
    rows=["S5"],
    title="The live and the coming games of four sports are two entries of the cache, one a list",
    source="000.16",
    target=exactly(2, "entries"),
    category=Category.CACHING,
    needs=["market"],
)
async def one_key_a_list(lab: Lab) -> Plan:
    """Ask for both lists several times, and count what memory holds."""
    running = Running(lab)
    core = await running.core(dsn=lab.dsn(str(lab.prepared["market"]["database"])))
    service = core.service(Sports)

    async def count() -> Counted:
        await core.platform.cache.invalidate_tags("sports")
        before = core.platform.cache.stats()
        for _ in range(3):
            live = (await service.live()).value.items
            coming = (await service.upcoming()).value.items
        after = core.platform.cache.stats()
        sports = sorted({game.sport.value for game in [*live, *coming]})
        facts = {"sports": sports, "misses": after.misses - before.misses, "asked": 6}
        return Counted(after.items, facts)

    facts = {"before": "000.16: a key for each list of each sport", "lists": "live, coming"}
    return running.ending(Count(count, "entries", facts=facts))


@claim(
    id="S5.scores.statements",
    rows=["S5", "D4"],
    profiles=("full",),
    title="The games of a week of four sports are stored by four statements, one a sport",
    source="product target",
    target=exactly(4, "statements"),
    category=Category.DATABASE,
    needs=["schema"],
)
async def scores_at_once(lab: Lab) -> Plan:
    """Refresh the schedule from simulated scoreboards, and count what passes on the wire."""
    proxy = lab.proxy()
    simulation = lab.providers("espn")
    running = Running(lab)
    core = await running.core(dsn=lab.dsn_via(proxy, empty_copy(lab)), simulation=simulation)

    async def count() -> Counted:
        await core.database.execute("TRUNCATE nfl_games, nba_games")
        await core.database.execute("TRUNCATE ncaa_football_games, ncaa_basketball_games")
        proxy.reset_counts()
        done = await core.service(Scoreboard).refresh_schedule()
        statements = proxy.counts().statements
        if done.failed or not done.added:
            raise RuntimeError(f"the games were not stored: {done}")
        return Counted(statements, {"games": done.added})

    return running.ending(Count(count, "statements"))
