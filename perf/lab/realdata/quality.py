"""Data quality across symbols: the same series under several names.

Each row of such a collection fault looks right; only the comparison shows it. Two symbols that
share nearly all bars, volume included, over about a month or more are one series. Which name is the
right one cannot be told from the prices, so this check names the group and decides nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from itertools import combinations

from perf.lab.realdata.prices import Bar

_LEAST_BARS = 20
_SHARE = 0.95


@dataclass(frozen=True, slots=True)
class IdenticalSeries:
    """Symbols with one and the same series, and how many bars the least alike two share."""

    symbols: tuple[str, ...]
    bars: int


def identical_series(bars: Iterable[Bar]) -> tuple[IdenticalSeries, ...]:
    """Return the groups of symbols whose bars are the same."""
    holders: dict[Hashable, set[str]] = defaultdict(set)
    lengths: Counter[str] = Counter()
    for bar in bars:
        figures = (bar.timestamp, bar.open, bar.high, bar.low, bar.close, bar.volume)
        holders[figures].add(bar.symbol)
        lengths[bar.symbol] += 1
    shared = Counter(
        pair for symbols in holders.values() for pair in combinations(sorted(symbols), 2)
    )
    same = {
        pair: count
        for pair, count in shared.items()
        if count >= max(_LEAST_BARS, _SHARE * min(lengths[symbol] for symbol in pair))
    }
    return tuple(
        IdenticalSeries(
            tuple(sorted(group)),
            min(count for pair, count in same.items() if group.issuperset(pair)),
        )
        for group in _groups(same)
    )


def _groups(pairs: Iterable[tuple[str, str]]) -> list[set[str]]:
    groups: list[set[str]] = []
    for pair in pairs:
        touched = [group for group in groups if not group.isdisjoint(pair)]
        groups = [group for group in groups if group.isdisjoint(pair)]
        groups.append(set(pair).union(*touched))
    return groups
