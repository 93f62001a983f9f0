"""How much data: the three sizes of the lab's data set and what each holds.

A size is a closed choice, so that two runs that say "small" mean the same rows. `TINY` serves unit
tests, `SMALL` the quick profile, `FULL` the documents' own scale. Counts that follow from others
(positions of an account, items of a watchlist) are decided where they are generated.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Size(StrEnum):
    """The sizes there are."""

    TINY = "tiny"
    SMALL = "small"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Counts:
    """What a size holds.

    `expirations` and `strikes` are those of one optionable stock; `season_days` bounds the game
    days of a season; `bar_days` are the sessions of daily bars kept for each symbol.
    """

    symbols: int
    accounts: int
    history_days: int
    balance_days: int
    bar_days: int
    trades: int
    expirations: int
    strikes: int
    alerts: int
    watchlists: int
    quarters: int
    predictions: int
    signals: int
    tasks: int
    markets: int
    seasons: int
    season_days: int


_TEN_YEARS = 3653
_A_WHOLE_SEASON = 400

_COUNTS = {
    Size.TINY: Counts(
        symbols=13,
        accounts=3,
        history_days=100,
        balance_days=20,
        bar_days=10,
        trades=400,
        expirations=4,
        strikes=6,
        alerts=200,
        watchlists=6,
        quarters=4,
        predictions=100,
        signals=200,
        tasks=60,
        markets=30,
        seasons=2,
        season_days=6,
    ),
    Size.SMALL: Counts(
        symbols=520,
        accounts=28,
        history_days=_TEN_YEARS,
        balance_days=365,
        bar_days=60,
        trades=100_000,
        expirations=10,
        strikes=10,
        alerts=20_000,
        watchlists=200,
        quarters=8,
        predictions=20_000,
        signals=20_000,
        tasks=5_000,
        markets=2_000,
        seasons=1,
        season_days=_A_WHOLE_SEASON,
    ),
    Size.FULL: Counts(
        symbols=520,
        accounts=274,
        history_days=_TEN_YEARS,
        balance_days=365,
        bar_days=1_000,
        trades=1_000_000,
        expirations=25,
        strikes=40,
        alerts=100_000,
        watchlists=2_000,
        quarters=40,
        predictions=200_000,
        signals=200_000,
        tasks=50_000,
        markets=20_000,
        seasons=10,
        season_days=_A_WHOLE_SEASON,
    ),
}


def counts(size: Size) -> Counts:
    """Return what `size` holds."""
    return _COUNTS[size]
