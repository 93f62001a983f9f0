"""The files of real prices that the claims of the loop replay, and what a replay of them does."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ava.signals.broker import PaperBroker
from ava.signals.change import Changes
from ava.signals.config import TradingConfig
from ava.signals.decide import Action
from ava.signals.features import LEAST, features
from ava.signals.history import History
from ava.signals.loop import TradingLoop
from ava.signals.predictor import FLAT, Baseline, Predictor
from ava.signals.replay import Ledger, ReplaySource
from ava.signals.store import Store
from perf.lab import Unavailable
from perf.lab.lab import Lab, Profile

_VARIABLE = "AVA_PERF_DATA"
_FOLDER = "market"
MINUTES = "equity_minute_ohlcv_spy.csv.gz"
TRADES = "equity_ticks_spy_20131007.csv.gz"
QUOTES = "equity_quote_ticks_ibm_20131011.csv.gz"
CURRENCY = "fx_ticks_oanda_eurusd_20140506_08.csv.gz"
HOURS = "equity_hourly_ohlcv_aapl.csv.gz"
DAYS = "us_large_cap20_daily_close_1990_2009.csv.gz"
KNOWN_BAD = "known_bad_identical_series_2016_2017.csv.gz"

Moment = Mapping[str, float]


def market_file(name: str, environ: Mapping[str, str] | None = None) -> Path:
    """Return a file of the folder of real data; raise Unavailable where it is not."""
    data = (os.environ if environ is None else environ).get(_VARIABLE)
    path = Path(data, _FOLDER, name) if data else None
    if path is None or not path.is_file():
        raise Unavailable(f"no {name} is here", f"{_VARIABLE}=<folder with {_FOLDER}/{name}>")
    return path


def most_moments(lab: Lab) -> int:
    """Return how many moments of a file a claim looks at."""
    return 50_000 if lab.profile is Profile.FULL else 2_000


async def moments(name: str, most: int) -> tuple[list[str], list[Moment]]:
    """Return a file's symbols and the prices of its first moments."""
    source = ReplaySource([market_file(name)])
    symbols = source.symbols()
    found: list[Moment] = []
    while len(found) < most and (snapshot := await source.snapshot(symbols)) is not None:
        found.append({symbol: tick.price for symbol, tick in snapshot.ticks.items()})
    return symbols, found


def looping(source: ReplaySource, store: Store | None = None, **rules: Any) -> TradingLoop:
    """Return the loop that a replay of all symbols of its files has by default."""
    symbols = tuple(source.symbols())
    config = TradingConfig(symbols=symbols, most_symbols=len(symbols), **rules)
    return TradingLoop(config, source, store or Ledger(), PaperBroker(), Baseline())


async def replayed(
    paths: Sequence[Path], store: Store | None = None, *, most: int | None = None, **rules: Any
) -> tuple[TradingLoop, ReplaySource, int]:
    """Replay files by the usual configuration; return the loop, its source and the iterations."""
    source = ReplaySource(paths)
    loop, done = looping(source, store, **rules), 0
    while done != most and await loop.step() is not None:
        done += 1
    return loop, source, done


@dataclass(slots=True)
class Generated:
    """What was said of the prices: how often a model was asked, and the standing action each time.

    `stood` holds, for each price in turn, the action of the symbol's last signal.
    """

    asked: int
    stood: list[Action]


class Generator:
    """The part of the loop that makes signals, which skips moves below `threshold`."""

    def __init__(self, symbols: Sequence[str], threshold: float) -> None:
        self._history = History(symbols=len(symbols))
        self._changes = Changes(threshold)
        self._model: Predictor = Baseline()
        self._standing: dict[str, Action] = {}

    def run(self, prices: Iterable[Moment]) -> Generated:
        """Go through the moments."""
        asked, stood = 0, []
        for now in prices:
            asked += self._signal(now)
            stood += [self._standing[symbol] for symbol in now]
        return Generated(asked, stood)

    def _signal(self, now: Moment) -> int:
        self._history.append_many(list(now), np.array(list(now.values())))
        ripe = np.flatnonzero(self._history.counts(list(now)) == LEAST)
        self._changes.forget(list(now)[place] for place in ripe)
        changed = self._changes.changed(now)
        if changed:
            said = self._model.predict(features(*self._history.last(changed)))
            self._changes.signalled(changed, now)
            self._standing.update(zip(changed, map(action, said.score), strict=True))
        return len(changed)


def action(score: float) -> Action:
    """Return what a score says to do."""
    if score > FLAT:
        return Action.BUY
    return Action.SELL if score < -FLAT else Action.HOLD
