"""The microbenchmarks' figures beside the last run: never more certain than they are."""

import json
import os
import subprocess
import sys

import pytest

from perf import benching
from perf.benching import Figure, Move
from perf.history import figures as history
from perf.history import intake, series, store
from perf.history.importers.bench_run import NAME

BENCHMARKS = """
def test_sum(benchmark):
    benchmark(sum, range(100))

def test_broken(benchmark):
    raise RuntimeError
"""


RUN = {"run": "r", "started": "2026-01-01T00:00:00Z", "commit": "c", "dirty": False, "machine": "m"}


def figure(seconds, name="a", spread=0.0):
    return Figure(name, seconds, seconds * (1 - spread), seconds * (1 + spread), 10)


def line(seconds, *, name="a", spread=0.0, source=NAME):
    """Return a kept run with one figure."""
    now = figure(seconds, name, spread)
    kept = history.Figure(name, "median", seconds, "s", history.Better.LESS, now.low, now.high)
    run = history.Run(source, (kept,), RUN["started"], RUN["commit"], machine=RUN["machine"])
    return history.to_line(run, "bench.json", history.OWN)


def compared(seconds, past, spread=0.0):
    (found,) = benching.compare([figure(seconds, spread=spread)], series.collect(past))
    return found


def keep(path, seconds, **run):
    """Keep a run as the command does."""
    compared = benching.compare([figure(seconds)], ())
    intake.keep(path, "bench.json", benching.to_json(compared, {**RUN, **run}), pytest.fail)


@pytest.mark.parametrize(
    ("seconds", "move"),
    [
        (1.0, Move.SAME),
        (1.19, Move.SAME),
        (1.3, Move.SLOWER),
        (0.81, Move.SAME),
        (0.7, Move.FASTER),
    ],
)
def test_what_moved_less_than_runs_drift_is_the_same(seconds, move):
    """Two runs of one thing at different times differ by so much."""
    assert compared(seconds, [line(1.0)]).move is move


def test_a_wide_interval_is_no_move():
    """Though the medians are far apart, both runs may have seen the same."""
    assert compared(1.5, [line(1.0, spread=0.2)], spread=0.2).move is Move.SAME


def test_a_new_benchmark_has_no_change():
    """None is not zero."""
    found = compared(1.0, [line(1.0, name="b")])
    assert (found.move, found.change) == (Move.NEW, None)


def test_the_newest_run_that_has_it_is_compared_with():
    """A run of a few benchmarks in between hides nothing."""
    past = [line(1.0), line(2.0), line(9.0, name="b")]
    assert compared(2.0, past).change == 0.0


def test_only_runs_on_such_a_machine_are_compared(tmp_path):
    """And no other tool's, though it lies in the same file."""
    path = tmp_path / "history.jsonl"
    keep(path, 1.0)
    keep(path, 2.0, run="other", machine="other")
    store.extend(path, lambda _: [line(3.0, source="pytest-benchmark")])
    (found,), unreadable = benching.past_of(path, "m")
    assert found.values == (1.0,)
    assert unreadable == 0


def test_what_is_kept_is_what_was_measured(tmp_path):
    """The next run reads what this one wrote."""
    path = tmp_path / "history.jsonl"
    compared = benching.compare([Figure("a", 2.0, 1.0, 3.0, 5)], ())
    intake.keep(path, "bench.json", benching.to_json(compared, RUN), pytest.fail)
    (found,), _ = benching.past_of(path, "m")
    (point,) = found.points
    assert (point.value, point.low, point.high, point.commit) == (2.0, 1.0, 3.0, "c")


def test_a_run_is_kept_once(tmp_path):
    """Its file, imported later, is the run that is there already."""
    path = tmp_path / "history.jsonl"
    keep(path, 1.0)
    keep(path, 1.0)
    assert len(store.lines(path)[0]) == 1


def test_the_interval_is_within_the_samples():
    """Few rounds give a wide interval, and never an infinite one in a table."""
    raw = {"benchmarks": [{"fullname": "a", "stats": {"data": [3.0, 1.0, 2.0], "rounds": 3}}]}
    assert benching.read(raw) == [Figure("a", 2.0, 1.0, 3.0, 3)]


@pytest.mark.parametrize(
    "raw",
    [
        {},
        {"benchmarks": [{}]},
        {"benchmarks": [{"fullname": "a", "stats": {"data": [], "rounds": 0}}]},
    ],
)
def test_figures_of_another_form_are_refused(raw):
    """A new version of the plugin must not become empty tables."""
    with pytest.raises(benching.BenchmarkError):
        benching.read(raw)


def test_the_table_calls_itself_a_hint():
    """Nobody should take a stored run for a proof."""
    text = benching.table([compared(2.0, [line(1.0)])])
    assert "slower?" in text
    assert "no verdict" in text


def ava_perf(project, *arguments):
    return subprocess.run(
        [sys.executable, "-P", "-m", "perf.cli", "bench", *arguments],
        cwd=project,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def project(tmp_path):
    """Return a project whose benchmarks are one good and one broken, in a folder of its own."""
    (tmp_path / "pyproject.toml").write_text('[tool.ava-perf.bench]\nfolder = "speed"\n')
    (tmp_path / "speed").mkdir()
    (tmp_path / "speed/test_speed.py").write_text(BENCHMARKS)
    return tmp_path


def test_a_users_benchmarks_run_and_are_compared(project):
    """The second run stands beside the first; stdout is data alone."""
    short = ("-k", "sum", "--benchmark-max-time=0.01")
    assert ava_perf(project, *short).returncode == 0
    done = ava_perf(project, *short, "--json", "-")
    (found,) = json.loads(done.stdout)["benchmarks"]
    assert found["id"].endswith("test_speed.py::test_sum")
    assert found["change"] is not None


def test_a_broken_benchmark_is_not_measured(project):
    """What could be measured is shown; the exit code tells that something is missing."""
    done = ava_perf(project, "--benchmark-max-time=0.01")
    assert done.returncode == 3
    assert "test_sum" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code"), [(("-k", "nothing"), 5), (("--folder", "absent"), 2), (("--nope",), 2)]
)
def test_what_measures_nothing_says_so(project, arguments, code):
    """Nothing selected, nothing there, nothing understood."""
    assert ava_perf(project, *arguments).returncode == code
