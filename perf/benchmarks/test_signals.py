"""What an iteration of the trading loop is made of: history, measures, detection, a whole step."""

import asyncio
import itertools
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from ava.signals.broker import PaperBroker
from ava.signals.change import Changes
from ava.signals.config import TradingConfig
from ava.signals.features import features
from ava.signals.history import History
from ava.signals.loop import TradingLoop
from ava.signals.predictor import Baseline
from ava.signals.replay import Ledger
from ava.signals.source import Snapshot, Tick

_SIZES = pytest.mark.parametrize("size", [10, 1_000])
_START = datetime(2026, 1, 5, 14, 30, tzinfo=UTC)


def _symbols(size: int) -> list[str]:
    return [f"S{number}" for number in range(size)]


def _full(symbols: Sequence[str]) -> History:
    history, rng = History(symbols=len(symbols)), np.random.default_rng(1)
    for _ in range(history.window):
        history.append_many(symbols, 100 + rng.random(len(symbols)))
    return history


class _Walk:
    """Prices without end, a second a look, each a little away from the last."""

    def __init__(self) -> None:
        self._looks = itertools.count()

    async def snapshot(self, symbols: Sequence[str]) -> Snapshot:
        """Return the next look's."""
        number = next(self._looks)
        at = _START + timedelta(seconds=number)
        price = 100 + number % 7
        return Snapshot(at, {symbol: Tick(price, at) for symbol in symbols})


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """Open an event loop of the benchmark's own."""
    opened = asyncio.new_event_loop()
    yield opened
    opened.close()


@_SIZES
def test_append_many(benchmark: Any, size: int) -> None:
    """A price of each symbol into a full history."""
    symbols = _symbols(size)
    benchmark(_full(symbols).append_many, symbols, np.full(size, 101.0))


@_SIZES
def test_features(benchmark: Any, size: int) -> None:
    """All measures of all symbols."""
    symbols = _symbols(size)
    history = _full(symbols)
    benchmark(lambda: features(*history.last(symbols)))


@_SIZES
def test_changed(benchmark: Any, size: int) -> None:
    """Which of the symbols moved: none."""
    prices = dict.fromkeys(_symbols(size), 100.0)
    changes = Changes()
    changes.signalled(list(prices), prices)
    benchmark(changes.changed, prices)


@_SIZES
@pytest.mark.parametrize("threshold", [0.0, 0.5], ids=["all", "none"])
def test_step(benchmark: Any, loop: asyncio.AbstractEventLoop, size: int, threshold: float) -> None:
    """One iteration that stores into a ledger, with every symbol decided on, and with none."""
    symbols = tuple(_symbols(size))
    config = TradingConfig(symbols=symbols, threshold=threshold)
    trading = TradingLoop(config, _Walk(), Ledger(), PaperBroker(), Baseline())
    benchmark(lambda: loop.run_until_complete(trading.step()))
