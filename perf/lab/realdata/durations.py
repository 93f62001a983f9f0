"""Real durations, in the order they were taken: benchmarks over years, statements of a server.

Two sources, each a number of series. `bench_history` has what shared machines measured of hyper,
one value a commit; its level really changes now and then. `postgres` has the statements that a
pgbench run logged, by their first words; their tail is as heavy as tails come.
"""

from __future__ import annotations

import bz2
import csv
import gzip
import os
import re
from collections.abc import Mapping
from pathlib import Path

from perf.lab import Unavailable

_VARIABLE = "AVA_PERF_DATA"
_HISTORY = Path("bench_history", "hyper_bench_history.csv.gz")
_LOG = Path("postgres", "logs", "pgbadger_light.postgres.log.bz2")
_STATEMENT = re.compile(r"duration: ([\d.]+) ms\s+statement: ((?:[A-Z]+ ?(?:INTO |FROM )?)\w*)")

Series = dict[str, list[float]]


def durations(environ: Mapping[str, str] | None = None) -> Series:
    """Return every series in seconds, by name; raise Unavailable where the data are not."""
    found = (os.environ if environ is None else environ).get(_VARIABLE)
    paths = [Path(found, part) for part in (_HISTORY, _LOG)] if found else []
    if not paths or not all(path.is_file() for path in paths):
        raise Unavailable(
            "no recorded durations are here",
            f"{_VARIABLE}=<folder with {_HISTORY} and {_LOG}>",
        )
    return {**_benchmarks(paths[0]), **_statements(paths[1])}


def _benchmarks(path: Path) -> Series:
    series: Series = {}
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            name = f"{row['suite']} {row['benchmark']}"
            series.setdefault(name, []).append(float(row["value"]) / 1e9)
    return series


def _statements(path: Path) -> Series:
    series: Series = {}
    with bz2.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            if (found := _STATEMENT.search(line)) is not None:
                series.setdefault(found[2].strip(), []).append(float(found[1]) / 1e3)
    return series
