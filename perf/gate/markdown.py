"""The comparison as GitHub Markdown: a step summary, and a comment for a pull request.

Both have a size beyond which the platform drops them whole, so rows are left out from the good end
and their number is said. A comment carries a hidden marker, by which a later run finds and replaces
it, and shows the worst three with the rest folded: it is read in passing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from perf.gate import figures
from perf.gate.outcome import Entry, Outcome
from perf.report.markup import code, escape

MARKER = "<!-- ava-perf gate -->"
SUMMARY_BYTES = 900_000
COMMENT_BYTES = 60_000
_WORST = 3
_COLUMNS = ("Verdict", "Benchmark", "Change", "95 % interval", "Base", "Threshold", "Why")

Renderer = Callable[[Outcome, int], Iterator[str]]


def summary(result: Outcome) -> str:
    """Return the step summary."""
    return _within(result, SUMMARY_BYTES, _summary)


def comment(result: Outcome) -> str:
    """Return the comment, its marker first."""
    return _within(result, COMMENT_BYTES, _comment)


def _within(result: Outcome, size: int, render: Renderer) -> str:
    """Render as many rows as fit; half as many are tried until they do."""
    rows = len(result.entries)
    while True:
        text = "\n".join(render(result, rows)).rstrip() + "\n"
        if len(text.encode()) <= size or not rows:
            return text
        rows //= 2


def _summary(result: Outcome, rows: int) -> Iterator[str]:
    yield from _head(result)
    yield from _table(result, result.entries[:rows])
    yield from _left_out(result, rows)
    yield from _foot(result)


def _comment(result: Outcome, rows: int) -> Iterator[str]:
    yield MARKER
    yield from _head(result)
    shown = [entry for entry in result.entries if entry.verdict != "same"][:_WORST]
    if shown:
        yield from _table(result, shown)
    if result.entries:
        yield from (f"<details><summary>All {len(result.entries)} benchmarks</summary>", "")
        yield from _table(result, result.entries[:rows])
        yield from _left_out(result, rows)
        yield from ("</details>", "")
    yield from _foot(result)


def _head(result: Outcome) -> Iterator[str]:
    glyph = "✗" if any(entry.fails for entry in result.entries) else "!" if result.broken else "✓"
    yield from (f"### {glyph} {escape(result.headline)}", "")
    yield from (escape(figures.head(result)), "")
    for broken in result.broken:
        yield f"- not measured in {broken.side}: {code(broken.id)}: {escape(broken.reason)}"
    if result.broken:
        yield ""


def _table(result: Outcome, entries: Sequence[Entry]) -> Iterator[str]:
    yield f"| {' | '.join(_COLUMNS)} |"
    yield "| --- | --- | ---: | ---: | ---: | ---: | --- |"
    for entry in entries:
        yield f"| {' | '.join(_cells(entry, result))} |"
    yield ""


def _cells(entry: Entry, result: Outcome) -> Iterator[str]:
    yield figures.badge(entry.verdict)
    yield code(entry.id)
    yield figures.change(entry)
    yield figures.interval(entry)
    yield figures.amount(entry.judgement.base, result.measured.metric)
    yield figures.rule(entry)
    yield escape(entry.judgement.reason)


def _left_out(result: Outcome, rows: int) -> Iterator[str]:
    if hidden := len(result.entries) - rows:
        yield from (f"{hidden} more benchmarks are in the JSON file.", "")


def _foot(result: Outcome) -> Iterator[str]:
    noise = figures.noise(result)
    yield from (f"{escape(noise)}.", "") if noise else ()
    if not result.measured.complete:
        yield from ("Time was up before the plan was done.", "")
    for note in result.measured.notes:
        yield f"- {escape(note)}"
