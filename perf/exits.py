"""Exit codes: what a script may conclude from a run without reading its report."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """The codes of the contract; an internal error is never taken for a missed target."""

    OK = 0
    MISSED = 1
    USAGE = 2
    NOT_MEASURED = 3
    INCONCLUSIVE = 4
    NOTHING_SELECTED = 5
    INTERNAL = 70
    INTERRUPTED = 130
