"""Results of load runs made by hand, for tests of what is done with them."""

from __future__ import annotations

from dataclasses import replace

from perf.load.calibration import Calibration
from perf.load.protocol import Progress
from perf.load.recording import Key, Recording
from perf.load.result import Result
from perf.load.server import Sample
from perf.load.told import Spread, Told
from perf.load.validity import Generator, Worker

PHASES = [
    {
        "name": "steady",
        "start_s": 0.0,
        "duration_s": 10.0,
        "warmup_s": 0.0,
        "rate": 100.0,
        "arrivals": "poisson",
    }
]


def recording(times_ms, *, errors=0, request="page", phase="steady", lag_ms=0.1):
    """Return the recording of requests that took these times, the first of them with errors."""
    made = Recording()
    key = Key(phase, request)
    for turn, ms in enumerate(times_ms):
        due_s = 10 * turn / len(times_ms)
        sent_s = due_s + lag_ms / 1000
        made.schedule(key, due_s)
        made.send(key, due_s, sent_s)
        error = "status 500" if turn < errors else None
        made.finish(key, due_s, sent_s, due_s + ms / 1000, error)
    return made


def told(requests=0.0, hits=0.0, misses=0.0, **more):
    """Return what a server tells of so many requests."""
    latency = Spread(requests, requests / 100, ((0.01, requests), (float("inf"), requests)))
    return Told(requests=requests, latency=latency, hits=hits, misses=misses, **more)


def server(count, hits=0.0, misses=0.0, rss_mb=100.0):
    """Return samples of a server that counted so much from the run's begin to its end."""
    return (
        Sample(0.0, "before", {"serve": rss_mb}, {"serve": 1.0}, told()),
        Sample(0.0, "steady begin", {"serve": rss_mb}, {"serve": 1.0}, told()),
        Sample(10.0, "steady end", {"serve": rss_mb}, {"serve": 3.0}, told(count, hits, misses)),
        Sample(10.0, "after", {"serve": rss_mb}, {"serve": 3.0}, told(count, hits, misses)),
    )


def result(times_ms=(5.0,) * 1000, *, thresholds=(), errors=0, **changes):
    """Return a valid run of 10 s, with changes."""
    made = recording(times_ms, errors=errors)
    n = len(times_ms)
    worker = Worker("worker 1", 0.2, 0.01, 0.3, (Calibration(5.0, 5.2, 5.1, 5.6),))
    whole = Result(
        scenario={
            "name": "sample",
            "title": "A sample run",
            "model": "open",
            "seed": 1,
            "users": None,
            "listeners": None,
            "phases": PHASES,
        },
        thresholds=tuple(thresholds),
        generator=Generator("open", (worker,)),
        recording=Recording(made.series),  # a result has the timeline apart
        timeline=tuple(made.timeline_json()),
        server=server(n),
        progress=tuple(
            Progress(float(s), n * s // 10, n * s // 10, n * s // 10, 0, 0) for s in range(11)
        ),
    )
    return replace(whole, **changes)
