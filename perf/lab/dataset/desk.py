"""What people look at: alerts, watchlists, tasks, and the switches of the automation.

Nine alerts in ten are dismissed already, the old ones above all, and few are urgent: that skew is
what the partial index of the dashboard lives on. A few watchlists are long, most are short. A
failed task keeps its error as it was printed, line breaks and all.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from perf.lab.dataset.sessions import recent
from perf.lab.dataset.table import Block, Ints, Table, columnar, unknown_where, words
from perf.lab.dataset.world import World

_ALERTS = {
    "price_target": "{} reached its price target",
    "volatility": "{}: implied volatility rose above its 30-day range",
    "earnings": "{} reports earnings within a week",
    "assignment_risk": "{}: a short option is in the money",
    "volume_spike": "{} trades at three times its usual volume",
    "expiration": "{}: an option expires on Friday",
}
_LISTS = words(["Core", "Wheel", "Earnings", "Ideas", "Dividends", "High premium"])
_NOTES = ("", "", "", "sell puts below support", "wait for earnings", "core\tholding")
_TASKS = {
    "sync_odds": "Sync odds",
    "earnings_sync": "Sync earnings",
    "scan_premiums": "Scan option premiums",
    "refresh_prices": "Refresh prices",
    "train_model": "Train the predictor",
}
_STATUSES = words(["succeeded", "failed", "cancelled", "running", "pending"])
_SUCCEEDED, _FAILED, _CANCELLED, _RUNNING, _PENDING = range(5)
_ERROR = "TimeoutError: the provider did not answer\n  within 30 s"
_SWITCHES = (
    "covered_calls",
    "cash_secured_puts",
    "earnings_guard",
    "kalshi_orders",
    "odds_sync",
    "paper_trading",
    "premium_scan",
    "price_refresh",
    "profit_taking",
    "roll_options",
    "stop_losses",
    "wheel",
)


def tables(world: World) -> Iterator[Table]:
    """Yield the tables of this module, parents first."""
    amounts = world.counts
    yield columnar(
        "alerts",
        "id alert_type symbol message priority is_read is_dismissed created_at",
        amounts.alerts,
        lambda: [_alerts(world)],
    )
    yield columnar(
        "watchlists",
        "id owner name created_at",
        amounts.watchlists,
        lambda: [_watchlists(world)],
    )
    lengths = _lengths(world)
    yield columnar(
        "watchlist_items",
        "watchlist_id symbol notes created_at",
        int(lengths.sum()),
        lambda: [_items(world, lengths)],
    )
    yield columnar(
        "tasks",
        "id kind title status priority attempts error scheduled_at started_at finished_at "
        "created_at",
        amounts.tasks,
        lambda: [_tasks(world)],
    )
    yield columnar(
        "automation_switches",
        "name enabled updated_at updated_by",
        len(_SWITCHES),
        lambda: [_switches(world)],
    )


def _alerts(world: World) -> Block:
    random = world.random("alerts")
    n = world.counts.alerts
    created = recent(random, world.now, n, days=365)
    age = (world.now - created).astype("timedelta64[s]").astype(np.int64) / 86_400
    dismissed = random.random(n) < np.where(age < 2, 0.45, 0.93)  # noqa: PLR2004 - days
    kinds = words(_ALERTS)[random.integers(0, len(_ALERTS), n)]
    symbols = world.symbols[world.pick(random, n)]
    pairs = zip(kinds.tolist(), symbols.tolist(), strict=True)
    return (
        np.arange(1, n + 1),
        kinds,
        symbols,
        words(_ALERTS[kind].format(symbol) for kind, symbol in pairs),
        1 + random.choice(5, n, p=[0.46, 0.28, 0.15, 0.08, 0.03]),
        dismissed | (random.random(n) < 0.3),  # noqa: PLR2004 - a share
        dismissed,
        created,
    )


def _watchlists(world: World) -> Block:
    random = world.random("watchlists")
    n = world.counts.watchlists
    index = np.arange(n)
    return (
        index + 1,
        words(f"user{owner:04d}" for owner in (index // len(_LISTS) + 1).tolist()),
        _LISTS[index % len(_LISTS)],
        np.sort(recent(random, world.now, n, days=900)),
    )


def _lengths(world: World) -> Ints:
    """Return how many symbols each list has: one in a hundred is very long."""
    random = world.random("watchlist lengths")
    drawn = 3 * random.zipf(1.7, world.counts.watchlists)
    return np.minimum(drawn, min(200, len(world.symbols))).astype(np.int64)


def _items(world: World, lengths: Ints) -> Block:
    random = world.random("watchlist_items")
    chosen = [
        random.choice(len(world.symbols), length, replace=False, p=world.popularity)
        for length in lengths.tolist()
    ]
    symbols = world.symbols[np.concatenate(chosen)]
    return (
        np.repeat(np.arange(1, len(lengths) + 1), lengths),
        symbols,
        words(_NOTES)[random.integers(0, len(_NOTES), len(symbols))],
        recent(random, world.now, len(symbols), days=700),
    )


def _tasks(world: World) -> Block:
    random = world.random("tasks")
    n = world.counts.tasks
    created = np.sort(recent(random, world.now, n, days=90))
    status = random.choice(3, n, p=[0.94, 0.05, 0.01])
    status[-max(3, n // 200) :] = _PENDING
    status[-max(6, n // 100) : -max(3, n // 200)] = _RUNNING
    started = created + random.integers(1, 60, n).astype("timedelta64[s]")
    finished = started + np.ceil(random.exponential(20, n)).astype("timedelta64[s]")
    kinds = words(_TASKS)[random.integers(0, len(_TASKS), n)]
    failed = status == _FAILED
    return (
        np.arange(1, n + 1),
        kinds,
        words(_TASKS[kind] for kind in kinds.tolist()),
        _STATUSES[status],
        1 + random.choice(5, n, p=[0.05, 0.15, 0.6, 0.15, 0.05]),
        np.where(status == _PENDING, 0, np.where(failed, 3, 1)),
        words(_ERROR if wrong else None for wrong in failed.tolist()),
        created,
        unknown_where(started, (status == _PENDING) | (status == _CANCELLED)),
        unknown_where(finished, (status == _PENDING) | (status == _RUNNING)),
        created,
    )


def _switches(world: World) -> Block:
    random = world.random("automation_switches")
    n = len(_SWITCHES)
    return (
        words(_SWITCHES),
        random.random(n) < 0.7,  # noqa: PLR2004 - a share
        recent(random, world.now, n, days=60),
        words(["system", "operator"])[random.integers(0, 2, n)],
    )
