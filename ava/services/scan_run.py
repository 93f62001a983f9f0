"""One scan under way: the stocks it met, what it made of their chains, and what it left out.

What both scanners share. A scan learns on its way how volatile the market takes each stock for,
which later scans' ranks are made of.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime

from ava.providers.market import OptionChain
from ava.services.premium import (
    NEW_YORK,
    Candidate,
    Criteria,
    Drop,
    Strategy,
    Underlying,
    sift,
    underlying_of,
)
from ava.services.volatilities import level_of


class ScanRun:
    """Takes chains one by one; `ranks` are the stocks' volatility ranks, where known."""

    def __init__(self, now: datetime, ranks: Mapping[str, float]) -> None:
        self.now, self.today = now, now.astimezone(NEW_YORK).date()
        self.levels: dict[str, float] = {}
        self._ranks = ranks
        self._stocks: dict[str, Underlying] = {}
        self._dropped: Counter[Drop] = Counter()
        self._passed_over: Counter[str] = Counter()

    def meet(self, symbol: str, first: OptionChain) -> Underlying | None:
        """Return the stock that a chain is of; pass over one without a price."""
        under = underlying_of(symbol, first, self.now, self._ranks.get(symbol))
        if under is None:
            self.pass_over("no_price")
        else:
            self._stocks[symbol] = under
        return under

    def sifted(
        self, symbol: str, chain: OptionChain, strategy: Strategy, criteria: Criteria
    ) -> list[Candidate]:
        """Return a chain's candidates; count what else it holds, and note its volatility."""
        found, dropped = sift(chain, strategy, self._stocks[symbol], criteria)
        self._dropped += dropped
        level = level_of(chain, self.today)
        if level is not None:
            self.levels[symbol] = level
        return found

    def pass_over(self, reason: str, count: int = 1) -> None:
        """Count symbols that the scan has no use for."""
        self._passed_over[reason] += count

    @property
    def dropped(self) -> dict[str, int]:
        """Contracts by why they are no candidates."""
        return {drop.value: count for drop, count in sorted(self._dropped.items())}

    @property
    def passed_over(self) -> dict[str, int]:
        """Symbols by why they were passed over."""
        return {reason: count for reason, count in sorted(self._passed_over.items()) if count}
