"""A judged comparison: every benchmark of either revision with its verdict, worst first.

It joins what was measured with what may be said of it, so that every output (table, JSON, JUnit,
Markdown) shows one and the same thing in the same order; and it is where the exit code comes from.
A comparison that measured nothing never passes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from perf.exits import Exit
from perf.gate.method import EXACT, Judgement, Noise, Verdict, judge, noise_of
from perf.gate.plan import SCREEN
from perf.gate.sample import Broken, Measured, Rule
from perf.report.clean import clean_text

ORDER = (
    Verdict.SLOWER,
    Verdict.ONLY_BASE,
    Verdict.UNDECIDED,
    Verdict.FASTER,
    Verdict.ONLY_HEAD,
    Verdict.SAME,
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of every output; `rule` is None where there was nothing to compare."""

    judgement: Judgement
    rule: Rule | None
    seconds: float
    fails: bool

    @property
    def id(self) -> str:
        """Return the benchmark's name."""
        return self.judgement.id

    @property
    def verdict(self) -> Verdict:
        """Return what is said of it."""
        return self.judgement.verdict


@dataclass(frozen=True, slots=True)
class Outcome:
    """The whole comparison. `noise` is None for counts, which have none."""

    measured: Measured
    entries: tuple[Entry, ...]
    noise: Noise | None

    @property
    def broken(self) -> tuple[Broken, ...]:
        """Return what could not be measured, and why."""
        return self.measured.broken

    @property
    def limit(self) -> float | None:
        """Return the change below which a screening of this run could say nothing, if known."""
        if self.noise is None or not math.isfinite(self.noise.variance):
            return None
        return self.noise.limit(SCREEN)

    def count(self, verdict: Verdict) -> int:
        """Return how many benchmarks have a verdict."""
        return sum(entry.verdict is verdict for entry in self.entries)

    @property
    def is_news(self) -> bool:
        """Say whether anything is there that a person should look at."""
        quiet = {Verdict.SAME, Verdict.UNDECIDED}
        return bool(self.broken) or any(entry.verdict not in quiet for entry in self.entries)

    @property
    def headline(self) -> str:
        """Return the whole in one sentence."""
        total = len(self.entries)
        if not total and not self.broken:
            return "no benchmark was found"
        parts = [
            f"{self.count(verdict)} {verdict.replace('_', ' in ' if 'only' in verdict else ' ')}"
            for verdict in ORDER
            if self.count(verdict)
        ]
        parts += [f"{len(self.broken)} not measured"] if self.broken else []
        return f"{_counted(total + len(self.broken))}: {', '.join(parts)}"


def outcome(measured: Measured, *, allow_removed: bool = False) -> Outcome:
    """Judge a measured comparison; with `allow_removed` a benchmark may be gone."""
    measured = _shown(measured)
    compared = [e for e in measured.evidences if e.pairs]
    is_noisy = measured.metric not in EXACT and bool(compared)
    noise = noise_of(compared) if is_noisy else None
    entries = [
        *(
            Entry(
                judgement,
                measured.rules[judgement.id],
                measured.seconds.get(judgement.id, 0.0),
                fails=judgement.verdict is Verdict.SLOWER,
            )
            for judgement in judge(measured.evidences, measured.rules, measured.metric)
        ),
        *_alone(measured, allow_removed=allow_removed),
    ]
    return Outcome(measured, tuple(sorted(entries, key=_rank)), noise)


def _shown(measured: Measured) -> Measured:
    """Hide what a failing benchmark's message may give away: it is the user's own text."""
    broken = tuple(replace(b, reason=clean_text(b.reason)) for b in measured.broken)
    return replace(measured, broken=broken, notes=tuple(map(clean_text, measured.notes)))


def _alone(measured: Measured, *, allow_removed: bool) -> Iterator[Entry]:
    gone = "is not in head" + ("" if allow_removed else "; --allow-removed if that is meant")
    for names, verdict, reason, fails in (
        (measured.only_base, Verdict.ONLY_BASE, gone, not allow_removed),
        (measured.only_head, Verdict.ONLY_HEAD, "is new in head", False),
    ):
        for name in names:
            yield Entry(Judgement(name, verdict, reason), None, 0.0, fails=fails)


def _rank(entry: Entry) -> tuple[int, float, str]:
    return ORDER.index(entry.verdict), -(entry.judgement.change or 0.0), entry.id


def _counted(number: int) -> str:
    return f"{number} benchmark{'' if number == 1 else 's'}"


def exit_of(result: Outcome, *, strict: bool) -> Exit:
    """Return the code of a comparison: the worst news first."""
    measured = result.measured
    if any(entry.fails for entry in result.entries):
        return Exit.MISSED
    if result.broken:
        return Exit.NOT_MEASURED
    if not result.entries:
        return Exit.NOTHING_SELECTED
    if measured.evidences and not any(e.pairs for e in measured.evidences):
        return Exit.NOT_MEASURED
    if strict and result.count(Verdict.UNDECIDED):
        return Exit.INCONCLUSIVE
    return Exit.OK
