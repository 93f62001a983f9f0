"""How games stand, from ESPN's scoreboards into the platform's tables.

A league's day is one call and one statement, and costs nothing. The schedule of the coming days
makes the games that odds are matched to; scores are asked for only where a game should be under
way. What did not change is not written, and nothing that did not change invalidates anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct
from psycopg import sql

from ava.cache import ttls
from ava.db.columns import Column
from ava.db.query import Query, built, named
from ava.errors import ProviderError
from ava.net.spec import Priority
from ava.providers.asking import together
from ava.providers.games import GameState, League
from ava.services.odds_budget import ZONE
from ava.services.sports import SPORTS, Sport

if TYPE_CHECKING:
    from ava.core import Core

AHEAD_DAYS: Final = 7
MOST_DAYS: Final = 64  # boards asked for in one refresh of scores
MOST_STARTS: Final = 5_000
_LATE = timedelta(days=2)  # a game that is not over by then never was
_SOON = timedelta(minutes=10)

_COLUMNS = tuple(
    Column(name, kind)
    for name, kind in {
        "game_id": "text",
        "season": "integer",
        "home_team": "text",
        "away_team": "text",
        "home_score": "integer",
        "away_score": "integer",
        "game_time": "timestamptz",
        "game_status": "text",
        "period": "text",
        "time_remaining": "text",
    }.items()
)


class Refresh(Struct, frozen=True, kw_only=True):
    """What a refresh did; `failed` maps a sport to why its games are as old as they were."""

    games: int = 0
    added: int = 0
    changed: int = 0
    failed: dict[str, str] = {}


@dataclass(slots=True)
class _Sum:
    games: int = 0
    added: int = 0
    changed: int = 0
    failed: dict[str, ProviderError] = field(default_factory=dict)


class Scoreboard:
    """The games of one platform, kept up to date."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def refresh_schedule(self, days: int = AHEAD_DAYS) -> Refresh:
        """Store the games of today and of the `days` that follow, of every sport."""
        today = self._core.clock.now().astimezone(ZONE).date()
        span = [today + timedelta(days=n) for n in range(days + 1)]
        return await self._refresh(dict.fromkeys(Sport, span))

    async def refresh_scores(self) -> Refresh:
        """Store how the games stand that should be under way, or over."""
        now = self._core.clock.now()
        rows = await self._core.database.fetch(
            named("games_unfinished"),
            {"since": now - _LATE, "until": now + _SOON, "limit": MOST_DAYS},
        )
        wanted: dict[Sport, list[date]] = {}
        for row in rows:
            wanted.setdefault(Sport(row["sport"]), []).append(row["day"])
        return await self._refresh(wanted)

    async def starts(self, since: datetime, until: datetime) -> dict[Sport, list[datetime]]:
        """Return when the scheduled games of each sport start."""
        rows = await self._core.database.fetch(
            named("games_ahead"), {"since": since, "until": until, "limit": MOST_STARTS}
        )
        found: dict[Sport, list[datetime]] = {}
        for row in rows:
            found.setdefault(Sport(row["sport"]), []).append(row["game_time"])
        return found

    async def _refresh(self, wanted: Mapping[Sport, Iterable[date]]) -> Refresh:
        """Ask sport by sport; one that fails leaves the others theirs. Raises if all fail."""
        total = _Sum()
        for sport, days in wanted.items():
            try:
                games = await self._board(sport, days)
            except ProviderError as error:
                total.failed[str(sport)] = error
                continue
            added, changed = await self._store(sport, games)
            total.games += len(games)
            total.added += added
            total.changed += changed
        if total.added or total.changed:
            await self._core.platform.cache.invalidate_tags(*ttls.LIVE_GAMES.tags)
        if wanted and len(total.failed) == len(wanted):
            raise next(iter(total.failed.values()))
        reasons = {sport: str(error) for sport, error in total.failed.items()}
        return Refresh(games=total.games, added=total.added, changed=total.changed, failed=reasons)

    async def _board(self, sport: Sport, days: Iterable[date]) -> list[GameState]:
        """Return the games of some days, each once: it may stand on the boards of two."""
        espn, league = self._core.platform.espn, League(sport.value)
        boards = await together(
            espn.games(league, day, priority=Priority.BACKGROUND, keep=None) for day in days
        )
        return list({game.id: game for board in boards for game in board}.values())

    async def _store(self, sport: Sport, games: list[GameState]) -> tuple[int, int]:
        if not games:
            return 0, 0
        rows = [_row(game) for game in games]
        arrays = {c.name: c.checked([row[c.name] for row in rows]) for c in _COLUMNS}
        # Not prepared: a plan kept for an array of ten would serve one of a thousand.
        (row,) = await self._core.database.fetch(_upsert(sport), arrays, prepare=False)
        return row["added"], row["changed"]


def _row(game: GameState) -> dict[str, Any]:
    return {
        "game_id": game.id,
        "season": game.season,
        "home_team": game.home.name,
        "away_team": game.away.name,
        "home_score": game.home.score,
        "away_score": game.away.score,
        "game_time": game.starts_at,
        "game_status": str(game.status),
        "period": None if game.period is None else str(game.period),
        "time_remaining": game.clock,
    }


@cache
def _upsert(sport: Sport) -> Query:
    return built("upsert_games", named("upsert_games").format(table=sql.Identifier(SPORTS[sport])))
