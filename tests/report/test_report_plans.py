"""Plans as trees: whose time it was, what the planner did not know, and every form of JSON."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from html_page import Page
from hypothesis import given
from hypothesis import strategies as st
from sample_results import EVIDENCE, small

from perf.report import plantext
from perf.report.html import render_html
from perf.report.planview import DEEPEST, plans_of
from perf.report.text import render_markdown

REAL = (
    Path(os.environ.get("AVA_PERF_DATA") or Path(__file__).parents[3] / "shared" / "data")
    / "postgres"
    / "plans"
)


def node(kind, time=None, loops=1, **more):
    """Return a plan's node; keyword names have underscores for spaces."""
    plans = more.pop("plans", None)
    raw = {"Node Type": kind, **{name.replace("_", " "): value for name, value in more.items()}}
    if time is not None:
        raw |= {"Actual Total Time": time, "Actual Loops": loops}
    return raw | ({"Plans": plans} if plans else {})


def root(raw):
    (plan,) = plans_of([{"Plan": raw}])
    return plan.root


def walk(found):
    yield found
    for child in found.children:
        yield from walk(child)


def own(found):
    return {each.name: pytest.approx(each.own_ms) for each in walk(found)}


def test_own_time_is_without_the_children():
    """A node's own time is its total less that of what it ran."""
    found = root(node("Sort", 5.0, plans=[node("Seq Scan", 3.0)]))
    assert own(found) == {"Sort": 2, "Seq Scan": 3}


def test_time_is_summed_over_loops():
    """EXPLAIN gives the time of one loop; a scan of 0.02 ms run 100 times took 2 ms."""
    inner = node("Index Scan", 0.02, loops=100)
    found = root(node("Nested Loop", 3.0, plans=[node("Seq Scan", 0.5), inner]))
    assert own(found) == {"Nested Loop": 0.5, "Seq Scan": 0.5, "Index Scan": 2}


def test_parallel_loops_overlap():
    """Three processes that each took 7 ms at once took 7 ms of the statement."""
    scan = node("Seq Scan", 7.0, loops=3, Parallel_Aware=True)
    found = root(node("Gather", 9.0, Workers_Planned=2, Workers_Launched=2, plans=[scan]))
    assert own(found) == {"Gather": 2, "Parallel Seq Scan": 7}


def test_an_init_plan_is_charged_to_the_node_that_asked():
    """An InitPlan runs within the node that uses its value, not within its parent's own time."""
    init = node(
        "Result", 4.0, Parent_Relationship="InitPlan", Subplan_Name="InitPlan 1 (returns $0)"
    )
    scan = node("Seq Scan", 6.0, Filter="(price > $0)")
    found = root(node("Sort", 7.0, plans=[init, scan]))
    assert own(found) == {"Sort": 1, "Result": 4, "Seq Scan": 2}


def test_a_new_style_init_plan_is_found_too():
    """PostgreSQL 17 refers to (InitPlan 1).col1 instead of $0."""
    init = node("Result", 4.0, Parent_Relationship="InitPlan", Subplan_Name="InitPlan 1")
    scan = node("Seq Scan", 6.0, Filter="(price > (InitPlan 1).col1)")
    found = root(node("Sort", 7.0, plans=[init, scan]))
    assert own(found)["Seq Scan"] == 2


def test_an_init_plan_is_charged_to_the_innermost_of_nested_users():
    """What lies within a user asked first, so the time was spent there."""
    init = node(
        "Result", 4.0, Parent_Relationship="InitPlan", Subplan_Name="InitPlan 1 (returns $0)"
    )
    inner = node("Seq Scan", 6.0, Filter="(a > $0)")
    outer = node("Group", 6.5, Filter="(b > $0)", plans=[inner])
    assert own(root(node("Sort", 7.0, plans=[init, outer])))["Seq Scan"] == 2


def test_a_cte_is_charged_to_its_scan():
    """The time of a CTE lies within the scan that reads it."""
    cte = node("Aggregate", 4.0, Parent_Relationship="InitPlan", Subplan_Name="CTE totals")
    scan = node("CTE Scan", 4.5, CTE_Name="totals")
    found = root(node("Sort", 5.0, plans=[cte, scan]))
    assert own(found) == {"Sort": 0.5, "Aggregate": 4, "CTE Scan": 0.5}


def test_own_time_is_never_negative():
    """Rounded times of children may exceed their parent's; nothing took less than no time."""
    assert own(root(node("Limit", 1.0, plans=[node("Seq Scan", 1.001)])))["Limit"] == 0


def test_the_slowest_node_is_marked():
    """One node is the slowest, and those above it know."""
    found = root(node("Sort", 9.0, plans=[node("Hash Join", 8.0, plans=[node("Seq Scan", 7.0)])]))
    assert [each.name for each in walk(found) if each.is_slowest] == ["Seq Scan"]
    assert [each.name for each in walk(found) if each.holds_slowest] == ["Sort", "Hash Join"]


def test_a_plan_without_times_marks_none():
    """EXPLAIN without ANALYZE has estimates; no time is made up."""
    found = root(node("Sort", Total_Cost=10.5, plans=[node("Seq Scan", Total_Cost=9.1)]))
    assert not any(each.is_slowest for each in walk(found))
    assert [text for text, _ in plantext.measures(found)] == ["cost 10.5"]


def test_a_node_that_never_ran_says_so():
    """A node of no loops has no time, which is not the same as a fast one."""
    never = node("Hash", 0.0, loops=0, Actual_Rows=0, Plan_Rows=1850)
    found = root(node("Hash Join", 1.0, plans=[never])).children[0]
    assert [text for text, _ in plantext.measures(found)] == ["never ran"]


@pytest.mark.parametrize(
    ("planned", "rows", "words"),
    [(10, 1000, "100 times more"), (1000, 10, "100 times fewer"), (10, 20, None), (0, 0, None)],
)
def test_a_wrong_guess_is_pointed_out(planned, rows, words):
    """Ten times more or fewer rows than planned are marked, in words."""
    found = root(node("Seq Scan", 1.0, Plan_Rows=planned, Actual_Rows=rows))
    marked = [text for text, off in plantext.measures(found) if off]
    assert [text.rpartition(", ")[2] for text in marked] == ([words] if words else [])


def test_a_limit_excuses_fewer_rows_below_it():
    """Below a LIMIT a scan stops early; below a sort it had to read everything."""
    few = {"Plan_Rows": 1000, "Actual_Rows": 20}
    scan = node("Index Scan", 1.0, **few)
    found = root(node("Limit", 1.0, plans=[scan]))
    assert found.children[0].misjudged is None
    sort = node("Sort", 1.0, **few, plans=[scan])
    found = root(node("Limit", 1.0, plans=[sort]))
    assert [each.misjudged for each in walk(found)] == [None, None, 0.02]


def test_literals_are_elided():
    """A plan of a live database holds its users' data, which the report does not repeat."""
    found = root(node("Seq Scan", 1.0, Filter="((name)::text = 'O''Hara'::text)"))
    assert found.notes == ("Filter: ((name)::text = '…'::text)",)


def test_spills_are_noted():
    """Sorting on disk and hashing in batches explain a slow node."""
    disk = {"Sort_Method": "external merge", "Sort_Space_Used": 5120, "Sort_Space_Type": "Disk"}
    found = root(node("Sort", 1.0, **disk, Temp_Written_Blocks=640))
    assert found.notes == (
        "Sort Method: external merge, 5120 kB disk",
        "Temporary blocks written: 640",
    )


def test_a_bottomless_plan_is_cut_and_says_so():
    """Nesting beyond what anyone reads ends in a note, not in an exhausted stack."""
    raw = node("Seq Scan", 1.0)
    for _ in range(3 * DEEPEST):
        raw = node("Limit", 1.0, plans=[raw])
    deepest = list(walk(root(raw)))[-1]
    assert "1 more below, not drawn" in deepest.notes


@pytest.mark.parametrize(
    "form",
    [
        lambda plan: plan,
        lambda plan: [plan],
        lambda plan: [[plan]],
        lambda plan: json.dumps([plan]),
        lambda plan: {"QUERY PLAN": [plan]},
        lambda plan: {"Query Text": "SELECT 1", **plan},
    ],
)
def test_every_form_of_a_plan_is_read(form):
    """EXPLAIN's list, a driver's list of lists, text, and auto_explain's object are one plan."""
    (found,) = plans_of(form({"Plan": node("Result", 1.0)}))
    assert found.root.name == "Result"


@pytest.mark.parametrize("other", [None, 5, "no plan", [], {}, {"Plan": "text"}, [1, "x"]])
def test_what_is_no_plan_is_none(other):
    """Anything else is no plan, and no error."""
    assert plans_of(other) == ()


def test_a_plan_that_cannot_be_read_is_shown_as_it_is():
    """Evidence under the name of a plan is never dropped."""
    results = small()
    results["results"][0]["evidence"]["facts"] = {"plans": {"before": "Seq Scan on t"}}
    assert "Seq Scan on t" in Page(render_html(results)).texts["main"]


def test_the_summary_names_where_the_time_went():
    """The folded line of a plan says how long it took and mostly in what."""
    (found,) = plans_of(EVIDENCE["plans"]["before"])
    expected = "9.52 ms, mostly Parallel Seq Scan on trade_history"
    assert found.summary.replace("\N{NO-BREAK SPACE}", " ") == expected


def real_plans():
    return sorted(REAL.glob("*.json")) or [None]


@pytest.mark.parametrize("path", real_plans(), ids=lambda path: path.name if path else "none")
def test_real_plans_are_drawn(path):
    """Plans that others published are read whole and drawn in both renderings."""
    if path is None:
        pytest.skip(f"no published plans at {REAL}; set AVA_PERF_DATA to the folder that has them")
    raw = json.loads(path.read_text(encoding="utf-8"))
    (plan,) = plans_of(raw)
    assert plan.size == path.read_text(encoding="utf-8").count('"Node Type"')
    timed = [each for each in walk(plan.root) if each.own_ms is not None]
    assert sum(each.is_slowest for each in timed) == (1 if len(timed) > 1 else 0)
    results = small()
    results["results"][0]["evidence"]["facts"] = {"plans": raw}
    page = Page(render_html(results))
    assert page.faults == []
    assert plan.root.name in page.texts["summary"]
    render_markdown(results)


KEYS = ("Plan", "Plans", "Node Type", "Actual Loops", "Actual Total Time", "Plan Rows", "Triggers")
KEYS += ("Workers Launched", "Hash Batches", "Sort Key", "Filter", "JIT", "Timing", "Subplan Name")
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner),
    max_leaves=20,
)


@given(ANY_JSON)
def test_any_json_can_be_taken_for_a_plan(value):
    """Whatever an instrument calls a plan, the report is drawn."""
    results = small()
    results["results"] = results["results"][:1]
    results["results"][0]["evidence"]["facts"] = {"plans": {"after": value}, "more": value}
    assert Page(render_html(results)).faults == []
    render_markdown(results)
    for plan in plans_of({"Plan": {"Node Type": "Append", "Plans": value}}):
        assert all((each.own_ms or 0) >= 0 for each in walk(plan.root))
