"""The eight benchmarks, written for pytest-benchmark like anybody's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from . import workloads
from .workloads import Workload


@pytest.mark.parametrize("name", ["lru", "as_json", "parsing", "sorting", "classes", "regex"])
def test_pure(benchmark: Any, name: str) -> None:
    """Measure work that needs nothing but Python."""
    make = getattr(workloads, name)
    benchmark(make())


@pytest.fixture
def coroutines() -> Iterator[Workload]:
    """Return the tasks, and close their loop afterwards."""
    run, close = workloads.coroutines()
    yield run
    close()


@pytest.fixture
def database() -> Iterator[Workload]:
    """Return the look-ups, and close their database afterwards."""
    run, close = workloads.database()
    yield run
    close()


def test_coroutines(benchmark: Any, coroutines: Workload) -> None:
    """Measure an event loop's own work."""
    benchmark(coroutines)


def test_database(benchmark: Any, database: Workload) -> None:
    """Measure statements."""
    benchmark(database)
