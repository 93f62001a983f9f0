"""What happened to every request, kept so that it can be merged exactly and judged later.

A series is one request's name in one phase, apart for the warm-up. It keeps three histograms:
`response` from the due time to the end, which is what a caller would have waited; `service` from
the sending to the end; `lag` from the due time to the sending, which is the generator's own fault.
Response times are kept by second as well, since how sure a percentile is shows in how it differs
from time to time. The timeline has a second for every second of due time. Percentiles are read
from merged histograms; they are never averaged.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from perf.load import blocks
from perf.load.blocks import Blocks
from perf.load.histogram import Histogram, Reading

_US = 1e6
UNFINISHED = "unfinished"
_ANSWERED = "status "


def status_kind(status: int) -> str:
    """Return the kind of error that an unexpected status is."""
    return f"{_ANSWERED}{status}"


@dataclass(frozen=True, slots=True)
class Key:
    """What a series is of; `warmup` are those due before the phase's warm-up was over."""

    phase: str
    request: str
    warmup: bool = False


@dataclass(slots=True)
class Series:
    """Counts and times of one key. What ended with an error has times too.

    Leaving out what failed would make a server that times out look fast.
    """

    scheduled: int = 0
    sent: int = 0
    finished: int = 0
    dropped: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    response: Histogram = field(default_factory=Histogram)
    service: Histogram = field(default_factory=Histogram)
    lag: Histogram = field(default_factory=Histogram)
    blocks: Blocks = field(default_factory=Blocks)

    @property
    def failed(self) -> int:
        """How many ended with an error."""
        return self.errors.total()

    @property
    def unanswered(self) -> int:
        """How many ended without an answer of the server: it may have counted them or not."""
        return sum(n for kind, n in self.errors.items() if not kind.startswith(_ANSWERED))

    def reading(self, q: float) -> Reading | None:
        """Return a quantile of the response times, with an interval that knows of stalls."""
        return blocks.reading(self.response, self.blocks, q)

    def add(self, other: Series) -> None:
        """Add the other's counts and times."""
        self.scheduled += other.scheduled
        self.sent += other.sent
        self.finished += other.finished
        self.dropped += other.dropped
        self.errors.update(other.errors)
        self.response.add(other.response)
        self.service.add(other.service)
        self.lag.add(other.lag)
        self.blocks.add(other.blocks)


@dataclass(slots=True)
class Second:
    """What was due within one second."""

    scheduled: int = 0
    finished: int = 0
    errors: int = 0
    dropped: int = 0
    response: Histogram = field(default_factory=Histogram)

    def add(self, other: Second) -> None:
        """Add the other's counts and times."""
        self.scheduled += other.scheduled
        self.finished += other.finished
        self.errors += other.errors
        self.dropped += other.dropped
        self.response.add(other.response)


@dataclass(slots=True)
class Recording:
    """All series of a run, or of a part of it, and its timeline. Times are seconds of the run."""

    series: dict[Key, Series] = field(default_factory=dict)
    timeline: dict[int, Second] = field(default_factory=dict)

    def schedule(self, key: Key, due_s: float) -> None:
        """Count a request that is due."""
        self._of(key).scheduled += 1
        self._second(due_s).scheduled += 1

    def drop(self, key: Key, due_s: float) -> None:
        """Count a request that was due and given up, since too many were under way."""
        self._of(key).dropped += 1
        self._second(due_s).dropped += 1

    def send(self, key: Key, due_s: float, sent_s: float) -> None:
        """Count a request that is handed to the network."""
        series = self._of(key)
        series.sent += 1
        series.lag.record((sent_s - due_s) * _US)

    def finish(
        self, key: Key, due_s: float, sent_s: float, end_s: float, error: str | None = None
    ) -> None:
        """Count a request that ended, well or not."""
        series, second = self._of(key), self._second(due_s)
        series.finished += 1
        second.finished += 1
        series.response.record((end_s - due_s) * _US)
        series.blocks.record(due_s, (end_s - due_s) * _US)
        series.service.record((end_s - sent_s) * _US)
        second.response.record((end_s - due_s) * _US)
        if error is not None:
            series.errors[error] += 1
            second.errors += 1

    def add(self, other: Recording) -> None:
        """Merge the other in; exact."""
        for key, series in other.series.items():
            self._of(key).add(series)
        for at_s, second in other.timeline.items():
            self._second(at_s).add(second)

    def select(
        self, phase: str | None = None, request: str | None = None, *, warmup: bool = False
    ) -> Series:
        """Return the sum of the series asked for, without the warm-up unless that is wanted too."""
        total = Series()
        for key, series in self.series.items():
            if (
                phase in {None, key.phase}
                and request in {None, key.request}
                and (warmup or not key.warmup)
            ):
                total.add(series)
        return total

    def total(self) -> Series:
        """Return the sum of all, warm-up included: what a server's own counter is held against."""
        return self.select(warmup=True)

    def requests(self) -> tuple[str, ...]:
        """Return the names of the requests, sorted."""
        return tuple(sorted({key.request for key in self.series}))

    def to_wire(self) -> dict[str, Any]:
        """Return it cheaply packed, for a worker's report."""
        return {"recordings": self._series(Histogram.flat), "timeline": self._seconds()}

    @classmethod
    def from_wire(cls, raw: Mapping[str, Any]) -> Recording:
        """Read a worker's report."""
        recording = cls(series=_series_of(raw["recordings"], Histogram.from_flat))
        for one in raw["timeline"]:
            response = Histogram.from_flat(one["response"])
            recording.timeline[one["t_s"]] = Second(
                one["scheduled"], one["finished"], one["errors"], one["dropped"], response
            )
        return recording

    def to_json(self) -> list[dict[str, Any]]:
        """Return the series as they stand in a result, histograms in HdrHistogram's format."""
        return self._series(Histogram.encode)

    @classmethod
    def from_json(cls, raw: Iterable[Mapping[str, Any]]) -> Recording:
        """Read the series of a result; raise ValueError when they are something else."""
        try:
            return cls(series=_series_of(raw, Histogram.decode))
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a recording: {error}") from error

    def timeline_json(self) -> list[dict[str, Any]]:
        """Return the timeline as it stands in a result, percentiles read from each second."""
        return [
            {
                "t_s": at_s,
                "scheduled": second.scheduled,
                "finished": second.finished,
                "errors": second.errors,
                "dropped": second.dropped,
                **percentiles_ms(second.response),
            }
            for at_s, second in sorted(self.timeline.items())
        ]

    def _series(self, pack: Callable[[Histogram], Any]) -> list[dict[str, Any]]:
        return [
            {
                "phase": key.phase,
                "request": key.request,
                "warmup": key.warmup,
                "scheduled": series.scheduled,
                "sent": series.sent,
                "finished": series.finished,
                "dropped": series.dropped,
                "errors": dict(series.errors),
                "response": pack(series.response),
                "service": pack(series.service),
                "lag": pack(series.lag),
                "blocks": series.blocks.to_json(),
            }
            for key, series in sorted(self.series.items(), key=lambda item: _order(item[0]))
        ]

    def _seconds(self) -> list[dict[str, Any]]:
        return [
            {
                "t_s": at_s,
                "scheduled": second.scheduled,
                "finished": second.finished,
                "errors": second.errors,
                "dropped": second.dropped,
                "response": second.response.flat(),
            }
            for at_s, second in self.timeline.items()
        ]

    def _of(self, key: Key) -> Series:
        found = self.series.get(key)
        if found is None:
            found = self.series[key] = Series()
        return found

    def _second(self, due_s: float) -> Second:
        at_s = int(due_s)
        found = self.timeline.get(at_s)
        if found is None:
            found = self.timeline[at_s] = Second()
        return found


def recorded(parts: Iterable[Recording]) -> Recording:
    """Return the parts as one recording."""
    total = Recording()
    for part in parts:
        total.add(part)
    return total


def percentiles_ms(response: Histogram) -> dict[str, float | None]:
    """Return p50, p95 and p99 in milliseconds; None where nothing was counted."""
    found = {name: response.quantile(q) for name, q in _SHOWN.items()}
    return {name: None if us is None else us / 1000 for name, us in found.items()}


_SHOWN = {"p50_ms": 0.5, "p95_ms": 0.95, "p99_ms": 0.99}


def _order(key: Key) -> tuple[str, str, bool]:
    return key.phase, key.request, key.warmup


def _series_of(
    raw: Iterable[Mapping[str, Any]], unpack: Callable[[Any], Histogram]
) -> dict[Key, Series]:
    return {
        Key(one["phase"], one["request"], one.get("warmup", False)): Series(
            scheduled=one["scheduled"],
            sent=one["sent"],
            finished=one["finished"],
            dropped=one["dropped"],
            errors=Counter(one["errors"]),
            response=unpack(one["response"]),
            service=unpack(one["service"]),
            lag=unpack(one["lag"]),
            blocks=Blocks.from_json(one.get("blocks")),
        )
        for one in raw
    }
