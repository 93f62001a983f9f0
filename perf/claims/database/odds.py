"""Rows D3 and D10: odds sync as one statement per sport against the document's loop.

The documents promise 10x (000.6), 50x and 100x (002.7) without saying over which network or for
how many games, so each figure is a claim at each of 50, 100 and 500 games and a round-trip time
of 0 (a socket), 1 and 5 ms. Before and after start from the same table and must leave the same
table behind; teams are named so that the document's match by last word finds the right game.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import psycopg
from psycopg import sql

from ava.db.pool import Database
from ava.services.sports import SPORTS, GameOdds, Sport, sync_odds
from perf.claim import Plan, at_least, at_most, claim, exactly
from perf.claims.database.pool import settings
from perf.claims.database.prepared import empty_copy
from perf.claims.document.odds import DocumentOdds, sync_by_loop
from perf.instruments import Arm, Compare, Count, Counted, Latency
from perf.lab.dataset import games_table, load_rows, odds_batch
from perf.lab.lab import Lab
from perf.lab.proxy import Proxy

CASES = [{"n": n, "rtt": rtt} for n in (50, 100, 500) for rtt in (0, 1, 5)]
# The loop takes up to three seconds a call: for the full profile alone.
SLOW = [case for case in CASES if case["n"] * case["rtt"] >= 250]
TABLE = "nfl_games"


@dataclass
class OddsBench:
    """A games table to be synced again and again, over a network of a given round-trip time."""

    lab: Lab
    n: int
    rtt_ms: float = 0.0
    table: str = TABLE
    counted: bool = False

    @cached_property
    def database(self) -> str:
        """The database, with the games and a copy of them to start again from."""
        name = empty_copy(self.lab)
        with psycopg.connect(self.lab.dsn(name), autocommit=True) as connection:
            load_rows(connection, [games_table(self.table, [o.game for o in self.offers])])
            table = sql.Identifier(self.table)
            connection.execute(sql.SQL("CREATE TABLE pristine AS TABLE {}").format(table))
        return name

    @cached_property
    def offers(self) -> Sequence[Any]:
        """Games and odds, the same for each bench of this size."""
        return odds_batch(self.n, seed=self.lab.seed)

    @cached_property
    def proxy(self) -> Proxy | None:
        """The network, where there is to be one; without it the socket is used."""
        return self.lab.proxy(rtt_ms=self.rtt_ms) if self.rtt_ms or self.counted else None

    @cached_property
    def dsn(self) -> str:
        """How both arms connect."""
        if self.proxy is None:
            return self.lab.dsn(self.database)
        return self.lab.dsn_via(self.proxy, self.database)

    @cached_property
    def aside(self) -> psycopg.Connection[Any]:
        """A connection of its own, by the socket, for what is not timed."""
        return self.lab.keep(psycopg.connect(self.lab.dsn(self.database), autocommit=True))

    def reset(self) -> None:
        """Put the table back as it was, without the dead rows of earlier rounds."""
        names = {"table": sql.Identifier(self.table)}
        with self.aside.transaction():
            self.aside.execute(sql.SQL("TRUNCATE {table}").format(**names))
            self.aside.execute(
                sql.SQL(
                    "INSERT INTO {table} OVERRIDING SYSTEM VALUE SELECT * FROM pristine"
                ).format(**names)
            )
        self.aside.execute(sql.SQL("VACUUM (ANALYZE) {table}").format(**names))

    def outcome(self) -> list[tuple[Any, ...]]:
        """Return the games with their odds, the time of the sync left out."""
        rows = self.aside.execute(
            sql.SQL(
                "SELECT game_id, moneyline_home, moneyline_away, spread_home, spread_odds_home,"
                " spread_odds_away, over_under, over_odds, under_odds, last_synced IS NOT NULL"
                " FROM {} ORDER BY game_id"
            ).format(sql.Identifier(self.table))
        )
        return rows.fetchall()

    def loop_arm(self) -> Arm:
        """Return the document's loop."""
        connection = self.lab.keep(psycopg.connect(self.dsn, autocommit=True))
        odds = [DocumentOdds(**_fields(o.odds, DocumentOdds)) for o in self.offers]
        return self._arm(lambda: sync_by_loop(connection, self.table, odds))

    async def batch_arm(self, sport: Sport = Sport.NFL) -> Arm:
        """Return the platform's one statement."""
        database = Database(settings(self.dsn, pool_min=1, pool_max=1))
        await database.open()
        odds = [GameOdds(**_fields(o.odds, GameOdds)) for o in self.offers]
        return self._arm(lambda: sync_odds(database, sport, odds))

    def facts(self) -> dict[str, Any]:
        """Return what a reader must know to place the figure."""
        return {
            "rtt_ms": self.rtt_ms,
            "games": self.n,
            "before": "one UPDATE a game in a loop, matched by LIKE on last words (000.6)",
            "after": "one UPDATE from unnested arrays, matched on identity",
        }

    def _arm(self, run: Callable[[], Any]) -> Arm:
        return Arm(run, reset=self.reset, outcome=self.outcome)


def _fields(odds: Any, kind: type[DocumentOdds | GameOdds]) -> dict[str, Any]:
    return {item.name: getattr(odds, item.name) for item in fields(kind)}


def _factor(figure: str, bound: float, source: str, *, slow: bool = False) -> Callable[[Any], Any]:
    """Return the claim that odds sync is `bound` times faster, for every size and network."""
    return claim(
        id=f"D3.odds-sync.{figure}.n{{n}}-rtt{{rtt}}",
        rows=["D3"],
        title=f"Syncing the odds of {{n}} games over {{rtt}} ms is {bound:g} times faster as one"
        " statement",
        source=source,
        target=at_least(bound, "x"),
        needs=["schema"],
        deadline_s=90,
        profiles=("full",) if slow else ("quick", "full"),
        cases=[case for case in CASES if (case in SLOW) is slow],
    )


@_factor("10x", 10, "000.6")
@_factor("50x", 50, "002.7")
@_factor("100x", 100, "002.7")
@_factor("10x", 10, "000.6", slow=True)
@_factor("50x", 50, "002.7", slow=True)
@_factor("100x", 100, "002.7", slow=True)
async def odds_sync_factor(lab: Lab, n: int, rtt: int) -> Plan:
    """Sync all games by loop and by statement."""
    bench = OddsBench(lab, n, float(rtt))
    # The slowest loop takes three seconds a call, so its rounds are as few as an interval allows.
    return Compare(bench.loop_arm(), await bench.batch_arm(), facts=bench.facts(), min_rounds=6)


@claim(
    id="D3.odds-sync.200ms.n{n}-rtt{rtt}",
    rows=["D3"],
    profiles=("full",),
    title="Syncing the odds of {n} games over {rtt} ms takes less than 200 ms",
    source="002.7",
    target=at_most(200, "ms"),
    needs=["schema"],
    cases=[case for case in CASES if case["n"] != 50],
)
async def odds_sync_time(lab: Lab, n: int, rtt: int) -> Plan:
    """Sync all games by statement; the document speaks of more than a hundred."""
    bench = OddsBench(lab, n, float(rtt))
    arm = await bench.batch_arm()
    return Latency(arm, check=_all_synced(n), facts=bench.facts(), budget_s=0.7)


def _all_synced(n: int) -> Callable[[list[tuple[Any, ...]]], bool]:
    return lambda rows: len(rows) == n and all(row[-1] for row in rows)


@claim(
    id="D3.odds-sync.statements.{sport}",
    rows=["D3"],
    title="Syncing the odds of fifty {sport} games takes one statement, not fifty",
    source="000.6, 001.10",
    target=exactly(1, "statements"),
    needs=["schema"],
    cases=[{"sport": str(sport)} for sport in sorted(SPORTS)],
)
async def odds_sync_statements(lab: Lab, sport: str) -> Plan:
    """Count what passes on the wire."""
    return await _wire_count(lab, Sport(sport), "statements", "statements")


@claim(
    id="D3.odds-sync.round-trips",
    rows=["D3"],
    title="Odds sync needs 90 % fewer round trips",
    source="001.10",
    target=at_least(90, "% of round trips"),
    needs=["schema"],
)
async def odds_sync_round_trips(lab: Lab) -> Plan:
    """Count the round trips of both ways on the wire."""
    return await _wire_count(lab, Sport.NFL, "round_trips", "% of round trips")


async def _wire_count(lab: Lab, sport: Sport, what: str, unit: str) -> Plan:
    bench = OddsBench(lab, 50, table=SPORTS[sport], counted=True)
    arms = {"before": bench.loop_arm(), "after": await bench.batch_arm(sport)}
    proxy = bench.proxy
    if proxy is None:
        raise RuntimeError("a counted bench has a proxy")

    async def counted(name: str) -> float:
        bench.reset()
        proxy.reset_counts()
        result = arms[name].run()
        if inspect.isawaitable(result):
            await result
        if not _all_synced(bench.n)(bench.outcome()):
            raise RuntimeError(f"{name} did not sync every game")
        return float(getattr(proxy.counts(), what))

    async def count() -> Counted:
        counts = {name: await counted(name) for name in arms}
        saved = 100 * (1 - counts["after"] / counts["before"])
        return Counted(saved if unit.startswith("%") else counts["after"], {what: counts})

    await count()  # the first time round, drivers still prepare their statements
    return Count(count, unit, facts=bench.facts())
