"""A load run as a report shows it: whether it is valid, its curves, and its figures by request.

It reads what `perf.load.curves` wrote, which may come from another machine: what is not there, or
is not what it should be, is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from perf.report import figures
from perf.report.curves import Drawing, drawings, listed, mapping, phases
from perf.report.read import number


@dataclass(frozen=True, slots=True)
class Grid:
    """A table of a load run; the first column names the rows."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Load:
    """One load run, ready to be written down."""

    title: str
    valid: bool
    reasons: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    drawings: tuple[Drawing, ...]
    grids: tuple[Grid, ...]


def load_of(raw: Any) -> Load | None:
    """Return the run in a results document; None where there is none."""
    if not isinstance(raw, Mapping):
        return None
    scenario = mapping(raw.get("scenario"))
    return Load(
        title=str(scenario.get("title") or scenario.get("name") or "load"),
        valid=raw.get("valid") is True,
        reasons=tuple(str(one) for one in listed(raw.get("reasons"))),
        facts=tuple(_facts(raw, scenario)),
        drawings=tuple(one for one in drawings(raw, scenario) if one.chart),
        grids=tuple(one for one in (*_found(raw), *_grids(raw)) if one.rows),
    )


def _facts(raw: Mapping[str, Any], scenario: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    counts, generator = mapping(raw.get("counts")), mapping(raw.get("generator"))
    model = scenario.get("model")
    yield "Model", f"{model}: {_MODELS.get(str(model), 'not known')}"
    begun = [f"{turn} {one.words}" for turn, one in enumerate(phases(scenario), 1)]
    yield "Phases", ", ".join(begun)
    for name, key in (("Users", "users"), ("Listeners", "listeners"), ("Seed", "seed")):
        if scenario.get(key) is not None:
            yield name, str(scenario[key])
    for name in ("scheduled", "sent", "finished", "dropped"):
        if (value := number(counts.get(name))) is not None:
            yield name.capitalize(), figures.exact(value)
    counted = number(counts.get("counted_by_server"))
    yield "Counted by the server", "not known" if counted is None else figures.exact(counted)
    errors = mapping(counts.get("errors"))
    yield "Errors", ", ".join(f"{kind}: {n}" for kind, n in errors.items()) or "none"
    yield from _of_generator(generator)
    apart = mapping(raw.get("facts")).get("generator_and_server_on_own_cores")
    if apart is not None:
        yield "Generator and server on cores of their own", "yes" if apart else "no"


_MODELS = {
    "open": "arrivals by schedule, response time from the due time",
    "closed": "users who wait for answers, so a stall hides what would have come meanwhile",
}


def _of_generator(generator: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for one in map(mapping, listed(generator.get("workers"))):
        cpu, queue = number(one.get("cpu_share")), number(one.get("runqueue_share"))
        if cpu is not None and queue is not None:
            name = str(one.get("name") or "worker").capitalize()
            yield name, f"on a core {cpu:.0%} of the time, waiting for one {queue:.0%}"
    found = mapping(generator.get("calibration"))
    known, p50, p99 = (number(found.get(name)) for name in ("known_ms", "p50_ms", "p99_ms"))
    if known is not None and p50 is not None and p99 is not None:
        told = f"{_ms(p50)}, its 99th percentile {_ms(p99)}"
        yield "Calibration", f"a delay of {_ms(known)} was measured as {told}"


_REQUESTS = {
    "request": "Request",
    "phase": "Phase",
    "sent": "Sent",
    "errors": "Errors",
    "p50_ms": "p50",
    "p95_ms": "p95",
    "p99_ms": "p99",
    "service_p99_ms": "p99 of service",
    "lag_p99_ms": "p99 of sending late",
}


def _grids(raw: Mapping[str, Any]) -> Iterator[Grid]:
    requests = [mapping(one) for one in listed(raw.get("requests"))]
    yield Grid(
        "Response times by request",
        tuple(_REQUESTS.values()),
        tuple(tuple(_cell(key, one.get(key)) for key in _REQUESTS) for one in requests),
    )
    phases = [mapping(one) for one in listed(raw.get("server"))]
    keys = [key for key in dict.fromkeys(key for one in phases for key in one) if key != "phase"]
    yield Grid(
        "What the server told, by phase",
        ("", *(str(one.get("phase")) for one in phases)),
        tuple(
            (_named(key), *(_cell(key, one.get(key)) for one in phases))
            for key in keys
            if any(one.get(key) is not None for one in phases)
        ),
    )


def _found(raw: Mapping[str, Any]) -> Iterator[Grid]:
    """Return what a search or a comparison found."""
    capacity = mapping(raw.get("capacity"))
    low, high = number(capacity.get("low")), number(capacity.get("high"))
    ends = [figures.DASH if end is None else f"{end:.4g} req/s" for end in (low, high)]
    known = [
        ("Met at", ends[0]),
        ("Not met at", ends[1]),
        ("Confirmed at both ends", "yes" if capacity.get("sure") is True else "no"),
        ("How the search ended", str(capacity.get("why"))),
        ("Saturates first", str(capacity.get("saturated_first"))),
        ("Trials", ", ".join(_trials(capacity.get("trials")))),
    ]
    yield Grid(
        "Capacity: the highest rate that keeps the thresholds",
        ("", ""),
        tuple(known) if capacity else (),
    )
    compared = mapping(raw.get("compared"))
    yield Grid(
        "; ".join(["Compared with the earlier run", *map(str, listed(compared.get("caveats")))]),
        ("Request", "Phase", "Percentile", "Before", "After", "Change", "Interval", "Verdict"),
        tuple(_compared(mapping(one)) for one in listed(compared.get("rows"))),
    )


def _trials(raw: Any) -> Iterator[str]:
    for one in listed(raw):
        match one:
            case [rate, outcome] if (known := number(rate)) is not None:
                yield f"{known:.4g} req/s {outcome}"


def _compared(row: Mapping[str, Any]) -> tuple[str, ...]:
    texts = [str(row.get(key)) for key in ("request", "phase", "percentile")]
    times = [_cell(key, row.get(key)) for key in ("before_ms", "after_ms")]
    change = number(row.get("change"))
    interval = [number(end) for end in listed(row.get("interval"))]
    ends = [figures.percent(end) for end in interval if end is not None]
    return (
        *texts,
        *times,
        figures.DASH if change is None else figures.percent(change),
        f"[{', '.join(ends)}]" if ends else figures.DASH,
        str(row.get("verdict")),
    )


def _named(key: str) -> str:
    return key.removesuffix("_ms").replace("_", " ")


def _cell(key: str, value: Any) -> str:
    known = number(value)
    if known is None:
        return str(value) if isinstance(value, str) else figures.DASH
    if key.endswith("_ms"):
        return _ms(known)
    if key.startswith("cpu_of_"):
        return f"{known:.0%} of a core"
    if key == "hit_rate":
        return f"{known:.1f}{figures.SPACE}%"
    return figures.exact(known) if known.is_integer() else figures.significant(known)


def _ms(value: float) -> str:
    return figures.seconds(value / 1000)
