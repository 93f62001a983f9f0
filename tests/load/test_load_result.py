"""A load run is kept whole, judged again from disk, and shown from its results alone."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from load_samples import recording, result, server

from perf.instruments.bench import Bench
from perf.instruments.load import Loaded, measure, save
from perf.load import judged
from perf.load.capacity import Found, Outcome, Trial
from perf.load.curves import curves
from perf.load.result import Result, ResultError, load
from perf.load.scenario import error_rate, hit_rate, memory, p95, p99, throughput
from perf.load.searching import Capacity
from perf.report import build
from perf.report.html import render_html
from perf.report.text import render_markdown
from perf.sample import Kind

BOUNDS = (
    p95(100),
    p99(100, phase="steady"),
    error_rate(1),
    throughput(50),
    hit_rate(85),
    memory(300),
)
RUN = {"id": "x", "started": "2026-01-02T03:04:05Z", "profile": "load", "selection": None,
       "command": "ava-perf load sample", "planned": len(BOUNDS)}  # fmt: skip


def sample_run(**changes):
    """Return a run with every sort of threshold."""
    changes.setdefault("server", server(1000, 900, 100))
    return result(thresholds=BOUNDS, **changes)


def written(folder, run, more=None):
    """Write a run's report and return its document."""
    entries = judged.judge(run)
    whole = judged.document(run, entries, RUN, {"machine": "test", "noise": None})
    whole["load"].update(more or {})
    judged.write(folder, run, entries, whole)
    return whole


def test_a_result_survives_its_file(tmp_path):
    """What was recorded, read and told is read back as it was written."""
    run = sample_run(broken=(BOUNDS[0],), stopped=True)
    save(run, tmp_path / "load.json")
    assert load(tmp_path) == run


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": 2, "kind": "load"}',
                                  '{"schema": 1, "kind": "load"}'])  # fmt: skip
def test_another_file_is_the_users_mistake(tmp_path, text):
    """A file that is no result is refused with its name."""
    path = tmp_path / "other.json"
    path.write_text(text)
    with pytest.raises(ResultError, match=r"other\.json"):
        load(path)


def test_a_saved_run_is_judged_again_alike(tmp_path):
    """`ava-perf check` comes to the same verdicts from the saved measurements."""
    whole = written(tmp_path / "out", sample_run())
    again = build.rejudge(tmp_path / "out", build.load(tmp_path / "out"))
    assert [(one["verdict"], one["estimate"]) for one in again] == [
        (one["verdict"], one["estimate"]) for one in whole["results"]
    ]
    assert {one["verdict"] for one in again} == {"met"}


def test_the_report_stands_beside_its_run(tmp_path):
    """A report's folder holds the page, the text, JUnit, the results and the run itself."""
    written(tmp_path / "out", sample_run())
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {
        "index.html", "report.md", "junit.xml", "results.json", "load.json", "measurements",
    }  # fmt: skip


def test_the_page_shows_the_curves(tmp_path):
    """Distribution, timeline, rates and memory are drawn, and each request has its row."""
    page = render_html(written(tmp_path / "out", sample_run()))
    for title in ("Latency distribution", "Response times over the run", "Offered and achieved",
                  "Resident memory of the server", "What the server told, by phase"):  # fmt: skip
        assert title in page
    assert len(re.findall(r'class="?chart\b', page)) >= 4


def test_an_invalid_run_says_so_on_the_page(tmp_path):
    """The reasons stand above the figures, in the page and in the text."""
    whole = written(tmp_path / "out", sample_run(server=server(990, 900, 100)))
    assert whole["load"]["valid"] is False
    for text in (render_html(whole), render_markdown(whole)):
        assert "Invalid run" in text
        assert "the server counted 990 requests" in text


def test_capacity_and_comparison_are_shown(tmp_path):
    """What was searched and compared has a table each."""
    run = sample_run()
    found = Found(100.0, 110.0, sure=True, why="found")
    capacity = Capacity(
        found, (Trial(100.0, Outcome.MET),), "the event loop (95% of its limit)", run
    )
    more = judged.further(run, capacity, run)
    page = render_html(written(tmp_path / "out", run, more.data))
    assert "the event loop (95% of its limit)" in page
    assert "Compared with the earlier run" in page
    assert more.lines[0].startswith("capacity: 100 req/s met, 110 req/s not met")


BROKEN = [
    None,
    [],
    "x",
    {"timeline": [None, {"t_s": "<marquee>"}], "scenario": {"title": "<marquee>"}},
    {"distribution": [{"points": [[1], "x"]}], "memory": [], "capacity": [], "compared": 1},
]


@pytest.mark.parametrize("broken", BROKEN)
def test_a_page_is_made_of_whatever_load_there_is(tmp_path, broken):
    """What another version wrote cannot break the page, nor get markup into it."""
    whole = written(tmp_path / "out", sample_run())
    assert "<marquee>" not in render_html({**whole, "load": broken})


def test_the_curves_are_json():
    """Nothing in them is infinite or of a type that JSON has not."""
    json.dumps(curves(sample_run()), allow_nan=False)


def test_a_claim_reads_one_figure_of_a_run(tmp_path):
    """A run that a preparation saved is measured by each claim's own threshold."""
    path = save(sample_run(), tmp_path / "run.json")["result"]
    times = Loaded(path=tmp_path / "run.json", threshold=p95(100)).measure(Bench())
    share = Loaded(path=tmp_path / "run.json", threshold=hit_rate(85)).measure(Bench())
    assert path == str(tmp_path / "run.json")
    assert (times.kind, share.kind) == (Kind.DISTRIBUTION, Kind.SHARE)
    assert times.facts["counted_by_server"] == 1000


def test_a_claims_evidence_can_be_drawn(tmp_path):
    """With its curves a claim's page shows them, and does not print them as text."""
    run = sample_run()
    [first, *_] = judged.judge(run)
    shown = replace(first.measured, measurement=measure(run, p95(100), shown=True))
    plain = build.results(RUN, {"noise": None}, [replace(first, measured=shown)], build.Baseline())
    page = render_html(plain)
    assert "Latency distribution" in page
    assert "calibrations" not in page


def test_a_claim_on_an_invalid_run_is_a_failure(tmp_path):
    """A generator's fault never becomes a figure of the service."""
    save(sample_run(server=server(10)), tmp_path / "run.json")
    found = Loaded(path=tmp_path / "run.json", threshold=p95(100)).measure(Bench())
    assert found.kind is Kind.FAILURE
    assert "the run is invalid" in found.error


def test_a_claim_minds_only_its_own_samples(tmp_path):
    """Too few samples for a threshold of the scenario's do not spoil another figure."""
    run = result([5.0] * 60, thresholds=[p99(100)], server=server(60))
    assert any("too few" in reason for reason in run.reasons())
    save(run, tmp_path / "run.json")
    assert Loaded(tmp_path / "run.json", error_rate(0)).measure(Bench()).kind is Kind.SHARE


def test_warm_up_is_not_judged():
    """What is due before the warm-up is over has no part in a threshold."""
    made = recording([5.0] * 1000)
    [key] = made.series
    made.series[replace(key, warmup=True)] = recording([900.0] * 1000).series[key]
    run = sample_run(recording=made, server=server(2000, 900, 100))
    assert judged.judge(run)[0].judgement.estimate == pytest.approx(5, rel=0.01)


def test_the_servers_count_is_from_before_to_after():
    """What the server had counted before the run is not the run's."""
    assert Result.counted.fget(sample_run()) == 1000
    assert sample_run(server=()).counted is None
