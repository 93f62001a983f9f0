"""Rows T1 and T10: a store or a provider that goes away in mid-iteration, and rules that change.

The loop trades on PostgreSQL through a proxy that is cut at seeded moments, while orders go to a
broker that writes down each execution (`perf.claims.trading.child`). A provider's outage is a real
simulated one, over HTTP.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from ava.db.pool import Database
from ava.errors import ProviderError
from ava.section import Secret
from ava.settings import DatabaseSettings
from ava.signals.broker import PaperBroker
from ava.signals.config import TradingConfig
from ava.signals.decide import Rule
from ava.signals.loop import TradingLoop
from ava.signals.predictor import Baseline
from ava.signals.reload import ConfigFile
from ava.signals.source import Snapshot, Source
from ava.signals.store import MemoryStore, Store
from ava.signals.store_postgres import PostgresTrading
from ava.signals.trading import trade
from perf.claim import Category, Plan, claim, exactly
from perf.claims.database.prepared import empty_copy
from perf.claims.trading.child import CONFIG, RecordingBroker, Scripted, executions, run
from perf.claims.trading.kills import added, faults, kept_in_postgres
from perf.claims.trading.stage import Given, Stage, names
from perf.instruments import Count, Counted
from perf.lab.lab import Lab, Profile
from perf.lab.providers import Fault, Kind
from perf.lab.proxy import Proxy

_AWAY_S = 0.6


@claim(
    id="T1.store-away",
    rows=["T1"],
    profiles=("full",),
    title="Cutting PostgreSQL off in mid-iteration loses no order and doubles none",
    source="product target",
    category=Category.RESILIENCE,
    target=exactly(0, "faults"),
    needs=["schema"],
    deadline_s=180,
)
def store_away(lab: Lab) -> Plan:
    """Cut all connections of two loops again and again while each trades to an end.

    Two at once, since most of the time goes by waiting for a store that is away.
    """
    looks, cuts = (150, 15) if lab.profile is Profile.FULL else (60, 4)

    # Made before either begins: the copying blocks the loop, and a connection waits for 0.2 s.
    databases = [(empty_copy(lab), empty_copy(lab)) for _ in range(2)]

    async def one(turn: int) -> Counted:
        name, calm = databases[turn]
        proxy, broker = lab.proxy(), lab.scratch / f"executions{turn}.txt"
        dsn = lab.dsn_via(proxy, name)
        rng = random.Random(lab.seed + turn)  # noqa: S311 - moments of cuts
        waits = await _cut_while_trading(rng, proxy, dsn, broker, looks, cuts)
        await run(lab.dsn(calm), lab.scratch / f"calm{turn}.txt", looks)
        kept = await asyncio.to_thread(kept_in_postgres, lab.dsn(name))
        theirs = await asyncio.to_thread(kept_in_postgres, lab.dsn(calm))
        found = faults(kept, executions(broker), theirs)
        facts = {
            "cuts": cuts,
            "of them half for": f"{_AWAY_S} s",
            "looks": looks,
            "writes repeated by the loop": waits,
            "orders": len(kept.orders),
            "table": {"columns": ["fault", "found"], "rows": [list(row) for row in found.items()]},
        }
        return Counted(sum(found.values()), facts)

    async def count() -> Counted:
        async with asyncio.TaskGroup() as at_once:
            loops = [at_once.create_task(one(turn)) for turn in range(2)]
        return added([loop.result() for loop in loops])

    return Count(count, "faults", repeats=1)


async def _cut_while_trading(  # noqa: PLR0913, PLR0917 - the scene, once
    rng: random.Random, proxy: Proxy, dsn: str, broker: Path, looks: int, cuts: int
) -> int:
    """Trade through the proxy while it is cut; return how often the loop had to repeat a write."""
    settings = DatabaseSettings(url=Secret(dsn), pool_min=1, pool_max=2, connect_timeout_s=0.2)
    async with Database(settings) as database:
        counted = _Counting(PostgresTrading(database))
        source = Scripted(0, looks)
        loop = TradingLoop(CONFIG, source, counted, RecordingBroker(broker), Baseline())
        await loop.resume()
        at = sorted(rng.sample(range(2, looks - 2), cuts))
        while (number := source.number) < looks:
            if at and number >= at[0]:
                at.pop(0)
                later = asyncio.get_running_loop().call_later
                refuse = len(at) % 2 == 0  # half of them last: longer than the pool tries by itself
                later(rng.uniform(0, 0.004), partial(proxy.cut, refuse=refuse))
                later(_AWAY_S, proxy.resume)
            await loop.step()
        return counted.failed


class _Counting:
    """A store that counts the writes that failed."""

    def __init__(self, store: Store) -> None:
        self._store, self.failed = store, 0
        self.resume = store.resume

    async def commit(self, decided: Any) -> None:
        """Pass it on."""
        await self._count(self._store.commit(decided))

    async def settle(self, fills: Any, held: Any) -> None:
        """Pass it on."""
        await self._count(self._store.settle(fills, held))

    async def _count(self, write: Any) -> None:
        try:
            await write
        except Exception:  # whatever it is: it is counted, and raised on
            self.failed += 1
            raise


@claim(
    id="T1.provider-away",
    rows=["T1"],
    profiles=("full",),
    title="A provider that is away leaves symbols without a price, decides nothing, loses nothing",
    source="product target",
    category=Category.RESILIENCE,
    target=exactly(0, "faults"),
)
async def provider_away(lab: Lab) -> Plan:
    """Let Massive fail from the tenth iteration on for ten, and hold orders against fills."""
    stage, symbols = Stage(lab), names(20)
    simulation = stage.massive(latency_s=0.0)

    async def count() -> Counted:
        store = MemoryStore()
        source = _Reporting(stage.asked(simulation))
        rule = Rule(confidence=0.01)
        loop = await stage.loop(symbols, source, store, rule=rule)
        seen: Counter[str] = Counter()
        for number in range(30):
            if number in {10, 20}:
                away = [Fault(Kind.STATUS, times=None, status=503)] if number == 10 else []
                simulation.fault("massive", away)
            done = await loop.step()
            if done is not None:
                seen["without a price"] += done.missing
                seen["decided on none"] += 10 <= number < 20 and len(done.signals)
        wrong = len(store.orders.keys() ^ store.fills.keys()) + seen["decided on none"]
        facts = {
            "iterations": 30,
            "of them without the provider": 10,
            "symbols without a price, added up": seen["without a price"],
            "orders": len(store.orders),
        }
        return Counted(wrong + abs(seen["without a price"] - 10 * len(symbols)), facts)

    return stage.ending(Count(count, "faults", repeats=1))


class _Reporting:
    """A source whose failure is a reason, as the loop's own is."""

    def __init__(self, source: Source) -> None:
        self._source = source

    async def snapshot(self, symbols: Any) -> Snapshot | None:
        """Ask, and answer with nothing where that fails."""
        given = await Given(symbols).snapshot(symbols)
        try:
            return await self._source.snapshot(symbols)
        except ProviderError as error:
            return Snapshot(given.at, {}, dict.fromkeys(symbols, str(error)))


@claim(
    id="T10.reload",
    rows=["T10"],
    title="A changed configuration holds from the next iteration on, a wrong one never",
    source="003 future enhancements",
    category=Category.RESILIENCE,
    target=exactly(0, "iterations by the wrong rules"),
)
def reload(lab: Lab) -> Plan:
    """Change the file between iterations: other symbols, nonsense, then a third list."""
    path = lab.scratch / "trade.toml"
    texts = {0: '["A"]', 5: '["A", "B"]', 10: "3", 15: '["C"]'}
    wanted = ["A"] * 5 + ["AB"] * 10 + ["C"] * 5

    async def count() -> Counted:
        asked: list[str] = []

        def write() -> None:
            if (text := texts.get(len(asked))) is not None:
                path.write_text(f"interval_s = 0\nsymbols = {text}\n", encoding="ascii")

        class Watched(Given):
            async def snapshot(self, symbols: Any) -> Snapshot:
                asked.append("".join(symbols))
                write()
                return await super().snapshot(symbols)

        write()
        file = ConfigFile(path)
        source = Watched(("A", "B", "C"))
        loop = TradingLoop(file.config, source, MemoryStore(), PaperBroker(), Baseline())
        await trade(loop, stop=asyncio.Event(), file=file, most=len(wanted))
        wrong = sum(a != b for a, b in zip(asked, wanted, strict=True))
        return Counted(wrong, {"iterations": len(asked), "changes": texts})

    return Count(count, "iterations by the wrong rules")


@claim(
    id="T10.incremental",
    rows=["T10", "T2"],
    title="Of a thousand symbols only those that moved are decided on anew",
    source="003 future enhancements",
    category=Category.SCALABILITY,
    target=exactly(0, "signals too many or too few"),
)
def incremental(_lab: Lab) -> Plan:
    """Move one symbol more at each look, and count the signals."""
    symbols = names(1_000)

    async def count() -> Counted:
        source = _OneMore(symbols)
        config = TradingConfig(symbols=tuple(symbols))
        loop = TradingLoop(config, source, MemoryStore(), PaperBroker(), Baseline())
        wrong = signals = 0
        for number in range(30):
            done = await loop.step()
            # All at first, and once more when enough of them is known (the eighth price).
            wanted = len(symbols) if number in {0, 7} else number
            signals += 0 if done is None else len(done.signals)
            wrong += 0 if done is None else abs(len(done.signals) - wanted)
        return Counted(wrong, {"looks": 30, "symbols": len(symbols), "signals": signals})

    return Count(count, "signals too many or too few")


class _OneMore(Given):
    """At look n, n symbols have moved by one per cent since the look before."""

    def __init__(self, symbols: Any) -> None:
        super().__init__(symbols, step=0.0)
        self._prices = dict.fromkeys(symbols, 100.0)
        self._looks = 0

    async def snapshot(self, symbols: Any) -> Snapshot:
        """Move some, and answer with all."""
        for symbol in symbols[: self._looks]:
            self._prices[symbol] = round(self._prices[symbol] * 1.01, 4)
        self._looks += 1
        given = await super().snapshot(symbols)
        ticks = {s: replace(tick, price=self._prices[s]) for s, tick in given.ticks.items()}
        return replace(given, ticks=ticks)
