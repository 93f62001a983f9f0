"""The evidence of a claim, sorted into what can be shown well.

An instrument may attach any JSON. The forms known here (plans, statements, explanation, pairs of
before and after, tables of columns and rows, some of them drawn as bars) are shown as what they
are; everything else is shown by name as it is, folded when long, so that a new instrument needs no
change here and nothing it found is dropped.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from perf.report import figures
from perf.report.bars import Bars, bars
from perf.report.clean import without_literals
from perf.report.model import Entry
from perf.report.planview import Plan, plans_of
from perf.report.read import number

LONG = 120  # characters beyond which a value is folded
LONGEST = 20_000  # characters of one value; the measurement holds the rest
FOLDED_ROWS = 12
MOST_ROWS = 200

_ARMS = frozenset({"before", "after"})
_TABLE = frozenset({"columns", "rows"})
_DRAWN = "bars"  # of a table: the names of the columns that are drawn as well
_PINNED = "client_and_server_on_own_cores"  # of every measurement, by the worker
_SORTED = frozenset({"load", "plans", "sql", "explanation", "before", "after"})


@dataclass(frozen=True, slots=True)
class Fact:
    """One named fact as text."""

    name: str
    text: str

    @property
    def is_long(self) -> bool:
        """Say whether it should be folded."""
        return _is_long(self.text)


@dataclass(frozen=True, slots=True)
class Pair:
    """One fact of both arms; None where an arm has none."""

    name: str
    before: str | None
    after: str | None

    @property
    def is_long(self) -> bool:
        """Say whether a side should be folded."""
        return any(_is_long(text) for text in (self.before, self.after) if text is not None)


@dataclass(frozen=True, slots=True)
class Table:
    """Facts in rows and columns, as text; `numeric` are the columns that hold only numbers."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: frozenset[int]
    left_out: int = 0
    bars: Bars | None = None

    @property
    def is_long(self) -> bool:
        """Say whether it should be folded."""
        return len(self.rows) > FOLDED_ROWS


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a claim's facts hold."""

    explanation: str | None
    pairs: tuple[Pair, ...]
    tables: tuple[Table, ...]
    facts: tuple[Fact, ...]
    statements: tuple[Fact, ...]
    plans: tuple[tuple[str, Plan], ...]


def _is_long(text: str) -> bool:
    return len(text) > LONG or "\n" in text


def evidence(entry: Entry) -> Evidence:
    """Sort the facts of a claim."""
    held = _telling(entry)
    pairs = list(_pairs(held))
    plans, unread = _plans(held.get("plans"))
    return Evidence(
        explanation=held["explanation"] if _is_prose(held.get("explanation")) else None,
        pairs=tuple(pair for pair in pairs if not pair.is_long),
        tables=tuple(_table(name, value) for name, value in held.items() if _is_table(value)),
        facts=(*_plain(held), *_apart(pair for pair in pairs if pair.is_long), *unread),
        statements=tuple(_statements(held.get("sql"))),
        plans=plans,
    )


def _telling(entry: Entry) -> Mapping[str, Any]:
    """Leave out of a count's facts that it was not pinned to cores, which no count depends on."""
    if entry.is_exact and entry.facts.get(_PINNED) is False:
        return {name: value for name, value in entry.facts.items() if name != _PINNED}
    return entry.facts


def _pairs(held: Mapping[str, Any]) -> Iterator[Pair]:
    if held.keys() & _ARMS:
        yield _pair("what ran", held)
    for name, value in held.items():
        if name not in _SORTED and _is_pair(value):
            yield _pair(_label(name), value)


def _is_pair(value: Any) -> bool:
    return isinstance(value, dict) and bool(value) and value.keys() <= _ARMS


def _pair(name: str, value: Mapping[str, Any]) -> Pair:
    before, after = value.get("before"), value.get("after")
    return Pair(
        name,
        before=None if before is None else write(before),
        after=None if after is None else write(after),
    )


def _is_table(value: Any) -> bool:
    if not isinstance(value, dict) or value.keys() - {_DRAWN} != _TABLE:
        return False
    if not isinstance(value.get(_DRAWN, []), list):
        return False
    columns, rows = value["columns"], value["rows"]
    return (
        isinstance(columns, list)
        and isinstance(rows, list)
        and bool(columns)
        and all(isinstance(row, list) and len(row) == len(columns) for row in rows)
    )


def _table(name: str, value: Mapping[str, Any]) -> Table:
    rows, columns = value["rows"], value["columns"]
    return Table(
        "in detail" if name == "table" else _label(name),
        columns=tuple(write(column) for column in columns),
        rows=tuple(tuple(_cell(cell) for cell in row) for row in rows[:MOST_ROWS]),
        numeric=frozenset(
            index
            for index in range(len(columns))
            if rows and all(row[index] is None or number(row[index]) is not None for row in rows)
        ),
        left_out=max(0, len(rows) - MOST_ROWS),
        bars=bars(columns, rows[:FOLDED_ROWS], value.get(_DRAWN, [])),
    )


def _cell(value: Any) -> str:
    """Write one cell; what is not known is a dash and never a zero."""
    return figures.DASH if value is None else write(value)


def _apart(pairs: Iterable[Pair]) -> Iterator[Fact]:
    """Yield the two sides of pairs that are too long for a table."""
    for pair in pairs:
        for arm, text in (("before", pair.before), ("after", pair.after)):
            if text is not None:
                yield Fact(f"{pair.name}, {arm}", text)


def _is_prose(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _plain(held: Mapping[str, Any]) -> Iterator[Fact]:
    for name, value in held.items():
        if name == "explanation":
            if value is not None and not isinstance(value, str):
                yield Fact(name, write(value))
        elif name not in _SORTED and not _is_pair(value) and not _is_table(value):
            yield Fact(_label(name), write(value))


def _statements(value: Any) -> Iterator[Fact]:
    for arm, sql in _arms(value, "statement"):
        yield Fact(arm, without_literals(write(sql)))


def _arms(value: Any, name: str) -> list[tuple[str, Any]]:
    """Return the arms of a fact, "before" first; a fact of one arm is called `name`."""
    if isinstance(value, dict):
        return sorted(value.items(), key=lambda arm: arm[0] != "before")
    return [(name, value)] if value else []


def _plans(value: Any) -> tuple[tuple[tuple[str, Plan], ...], tuple[Fact, ...]]:
    """Return the plans by arm, and what under that name was none."""
    whole = plans_of(value)
    if whole:
        return tuple(("plan", plan) for plan in whole), ()
    read = [(arm, raw, plans_of(raw)) for arm, raw in _arms(value, "plan")]
    return (
        tuple((arm, plan) for arm, _, plans in read for plan in plans),
        tuple(Fact(f"plan {arm}", write(raw)) for arm, raw, plans in read if not plans),
    )


def _label(name: str) -> str:
    return name.replace("_", " ")


def write(value: Any) -> str:
    """Write a JSON value for a reader; cut what is longer than any reader needs."""
    if isinstance(value, str):
        text = value
    elif value is None:
        text = "none"
    elif isinstance(value, bool):
        text = "yes" if value else "no"
    elif (known := number(value)) is not None:
        text = figures.exact(known) if known.is_integer() else f"{known:,.6g}"
    else:
        text = json.dumps(value, indent=1, ensure_ascii=False)
    if len(text) <= LONGEST:
        return text
    return f"{text[:LONGEST]}\n... {len(text) - LONGEST:,} more characters in the measurement"
