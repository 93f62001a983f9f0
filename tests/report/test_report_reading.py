"""Reading results: cleaned on the way in, refused when a claim would be lost."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample_results import small

from perf.report import figures
from perf.report.clean import clean, clean_text, without_literals
from perf.report.facts import evidence
from perf.report.html import render_html
from perf.report.junit import render_junit
from perf.report.read import ResultsError, read
from perf.report.text import render_markdown

SECRET = "hunter2"  # noqa: S105 - what must not be seen
RENDERINGS = [render_html, render_markdown, render_junit]


@pytest.mark.parametrize("render", RENDERINGS)
@pytest.mark.parametrize(
    "text",
    [
        f"connection to postgresql://ava:{SECRET}@db/ava failed",
        f"host=db password={SECRET} dbname=ava",
        f"GET /query?apikey={SECRET}&symbol=IBM",
        f"Authorization: Bearer {SECRET}",
        f"PGPASSWORD='{SECRET}' psql",
    ],
)
def test_credentials_are_hidden(render, text):
    """A secret in a reason or a fact reaches no rendering."""
    results = small()
    for entry in results["results"]:
        entry["reason"] = text
        entry["evidence"]["facts"] = {"error": text}
    results["run"]["command"] = text
    assert SECRET not in render(results)


def test_a_secret_is_hidden_by_its_key():
    """The value under a key that names a secret is hidden whatever it looks like."""
    assert clean({"db": {"password": SECRET, "user": "ava"}}) == {
        "db": {"password": "***", "user": "ava"}
    }


def test_ordinary_prose_is_left_alone():
    """Words that only sound like secrets stay."""
    text = "a token bucket of 5 passes; the cache key is scan:open"
    assert clean_text(text) == text


@given(st.text())
def test_cleaned_text_can_be_written(text):
    """What is cleaned can be encoded, and holds no control character but white space."""
    cleaned = clean_text(text)
    cleaned.encode("utf-8")
    assert not [c for c in cleaned if ord(c) < 32 and c not in "\t\n\r"]


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("WHERE a = 'x' AND b = 5", "WHERE a = '…' AND b = 5"),
        ("'O''Hara'", "'…'"),
        ('SELECT "it" FROM t', 'SELECT "it" FROM t'),
    ],
)
def test_literals_of_statements_are_elided(sql, expected):
    """Quoted values go, numbers and identifiers stay."""
    assert without_literals(sql) == expected


@pytest.mark.parametrize(
    "results",
    [
        {"schema": 2, "results": []},
        {"results": []},
        {"schema": 1},
        {"schema": 1, "results": [None]},
        {"schema": 1, "results": [{"id": "D1.a"}]},
        {"schema": 1, "results": [{"id": "D1.a", "verdict": "fine", "target": {}}]},
    ],
)
def test_what_cannot_be_read_is_refused(results):
    """A report that leaves a claim out would look better than the run was."""
    with pytest.raises(ResultsError):
        read(results)


def test_a_refusal_names_the_claim():
    """The error says which result is at fault."""
    with pytest.raises(ResultsError, match=r"D1\.a"):
        read({"schema": 1, "results": [{"id": "D1.a", "verdict": "fine", "target": {}}]})


@pytest.mark.parametrize("value", [math.nan, math.inf, "5", True, None])
def test_an_estimate_that_is_no_number_is_unknown(value):
    """Only a finite number is an estimate."""
    results = small()
    results["results"][0]["estimate"] = value
    assert read(results).entries[0].estimate is None


def test_anchors_are_safe_and_unique():
    """Whatever the ids are, each claim has an address of its own that needs no quoting."""
    results = small()
    claims = results["results"]
    for entry, claim_id in zip(claims, ["D1.a", "D1.a", "only-met", "a b", "<x>"], strict=False):
        entry["id"] = claim_id
    anchors = [entry.anchor for entry in read(results).entries][:5]
    assert anchors == ["D1.a", "D1.a--2", "C-only-met", "C-a-b", "C--x-"]


def facts_of(facts):
    results = small()
    results["results"][0]["evidence"]["facts"] = facts
    return evidence(read(results).entries[0])


def test_pairs_stand_side_by_side():
    """Facts of both arms make a row; what only one arm has is absent in the other."""
    found = facts_of({"statements": {"before": 50, "after": 1}, "before": "a loop"})
    assert [(p.name, p.before, p.after) for p in found.pairs] == [
        ("what ran", "a loop", None),
        ("statements", "50", "1"),
    ]


def test_unknown_facts_are_shown_by_name():
    """A new instrument's facts need no change in the report."""
    found = facts_of({"peak_bytes": 4096, "ok": True, "none": None, "curve": [1, 2]})
    assert [(f.name, f.text) for f in found.facts] == [
        ("peak bytes", "4,096"),
        ("ok", "yes"),
        ("none", "none"),
        ("curve", "[\n 1,\n 2\n]"),
    ]


def test_a_table_is_shown_as_one():
    """Columns and rows keep their form; what is not known is a dash, and numbers stand right."""
    rows = [["a|b", 0.5, None], ["c", 1234567, 2]]
    found = facts_of({"hit_ratios": {"columns": ["trace", "ours", "best"], "rows": rows}})
    (table,) = found.tables
    assert (table.name, table.columns) == ("hit ratios", ("trace", "ours", "best"))
    assert table.rows == (("a|b", "0.5", figures.DASH), ("c", "1,234,567", "2"))
    assert table.numeric == {1, 2}
    assert found.facts == ()


@pytest.mark.parametrize(
    "value",
    [
        {"columns": ["a"], "rows": [[1, 2]]},
        {"columns": [], "rows": []},
        {"columns": "ab", "rows": [["a", "b"]]},
        {"columns": ["a"], "rows": None},
    ],
)
def test_what_is_no_table_is_shown_as_it_is(value):
    """Rows that do not fit their columns are not squeezed into them, and not dropped."""
    found = facts_of({"odd": value})
    assert found.tables == ()
    assert [fact.name for fact in found.facts] == ["odd"]


def test_a_table_beyond_reading_is_cut_and_says_so():
    """The measurement holds the rest."""
    found = facts_of({"long": {"columns": ["n"], "rows": [[n] for n in range(250)]}})
    assert (len(found.tables[0].rows), found.tables[0].left_out) == (200, 50)


@pytest.mark.parametrize("facts", [{"plans": None}, {"sql": None}, {"explanation": None}, {}])
def test_absent_facts_leave_nothing(facts):
    """Null evidence is no evidence."""
    found = facts_of(facts)
    assert (found.explanation, found.pairs, found.facts, found.plans) == (None, (), (), ())
