"""A recording as a few lines of text, for a terminal or a log."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from perf.load.recording import Recording, percentiles_ms
from perf.load.validity import Generator, Reason

_HEAD = ("phase", "request", "sent", "errors", "p50 ms", "p95 ms", "p99 ms")


def lines(
    recording: Recording, generator: Generator, reasons: Sequence[Reason] = ()
) -> Iterator[str]:
    """Return a row for each series that is judged, and why the run is invalid if it is."""
    origin = "the due time" if generator.model == "open" else "the sending"
    yield f"response times from {origin}, without the warm-up:"
    yield _row(_HEAD)
    for key in sorted(recording.series, key=lambda key: (key.phase, key.request)):
        if key.warmup:
            continue
        series = recording.series[key]
        times = percentiles_ms(series.response).values()
        figures = ("-" if one is None else f"{one:.2f}" for one in times)
        yield _row((key.phase, key.request, str(series.sent), str(series.failed), *figures))
    yield from (f"INVALID: {reason.text}" for reason in reasons)


def _row(cells: Sequence[str]) -> str:
    named = [f"{cell[:28]:28}" for cell in cells[:2]]
    return "  ".join([*named, *(f"{cell:>10}" for cell in cells[2:])])
