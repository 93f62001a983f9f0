"""From which change on each benchmark counts as slower: defaults, settings, marks.

The most particular wins: a pattern in the settings' `benchmarks` table, then the benchmark's own
mark, then the flag or the settings of the whole suite. Repositories keep their thresholds in
`[tool.ava-perf.gate]`, where a review sees them change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from perf.gate.protocol import Described
from perf.gate.sample import DEFAULT_THRESHOLD, Metric, Rule
from perf.settings import SettingsError

_KEYS = ("threshold", "floor")


@dataclass(frozen=True, slots=True)
class GateSettings:
    """`[tool.ava-perf.gate]`.

    `threshold` is the relative change that matters, `floor` the absolute one, in the metric's unit
    a call; `max_time` bounds a run in seconds, 0 leaves it open; `args` are pytest's where the
    command line has none. `benchmarks` maps patterns of ids to tables with a threshold or floor of
    their own.
    """

    threshold: float = DEFAULT_THRESHOLD
    floor: float = 0.0
    metric: str = Metric.WALL.value
    max_time: float = 0.0
    strict: bool = False
    allow_removed: bool = False
    python: str = ""
    install: str = ""
    args: tuple[str, ...] = ()
    benchmarks: dict[str, Any] = field(default_factory=dict)


def check(settings: GateSettings) -> None:
    """Raise SettingsError where a value makes no rule."""
    where = "[tool.ava-perf.gate]"
    _checked({"threshold": settings.threshold, "floor": settings.floor}, where)
    if settings.metric not in set(Metric):
        raise SettingsError(f"metric {settings.metric!r}; there are {', '.join(Metric)}")
    if settings.max_time < 0:
        raise SettingsError(f"max_time is {settings.max_time:g}; it is a number of seconds")
    if not isinstance(settings.benchmarks, dict):
        raise SettingsError(f"benchmarks in {where} is a table of patterns")
    for pattern, table in settings.benchmarks.items():
        if not isinstance(table, dict):
            raise SettingsError(
                f"{pattern!r} in {where}.benchmarks is a table, {{threshold = ...}}"
            )
        _checked(table, f"{where}.benchmarks {pattern!r}")


def rule_for(benchmark: Described, settings: GateSettings) -> Rule:
    """Return the rule of a benchmark."""
    rule = {"threshold": settings.threshold, "floor": settings.floor}
    rule |= _checked(benchmark.rule, f"the ava_gate mark of {benchmark.id}")
    for pattern, table in settings.benchmarks.items():
        if fnmatchcase(benchmark.id, pattern) or fnmatchcase(benchmark.id.split("::")[-1], pattern):
            rule |= _checked(table, pattern)
    return Rule(**rule)


def _checked(table: Mapping[str, Any], where: str) -> dict[str, float]:
    for key, value in table.items():
        if key not in _KEYS:
            raise SettingsError(f"unknown key {key!r} in {where}; known are {', '.join(_KEYS)}")
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
            raise SettingsError(f"{key} in {where} is {value!r}, not a number from 0 on")
    if table.get("threshold") == 0:
        raise SettingsError(f"threshold in {where} is 0; no two runs are that much alike")
    return {key: float(value) for key, value in table.items()}
