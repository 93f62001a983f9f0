"""The history file and what a run is compared with."""

import pytest

from perf import history


def results(run_id, estimate=2.0, verdict="met", interval=(1.9, 2.1), selection=None):
    """Return a results document of one claim."""
    return {
        "run": {
            "id": run_id,
            "started": "2026-11-21T05:00:00Z",
            "profile": "quick",
            "commit": "abc",
            "selection": selection,
        },
        "environment": {"machine": "2-core-x", "noise": 0.01},
        "results": [
            {
                "id": "D1.a",
                "verdict": verdict,
                "estimate": estimate,
                "interval": list(interval),
                "target": {"kind": "at_least", "bound": 1, "unit": "x"},
            }
        ],
    }


def test_runs_are_read_back_in_order(tmp_path):
    """Oldest first."""
    path = tmp_path / "reports" / "history.jsonl"
    for name in ("one", "two"):
        history.append(path, results(name))
    assert [run["run"] for run in history.read(path).runs] == ["one", "two"]


def test_a_torn_line_is_counted_and_left_out(tmp_path):
    """Half a line is not a run, and the next run does not join it."""
    path = tmp_path / "history.jsonl"
    history.append(path, results("one"))
    with path.open("a") as file:
        file.write('{"run": "tw')
    history.append(path, results("three"))
    past = history.read(path)
    assert [run["run"] for run in past.runs] == ["one", "three"]
    assert past.unreadable == 1


def test_other_machines_and_profiles_are_not_compared(tmp_path):
    """Figures of another class of machine say nothing about this one."""
    path = tmp_path / "history.jsonl"
    history.append(path, results("one"))
    past = history.read(path)
    assert len(past.like("2-core-x", "quick")) == 1
    assert not past.like("8-core-y", "quick")
    assert not past.like("2-core-x", "full")


def test_the_change_joins_the_far_ends_of_both_intervals():
    """From [1.9, 2.1] to [3.8, 4.2] is between 3.8/2.1 - 1 and 4.2/1.9 - 1."""
    baseline = {"estimate": 2.0, "interval": [1.9, 2.1]}
    found = history.change(baseline, {"estimate": 4.0, "interval": [3.8, 4.2]})
    assert found["relative"] == pytest.approx(1)
    assert found["interval"] == [pytest.approx(3.8 / 2.1 - 1), pytest.approx(4.2 / 1.9 - 1)]


@pytest.mark.parametrize("interval", [None, [None, 2.0], [float("inf"), 2.0], [0.0, 2.0]])
def test_no_change_is_stated_without_two_whole_intervals(interval):
    """An open or missing interval gives no change rather than a guess."""
    now = {"estimate": 4.0, "interval": [3.8, 4.2]}
    assert history.change({"estimate": 2.0, "interval": interval}, now) is None


def test_a_loosened_target_is_listed():
    """Nobody moves a bound in silence."""
    then = history.record(results("one"))
    now = results("two")["results"]
    now[0]["target"] = {"kind": "at_least", "bound": 0.5, "unit": "x"}
    assert [item["id"] for item in history.targets_changed(then, now)] == ["D1.a"]
