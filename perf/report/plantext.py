"""The words of a plan's node: what it is, what it works on, what it cost, what explains that.

One source for the page and the text, so both say the same of a plan. Literals in conditions are
elided, since a plan of a live database holds its users' data.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from perf.report import figures
from perf.report.clean import without_literals
from perf.report.read import number

if TYPE_CHECKING:
    from perf.report.planview import Node

CONDITIONS = (
    "Index Cond",
    "Recheck Cond",
    "Hash Cond",
    "Merge Cond",
    "Join Filter",
    "Filter",
    "One-Time Filter",
    "Order By",
    "Cache Key",
)
_LISTS = ("Sort Key", "Presorted Key", "Group Key")
_COUNTS = ("Rows Removed by Filter", "Rows Removed by Join Filter", "Heap Fetches")


def measures(node: Node) -> Iterator[tuple[str, bool]]:
    """Yield what was measured of a node, and whether it is far from what was planned."""
    if node.never_ran:
        yield "never ran", False
        return
    if node.own_ms is not None:
        yield f"{figures.seconds(node.own_ms / 1e3)} itself", False
        if node.children and node.total_ms is not None:
            yield f"{figures.seconds(node.total_ms / 1e3)} with all below", False
    elif node.cost is not None:
        yield f"cost {figures.significant(node.cost)}", False
    yield from _rows(node)
    if node.loops is not None and node.loops != 1:
        yield f"loops {figures.exact(node.loops)}", False
    blocks = [("hit", node.hit), ("read", node.read)]
    counted = [f"{how} {figures.exact(count)}" for how, count in blocks if count is not None]
    if counted:
        yield f"buffers {', '.join(counted)}", False


def _rows(node: Node) -> Iterator[tuple[str, bool]]:
    planned = None if node.planned_rows is None else f"planned {figures.exact(node.planned_rows)}"
    if node.rows is None:
        if planned is not None:
            yield f"rows {planned}", False
        return
    off = node.misjudged
    way = "more" if off is not None and off > 1 else "fewer"
    factor = None if off is None else f"{max(off, 1 / off):,.0f} times {way}"
    parts = (f"rows {figures.exact(node.rows)}", planned, factor)
    yield ", ".join(part for part in parts if part), off is not None


def name(raw: Mapping[str, Any]) -> str:
    """Return what kind of node it is."""
    kind = str(raw.get("Node Type", "unknown node"))
    if raw.get("Partial Mode") in {"Partial", "Finalize"}:
        kind = f"{raw['Partial Mode']} {kind}"
    if raw.get("Parallel Aware"):
        kind = f"Parallel {kind}"
    if raw.get("Scan Direction") == "Backward":
        kind = f"{kind} backward"
    return kind


def subject(raw: Mapping[str, Any]) -> str:
    """Return what the node works on and how."""
    relation = raw.get("Relation Name") or raw.get("CTE Name") or raw.get("Function Name")
    index, alias, join = raw.get("Index Name"), raw.get("Alias"), raw.get("Join Type")
    parts = [
        f"on {relation}" if relation else "",
        f"as {alias}" if alias and alias != relation else "",
        f"using {index}" if index else "",
        f"({str(join).lower()})" if join and join != "Inner" else "",
        str(raw.get("Operation") or raw.get("Strategy") or "").lower().replace("plain", ""),
    ]
    return " ".join(part for part in parts if part)


def notes(raw: Mapping[str, Any]) -> Iterator[str]:
    """Yield what else explains a node's time: conditions, rows thrown away, spills, workers."""
    for key in CONDITIONS:
        if key in raw:
            yield f"{key}: {without_literals(str(raw[key]))}"
    for key in _LISTS:
        if isinstance(raw.get(key), list):
            yield f"{key}: {without_literals(', '.join(map(str, raw[key])))}"
    for key in _COUNTS:
        if number(raw.get(key)):
            yield f"{key}: {raw[key]:,}"
    yield from _means(raw)


def _means(raw: Mapping[str, Any]) -> Iterator[str]:
    """Yield what the node ran with: memory, disk, processes."""
    if "Sort Method" in raw:
        space, where = raw.get("Sort Space Used", "?"), str(raw.get("Sort Space Type", ""))
        yield f"Sort Method: {raw['Sort Method']}, {space} kB {where.lower()}"
    if (number(raw.get("Hash Batches")) or 1) > 1:
        yield f"Hash Batches: {raw['Hash Batches']} (spilled to disk)"
    if number(raw.get("Temp Written Blocks")):
        yield f"Temporary blocks written: {raw['Temp Written Blocks']:,}"
    if "Workers Planned" in raw:
        yield f"Workers: {raw.get('Workers Launched', '?')} of {raw['Workers Planned']} launched"
