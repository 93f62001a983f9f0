"""The JUnit file: one case a claim, each verdict in its own kind of outcome."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sample_results import large, small

from perf.report.junit import render_junit


def parsed(results):
    return ET.fromstring(render_junit(results))  # noqa: S314 - our own output


def test_counts_follow_the_verdicts():
    """Missed are failures, not measured errors, inconclusive skipped; the rest passes."""
    results = large()
    verdicts = [entry["verdict"] for entry in results["results"]]
    suite = parsed(results).find("testsuite")
    counted = {name: int(suite.get(name)) for name in ("tests", "failures", "errors", "skipped")}
    assert counted == {
        "tests": len(verdicts),
        "failures": verdicts.count("missed"),
        "errors": verdicts.count("not_measured"),
        "skipped": verdicts.count("inconclusive"),
    }


@pytest.mark.parametrize(
    ("verdict", "outcome"),
    [("missed", "failure"), ("not_measured", "error"), ("inconclusive", "skipped")],
)
def test_an_outcome_carries_the_reason(verdict, outcome):
    """What is not met says why, in the outcome's message."""
    results = small()
    entry = next(e for e in results["results"] if e["verdict"] == verdict)
    case = next(c for c in parsed(results).iter("testcase") if c.get("name") == entry["id"])
    assert case.find(outcome).get("message") == entry["reason"]


def test_a_refuted_claim_passes_and_says_so():
    """A document shown to be wrong is no failure of the system, but it is marked."""
    results = small()
    entry = next(e for e in results["results"] if e["verdict"] == "refuted")
    case = next(c for c in parsed(results).iter("testcase") if c.get("name") == entry["id"])
    properties = {p.get("name"): p.get("value") for p in case.iter("property")}
    assert properties["verdict"] == "refuted"
    assert [child.tag for child in case] == ["properties"]


def test_cases_are_classed_by_row():
    """The class name is the row of the documents, so views group by it."""
    case = next(parsed(small()).iter("testcase"))
    assert case.get("classname") == "ava-perf." + case.get("name").partition(".")[0]


def test_names_are_unique_even_for_repeated_ids():
    """Views that key on the name lose no claim."""
    results = small()
    results["results"] *= 2
    names = [case.get("name") for case in parsed(results).iter("testcase")]
    assert len(names) == len(set(names)) == len(results["results"])


@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=60))
def test_any_text_gives_readable_xml(text):
    """Control characters and markup in a reason leave the file well-formed."""
    results = small()
    for entry in results["results"]:
        entry["reason"] = entry["title"] = text
    assert len(list(parsed(results).iter("testcase"))) == len(results["results"])
