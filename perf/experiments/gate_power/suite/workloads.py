"""What is measured: eight kinds of work that Python services do, each in equal units.

A workload is made once and then called; a call does `units` units, so that 105 units are 5 % more
work than 100, but for the call's own frame. The data are fixed: equal calls do equal work.
"""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .knob import EXTRA

UNITS = 100
Workload = Callable[[], object]

_LINE = re.compile(
    r"^(?P<when>\S+) (?P<level>[A-Z]+) \[(?P<thread>\d+)\] (?P<key>\w+)=(?P<value>.*)$"
)
_TOKEN = re.compile(r"\s*(?:(\d+)|(.))")


def units(name: str) -> int:
    """Return how many units a workload does in this copy of the suite."""
    return UNITS + EXTRA.get(name, 0)


def lru() -> Workload:
    """Return look-ups in a bounded cache, some of which hit: the same ones in each unit."""
    count = units("lru")

    def run() -> int:
        cache: OrderedDict[int, int] = OrderedDict()
        hits = 0
        for turn in range(count):
            for step in range(12):
                key = step * step % 48
                if key in cache:
                    cache.move_to_end(key)
                    hits += 1
                else:
                    cache[key] = turn
                    if len(cache) > 6:  # noqa: PLR2004 - the cache's bound
                        cache.popitem(last=False)
        return hits

    return run


def as_json() -> Workload:
    """Return documents written and read again."""
    count = units("as_json")
    document = {"id": 17, "name": "a market", "prices": [1.25, 2.5, 3.75], "open": True}

    def run() -> object:
        found: object = None
        for _ in range(count):
            found = json.loads(json.dumps(document))
        return found

    return run


def coroutines() -> tuple[Workload, Callable[[], None]]:
    """Return tasks that hand values on through a queue, and what closes their event loop."""
    count = units("coroutines")
    loop = asyncio.new_event_loop()

    async def hand_on() -> int:
        queue: asyncio.Queue[int] = asyncio.Queue(maxsize=1)

        async def give() -> None:
            for value in range(count):
                await queue.put(value)

        giver = asyncio.ensure_future(give())
        total = 0
        for _ in range(count):
            total += await queue.get()
        await giver
        return total

    return lambda: loop.run_until_complete(hand_on()), loop.close


def database() -> tuple[Workload, Callable[[], None]]:
    """Return look-ups by key in SQLite, and what closes it."""
    count = units("database")
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE quotes (id INTEGER PRIMARY KEY, symbol TEXT, price REAL)")
    rows = [(i, f"S{i:04}", i * 0.5) for i in range(500)]
    connection.executemany("INSERT INTO quotes VALUES (?, ?, ?)", rows)

    def run() -> float:
        total = 0.0
        for key in range(count):
            query = "SELECT price FROM quotes WHERE id = ?"
            total += connection.execute(query, (key,)).fetchone()[0]
        return total

    return run, connection.close


def parsing() -> Workload:
    """Return sums worked out by a parser of recursive descent."""
    count = units("parsing")
    text = "3 * (4 + 5) - 18 / (2 + 1) + 7"

    def run() -> float:
        return sum(_sum(_tokens(text)) for _ in range(count))

    return run


def _tokens(text: str) -> list[str]:
    found = [number or sign for number, sign in _TOKEN.findall(text)]
    return found[::-1]


def _sum(tokens: list[str]) -> float:
    value = _product(tokens)
    while tokens and tokens[-1] in "+-":
        sign = tokens.pop()
        other = _product(tokens)
        value = value + other if sign == "+" else value - other
    return value


def _product(tokens: list[str]) -> float:
    value = _atom(tokens)
    while tokens and tokens[-1] in "*/":
        sign = tokens.pop()
        other = _atom(tokens)
        value = value * other if sign == "*" else value / other
    return value


def _atom(tokens: list[str]) -> float:
    first = tokens.pop()
    if first != "(":
        return float(first)
    value = _sum(tokens)
    tokens.pop()
    return value


def sorting() -> Workload:
    """Return short lists of records sorted by two keys."""
    count = units("sorting")
    records = [((i * 37) % 11, (i * 53) % 29) for i in range(24)]

    def run() -> object:
        found: object = None
        for _ in range(count):
            found = sorted(records, key=lambda record: (record[1], -record[0]))
        return found

    return run


@dataclass(frozen=True, slots=True)
class _Point:
    x: float
    y: float

    def moved(self, dx: float, dy: float) -> _Point:
        return _Point(self.x + dx, self.y + dy)


def classes() -> Workload:
    """Return small immutable objects made from one another."""
    count = units("classes")

    def run() -> float:
        point = _Point(0.0, 0.0)
        for _ in range(count):
            for step in _steps():
                point = point.moved(step, -step)
        return point.x

    return run


def _steps() -> Iterator[float]:
    yield from (0.5, 1.5, -1.0, 0.25)


def regex() -> Workload:
    """Return lines of a log taken apart."""
    count = units("regex")
    line = "2026-03-01T09:30:00Z WARNING [7] latency=104.5 ms on route /api/v1/quotes"

    def run() -> int:
        total = 0
        for _ in range(count):
            match = _LINE.match(line)
            total += len(match["value"]) if match else 0
        return total

    return run
