"""Row T1's other face: the loop over files of the past, which must say the same each time.

The real files are those of the folder that AVA_PERF_DATA names. What is wrong in a file is counted
by what it is and left out; a file whose symbols all have one and the same series is left out whole.
"""

from __future__ import annotations

import gzip
import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from ava.signals.files import ALIKE
from ava.signals.replay import ReplaySource
from perf.claim import Body, Category, Plan, at_least, at_most, claim, exactly
from perf.claims.trading.market import (
    CURRENCY,
    DAYS,
    HOURS,
    KNOWN_BAD,
    MINUTES,
    QUOTES,
    TRADES,
    looping,
    market_file,
    replayed,
)
from perf.instruments import Count, Counted, Memory
from perf.lab.guard import PACKAGE_ROOT
from perf.lab.lab import Lab, Profile

_FILES = (MINUTES, TRADES, QUOTES, CURRENCY, HOURS, DAYS)


def _command(path: Path, seed: int) -> dict[str, Any]:
    """Replay a file by the command, in a process whose strings hash by another seed."""
    done = subprocess.run(
        [sys.executable, "-m", "ava.cli", "trade", "--replay", str(path), "--json"],
        env={**os.environ, "PYTHONHASHSEED": str(seed)},
        cwd=PACKAGE_ROOT,
        capture_output=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return {name: value for name, value in found.items() if name != "components"}


@claim(
    id="T1.replay.same",
    rows=["T1"],
    profiles=("full",),
    title="Replays of a real file in processes of their own decide the same, to the last byte",
    source="product target",
    category=Category.RESILIENCE,
    target=exactly(0, "files with two results"),
    deadline_s=300,
)
def same(lab: Lab) -> Plan:
    """Replay minutes, and in full days and hours too, twice each with other hash seeds."""
    full = lab.profile is Profile.FULL
    names = (MINUTES, HOURS, DAYS, CURRENCY) if full else (MINUTES,)
    paths = [market_file(name) for name in names]

    def count() -> Counted:
        rows, different = [], 0
        for path in paths:
            with ThreadPoolExecutor(2) as both:  # nothing is timed: they may share the machine
                one, other = both.map(partial(_command, path), (1, 2))
            different += one != other
            counts = [one["decided"].get(what, 0) for what in ("orders", "fills")]
            rows.append([path.name, one["iterations"], *counts, one["digest"]])
        columns = ["file", "iterations", "orders", "fills", "digest of all decisions"]
        return Counted(different, {"table": {"columns": columns, "rows": rows}})

    return Count(count, "files with two results", repeats=1)


@claim(
    id="T1.replay.throughput",
    rows=["T1"],
    profiles=("full",),
    title="Real files are replayed at a thousand prices a second or more",
    source="product target",
    category=Category.THROUGHPUT,
    target=at_least(1000, "prices/s"),
    deadline_s=600,
)
def throughput(lab: Lab) -> Plan:
    """Replay the first moments of each file in this process; full: ten times as many."""
    paths = [market_file(name) for name in _FILES]
    most = 15_000 if lab.profile is Profile.FULL else 1_500

    async def count() -> Counted:
        rows, slowest = [], float("inf")
        for path in paths:
            source = ReplaySource([path])
            loop, prices, done = looping(source), 0, 0
            began = time.perf_counter()
            while done != most and (iteration := await loop.step()) is not None:
                prices, done = prices + iteration.prices, done + 1
            rate = prices / (time.perf_counter() - began)
            slowest = min(slowest, rate)
            rows.append([path.name, source.read, done, prices, round(rate), _said(source)])
        columns = ["file", "rows read", "iterations", "prices", "prices a second", "left out"]
        facts = {
            "figure": "the slowest file's",
            "work": "reading, detection, prediction, orders, fills, a digest of all of it",
            "table": {"columns": columns, "rows": rows},
        }
        return Counted(round(slowest), facts)

    return Count(count, "prices/s", repeats=1)


def _said(source: ReplaySource) -> str:
    faults = [f"{n} {what}" for file in source.faults().values() for what, n in file.items()]
    return ", ".join(faults) or "nothing"


# A file with one row of each fault, and how often each is to be found.
_BAD = {
    "A,2026-01-05 10:00,0,2,1,2,9": "price not above 0",
    "A,2026-01-05 10:01,1,2,1,-2,9": "price not above 0",
    "A,2026-01-05 10:02,1,1.5,1,2,9": "high or low within open and close",
    "A,2026-01-05 10:03,1,2,1,,9": "unreadable",
    "A,2026-01-05 09:59,1,2,1,2,9": "duplicate",
    "A,2026-01-05 09:00,1,2,1,2,9": "out of order",
}


@claim(
    id="T1.replay.bad-rows",
    rows=["T1"],
    title="Bad rows among good ones are all counted by what they are, and no other is",
    source="product target",
    category=Category.RESILIENCE,
    target=exactly(0, "rows miscounted"),
)
def bad_rows(lab: Lab) -> Plan:
    """Replay a file with zero and negative prices, an impossible bar, a repeat and a step back."""
    path = lab.scratch / "bad.csv"
    good = [f"A,2026-01-05 09:{n},{n},{n},{n},{n},1" for n in range(30, 60)]
    lines = ["symbol,datetime,open,high,low,close,volume", *good, *_BAD]
    path.write_text("\n".join(lines) + "\n", encoding="ascii")

    async def count() -> Counted:
        _, source, done = await replayed([path])
        found = Counter(source.faults().get(path.name, {}))
        wanted = Counter(_BAD.values())
        wrong = (found - wanted).total() + (wanted - found).total() + abs(done - len(good))
        return Counted(wrong, {"left_out": dict(found), "good rows": len(good), "iterations": done})

    return Count(count, "rows miscounted")


@claim(
    id="T1.replay.known-bad",
    rows=["T1"],
    title="Of a real file in which six symbols have one and the same series nothing is traded",
    source="product target",
    category=Category.RESILIENCE,
    target=exactly(0, "rows traded"),
)
def known_bad(_lab: Lab) -> Plan:
    """Replay the file of a real collection bug."""
    path = market_file(KNOWN_BAD)

    async def count() -> Counted:
        source = ReplaySource([path])
        symbols, traded = source.symbols(), 0
        while (snapshot := await source.snapshot(symbols)) is not None:
            traded += len(snapshot.ticks)
        facts = {
            "symbols": symbols,
            "left_out": dict(source.faults()),
            "rule": f"{ALIKE} closes or more that are another symbol's, bar for bar",
        }
        return Counted(traded, facts)

    return Count(count, "rows traded")


_SYMBOLS, _STEPS = 50, 10


def _memory(ticks: int, profiles: tuple[str, ...]) -> Callable[[Body], Body]:
    return claim(
        id="T1.memory.n{ticks}",
        rows=["T1", "T6"],
        title="Over {ticks:,} ticks of a streamed file the loop grows by less than 20 MB",
        source="004 memory optimisation; the bound is a product target",
        category=Category.RESOURCES,
        target=at_most(20, "MB"),
        profiles=profiles,
        cases=[{"ticks": ticks}],
        deadline_s=600,
    )


@_memory(50_000, ("quick",))
@_memory(1_000_000, ("full",))
def bounded(lab: Lab, ticks: int) -> Plan:
    """Stream trades of 50 symbols from a packed file, a second after the other."""
    path = lab.scratch / "ticks.csv.gz"
    _write_ticks(path, ticks, lab.seed)
    source = ReplaySource([path])
    loop = looping(source)
    a_step = ticks // _SYMBOLS // _STEPS
    done = Counter[str]()

    async def replay(_step: int) -> None:
        for _ in range(a_step):
            iteration = await loop.step()
            if iteration is None:
                raise RuntimeError("the file ended before its ticks did")
            done["prices"] += iteration.prices
            done["fills"] += len(iteration.fills)

    return Memory(
        replay,
        steps=_STEPS,
        operations=a_step * _SYMBOLS,
        check=lambda: done["prices"] == ticks and done["fills"] > 0,
        facts={
            "ticks": ticks,
            "symbols": _SYMBOLS,
            "kept": "64 prices a symbol, open signals of ten bars, holdings; decisions are counted",
            "reading": "resident memory of the process, garbage collected first",
        },
    )


def _write_ticks(path: Path, ticks: int, seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311 - walks of prices
    prices = [100.0] * _SYMBOLS
    with gzip.open(path, "wt", encoding="ascii", compresslevel=1) as file:
        file.write("symbol,date,ms_since_midnight,price,size\n")
        for second in range(ticks // _SYMBOLS):
            for number in range(_SYMBOLS):
                prices[number] *= 1 + rng.gauss(0, 0.001)
                at = f"202601{5 + second // 80_000:02},{second % 80_000 * 1000}"
                file.write(f"S{number},{at},{prices[number]:.4f},100\n")
