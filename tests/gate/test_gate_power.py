"""The experiment on the gate: its trials, what it keeps, and what it concludes."""

import runpy
from collections import Counter

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from perf.experiments.gate_power import __main__ as experiment
from perf.experiments.gate_power.run import SUITE, Record
from perf.experiments.gate_power.summary import Rate, lines, markdown
from perf.experiments.gate_power.trials import BENCHMARKS, BESIDE, EFFECTS, Kind, is_of, planned


def row(kind="aa", effect=0, benchmark=None, *, flagged=(), change=0.0, code=0):
    """Return a trial's figures, as the experiment keeps them."""
    names = [f"t.py::test_pure[{name}]" for name in BENCHMARKS]
    return {
        "trial": f"{kind}-{effect}",
        "kind": kind,
        "effect": effect,
        "benchmark": benchmark,
        "gate": {
            "exit": code,
            "seconds": 12.0,
            "benchmarks": [
                {
                    "id": name,
                    "verdict": "slower" if any(is_of(f, name) for f in flagged) else "same",
                    "change": change,
                }
                for name in names
            ],
        },
        "peer": {"seconds": [4.0, 4.0], "min": {name: [1.0, 1.0] for name in names}},
    }


def shown(rows, name):
    return next(line.gate for line in lines(rows) if line.name.startswith(name))


def test_each_effect_meets_each_benchmark_equally_often():
    """Forty samples are five of each of eight."""
    trials = planned(0, 0, 40)
    counts = Counter((trial.effect, trial.benchmark) for trial in trials)
    assert set(counts.values()) == {5}
    assert len(counts) == len(EFFECTS) * len(BENCHMARKS)


def test_a_run_that_is_stopped_has_its_share_of_each_kind():
    """Half of all trials are half of each kind, however many there are of it."""
    half = Counter((t.kind, t.effect) for t in planned(100, 50, 40)[:155])
    assert half == {("aa", 0): 50, ("loaded", 0): 25, **{("slow", e): 20 for e in EFFECTS}}


def test_pytest_benchmark_runs_in_the_first_trials_of_each_kind():
    """In as many of each."""
    beside = Counter((t.kind, t.effect) for t in planned(100, 50, 40) if t.beside)
    assert set(beside.values()) == {BESIDE}


def test_a_longer_plan_has_the_shorter_s_trials():
    """A run may be resumed with more."""
    few, many = ({t.key: t for t in planned(*n)} for n in ((3, 2, 4), (9, 9, 9)))
    assert few.items() <= many.items()


def test_the_knob_is_the_trial_s_effect():
    """Five units more than the hundred, in one workload."""
    trial = next(t for t in planned(0, 0, 1) if t.effect == 5)
    assert trial.extra == {trial.benchmark: 5}
    assert all(not t.extra for t in planned(2, 2, 0))


def test_wilson_s_interval_is_the_published_one():
    """Two of twenty is [0.028, 0.301] (Newcombe 1998, table I has such cases)."""
    assert Rate(2, 20).interval() == pytest.approx((0.028, 0.301), abs=0.001)


@given(of=st.integers(1, 500), data=st.data())
def test_a_rate_lies_in_its_interval(of, data):
    """At the ends too."""
    rate = Rate(data.draw(st.integers(0, of)), of)
    low, high = rate.interval()
    assert 0.0 <= low <= rate.share + 1e-12
    assert rate.share - 1e-12 <= high <= 1.0


def test_what_was_not_run_is_no_rate():
    """An empty experiment meets no target."""
    assert {line.gate for line in lines([])} == {"not run"}


def test_a_false_alarm_is_counted_by_suite():
    """Two flagged benchmarks in one of two suites are one alarm."""
    rows = [row(), row(flagged=("lru", "regex"), code=1)]
    assert shown(rows, "aa: suites with a false alarm").startswith("50.0%")


def test_found_means_named_and_failed():
    """Another benchmark's alarm is no find, and a verdict without the exit code neither."""
    slow = {"kind": "slow", "effect": 5, "benchmark": "lru"}
    rows = [
        row(**slow, flagged=("lru",), code=1),
        row(**slow, flagged=("regex",), code=1),
        row(**slow, flagged=("lru",), code=0),
    ]
    assert "(1/3)" in shown(rows, "5 % slower: found")
    assert "(1/3)" in shown(rows, "5 % slower: suites with another")


def test_the_size_is_right_within_a_point_and_a_half():
    """6.4 % for 5 % is, 6.6 % is not."""
    slow = {"kind": "slow", "effect": 5, "benchmark": "lru"}
    rows = [row(**slow, change=0.064), row(**slow, change=0.066)]
    assert "(1/2)" in shown(rows, "5 % slower: size")


def test_cost_is_counted_in_runs_of_the_suite():
    """Twelve seconds beside runs of four are three."""
    assert shown([row()], "aa: cost").startswith("3.00")


def test_a_trial_without_pytest_benchmark_counts_for_the_gate_alone():
    """It has no cost, and is none of those that the other could have found."""
    rows = [row(), {**row(flagged=("lru",), code=1), "peer": None}]
    line = next(line for line in lines(rows) if line.name.startswith("aa: suites with a false"))
    assert "(1/2)" in line.gate
    assert "(0/1)" in line.peer
    assert shown(rows, "aa: cost").startswith("3.00")


def test_trials_are_kept_as_they_end_and_a_torn_line_is_none(tmp_path):
    """A killed run leaves half a line; the next one goes on behind it."""
    experiment.keep(tmp_path, Record(row(), [1.0]))
    with (tmp_path / "trials.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"trial": "aa-0')
    assert len(experiment.rows(tmp_path)) == 1
    experiment.keep(tmp_path, Record(row(effect=3, kind="slow", benchmark="lru"), []))
    assert [kept["effect"] for kept in experiment.rows(tmp_path)] == [0, 3]


def test_a_folder_with_trials_is_not_added_to_unasked(tmp_path):
    """Results of two machines must not be mixed by accident."""
    experiment.keep(tmp_path, Record(row(), []))
    ended = CliRunner().invoke(experiment.main, ["run", "--out", str(tmp_path)])
    assert ended.exit_code == 2
    assert "--resume" in ended.output


def test_the_result_is_shown_without_measuring(tmp_path):
    """The table is written beside the trials."""
    experiment.keep(tmp_path, Record(row(), []))
    ended = CliRunner().invoke(experiment.main, ["show", "--out", str(tmp_path)])
    assert ended.output == (tmp_path / "result.md").read_text(encoding="utf-8")
    assert ended.output == markdown([row()])


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_workload_does_a_hundred_units_and_the_knob_s(name):
    """It is made of the knob's own constant, and a call gives the same each time."""
    from perf.experiments.gate_power.suite import workloads  # noqa: PLC0415 - the suite under test

    assert workloads.units(name) == workloads.UNITS == 100
    made = getattr(workloads, name)()
    run, close = made if isinstance(made, tuple) else (made, lambda: None)
    try:
        assert run() == run()
    finally:
        close()


def test_the_knob_is_one_line_of_source():
    """The experiment writes that line anew in the head's copy."""
    source = (SUITE / "knob.py").read_text(encoding="utf-8")
    assert sum(line.startswith("EXTRA") for line in source.splitlines()) == 1
    assert runpy.run_path(str(SUITE / "knob.py"))["EXTRA"] == {}
    assert set(Kind) == {"aa", "loaded", "slow"}
