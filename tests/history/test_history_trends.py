"""From lines of the history to series, steps, and what a user is told of them."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from html import unescape

import importer_files as files
import pytest
from click.testing import CliRunner

from perf.changepoints import ChangePoint
from perf.cli import cli
from perf.experiments.change_points.score import by_people, hits
from perf.history import series, store, trends
from perf.history.figures import Better, Figure, Run, figures_of, moment, number, to_line
from perf.history.trends import Effect
from perf.report.history_page import named, render_history

LEVELS = [10.0, 10.1, 9.9, 10.0, 10.1, 9.9] * 3 + [15.0, 15.1, 14.9, 15.0, 15.1, 14.9] * 2


def lines(values, *, unit="ms", better=Better.LESS, name="b", machine="m"):
    return [
        to_line(
            Run(
                "tool",
                (Figure(name, "p95", value, unit, better),),
                f"2026-01-{turn + 1:02d}T00:00:00Z",
                f"{turn:040x}",
                machine=machine,
            ),
            "file",
        )
        for turn, value in enumerate(values)
    ]


def audit(estimate, kind="at_least"):
    result = {
        "estimate": estimate,
        "interval": [estimate, None],
        "target": {"kind": kind, "bound": 1, "unit": "x"},
        "verdict": "met",
    }
    line = {"run": "r", "started": "2026-01-01T00:00:00Z", "profile": "quick", "commit": None}
    return {**line, "machine": "m", "results": {"D1.a": result}}


def trend(values, **how):
    (found,) = series.collect(lines(values, **how))
    return trends.trend_of(found)


def test_a_step_names_its_commit_and_what_it_means():
    """Times that rise from 10 to 15 got worse by half, in the 19th run."""
    (step,) = trend(LEVELS).steps
    assert step.first.commit == f"{18:040x}"
    assert step.last.commit == f"{17:040x}"
    assert (step.effect, round(step.point.relative, 3)) == (Effect.WORSE, 0.5)


@pytest.mark.parametrize(
    ("better", "after", "effect"),
    [
        (Better.LESS, 3, Effect.WORSE),
        (Better.LESS, 1, Effect.BETTER),
        (Better.MORE, 3, Effect.BETTER),
        (Better.MORE, 1, Effect.WORSE),
        (Better.UNKNOWN, 3, Effect.CHANGED),
    ],
)
def test_the_effect_follows_from_the_way_that_is_better(better, after, effect):
    """Where it is not known which way is better, a step is a change and no more."""
    assert trends.effect_of(ChangePoint(1, 2, after, None, 1), better) is effect


def test_machines_are_series_of_their_own():
    """A slower machine is no step."""
    both = lines([10.0] * 9) + lines([20.0] * 9, machine="other")
    assert [trends.trend_of(one).steps for one in series.collect(both)] == [(), ()]


def test_runs_are_put_in_the_order_of_their_dates():
    """An old file imported late does not come last."""
    (found,) = series.collect(reversed(lines([1.0, 2.0, 3.0])))
    assert found.values == (1, 2, 3)


def test_figures_of_another_unit_are_not_of_the_series():
    """Seconds do not stand beside milliseconds; the newest unit counts."""
    old, new = lines([1.0], unit="s"), lines([0.0, 1000.0])[1:]
    (found,) = series.collect(old + new)
    assert (found.values, found.unit) == ((1000,), "ms")


def test_a_claim_is_a_series_whose_target_says_what_is_better():
    """An estimate that should be at least its bound is better the more; an open end is unknown."""
    (found,) = series.collect([audit(5.0)])
    assert (str(found.key), found.better, found.points[0].high) == ("D1.a", Better.MORE, None)


def test_a_result_without_a_target_is_no_series():
    """A line of another kind in the same file hinders nobody from reading the others."""
    line = audit(1.0)
    del line["results"]["D1.a"]["target"]
    assert series.collect([line]) == ()


def test_a_step_in_a_tree_with_changes_is_marked():
    """The commit alone may not have made it."""
    kept = [{**line, "dirty": True} for line in lines(LEVELS)]
    (found,) = series.collect(kept)
    (step,) = trends.trend_of(found).steps
    assert named(step) == f"{18:040x}"[:10] + "-dirty"


def test_a_counter_example_is_no_series():
    """That something occurred is not a figure that goes up."""
    assert series.collect([audit(1.0, "counter_example")]) == ()


def test_figures_come_back_from_their_line():
    """What is kept is what was read."""
    figure = Figure("a", "p95", 1.5, "ms", Better.LESS, None, 2.0)
    line = json.loads(json.dumps(to_line(Run("tool", (figure,)), "file")))
    assert figures_of(line) == (figure,)


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (1767225600, "2026-01-01T00:00:00Z"),
        (1767225600000, "2026-01-01T00:00:00Z"),
        ("2026-01-01T02:00:00+02:00", "2026-01-01T00:00:00Z"),
        ("2026-01-01 00:00:00", "2026-01-01T00:00:00Z"),
        ("yesterday", ""),
        (None, ""),
    ],
)
def test_moments_are_written_alike(value, read):
    """Seconds, milliseconds and texts are one time; what is none is not known."""
    assert moment(value) == read


@pytest.mark.parametrize("value", [None, True, "N/A", float("nan"), "inf", [1]])
def test_what_is_no_finite_number_is_none(value):
    """Nothing is turned into zero."""
    assert number(value) is None


def test_writers_at_once_lose_no_line(tmp_path):
    """Each waits for the folder, so eight writers of five lines leave forty."""
    path = tmp_path / "history.jsonl"

    def write():
        for line in lines([1.0] * 5):
            store.extend(path, lambda _, line=line: [line])

    writers = [threading.Thread(target=write) for _ in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(store.lines(path)[0]) == 40
    assert [file.name for file in tmp_path.iterdir()] == ["history.jsonl"]


def test_the_page_draws_each_step_and_escapes_names():
    """An upright line for the step, and a name that is no tag."""
    page = render_history([trend(LEVELS, name="<b>x")], 0)
    assert page.count('class="steps"') == 1
    assert "<b>x" not in page
    assert "1 series got worse" in page


def test_a_step_leads_to_its_chart():
    """The row of a series is a link to where it is drawn."""
    page = render_history([trend(LEVELS), trend([1.0, 1.0], name="quiet")], 0)
    row, chart = page.index('<a href="#chart-1">b p95</a>'), page.index('<figure id="chart-1">')
    assert row < page.index("<h2>Charts</h2>") < chart < page.index("<code>b p95</code>")


def test_the_page_allows_its_own_style_and_nothing_else():
    """A browser compares the digest with what stands between the tags."""
    page = render_history([trend(LEVELS)], 0)
    style = page.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in unescape(page)


def test_a_series_of_one_run_is_told():
    """It has no line, and is not passed over."""
    assert "1 series has one run" in render_history([trend([1.0])], 0)


def test_the_newest_figure_is_shown_with_its_verdict():
    """What the gate or an audit said of it when it was measured."""
    kept = [{**line, "verdicts": {"b": "slower"}} for line in lines([1.0, 2.0])]
    (found,) = series.collect(kept)
    page = render_history([trends.trend_of(found)], 0)
    assert "last 2.00\N{NO-BREAK SPACE}ms (slower)" in page


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder of a project without settings, to run commands in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments):
    return CliRunner().invoke(cli, ["history", *arguments], standalone_mode=False)


def table(project):
    rows = "".join(f"b,{value},ms,{turn:07x}\n" for turn, value in enumerate(LEVELS))
    (project / "past.csv").write_text("benchmark,value,unit,commit\n" + rows)


def test_a_file_is_imported_once(project):
    """The same runs again are known, not added."""
    table(project)
    assert "30 runs added" in run("import", "past.csv").stdout
    assert "0 runs added, 30 known" in run("import", "past.csv").stdout


def test_a_history_is_told_with_its_steps(project):
    """The table, the JSON and the page all have the step of the 19th run."""
    table(project)
    run("import", "past.csv")
    assert "worse\tb\t+50" in run().stdout
    (told,) = json.loads(run("--json").stdout)["series"]
    assert [point["commit"] for point in told["change_points"]] == ["0000012"]
    assert 'class="steps"' in (project / "reports" / "history.html").read_text()


def test_a_refused_file_does_not_keep_others_out(project):
    """What can be read is added; the command still ends as a mistake of the user's."""
    table(project)
    (project / "bad.csv").write_text("who,knows\n1,2\n")
    (project / "k6.json").write_text(files.K6)
    done = run("import", "bad.csv", "past.csv", "k6.json")
    assert "1 of 3 files were refused" in str(done.exception)
    assert {line["source"] for line in store.lines(project / "reports/history.jsonl")[0]} == {
        "table of figures",
        "k6 summary",
    }


def test_a_name_that_fits_no_series_selects_nothing(project):
    """It is not said that the history is empty."""
    table(project)
    run("import", "past.csv")
    done = run("-k", "zzz")
    assert done.return_value == 5
    assert "none of the series" in done.stderr


def test_an_empty_history_selects_nothing(project):
    """Exit 5, and no page of nothing."""
    assert run().return_value == 5
    assert not (project / "reports" / "history.html").exists()


def test_a_label_is_found_by_one_prediction_only():
    """Two labels near one prediction are one hit."""
    assert hits([10, 12], [11], 5) == 1


def test_silence_scores_as_the_paper_says():
    """Precision 1 for the start alone; recall is the mean of 1 and 1/2, so F1 is 6/7."""
    score = by_people([frozenset(), frozenset({30})], [])
    assert (score.precision, score.recall) == (1, 0.75)
    assert score.f1 == pytest.approx(6 / 7)
