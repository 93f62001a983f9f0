"""Exit codes: what a script may conclude from a run without reading its report."""

from __future__ import annotations

from collections.abc import Collection
from enum import IntEnum

from perf.verdict import Verdict


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


def exit_code(verdicts: Collection[Verdict], *, strict: bool) -> Exit:
    """Return the code of a run: the worst news first."""
    if not verdicts:
        return Exit.NOTHING_SELECTED
    if Verdict.MISSED in verdicts:
        return Exit.MISSED
    if Verdict.NOT_MEASURED in verdicts:
        return Exit.NOT_MEASURED
    if strict and Verdict.INCONCLUSIVE in verdicts:
        return Exit.INCONCLUSIVE
    return Exit.OK
