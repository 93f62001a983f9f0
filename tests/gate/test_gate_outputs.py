"""One comparison, shown the same everywhere: table, JSON, JUnit, Markdown, annotations, code."""

import json
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
from gate_world import suite

from perf.exits import Exit
from perf.gate import markdown
from perf.gate.document import DocumentError, document, restore
from perf.gate.junit import junit
from perf.gate.outcome import exit_of, outcome
from perf.gate.publish import commands, to_folder, to_github
from perf.gate.sample import Broken, Evidence, Measured, Metric, Rule, Side
from perf.gate.table import table

CALM = {"t.py::same": 1.0, "t.py::other": 1.0}
SLOW = {**CALM, "t.py::slow": 1.2}


def measured(factors=SLOW, **more):
    evidence, _ = suite(3, factors, offset=0.003)
    return Measured(
        "v1",
        "v2",
        Metric.WALL,
        tuple(evidence.values()),
        dict.fromkeys(factors, Rule()),
        dict.fromkeys(factors, 0.5),
        **more,
    )


def test_the_worst_comes_first():
    """A reader looks at the first line."""
    result = outcome(measured(only_base=("t.py::gone",), only_head=("t.py::new",)))
    assert [entry.verdict for entry in result.entries] == [
        "slower",
        "only_base",
        "only_head",
        "same",
        "same",
    ]


def test_json_has_the_contract_s_fields():
    """Scripts rely on them."""
    found = document(outcome(measured(only_head=("t.py::new",))))
    assert {"base", "head", "benchmarks"} <= found.keys()
    wanted = {"id", "verdict", "change", "interval", "rounds", "seconds"}
    assert all(wanted <= entry.keys() for entry in found["benchmarks"])
    slow = found["benchmarks"][0]
    assert slow["verdict"] == "slower"
    assert slow["interval"][0] < slow["change"] < slow["interval"][1]
    assert slow["change"] == pytest.approx(0.2, abs=0.015)


def test_a_saved_comparison_is_judged_again_to_the_same_verdicts():
    """All slices are in the file."""
    first = document(outcome(measured(only_head=("t.py::new",), notes=("a note",))))
    again = document(outcome(restore(json.loads(json.dumps(first)))))
    verdicts = [[(e["id"], e["verdict"]) for e in found["benchmarks"]] for found in (first, again)]
    assert verdicts[0] == verdicts[1]
    assert again["notes"] == ["a note"]


@pytest.mark.parametrize("saved", [{}, {"schema": 1}, {"schema": 99}])
def test_a_foreign_file_is_refused_in_one_line(saved):
    """It is the user's mistake, not a crash."""
    with pytest.raises(DocumentError):
        restore(saved)


def test_json_knows_no_infinity():
    """An upper side that is not known is null, which every parser reads."""
    once = replace(measured(), evidences=(replace(measured().evidences[0], control=()),))
    single = replace(once.evidences[0], pairs=once.evidences[0].pairs[:1], confirmation=())
    found = document(outcome(replace(once, evidences=(single,))))
    assert found["benchmarks"][0]["interval"] == [-1.0, None]
    json.dumps(found, allow_nan=False)


@pytest.mark.parametrize(
    ("factors", "more", "strict", "code"),
    [
        (CALM, {}, False, Exit.OK),
        (SLOW, {}, False, Exit.MISSED),
        (CALM, {"only_base": ("x",)}, False, Exit.MISSED),
        (CALM, {"only_head": ("x",)}, False, Exit.OK),
        (CALM, {"broken": (Broken("x", Side.HEAD, "boom"),)}, False, Exit.NOT_MEASURED),
        (SLOW, {"broken": (Broken("x", Side.HEAD, "boom"),)}, False, Exit.MISSED),
        ({}, {}, False, Exit.NOTHING_SELECTED),
    ],
)
def test_the_exit_code_is_the_worst_news(factors, more, strict, code):
    """Slower before broken, broken before undecided; nothing at all has a code of its own."""
    assert exit_of(outcome(measured(factors, **more)), strict=strict) == code


def test_a_gate_that_measured_nothing_does_not_pass():
    """Benchmarks without a single pair are code 3."""
    empty = replace(measured(CALM), evidences=tuple(Evidence(name) for name in CALM))
    assert exit_of(outcome(empty), strict=False) == Exit.NOT_MEASURED


def test_undecided_fails_only_when_asked():
    """With --strict it is code 4."""
    part = measured(CALM)
    mixed = replace(part, evidences=(part.evidences[0], Evidence("t.py::other")))
    assert exit_of(outcome(mixed), strict=False) == Exit.OK
    assert exit_of(outcome(mixed), strict=True) == Exit.INCONCLUSIVE


def test_noise_that_one_pair_cannot_tell_is_left_out():
    """An infinite limit is no figure to show."""
    whole = measured(CALM)
    short = tuple(Evidence(e.id, pairs=e.pairs[:1]) for e in whole.evidences)
    text = table(outcome(replace(whole, evidences=short)))
    assert "cannot be told from noise" not in text
    assert "inf" not in text


def test_a_benchmark_may_be_gone_where_that_is_meant():
    """`--allow-removed` says so."""
    gone = measured(CALM, only_base=("t.py::gone",))
    assert exit_of(outcome(gone, allow_removed=True), strict=False) == Exit.OK


def test_the_table_names_figures_and_reasons():
    """The last line is the whole in a sentence."""
    text = table(outcome(measured(broken=(Broken("t.py::bad", Side.BASE, "KeyError: 3"),))))
    assert "✗ slower" in text
    assert "not measured in base: t.py::bad: KeyError: 3" in text
    assert "cannot be told from noise" in text
    assert text.splitlines()[-1] == "4 benchmarks: 1 slower, 2 same, 1 not measured"


def test_secrets_of_a_failing_benchmark_are_hidden():
    """Its message is the user's own text."""
    reason = "cannot connect to postgres://u:hunter2@db/x"
    result = outcome(measured(broken=(Broken("b", Side.HEAD, reason),)))
    shown = [table(result), junit(result), markdown.summary(result), json.dumps(document(result))]
    assert not any("hunter2" in text for text in shown)


def test_junit_keeps_slow_broken_and_doubtful_apart():
    """Failure, error and skipped."""
    part = measured(broken=(Broken("bad", Side.BASE, "b"), Broken("bad", Side.HEAD, "h")))
    result = outcome(replace(part, evidences=(*part.evidences[1:], Evidence("t.py::same"))))
    root = ET.fromstring(junit(result))  # noqa: S314 - our own text
    kinds = {case.get("name"): [child.tag for child in case] for case in root.iter("testcase")}
    assert "failure" in kinds["t.py::slow"]
    assert "skipped" in kinds["t.py::same"]
    assert kinds["bad"] == ["error"]
    assert kinds["t.py::other"] == ["properties"]


def test_a_comment_carries_its_marker_and_the_worst_three():
    """A later run finds it by the marker; the rest is folded."""
    text = markdown.comment(outcome(measured()))
    assert text.startswith(markdown.MARKER)
    assert text.index("t.py::slow") < text.index("<details>")
    assert "t.py::same" in text[text.index("<details>") :]


def test_names_cannot_become_markup():
    """A test's id is text, wherever it is shown."""
    result = outcome(measured(CALM, only_head=("t.py::x[a|b]", "t.py::<img src=x>")))
    rows = [line for line in markdown.summary(result).splitlines() if line.startswith("| +")]
    assert len(rows) == 2
    assert all(row.replace("\\|", "").count("|") == 8 for row in rows)


@pytest.mark.parametrize(
    ("render", "size"),
    [(markdown.summary, markdown.SUMMARY_BYTES), (markdown.comment, markdown.COMMENT_BYTES)],
)
def test_a_large_suite_fits_what_the_platform_takes(render, size):
    """Rows are left out from the good end, and their number is said."""
    many = tuple(f"t.py::new[{'x' * 200}-{n}]" for n in range(8000))
    text = render(outcome(measured(only_head=many)))
    assert len(text.encode()) <= size
    assert "more benchmarks are in the JSON file" in text
    assert "t.py::slow" in text


def test_no_more_annotations_than_are_shown():
    """The tenth says how many there are."""
    gone = tuple(f"t.py::gone{n}" for n in range(30))
    lines = list(commands(outcome(measured(CALM, only_base=gone))))
    assert len(lines) == 10
    assert lines[-1].endswith("21 more are in the step summary")


def test_an_annotation_cannot_begin_another():
    """Line ends and the signs that end a title are escaped."""
    reason = "first\n::error::second"
    broken = (Broken("a::b,c", Side.HEAD, reason),)
    (line,) = commands(outcome(measured(CALM, broken=broken)))
    assert "\n" not in line
    assert line.startswith("::error title=a%3A%3Ab%2Cc::")


def test_github_hears_only_on_github(tmp_path):
    """Elsewhere no summary is written and nothing is annotated."""
    path = tmp_path / "summary.md"
    result = outcome(measured())
    assert list(to_github(result, {"GITHUB_STEP_SUMMARY": str(path)})) == []
    assert not path.exists()
    there = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(path)}
    assert len(list(to_github(result, there))) == 1
    assert "t.py::slow" in path.read_text(encoding="utf-8")


def test_a_comment_is_written_only_where_there_is_news(tmp_path):
    """One left by an earlier run is taken away."""
    to_folder(outcome(measured()), {}, tmp_path)
    names = {"gate.json", "junit.xml", "summary.md"}
    assert {path.name for path in tmp_path.iterdir()} == {*names, "comment.md"}
    to_folder(outcome(measured(CALM)), {}, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == names
