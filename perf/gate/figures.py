"""The gate's words and numbers, as a person reads them; every output takes them from here."""

from __future__ import annotations

import math

from perf.gate.method import Verdict
from perf.gate.outcome import Entry, Outcome
from perf.gate.plan import SCREEN
from perf.gate.sample import Metric

DASH = "-"
GLYPHS = {
    Verdict.SLOWER: "✗",
    Verdict.ONLY_BASE: "✗",
    Verdict.UNDECIDED: "?",
    Verdict.FASTER: "↓",
    Verdict.ONLY_HEAD: "+",
    Verdict.SAME: "✓",
}
_SECONDS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (0.0, "ns"))
_SCALE = {"s": 1.0, "ms": 1e3, "µs": 1e6, "ns": 1e9}
_KIB = 1024


def badge(verdict: Verdict) -> str:
    """Return glyph and word."""
    return f"{GLYPHS[verdict]} {verdict.replace('_', ' ')}"


def change(entry: Entry) -> str:
    """Return the change with its sign."""
    value = entry.judgement.change
    return DASH if value is None else percent(value)


def interval(entry: Entry) -> str:
    """Return the interval of the change."""
    sides = entry.judgement.interval
    if sides is None or not math.isfinite(sides[1]):
        return DASH
    return f"[{percent(sides[0])}, {percent(sides[1])}]"


def percent(value: float) -> str:
    """Return a share as percent with a sign."""
    return f"{value:+.1%}".replace("%", " %")


def amount(value: float | None, metric: Metric) -> str:
    """Return what a call of base costs."""
    if value is None:
        return DASH
    match metric:
        case Metric.INSTRUCTIONS:
            return f"{value:,.0f} instructions"
        case Metric.MEMORY:
            return f"{value:,.0f} B" if value < 10 * _KIB else f"{value / _KIB:,.1f} KiB"
        case _:
            unit = next(name for least, name in _SECONDS if value >= least)
            return f"{value * _SCALE[unit]:.3g} {unit}"


def noise(outcome: Outcome) -> str | None:
    """Return what this run's noise was, in a sentence; None for counts."""
    if outcome.noise is None or outcome.limit is None:
        return None
    said = f"changes under {outcome.limit:.1%} cannot be told from noise in {SCREEN} pairs"
    if outcome.noise.control is not None:
        said += (
            f"; base against base differed by up to {outcome.noise.control:.1%}"
            f" in {outcome.noise.compared} benchmarks"
        )
    return said.replace("%", " %")


def rule(entry: Entry) -> str:
    """Return the threshold that an entry was held against."""
    if entry.rule is None:
        return DASH
    text = f"{entry.rule.threshold:.3g}"
    relative = f"{100 * float(text):.3g} %"
    return f"{relative} and {entry.rule.floor:g}" if entry.rule.floor else relative


def head(outcome: Outcome) -> str:
    """Return what was compared."""
    measured = outcome.measured
    return f"{measured.metric.value} of {measured.head} against {measured.base}"
