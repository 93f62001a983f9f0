"""Running the loop: an iteration every so often, until told to stop or prices have ended.

Iterations begin on a schedule; one that took too long is followed by the next at once, and those
that were missed meanwhile are not made up for. The configuration is looked at in between.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ava.clock import Clock, SystemClock
from ava.signals.loop import Iteration, TradingLoop
from ava.signals.reload import ConfigFile


@dataclass(slots=True)
class Summary:
    """What a run did; times are left to the accounts, so that a replay's summary repeats."""

    iterations: int = 0
    prices: int = 0
    missing: int = 0
    skipped: int = 0
    signals: Counter[str] = field(default_factory=Counter)
    fills: int = 0
    calls: int = 0

    def add(self, done: Iteration) -> None:
        """Count an iteration."""
        self.iterations += 1
        self.prices += done.prices
        self.missing += done.missing
        self.skipped += done.skipped
        self.signals.update(str(signal.action) for signal in done.signals)
        self.fills += len(done.fills)
        self.calls += done.calls

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as JSON values."""
        return {
            "iterations": self.iterations,
            "prices": self.prices,
            "missing": self.missing,
            "skipped": self.skipped,
            "signals": dict(sorted(self.signals.items())),
            "fills": self.fills,
            "calls": self.calls,
        }


async def trade(  # noqa: PLR0913 - a loop, and when it ends
    loop: TradingLoop,
    *,
    stop: asyncio.Event,
    file: ConfigFile | None = None,
    most: int | None = None,
    paced: bool = True,
    clock: Clock | None = None,
) -> Summary:
    """Resume, then iterate until `stop` is set, `most` iterations are done or the source has ended.

    `paced` waits for the configured interval between beginnings; a replay does not.
    """
    clock = clock or SystemClock()
    summary = Summary()
    summary.fills += len(await loop.resume())
    due = clock.monotonic()
    while not stop.is_set() and summary.iterations != most:
        _reload(loop, file)
        done = await (_step(loop, stop) if paced else loop.step())
        if done is None:
            break
        summary.add(done)
        if paced:
            due = max(due + loop.config.interval_s, clock.monotonic())
            await _wait(due - clock.monotonic(), stop, clock)
        elif not summary.iterations % _BREATH:
            await asyncio.sleep(0)  # a replay never waits by itself, and must hear a signal
    return summary


def holdings_of(loop: TradingLoop) -> Mapping[str, Mapping[str, str]]:
    """Return what is held, and the profit taken, as text that is exact."""
    return {
        symbol: {
            "quantity": str(held.quantity.normalize()),
            "average_price": str(held.average_price.normalize()),
            "realised": str(held.realised.normalize()),
        }
        for symbol, held in sorted(loop.holdings.items())
    }


_BREATH = 100  # iterations of a replay between two looks at the world
_PATIENCE_S = 5.0  # for an iteration under way when told to stop


async def _step(loop: TradingLoop, stop: asyncio.Event) -> Iteration | None:
    """Do an iteration; None at the end of prices, or when told to stop and it does not end soon.

    One that waits for its store is left: what it stored is taken up by the next run.
    """
    step = asyncio.ensure_future(loop.step())
    stopped = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait((step, stopped), return_when=asyncio.FIRST_COMPLETED)
        if not step.done():
            await asyncio.wait((step,), timeout=_PATIENCE_S)
        return step.result() if step.done() else None
    finally:
        step.cancel()
        stopped.cancel()
        await asyncio.gather(step, stopped, return_exceptions=True)


def _reload(loop: TradingLoop, file: ConfigFile | None) -> None:
    config = None if file is None else file.changed()
    if file is None or config is None:
        return
    try:
        loop.reconfigure(config)
    except ValueError as error:
        file.refuse(error, loop.config)


async def _wait(seconds: float, stop: asyncio.Event, clock: Clock) -> None:
    """Wait, or until told to stop."""
    stopped = asyncio.ensure_future(stop.wait())
    slept = asyncio.ensure_future(clock.sleep(seconds))
    try:
        await asyncio.wait((stopped, slept), return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopped.cancel()
        slept.cancel()
        await asyncio.gather(stopped, slept, return_exceptions=True)
