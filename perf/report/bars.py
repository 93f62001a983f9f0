"""Bars: what a table of evidence says of how a whole is made up, drawn beside it.

A table names the columns to draw (`bars`); each of its rows is then a group of bars, one a column,
all on one linear scale from zero, since bars compare by their length. It states nothing that the
table does not: a value that is not known has no bar, and says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from perf.report import figures
from perf.report.axis import share, svg
from perf.report.read import number

_LABEL, _BAR, _APART = 18, 14, 8
_LONGEST = 0.62  # share of the width; the rest is for the words beside a bar


@dataclass(frozen=True, slots=True)
class Bars:
    """Values by row and drawn column; None is not known."""

    labels: tuple[str, ...]
    series: tuple[str, ...]
    values: tuple[tuple[float | None, ...], ...]

    @property
    def largest(self) -> float:
        """Return the value whose bar is longest."""
        return max(value for row in self.values for value in row if value is not None)


def bars(
    columns: Sequence[Any], rows: Sequence[Sequence[Any]], drawn: Sequence[Any]
) -> Bars | None:
    """Return the bars of the columns named in `drawn`; None where they cannot be drawn.

    The first column names the rows. What is drawn is numbers of zero or more, one of them above.
    """
    places = [columns.index(name) for name in drawn if name in columns]
    values = tuple(tuple(number(row[place]) for place in places) for row in rows)
    known = [value for row in values for value in row if value is not None]
    if not places or not known or min(known) < 0 or max(known) <= 0:
        return None
    return Bars(
        tuple(str(row[0]) for row in rows), tuple(str(columns[place]) for place in places), values
    )


def bar_chart(found: Bars) -> Markup:
    """Draw a group of bars a row, with each value in words beside its bar."""
    group = _LABEL + _BAR * len(found.series) + _APART
    parts = [_group(found, row, group * row) for row in range(len(found.labels))]
    text = "; ".join(
        f"{label}: " + ", ".join(_words(*pair) for pair in zip(found.series, row, strict=True))
        for label, row in zip(found.labels, found.values, strict=True)
    )
    height = group * len(found.labels)
    return svg("Bars: " + " and ".join(found.series), text, height, Markup().join(parts))


def _group(found: Bars, row: int, top: int) -> Markup:
    label = Markup('<text x="0" y="{y}">{label}</text>').format(y=top + 13, label=found.labels[row])
    pairs = zip(found.series, found.values[row], strict=True)
    return label + Markup().join(
        _bar(found, turn, name, value, top + _LABEL + _BAR * turn)
        for turn, (name, value) in enumerate(pairs)
    )


def _bar(found: Bars, turn: int, name: str, value: float | None, top: int) -> Markup:
    length = 0.0 if value is None else _LONGEST * value / found.largest
    return Markup(
        '<rect class="{cls}" x="0" y="{top}" width="{width}" height="{height}"'
        ' fill="currentColor"/>'
        '<text class="tick" x="{x}" y="{y}">{words}</text>'
    ).format(
        cls="before" if turn < len(found.series) - 1 else "after",
        top=top + 1,
        width=share(length),
        height=_BAR - 3,
        x=share(length + 0.01),
        y=top + 11,
        words=_words(name, value),
    )


def _words(name: str, value: float | None) -> str:
    return f"{name}: {figures.DASH if value is None else format(value, '.4g')}"
