"""The premium scanner: what selling puts or calls would bring, over many symbols and expiries.

Everything that qualifies is counted; of each symbol and expiry the best few are kept, so a scan is
small however wide it was asked, and the view by days to expiry is the same scan, grouped. It lasts
five minutes (000.15), in the platform's one bounded cache, and less where a stock has moved.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime
from heapq import nlargest
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import asdict, replace

from ava.cache import ttls
from ava.cache.keys import key
from ava.errors import ProviderError
from ava.problems import Problem
from ava.providers.market import OptionChain
from ava.services.by_symbol import problems
from ava.services.chains import check_size, read_chains, spread_over
from ava.services.fresh import Fresh
from ava.services.premium import Candidate, Criteria, Strategy, rank
from ava.services.scan_run import ScanRun
from ava.services.scans import Scans, Seen, tagged
from ava.services.volatilities import Volatilities

if TYPE_CHECKING:
    from ava.core import Core

KEPT = 3  # of a symbol and expiry
MOST = 1_000  # of a scan: half a megabyte in Redis


class PremiumQuestion(Struct, frozen=True, kw_only=True):
    """What is scanned; at most `expiries` of those within the criteria's days, spread over them."""

    symbols: frozenset[str]
    strategy: Strategy = Strategy.PUT
    criteria: Criteria = Criteria()
    expiries: int = 4

    @property
    def key(self) -> str:
        """The canonical name of the question."""
        named = asdict(self) | {"criteria": asdict(self.criteria)}
        return key("premium_scan", **named)


class PremiumScan(Struct, frozen=True, kw_only=True):
    """The best candidates first, of `found` in all.

    `dropped` counts contracts by what they failed, `passed_over` symbols by what they lack;
    `expiries_left_out` lie within the days asked for and were not looked at.
    """

    candidates: list[Candidate]
    found: int
    dropped: dict[str, int]
    passed_over: dict[str, int]
    expiries_left_out: int
    failed: dict[str, Problem]


class Expiry(Struct, frozen=True, kw_only=True):
    """One day of expiry: its best candidates, and the symbols that have any."""

    expires: date
    days: int
    symbols: int
    best_annualised: float
    candidates: list[Candidate]


class ExpiryView(Struct, frozen=True, kw_only=True):
    """A scan by days to expiry, the nearest first."""

    expiries: list[Expiry]
    expiries_left_out: int
    failed: dict[str, Problem]


class PremiumScanner:
    """Scans of premiums over many symbols."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._scans = core.service(Scans)

    async def scan(self, question: PremiumQuestion, *, limit: int = MOST) -> Fresh[PremiumScan]:
        """Return the scan with its best `limit` candidates, from the cache where made lately.

        Raises BadValueError for one that could take too many calls.
        """
        check_size(len(question.symbols), question.expiries)
        fresh = await self._scans.kept(
            question.key,
            lambda: self._made(question),
            kind=PremiumScan,
            keep=tagged(ttls.PREMIUM_SCAN, question.symbols),
        )
        if len(fresh.value.candidates) <= limit:
            return fresh
        return replace(fresh, value=replace(fresh.value, candidates=fresh.value.candidates[:limit]))

    async def by_expiry(self, question: PremiumQuestion, *, limit: int = KEPT) -> Fresh[ExpiryView]:
        """Return the same scan by days to expiry, with the best `limit` of each day."""
        fresh = await self.scan(question)
        view = _grouped(fresh.value, limit)
        return Fresh(view, fresh.fresh_s, fresh.tags, fresh.stale)

    async def _made(self, question: PremiumQuestion) -> Seen[PremiumScan]:
        now, volatilities = self._core.clock.now(), self._core.service(Volatilities)
        run = _Run(question, now, await volatilities.ranks(question.symbols, now.date()))
        spots = await read_chains(self._core, sorted(question.symbols), run.choose, run.read)
        await volatilities.note(run.levels, run.today)
        return Seen(run.result(spots.errors), spots)


class _Run(ScanRun):
    """One scan under way: chooses expiries, and keeps the best of each chain."""

    def __init__(
        self, question: PremiumQuestion, now: datetime, ranks: Mapping[str, float]
    ) -> None:
        super().__init__(now, ranks)
        self._question = question
        self._kept: dict[str, list[Candidate]] = {}
        self._found: Counter[str] = Counter()
        self._left_out = 0

    def choose(self, symbol: str, first: OptionChain) -> list[date]:
        """Take expiries within the days asked for, spread over them."""
        if self.meet(symbol, first) is None:
            return []
        wanted = self._question.criteria
        within = [
            expires
            for expires in first.expirations
            if wanted.min_days <= (expires - self.today).days <= wanted.max_days
        ]
        chosen = spread_over(within, self._question.expiries)
        self._left_out += len(within) - len(chosen)
        self.pass_over("no_expiry", not chosen)
        self._kept[symbol] = []
        return chosen

    def read(self, symbol: str, chain: OptionChain) -> None:
        """Keep the best candidates of a chain."""
        question = self._question
        found = self.sifted(symbol, chain, question.strategy, question.criteria)
        self._found[symbol] += len(found)
        self._kept[symbol] += nlargest(KEPT, found, key=rank)

    def result(self, errors: Mapping[str, ProviderError]) -> PremiumScan:
        """Return what was found, without symbols that failed after all."""
        kept = [one for name, some in self._kept.items() if name not in errors for one in some]
        return PremiumScan(
            candidates=nlargest(MOST, kept, key=rank),
            found=sum(count for name, count in self._found.items() if name not in errors),
            dropped=self.dropped,
            passed_over=self.passed_over,
            expiries_left_out=self._left_out,
            failed=problems(errors),
        )


def _grouped(scan: PremiumScan, limit: int) -> ExpiryView:
    days: dict[date, list[Candidate]] = {}
    for candidate in scan.candidates:  # the best first, so each day's are in order too
        days.setdefault(candidate.expires, []).append(candidate)
    return ExpiryView(
        expiries=[
            Expiry(
                expires=expires,
                days=some[0].days,
                symbols=len({candidate.symbol for candidate in some}),
                best_annualised=max(candidate.annualised for candidate in some),
                candidates=some[:limit],
            )
            for expires, some in sorted(days.items())
        ],
        expiries_left_out=scan.expiries_left_out,
        failed=scan.failed,
    )
