"""A seeded, realistic data set for the platform's schema, and the way to load it.

`generate` yields tables, `load` puts them into a database, `load_rows` loads tables made of
anything else. Prices, games and people are invented but shaped like real ones, because an index is
only as good as the skew it was measured on.
"""

from perf.lab.dataset.generate import generate
from perf.lab.dataset.load import LoadError, LoadReport, load, load_rows
from perf.lab.dataset.matching import (
    Doubt,
    Game,
    Odds,
    Offer,
    doubtful_odds,
    games_table,
    odds_batch,
)
from perf.lab.dataset.sizes import Size
from perf.lab.dataset.table import Table

__all__ = [
    "Doubt",
    "Game",
    "LoadError",
    "LoadReport",
    "Odds",
    "Offer",
    "Size",
    "Table",
    "doubtful_odds",
    "games_table",
    "generate",
    "load",
    "load_rows",
    "odds_batch",
]
