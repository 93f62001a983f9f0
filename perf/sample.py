"""What an instrument saw: raw samples and facts, before anybody judges them.

A measurement holds no estimate. Estimates are derived (`perf.stats`), so a stored measurement can
be judged again by better statistics. It refuses to guess: what was not seen is absent, never zero.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What the samples are, which decides how they may be summarised."""

    COMPARISON = "comparison"  # paired times of two arms: samples "before" and "after", seconds
    TIMING = "timing"  # times of one arm: samples "time", seconds
    COUNT = "count"  # an exact number, counted more than once: samples "count"
    LEVEL = "level"  # what something held, read now and then: samples "level", MB above the start
    # Under load there are too many times to keep: samples "us", the middle of each bucket of a
    # histogram in microseconds, "times", how many fell into it, and "block", which stretch of time
    # they are of, numbered from 0.
    DISTRIBUTION = "distribution"
    SHARE = "share"  # so many of so many: samples "part" and "whole"
    RATE = "rate"  # so many in so many seconds: samples "count" and "seconds"
    WITNESS = "witness"  # a counter-example: samples "occurred", 1.0 or 0.0
    FAILURE = "failure"  # nothing was measured; `error` says why


class Scale(StrEnum):
    """How a comparison is stated."""

    RATIO = "ratio"  # before / after: 5.0 reads "five times faster"
    SAVING = "saving"  # 100 * (1 - after / before): 30 reads "30 % less time"


@dataclass(frozen=True, slots=True)
class Measurement:
    """Raw samples of one claim, with the facts that were true while they were taken.

    `samples` maps a series' name to its values; times are seconds, `*_cpu` series are processor
    seconds of the measuring process. `facts` is evidence for readers (JSON values only).
    `equal` says whether both arms gave the same result; None where there is nothing to compare.
    `error` is set for `Kind.FAILURE` only, and `cure` is what would enable the measurement.
    """

    kind: Kind
    unit: str = ""
    samples: Mapping[str, Sequence[float]] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    scale: Scale = Scale.RATIO
    quantile: float = 0.5
    equal: bool | None = None
    error: str | None = None
    cure: str | None = None

    def to_json(self) -> str:
        """Render for `measurements/<claim>.json`."""
        return json.dumps(asdict(self), indent=1, sort_keys=True)

    @classmethod
    def from_json(cls, text: str | bytes) -> Measurement:
        """Read what `to_json` wrote; raise ValueError when it is something else."""
        raw = json.loads(text)
        if not isinstance(raw, dict):
            raise ValueError("a measurement is a JSON object")
        try:
            return cls(
                **{
                    **raw,
                    "kind": Kind(raw["kind"]),
                    "scale": Scale(raw["scale"]),
                    "warnings": tuple(raw["warnings"]),
                }
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a measurement: {error}") from error


def failure(error: str, cure: str | None = None) -> Measurement:
    """Return the measurement of something that could not be measured."""
    return Measurement(Kind.FAILURE, error=error, cure=cure)
