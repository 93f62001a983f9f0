"""The data set as a stream of tables, parents before children.

Each module that generates tables offers `tables(world)`; this one only puts them in an order in
which foreign keys hold. Rows are generated when a table's chunks are read, so leaving a table
out costs nothing. The same size, seed and day give the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import chain

from perf.lab.dataset import chains, desk, forecasts, market, sports, trading
from perf.lab.dataset.sizes import Size
from perf.lab.dataset.table import Table
from perf.lab.dataset.world import build

_IN_ORDER = (market, chains, trading, desk, sports, forecasts)


def generate(size: Size, *, seed: int, today: date) -> Iterator[Table]:
    """Yield every table of the data set of that size and seed, as it stands on `today`.

    History ends on that day, and option chains and schedules go on beyond it.
    """
    world = build(size, seed, today)
    return chain.from_iterable(module.tables(world) for module in _IN_ORDER)
