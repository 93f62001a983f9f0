"""What models said: predictions, signals with their outcomes, and Kalshi markets with forecasts.

Signals of the last two days have no outcome yet, and a `hold` never gets one. A market's yes and no
prices sum to one; a settled market is at 0 or 1.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from perf.lab.dataset.sessions import recent
from perf.lab.dataset.table import Block, Table, columnar, unknown_where, words
from perf.lab.dataset.world import World

_MODELS = words(["momentum", "gradient_boosting", "transformer"])
_DIRECTIONS = words(["up", "down", "flat"])
_ACTIONS = words(["buy", "sell", "hold"])
_HOLD = 2
_REASONS = words(
    ["momentum turned", "mean reversion", "model agreement", "volatility breakout", ""]
)
_OUTCOMES = words(["win", "loss", "flat"])
_UNDECIDED_DAYS = 2
_CATEGORIES = words(["sports", "economics", "politics", "weather", "companies"])
_FORECASTS_A_MARKET = 3
_UNOPENED, _OPEN, _CLOSED, _SETTLED = range(4)
_STATUSES = words(["unopened", "open", "closed", "settled"])


def tables(world: World) -> Iterator[Table]:
    """Yield the tables of this module, parents first."""
    amounts = world.counts
    yield columnar(
        "predictions",
        "id symbol timestamp model direction predicted_price confidence",
        amounts.predictions,
        lambda: [_predictions(world)],
    )
    yield columnar(
        "signals",
        "id symbol timestamp action price confidence reason outcome created_at",
        amounts.signals,
        lambda: [_signals(world)],
    )
    yield columnar(
        "kalshi_markets",
        "id ticker title category status yes_price no_price close_time updated_at",
        amounts.markets,
        lambda: [_markets(world)],
    )
    yield columnar(
        "kalshi_predictions",
        "id market_id predicted_outcome confidence edge overall_rank created_at",
        amounts.markets * _FORECASTS_A_MARKET,
        lambda: [_market_predictions(world)],
    )


def _predictions(world: World) -> Block:
    random = world.random("predictions")
    n = world.counts.predictions
    symbol = world.pick(random, n)
    said = recent(random, world.now, n, days=180)
    move = 0.01 * random.standard_normal(n)
    price = np.rint(world.prices(symbol, said) * (1 + move)) / 100
    return (
        np.arange(1, n + 1),
        world.symbols[symbol],
        said,
        _MODELS[random.integers(0, len(_MODELS), n)],
        _DIRECTIONS[np.where(np.abs(move) < 0.002, 2, np.where(move > 0, 0, 1))],  # noqa: PLR2004 - 0.2 % is flat
        np.maximum(price, 0.01),
        0.35 + 0.6 * random.beta(3, 2, n),
    )


def _signals(world: World) -> Block:
    random = world.random("signals")
    n = world.counts.signals
    symbol = world.pick(random, n)
    said = recent(random, world.now, n, days=180)
    action = random.choice(3, n, p=[0.3, 0.25, 0.45])
    fresh = said > world.now - np.timedelta64(_UNDECIDED_DAYS, "D")
    outcome = _OUTCOMES[random.choice(3, n, p=[0.53, 0.38, 0.09])]
    return (
        np.arange(1, n + 1),
        world.symbols[symbol],
        said,
        _ACTIONS[action],
        world.prices(symbol, said) / 100,
        0.35 + 0.6 * random.beta(4, 2, n),
        _REASONS[random.integers(0, len(_REASONS), n)],
        unknown_where(outcome, fresh | (action == _HOLD)),
        said + np.timedelta64(40, "ms"),
    )


def _markets(world: World) -> Block:
    random = world.random("kalshi_markets")
    n = world.counts.markets
    closes = world.now + random.integers(-300 * 24, 60 * 24, n).astype("timedelta64[h]")
    status = np.select(
        [closes < world.now - np.timedelta64(2, "D"), closes < world.now],
        [_SETTLED, _CLOSED],
        np.where(random.random(n) < 0.1, _UNOPENED, _OPEN),  # noqa: PLR2004 - a share
    )
    cents = random.integers(2, 99, n)
    cents = np.where(status == _SETTLED, 100 * (100 * random.random(n) < cents), cents)
    unpriced = status == _UNOPENED
    days = np.datetime_as_string(closes.astype("datetime64[D]")).tolist()
    category = _CATEGORIES[random.integers(0, len(_CATEGORIES), n)]
    named = list(enumerate(zip(category.tolist(), days, strict=True), start=1))
    return (
        np.arange(1, n + 1),
        words(f"KX{kind[:4].upper()}-{day}-{number:05d}" for number, (kind, day) in named),
        words(f"Will {kind} question {number} be yes by {day}?" for number, (kind, day) in named),
        category,
        _STATUSES[status],
        unknown_where(cents / 100, unpriced),
        unknown_where((100 - cents) / 100, unpriced),
        closes,
        np.minimum(closes, world.now),
    )


def _market_predictions(world: World) -> Block:
    random = world.random("kalshi_predictions")
    n = world.counts.markets * _FORECASTS_A_MARKET
    confidence = np.round(0.5 + 0.48 * random.random(n), 4)
    edge = np.round(0.08 * random.standard_normal(n) + (confidence - 0.7) * 0.1, 4)
    rank = np.empty(n, dtype=np.int64)
    rank[np.argsort(-edge, kind="stable")] = np.arange(1, n + 1)
    return (
        np.arange(1, n + 1),
        np.repeat(np.arange(1, world.counts.markets + 1), _FORECASTS_A_MARKET),
        words(["yes", "no"])[random.integers(0, 2, n)],
        confidence,
        edge,
        rank,
        recent(random, world.now, n, days=120),
    )
