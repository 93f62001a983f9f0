"""The loop on prices given beforehand: what it decides, and what survives its end."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace as replace_of

from ava.cache.movement import Volatility
from ava.clock import ManualClock
from ava.errors import ConstraintError, DatabaseError, OutageError
from ava.signals import trading
from ava.signals.accounts import Component
from ava.signals.broker import PaperBroker
from ava.signals.config import TradingConfig
from ava.signals.decide import Rule
from ava.signals.loop import TradingLoop
from ava.signals.orders import holdings
from ava.signals.predictor import Baseline
from ava.signals.source import ScriptedSource, Snapshot, Tick
from ava.signals.store import MemoryStore

pytestmark = pytest.mark.anyio

AT = datetime(2026, 1, 5, 14, 30, tzinfo=UTC)
CONFIG = TradingConfig(symbols=("A", "B"), rule=Rule(confidence=0.05))


def snapshots(series, symbols=("A", "B"), first=0):
    """Return one snapshot a minute; each row has a price a symbol, None for none."""
    return [
        Snapshot(
            AT + timedelta(minutes=first + n),
            {
                s: Tick(p, AT + timedelta(minutes=first + n))
                for s, p in zip(symbols, row, strict=True)
                if p
            },
            calls=1,
            source="test",
        )
        for n, row in enumerate(series)
    ]


def wave(length):
    """Return prices of two symbols that go up and down."""
    return [
        (100 + 5 * ((n % 16) - 8) * (-1 if (n // 16) % 2 else 1) / 8, 50 + n * 0.3)
        for n in range(length)
    ]


def looping(source, store=None, broker=None, config=CONFIG):
    """Return a loop."""
    clock = ManualClock(jump=True)
    store = MemoryStore() if store is None else store
    return TradingLoop(config, source, store, broker or PaperBroker(), Baseline(), clock=clock)


async def run(loop):
    """Run a loop to the end of its prices and return its iterations."""
    await loop.resume()
    done = []
    while (iteration := await loop.step()) is not None:
        done.append(iteration)
    return done


async def test_a_symbol_that_did_not_move_is_skipped():
    """Its last signal stands."""
    prices = [(100.0, 50.0), (100.2, 50.4), (100.4, 50.4)]
    done = await run(looping(ScriptedSource(snapshots(prices))))
    assert [[s.symbol for s in i.signals] for i in done] == [["A", "B"], ["B"], []]
    assert [i.skipped for i in done] == [0, 1, 2]


async def test_a_symbol_is_looked_at_again_when_enough_is_known():
    """Else one that hardly moves would stand at "too little is known" for a day."""
    prices = [(100 + 0.01 * (n % 3), 50.0) for n in range(12)]
    done = await run(looping(ScriptedSource(snapshots(prices))))
    assert [n for n, i in enumerate(done) if "A" in [s.symbol for s in i.signals]] == [0, 7]
    assert done[7].signals[0].reason.startswith("momentum")


async def test_every_order_is_filled_once_and_holdings_are_the_fills():
    """What the store holds adds up."""
    store = MemoryStore()
    loop = looping(ScriptedSource(snapshots(wave(80))), store)
    done = await run(loop)
    assert store.orders.keys() == store.fills.keys()
    assert len(store.fills) == sum(len(i.fills) for i in done) > 4
    assert store.holdings == holdings(store.fills.values()) == loop.holdings


class KilledError(BaseException):
    """Stands for an end that no code sees."""


class Mortal(MemoryStore):
    """A store in whose writes the process ends, before or after they took effect."""

    def __init__(self, last, *, stored):
        super().__init__()
        self.writes, self.last, self.stored = 0, last, stored

    async def commit(self, decided):
        await self._die(super().commit, decided)

    async def settle(self, fills, held):
        await self._die(super().settle, fills, held)

    async def _die(self, write, *given):
        self.writes += 1
        if self.writes != self.last or self.stored:
            await write(*given)
        if self.writes == self.last:
            raise KilledError


@pytest.mark.parametrize("stored", [True, False])
async def test_an_end_at_any_write_loses_no_fill_and_doubles_none(stored):
    """A second run takes up what the first left; the orders stored are the fills stored."""
    prices = wave(40)
    for last in range(1, 40):
        store = Mortal(last, stored=stored)
        with pytest.raises(KilledError):
            await run(looping(ScriptedSource(snapshots(prices)), store))
        second = looping(ScriptedSource(snapshots(prices[20:], first=60)), store)
        await run(second)
        assert store.orders.keys() == store.fills.keys()
        assert dict(second.holdings) == holdings(store.fills.values())


class Away(MemoryStore):
    """A store that fails a few times after it has done what was asked for."""

    def __init__(self, failures):
        super().__init__()
        self.failures = failures

    async def commit(self, decided):
        await super().commit(decided)
        if self.failures:
            self.failures -= 1
            raise DatabaseError("the answer was lost")


async def test_a_write_whose_answer_was_lost_is_repeated_and_counts_once():
    """Trading waits for its store, and goes on where it was."""
    calm, lost = MemoryStore(), Away(3)
    await run(looping(ScriptedSource(snapshots(wave(40))), calm))
    await run(looping(ScriptedSource(snapshots(wave(40))), lost))
    assert (lost.orders, lost.fills, lost.signals) == (calm.orders, calm.fills, calm.signals)


async def test_what_no_repetition_cures_ends_the_loop():
    """A row that breaks a rule breaks it each time; the next run takes up what was stored."""

    class Refusing(MemoryStore):
        async def settle(self, *_):
            raise ConstraintError("no")

    store = Refusing()
    with pytest.raises(ConstraintError):
        await run(looping(ScriptedSource(snapshots(wave(40))), store))
    assert store.orders
    assert store.fills == {}


async def test_a_broker_that_is_away_is_waited_for():
    """Deciding anew on holdings without the fill would buy twice."""

    class Away(PaperBroker):
        failures = 3

        async def submit(self, order):
            if self.failures:
                self.failures -= 1
                raise OutageError("away", provider="broker")
            return await super().submit(order)

    calm, late = MemoryStore(), MemoryStore()
    await run(looping(ScriptedSource(snapshots(wave(40))), calm))
    await run(looping(ScriptedSource(snapshots(wave(40))), late, Away()))
    assert late.fills == calm.fills


async def test_one_price_asked_for_twice_is_one_bar():
    """A cached price is neither a return of nothing nor a bar that a signal waits for."""
    store = MemoryStore()
    rows = snapshots(wave(3))
    again = [replace(rows[1], at=rows[1].at + timedelta(seconds=n)) for n in (1, 2)]
    done = await run(looping(ScriptedSource([*rows[:2], *again, rows[2]]), store))
    assert [i.prices for i in done] == [2] * 5
    assert [i.skipped for i in done][2:4] == [2, 2]
    assert len(store.bars) == 6


async def test_a_price_of_before_the_restart_is_no_new_one():
    """What the first run decided on, the second does not decide on again."""
    store, rows = MemoryStore(), snapshots(wave(2))
    await run(looping(ScriptedSource(rows), store))
    done = await run(looping(ScriptedSource(rows), store))
    assert [i.signals for i in done] == [[], []]


async def test_a_loop_that_waits_for_its_store_can_be_stopped(monkeypatch):
    """It is left in the middle; the store has all of an iteration or nothing."""
    stop = asyncio.Event()

    class Gone(MemoryStore):
        async def commit(self, _):
            stop.set()
            raise DatabaseError("away")

    monkeypatch.setattr(trading, "_PATIENCE_S", 0.0)
    loop = TradingLoop(
        CONFIG, ScriptedSource(snapshots(wave(3))), Gone(), PaperBroker(), Baseline()
    )
    assert (await trading.trade(loop, stop=stop)).iterations == 0


async def test_a_symbol_without_a_price_keeps_its_state():
    """The other goes on; nothing is decided on a price that nobody gave."""
    prices = [(100.0, 50.0), (None, 51.0), (100.1, 52.0)]
    done = await run(looping(ScriptedSource(snapshots(prices))))
    assert [[s.symbol for s in i.signals] for i in done] == [["A", "B"], ["B"], ["B"]]
    assert done[1].missing == 1


async def test_an_old_price_is_no_price():
    """A provider that repeats this morning's price says nothing of now."""
    old = Snapshot(AT, {"A": Tick(100.0, AT - timedelta(hours=1)), "B": Tick(50.0, AT)})
    done = await run(looping(ScriptedSource([old])))
    assert [s.symbol for s in done[0].signals] == ["B"]


async def test_time_is_accounted_for_by_component():
    """The store takes a second, the broker none."""
    clock = ManualClock(jump=True)

    class Slow(MemoryStore):
        async def commit(self, decided):
            await clock.sleep(1)
            await super().commit(decided)

    source = ScriptedSource(snapshots(wave(3)))
    loop = TradingLoop(CONFIG, source, Slow(), PaperBroker(), Baseline(), clock=clock)
    done = await run(loop)
    assert [i.spent[Component.STORE] for i in done] == [1.0, 1.0, 1.0]
    assert loop.accounts.table()[Component.STORE].share == 1.0


async def test_the_volatility_that_was_given_is_the_one_that_learns():
    """The source asks it how long a price is kept."""
    volatility = Volatility()
    source = ScriptedSource(snapshots(wave(8)))
    loop = TradingLoop(
        CONFIG, source, MemoryStore(), PaperBroker(), Baseline(), volatility=volatility
    )
    await run(loop)
    assert volatility.is_high("A")


async def test_a_new_configuration_takes_effect_between_iterations():
    """The symbol that left is asked for no more, the one that came is new."""
    rows = [(100.0, 50.0, 20.0)] * 2
    loop = looping(ScriptedSource(snapshots(rows, symbols=("A", "B", "C"))))
    await loop.step()
    loop.reconfigure(TradingConfig(symbols=("A", "C")))
    done = await loop.step()
    assert [s.symbol for s in done.signals] == ["C"]


async def test_what_memory_is_laid_out_by_needs_a_restart():
    """The message says so."""
    for name, value in {"window": 32, "slippage": 0, "noise": 0.1, "opinion": "xai"}.items():
        with pytest.raises(ValueError, match=f"{name} can be changed by a restart"):
            looping(ScriptedSource([])).reconfigure(replace_of(CONFIG, **{name: value}))
