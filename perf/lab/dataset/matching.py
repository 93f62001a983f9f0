"""Games and odds for claims about matching: an unambiguous batch, and the doubtful cases.

The documents match odds to games by the last word of each team's name. In the batch every such
word is unique, so that any right way of matching leaves the same table. The doubtful cases are the
opposite: in each of them the last words hit a wrong game, or two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import product

import numpy as np

from perf.lab.dataset.odds import american_odds
from perf.lab.dataset.table import Table, from_rows
from perf.lab.dataset.world import generator

FIRST_KICKOFF = datetime(2030, 9, 1, 17, tzinfo=UTC)
"""When the first game starts: far ahead, since only scheduled games take odds."""

_BOOKMAKER = 1.045
_WORDS = """\
Ashford Brighton Carver Dunmore Eastport Fairview Glenwood Hartwell Ironton Kingsley Lakeside
Marlow Norwood Oakdale Preston Quincy Riverton Sheffield Trenton Waverly
|
Amber Black Bronze Copper Crimson Desert Dusk Ember Frost Golden Harbor Iron Jade Lunar Marble Mist
Night Onyx Prairie Quartz River Scarlet Shadow Silver Storm Swift Thunder Valley Velvet Violet West
Winter
|
badgers bobcats colts cranes dragons drakes eagles elks falcons foxes hounds jackals knights lancers
lynxes mustangs otters owls panthers pilots pirates rangers ravens riders sharks stags stallions
titans vipers wasps wolves wrens
"""
# No beginning ends another beginning and no ending starts another, so that no nickname made of one
# of each is part of a different one.
_CITIES, _BEGINNINGS, _ENDINGS = (part.split() for part in _WORDS.split("|"))


@dataclass(frozen=True, slots=True)
class Game:
    """A scheduled game."""

    game_id: str
    season: int
    home_team: str
    away_team: str
    game_time: datetime


@dataclass(frozen=True, slots=True)
class Odds:
    """What an odds feed says of one game; None where it says nothing."""

    home_team: str
    away_team: str
    commence_time: datetime
    moneyline_home: int | None = None
    moneyline_away: int | None = None
    spread_home: Decimal | None = None
    spread_odds_home: int | None = None
    spread_odds_away: int | None = None
    over_under: Decimal | None = None
    over_odds: int | None = None
    under_odds: int | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """A game and the odds meant for it."""

    game: Game
    odds: Odds


@dataclass(frozen=True, slots=True)
class Doubt:
    """Games among which the last words of `odds` are misleading.

    `meant` is the game the odds are for, None where it is not among `games`; `by_last_word` are
    the games that matching by last word updates.
    """

    why: str
    games: tuple[Game, ...]
    odds: Odds
    meant: str | None
    by_last_word: frozenset[str]


def odds_batch(n: int, *, seed: int) -> list[Offer]:
    """Return `n` scheduled games of teams that no way of matching confuses, with odds for each."""
    nicknames = [start + end for start, end in product(_BEGINNINGS, _ENDINGS)]
    if not 0 <= n <= len(nicknames) // 2:
        raise ValueError(f"a batch has 0 to {len(nicknames) // 2} games, not {n}")
    random = generator(seed, "odds batch")
    names = [nicknames[index] for index in random.permutation(len(nicknames)).tolist()]
    teams = [f"{_CITIES[index % len(_CITIES)]} {name}" for index, name in enumerate(names)]
    return [_offer(random, index, *teams[2 * index : 2 * index + 2]) for index in range(n)]


def games_table(table: str, games: Sequence[Game]) -> Table:
    """Return `games` as rows for one of the four sports' tables."""
    return from_rows(
        table,
        "game_id season home_team away_team game_time game_status",
        [
            (game.game_id, game.season, game.home_team, game.away_team, game.game_time, "scheduled")
            for game in games
        ],
    )


def doubtful_odds() -> list[Doubt]:
    """Return the cases in which matching by last word updates a wrong game, or two."""
    return [
        _doubt(
            "two games of Tigers against Bulldogs",
            ["Georgia Bulldogs @ Auburn Tigers", "Mississippi State Bulldogs @ LSU Tigers"],
            "Georgia Bulldogs @ Auburn Tigers",
            hits=(0, 1),
            meant=0,
        ),
        _doubt(
            "the game is not listed, another of Wildcats and Tigers is",
            ["Clemson Tigers @ Kentucky Wildcats"],
            "Memphis Tigers @ Arizona Wildcats",
            hits=(0,),
            meant=None,
        ),
        _doubt(
            "Kentucky and Arizona are both Wildcats, and both receive Bears",
            ["Baylor Bears @ Kentucky Wildcats", "California Golden Bears @ Arizona Wildcats"],
            "California Golden Bears @ Arizona Wildcats",
            hits=(0, 1),
            meant=1,
        ),
        _doubt(
            "a feed that says Miami means one of two",
            [
                "Duke Blue Devils @ Miami (FL) Hurricanes",
                "Duke Blue Devils @ Miami (OH) RedHawks",
            ],
            "Duke @ Miami",
            hits=(0, 1),
            meant=None,
        ),
        _doubt(
            "Nets is a part of Hornets",
            ["Boston Celtics @ Brooklyn Nets", "Boston Celtics @ Charlotte Hornets"],
            "Boston Celtics @ Brooklyn Nets",
            hits=(0, 1),
            meant=0,
        ),
        _doubt(
            "Texas Tech Red Raiders are taken for Middle Tennessee Blue Raiders",
            ["Houston Cougars @ Middle Tennessee Blue Raiders"],
            "BYU Cougars @ Texas Tech Red Raiders",
            hits=(0,),
            meant=None,
        ),
        _doubt(
            "the same teams meet twice; the odds are for the first game",
            ["Utah Jazz @ Denver Nuggets", "Utah Jazz @ Denver Nuggets"],
            "Utah Jazz @ Denver Nuggets",
            hits=(0, 1),
            meant=0,
        ),
    ]


def _offer(random: np.random.Generator, index: int, home: str, away: str) -> Offer:
    at = FIRST_KICKOFF + timedelta(minutes=30 * index)
    game = Game(f"batch-{index:05d}", at.year, home, away, at)
    return Offer(game, _odds(game, int(random.integers(-28, 29))))


def _odds(game: Game, half_points: int) -> Odds:
    """Price a game whose home side is to win by that many half points."""
    chance = 0.5 + half_points / 80
    return Odds(
        game.home_team,
        game.away_team,
        game.game_time,
        moneyline_home=int(american_odds(chance * _BOOKMAKER)),
        moneyline_away=int(american_odds((1 - chance) * _BOOKMAKER)),
        spread_home=Decimal(-half_points) / 2,
        spread_odds_home=-108,
        spread_odds_away=-112,
        over_under=Decimal(90 + half_points % 7) / 2,
        over_odds=-105,
        under_odds=-115,
    )


def _doubt(
    why: str, fixtures: Sequence[str], feed: str, *, hits: Sequence[int], meant: int | None
) -> Doubt:
    """Return a case of games a day apart, each written "away @ home"."""
    games = tuple(_fixture(index, text) for index, text in enumerate(fixtures))
    odds_for = games[meant] if meant is not None else games[0]
    odds = _odds(replace(_fixture(0, feed), game_time=odds_for.game_time), half_points=9)
    return Doubt(
        why,
        games,
        odds,
        meant=None if meant is None else odds_for.game_id,
        by_last_word=frozenset(games[index].game_id for index in hits),
    )


def _fixture(index: int, text: str) -> Game:
    away, home = text.split(" @ ")
    at = FIRST_KICKOFF + timedelta(days=index)
    return Game(f"doubtful-{index}", at.year, home, away, at)
