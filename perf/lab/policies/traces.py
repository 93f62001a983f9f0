"""Published traces of cache requests, as lists of keys.

Three forms are read, told apart by the columns: a key a row, a timed and sized request a row, and
ranges of blocks, which become a key a block. Sizes are left aside: the policies here count keys.
"""

from __future__ import annotations

import csv
import gzip
import os
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path

from perf.lab import Unavailable
from perf.lab.realdata import DataFileError

_VARIABLE = "AVA_PERF_DATA"
_FOLDER = "cache_traces"


def trace_files(environ: Mapping[str, str] | None = None) -> list[Path]:
    """Return the traces of the folder of real data; raise Unavailable where there are none."""
    data = (os.environ if environ is None else environ).get(_VARIABLE)
    found = sorted(Path(data, _FOLDER).glob("*.csv.gz")) if data else []
    if not found:
        raise Unavailable(
            "no cache traces are here",
            f"{_VARIABLE}=<folder with {_FOLDER}/*.csv.gz>",
        )
    return found


def read_trace(path: Path, limit: int | None = None) -> list[str]:
    """Return a trace's keys in the order asked for, the first `limit` of them.

    Raises DataFileError for a file of another form.
    """
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        columns = set(rows.fieldnames or ())
        if "key" in columns:
            return [row["key"] for row in islice(rows, limit)]
        if columns == {"start_block", "n_blocks"}:
            return list(islice(_blocks(rows), limit))
    raise DataFileError(f"{path.name}: no column is called key or start_block: {sorted(columns)}")


def _blocks(rows: Iterator[dict[str, str]]) -> Iterator[str]:
    for row in rows:
        start = int(row["start_block"])
        for block in range(start, start + int(row["n_blocks"])):
            yield str(block)
