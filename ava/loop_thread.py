"""An event loop on a thread of its own, for callers that have none."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def loop_thread(name: str) -> Iterator[asyncio.AbstractEventLoop]:
    """Run a loop on a daemon thread called `name` until the block is left."""
    ready: list[asyncio.AbstractEventLoop] = []
    started, stop = threading.Event(), asyncio.Event()

    async def live() -> None:
        ready.append(asyncio.get_running_loop())
        started.set()
        await stop.wait()

    thread = threading.Thread(target=asyncio.run, args=(live(),), name=name, daemon=True)
    thread.start()
    started.wait()
    try:
        yield ready[0]
    finally:
        ready[0].call_soon_threadsafe(stop.set)
        thread.join()
