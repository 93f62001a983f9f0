"""A load run of this harness: `load.json`, which keeps a histogram a phase and request.

Warm-ups are left out, as they are of the run's own judgement, and so is a run that its generator
could not make honestly: the reason is said.
"""

from __future__ import annotations

import math

from perf.history.document import Document, NotReadableError
from perf.history.figures import UNKNOWN_MACHINE, Better, Figure, Imported, Run, Sheet, moment
from perf.load.histogram import Reading
from perf.load.recording import Recording, Series

NAME = "load run"
_QUANTILES = (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))


def reads(document: Document) -> bool:
    """Say whether it is a load run."""
    return isinstance(document.json, dict) and document.json.get("kind") == "load"


def read(document: Document) -> Imported:
    """Return a figure of each sort for every request of every phase."""
    raw, sheet = document.json, Sheet()
    validity = raw["validity"]
    if not validity["valid"]:
        why = "; ".join(map(str, validity["reasons"]))
        raise NotReadableError(f"{document.name} is a run that is not valid: {why}")
    scenario = raw["scenario"]["name"]
    for key, series in Recording.from_json(raw["recordings"]).series.items():
        name = f"{scenario}/{key.phase}/{key.request}"
        if key.warmup:
            sheet.row(name, [], "it is the warm-up's")
        else:
            sheet.row(name, _figures(name, series), "no request of it ended")
    run, environment = raw.get("run") or {}, raw.get("environment") or {}
    started = moment(run.get("started"))
    return sheet.imported(
        Run(
            NAME,
            (),
            started or document.modified,
            run.get("commit") or "",
            run.get("dirty"),
            environment.get("machine") or UNKNOWN_MACHINE,
            dated=bool(started),
        )
    )


def _figures(name: str, series: Series) -> list[Figure]:
    if not series.finished:
        return []
    found = [
        Figure(name, metric, reading.estimate / 1000, "ms", Better.LESS, *_bounds(reading))
        for metric, q in _QUANTILES
        if (reading := series.response.reading(q)) is not None
    ]
    failed = 100 * series.failed / series.finished
    return [*found, Figure(name, "failed", failed, "%", Better.LESS)]


def _bounds(reading: Reading) -> tuple[float | None, float | None]:
    low, high = reading.low / 1000, reading.high / 1000
    return (low if math.isfinite(low) else None), (high if math.isfinite(high) else None)
