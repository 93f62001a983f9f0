"""Odds sync as documents 000.6 and 002.7 show it: the loop, and the batch they propose.

Both find the game by `LIKE '%lastword%'` on the team names, which is what makes them hit the
wrong game; the claims about that run this code as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql


@dataclass(frozen=True, slots=True)
class DocumentOdds:
    """One game's odds, with the field names of the document."""

    home_team: str
    away_team: str
    moneyline_home: int | None
    moneyline_away: int | None
    spread_home: float | None
    spread_odds_home: int | None
    spread_odds_away: int | None
    over_under: float | None
    over_odds: int | None
    under_odds: int | None

    def values(self) -> tuple[Any, ...]:
        """Return the odds, then the two patterns the document matches by."""
        return (
            self.moneyline_home,
            self.moneyline_away,
            self.spread_home,
            self.spread_odds_home,
            self.spread_odds_away,
            self.over_under,
            self.over_odds,
            self.under_odds,
            f"%{self.home_team.split()[-1].lower()}%",
            f"%{self.away_team.split()[-1].lower()}%",
        )


_UPDATE = sql.SQL("""
    UPDATE {table}
    SET moneyline_home = COALESCE(%s, moneyline_home),
        moneyline_away = COALESCE(%s, moneyline_away),
        spread_home = COALESCE(%s, spread_home),
        spread_odds_home = COALESCE(%s, spread_odds_home),
        spread_odds_away = COALESCE(%s, spread_odds_away),
        over_under = COALESCE(%s, over_under),
        over_odds = COALESCE(%s, over_odds),
        under_odds = COALESCE(%s, under_odds),
        last_synced = NOW()
    WHERE game_status = 'scheduled'
        AND LOWER(home_team) LIKE %s
        AND LOWER(away_team) LIKE %s
""")


def sync_by_loop(
    connection: psycopg.Connection[Any], table: str, odds: Sequence[DocumentOdds]
) -> int:
    """Update game by game in one transaction; return the number of rows updated."""
    statement = _UPDATE.format(table=sql.Identifier(table))
    updated = 0
    with connection.transaction(), connection.cursor() as cursor:
        for game in odds:
            cursor.execute(statement, game.values())
            if cursor.rowcount > 0:
                updated += cursor.rowcount
    return updated
