"""What the gate measures and what it is judged by: the data between its two halves.

The measuring half fills a `Measured` and knows no statistics; the judging half reads it and starts
no process. All slices are kept; estimates are derived. A value is seconds a call for wall and CPU
time, instructions a call, or bytes at the peak of a call: `Measured.metric` says which.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

Slice = float  # one value a call, over the calls of one slice

DEFAULT_THRESHOLD = 0.03


class Metric(StrEnum):
    """What is compared."""

    WALL = "wall"
    CPU = "cpu"
    INSTRUCTIONS = "instructions"
    MEMORY = "memory"


@dataclass(frozen=True, slots=True)
class PairSample:
    """The slices of one benchmark in one pair of processes; in a control both are base."""

    base: tuple[Slice, ...]
    head: tuple[Slice, ...]


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that was measured of one benchmark.

    `pairs` are what a suspicion may rest on, `confirmation` the pairs that were taken only after
    one arose, `control` pairs of base against base in the same run.
    """

    id: str
    pairs: tuple[PairSample, ...] = ()
    confirmation: tuple[PairSample, ...] = ()
    control: tuple[PairSample, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """From which change on a benchmark counts as slower: both floors must be passed.

    `threshold` is relative to base, `floor` absolute, in the metric's unit a call.
    """

    threshold: float = DEFAULT_THRESHOLD
    floor: float = 0.0


@dataclass(frozen=True, slots=True)
class Next:
    """What the next round measures: the ids that take part in it. Nothing anywhere: done.

    Ids of `pairs` and `confirm` share one fresh base/head pair of processes, those of `control` a
    base/base pair. `rounds_left` is how many more rounds the plan may take, for the progress line.
    """

    pairs: tuple[str, ...] = ()
    confirm: tuple[str, ...] = ()
    control: tuple[str, ...] = ()
    rounds_left: int = 0

    @property
    def done(self) -> bool:
        """Say whether nothing is wanted any more."""
        return not (self.pairs or self.confirm or self.control)


class Side(StrEnum):
    """The revision that something is said of."""

    BASE = "base"
    HEAD = "head"


@dataclass(frozen=True, slots=True)
class Broken:
    """A benchmark that cannot be measured on one side, and why; never "same"."""

    id: str
    side: Side
    reason: str


@dataclass(frozen=True, slots=True)
class Measured:
    """A whole run: what was compared, and all that was measured.

    `rules` and `seconds` (spent on measuring it) have an entry for each evidence. Benchmarks that
    are broken have no evidence. `complete` is false where time was up before the plan was done.
    """

    base: str
    head: str
    metric: Metric
    evidences: tuple[Evidence, ...]
    rules: Mapping[str, Rule]
    seconds: Mapping[str, float]
    only_base: tuple[str, ...] = ()
    only_head: tuple[str, ...] = ()
    broken: tuple[Broken, ...] = ()
    skipped: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())
    complete: bool = True
    duration_s: float = 0.0
