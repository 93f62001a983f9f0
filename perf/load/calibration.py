"""Calibration: what the generator measures of a server whose delay is known.

It asks as a run asks, on the same schedule, transport and histograms. What it finds above the
known delay is the generator's own share of every figure; it is stated and judged, never subtracted.
An attempt that is off is made again, since a moment of a shared machine may pass; all are kept.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from perf.load.histogram import RESOLUTION, Histogram
from perf.load.scenario import CONSTANT, Ask, Phase, Scenario
from perf.load.schedule import arrivals

ASKED_MS = 5.0
_ATTEMPTS = 3
_MEDIAN_OFF_MS = 1.0
_TAIL_OFF_MS = 15.0
_LEAD_S = 0.05


@dataclass(frozen=True, slots=True)
class Calibration:
    """What was measured, and what the delays were by the server's own clock."""

    known_ms: float
    known_p99_ms: float
    p50_ms: float
    p99_ms: float

    @property
    def off(self) -> str | None:
        """Say how the figures are too far from the delay; None when they are not."""
        if self.p50_ms - self.known_ms > _MEDIAN_OFF_MS:
            return (
                f"delays of {self.known_ms:.2f} ms were measured as a median of {self.p50_ms:.2f}"
            )
        if self.p99_ms - self.known_p99_ms > _TAIL_OFF_MS:
            return (
                f"delays with a p99 of {self.known_p99_ms:.2f} ms "
                f"were measured as {self.p99_ms:.2f}"
            )
        if self.p50_ms < self.known_ms * (1 - RESOLUTION):
            return f"a delay of {self.known_ms:.2f} ms was measured as less, {self.p50_ms:.2f}"
        return None

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, raw: Mapping[str, float]) -> Calibration:
        """Read what `to_json` returned."""
        return cls(raw["known_ms"], raw["known_p99_ms"], raw["p50_ms"], raw["p99_ms"])


def scenario() -> Scenario:
    """Return the calibration's own scenario: evenly, for a second, one at a time."""
    phase = Phase("calibration", duration_s=1.0, rate=100, arrivals=CONSTANT, warmup_s=0.1)
    return Scenario("calibration", "a known delay", (phase,), lambda *_: Ask("delay", "/"))


def read(measured: Histogram, made: Histogram) -> Calibration:
    """Return what was measured of the delays that were made; ValueError where nothing was."""
    figures = [h.quantile(q) for h in (made, measured) for q in (0.5, 0.99)]
    known, known_p99, p50, p99 = (us / 1000 for us in figures if us is not None)
    return Calibration(known, known_p99, p50, p99)


def calibrate() -> tuple[Calibration, ...]:
    """Measure until an attempt is right, at most three times; the last one counts."""
    attempts: list[Calibration] = []
    with _delayed() as port:
        while len(attempts) < _ATTEMPTS and (not attempts or attempts[-1].off):
            attempts.append(_attempt(port))
    return tuple(attempts)


def _attempt(port: int) -> Calibration:
    # They import gevent, which belongs in the generator's process only.
    from perf.load.dispatch import Dispatcher, Ended  # noqa: PLC0415
    from perf.load.transport import Transport, target  # noqa: PLC0415

    asked, made = scenario(), Histogram()

    def heed(ended: Ended) -> None:
        if ended.answer is not None:
            made.record(float(ended.answer.body))

    transport = Transport(target(f"http://127.0.0.1:{port}"))
    dispatcher = Dispatcher(asked, transport, watch=heed)
    try:
        dispatcher.run(arrivals(asked), time.monotonic() + _LEAD_S)
    finally:
        transport.close()
    return read(dispatcher.recording.select().response, made)


@contextmanager
def _delayed() -> Iterator[int]:
    """Run the server of known delay and give its port."""
    command: Sequence[str] = (sys.executable, "-m", "perf.load.delay", f"{ASKED_MS:g}")
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        if process.stdin is None or process.stdout is None:
            raise OSError("the calibration's server has no pipes")
        try:
            yield int(process.stdout.readline())
        finally:
            process.stdin.close()
