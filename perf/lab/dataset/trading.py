"""Accounts and what they did: wheel cycles, positions, trades, and the value of each day.

Accounts follow the market's returns with a temperament of their own; weekends change nothing. A
day's change is the difference of two stored values, to the cent, and a trade's total the product of
its stored quantity and price. Trades happen in session hours, more of them lately and near the
open and the close, and reach the table almost in order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from perf.lab.dataset.sessions import (
    DAY,
    SATURDAY,
    SESSION_S,
    Moments,
    session_open,
    weekday,
    written_order,
)
from perf.lab.dataset.table import Block, Column, Ints, Table, columnar, unknown_where, words
from perf.lab.dataset.world import World

_TRADED_DAYS = 756  # sessions: three years
_BLOCK_ROWS = 65_536
_WHEELED_STOCKS = 6
_HELD_STOCKS = 8
_CYCLES_SPAN_S = 720 * 86_400


def tables(world: World) -> Iterator[Table]:
    """Yield the tables of this module, parents first."""
    amounts = world.counts
    yield columnar(
        "trading_accounts",
        "id account_name created_at",
        amounts.accounts,
        lambda: [_accounts(world)],
    )
    cycles = _cycles(world)
    yield columnar(
        "wheel_cycles",
        "id account_id stock_id cycle_number opened_at closed_at",
        len(cycles.account),
        lambda: [_cycle_rows(cycles)],
    )
    yield columnar(
        "positions",
        "id account_id stock_id cycle_id quantity entry_price current_price opened_at closed_at",
        len(cycles.account) + amounts.accounts * _HELD_STOCKS,
        lambda: [_positions(world, cycles)],
    )
    yield columnar(
        "trade_history",
        "id account_id symbol action quantity price total_value order_type executed_at",
        amounts.trades,
        lambda: _trades(world),
    )
    yield columnar(
        "portfolio_history",
        "account_id date portfolio_value day_change day_change_pct",
        amounts.accounts * amounts.history_days,
        lambda: _history(world),
    )
    yield columnar(
        "portfolio_balances",
        "account_id date portfolio_value cash total_equity",
        amounts.accounts * amounts.balance_days,
        lambda: [_balances(world)],
    )


def _accounts(world: World) -> Block:
    ids = np.arange(1, world.counts.accounts + 1)
    days = world.counts.history_days
    return (
        ids,
        words(f"Account {number:03d}" for number in ids.tolist()),
        np.full(len(ids), world.now - np.timedelta64(days, "D")),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Cycles:
    account: Ints
    stock: Ints  # an index, not an id
    number: Ints
    opened: Moments
    closed: Moments
    running: Column


def _cycles(world: World) -> _Cycles:
    """Draw one to three wheel cycles, one after the other, for some stocks of each account."""
    random = world.random("wheel_cycles")
    chosen = _distinct_stocks(world, random, _WHEELED_STOCKS)
    repeats = random.integers(1, 4, len(chosen))
    number = np.concatenate([np.arange(1, count + 1) for count in repeats.tolist()])
    of = np.repeat(repeats, repeats)
    length_s = _CYCLES_SPAN_S // of
    opened = world.now - (length_s * (of - number + 1)).astype("timedelta64[s]")
    opened += random.integers(0, 5 * 86_400, len(of)).astype("timedelta64[s]")
    closed = opened + np.rint(length_s * (0.6 + 0.3 * random.random(len(of)))).astype(
        "timedelta64[s]"
    )
    return _Cycles(
        account=np.repeat(np.repeat(np.arange(world.counts.accounts), _WHEELED_STOCKS), repeats),
        stock=np.repeat(chosen, repeats),
        number=number,
        opened=opened,
        closed=closed,
        running=(number == of) & (random.random(len(of)) < 0.7),  # noqa: PLR2004 - a share
    )


def _distinct_stocks(world: World, random: np.random.Generator, n: int) -> Ints:
    """Draw `n` different stocks for each account, account after account."""
    return np.concatenate(
        [
            random.choice(len(world.symbols), n, replace=False, p=world.popularity)
            for _ in range(world.counts.accounts)
        ]
    )


def _cycle_rows(cycles: _Cycles) -> Block:
    return (
        np.arange(1, len(cycles.account) + 1),
        cycles.account + 1,
        cycles.stock + 1,
        cycles.number,
        cycles.opened,
        unknown_where(cycles.closed, cycles.running),
    )


def _positions(world: World, cycles: _Cycles) -> Block:
    """One position for each wheel cycle, then shares that are simply held."""
    random = world.random("positions")
    held = world.counts.accounts * _HELD_STOCKS
    wheeled = len(cycles.account)
    stock = np.concatenate([cycles.stock, _distinct_stocks(world, random, _HELD_STOCKS)])
    since = world.now - random.integers(1, 400 * 86_400, held).astype("timedelta64[s]")
    opened = np.concatenate([cycles.opened, since])
    closed = np.concatenate([cycles.closed, np.full(held, world.now)])
    is_open = np.concatenate([cycles.running, np.full(held, fill_value=True)])
    seen = np.where(is_open, np.full(len(opened), world.now), closed)
    ids = np.arange(1, wheeled + held + 1)
    return (
        ids,
        np.concatenate([cycles.account, np.arange(held) // _HELD_STOCKS]) + 1,
        stock + 1,
        unknown_where(ids, ids > wheeled),
        100 * random.integers(1, 11, len(ids)),
        world.prices(stock, opened) / 100,
        world.prices(stock, seen) / 100,
        opened,
        unknown_where(closed, is_open),
    )


def _trades(world: World) -> Iterator[Block]:
    random = world.random("trade_history")
    executed = _executions(world, random)
    for first in range(0, len(executed), _BLOCK_ROWS):
        yield _trade_block(world, random, first, executed[first : first + _BLOCK_ROWS])


def _executions(world: World, random: np.random.Generator) -> Moments:
    """Draw session times, denser lately and at both ends of the session, as they are written."""
    days = world.days[-_TRADED_DAYS:]
    weight = np.exp(-np.arange(len(days))[::-1] / 250)
    day = random.choice(len(days), size=world.counts.trades, p=weight / weight.sum())
    into_us = np.floor(random.beta(0.6, 0.6, len(day)) * SESSION_S * 1e6).astype(np.int64)
    moments = session_open(days)[day].astype("datetime64[us]") + into_us.astype("timedelta64[us]")
    return np.asarray(moments[written_order(random, moments)])


def _trade_block(world: World, random: np.random.Generator, first: int, executed: Moments) -> Block:
    n = len(executed)
    symbol = world.pick(random, n)
    noise = 1 + 0.004 * random.standard_normal(n)
    price = np.maximum(np.rint(world.prices(symbol, executed) * noise).astype(np.int64), 1)
    quantity = 100 * np.ceil(random.lognormal(3, 1.2, n)).astype(np.int64)
    fractional = random.random(n) < 0.06  # noqa: PLR2004 - a share
    quantity = np.where(fractional, quantity // 4 + 25, quantity)  # hundredths of a share
    return (
        np.arange(first + 1, first + n + 1),
        random.integers(1, world.counts.accounts + 1, n),
        world.symbols[symbol],
        words(["buy", "sell"])[(random.random(n) < 0.46).astype(np.int64)],  # noqa: PLR2004 - a share
        quantity / 100,
        price / 100,
        quantity * price / 10_000,
        words(["market", "limit", "stop"])[random.choice(3, n, p=[0.55, 0.38, 0.07])],
        executed,
    )


def _values(world: World) -> tuple[Column, Ints]:
    """Return the calendar days, and each day's value of each account in cents."""
    random = world.random("portfolio_history")
    days = world.today - np.arange(world.counts.history_days)[::-1] * DAY
    accounts = world.counts.accounts
    beta = 0.3 + 1.1 * random.random(accounts)
    own = 0.005 * random.standard_normal((len(world.days), accounts))
    returns = np.zeros((len(days), accounts), dtype=np.int64)
    traded = np.rint(world.market[:, None] * beta + (own + 2e-4) * 1e6).astype(np.int64)
    returns[weekday(days) < SATURDAY] = traded
    start = np.exp(11.5 + random.standard_normal(accounts)).clip(5_000, 5_000_000)
    cents = np.rint(100 * start * np.exp(returns.cumsum(axis=0) / 1e6)).astype(np.int64)
    return days, cents


def _history(world: World) -> Iterator[Block]:
    """Yield what a nightly job wrote: day after day, all accounts of a day together."""
    days, values = _values(world)
    before = np.vstack([values[:1], values[:-1]])
    changes = values - before
    accounts = np.arange(1, world.counts.accounts + 1)
    step = max(1, _BLOCK_ROWS // len(accounts))
    for first in range(0, len(days), step):
        part = slice(first, first + step)
        yield (
            np.tile(accounts, len(days[part])),
            np.repeat(days[part], len(accounts)),
            values[part].ravel() / 100,
            changes[part].ravel() / 100,
            (100 * changes[part] / before[part]).ravel(),
        )


def _balances(world: World) -> Block:
    random = world.random("portfolio_balances")
    days, values = _values(world)
    kept = world.counts.balance_days
    invested = values[-kept:].ravel()
    cash = np.rint(invested * (0.02 + 0.2 * random.random(len(invested)))).astype(np.int64)
    accounts = np.arange(1, world.counts.accounts + 1)
    return (
        np.tile(accounts, kept),
        np.repeat(days[-kept:], len(accounts)),
        invested / 100,
        cash / 100,
        (invested + cash) / 100,
    )
