"""The flame graph as drawn: everything in it is escaped, bounded, and adds up."""

import xml.etree.ElementTree as ET

from html_page import Page
from hypothesis import given
from hypothesis import strategies as st
from sample_results import small

from perf.report import curve, flame
from perf.report.html import render_html
from perf.report.text import render_markdown
from perf.stacks import prune, to_dict, tree

STACKS = {('<b>&"f"', "g"): 60, ('<b>&"f"', "h"): 30, ("k",): 10}
SVG = "{http://www.w3.org/2000/svg}"

names = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), min_size=1)
profiles = st.dictionaries(
    st.lists(names, min_size=1, max_size=12).map(tuple), st.integers(1, 99), min_size=1, max_size=20
)


def seen(stacks=STACKS, **more):
    top = [["g", 60, 60], ["h", 30, 30]]
    return {
        "claim": "A1.a", "kind": "cpu", "seconds": 2.0, "rate": 200, "looks": 400,
        "samples": sum(stacks.values()), "tree": to_dict(tree(stacks)), "top": top, **more,
    }  # fmt: skip


def boxes(text):
    """Return place, width and title of each box in a file."""
    drawing = ET.fromstring(text)  # noqa: S314 - our own drawing
    return [
        (float(box.get("x")[:-1]), float(box.get("width")[:-1]), box.find(f"{SVG}title").text)
        for box in drawing.find(f"{SVG}g")
    ]


@given(profiles)
def test_a_file_is_well_formed_whatever_functions_are_called(stacks):
    """Names come from other people's code."""
    assert boxes(flame.document(prune(tree(stacks)), "A title"))


def test_a_box_is_as_wide_as_its_share():
    """Half of the samples is half of the width."""
    widths = {title.split(":")[0]: width for _, width, title in boxes(_drawn())}
    assert widths == {"all": 100.0, '<b>&"f"': 90.0, "g": 60.0, "h": 30.0, "k": 10.0}


def test_children_lie_side_by_side():
    """They begin where their caller does, and do not overlap."""
    places = {title.split(":")[0]: x for x, _, title in boxes(_drawn())}
    assert (places["g"], places["h"], places["k"]) == (0.0, 60.0, 90.0)


def test_the_same_profile_is_drawn_the_same():
    """Two reports of one run are the same bytes."""
    assert _drawn() == _drawn()


def _drawn():
    return flame.document(flame.shown(seen()).tree, "A1.a")


def test_it_is_said_how_much_of_the_time_it_waited():
    """A process that waits has a profile of the little it does itself."""
    assert "in 25% of the looks" in flame.shown(seen()).sentence


def test_a_profile_without_samples_is_none():
    """Nothing seen is said, and not drawn as an empty graph."""
    found = flame.shown(seen({("f",): 1}, tree={"name": "all", "samples": 0}, samples=0))
    assert found.tree is None
    assert "nothing ran" in found.reason


def test_what_could_not_be_profiled_keeps_its_cure():
    """The reader is told what would enable it."""
    found = flame.shown({"claim": "A1.a", "unavailable": "not allowed", "cure": "be root"})
    assert (found.reason, found.cure) == ("not allowed", "be root")


def test_a_broken_profile_is_no_broken_report():
    """A saved run may have been edited by anybody."""
    found = flame.shown(seen(tree={"name": "f"}))
    assert "cannot be read" in found.reason


def test_no_profile_is_nothing_to_show():
    """Most claims have none."""
    assert flame.shown(None) is None


def test_the_curve_of_memory_begins_at_zero():
    """The highest reading touches the top, half of it the middle."""
    drawn = ET.fromstring(curve.document([[0.0, 50.0], [1.0, 100.0]]))  # noqa: S314 - as above
    line = drawn.find(f"{SVG}svg/{SVG}polyline")
    assert line.get("points") == "0,80.0 1000,0.0"


def page(profile):
    """Return the page of a small run of which the first claim has a profile."""
    results = small()
    results["results"][0]["evidence"]["profile"] = profile
    return render_html(results)


def test_a_claim_shows_its_profile_on_the_page():
    """As an image with words, a table, and the statement that it is no measurement."""
    text = page(seen())
    assert Page(text).faults == []
    assert "Where its time goes" in text
    assert "in a run of its own, after the verdict" in text
    assert "<b>&" not in text


def test_the_page_says_why_there_is_no_profile():
    """With the cure."""
    text = page({"claim": "A1.a", "unavailable": "not allowed here", "cure": "be root"})
    assert "Not profiled: not allowed here. To enable it: be root." in text


def test_the_text_lists_the_costliest_functions():
    """The drawing is left to the page."""
    results = small()
    missed = next(e for e in results["results"] if e["verdict"] == "missed")
    missed["evidence"]["profile"] = seen()
    assert "| `g` | 60.0 % | 60.0 % |" in render_markdown(results)
