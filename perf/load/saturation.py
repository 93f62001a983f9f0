"""What had no room left in a run: generator, processors, cores, event loop, pool, database.

Each is held against its own limit over the busiest stretch of a few seconds; where nothing was at
its limit, nothing is named, and what came nearest is told with its figure. On one machine all share
the cores: when these are full the capacity is that of the machine with the generator on it, so what
the generator took of them is said. A late event loop is a consequence, and only named where no
cause is seen.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from perf.load.machine import busy_share, stolen_share
from perf.load.result import Result
from perf.load.server import Sample

FULL = 0.9  # of what there is
_LAG_S = 0.05  # a loop that wakes sleepers this late has no time left
_STRETCH_S = 3.0  # a second at the limit is a chance; this is a state
_LEAST_S = 0.5  # the least stretch that a share of processor time is read over
_TOLD = 0.05  # a share of time that is worth a word
_NEAREST = 3
_SHARED = ": what was found is this machine's, with the generator on it"
_EDGES = frozenset({"before", "after"})

Stretch = tuple[Sample, Sample]


@dataclass(frozen=True, slots=True)
class Strained:
    """A part of the system and the share of its limit that was used, 1 being all.

    `note` says what else has to be known of it, `consequence` that something else is its cause,
    `shared` that the generator has its part of it.
    """

    part: str
    share: float
    note: str = ""
    consequence: bool = False
    shared: bool = False

    def __str__(self) -> str:
        return f"{self.part} ({self.share:.0%} of its limit{self.note})"


def strained(result: Result) -> list[Strained]:
    """Return the parts by the share of their limit that was used, the fullest first."""
    stretches = list(_stretches(result.server))
    found = (
        *_generator(result),
        *_processes(stretches),
        *_cores(result, stretches),
        *_told(result),
        *_postgres(result),
    )
    return sorted(found, key=lambda one: -one.share)


def first_full(result: Result) -> str:
    """Say what saturated first, or that it is not told and what came nearest."""
    found = strained(result)
    full = sorted((one for one in found if one.share >= FULL), key=lambda one: one.consequence)
    if full:
        return str(full[0]) + (_SHARED if full[0].shared else "")
    nearest = ", ".join(str(one) for one in found[:_NEAREST]) or "nothing is watched"
    return f"not told: nothing that is watched was at its limit; nearest were {nearest}"


def _stretches(samples: Sequence[Sample]) -> Iterator[Stretch]:
    """Yield each stretch of `_STRETCH_S`; the whole run where it is shorter.

    What was read before the start and after the end is of no moment of the run.
    """
    inside = [one for one in samples if one.label not in _EDGES]
    if not inside or inside[-1].at_s - inside[0].at_s < _LEAST_S:
        inside = list(samples)
    found = False
    for place, then in enumerate(inside):
        later = (one for one in inside[place:] if one.at_s - then.at_s >= _STRETCH_S)
        if (now := next(later, None)) is not None:
            found = True
            yield then, now
    if not found and inside and inside[-1].at_s - inside[0].at_s >= _LEAST_S:
        yield inside[0], inside[-1]


def _generator(result: Result) -> Iterator[Strained]:
    shares = [one.busy for one in result.generator.workers if one.busy is not None]
    if shares:
        yield Strained("the generator's processor", max(shares))


def _processes(stretches: Sequence[Stretch]) -> Iterator[Strained]:
    """Hold the busiest stretch of each process against one core: a loop runs on no more.

    One that waits for a core has work all the same, so both together are held against it as well.
    """
    for name in sorted({name for then, _ in stretches for name in then.cpu_s}):
        read = [
            (_share(then, now, "cpu_s", name), _share(then, now, "waited_s", name))
            for then, now in stretches
            if name in then.cpu_s and name in now.cpu_s
        ]
        if not read:
            continue
        ran, waited = max(read)
        yield Strained(f"the processor of {name}", ran, _and(waited, "waiting for a core besides"))
        ran, waited = max(read, key=sum)
        if waited >= _TOLD:
            note = f"; for {waited:.0%} of the time it had none"
            yield Strained(f"{name}, which ran or waited for a core", ran + waited, note)


def _share(then: Sample, now: Sample, what: str, name: str) -> float:
    before, after = getattr(then, what).get(name), getattr(now, what).get(name)
    return 0.0 if before is None or after is None else (after - before) / (now.at_s - then.at_s)


def _cores(result: Result, stretches: Sequence[Stretch]) -> Iterator[Strained]:
    """Hold all cores, and those that the service is kept to, against the time they had."""
    kept = frozenset(map(str, result.facts.get("server_cores", ())))
    every = frozenset(name for then, _ in stretches if then.cores for name in then.cores.busy)
    left = f"the cores left to the service, {len(kept)} of {len(every)},"
    for names, part in ((every, f"the machine's {len(every)} cores"), (kept, left)):
        read = [
            (share, place)
            for place, (then, now) in enumerate(stretches)
            if then.cores is not None and now.cores is not None
            for share in [busy_share(then.cores, now.cores, names)]
            if share is not None
        ]
        if read:
            share, place = max(read)
            yield Strained(part, share, _taken(*stretches[place]), shared=True)


def _taken(then: Sample, now: Sample) -> str:
    """Say who used all the cores' time; what is nobody's known here is stores and strangers."""
    if then.cores is None or now.cores is None:
        return ""
    wall_s = (now.at_s - then.at_s) * len(now.cores.busy)
    told = {"the service's processes": sum(now.cpu_s.values()) - sum(then.cpu_s.values())}
    if then.generating_s is not None and now.generating_s is not None:
        told["the generator"] = now.generating_s - then.generating_s
    shares = {name: used_s / wall_s for name, used_s in told.items()}
    shares["the host"] = stolen_share(then.cores, now.cores)
    busy = busy_share(then.cores, now.cores, frozenset(now.cores.busy)) or 0.0
    shares["all others"] = max(0.0, busy - sum(shares.values()))
    return "; of all cores: " + ", ".join(f"{name} {used:.0%}" for name, used in shares.items())


def _and(share: float, what: str) -> str:
    return f", {share:.0%} {what}" if share >= _TOLD else ""


def _told(result: Result) -> Iterator[Strained]:
    told = [one.told for one in result.server if one.told is not None]
    lags = [
        spread.mean_s
        for then, now in pairwise(told)
        if then.lag is not None and now.lag is not None
        for spread in [now.lag.since(then.lag)]
        if spread.mean_s is not None
    ]
    if lags:
        late = f", {1000 * max(lags):.0f} ms late in the mean"
        yield Strained("the event loop", max(lags) / _LAG_S, late, consequence=True)
    pools = [one.pool["saturation"] for one in told if "saturation" in one.pool]
    if pools:
        yield Strained("the connection pool", max(pools))


def _postgres(result: Result) -> Iterator[Strained]:
    """Hold the sessions that work against the cores there are for them."""
    active = [one.postgres["active"] for one in result.server if one.postgres is not None]
    if active:
        mean = sum(active) / len(active)  # the reader's own session is among them
        yield Strained("PostgreSQL", max(0.0, mean - 1) / (os.cpu_count() or 1))
