"""Scans in the cache: one layer, canonical keys, and dropped when a price has moved.

A scan is kept under everything that it was asked for (its symbols and sectors among it), and under
the tag of each symbol. The prices that a scan sees on its way go to one watch: where one moved by
half a percent since it was last significant, all that was computed from that symbol is dropped,
here and in other processes. The scan that saw it is newer than the move, and is put back.

A scan that could not ask for every symbol is answered and not kept. While an older whole one may
still be served, that one is, marked as stale.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ava.cache.freshness import Freshness, symbol_tag
from ava.cache.keep import Keep
from ava.cache.movement import MoveWatch
from ava.errors import NotFoundError
from ava.net.deadline import within
from ava.providers.asking import Partial
from ava.services.by_symbol import telling
from ava.services.fresh import Fresh

if TYPE_CHECKING:
    from ava.core import Core

S = TypeVar("S")

DEADLINE_S = 25.0  # within the API's own


@dataclass(frozen=True, slots=True)
class Seen(Generic[S]):
    """A scan just made, with the prices it saw and why it lacks some symbols."""

    scan: S
    spots: Partial[float | None]


class _PartialError(Exception):
    """Carries a scan that lacks symbols past the cache, which must not keep it."""

    def __init__(self, scan: Any) -> None:
        super().__init__("some symbols could not be asked for")
        self.scan = scan


class Scans:
    """The scans of one platform, and the watch over the prices that they see."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._watch = MoveWatch()
        self.freshness = Freshness(clock=core.clock)

    async def kept(
        self, key: str, make: Callable[[], Awaitable[Seen[S]]], *, kind: type[S], keep: Keep
    ) -> Fresh[S]:
        """Return the scan under `key`, or make it; raise the failure that all symbols share."""
        moved = False

        async def fetch() -> S:
            nonlocal moved
            with within(DEADLINE_S, self._core.clock):
                seen = await make()
            if seen.spots.errors and not seen.spots.values:
                raise telling(seen.spots.errors)
            moved = await self.saw(_prices(seen.spots))
            if any(not isinstance(e, NotFoundError) for e in seen.spots.errors.values()):
                raise _PartialError(seen.scan)
            return seen.scan

        try:
            fresh = await self._core.kept(key, fetch, kind=kind, keep=keep)
        except _PartialError as partial:
            return Fresh(partial.scan, 0.0, keep.tags)
        if not moved or fresh.stale:
            return fresh
        cache = self._core.platform.cache
        await cache.put(key, fresh.value, keep)
        return Fresh(fresh.value, max(0.0, cache.left_s(key) or 0.0), keep.tags)

    async def saw(self, prices: Mapping[str, float]) -> bool:
        """Take note of prices; drop what rests on those that moved, and say whether any did."""
        tags = [tag for symbol, price in prices.items() for tag in self._watch.moved(symbol, price)]
        if tags:
            await self._core.platform.cache.invalidate_tags(*tags)
        return bool(tags)


def tagged(keep: Keep, symbols: Iterable[str]) -> Keep:
    """Return the rule with the tags of the symbols that a scan rests on."""
    return replace(keep, tags=(*keep.tags, *sorted(symbol_tag(symbol) for symbol in symbols)))


def _prices(spots: Partial[float | None]) -> dict[str, float]:
    return {symbol: price for symbol, price in spots.values.items() if price and price > 0}
