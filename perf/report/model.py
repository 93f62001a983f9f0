"""The results of a run as values: what every rendering shares and none computes by itself.

A value that is not known is None, never zero. Whether a figure is near its limit, better or worse
is settled here, once, so that the page, the text and the order of claims cannot disagree.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from perf.claim import Target, TargetKind
from perf.verdict import Verdict

# Two runs share no rounds. Between quick runs minutes apart on a shared machine, with no change to
# what was measured, whole intervals had moved by up to 16 % (before client and server were kept on
# different cores; not measured again since). What moves less than this is taken for no news.
DRIFT = 0.2
NEAR_LIMIT = 0.10  # a met target with less room than this is worth a look before it is missed

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Change:
    """The move of a figure since the baseline: 0.05 is five percent more."""

    start: float | None
    relative: float
    interval: Interval | None


@dataclass(frozen=True, slots=True)
class Point:
    """One run in a trend; `estimate` is None where that run has no figure."""

    commit: str
    started: str
    estimate: float | None
    interval: Interval | None
    verdict: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One claim with its verdict, figure and evidence.

    `anchor` is its address in a page. `kind` says what the samples are (`perf.sample.Kind`);
    `equal` is None where there was nothing to compare. `trend` ends with this run, and is empty
    where there was none before it. `profile` is where its work ran (`perf.report.flame`), or why
    that could not be seen.
    """

    id: str
    anchor: str
    rows: tuple[str, ...]
    title: str
    category: str
    source: str
    target: Target
    verdict: Verdict
    estimate: float | None
    interval: Interval | None
    n: int | None
    reason: str
    kind: str
    estimator: str
    equal: bool | None
    warnings: tuple[str, ...]
    cure: str | None
    samples: Mapping[str, tuple[float, ...]]
    facts: Mapping[str, Any]
    case: Mapping[str, Any]
    measurement: str | None
    duration_s: float | None
    reproduce: str | None
    change: Change | None
    trend: tuple[Point, ...]
    profile: Mapping[str, Any] | None = None

    @property
    def is_exact(self) -> bool:
        """Say whether the figure was counted, so that it has no interval."""
        return self.kind in {"count", "witness"}

    @property
    def is_timed(self) -> bool:
        """Say whether the samples are times, in seconds."""
        return self.kind in {"comparison", "timing"}

    @property
    def room(self) -> float | None:
        """Return the distance to the target on the good side, negative when short."""
        if self.estimate is None or self.target.kind is TargetKind.COUNTER_EXAMPLE:
            return None
        over = self.estimate - self.target.bound
        match self.target.kind:
            case TargetKind.AT_LEAST:
                return over
            case TargetKind.AT_MOST:
                return -over
            case _:
                return -abs(over)

    @property
    def is_near_limit(self) -> bool:
        """Say whether a met target could be missed by a small change."""
        bound = abs(self.target.bound)
        if self.verdict is not Verdict.MET or self.is_exact or self.room is None or not bound:
            return False
        return self.room / bound < NEAR_LIMIT

    @property
    def is_worse(self) -> bool:
        """Say whether all of the change's interval lies on the bad side, beyond drift."""
        return self._moved(better=False)

    @property
    def is_better(self) -> bool:
        """Say whether all of the change's interval lies on the good side, beyond drift."""
        return self._moved(better=True)

    @property
    def is_drift(self) -> bool:
        """Say whether the change may be no more than the distance between two runs."""
        if self.change is None or self.is_exact:
            return False
        low, high = self._change_interval
        return low <= DRIFT and high >= -DRIFT

    @property
    def _change_interval(self) -> tuple[float, float]:
        if self.change is None:
            return 0.0, 0.0
        return self.change.interval or (self.change.relative, self.change.relative)

    def _moved(self, *, better: bool) -> bool:
        if self.target.kind not in {TargetKind.AT_LEAST, TargetKind.AT_MOST} or self.is_drift:
            return False  # of an exact target neither more nor less is better
        low, high = self._change_interval
        wants_more = self.target.kind is TargetKind.AT_LEAST
        return low > 0 if better == wants_more else high < 0


@dataclass(frozen=True, slots=True)
class TargetMove:
    """A target that is not the baseline's; None where one cannot be read."""

    id: str
    before: Target | None
    after: Target | None


@dataclass(frozen=True, slots=True)
class Report:
    """Everything one run found, as the renderings read it."""

    run: Mapping[str, Any]
    environment: Mapping[str, Any]
    baseline: Mapping[str, Any] | None
    entries: tuple[Entry, ...]
    targets_changed: tuple[TargetMove, ...]
    vanished: tuple[str, ...]
    load: Mapping[str, Any] | None = None  # as `perf.load.curves` wrote it

    def count(self, verdict: Verdict) -> int:
        """Return how many claims got that verdict."""
        return sum(entry.verdict is verdict for entry in self.entries)
