"""The page: whole, closed, self-contained, small, and safe against what was measured."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import re
from pathlib import Path

import pytest
from html_page import Page
from hypothesis import given, settings
from hypothesis import strategies as st
from sample_results import EVIDENCE, GOLDEN, STARTED, large, renderings, small

from perf.report import figures
from perf.report.html import render_html, style

HOSTILE = [
    "</script><script>alert(1)</script>",
    "<svg onload=alert(1)>",
    '" onmouseover="alert(1)" x="',
    "'><img src=x onerror=alert(1)>",
    "--></style></title><style>*{display:none}",
    "{{ 7 * 7 }}{% for x in y %}",
    "]]>&lt;b&gt;&amp;",
]


@pytest.fixture(scope="module")
def whole():
    return Page(render_html(large()))


@pytest.mark.parametrize("name", ["index.html", "report.md", "junit.xml"])
def test_a_rendering_is_the_golden_file(name):
    """Each rendering of the small run is, byte for byte, the one that was looked at."""
    assert renderings()[name] == (GOLDEN / name).read_text(encoding="utf-8")


def test_the_page_is_well_formed(whole):
    """Every tag of a whole audit's page is closed in order."""
    assert whole.faults == []


def test_ids_are_unique(whole):
    """No address in the page is given twice."""
    ids = whole.values("id")
    assert len(ids) == len(set(ids))


def test_every_fragment_leads_somewhere(whole):
    """Each link within the page has its target."""
    ids = set(whole.values("id"))
    inner = {value[1:] for value in whole.values("href") if value.startswith("#")}
    assert inner <= ids


def test_nothing_is_fetched_from_elsewhere(whole):
    """The page names no address outside the report's folder."""
    addresses = [v for name in ("href", "src", "srcset", "action") for v in whole.values(name)]
    assert [v for v in addresses if re.match(r"[a-z+]+:|//", v) and v != "data:,"] == []
    assert "url(" not in style()
    assert "@import" not in style()


def test_the_page_has_no_script(whole):
    """There is no script element, no event attribute and no inline style attribute."""
    assert "script" not in whole.tags
    assert [n for _, n, _ in whole.attributes if n.startswith("on") or n == "style"] == []


def test_the_policy_allows_our_style_sheet_and_nothing_else():
    """The policy forbids every source but the style sheet, named by its hash."""
    text = render_html(small())
    policy = next(v for v in Page(text).values("content") if v.startswith("default-src"))
    inline = re.search(r"<style>(.*?)</style>", text, re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}';")


def test_the_style_sheet_can_be_split_off():
    """For a server that forbids inline styles the page links to a sheet beside it."""
    text = render_html(small(), stylesheet="report.css")
    assert "<style>" not in text
    assert any("style-src 'self';" in value for value in Page(text).values("content"))
    assert "report.css" in Page(text).values("href")


def test_a_hundred_claims_stay_under_a_megabyte():
    """200 samples an arm, 50 runs of history and 200 kB of plans fit into one megabyte."""
    results = large(cases=3, samples=200, trend=50)
    results["results"] = results["results"][:100]
    node = EVIDENCE["plans"]["before"][0]["Plan"]["Plans"][0]
    copies = 40_000 // len(json.dumps(node))
    plan = [{"Plan": {"Node Type": "Append", "Plans": [node] * copies}}]
    for entry in results["results"][:5]:
        entry["evidence"]["facts"]["plans"] = {"after": plan}
    assert len(results["results"]) == 100
    assert len(render_html(results).encode()) < 1_000_000


def test_the_page_of_a_whole_audit_stays_under_a_megabyte():
    """The example is a full run of every claim."""
    example = Path(__file__).parents[2] / "reports" / "example" / "results.json"
    results = json.loads(example.read_text(encoding="utf-8"))
    assert len(results["results"]) > 400
    assert len(render_html(results).encode()) < 1_000_000


def test_evidence_is_shown_once():
    """Of two measurements that found the same, the second points to the first."""
    results = small()
    entry = next(e for e in results["results"] if e["evidence"]["kind"] == "comparison")
    entry["evidence"]["facts"] = {"known": "all-about-it " * 50}
    again = copy.deepcopy(entry) | {"id": f"{entry['id']}-again"}
    again["evidence"]["measurement"] = "measurements/other.json"
    results["results"].append(again)
    assert render_html(results).count("Everything found is the same as with") == 1
    again["evidence"]["facts"] = {"known": "something-else " * 50}
    assert "Everything found" not in render_html(results)


def test_every_verdict_has_its_glyph():
    """The glyphs of the style sheet are those of the other renderings."""
    for verdict, glyph in figures.GLYPHS.items():
        drawn = re.search(rf'b\.{verdict}::before {{ content: "(\S+) ', style())[1]
        assert re.sub(r"\\(\w+)", lambda code: chr(int(code[1], 16)), drawn) == glyph


def test_what_was_measured_once_is_shown_once():
    """Of two figures of one measurement, the second points to the first, which has the evidence."""
    results = small()
    entry = next(e for e in results["results"] if e["evidence"]["kind"] == "comparison")
    entry["evidence"]["facts"] = {"known": "all-about-it"}
    again = copy.deepcopy(entry) | {"id": f"{entry['id']}-again"}
    results["results"].append(again)
    text = render_html(results)
    assert text.count("all-about-it") == 1
    assert text.count("Measured once for several figures") == 1
    again["evidence"]["measurement"] = "measurements/other.json"
    assert render_html(results).count("all-about-it") == 2


def test_rendering_is_deterministic():
    """The same run gives the same bytes."""
    assert render_html(large(cases=1)) == render_html(large(cases=1))


def test_rendering_leaves_the_results_alone():
    """The document is read, never written."""
    results = small()
    before = copy.deepcopy(results)
    render_html(results)
    assert results == before


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text(text):
    """Markup in any string of the results adds no tag and no attribute to the page."""
    assert skeleton(poisoned(text)) == skeleton(poisoned("plain words"))


@settings(max_examples=40, deadline=None)
@given(text=st.text(min_size=1, max_size=60).filter(lambda text: "\n" not in text))
def test_any_text_stays_text(text):
    """Whatever characters a string holds, the page keeps its structure."""
    assert skeleton(poisoned(f"a{text}")) == skeleton(poisoned("plain words"))


def poisoned(text):
    """Return a run of one claim whose every free string is `text`."""
    results = small()
    entry = next(e for e in results["results"] if e["verdict"] == "missed")
    entry.update(title=text, source=text, reason=text, category="database")
    entry["evidence"].update(warnings=[text], estimator=text, cure=text, measurement="../" + text)
    entry["evidence"]["facts"] = {
        "explanation": text,
        "before": text,
        "known": text,
        "table": {"columns": [text, "n"], "rows": [[text, 1]]},
        "sql": {"before": text},
        "plans": {"before": [{"Plan": {"Node Type": text, "Filter": text}}]},
    }
    entry["evidence"]["case"] = {"case": text}
    entry["evidence"]["reproduce"] = "ava-perf audit"
    results["results"] = [entry]
    results["run"]["branch"] = text
    results["run"]["planned"] = 1
    results["environment"]["postgres"] = {"version": text}
    results["vanished"] = [text]
    return results


def skeleton(results):
    page = Page(render_html(results))
    assert page.faults == []
    return page.tags, [(tag, name) for tag, name, _ in page.attributes]


def test_a_path_that_leaves_the_folder_is_no_link():
    """A measurement's path is linked only when it is a plain one below the report."""
    for path in ("javascript:alert(1)", "../../etc/passwd", "//host/x", "/etc/passwd", "a b"):
        results = small()
        results["results"][0]["evidence"]["measurement"] = path
        assert path not in Page(render_html(results)).values("href")


def test_claims_come_in_the_order_of_need(whole):
    """The table lists missed, not measured, inconclusive, met and refuted in this order."""
    classes = [v.split()[1] for tag, n, v in whole.attributes if (tag, n) == ("tr", "class")]
    order = ["missed", "not_measured", "inconclusive", "met", "refuted"]
    assert [v for turn, v in enumerate(classes) if v not in classes[:turn]] == order


def test_counts_are_links_that_filter():
    """A verdict's count links to the fragment whose rule hides all other claims."""
    text = render_html(small())
    assert "#only-missed" in Page(text).values("href")
    assert "only-missed" in Page(text).values("id")
    assert "#only-missed:target ~ * .item:not(.missed)" in style()


def test_a_count_of_none_is_no_link():
    """There is nothing to filter for where the count is zero."""
    results = small()
    results["results"] = [e for e in results["results"] if e["verdict"] == "met"]
    assert "#only-missed" not in re.sub(
        r"<style>.*?</style>", "", render_html(results), flags=re.DOTALL
    )


def test_tables_have_captions_and_scopes(whole):
    """Every table says what it shows, every header cell what it heads."""
    assert whole.tags.count("table") == whole.tags.count("caption")
    assert whole.tags.count("th") == len(whole.values("scope"))


def test_charts_are_images_with_words(whole):
    """Every chart is an image with a title and a description."""
    images = whole.values("role").count("img")
    assert images > 100
    assert whole.tags.count("desc") == images


def test_print_opens_every_fold():
    """The print rules show the content of closed details."""
    rules = style().split("@media print")[1]
    assert "details::details-content" in rules
    assert "content-visibility: visible" in rules


def test_missing_optional_values_are_absent():
    """A document of required keys alone renders, and shows no figure that was not measured."""
    results = {
        "schema": 1,
        "results": [
            {
                "id": "D1.bare",
                "target": {"kind": "at_most", "bound": 5, "unit": "ms"},
                "verdict": "not_measured",
            }
        ],
    }
    page = Page(render_html(results))
    assert page.faults == []
    assert "No reason was recorded" in page.texts["main"]
    assert "Noisenot known" in page.texts["dl"].replace("\n", "")


def test_unknown_keys_are_ignored():
    """Keys of a later version do not disturb the page."""
    results = small()
    results["later"] = {"a": 1}
    results["results"][0]["later"] = [1]
    results["results"][0]["evidence"]["later"] = "x"
    assert render_html(results) == render_html(small())


def test_an_empty_run_says_so():
    """A run without claims is not presented as a success."""
    results = small()
    results["results"] = []
    assert "No target was checked" in Page(render_html(results)).texts["h1"]


def test_long_facts_are_folded():
    """A long string is shown within a fold and cut where no reader would go on."""
    results = small()
    results["results"][0]["evidence"]["facts"] = {"log": "x" * 30_000}
    text = render_html(results)
    assert "<summary>log</summary>" in text
    assert "10,000 more characters in the measurement" in text


def test_the_run_itself_ends_the_trend():
    """The history drawn for a claim ends with this run."""
    results = small()
    entry = results["results"][0]
    assert all(point["started"] != STARTED for point in entry["trend"])
    assert f"Trend over {len(entry['trend']) + 1} runs" in render_html(results)
