"""What the trials say: each rate with its interval, beside the target it was measured for.

A rate from forty trials is a range, not a number; the interval is Wilson's (1927), which behaves at
rates of 0 and 1. A flagged benchmark is one called slower or faster that did not change: stricter
than an exit code, which only a slowdown turns.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean, median
from typing import Any

from perf.experiments.gate_power.trials import EFFECTS, Kind, is_of

Row = Mapping[str, Any]
WITHIN = 0.015  # what counts as the right size: 1.5 points either way
PEER_LINE = 1.05  # of `min:5%`
_CHANGED = ("slower", "faster")


@dataclass(frozen=True, slots=True)
class Rate:
    """How many of how many."""

    hits: int
    of: int

    @property
    def share(self) -> float | None:
        """Return the rate; None of nothing."""
        return self.hits / self.of if self.of else None

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Return Wilson's interval."""
        if not self.of:
            return 0.0, 1.0
        z = NormalDist().inv_cdf(0.5 + confidence / 2)
        n, p = self.of, self.hits / self.of
        centre = (p + z * z / (2 * n)) / (1 + z * z / n)
        reach = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return max(0.0, centre - reach), min(1.0, centre + reach)

    def __str__(self) -> str:
        if self.share is None:
            return "not run"
        low, high = self.interval()
        return f"{self.share:.1%} [{low:.1%}, {high:.1%}] ({self.hits}/{self.of})"


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the result: what was asked, what the target is, what came out."""

    name: str
    target: str
    gate: str
    peer: str = ""


def lines(rows: Sequence[Row]) -> Iterator[Line]:
    """Yield the result's lines; what has not been run says so."""
    for kind, target in ((Kind.AA, "<= 1 %"), (Kind.LOADED, "<= 2 %")):
        these = [row for row in rows if row["kind"] == kind]
        yield Line(
            f"{kind}: suites with a false alarm",
            target,
            str(_rate(these, lambda row: "slower" in _verdicts(row))),
            str(_rate(_beside(these), lambda row: bool(_peer_flagged(row)))),
        )
        yield Line(
            f"{kind}: suites with any benchmark flagged, faster included",
            "",
            str(_rate(these, lambda row: any(v in _CHANGED for v in _verdicts(row)))),
        )
        yield Line(f"{kind}: benchmarks left undecided", "", str(_undecided(these)))
        yield _cost(kind, these)
    for effect in EFFECTS:
        yield from _effect(effect, [row for row in rows if row["effect"] == effect])
    yield _cost("all kinds, as many of each", rows)


def _effect(effect: int, rows: Sequence[Row]) -> Iterator[Line]:
    targets = {3: ">= 80 %", 5: ">= 97 %"}
    yield Line(
        f"{effect} % slower: found",
        targets.get(effect, "100 %"),
        str(_rate(rows, _is_found)),
        str(_rate(_beside(rows), _is_found_by_peer)),
    )
    yield Line(f"{effect} % slower: size within 1.5 points", ">= 90 %", str(_rate(rows, _is_sized)))
    yield Line(
        f"{effect} % slower: suites with another benchmark flagged", "0", str(_rate(rows, _is_led))
    )
    yield _cost(f"{effect} % slower", rows)


def _rate(rows: Sequence[Row], holds: Callable[[Row], bool]) -> Rate:
    return Rate(sum(map(holds, rows)), len(rows))


def _verdicts(row: Row) -> list[str]:
    return [entry["verdict"] for entry in row["gate"]["benchmarks"]]


def _undecided(rows: Sequence[Row]) -> Rate:
    verdicts = [verdict for row in rows for verdict in _verdicts(row)]
    return Rate(verdicts.count("undecided"), len(verdicts))


def _changed(row: Row) -> Mapping[str, Any] | None:
    """Return the gate's entry of the benchmark that was slowed; None where it was lost."""
    found = (e for e in row["gate"]["benchmarks"] if is_of(row["benchmark"], e["id"]))
    return next(found, None)


def _is_found(row: Row) -> bool:
    entry = _changed(row)
    return entry is not None and entry["verdict"] == "slower" and row["gate"]["exit"] == 1


def _is_sized(row: Row) -> bool:
    entry = _changed(row)
    if entry is None or entry["change"] is None:
        return False
    return bool(abs(entry["change"] - row["effect"] / 100) <= WITHIN)


def _is_led(row: Row) -> bool:
    """Say whether a benchmark was flagged that nobody changed."""
    return any(
        entry["verdict"] in _CHANGED and not is_of(row["benchmark"], entry["id"])
        for entry in row["gate"]["benchmarks"]
    )


def _beside(rows: Sequence[Row]) -> list[Row]:
    """Return the trials that pytest-benchmark took part in."""
    return [row for row in rows if row["peer"]]


def _is_found_by_peer(row: Row) -> bool:
    return any(is_of(row["benchmark"], name) for name in _peer_flagged(row))


def _peer_flagged(row: Row) -> list[str]:
    """Return the benchmarks that fail pytest-benchmark's rule."""
    pairs = row["peer"]["min"].items()
    return [name for name, (before, after) in pairs if after > PEER_LINE * before]


def _cost(name: str, rows: Sequence[Row]) -> Line:
    """Return the gate's time in runs of the suite by pytest-benchmark, in the same trial."""
    title = f"{name}: cost in suite runs, mean (median, longest)"
    costs = [row["gate"]["seconds"] / fmean(row["peer"]["seconds"]) for row in _beside(rows)]
    if not costs:
        return Line(title, "<= 3.5", "not run")
    shown = f"{fmean(costs):.2f} ({median(costs):.2f}, {max(costs):.2f})"
    return Line(title, "<= 3.5", shown, "2.00")


def markdown(rows: Sequence[Row]) -> str:
    """Return the result as a table."""
    head = [
        f"{len(rows)} trials; rates with Wilson's 95 % interval.",
        "",
        "| what | target | ava-perf gate | pytest-benchmark min:5% |",
        "| --- | --- | ---: | ---: |",
    ]
    body = [f"| {line.name} | {line.target} | {line.gate} | {line.peer} |" for line in lines(rows)]
    return "\n".join([*head, *body]) + "\n"
