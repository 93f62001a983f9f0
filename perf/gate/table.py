"""The comparison as text for a terminal: worst first, numbers aligned, the sentence last."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from perf.gate import figures
from perf.gate.outcome import Entry, Outcome
from perf.gate.sample import Metric

_HEAD = ("verdict", "change", "interval", "base", "threshold", "benchmark")
_RIGHT = frozenset({1, 2, 3, 4})


def table(result: Outcome) -> str:
    """Return the table, what could not be measured, and the summary."""
    metric = result.measured.metric
    rows = [_cells(entry, metric) for entry in result.entries]
    lines = [*(_aligned([_HEAD, *rows]) if rows else ()), *_reasons(result), *_notes(result)]
    return "\n".join([*lines, result.headline])


def _cells(entry: Entry, metric: Metric) -> tuple[str, ...]:
    return (
        figures.badge(entry.verdict),
        figures.change(entry),
        figures.interval(entry),
        figures.amount(entry.judgement.base, metric),
        figures.rule(entry),
        entry.id,
    )


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (
            text.rjust(width) if at in _RIGHT else text.ljust(width)
            for at, (text, width) in enumerate(zip(row, widths, strict=True))
        )
        yield "  ".join(cells).rstrip()


def _reasons(result: Outcome) -> Iterator[str]:
    for broken in result.broken:
        yield f"! not measured in {broken.side}: {broken.id}: {broken.reason}"
    for entry in result.entries:
        if entry.fails or entry.verdict == "undecided":
            yield f"{entry.id}: {entry.verdict.replace('_', ' ')}: {entry.judgement.reason}"


def _notes(result: Outcome) -> Iterator[str]:
    yield from result.measured.notes
    if not result.measured.complete:
        yield "time was up before the plan was done: what is undecided may become clear with more"
    noise = figures.noise(result)
    if noise:
        yield noise
