"""What a call pays before it is made: a permit, a place behind the breaker, a unit of quota."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ava.net.breaker import Breaker
from ava.net.ledger import Ledger
from ava.net.limiter import LocalLimiter
from ava.net.limits import gate
from ava.net.quota import Book, taken
from ava.net.spec import BreakerRule, Limit, Priority, Rate, Window

FREE = Rate(1e9, 1.0, 1e9)
WIDE = Window(1000, 1e-9)


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """Open an event loop of the benchmark's own."""
    opened = asyncio.new_event_loop()
    yield opened
    opened.close()


@pytest.mark.parametrize("limits", [[FREE], [WIDE], [FREE, WIDE]], ids=["rate", "window", "both"])
def test_gate_take(benchmark: Any, limits: list[Limit]) -> None:
    """A permit that is there, without the coroutine around it."""
    moments = iter(range(10**9))
    tried = gate(limits)
    benchmark(lambda: tried.take(next(moments)))


def test_acquire_a_hundred(benchmark: Any, loop: asyncio.AbstractEventLoop) -> None:
    """A hundred permits that nobody else wants."""
    limiter = LocalLimiter("bench", [FREE])

    async def run() -> None:
        for _ in range(100):
            await limiter.acquire()

    benchmark(lambda: loop.run_until_complete(run()))


def test_a_hundred_waiters(benchmark: Any, loop: asyncio.AbstractEventLoop) -> None:
    """A hundred callers of both kinds who wait in line for a microsecond each."""
    limiter = LocalLimiter("bench", [Rate(1e6)])

    async def run() -> None:
        await asyncio.gather(*(limiter.acquire(priority=Priority(i % 2)) for i in range(100)))

    benchmark(lambda: loop.run_until_complete(run()))


def test_breaker_closed(benchmark: Any) -> None:
    """In and out of the closed breaker."""
    breaker = Breaker("bench", BreakerRule())

    def run() -> None:
        breaker.leave(breaker.enter(), ok=True)

    benchmark(run)


def test_ledger_take(benchmark: Any, tmp_path: Path) -> None:
    """One unit written down and on disk."""
    ledger = Ledger(tmp_path / "ledger")

    def take(book: Book | None) -> Book | None:
        return taken(book or Book("2026-01-05"), 1, 10**9, 0.0)

    benchmark(lambda: ledger.change("bench", take))
