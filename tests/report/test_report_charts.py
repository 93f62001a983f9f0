"""Charts: samples and history drawn to scale, with words that say the same."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample_results import large, small

from perf.report import charts, facts, html, trends
from perf.report.axis import axis
from perf.report.bars import bar_chart, bars
from perf.report.read import read

TIMES = st.floats(min_value=1e-9, max_value=1e4)


def entry(samples=None, *, unit="ms", bound=10, kind="at_most", trend=(), how="timing"):
    claim = {
        "id": "D1.a",
        "verdict": "met",
        "target": {"kind": kind, "bound": bound, "unit": unit},
        "estimate": 5,
        "evidence": {"kind": how, "samples": samples or {}},
        "trend": list(trend),
    }
    run = {"started": "2026-11-21T05:00:00Z", "commit": "f" * 40}
    return read({"schema": 1, "run": run, "results": [claim]}).entries[0]


def past(*estimates):
    return [
        {"commit": f"{turn:040x}", "started": f"2026-10-{turn + 1:02d}", "estimate": estimate}
        for turn, estimate in enumerate(estimates)
    ]


@given(st.lists(TIMES, min_size=1, max_size=30))
def test_every_value_has_its_place(values):
    """Places keep the order of the values and stay within the drawing."""
    scale = axis(values)
    places = [scale.place(value) for value in sorted(values)]
    assert places == sorted(places)
    assert all(0 <= place <= 1 for place in places)


@given(TIMES, TIMES)
def test_ticks_lie_within_the_axis(one, other):
    """Each tick is a value the axis covers, and there are few of them."""
    scale = axis([one, other])
    ticks = scale.ticks()
    assert all(scale.low * 0.999 <= tick <= scale.high * 1.001 for tick in ticks)
    assert len(ticks) <= 9


@pytest.mark.parametrize(("values", "log"), [([1, 10], False), ([1, 50], True), ([0, 50], False)])
def test_a_wide_range_is_logarithmic(values, log):
    """A factor of more than twenty is drawn on a logarithmic scale, if no value is zero."""
    assert axis(values).log is log


@given(st.lists(TIMES, min_size=1, max_size=200))
def test_a_strip_plot_is_well_formed(values):
    """Whatever was measured, the drawing is XML with a title, a description and an image's role."""
    plot = charts.strips(entry({"time": values}))
    drawing = ET.fromstring(charts.strip_plot(plot))  # noqa: S314 - our own output
    assert drawing.get("role") == "img"
    assert [child.tag for child in drawing[:2]] == ["title", "desc"]


def test_each_sample_is_a_dot():
    """Distinct samples give as many stacks, equal ones one stack as high as their number."""
    spread = charts.strip_plot(charts.strips(entry({"time": [0.001, 0.002, 0.003]})))
    assert re.findall(r"v[\d.]+", dots(spread)) == ["v.1", "v.1", "v.1"]
    equal = charts.strip_plot(charts.strips(entry({"time": [0.001] * 3})))
    assert re.findall(r"v[\d.]+", dots(equal)) == ["v8.1"]


def dots(drawing):
    return re.search(r'class="dots \w+" d="([^"]*)"', drawing)[1]


@pytest.mark.parametrize(
    ("unit", "kind", "bound", "target_s"),
    [
        ("x", "at_least", 10, 0.01),
        ("%", "at_least", 30, 0.07),
        ("%", "at_least", 100, None),
        ("ms", "at_most", 10, 0.01),
        ("rows", "at_most", 10, None),
        ("occurrence", "counter_example", 1, None),
    ],
)
def test_the_target_is_drawn_as_a_time(unit, kind, bound, target_s):
    """A ratio or a saving is a time once the median before is known: here 0.1 s."""
    found = entry(
        {"before": [0.1], "after": [0.02]}, unit=unit, bound=bound, kind=kind, how="comparison"
    )
    assert charts.strips(found).target_s == (target_s and pytest.approx(target_s))


def test_counts_are_not_plotted():
    """Two equal counts are said in words, not drawn as dots."""
    assert charts.strips(entry({"count": [3, 3]}, how="count")) is None


def test_levels_are_no_times():
    """Megabytes are neither plotted nor written as seconds."""
    level = entry({"level": (0.28, 3.0)}, unit="MB", how="level")
    assert charts.strips(level) is None
    ((_, values, unit, _),) = html._samples(level, None)
    assert (values, unit) == ("0.280 3.00", "")


def test_processor_times_are_in_the_table_only():
    """Series of processor time are no arms and would stretch the axis."""
    found = entry({"time": [0.1], "time_cpu": [0.09]})
    assert [series.name for series in charts.strips(found).series] == ["time"]
    assert set(found.samples) == {"time", "time_cpu"}


def test_a_gap_in_the_history_is_a_gap():
    """A run without a figure breaks the line: it is neither zero nor bridged."""
    drawing = trends.sparkline(entry(trend=past(5, 6, None, 7)))
    line = re.findall(r' d="([^"]*)"', drawing)[1]
    assert line.count("M") == 2
    assert "1 run without a figure" in drawing


def test_one_run_is_no_trend():
    """A line has two ends."""
    assert trends.sparkline(entry()) == ""
    assert trends.trend_chart(entry()) == ""


def test_a_history_of_equal_counts_is_said_in_words():
    """A chart of the same count each time would show nothing."""
    found = entry(trend=past(5, 5, None), how="count")
    assert trends.is_flat(found)
    assert trends.trend_chart(found) == ""


def test_a_run_that_is_in_the_history_already_is_drawn_once():
    """Rendering again after the history was extended gives the same trend."""
    again = [*past(5, 6), {"started": "2026-11-21T05:00:00Z", "estimate": 5}]
    assert len(entry(trend=again).trend) == 3


@pytest.mark.parametrize("results", [small(), large(cases=1)], ids=["small", "large"])
def test_every_trend_is_well_formed(results):
    """Sparklines and charts of a whole audit are XML with role, title and description."""
    for found in read(results).entries:
        for drawing in (trends.sparkline(found), trends.trend_chart(found)):
            if drawing:
                assert ET.fromstring(drawing).get("role") == "img"  # noqa: S314 - our own output


@given(st.lists(st.one_of(st.none(), st.floats(-1e9, 1e9)), min_size=2, max_size=20))
def test_any_history_can_be_drawn(estimates):
    """No past figure, negative, zero or absent, breaks the drawing."""
    found = entry(trend=past(*estimates))
    for drawing in (trends.sparkline(found), trends.trend_chart(found)):
        if drawing:
            ET.fromstring(drawing)  # noqa: S314 - our own output


def test_before_comes_first_whatever_the_file_says():
    """A document with sorted keys has "after" first; readers expect "before" above it."""
    found = entry({"after": [0.1], "after_cpu": [0.1], "before": [0.2]}, how="comparison")
    assert list(found.samples) == ["before", "after", "after_cpu"]


COLUMNS = ["component", "says", "document, ms", "ours, ms"]
ROWS = [["fetch", "50-100", 200.0, 20.0], ["store", "20-50", None, 0.5]]


def test_bars_are_as_long_as_their_values():
    """All on one scale from zero; the value stands beside the bar."""
    drawing = bar_chart(bars(COLUMNS, ROWS, COLUMNS[2:]))
    widths = [float(width) for width in re.findall(r'width="([\d.]+)%" height="11"', drawing)]
    assert widths == [62.0, 6.2, 0.0, 0.2]
    assert "ours, ms: 0.5" in drawing
    assert "document, ms: \N{EN DASH}" in drawing
    ET.fromstring(drawing)  # noqa: S314 - our own output


@pytest.mark.parametrize(
    ("rows", "drawn"),
    [
        ([], COLUMNS[2:]),
        (ROWS, []),
        (ROWS, ["stranger"]),
        ([["a", "b", -1.0, 1.0]], COLUMNS[2:]),
        ([["a", "b", 0.0, None]], COLUMNS[2:]),
        ([["a", "b", "much", None]], COLUMNS[2:]),
    ],
)
def test_what_cannot_be_drawn_has_no_bars(rows, drawn):
    """The table beside it says all there is."""
    assert bars(COLUMNS, rows, drawn) is None


def test_a_table_says_which_of_its_columns_are_drawn():
    """It is a table like any other, with a drawing above it."""
    found = entry(samples={"time": [0.1]})
    object.__setattr__(
        found, "facts", {"components": {"columns": COLUMNS, "rows": ROWS, "bars": COLUMNS[3:]}}
    )
    (table,) = facts.evidence(found).tables
    assert table.rows[0] == ("fetch", "50-100", "200", "20")
    assert table.bars is not None
    assert table.bars.series == ("ours, ms",)
