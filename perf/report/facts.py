"""The evidence of a claim, sorted into what can be shown well.

An instrument may attach any JSON. The keys known here (plans, statements, explanation, pairs of
before and after) get a form of their own; everything else is shown by name as it is, folded when
long, so that a new instrument needs no change here and nothing it found is dropped.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from perf.report import figures
from perf.report.clean import without_literals
from perf.report.model import Entry
from perf.report.planview import Plan, plans_of
from perf.report.read import number

LONG = 120  # characters beyond which a value is folded
LONGEST = 20_000  # characters of one value; the measurement holds the rest

_ARMS = frozenset({"before", "after"})
_SORTED = frozenset({"plans", "sql", "explanation", "before", "after"})


@dataclass(frozen=True, slots=True)
class Pair:
    """One fact of both arms; None where an arm has none."""

    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Fact:
    """One named fact as text."""

    name: str
    text: str

    @property
    def is_long(self) -> bool:
        """Say whether it should be folded."""
        return len(self.text) > LONG or "\n" in self.text


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a claim's facts hold."""

    explanation: str | None
    pairs: tuple[Pair, ...]
    facts: tuple[Fact, ...]
    statements: tuple[Fact, ...]
    plans: tuple[tuple[str, Plan], ...]


def evidence(entry: Entry) -> Evidence:
    """Sort the facts of a claim."""
    held = entry.facts
    explanation = held.get("explanation")
    plans, unread = _plans(held.get("plans"))
    return Evidence(
        explanation=None if explanation is None else write(explanation),
        pairs=tuple(_pairs(held)),
        facts=(*_plain(held), *unread),
        statements=tuple(_statements(held.get("sql"))),
        plans=plans,
    )


def _pairs(held: Mapping[str, Any]) -> Iterator[Pair]:
    if held.keys() & _ARMS:
        yield _pair("what ran", held)
    for name, value in held.items():
        if name not in _SORTED and _is_pair(value):
            yield _pair(_label(name), value)


def _is_pair(value: Any) -> bool:
    return isinstance(value, dict) and bool(value) and value.keys() <= _ARMS


def _pair(name: str, value: Mapping[str, Any]) -> Pair:
    before, after = (
        None if value.get(arm) is None else write(value[arm]) for arm in ("before", "after")
    )
    return Pair(name, before, after)


def _plain(held: Mapping[str, Any]) -> Iterator[Fact]:
    for name, value in held.items():
        if name not in _SORTED and not _is_pair(value):
            yield Fact(_label(name), write(value))


def _statements(value: Any) -> Iterator[Fact]:
    arms = value if isinstance(value, dict) else {"statement": value} if value else {}
    for arm, sql in arms.items():
        yield Fact(arm, without_literals(write(sql)))


def _plans(value: Any) -> tuple[tuple[tuple[str, Plan], ...], tuple[Fact, ...]]:
    """Return the plans by arm, and what under that name was none."""
    whole = plans_of(value)
    if whole:
        return tuple(("plan", plan) for plan in whole), ()
    arms = value if isinstance(value, dict) else {"plan": value} if value else {}
    read = [(arm, plan) for arm, raw in arms.items() for plan in plans_of(raw)]
    unread = [Fact(f"plan {arm}", write(raw)) for arm, raw in arms.items() if not plans_of(raw)]
    return tuple(read), tuple(unread)


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
        text = figures.exact(known)
    else:
        text = json.dumps(value, indent=1, ensure_ascii=False)
    if len(text) <= LONGEST:
        return text
    return f"{text[:LONGEST]}\n... {len(text) - LONGEST:,} more characters in the measurement"
