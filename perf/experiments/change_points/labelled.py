"""Series that people labelled, read from the folder of data; none of it is part of the product.

The Turing change point data set (van den Burg and Williams 2020) has five people's labels a series.
TigerBeetle's throughput is described by Otava's authors in words. Hyper's runs have no labels: in
random order they are real noise without a step.
"""

from __future__ import annotations

import csv
import gzip
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from perf.errors import UserError

TIGER_STEPS = (15, 71)  # a drop at 15-16, a rise at 71
TIGER_SLOPE = 97  # "then a slope from about 97"
TIGER_DIP = 10  # "an anomalous dip", which is no step


class NoDataError(UserError):
    """The folder of data does not hold what is asked of it; the message names the file."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """A series and, by person, the change points that person saw."""

    name: str
    values: tuple[float, ...]
    people: tuple[frozenset[int], ...]


def turing(folder: Path) -> list[Labelled]:
    """Return the labelled series, by name."""
    values: dict[str, list[float]] = defaultdict(list)
    for row in _rows(folder / "tcpd_series.csv.gz"):
        values[row["dataset"]].append(float(row["value"]))
    people: dict[str, dict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
    for row in _rows(folder / "tcpd_human_annotations.csv"):
        seen = people[row["dataset"]][row["annotator"]]
        if row["change_point_index"]:
            seen.add(int(row["change_point_index"]))
    return [
        Labelled(name, tuple(series), tuple(map(frozenset, people[name].values())))
        for name, series in sorted(values.items())
    ]


def tiger(folder: Path) -> tuple[float, ...]:
    """Return TigerBeetle's throughput."""
    return tuple(float(row["value"]) for row in _rows(folder / "tigerbeetle_throughput.csv"))


def shuffled(folder: Path, *, length: int, each: int, seed: int) -> list[tuple[float, ...]]:
    """Return `each` draws of `length` from every series of hyper's, in random order."""
    values: dict[str, list[float]] = defaultdict(list)
    for row in _rows(folder / "hyper_bench_history.csv.gz"):
        values[f"{row['suite']}/{row['benchmark']}"].append(float(row["value"]))
    rng = np.random.default_rng(seed)
    return [
        tuple(rng.permutation(series)[:length].tolist())
        for _, series in sorted(values.items())
        for _ in range(each)
    ]


def _rows(path: Path) -> Iterator[dict[str, str]]:
    try:
        opened = gzip.open if path.suffix == ".gz" else open
        with opened(path, "rt", encoding="utf-8", newline="") as file:
            yield from csv.DictReader(file)
    except OSError as error:
        raise NoDataError(f"{path} cannot be read: {error.strerror}; see --data") from error
