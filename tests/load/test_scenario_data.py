"""Tests of scenarios as data."""

import subprocess
import sys
from dataclasses import replace

import pytest

from perf.claim import TargetKind
from perf.load.scenario import (
    Ask,
    Listeners,
    Metric,
    Phase,
    Scenario,
    ScenarioError,
    for_locust,
    hit_rate,
    p95,
    throughput,
)

PHASES = (Phase("early", 2.0, rate=10), Phase("late", 3.0, rate=20, warmup_s=1.0))
SCENARIO = Scenario("people", "People come", PHASES, lambda *_: Ask("page", "/"))


@pytest.mark.parametrize(
    ("duration_s", "rate", "warmup_s"), [(0, 1, 0), (1, 0, 0), (1, 1, 1), (1, 1, -1)]
)
def test_a_phase_that_cannot_be_is_refused(duration_s, rate, warmup_s):
    """A phase needs a duration, a rate, and something left after its warm-up."""
    with pytest.raises(ScenarioError):
        Phase("odd", duration_s, rate, warmup_s=warmup_s)


@pytest.mark.parametrize("phases", [(), (PHASES[0], PHASES[0])])
def test_phases_have_names_of_their_own(phases):
    """A scenario has at least one phase and no two of one name."""
    with pytest.raises(ScenarioError, match="name of its own"):
        replace(SCENARIO, phases=phases)


def test_a_threshold_on_an_unknown_phase_is_refused():
    """A threshold that nothing could ever meet is a mistake of writing."""
    with pytest.raises(ScenarioError, match="'later'"):
        replace(SCENARIO, thresholds=(p95(100, phase="later"),))


@pytest.mark.parametrize(("number", "heartbeat_s"), [(0, 1), (1, 0)])
def test_listeners_need_a_number_and_a_heartbeat(number, heartbeat_s):
    """No listeners are said by None, not by zero."""
    with pytest.raises(ScenarioError):
        Listeners(number, "/ws", heartbeat_s)


def test_the_good_side_of_a_threshold_follows_its_metric():
    """Times are bounded from above; throughput and hit rate from below."""
    sides = [one.kind for one in (p95(1), throughput(1), hit_rate(1))]
    assert sides == [TargetKind.AT_MOST, TargetKind.AT_LEAST, TargetKind.AT_LEAST]


def test_every_percentile_metric_names_its_quantile():
    """What is called p999 is read at 0.999, and a rate is at no quantile."""
    named = {one: one.quantile for one in Metric if one.startswith("p")}
    assert all(float(f"0.{name[1:]}") == quantile for name, quantile in named.items())
    assert Metric.ERROR_RATE.quantile is None


def test_phases_follow_each_other():
    """A phase begins when the one before it ends."""
    assert SCENARIO.starts() == (0.0, 2.0)
    assert SCENARIO.duration_s == 5.0
    assert [one["start_s"] for one in SCENARIO.described()["phases"]] == [0.0, 2.0]


def test_scaling_changes_rates_and_nothing_else():
    """Twice the load lasts as long and asks the same."""
    twice = SCENARIO.scaled(2)
    assert [phase.rate for phase in twice.phases] == [20, 40]
    assert replace(twice, phases=PHASES) == SCENARIO


def test_a_scenarios_file_is_harmless_without_locust():
    """Reading a scenario neither needs Locust nor loads it."""
    code = (
        "import sys; from perf.load import scenario;"
        "made = scenario.Scenario('a', 'b', (scenario.Phase('c', 1, 1),), None);"
        "print(scenario.for_locust(made), 'locust' in sys.modules, 'gevent' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["None", "False", "False"]
    assert for_locust(SCENARIO) is None
