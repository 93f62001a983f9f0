"""The history of runs: what is kept of each, what a new one is compared with, and how it went.

`runs` keeps audits, `figures` and `importers` what other tools have measured, `store` the one file
of lines that both lie in, `series` the figures of one thing over time, and `trends` what they did.
Figures are compared only within one class of machine.
"""

from __future__ import annotations

from perf.history.runs import (
    TREND,
    Past,
    append,
    change,
    read,
    record,
    targets_changed,
    trend,
)

__all__ = [
    "TREND",
    "Past",
    "append",
    "change",
    "read",
    "record",
    "targets_changed",
    "trend",
]
