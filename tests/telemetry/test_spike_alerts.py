"""Who is told of a spike, and how many series there may be."""

import logging

from ava.clock import ManualClock
from ava.telemetry.alerts import RULES, STATEMENT, Spikes
from ava.telemetry.spikes import Turn


def slow(spikes, name="dashboard", *, usual=100, after=30):
    """Let a statement be as usual, and then ten times as slow."""
    for n in range(usual + after):
        spikes.observe(STATEMENT, name, 0.01 if n < usual else 0.1)


def test_a_spike_is_active_until_it_is_over():
    """Health shows what is slow now, and how slow."""
    spikes = Spikes(ManualClock())
    slow(spikes)
    [spike] = spikes.active()
    assert (spike.kind, spike.name) == ("statement", "dashboard")
    assert 0.009 < spike.usual_s < 0.011
    assert spike.recent_s > 0.05
    slow(spikes)
    assert spikes.active() == []


def test_listeners_are_told_of_both_ends():
    """The one who shows it refreshes at the start and at the end."""
    told = []
    spikes = Spikes(ManualClock())
    spikes.listeners.append(lambda spike, turn: told.append((spike.name, turn)))
    slow(spikes)
    slow(spikes, after=0)
    assert told == [("dashboard", Turn.STARTED), ("dashboard", Turn.ENDED)]


def test_the_log_says_what_is_slow(caplog):
    """A warning with both durations, as values too."""
    with caplog.at_level(logging.INFO, logger="ava.telemetry.alerts"):
        slow(Spikes(ManualClock()))
    [record] = caplog.records
    assert record.levelno == logging.WARNING
    assert "statement dashboard" in record.getMessage()
    assert record.series == "dashboard"
    assert record.usual_s < record.recent_s


def test_spikes_are_counted_by_series():
    """A metric of those that ever started."""
    spikes = Spikes(ManualClock())
    slow(spikes)
    slow(spikes, "alerts")
    assert spikes.started == {("statement", "dashboard"): 1, ("statement", "alerts"): 1}


def test_series_are_bounded():
    """Beyond the bound nothing is watched, and that is counted."""
    spikes = Spikes(ManualClock(), most=2)
    for name in ("a", "b", "c", "c"):
        spikes.observe(STATEMENT, name, 0.01)
    assert spikes.unwatched == 2
    slow(spikes, "c")
    assert spikes.active() == []


def test_every_kind_has_a_floor():
    """What nobody notices wakes nobody."""
    assert all(rule.floor_s > 0 for rule in RULES.values())
