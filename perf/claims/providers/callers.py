"""One of many processes that ask Alpha Vantage; it imports little, so that many start quickly."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from ava.errors import QuotaExhaustedError
from ava.net.gateway import Gateway
from ava.providers import alpha_vantage
from ava.section import Secret
from ava.settings import ProviderKeys
from perf.lab.swarm import Start

PACE = 50.0  # of the limiter: one call in 20 ms, so that many are cut off in the middle of theirs


async def member(start: Start, url: str, key: str, ledger: str, symbols: Sequence[str]) -> int:
    """Ask for all quotes through the real client; return how many the quota refused."""
    gateway = Gateway(
        ProviderKeys(alpha_vantage=Secret(key)),
        urls={alpha_vantage.NAME: url},
        ledger=Path(ledger),
        pace=PACE,
    )
    feed = alpha_vantage.AlphaVantage(gateway.client(alpha_vantage.SPEC))
    await start.wait()
    asked = (feed.quote(symbol, keep=None) for symbol in symbols)
    found = await asyncio.gather(*asked, return_exceptions=True)
    await gateway.aclose()
    refused = [each for each in found if isinstance(each, QuotaExhaustedError)]
    for error in found:
        if isinstance(error, BaseException) and error not in refused:
            raise error
    return len(refused)
