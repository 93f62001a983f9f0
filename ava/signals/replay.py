"""Past prices as a source of the loop, at full speed and the same every time.

Each moment of the files is one snapshot. The loop takes its time from the snapshots, so a replay
needs no clock and waits for nothing: the same files and the same configuration decide the same, in
the same order, which `Ledger.digest` makes easy to check. `Ledger` is a store that keeps counts and
not rows, for replays that are to leave nothing behind, however long they are.
"""

from __future__ import annotations

import hashlib
import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from pathlib import Path
from zoneinfo import ZoneInfo

from ava.signals.files import PriceFile, Row
from ava.signals.orders import Fill, Holding
from ava.signals.source import Snapshot
from ava.signals.store import Decided, Resumed

NEW_YORK = ZoneInfo("America/New_York")


class ReplaySource:
    """The prices of files, a moment a snapshot; times are those of `zone`."""

    def __init__(self, paths: Sequence[Path], zone: ZoneInfo = NEW_YORK) -> None:
        self.files = [PriceFile(path, zone) for path in paths]
        self._moments = self._grouped()

    def symbols(self) -> list[str]:
        """Return every symbol of the files, once."""
        return list(dict.fromkeys(symbol for file in self.files for symbol in file.symbols()))

    @property
    def read(self) -> int:
        """How many rows were read so far."""
        return sum(file.read for file in self.files)

    def faults(self) -> Mapping[str, Mapping[str, int]]:
        """Return what was left out, by file and fault."""
        return {
            file.path.name: dict(sorted(file.faults.items())) for file in self.files if file.faults
        }

    async def snapshot(self, symbols: Sequence[str]) -> Snapshot | None:
        """Return the next moment's prices of the symbols; None at the end."""
        wanted = set(symbols)
        for at, rows in self._moments:
            ticks = {row.symbol: row.tick for row in rows if row.symbol in wanted}
            if ticks:
                return Snapshot(at, ticks, source="replay")
        return None

    def _grouped(self) -> Iterator[tuple[datetime, list[Row]]]:
        merged = heapq.merge(*(file.rows() for file in self.files), key=lambda row: row.at)
        for at, rows in groupby(merged, key=lambda row: row.at):
            yield at, list(rows)


class Ledger:
    """A store that counts what it is given; `digest` names all of it, in its order."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._hash = hashlib.blake2b(digest_size=16)

    @property
    def digest(self) -> str:
        """The same for the same decisions in the same order."""
        return self._hash.hexdigest()

    async def resume(self, symbols: Sequence[str], *, window: int, bars: int) -> Resumed:  # noqa: ARG002 - a store's signature
        """Return nothing: a replay starts from nothing."""
        return Resumed()

    async def commit(self, decided: Decided) -> None:
        """Count what was decided."""
        self.counts["bars"] += len(decided.bars)
        self.counts.update(f"signals to {signal.action}" for signal in decided.signals)
        self.counts.update(f"outcomes: {outcome.ending}" for outcome in decided.outcomes)
        self.counts["orders"] += len(decided.orders)
        for what in (*decided.signals, *decided.outcomes, *decided.orders):
            self._hash.update(repr(what).encode())

    async def settle(self, fills: Sequence[Fill], held: Iterable[Holding]) -> None:
        """Count fills."""
        self.counts["fills"] += len(fills)
        for what in (*fills, *held):
            self._hash.update(repr(what).encode())
