"""Row K1: what the memory cache keeps when it is full, on published traces of real requests.

Every trace is replayed at several sizes against our cache, through its public face, and against
simulations of LRU, SIEVE, S3-FIFO and W-TinyLFU, with the window fixed and adaptive. Sizes are
shares of a trace's distinct keys. A hit ratio is counted, so it is the same each time; hit ratios
are compared in points, hundredths of all requests.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any

from ava.cache.memory import MISSING, MemoryCache
from perf.claim import Category, Plan, at_most, claim, prepare
from perf.claims.abreast import abreast
from perf.instruments import Count, Counted
from perf.lab.lab import Lab, Profile
from perf.lab.policies import Policy, replay
from perf.lab.policies.optimum import optimum
from perf.lab.policies.recency import Lru, S3Fifo, Sieve
from perf.lab.policies.tinylfu import WTinyLfu
from perf.lab.policies.traces import read_trace, trace_files

_PEERS: dict[str, Callable[[int], Policy]] = {
    "LRU": Lru,
    "SIEVE": Sieve,
    "S3-FIFO": S3Fifo,
    "W-TinyLFU": WTinyLfu,
    "adaptive W-TinyLFU": partial(WTinyLfu, adaptive=True),
}
_OURS = "ours"
_SMALLEST = 8  # a cache of fewer keys than this is nobody's


@dataclass(frozen=True, slots=True)
class Scope:
    """How much of the traces is replayed, and at which shares of their distinct keys."""

    requests: int
    shares: tuple[float, ...]


_SCOPES = {
    Profile.QUICK: Scope(20_000, (0.05,)),
    Profile.FULL: Scope(200_000, (0.005, 0.01, 0.05, 0.1, 0.25)),
}


@dataclass(frozen=True, slots=True)
class Case:
    """One trace at one size: each policy's hit ratio in percent, and the optimum's.

    `cpu_s` is what all of the trace's requests cost each policy.
    """

    trace: str
    capacity: int
    ratios: dict[str, float]
    best: float
    requests: int
    cpu_s: dict[str, float]

    @property
    def behind(self) -> float:
        """Points by which ours is below this case's best policy; negative where it is above."""
        return max(self.ratios[name] for name in _PEERS) - self.ratios[_OURS]


class Ours:
    """Our cache as a policy: look up, and put what was missing."""

    def __init__(self, capacity: int) -> None:
        self._cache = MemoryCache[None](max_items=capacity, ttl_s=1e9)

    def __len__(self) -> int:
        return len(self._cache)

    def request(self, key: Any) -> bool:
        """Ask for `key` as a caller does."""
        if self._cache.peek(key) is not MISSING:
            return True
        self._cache.put(key, None)
        return False


def _cases(piece: tuple[Path, Scope]) -> list[Case]:
    """Replay one trace at every size."""
    path, scope = piece
    keys = read_trace(path, scope.requests)
    distinct = len(set(keys))
    sizes = {max(_SMALLEST, round(distinct * share)) for share in scope.shares}
    trace = path.name.partition(".")[0]
    return [_case(trace, keys, capacity) for capacity in sorted(sizes)]


def _case(trace: str, keys: Sequence[str], capacity: int) -> Case:
    ratios, cpu_s = {}, {}
    for name, policy in {**_PEERS, _OURS: Ours}.items():
        started = time.process_time()  # other traces are replayed beside this one
        ratios[name] = 100 * replay(policy(capacity), keys) / len(keys)
        cpu_s[name] = time.process_time() - started
    best = 100 * optimum(keys, capacity) / len(keys)
    return Case(trace, capacity, ratios, best, len(keys), cpu_s)


class Replays:
    """All cases of a scope, and what a request cost each policy."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        longest_first = sorted(trace_files(), key=lambda path: -path.stat().st_size)
        made = dict(
            zip(longest_first, abreast(_cases, [(p, scope) for p in longest_first]), strict=True)
        )
        self.cases = [case for path in trace_files() for case in made[path]]

    def mean(self, name: str) -> float:
        """Return a policy's mean hit ratio over all cases."""
        return fmean(case.ratios[name] for case in self.cases)

    def behind_best_mean(self) -> float:
        """Return the points by which our mean is below the best single policy's."""
        return max(map(self.mean, _PEERS)) - self.mean(_OURS)

    def furthest_behind(self) -> Case:
        """Return the case in which another policy is most ahead of ours."""
        return max(self.cases, key=lambda case: case.behind)

    def facts(self) -> dict[str, Any]:
        """Return every case as a table, the means, and what a request cost in Python."""
        worst = self.furthest_behind()
        names = [*_PEERS, _OURS]
        rows = [
            [case.trace, case.capacity, *(round(case.ratios[n], 2) for n in names), _r(case.best)]
            for case in self.cases
        ]
        means: list[Any] = [round(self.mean(name), 2) for name in names]
        requests = sum(case.requests for case in self.cases)
        cost = [round(sum(c.cpu_s[n] for c in self.cases) / requests * 1e9) for n in names]
        rows.append(["mean", "", *means, _r(fmean(case.best for case in self.cases))])
        rows.append(["ns a request", "", *cost, ""])
        return {
            "requests of each trace, at most": self.scope.requests,
            "sizes, as shares of the distinct keys": list(self.scope.shares),
            "furthest behind": f"{worst.trace} at {worst.capacity} keys, {worst.behind:.2f} points",
            "table": {"columns": ["trace", "keys held", *names, "optimum"], "rows": rows},
        }


def _r(ratio: float) -> float:
    return round(ratio, 2)


@prepare("evictions")
def evictions(lab: Lab) -> dict[str, Any]:
    """Replay every trace at every size, once for both figures."""
    replays = Replays(_SCOPES[lab.profile])
    return {
        "mean": replays.behind_best_mean(),
        "worst": replays.furthest_behind().behind,
        "facts": replays.facts(),
    }


def _plan(lab: Lab, figure: str) -> Plan:
    seen = lab.prepared["evictions"]
    return Count(lambda: Counted(seen[figure], seen["facts"]), "points", repeats=1)


@claim(
    id="K1.eviction.mean",
    rows=["K1"],
    title="Over real traces, the mean hit ratio is at most a point below the best single policy's",
    source="001.6 (LRU eviction); product target",
    category=Category.CACHING,
    target=at_most(1, "points"),
    needs=["evictions"],
)
def mean_hit_ratio(lab: Lab) -> Plan:
    """Compare the means over all traces and sizes."""
    return _plan(lab, "mean")


@claim(
    id="K1.eviction.worst",
    rows=["K1"],
    title="On no real trace is the hit ratio more than eight points below that trace's best policy",
    source="001.6 (LRU eviction); product target",
    category=Category.CACHING,
    target=at_most(8, "points"),
    needs=["evictions"],
)
def worst_hit_ratio(lab: Lab) -> Plan:
    """Look for the case where another is most ahead."""
    return _plan(lab, "worst")
