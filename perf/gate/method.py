"""The gate's verdicts: what may be said of each benchmark from what was measured of it.

Two stages, on separate data. A few pairs of every benchmark *screen*: whose interval lies within
its threshold is the same, and all others are under suspicion. Suspicion costs nothing but more
pairs, so it may be lenient. *Confirmation* looks at pairs alone that were taken after it arose,
in the one direction that was suspected, at most `LOOKS` times; the p-values of the looks are
multiplied by their number (Bonferroni), and those of the suite's suspects corrected by Holm's
method at `ALPHA`. Since the new pairs know nothing of the old, at most that share of runs accuses
any benchmark that did not change, however many there are.

A change that is certain may still be small. "Slower" needs both: it is confirmed, and the estimate
from all pairs reaches `LINE` of the threshold. The line lies below the threshold because an
estimate of a change that is just as large falls below it every second time.

What neither is confirmed nor lies within the threshold is undecided. Counts (instructions, bytes)
repeat: there, two pairs tell, without a test.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median

from perf.gate.estimate import Estimate, estimate, moderate, t_quantile
from perf.gate.sample import Evidence, Metric, PairSample, Rule

ALPHA = 0.01  # share of runs in which an unchanged suite may have any benchmark accused
LOOKS = (3, 6, 12)  # pairs of confirmation after which it is judged
LINE = 2 / 3  # share of its threshold that an estimate must reach
SUSPECT = 1 / 2  # share of its threshold from which on an estimate is looked at again
SIZED = 1 / 2  # share of its threshold to which a change that is certain is told, or
LARGE = 1 / 15  # share of the change itself, whichever is more
SCREENED = 0.90  # confidence of "within the threshold": two one-sided tests at 5 %
SHOWN = 0.95  # confidence of the interval that is reported
EXACT = frozenset({Metric.INSTRUCTIONS, Metric.MEMORY})


class Verdict(StrEnum):
    """What a benchmark did from base to head."""

    SLOWER = "slower"
    FASTER = "faster"
    SAME = "same"
    UNDECIDED = "undecided"
    ONLY_BASE = "only_base"
    ONLY_HEAD = "only_head"


@dataclass(frozen=True, slots=True)
class Noise:
    """What this run's own pairs say of chance: the variance of the log ratio of a single pair.

    `by_slices` is the part of it that more slices in a pair would reduce; the rest is the layout of
    a process, or a mood of the machine, which only more pairs do. `control` is the largest change
    that base against base showed, of `compared` benchmarks; None where there was no control.
    """

    variance: float
    by_slices: float = 0.0
    control: float | None = None
    compared: int = 0

    def expected(self, slices: Sequence[int], usual: int) -> float:
        """Return the variance of an estimate from pairs of so many slices; a usual pair's is known.

        Pairs weigh by their slices in it.
        """
        total = sum(slices)
        of_pairs = (self.variance - self.by_slices) * sum(n * n for n in slices) / total**2
        return of_pairs + self.by_slices * usual / total

    def limit(self, pairs: int) -> float:
        """Return the change below which nothing can be said with that many pairs (at 99 %)."""
        return math.expm1(t_quantile(0.995, 30.0) * math.sqrt(self.variance / max(1, pairs)))


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict with its reason; the figures are None where nothing was measured."""

    id: str
    verdict: Verdict
    reason: str
    change: float | None = None
    interval: tuple[float, float] | None = None
    base: float | None = None
    pairs: int = 0


@dataclass(frozen=True, slots=True)
class Finding:
    """All that the rules look at: estimates from all pairs and from the screening alone."""

    evidence: Evidence
    rule: Rule
    screen: Estimate
    whole: Estimate

    @property
    def is_within(self) -> bool:
        """Say whether the whole interval lies within the threshold, or all of it in the floor."""
        low, high = self.whole.interval(SCREENED)
        reach = max(self.rule.threshold, self.rule.floor / self.whole.base)
        return -reach < low and high < reach

    @property
    def is_sized(self) -> bool:
        """Say whether the change is told to half its threshold; to a share of it if it is large."""
        low, high = self.whole.interval(SCREENED)
        return high - low <= 2 * max(SIZED * self.rule.threshold, abs(self.whole.change) * LARGE)

    @property
    def is_tiny(self) -> bool:
        """Say whether the estimated change is under the absolute floor."""
        return abs(self.whole.change) * self.whole.base < self.rule.floor

    def reaches(self, share: float) -> bool:
        """Say whether the estimate reaches a share of the threshold, either way."""
        return abs(self.whole.log_ratio) >= math.log1p(share * self.rule.threshold)


def judge(
    evidences: Sequence[Evidence], rules: Mapping[str, Rule], metric: Metric
) -> tuple[Judgement, ...]:
    """Return the verdict of each benchmark, in the order of the evidence."""
    if metric in EXACT:
        return tuple(_judge_exact(e, rules[e.id]) for e in evidences)
    noise = noise_of(evidences)
    measured = [e for e in evidences if e.pairs]
    findings = {e.id: find(e, rules[e.id], noise) for e in measured}
    confirmed = confirmations(list(findings.values()), noise)
    return tuple(
        _judge(findings[e.id], confirmed.get(e.id), noise) if e.id in findings else _nothing(e)
        for e in evidences
    )


def find(evidence: Evidence, rule: Rule, noise: Noise) -> Finding:
    """Return the estimates of one benchmark."""
    everything = (*evidence.pairs, *evidence.confirmation)
    screen, whole = (_estimate(part, evidence, noise) for part in (evidence.pairs, everything))
    return Finding(evidence, rule, screen, whole)


def _estimate(pairs: tuple[PairSample, ...], of: Evidence, noise: Noise) -> Estimate:
    """Return what pairs say, in the light of the run's noise: that of screening pairs."""
    slices = [len(pair.base) for pair in pairs]
    return moderate(estimate(pairs), noise.expected(slices, len(of.pairs[0].base)))


def noise_of(evidences: Sequence[Evidence]) -> Noise:
    """Return the run's noise: the larger of what its comparisons and its control say of a pair.

    Both are medians over benchmarks: one that is restless by itself shall not blind the others,
    and its own pairs speak for it.
    """
    own, control, shown, slices = [], [], [], []
    for evidence in evidences:
        if len(evidence.pairs) > 1:
            seen = estimate(evidence.pairs)
            own.append(seen.error**2 * seen.pairs / _median_of_variance(seen.freedom))
            slices.append(seen.by_slices**2 * seen.pairs)
        if evidence.control:
            seen = estimate(evidence.control)
            control.append(seen.log_ratio**2 * seen.pairs / _median_of_variance(1.0))
            shown.append(abs(seen.change))
    variance = max((median(values) for values in (own, control) if values), default=math.inf)
    by_slices = min(variance, median(slices)) if slices else 0.0
    return Noise(variance, by_slices, max(shown, default=None), len(shown))


def _median_of_variance(freedom: float) -> float:
    """Return the median of an estimated variance whose expectation is one (Wilson, Hilferty 1931).

    Few pairs mostly show less than there is: with one degree of freedom, less than half.
    """
    return (1 - 2 / (9 * freedom)) ** 3


def confirmations(findings: Sequence[Finding], noise: Noise) -> dict[str, float]:
    """Return the corrected p-value of each suspect that has been looked at."""
    raw = {f.evidence.id: p for f in findings if (p := _confirmation(f, noise)) is not None}
    return holm(raw)


def _confirmation(finding: Finding, noise: Noise) -> float | None:
    """Return a suspect's p-value over the looks so far; None before the first."""
    fresh, direction = finding.evidence.confirmation, finding.screen.log_ratio
    chances = [
        _estimate(fresh[:look], finding.evidence, noise).chance_above(direction)
        for look in LOOKS
        if look <= len(fresh)
    ]
    return min(1.0, len(LOOKS) * min(chances)) if chances else None


def holm(chances: Mapping[str, float]) -> dict[str, float]:
    """Return p-values corrected for their number (Holm, Scand. J. Statistics 1979)."""
    ordered = sorted(chances, key=lambda name: chances[name])
    corrected, highest = {}, 0.0
    for rank, name in enumerate(ordered):
        highest = max(highest, min(1.0, (len(ordered) - rank) * chances[name]))
        corrected[name] = highest
    return corrected


def is_confirmed(finding: Finding, chance: float | None) -> bool:
    """Say whether a change is certain and large enough to be called one."""
    agrees = finding.screen.log_ratio * finding.whole.log_ratio > 0
    return (
        chance is not None
        and chance <= ALPHA
        and agrees
        and finding.reaches(LINE)
        and not finding.is_tiny
    )


def _judge(finding: Finding, chance: float | None, noise: Noise) -> Judgement:
    whole = finding.whole
    if is_confirmed(finding, chance):
        verdict = Verdict.SLOWER if whole.log_ratio > 0 else Verdict.FASTER
        count = len(finding.evidence.confirmation)
        reason = f"confirmed by {count} new pairs, chance {chance:.2g} over the whole suite"
    elif finding.is_within:
        verdict, reason = Verdict.SAME, _within(finding)
    else:
        verdict, reason = Verdict.UNDECIDED, _undecided(finding, chance, noise)
    return Judgement(
        finding.evidence.id,
        verdict,
        reason,
        whole.change,
        whole.interval(SHOWN),
        whole.base,
        whole.pairs,
    )


def _within(finding: Finding) -> str:
    if finding.is_tiny:
        return f"the change is under the floor of {finding.rule.floor:g} a call"
    return f"within ±{finding.rule.threshold:.3g} of base"


def _undecided(finding: Finding, chance: float | None, noise: Noise) -> str:
    if finding.whole.pairs == 1:
        return "time was up before a second pair was measured"
    limit = noise.limit(finding.whole.pairs)
    if chance is None and finding.reaches(SUSPECT):
        return f"suspected, but time was up before it could be confirmed (noise ±{limit:.1%})"
    return f"the interval is wider than the threshold allows (noise ±{limit:.1%})"


def _nothing(evidence: Evidence) -> Judgement:
    return Judgement(evidence.id, Verdict.UNDECIDED, "time was up before it was measured")


def _judge_exact(evidence: Evidence, rule: Rule) -> Judgement:
    """Judge counts: each pair has its own change, and all of them must say the same."""
    pairs = (*evidence.pairs, *evidence.confirmation)
    if not pairs:
        return _nothing(evidence)
    counts = [(median(pair.base), median(pair.head)) for pair in pairs]
    base, head = (median(side) for side in zip(*counts, strict=True))
    changes = sorted(_relative(*count) for count in counts)
    low, high = changes[0], changes[-1]
    change = _relative(base, head)
    is_large = abs(head - base) >= rule.floor
    if low >= rule.threshold and is_large:
        verdict, reason = Verdict.SLOWER, f"more in each of {len(pairs)} pairs"
    elif high <= -rule.threshold and is_large:
        verdict, reason = Verdict.FASTER, f"less in each of {len(pairs)} pairs"
    elif (-rule.threshold < low and high < rule.threshold) or not is_large:
        verdict, reason = Verdict.SAME, "counted within the threshold"
    else:
        verdict, reason = Verdict.UNDECIDED, "the count does not repeat"
    return Judgement(evidence.id, verdict, reason, change, (low, high), base, len(pairs))


def _relative(base: float, head: float) -> float:
    if base == head:
        return 0.0
    return head / base - 1 if base else math.inf
