"""The text report: the page's order, and nothing measured can break out of its place."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sample_results import large, small

from perf.report.markup import code, escape
from perf.report.text import render_markdown


def test_sections_follow_the_order_of_the_page():
    """Verdict first, then what to do, the claims, the score, what changed, the detail."""
    heads = re.findall(r"^##? (.+)$", render_markdown(small()), re.MULTILINE)
    assert heads == [
        "✗ 1 of 7 targets missed",
        "Do next",
        "Claims",
        "Score by category",
        "Changed since the baseline",
        "What is not met, in detail",
        "Environment",
    ]


def test_only_what_is_not_met_is_detailed():
    """Met claims have their row and no chapter."""
    results = small()
    heads = re.findall(r"^### (.+)$", render_markdown(results), re.MULTILINE)
    assert len(heads) == sum(entry["verdict"] != "met" for entry in results["results"])


def test_a_table_of_evidence_is_a_table():
    """Rows and columns a claim found are written as such, whatever they hold."""
    results = small()
    entry = next(e for e in results["results"] if e["verdict"] == "missed")
    rows = [["a|b", number] for number in range(40)]
    entry["evidence"]["facts"] = {"ratios": {"columns": ["trace", "ours"], "rows": rows}}
    text = render_markdown(results)
    assert "| trace | ours |\n| --- | ---: |\n| a\\|b | 0 |\n" in text
    assert "10 more rows in the measurement." in text


def test_a_step_summary_holds_it():
    """A whole audit stays below the 900 kB at which step summaries are dropped."""
    assert len(render_markdown(large()).encode()) < 900_000


def test_it_speaks_of_settings():
    """The settings the servers ran with are in the environment."""
    assert "- postgres, settings, fsync: off" in render_markdown(small())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a|b", r"a\|b"),
        ("# head", r"\# head"),
        ("<b>&", "&lt;b&gt;&amp;"),
        ("[x](y)", r"\[x\](y)"),
        ("one\ntwo", "one two"),
    ],
)
def test_markup_is_escaped(text, expected):
    """Characters with a meaning in Markdown are shown as they stand."""
    assert escape(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a", "`a`"), ("a`b", "``a`b``"), ("`", "`` ` ``"), ("a|b", r"`a\|b`"), ("", "")],
)
def test_a_code_span_holds_its_backticks(text, expected):
    """The fence is longer than any run of backticks inside."""
    assert code(text) == expected


@settings(max_examples=60, deadline=None)
@given(text=st.text(min_size=1, max_size=40))
def test_any_title_keeps_the_structure(text):
    """Whatever a title holds, lines, headings and table cells stay as many."""
    assert structure(f"a{text}") == structure("plain")


def structure(title):
    results = small()
    for entry in results["results"]:
        entry["title"] = entry["source"] = title
    lines = render_markdown(results).split("\n")
    return (
        len(lines),
        sum(line.startswith("#") for line in lines),
        [len(re.findall(r"(?<!\\)\|", line)) for line in lines if line.startswith("|")],
    )
