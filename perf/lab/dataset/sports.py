"""Seasons of four sports: schedules, scores that fit the sport, and odds that fit the spread.

A season is anchored on `today`, not on the calendar: today is always a game day, three fifths into
the current season, so that there are finished, live and scheduled games in July as well. Earlier
seasons lie 52 weeks apart. Each team plays at most once a day. The spread is the bookmaker's
expected margin, the moneyline its probability with a margin on top, and the score a draw around it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from perf.lab.dataset.odds import american_odds
from perf.lab.dataset.pricing import normal_cdf
from perf.lab.dataset.sessions import DAY, Moments
from perf.lab.dataset.table import (
    Block,
    Column,
    Floats,
    Ints,
    Table,
    columnar,
    unknown_where,
    words,
)
from perf.lab.dataset.teams import COLLEGES, NBA, NFL
from perf.lab.dataset.world import World

GAME_COLUMNS = (
    "id game_id season home_team away_team home_score away_score game_time game_status period "
    "time_remaining moneyline_home moneyline_away spread_home spread_odds_home spread_odds_away "
    "over_under over_odds under_odds last_synced"
)
_PLAYED = 0.6
_SEASON_DAYS = 364
_GAME_S = 12_600
_ODDS_AHEAD_S = 10 * 86_400
_POSTPONED_SHARE = 0.004
_BOOKMAKER = 1.045
_FOOTBALL = np.array([0, 3, 6, 7, 9, 10, 12, 13, 14, 16, 17, *range(19, 100)])
_FINAL, _LIVE, _SCHEDULED, _POSTPONED = range(4)
_STATUSES = words(["final", "live", "scheduled", "postponed"])


@dataclass(frozen=True, slots=True)
class Sport:
    """One sport's shape: `gap` days between game days, `start_s` after midnight UTC, and points.

    `edge` is the home side's advantage and `ratings`, `margins`, `totals` standard deviations,
    all in points; `parts` are the periods of a game, each of `minutes`.
    """

    table: str
    teams: tuple[str, ...]
    gap: int
    game_days: int
    games_a_day: int
    starts_h: tuple[float, ...]
    edge: float
    ratings: float
    margins: float
    total: float
    totals: float
    parts: tuple[str, ...]
    minutes: int
    football: bool


_QUARTERS = ("Q1", "Q2", "Q3", "Q4")
_FOOTBALL_H, _BASKETBALL_H = (17, 20, 20.5, 24.5), (20.5, 23, 24, 26)
# fmt: off
SPORTS = (
    Sport("nfl_games", NFL, 7, 18, 16, _FOOTBALL_H,
          2.0, 5.0, 12.5, 45.0, 10.0, _QUARTERS, 15, football=True),
    Sport("nba_games", NBA, 1, 170, 7, _BASKETBALL_H,
          2.5, 5.0, 12.0, 226.0, 17.0, _QUARTERS, 12, football=False),
    Sport("ncaa_football_games", COLLEGES, 7, 14, 32, _FOOTBALL_H,
          3.0, 10.0, 15.0, 54.0, 13.0, _QUARTERS, 15, football=True),
    Sport("ncaa_basketball_games", COLLEGES, 1, 120, 8, _BASKETBALL_H,
          3.5, 8.0, 10.5, 144.0, 16.0, ("H1", "H2"), 20, football=False),
)
# fmt: on


@dataclass(frozen=True, slots=True, eq=False)
class _Games:
    """Games before they are played: expected `margin` and `total`, seconds `into` each at now."""

    margin: Floats
    total: Floats
    kickoff: Moments
    into: Ints
    status: Ints


def tables(world: World) -> Iterator[Table]:
    """Yield the tables of this module; they reference no other."""
    for sport in SPORTS:
        yield columnar(
            sport.table,
            GAME_COLUMNS,
            world.counts.seasons * _game_days(world, sport) * sport.games_a_day,
            partial(_seasons, world, sport),
            places=1,
        )


def _game_days(world: World, sport: Sport) -> int:
    return min(sport.game_days, world.counts.season_days)


def _seasons(world: World, sport: Sport) -> Iterator[Block]:
    random = world.random(sport.table)
    first_id = 1
    for ago in reversed(range(world.counts.seasons)):
        block = _season(world, random, sport, ago, first_id)
        first_id += len(block[0])
        yield block


def _season(
    world: World, random: np.random.Generator, sport: Sport, ago: int, first_id: int
) -> Block:
    """Play one season, `ago` years before the current one."""
    home, away = _pairs(random, sport, _game_days(world, sport))
    games = _games(world, random, sport, ago, home, away)
    ids = np.arange(first_id, first_id + len(home))
    season = _current_season(world, sport) - ago
    label = sport.table.removesuffix("_games").replace("_", "-")
    teams = words(sport.teams)
    return (
        ids,
        words(f"{label}-{season}-{number:06d}" for number in ids.tolist()),
        np.full(len(ids), season),
        teams[home],
        teams[away],
        *_scores(random, sport, games),
        games.kickoff,
        _STATUSES[games.status],
        *_clock(sport, games),
        *_odds(world, random, sport, games),
    )


def _games(  # noqa: PLR0913, PLR0917 - who plays, when, and by which chance
    world: World, random: np.random.Generator, sport: Sport, ago: int, home: Ints, away: Ints
) -> _Games:
    rating = sport.ratings * random.standard_normal(len(sport.teams))
    spread = 0.25 * sport.totals * random.standard_normal(len(home))
    kickoff = _kickoffs(world, sport, ago)
    into = (world.now - kickoff).astype("timedelta64[s]").astype(np.int64)
    return _Games(
        margin=np.rint(2 * (sport.edge + rating[home] - rating[away])) / 2,
        total=np.rint(2 * (sport.total + spread)) / 2,
        kickoff=kickoff,
        into=into,
        status=_status(random, into),
    )


def _played_days(world: World, sport: Sport) -> int:
    return int(_game_days(world, sport) * _PLAYED)


def _current_season(world: World, sport: Sport) -> int:
    start = world.today - _played_days(world, sport) * sport.gap * DAY
    return 1970 + int(start.astype("datetime64[Y]").astype(np.int64))


def _pairs(random: np.random.Generator, sport: Sport, days: int) -> tuple[Ints, Ints]:
    """Draw each game day's pairings; a team plays at most once a day."""
    playing = np.tile(np.arange(len(sport.teams)), (days, 1))
    playing = random.permuted(playing, axis=1)[:, : 2 * sport.games_a_day]
    return playing[:, ::2].ravel(), playing[:, 1::2].ravel()


def _kickoffs(world: World, sport: Sport, ago: int) -> Moments:
    ahead = np.arange(_game_days(world, sport)) - _played_days(world, sport)
    dates = world.today + (ahead * sport.gap - ago * _SEASON_DAYS) * DAY
    starts_s = (3600 * np.resize(sport.starts_h, sport.games_a_day)).astype("timedelta64[s]")
    kickoffs: Moments = (dates.astype("datetime64[s]")[:, None] + starts_s).ravel()
    return kickoffs


def _status(random: np.random.Generator, into: Ints) -> Ints:
    past = into > _GAME_S
    postponed = past & (random.random(len(into)) < _POSTPONED_SHARE)
    return np.select([postponed, past, into > 0], [_POSTPONED, _FINAL, _LIVE], _SCHEDULED)


def _scores(random: np.random.Generator, sport: Sport, games: _Games) -> tuple[Column, Column]:
    n = len(games.margin)
    won_by = games.margin + sport.margins * random.standard_normal(n)
    points = games.total + sport.totals * random.standard_normal(n)
    progress = np.where(games.status == _LIVE, games.into / _GAME_S, 1.0)
    home = _points(sport, progress * (points + won_by) / 2)
    away = _points(sport, progress * (points - won_by) / 2)
    level = (home == away) & (games.status == _FINAL)
    decider = 3 if sport.football else 2  # overtime
    home += decider * (level & (won_by >= 0))
    away += decider * (level & (won_by < 0))
    unplayed = (games.status == _SCHEDULED) | (games.status == _POSTPONED)
    return unknown_where(home, unplayed), unknown_where(away, unplayed)


def _points(sport: Sport, drawn: Floats) -> Ints:
    points = np.rint(np.maximum(drawn, 0)).astype(np.int64)
    return _FOOTBALL[np.searchsorted(_FOOTBALL, points)] if sport.football else points


def _clock(sport: Sport, games: _Games) -> tuple[Column, Column]:
    elapsed = np.clip(games.into / _GAME_S, 0, 0.999) * len(sport.parts)
    left_s = ((1 - elapsed % 1) * sport.minutes * 60).astype(np.int64)
    left = words(f"{seconds // 60:02d}:{seconds % 60:02d}" for seconds in left_s.tolist())
    period = words(sport.parts)[elapsed.astype(np.int64)]
    still = games.status != _LIVE
    return unknown_where(period, still), unknown_where(left, still)


def _odds(
    world: World, random: np.random.Generator, sport: Sport, games: _Games
) -> tuple[Column, ...]:
    """Price the games; the odds of those more than ten days ahead are not out yet."""
    n = len(games.margin)
    chance = normal_cdf(games.margin / sport.margins)
    prices = (
        _american(chance),
        _american(1 - chance),
        0 - games.margin,
        *_two_sides(random, n),
        games.total,
        *_two_sides(random, n),
        np.minimum(games.kickoff - np.timedelta64(15, "m"), world.now),
    )
    return tuple(unknown_where(price, games.into < -_ODDS_AHEAD_S) for price in prices)


def _american(chance: Floats) -> Ints:
    return american_odds(np.clip(chance * _BOOKMAKER, 0.02, 0.99))


def _two_sides(random: np.random.Generator, n: int) -> tuple[Ints, Ints]:
    """Draw the prices of a line's two sides, around -110 each."""
    tilt = random.integers(-8, 9, n)
    return -110 - tilt, -110 + tilt
