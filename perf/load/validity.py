"""Whether a run may be judged at all: a pure function of what the generator left behind.

An invalid run has no figures. The causes are the generator's (it starved, dropped, fell behind,
lost a worker, cannot tell a known delay), or of counting (the server saw another number of
requests, or there are too few for the percentile asked). A slow server is no cause: its requests
leave on time and come back late, which is what is to be measured.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from perf.load.blocks import FEWEST
from perf.load.calibration import Calibration
from perf.load.histogram import bounding_ranks
from perf.load.recording import Recording
from perf.load.scenario import Threshold

LAG_MS = 10.0  # a generator this punctual is never called starved by its lag
LAG_SHARE = 0.1  # of the response time: what a lag may add to a p99 before it is no longer one
BUSY = 0.95  # of the wall clock, on a core or waiting for one
SENT_SHARE = 0.999
_US_PER_MS = 1000
_OWN = ("EMFILE", "ENFILE", "EADDRNOTAVAIL", "ENOBUFS", "ENOMEM")


class Cause(StrEnum):
    """Why a run is invalid."""

    STARVED = "starved"
    DROPPED = "dropped"
    BEHIND = "behind"
    COUNT = "count"
    LOST = "lost"
    FEW = "few"
    CALIBRATION = "calibration"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Reason:
    """A cause, told with its figures."""

    cause: Cause
    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Worker:
    """One generating process: its shares of the wall clock, None where the system tells none."""

    name: str
    cpu_share: float | None
    runqueue_share: float | None
    busiest_second: float | None
    calibrations: tuple[Calibration, ...] = ()

    @property
    def busy(self) -> float | None:
        """The share of time in which it had work."""
        if self.cpu_share is None or self.runqueue_share is None:
            return None
        return self.cpu_share + self.runqueue_share


@dataclass(frozen=True, slots=True)
class Generator:
    """What generated the load: model "open" or "closed", and the processes that did or were lost.

    `limit` is how many requests of a worker may be under way; `failures` are its own errors.
    """

    model: str
    workers: tuple[Worker, ...]
    lost: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()
    limit: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as it stands in a result; `calibration` is the worst worker's last."""
        last = [one.calibrations[-1] for one in self.workers if one.calibrations]
        worst = max(last, key=lambda one: one.p50_ms - one.known_ms, default=None)
        return {**asdict(self), "calibration": None if worst is None else worst.to_json()}

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Generator:
        """Read what `to_json` returned."""
        return cls(
            model=raw["model"],
            workers=tuple(_worker(one) for one in raw["workers"]),
            lost=tuple(raw["lost"]),
            failures=tuple(raw["failures"]),
            limit=raw["limit"],
        )


def _worker(raw: Mapping[str, Any]) -> Worker:
    calibrations = tuple(Calibration.from_json(one) for one in raw["calibrations"])
    return Worker(**{**raw, "calibrations": calibrations})


def assess(
    generator: Generator,
    recording: Recording,
    thresholds: Sequence[Threshold] = (),
    counted: int | None = None,
) -> tuple[Reason, ...]:
    """Return why the run is invalid, in order of weight; nothing when it is valid.

    `counted` is how many requests the server itself counted during the run, if it counts any.
    """
    return (
        *(Reason(Cause.FAILED, one) for one in generator.failures),
        *(Reason(Cause.LOST, f"{name} was lost during the run") for name in generator.lost),
        *_punctuality(generator, recording),
        *_busy(generator),
        *_own_errors(recording),
        *_complete(generator, recording),
        *_calibrated(generator),
        *_counted(recording, counted),
        *_enough(recording, thresholds),
    )


def samples_needed(quantile: float) -> int:
    """Return the fewest samples that bound a quantile on both sides."""
    rarer = max(quantile, 1 - quantile)
    n = max(2, math.floor(math.log(0.025) / math.log(rarer)))
    while not _bounded(n, quantile):
        n += 1
    return n


def _bounded(n: int, quantile: float) -> bool:
    lower, upper = bounding_ranks(n, quantile)
    return lower >= 1 and upper <= n


def _punctuality(generator: Generator, recording: Recording) -> Iterator[Reason]:
    """Hold the lag against the response time that it is a part of."""
    judged = recording.select()
    lag, response = judged.lag.quantile(0.99), judged.response.quantile(0.99)
    if lag is None or response is None or generator.model == "closed":
        return
    if lag / _US_PER_MS > max(LAG_MS, LAG_SHARE * response / _US_PER_MS):
        yield Reason(
            Cause.STARVED,
            f"the generator starved: it sent up to {lag / _US_PER_MS:.0f} ms late (p99), "
            f"where the response time's p99 is {response / _US_PER_MS:.0f} ms{_why(generator)}",
        )


def _why(generator: Generator) -> str:
    busiest = max((one.busy or 0.0, one.name, one) for one in generator.workers)[2:]
    told = [
        f"; {one.name} was on a core for {one.cpu_share:.0%} and waited for one for "
        f"{one.runqueue_share:.0%} of the time"
        for one in busiest
        if one.busy is not None
    ]
    return "".join(told)


def _busy(generator: Generator) -> Iterator[Reason]:
    for one in generator.workers:
        if one.busy is not None and one.busy > BUSY:
            yield Reason(
                Cause.STARVED,
                f"{one.name} had no time to spare: it ran or waited for a core for "
                f"{one.busy:.0%} of the time",
            )


def _own_errors(recording: Recording) -> Iterator[Reason]:
    """Tell failures of the generator's machine from those of the server."""
    errors = recording.total().errors
    for kind in _OWN:
        if errors[kind]:
            yield Reason(
                Cause.STARVED,
                f"{errors[kind]} requests could not be sent for want of the generator's own "
                f"means: {kind}",
            )


def _complete(generator: Generator, recording: Recording) -> Iterator[Reason]:
    total = recording.total()
    if total.dropped:
        yield Reason(
            Cause.DROPPED,
            f"{total.dropped} of {total.scheduled} requests were given up: "
            f"{generator.limit} were under way already; either the server cannot keep up, "
            "or more workers are needed",
        )
    if total.sent + total.dropped < SENT_SHARE * total.scheduled:
        yield Reason(
            Cause.BEHIND,
            f"the generator fell behind: {total.sent} of {total.scheduled} requests due were sent",
        )


def _calibrated(generator: Generator) -> Iterator[Reason]:
    for one in generator.workers:
        off = one.calibrations[-1].off if one.calibrations else None
        if off is not None:
            yield Reason(Cause.CALIBRATION, f"{one.name} is not calibrated: {off}")


def _counted(recording: Recording, counted: int | None) -> Iterator[Reason]:
    """Compare with the server's count; what was never answered it may have seen or not."""
    if counted is None:
        return
    total = recording.total()
    if not total.sent - total.unanswered <= counted <= total.sent:
        but = f", {total.unanswered} of them unanswered" if total.unanswered else ""
        yield Reason(
            Cause.COUNT,
            f"the server counted {counted} requests, the generator sent {total.sent}{but}",
        )


def _enough(recording: Recording, thresholds: Iterable[Threshold]) -> Iterator[Reason]:
    for one in thresholds:
        quantile = one.metric.quantile
        if quantile is None:
            continue
        series = recording.select(one.phase, one.request)
        where = " ".join(part for part in (one.request, one.phase) if part) or "the run"
        needed = samples_needed(quantile)
        if series.finished < needed:
            yield Reason(
                Cause.FEW,
                f"{series.finished} requests are too few for a {one.metric} of {where}: "
                f"{needed} tell",
            )
        elif 0 < (seconds := len(series.blocks.parts) * series.blocks.width_s) < FEWEST:
            yield Reason(
                Cause.FEW,
                f"{seconds} s are too short for a {one.metric} of {where}: requests are not "
                f"independent, and how they differ from second to second shows from {FEWEST} s on",
            )
