"""The games that the providers of sports look at: one schedule, one score, one price for all.

The data set's seasons, moved by whole hours so that its evening is the clock's start: there are
finished, live and coming games whenever a simulation begins. A game goes on with the clock: what
is live advances, what is coming begins, and ends with a score drawn from its line.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import lru_cache

from perf.lab.dataset.sizes import Size
from perf.lab.dataset.sports import GAME_COLUMNS, tables
from perf.lab.dataset.table import NULL
from perf.lab.dataset.world import build

_GAME_S = 12_600.0
_HOUR_S = 3600.0
_HALFTIME = 0.2  # the part of a period's share of time that the break takes


class Stage(StrEnum):
    """Where a game stands."""

    COMING = "pre"
    LIVE = "in"
    OVER = "post"
    POSTPONED = "postponed"


@dataclass(frozen=True, slots=True)
class Score:
    """A game at a moment; `period` counts from 1, `clock_s` are seconds left in it."""

    stage: Stage
    home: int
    away: int
    period: int
    clock_s: int
    halftime: bool = False


@dataclass(frozen=True, slots=True)
class Game:
    """One game; `spread` is the home side's line, None with all odds before they are out."""

    id: str
    sport: str
    season: int
    number: int
    home: str
    away: str
    start: float
    postponed: bool
    final: tuple[int, int]
    spread: float | None
    total: float | None
    moneyline: tuple[int, int] | None

    @property
    def periods(self) -> tuple[int, int]:
        """How many periods a game has, and their minutes."""
        if self.sport == "ncaa_basketball":
            return 2, 20
        return 4, 12 if self.sport == "nba" else 15

    def score(self, now: float) -> Score:
        """Return the game at `now`."""
        if self.postponed:
            return Score(Stage.POSTPONED, 0, 0, 0, 0)
        played = (now - self.start) / _GAME_S
        count, minutes = self.periods
        if played <= 0:
            return Score(Stage.COMING, 0, 0, 0, minutes * 60)
        if played >= 1:
            return Score(Stage.OVER, *self.final, count, 0)
        period, part = divmod(played * count, 1)
        home, away = (int(points * played) for points in self.final)
        if 2 * period == count and part < _HALFTIME:
            return Score(Stage.LIVE, home, away, int(period), 0, halftime=True)
        return Score(Stage.LIVE, home, away, int(period) + 1, int((1 - part) * minutes * 60))

    @property
    def day(self) -> date:
        """The day the game is listed under, which is the United States' one."""
        return datetime.fromtimestamp(self.start - 5 * _HOUR_S, UTC).date()


@lru_cache(maxsize=2)
def games(seed: int, started: float) -> dict[str, list[Game]]:
    """Return the games by sport, in the order they start; the clock starts at `started`."""
    today = datetime.fromtimestamp(started, UTC).date()
    world = build(Size.SMALL, seed, today)
    evening = float(world.now.astype("datetime64[s]").astype(int))
    shift_s = round((started - evening) / _HOUR_S) * _HOUR_S
    found = {}
    for table in tables(world):
        sport = table.name.removesuffix("_games")
        lines = b"".join(table.chunks()).decode().splitlines()
        rows = [dict(zip(GAME_COLUMNS.split(), line.split("\t"), strict=True)) for line in lines]
        played = [_game(sport, row, shift_s) for row in rows]
        found[sport] = sorted(played, key=lambda game: (game.start, game.id))
    return found


def _game(sport: str, row: dict[str, str], shift_s: float) -> Game:
    told = {name: None if value == NULL else value for name, value in row.items()}
    spread, total = _number(told["spread_home"]), _number(told["over_under"])
    home, away = told["moneyline_home"], told["moneyline_away"]
    final = told["game_status"] == "final"
    scores = (told["home_score"], told["away_score"]) if final else (None, None)
    return Game(
        id=row["game_id"],
        sport=sport,
        season=int(row["season"]),
        number=int(row["id"]),
        home=row["home_team"],
        away=row["away_team"],
        start=datetime.fromisoformat(row["game_time"]).timestamp() + shift_s,
        postponed=row["game_status"] == "postponed",
        final=_final(row["game_id"], scores, spread, total),
        spread=spread,
        total=total,
        moneyline=None if home is None or away is None else (int(home), int(away)),
    )


def _number(text: str | None) -> float | None:
    return None if text is None else float(text)


def _final(
    name: str, scores: tuple[str | None, str | None], spread: float | None, total: float | None
) -> tuple[int, int]:
    """Return the data set's final score, or one drawn around the line for a game not yet over."""
    home, away = scores
    if home is not None and away is not None:
        return int(home), int(away)
    points = (total or 48.0) * (0.85 + zlib.crc32(name.encode()) % 31 / 100)
    margin = -(spread or 0.0) + zlib.crc32(f"{name}:margin".encode()) % 21 - 10
    home_points, away_points = round((points + margin) / 2), round((points - margin) / 2)
    return home_points + (home_points == away_points), away_points
