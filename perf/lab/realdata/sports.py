"""Games with betting odds: NFL 2011-2016, MLB 2014-2016, NBA 2017-18.

The three files name teams, days and lines each in its own way; a `GameOdds` says it in one. The
sources have known defects and these rules find them: a moneyline that does not exist, two sides
whose probabilities sum to more than any bookmaker asks, a spread larger than the total (the two are
swapped), a team named so that it could be two. A spread is seen from the home side.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

from perf.lab.dataset.odds import implied_probability
from perf.lab.dataset.teams import NFL
from perf.lab.realdata.reader import Loaded, Record, read

_LEAST_ODDS = 100
_MOST_MARGIN = 1.15
_BY_NICKNAME = {team.rsplit(" ", 1)[1]: team for team in NFL}
# How the NFL file writes some teams: the franchise as it was called in those seasons.
_NFL_NAMES = _BY_NICKNAME | {
    "BuffaloBills": "Buffalo Bills",
    "Fortyniners": "San Francisco 49ers",
    "LosAngeles": "Los Angeles Rams",
    "Oakland": "Oakland Raiders",
    "SanDiego": "San Diego Chargers",
    "St.Louis": "St. Louis Rams",
}


@dataclass(frozen=True, slots=True)
class GameOdds:
    """One played game and the odds it closed with; None where the file has no such line.

    `number` tells games apart that the same teams played on one day.
    """

    season: int
    day: date
    number: int
    home_team: str
    away_team: str
    home_score: int
    away_score: int
    moneyline_home: int
    moneyline_away: int
    spread_home: Decimal | None = None
    spread_odds_home: int | None = None
    spread_odds_away: int | None = None
    over_under: Decimal | None = None
    over_odds: int | None = None


def nfl_games(path: Path) -> Loaded[GameOdds]:
    """Load `nfl_games_odds_2011_2016.csv`; raise DataFileError."""
    columns = (
        "season date home_team away_team home_final away_final home_close_ml away_close_ml "
        "home_close_spread close_over_under"
    )
    return read(path, columns.split(), _nfl, _identity)


def mlb_games(path: Path) -> Loaded[GameOdds]:
    """Load `mlb_games_odds_2014_2016.csv`; raise DataFileError.

    A level score is kept out: baseball ties are accidents, and nothing in the file tells one from
    a game recorded before its end.
    """
    columns = (
        "date game away_name home_name away_score home_score away_close_ml home_close_ml "
        "home_run_line away_run_line_odds home_run_line_odds close_ou_line close_ou_odds season"
    )
    return read(path, columns.split(), _mlb, _identity)


def nba_games(path: Path) -> Loaded[GameOdds]:
    """Load `nba_moneyline_2017_18.csv`; raise DataFileError."""
    columns = "date game away_name home_name away_score home_score away_ml home_ml season"
    return read(path, columns.split(), _nba, _identity)


def _identity(game: GameOdds) -> tuple[date, str, str, int]:
    return game.day, game.home_team, game.away_team, game.number


def _nfl(record: Record) -> GameOdds:
    home, away = _moneylines(record, "home_close_ml", "away_close_ml")
    spread = record.exact("home_close_spread", 1)
    total = record.exact("close_over_under", 1)
    if abs(spread) > total:
        raise record.refuse("home_close_spread", "exceeds the total: the two are swapped")
    return GameOdds(
        season=record.integer("season"),
        day=record.day("date"),
        number=1,
        home_team=_nfl_team(record, "home_team"),
        away_team=_nfl_team(record, "away_team"),
        home_score=record.count("home_final"),
        away_score=record.count("away_final"),
        moneyline_home=home,
        moneyline_away=away,
        spread_home=spread,
        over_under=total,
    )


def _mlb(record: Record) -> GameOdds:
    home, away = _moneylines(record, "home_close_ml", "away_close_ml")
    game = GameOdds(
        season=record.integer("season"),
        day=record.day("date"),
        number=record.integer("game"),
        home_team=record.text("home_name"),
        away_team=record.text("away_name"),
        home_score=record.count("home_score"),
        away_score=record.count("away_score"),
        moneyline_home=home,
        moneyline_away=away,
        spread_home=record.exact("home_run_line", 1),
        spread_odds_home=_odds(record, "home_run_line_odds"),
        spread_odds_away=_odds(record, "away_run_line_odds"),
        over_under=record.exact("close_ou_line", 1),
        over_odds=_odds(record, "close_ou_odds"),
    )
    if game.home_score == game.away_score:
        raise record.refuse("home_score", "is level: the file names no winner")
    return game


def _nba(record: Record) -> GameOdds:
    home, away = _moneylines(record, "home_ml", "away_ml")
    season = record.text("season")
    if not season[:4].isdecimal():
        raise record.refuse("season", "is not a season")
    return GameOdds(
        season=int(season[:4]),
        day=record.day("date"),
        number=record.integer("game"),
        home_team=record.text("home_name"),
        away_team=record.text("away_name"),
        home_score=record.count("home_score"),
        away_score=record.count("away_score"),
        moneyline_home=home,
        moneyline_away=away,
    )


def _moneylines(record: Record, home: str, away: str) -> tuple[int, int]:
    odds = _odds(record, home), _odds(record, away)
    if implied_probability(odds).sum() > _MOST_MARGIN:
        raise record.refuse(home, "and the other side imply a sum above 1.15")
    return odds


def _odds(record: Record, column: str) -> int:
    odds = record.integer(column)
    if abs(odds) < _LEAST_ODDS:
        raise record.refuse(column, "is no American odds")
    return odds


def _nfl_team(record: Record, column: str) -> str:
    name = record.text(column)
    if name not in _NFL_NAMES:
        raise record.refuse(column, "names no single team")
    return _NFL_NAMES[name]
