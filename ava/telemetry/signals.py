"""What the signal loop tells of itself: the figures of 003's performance block that are its own.

The loop records each cycle here; metrics and health read it. A mean over nothing is unknown, which
is None, and a rate over nothing too.
"""

from __future__ import annotations

from ava.telemetry.tallies import Tallies, Tally

# Upper bounds in seconds, around the documented targets: 0.3 s a cycle, 0.1 s a signal.
BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 2.5, 5.0)


class SignalRecorder:
    """Counts of the signal loop since the start; filled by the loop's own thread."""

    def __init__(self) -> None:
        self._durations = Tallies(BUCKETS, most=1)
        self._durations.of(())
        self.processed = 0
        self.skipped = 0

    def record(self, seconds: float, *, symbols: int = 1, skipped: int = 0) -> None:
        """Note a generation: `symbols` looked at in that time, `skipped` of them unchanged."""
        self._durations.add((), seconds)
        self.processed += symbols
        self.skipped += skipped

    @property
    def durations(self) -> tuple[list[tuple[float, int]], float]:
        """The histogram's buckets, cumulative, and the sum in seconds."""
        tally = self._tally
        return self._durations.cumulative(tally), tally.total_s

    @property
    def mean_s(self) -> float | None:
        """The mean duration of a generation, None before the first."""
        tally = self._tally
        return tally.total_s / tally.count if tally.count else None

    @property
    def skip_rate(self) -> float | None:
        """The percentage of symbols that were skipped, None before the first."""
        return 100 * self.skipped / self.processed if self.processed else None

    @property
    def _tally(self) -> Tally:
        return next(tally for _, tally in self._durations.items())
