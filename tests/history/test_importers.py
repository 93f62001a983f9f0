"""Importers: each format is read, told from the others, and nothing in it is lost in silence."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import importer_files as files
import pytest

from perf.history import importers
from perf.history.document import NotReadableError, open_document
from perf.history.figures import UNKNOWN_MACHINE, Better
from perf.load.recording import Key, Recording

DATA = Path(os.environ.get("AVA_PERF_DATA", Path(__file__).parents[3] / "shared" / "data"))
needs_data = pytest.mark.skipif(
    not (DATA / "loadtest").is_dir(),
    reason="the folder of real data is not here; AVA_PERF_DATA names it",
)

FORMATS = [
    ("pytest-benchmark", "a.json", files.PYTEST_BENCHMARK, 2, 1),
    ("pyperf", "a.json", files.PYPERF, 2, 1),
    ("bench", "a.json", files.BENCH, 2, 1),
    ("gate", "a.json", files.GATE, 4, 3),
    ("hyperfine", "a.json", files.HYPERFINE, 3, 1),
    ("k6 summary", "a.json", files.K6, 7, 2),
    ("k6 summary", "old.json", files.K6_EXPORT, 1, 0),
    ("github-action-benchmark", "data.js", files.ACTION_PAGE, 2, 1),
    ("github-action-benchmark", "a.json", files.ACTION_LIST, 1, 0),
    ("Locust tables", "a_stats.csv", files.LOCUST_STATS, 3, 1),
    ("Locust tables", "a_failures.csv", files.LOCUST_FAILURES, 1, 0),
    ("Locust tables", "a_exceptions.csv", files.LOCUST_EXCEPTIONS, 0, 0),
    ("Locust history", "a_stats_history.csv", files.LOCUST_HISTORY, 3, 1),
    ("Locust JSON", "a.json", files.LOCUST_JSON, 2, 1),
    ("table of figures", "a.csv", files.TABLE, 2, 1),
    ("table of figures", "numbers.csv", files.NUMBERED, 3, 0),
]


def opened(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return open_document(path)


def read(tmp_path, name, text):
    return importers.read(opened(tmp_path, name, text))


def figures(found):
    return {(f.name, f.metric): f for run in found.runs for f in run.figures}


@pytest.mark.parametrize("case", FORMATS)
def test_every_row_is_kept_or_skipped_with_its_reason(tmp_path, case):
    """The format is told by what the file holds, and its rows add up."""
    kind, name, text, rows, skipped = case
    found = read(tmp_path, name, text)
    assert (found.format, found.rows, len(found.skipped)) == (kind, rows, skipped)
    assert all(one.where and one.reason for one in found.skipped)
    assert found.figures >= rows - skipped or kind == "Locust history"


@pytest.mark.parametrize("case", FORMATS)
def test_one_importer_reads_a_file(tmp_path, case):
    """Formats exclude each other, so the order of importers does not matter."""
    kind, name, text, *_ = case
    document = opened(tmp_path, name, text)
    assert [one.NAME for one in importers.importers() if one.reads(document)] == [kind]


def test_a_saved_run_of_pytest_benchmark_keeps_commit_time_and_spread(tmp_path):
    """The median stands with its quartiles; the machine's name is not readable."""
    (run,) = read(tmp_path, "a.json", files.PYTEST_BENCHMARK).runs
    (figure,) = run.figures
    assert (run.commit, run.started, run.dirty) == ("abc123", "2026-01-02T03:04:05Z", False)
    assert (figure.value, figure.low, figure.high) == (2e-6, 1e-6, 3e-6)
    assert "secret-host" not in run.machine != UNKNOWN_MACHINE


def test_values_of_all_processes_of_pyperf_are_one_sample(tmp_path):
    """The median of 0.1, 0.2 and 0.3 from two processes is 0.2."""
    assert figures(read(tmp_path, "a.json", files.PYPERF))["sort", "median"].value == 0.2


def test_a_comparison_is_two_runs_of_two_commits(tmp_path):
    """Base costs 10 s a call and head 20 % more."""
    base, head = read(tmp_path, "a.json", files.GATE).runs
    assert (base.commit, base.dirty) == ("aaaaaaaaaa", False)
    assert (head.commit, head.dirty) == ("bbbbbbbbbb", True)
    assert [(one.metric, one.value) for one in base.figures] == [("base", 10)]
    assert [(one.metric, one.value, one.low, one.high) for one in head.figures] == [
        ("head", 12, None, None),
        ("change", 20, 10, None),
    ]
    assert head.verdicts["t.py::a"] == "slower"


def test_what_was_not_compared_is_skipped_with_the_gates_reason(tmp_path):
    """New, broken, or from nothing to something, which no share can tell."""
    assert [one.reason for one in read(tmp_path, "a.json", files.GATE).skipped] == [
        "it cost nothing at base, so its change has no size",
        "is new in head",
        "it raises",
    ]


def test_a_compared_count_is_not_the_series_of_a_time(tmp_path):
    """Bytes are named by their metric; seconds are what is meant without a word."""
    text = files.GATE.replace('"wall"', '"memory"')
    found = figures(read(tmp_path, "a.json", text))
    assert found["t.py::a", "memory head"].unit == "B"


def test_folders_have_no_commit(tmp_path):
    """A name like another's commit would put a step where it was not."""
    text = files.GATE.replace("HEAD~1 (aaaaaaaaaa)", "folders/base")
    base, _ = read(tmp_path, "a.json", text).runs
    assert (base.commit, base.dirty) == ("", None)


def test_a_command_that_failed_is_no_figure(tmp_path):
    """How fast something fails says nothing of how fast it is."""
    found = read(tmp_path, "a.json", files.HYPERFINE)
    assert found.skipped[0].reason == "it ended with code 1"
    assert [name for name, _ in figures(found)] == ["run --token=***", "summary only [n=3]"]


def test_what_is_better_follows_from_k6s_own_metrics(tmp_path):
    """Times and failures should fall, requests rise; of users nothing is known."""
    found = figures(read(tmp_path, "a.json", files.K6))
    assert found["http_req_duration", "p(95)"].better is Better.LESS
    assert found["http_req_failed", "rate"].value == 25
    assert found["http_reqs", "rate"].better is Better.MORE
    assert found["vus", "max"].better is Better.UNKNOWN
    assert found["check ::ok", "passed"].value == 75


def test_the_older_export_of_k6_has_times_too(tmp_path):
    """Without "contains", the metric's own name says that it is a time."""
    found = figures(read(tmp_path, "a.json", files.K6_EXPORT))
    assert found["http_req_duration", "med"].unit == "ms"


def test_a_pages_data_are_a_run_a_commit(tmp_path):
    """Date, commit and the spread of "+- 10" are read out of the script."""
    found = read(tmp_path, "data.js", files.ACTION_PAGE)
    (run,) = found.runs
    (figure,) = run.figures
    assert (run.commit, run.started) == ("aaa", "2026-01-01T00:00:00Z")
    assert (figure.name, figure.low, figure.high) == ("suite/b", 90, 110)
    assert found.skipped[0].where == "suite/c"


def test_locusts_failures_are_a_share_of_requests(tmp_path):
    """Fifty of two hundred are 25 %."""
    found = figures(read(tmp_path, "a.csv", files.LOCUST_STATS))
    assert found["GET /a", "failed"].value == 25
    assert found["Aggregated", "95%"].value == 90


def test_secrets_in_errors_are_not_kept(tmp_path):
    """An error's text may hold the key that the request had."""
    assert "hunter2" not in str(read(tmp_path, "a.csv", files.LOCUST_FAILURES))


def test_a_table_of_no_exceptions_says_so(tmp_path):
    """A head without rows is read: nothing happened."""
    found = read(tmp_path, "a.csv", files.LOCUST_EXCEPTIONS)
    assert found.runs == ()
    assert "nothing happened" in found.notes[1]


def test_seconds_of_a_locust_run_become_their_median(tmp_path):
    """Two seconds with traffic, of 10 and 30 requests, are 20; the run is dated by its first."""
    found = read(tmp_path, "a.csv", files.LOCUST_HISTORY)
    assert figures(found)["Aggregated", "Requests/s"].value == 20
    assert found.runs[0].started == "2026-01-01T00:00:00Z"


def test_percentiles_of_locusts_json_are_read_from_its_counts(tmp_path):
    """Three of four took 10 ms, so the median is 10 and the 95th percentile is the fourth's."""
    found = figures(read(tmp_path, "a.json", files.LOCUST_JSON))
    assert (found["GET /a", "50%"].value, found["GET /a", "95%"].value) == (10, 200)


def test_equal_figures_in_a_numbered_table_are_different_runs(tmp_path):
    """Two runs of 5 are two points of the series, not one that was seen twice."""
    runs = read(tmp_path, "numbers.csv", files.NUMBERED).runs
    assert len({run.id for run in runs}) == 3
    assert [run.figures[0].name for run in runs] == ["numbers"] * 3


def load_run(*, valid):
    recording = Recording()
    for turn in range(100):
        recording.schedule(Key("steady", "list"), turn / 10)
        recording.finish(Key("steady", "list"), turn / 10, turn / 10, turn / 10 + 0.02)
    recording.finish(Key("steady", "list", warmup=True), 0, 0, 9)
    return files.json.dumps(
        {
            "schema": 1,
            "kind": "load",
            "scenario": {"name": "browse"},
            "recordings": recording.to_json(),
            "validity": {"valid": valid, "reasons": [] if valid else ["the generator lagged"]},
        }
    )


def test_a_load_run_is_read_from_its_histograms(tmp_path):
    """A hundred answers of 20 ms have that median; the warm-up is skipped by name."""
    found = read(tmp_path, "load.json", load_run(valid=True))
    assert figures(found)["browse/steady/list", "p50"].value == pytest.approx(20, rel=1e-3)
    assert [one.reason for one in found.skipped] == ["it is the warm-up's"]


def test_a_load_run_that_is_not_valid_is_refused(tmp_path):
    """What the generator could not make honestly is no history."""
    with pytest.raises(NotReadableError, match="the generator lagged"):
        read(tmp_path, "load.json", load_run(valid=False))


def test_a_packed_file_is_unpacked(tmp_path):
    """Histories are often kept so, and the name of the series is without both endings."""
    path = tmp_path / "numbers.csv.gz"
    path.write_bytes(gzip.compress(files.NUMBERED.encode()))
    assert importers.read(open_document(path)).runs[0].figures[0].name == "numbers"


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.json", b"", "is empty"),
        ("a.json", b"{", "is no JSON"),
        ("a.json", b'{"a": 1}', "no known format"),
        ("a.json", b"\xff\xfe\x00", "is not text"),
        ("a.csv", b"a,b\n1\n", "row 1: 1 values for 2 columns"),
        ("a.csv", b"a,a\n1,2\n", "names a column twice"),
        ("a.csv.gz", b"\x1f\x8bxx", "is not whole"),
        ("a.json", b'{"benchmarks": [3], "machine_info": {}}', "looks like pytest-benchmark"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_reason(tmp_path, name, data, reason):
    """A file is read or refused; there is nothing between."""
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(NotReadableError, match=reason):
        importers.read(open_document(path))


def test_a_file_that_is_not_there_is_refused(tmp_path):
    """The reason is the system's."""
    with pytest.raises(NotReadableError, match="No such file"):
        open_document(tmp_path / "none.json")


@needs_data
@pytest.mark.parametrize("pattern", ["*.csv", "*.json", "pytest_benchmark/*.json"])
def test_every_real_file_is_read(pattern):
    """Each real result of a load test or benchmark is read whole: rows are kept or skipped."""
    paths = sorted((DATA / "loadtest").glob(pattern))
    assert paths
    for path in paths:
        found = importers.read(open_document(path))
        assert found.figures >= len(found.runs)
        assert found.rows == 0 or found.runs


@needs_data
def test_a_real_history_of_440_runs_is_read_whole():
    """All 7,603 figures of hyper's history are kept."""
    path = DATA / "bench_history" / "hyper_bench_history.csv.gz"
    found = importers.read(open_document(path))
    assert (found.rows, found.figures, found.skipped) == (7603, 7603, ())
