"""Numbers as a reader should meet them: three significant digits, a unit, an interval.

More digits are shown only where three would put the figure on the wrong side of its own target.
A difference whose interval spans none is written `~` and never as a small percentage. A value
that is not known has no text here (None), so that no rendering can print it as zero.
"""

from __future__ import annotations

import math
import re

from perf.claim import Target, TargetKind
from perf.report.model import Entry
from perf.verdict import Verdict

SPACE = "\N{NO-BREAK SPACE}"
TIMES = "\N{MULTIPLICATION SIGN}"
MINUS = "\N{MINUS SIGN}"
NO_DIFFERENCE = "~"
DASH = "\N{EN DASH}"  # between two ends, and where there is nothing to write

GLYPHS = {
    Verdict.MET: "\N{CHECK MARK}",
    Verdict.MISSED: "\N{BALLOT X}",
    Verdict.INCONCLUSIVE: "?",
    Verdict.NOT_MEASURED: "!",
    Verdict.REFUTED: "\N{NOT EQUAL TO}",
}
WORDS = {verdict: verdict.value.replace("_", " ") for verdict in Verdict}

_DIGITS = 3
_MOST_DIGITS = 6
_LARGEST_PLAIN = 1e9
_SMALLEST_PLAIN = 1e-4
_SIGNS = {
    TargetKind.AT_LEAST: "\N{GREATER-THAN OR EQUAL TO}",
    TargetKind.AT_MOST: "\N{LESS-THAN OR EQUAL TO}",
    TargetKind.EXACTLY: "=",
}
_OCCURRED = {1.0: "occurred", 0.0: "did not occur"}
_SHORTEST_PLURAL = 3  # "s" and "ms" are symbols, not plurals
_ISO = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(?::\d\d(?:\.\d+)?)?Z$")
_TIME_UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "\N{MICRO SIGN}s"), (1e-9, "ns"))


def significant(value: float, digits: int = _DIGITS) -> str:
    """Write a number with that many significant digits."""
    if math.isinf(value):
        return f"{MINUS if value < 0 else ''}\N{INFINITY}"
    size = abs(value)
    if size == 0:
        return "0"
    if not _SMALLEST_PLAIN <= size < _LARGEST_PLAIN:
        mantissa, _, exponent = f"{value:.{digits - 1}e}".partition("e")
        return f"{mantissa}e{int(exponent)}".replace("-", MINUS)
    # Formatting first settles whether rounding lifts 9.996 to 10.0, which has one decimal less.
    rounded = float(f"{value:.{digits - 1}e}")
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(rounded))))
    return f"{rounded:,.{decimals}f}".replace("-", MINUS)


def exact(value: float) -> str:
    """Write a counted or documented number in full."""
    return f"{value:,.12g}".replace("-", MINUS)


def apart(value: float, bound: float) -> str:
    """Write a number with the digits needed to tell it from `bound`."""
    for digits in range(_DIGITS, _MOST_DIGITS):
        if value == bound or float(f"{value:.{digits - 1}e}") != bound:
            return significant(value, digits)
    return significant(value, _MOST_DIGITS)


def unit_of(unit: str, value: float) -> str:
    """Return what follows a number of that unit, space included."""
    if unit == "x":
        return TIMES
    return f"{SPACE}{_singular(unit) if value == 1 else unit}" if unit else ""


def _singular(unit: str) -> str:
    if len(unit) < _SHORTEST_PLURAL or not unit.endswith("s"):
        return unit
    if unit.endswith("ies"):
        return f"{unit[:-3]}y"
    return unit[:-2] if unit.endswith(("ches", "shes", "sses", "xes")) else unit[:-1]


def count(number: int, noun: str) -> str:
    """Write "1 claim", "2 claims"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def measured(entry: Entry) -> str | None:
    """Write the estimate with its unit."""
    if entry.estimate is None:
        return None
    value, target = entry.estimate, entry.target
    if target.kind is TargetKind.COUNTER_EXAMPLE:
        return _OCCURRED.get(value, "occurred at times")
    return f"{write(entry, value)}{unit_of(target.unit, value)}"


def write(entry: Entry, value: float) -> str:
    """Write a figure of the claim: a counted number in full, others as far as they are known."""
    if entry.is_exact and value.is_integer():
        return exact(value)
    return apart(value, entry.target.bound)


def interval(entry: Entry) -> str | None:
    """Write the interval; a count has one only when it varied."""
    if entry.interval is None:
        return None
    low, high = entry.interval
    if entry.is_exact and low == high:
        return None
    return f"[{write(entry, low)}, {write(entry, high)}]"


def rule(target: Target) -> str:
    """Write the target: a sign, the bound, the unit."""
    if target.kind is TargetKind.COUNTER_EXAMPLE:
        return "must occur"
    return f"{_SIGNS[target.kind]}{SPACE}{bound(target)}"


def bound(target: Target) -> str:
    """Write the target's figure with its unit."""
    return f"{exact(target.bound)}{unit_of(target.unit, target.bound)}"


def margin(entry: Entry) -> str | None:
    """Write the estimate's distance from the target, negative when it falls short.

    Relative, but in points where the unit is a percentage and in the unit where the bound is 0.
    """
    room = entry.room
    if room is None:
        return None
    target = entry.target
    if room == 0 and target.kind is TargetKind.EXACTLY:
        return "none"
    if target.unit == "%":
        return f"{'+' if room > 0 else ''}{significant(room)}{SPACE}points"
    if target.bound == 0:
        return f"{write(entry, room)}{unit_of(target.unit, abs(room))}"
    return percent(room / abs(target.bound))


def percent(share: float) -> str:
    """Write a signed share of one in percent, with a decimal below ten percent only."""
    value = float(f"{100 * share:.{_DIGITS - 1}e}")
    text = f"{value:+,.{1 if abs(value) < 10 else 0}f}"  # noqa: PLR2004 - two digits
    plain = "0" if float(text.replace(",", "")) == 0 else text.replace("-", MINUS)
    return f"{plain}{SPACE}%"


def noise(share: float) -> str:
    """Write the machine's noise, which has no sign."""
    return f"{100 * share:.1f}{SPACE}%"


def change(entry: Entry) -> str | None:
    """Write the change since the baseline: `~` where it may be drift, its way elsewhere."""
    if entry.change is None:
        return None
    if entry.is_exact and entry.change.relative == 0:
        return "same"
    if entry.is_drift:
        return NO_DIFFERENCE
    way = " worse" if entry.is_worse else " better" if entry.is_better else ""
    return f"{percent(entry.change.relative)}{way}"


def change_interval(entry: Entry) -> str | None:
    """Write the interval of a change; a count has none."""
    if entry.change is None or entry.change.interval is None or entry.is_exact:
        return None
    low, high = entry.change.interval
    return f"[{percent(low)}, {percent(high)}]"


def seconds(value: float, digits: int = _DIGITS) -> str:
    """Write a time in the unit that suits it."""
    size, unit = time_unit(value)
    return f"{significant(value / size, digits)}{SPACE}{unit}"


def duration(value: float) -> str:
    """Write how long a run took, in whole seconds from a minute on."""
    minutes, rest = divmod(round(value), 60)
    return f"{minutes}{SPACE}min {rest}{SPACE}s" if minutes else seconds(value)


def moment(started: str) -> str:
    """Write an ISO time without its seconds; anything else as it stands."""
    found = _ISO.match(started)
    return f"{found[1]} {found[2]}{SPACE}UTC" if found else started


def time_unit(value: float) -> tuple[float, str]:
    """Return the unit a time is best written in: its size in seconds and its name."""
    for size, unit in _TIME_UNITS:
        if abs(value) >= size:
            return size, unit
    return _TIME_UNITS[-1] if value else _TIME_UNITS[0]
