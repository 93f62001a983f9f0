"""A plan as PostgreSQL explains it (FORMAT JSON), made ready to read as a tree.

What a reader looks for is where the time went and where the planner was wrong. So each node gets
the time spent in itself alone, and the node with most of it is marked. EXPLAIN's own numbers
mislead twice: they are per loop, and a node's time contains its children's, except that the time
of a CTE or InitPlan lies within whatever node first asked for it. Both are undone here. Plans
without ANALYZE have no times, and none are made up.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from perf.report import figures, plantext
from perf.report.clean import without_literals
from perf.report.plantext import CONDITIONS
from perf.report.read import number

MISJUDGED = 10  # rows planned and seen differ by this factor: the planner did not know
DEEPEST = 60  # levels; no statement worth reading is nested further

_READS_ALL = frozenset({"Sort", "Aggregate", "Hash", "WindowAgg"})  # whatever is above them wants


@dataclass(frozen=True, slots=True)
class Node:
    """One node; times are milliseconds over all loops, rows are per loop, as EXPLAIN counts."""

    name: str
    subject: str
    role: str
    planned_rows: float | None
    rows: float | None
    loops: float | None
    total_ms: float | None
    own_ms: float | None
    cost: float | None
    hit: float | None
    read: float | None
    notes: tuple[str, ...]
    children: tuple[Node, ...]
    is_limited: bool = False
    is_slowest: bool = False
    holds_slowest: bool = False

    @property
    def never_ran(self) -> bool:
        """Say whether the node was planned but not needed."""
        return self.loops == 0

    @property
    def misjudged(self) -> float | None:
        """Return actual / planned rows where the planner was far off, else None.

        Fewer rows than planned mean nothing below a LIMIT, which stops when it has enough.
        """
        if self.rows is None or self.planned_rows is None or self.never_ran:
            return None
        ratio = max(self.rows, 1) / max(self.planned_rows, 1)
        is_less = ratio <= 1 / MISJUDGED and not self.is_limited
        return ratio if ratio >= MISJUDGED or is_less else None


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole plan: its tree, and what EXPLAIN says beside it."""

    root: Node
    planning_ms: float | None
    execution_ms: float | None
    statement: str | None
    remarks: tuple[str, ...]
    size: int

    @property
    def summary(self) -> str:
        """Return how long it took and where most of that went."""
        total = self.root.total_ms if self.execution_ms is None else self.execution_ms
        spent = "" if total is None else f"{figures.seconds(total / 1e3)}, "
        node = self.root
        while node.holds_slowest:
            node = next(child for child in node.children if child.is_slowest or child.holds_slowest)
        mostly = "mostly " if node.is_slowest else ""
        return f"{spent}{mostly}{' '.join(filter(None, [node.name, node.subject]))}"


def plans_of(value: Any) -> tuple[Plan, ...]:
    """Return the plans in EXPLAIN's JSON, auto_explain's form included; empty for anything else."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return ()
    if isinstance(value, list):
        return tuple(plan for item in value for plan in plans_of(item))
    if not isinstance(value, dict):
        return ()
    if isinstance(value.get("Plan"), dict):
        return (_plan(value),)
    return plans_of(value.get("QUERY PLAN"))


def _plan(raw: Mapping[str, Any]) -> Plan:
    draft = _Draft.of(raw["Plan"], _Above())
    nodes = list(draft.walk())
    _settle(nodes)
    timed = [node for node in nodes if node.own_ms is not None]
    slowest = max(timed, key=lambda node: node.own_ms or 0.0, default=None)
    query = raw.get("Query Text")
    return Plan(
        root=draft.finish(slowest if len(nodes) > 1 else None),
        planning_ms=number(raw.get("Planning Time")),
        execution_ms=number(raw.get("Execution Time")),
        statement=without_literals(query) if isinstance(query, str) else None,
        remarks=tuple(_remarks(raw)),
        size=len(nodes),
    )


def _remarks(raw: Mapping[str, Any]) -> Iterator[str]:
    for trigger in _objects(raw.get("Triggers")):
        spent = _spent(trigger.get("Time"))
        yield f"trigger {trigger.get('Trigger Name', '')}: calls {trigger.get('Calls', '?')}{spent}"
    for jit in _objects([raw.get("JIT")]):
        times = _objects([jit.get("Timing")]) or [{}]
        yield f"JIT: functions {jit.get('Functions', '?')}{_spent(times[0].get('Total'))}"


def _spent(time_ms: Any) -> str:
    known = number(time_ms)
    return "" if known is None else f", {figures.seconds(known / 1e3)}"


def _objects(value: Any) -> list[Mapping[str, Any]]:
    """Return the objects in a list; none where it is something else."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


@dataclass(frozen=True, slots=True)
class _Above:
    """What a node must know of those above it: processes that share its loops, a LIMIT."""

    processes: int = 1
    is_limited: bool = False
    depth: int = 0

    def under(self, raw: Mapping[str, Any]) -> _Above:
        """Return what the children of the node `raw` must know."""
        launched = number(raw.get("Workers Launched"))
        kind = raw.get("Node Type")
        return _Above(
            processes=self.processes if launched is None else int(launched) + 1,
            is_limited=kind == "Limit" or (self.is_limited and kind not in _READS_ALL),
            depth=self.depth + 1,
        )


@dataclass(slots=True)
class _Draft:
    """A node while times are still being moved to where they were spent."""

    raw: Mapping[str, Any]
    total_ms: float | None
    is_limited: bool
    children: list[_Draft] = field(default_factory=list)
    cut: int = 0
    own_ms: float | None = None

    @classmethod
    def of(cls, raw: Mapping[str, Any], above: _Above) -> _Draft:
        draft = cls(raw, _total_ms(raw, above.processes), above.is_limited)
        below = _objects(raw.get("Plans"))
        if above.depth >= DEEPEST:
            draft.cut = len(below)
        else:
            draft.children = [cls.of(child, above.under(raw)) for child in below]
        return draft

    def walk(self) -> Iterator[_Draft]:
        """Yield the node and all below it, in the order EXPLAIN prints them."""
        yield self
        for child in self.children:
            yield from child.walk()

    def finish(self, slowest: _Draft | None) -> Node:
        """Return the node as it is shown."""
        raw = self.raw
        children = tuple(child.finish(slowest) for child in self.children)
        return Node(
            name=plantext.name(raw),
            subject=plantext.subject(raw),
            role=str(raw.get("Subplan Name") or ""),
            planned_rows=number(raw.get("Plan Rows")),
            rows=number(raw.get("Actual Rows")),
            loops=number(raw.get("Actual Loops")),
            total_ms=self.total_ms,
            own_ms=self.own_ms,
            cost=number(raw.get("Total Cost")),
            hit=number(raw.get("Shared Hit Blocks")),
            read=number(raw.get("Shared Read Blocks")),
            notes=(
                *plantext.notes(raw),
                *([f"{self.cut} more below, not drawn"] if self.cut else []),
            ),
            children=children,
            is_limited=self.is_limited,
            is_slowest=self is slowest,
            holds_slowest=any(child.is_slowest or child.holds_slowest for child in children),
        )


def _total_ms(raw: Mapping[str, Any], processes: int) -> float | None:
    """Return the node's wall time over its loops; loops of parallel processes overlap."""
    time, loops = number(raw.get("Actual Total Time")), number(raw.get("Actual Loops"))
    if time is None or loops is None:
        return None
    return time * loops / processes if loops > processes else time * min(loops, 1)


def _settle(nodes: Sequence[_Draft]) -> None:
    """Give each node the time spent in itself: its own less that of what it ran."""
    spent = {id(node): 0.0 for node in nodes}
    for node in nodes:
        for child in node.children:
            payer = _asked_by(child, node) or node
            spent[id(payer)] += child.total_ms or 0.0
    for node in nodes:
        if node.total_ms is not None:
            node.own_ms = max(0.0, node.total_ms - spent[id(node)])


def _asked_by(child: _Draft, parent: _Draft) -> _Draft | None:
    """Return the node within whose time an InitPlan or CTE ran; None for an ordinary child."""
    if child.raw.get("Parent Relationship") != "InitPlan":
        return None
    name = str(child.raw.get("Subplan Name", ""))
    inside = {id(node) for node in child.walk()}
    users = [
        node
        for node in parent.walk()
        if node is not parent and id(node) not in inside and _uses(node.raw, name)
    ]
    payer = users[0] if users else None
    for user in users[1:]:
        # What lies within the first user asked before it, so the time was spent there.
        if payer is not None and any(user is node for node in payer.walk()):
            payer = user
    return payer


def _uses(raw: Mapping[str, Any], subplan: str) -> bool:
    cte = subplan.removeprefix("CTE ")
    if cte != subplan:
        return raw.get("CTE Name") == cte
    name, _, returned = subplan.partition(" (returns ")
    tokens = [f"({name})", *(returned.rstrip(")").split(",") if returned else [])]
    text = " ".join(str(raw[key]) for key in CONDITIONS if key in raw)
    return any(token in text for token in tokens if token)
