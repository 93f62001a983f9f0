"""The option scanner of document 000.5: the best put to sell of each symbol, near a day to come.

Symbols may be narrowed to sectors and to stocks up to a price. Sectors are part of the question and
so of its key, and are looked up before a chain is asked for: what is not wanted costs no call. The
answer lasts a minute while the market is open and half an hour while it is closed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import asdict, replace

from ava.cache import ttls
from ava.cache.freshness import SCANS
from ava.cache.keys import key
from ava.errors import ProviderError
from ava.problems import Problem
from ava.providers.asking import Partial
from ava.providers.market import OptionChain
from ava.services.by_symbol import problems
from ava.services.chains import nearest, read_chains
from ava.services.fresh import Fresh
from ava.services.metadata import MetadataService
from ava.services.premium import Candidate, Criteria, Strategy, rank
from ava.services.scan_run import ScanRun
from ava.services.scans import Scans, Seen, tagged
from ava.services.volatilities import Volatilities

if TYPE_CHECKING:
    from ava.core import Core

# Sellers of puts want them out of the money; all else that matters is asked for.
_CRITERIA = Criteria(min_delta=0.0, max_delta=0.5, max_spread=0.25, max_days=10_000)


class ScanQuestion(Struct, frozen=True, kw_only=True):
    """What is scanned: `min_premium_pct` is in per cent of the strike, `days` is to expiry."""

    symbols: frozenset[str]
    max_price: float | None = None
    min_premium_pct: float = 1.0
    days: int = 30
    sectors: frozenset[str] = frozenset()

    @property
    def key(self) -> str:
        """The canonical name of the question."""
        return key("scan", **asdict(self))


class Scanned(Struct, frozen=True, kw_only=True):
    """A symbol's best put; its sector where sectors were asked for."""

    symbol: str
    sector: str | None
    best: Candidate


class OptionScan(Struct, frozen=True, kw_only=True):
    """The best first. `passed_over` counts symbols, `dropped` contracts, each by its reason."""

    results: list[Scanned]
    passed_over: dict[str, int]
    dropped: dict[str, int]
    failed: dict[str, Problem]


class OptionScanner:
    """Scans of puts over many symbols."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._scans = core.service(Scans)

    async def scan(self, question: ScanQuestion) -> Fresh[OptionScan]:
        """Return the scan, from the cache where it was made lately."""
        keep = tagged(self._scans.freshness.keep(SCANS, like=ttls.SCAN), question.symbols)
        return await self._scans.kept(
            question.key, lambda: self._made(question), kind=OptionScan, keep=keep
        )

    async def _made(self, question: ScanQuestion) -> Seen[OptionScan]:
        sectors = await self._sectors(question)
        wanted = [s for s, sector in sectors.values.items() if _fits(sector, question.sectors)]
        now, volatilities = self._core.clock.now(), self._core.service(Volatilities)
        run = _Run(question, now, await volatilities.ranks(wanted, now.date()))
        spots = await read_chains(self._core, wanted, run.choose, run.read)
        await volatilities.note(run.levels, run.today)
        run.pass_over("sector", len(sectors.values) - len(wanted))
        answered = {**dict.fromkeys(sectors.values.keys() - set(wanted)), **spots.values}
        errors = {**sectors.errors, **spots.errors}
        return Seen(run.result(sectors.values, errors), Partial(answered, errors))

    async def _sectors(self, question: ScanQuestion) -> Partial[str | None]:
        """Return the sector of each symbol; where sectors are not asked for, None of all."""
        symbols = sorted(question.symbols)
        if not question.sectors:
            return Partial(dict.fromkeys(symbols), {})
        found = await self._core.service(MetadataService).found(symbols)
        held = {name: fresh.value.sector for name, fresh in found.values.items()}
        return Partial(held, found.errors)


class _Run(ScanRun):
    """One scan under way: chooses expiries, and keeps the best put of each symbol."""

    def __init__(self, question: ScanQuestion, now: datetime, ranks: Mapping[str, float]) -> None:
        super().__init__(now, ranks)
        self._question = question
        self._criteria = replace(_CRITERIA, min_premium=question.min_premium_pct / 100)
        self._best: dict[str, Candidate] = {}

    def choose(self, symbol: str, first: OptionChain) -> list[date]:
        """Take the expiry nearest to the days asked for, unless the stock is too dear."""
        under, most = self.meet(symbol, first), self._question.max_price
        if under is None:
            return []
        if most is not None and under.price > most:
            self.pass_over("price")
            return []
        expires = nearest(first.expirations, self.today, self._question.days)
        if expires is None:
            self.pass_over("no_expiry")
            return []
        return [expires]

    def read(self, symbol: str, chain: OptionChain) -> None:
        """Keep the best put of a chain."""
        found = self.sifted(symbol, chain, Strategy.PUT, self._criteria)
        if found:
            self._best[symbol] = max(found, key=rank)

    def result(
        self, sectors: Mapping[str, str | None], errors: Mapping[str, ProviderError]
    ) -> OptionScan:
        """Return what was found, without symbols that failed after all."""
        best = [one for symbol, one in self._best.items() if symbol not in errors]
        asked = bool(self._question.sectors)
        return OptionScan(
            results=[
                Scanned(symbol=one.symbol, sector=sectors[one.symbol] if asked else None, best=one)
                for one in sorted(best, key=rank, reverse=True)
            ],
            passed_over=self.passed_over,
            dropped=self.dropped,
            failed=problems(errors),
        )


def _fits(sector: str | None, wanted: frozenset[str]) -> bool:
    return not wanted or sector in wanted
