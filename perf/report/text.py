"""The report as GitHub Markdown, in the order of the page.

It is read in step summaries, merge requests and terminals, so tables stay narrow and evidence is
folded. It details what is not met and leaves the rest to the page. Everything that was measured is
escaped: a title cannot become a heading, a link or a cell of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from perf.report import facts, figures, flame, loads, plantext, rank
from perf.report.facts import Evidence, Table
from perf.report.markup import code, escape, fence
from perf.report.model import Entry, Report
from perf.report.planview import Node, Plan
from perf.report.read import read
from perf.report.score import Mark, Score, score_of
from perf.verdict import Verdict

_LONGEST_TABLE = 30
_PROFILED = 8  # functions of a profile
_LONGEST_PLAN = 60  # lines


def render_markdown(results: Mapping[str, Any]) -> str:
    """Return the text of a results document; raise ResultsError when it cannot be read."""
    report = read(results)
    parts = (
        _head(report),
        _next(report),
        _load(report),
        _table(rank.order(report.entries)),
        _score(score_of(report.entries)),
        _moved(report),
        _details(rank.order(report.entries)),
        _environment(report),
    )
    return "\n".join(line for part in parts for line in part).rstrip() + "\n"


def _fold(summary: str, text: str, language: str = "") -> Iterator[str]:
    ends = fence(text, 3)
    yield from (f"<details><summary>{escape(summary)}</summary>", "")
    yield from (f"{ends}{language}", text, ends, "", "</details>", "")


def _rows(
    head: Iterable[str], rows: Iterable[Iterable[str]], right: frozenset[int]
) -> Iterator[str]:
    names = list(head)
    yield f"| {' | '.join(names)} |"
    yield f"| {' | '.join('---:' if at in right else '---' for at in range(len(names)))} |"
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""


def _badge(verdict: Verdict) -> str:
    return f"{figures.GLYPHS[verdict]} {figures.WORDS[verdict]}"


def _head(report: Report) -> Iterator[str]:
    head = rank.headline(report)
    yield f"# {figures.GLYPHS[head.verdict]} {head.sentence}"
    yield ""
    if head.rest:
        yield from (f"{head.rest}.", "")
    counts = ", ".join(f"{_badge(verdict)} {report.count(verdict)}" for verdict in Verdict)
    yield from (counts, "")
    yield from (" · ".join(_strip(report)), "")
    for banner in rank.banners(report):
        yield from (f"> **{banner.title}:** {escape(banner.text)}", "")


def _strip(report: Report) -> Iterator[str]:
    run, environment = report.run, report.environment
    state = " with uncommitted changes" if run.get("dirty") else ""
    yield f"commit {code(str(run['commit'])[:10])}{state}" if run.get("commit") else "no commit"
    for key in ("branch", "profile"):
        if run.get(key):
            yield f"{key} {escape(str(run[key]))}"
    if run.get("started"):
        yield figures.moment(escape(str(run["started"])))
    if run.get("duration_s"):
        yield f"took {figures.duration(run['duration_s'])}"
    if environment.get("machine"):
        yield f"machine {escape(str(environment['machine']))}"
    noise = environment.get("noise")
    yield "noise not known" if noise is None else f"noise ±{figures.noise(noise)}"
    if report.baseline is None:
        yield "no baseline: changes cannot be shown"
    else:
        name = report.baseline.get("commit") or report.baseline.get("id") or "?"
        yield f"baseline {code(str(name)[:10])}"


def _next(report: Report) -> Iterator[str]:
    steps = rank.next_steps(report)
    if not steps:
        return
    yield from ("## Do next", "")
    for turn, step in enumerate(steps, 1):
        yield f"{turn}. **{step.action}:** {escape(step.entry.title)}"
        yield f"   Expected gain (estimate): {escape(step.gain)}."
        if step.command:
            yield f"   {code(step.command)}"
    yield ""


def _load(report: Report) -> Iterator[str]:
    load = loads.load_of(report.load)
    if load is None:
        return
    yield from (f"## {escape(load.title)}", "")
    for reason in load.reasons:
        yield from (f"> **Invalid run:** {escape(reason)}", "")
    for grid in load.grids:
        yield from (f"{grid.title}:", "")
        right = frozenset(range(1, len(grid.columns)))
        yield from _rows(map(escape, grid.columns), (map(escape, row) for row in grid.rows), right)
    for name, value in load.facts:
        yield f"- {escape(name)}: {escape(value)}"
    yield ""


def _table(entries: Iterable[Entry]) -> Iterator[str]:
    yield from ("## Claims", "", "Measured: estimate [95 % interval]; a count has none.", "")
    head = ("Verdict", "Claim", "Measured", "Target", "Margin", "Change")
    yield from _rows(head, map(_cells, entries), frozenset({2, 3, 4, 5}))


def _cells(entry: Entry) -> Iterator[str]:
    near = ", near the limit" if entry.is_near_limit else ""
    yield f"{_badge(entry.verdict)}{near}"
    yield f"{escape(entry.title)} {code(entry.id)}"
    yield _joined(escape(figures.measured(entry) or ""), figures.interval(entry))
    yield escape(figures.rule(entry.target))
    yield escape(figures.margin(entry) or figures.DASH)
    yield _joined(figures.change(entry), figures.change_interval(entry))


def _joined(*parts: str | None) -> str:
    return " ".join(part for part in parts if part) or figures.DASH


def _score(score: Score) -> Iterator[str]:
    yield from ("## Score by category", "")
    yield "Targets met of those required; every category weighs the same. The exit code and the"
    yield "gate look at targets only, never at this."
    yield ""
    rows = [
        (
            escape(part.category),
            f"{part.met} / {part.required}" if part.required else "none",
            *_mark(part.mark),
            f"{100 * part.weight:.1f} %" if part.mark else figures.DASH,
        )
        for part in score.categories
    ]
    total = ("**total**", "", *_mark(score.mark), "")
    head = ("Category", "Met / required", "Points of 100", "Grade", "Weight")
    yield from _rows(head, [*rows, total], frozenset({1, 2, 4}))


def _mark(mark: Mark | None) -> tuple[str, str]:
    if mark is None:
        return figures.DASH, "no target"
    if mark.grade is None:
        return f"{mark.low:.0f}{figures.DASH}{mark.high:.0f}", "unknown"
    return f"{mark.low:.0f}", mark.grade


def _moved(report: Report) -> Iterator[str]:
    if not report.targets_changed and not report.vanished:
        return
    yield from ("## Changed since the baseline", "")
    for move in report.targets_changed:
        was, now = (
            "not known" if side is None else escape(figures.rule(side))
            for side in (move.before, move.after)
        )
        yield f"- target of {code(move.id)}: was {was}, is {now}"
    for claim_id in report.vanished:
        yield f"- gone: {code(claim_id)}"
    yield ""


def _details(entries: Iterable[Entry]) -> Iterator[str]:
    shown = [entry for entry in entries if entry.verdict is not Verdict.MET]
    if shown:
        yield from ("## What is not met, in detail", "")
    for entry in shown:
        yield from _detail(entry)


def _detail(entry: Entry) -> Iterator[str]:
    yield f"### {_badge(entry.verdict)}: {escape(entry.title)}"
    yield ""
    yield from (escape(rank.sentence(entry)), "")
    rows = f", row {', '.join(entry.rows)}" if entry.rows else ""
    yield f"- claim {code(entry.id)}, document {escape(entry.source + rows)}"
    if entry.n and entry.estimator:
        yield f"- {escape(entry.estimator)}, n = {entry.n}"
    for warning in entry.warnings:
        yield f"- warning: {escape(warning)}"
    yield from _evidence(facts.evidence(entry))
    yield from _profile(flame.shown(entry.profile))
    if entry.cure:
        yield f"- to enable it: {code(entry.cure)}"
    if entry.reproduce:
        yield f"- reproduce: {code(entry.reproduce)}"
    yield ""


def _evidence(found: Evidence) -> Iterator[str]:
    yield from _listed(found)
    if found.tables or found.statements or found.plans:
        yield ""
    for table in found.tables:
        yield from _evidence_table(table)
    for sql in found.statements:
        yield from _fold(f"SQL: {sql.name}", sql.text, "sql")
    for arm, plan in found.plans:
        yield from _fold(f"Plan: {arm}", "\n".join(_plan(plan)))


def _listed(found: Evidence) -> Iterator[str]:
    if found.explanation:
        yield f"- {escape(found.explanation)}"
    for pair in found.pairs:
        for arm, text in (("before", pair.before), ("after", pair.after)):
            if text is not None:
                yield f"- {escape(pair.name)}, {arm}: {escape(text)}"
    for fact in found.facts:
        if not fact.is_long:
            yield f"- {escape(fact.name)}: {escape(fact.text)}"


def _evidence_table(table: Table) -> Iterator[str]:
    yield from (f"{escape(table.name)}:", "")
    shown = [map(escape, row) for row in table.rows[:_LONGEST_TABLE]]
    yield from _rows(map(escape, table.columns), shown, table.numeric)
    if hidden := table.left_out + len(table.rows[_LONGEST_TABLE:]):
        yield from (f"{hidden} more rows in the measurement.", "")


def _profile(found: flame.Shown | None) -> Iterator[str]:
    """Yield the costliest functions; the drawing is on the page."""
    if found is None:
        return
    if found.reason is not None:
        yield f"- not profiled: {escape(found.reason)}"
        return
    yield from ("", f"Profile, a run of its own: {escape(found.sentence)}", "")
    rows = [
        (code(cost.name), f"{cost.own:.1f} %", f"{cost.total:.1f} %")
        for cost in found.costs[:_PROFILED]
    ]
    yield from _rows(("function", "itself", "with what it called"), rows, frozenset({1, 2}))


def _plan(plan: Plan) -> Iterator[str]:
    lines = list(_node(plan.root, 0))
    yield from lines[:_LONGEST_PLAN]
    if len(lines) > _LONGEST_PLAN:
        yield f"... {len(lines) - _LONGEST_PLAN} more lines on the page"


def _node(node: Node, depth: int) -> Iterator[str]:
    indent = "  " * depth
    role = f"{node.role}: " if node.role else ""
    slowest = "  <- slowest" if node.is_slowest else ""
    words = "; ".join(text for text, _ in plantext.measures(node))
    yield f"{indent}{role}{' '.join(filter(None, [node.name, node.subject]))}: {words}{slowest}"
    yield from (f"{indent}    {note}" for note in node.notes)
    for child in node.children:
        yield from _node(child, depth + 1)


def _environment(report: Report) -> Iterator[str]:
    yield from ("## Environment", "")
    for name, text in _flat(report.environment):
        yield f"- {escape(name)}: {escape(text)}"
    if report.run.get("command"):
        yield f"- command: {code(str(report.run['command']))}"


def _flat(values: Mapping[str, Any], under: str = "") -> Iterator[tuple[str, str]]:
    for key, value in values.items():
        name = f"{under}{key.replace('_', ' ')}"
        if isinstance(value, dict):
            yield from _flat(value, f"{name}, ")
        elif isinstance(value, list):
            yield name, ", ".join(map(str, value))
        elif value is not None:
            yield name, str(value)
