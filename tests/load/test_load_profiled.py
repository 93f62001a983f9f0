"""A service's processes are sampled in the busiest phase, and the run ends when that is seen."""

from contextlib import suppress
from pathlib import Path

import pytest

from perf.lab import Unavailable
from perf.load import profiled
from perf.load.profiled import Watcher, busiest
from perf.load.protocol import PhaseEdge, Progress, Ready

SCENARIO = {"phases": [{"name": "calm", "rate": 5.0}, {"name": "rush", "rate": 90.0}]}
RUSH = [Ready(SCENARIO), PhaseEdge("calm", "begin", 0.0), PhaseEdge("rush", "begin", 10.0)]


def progress(at_s):
    return Progress(at_s, scheduled=0, sent=0, finished=0, errors=0, dropped=0)


class Sampler:
    """Stands in for py-spy; a process of pid 0 may not be looked into."""

    def __init__(self, pid, out):
        self.pid, self.out = pid, out

    def start(self):
        if self.pid == 0:
            raise Unavailable("not allowed", "be root")

    def finish(self):
        return self

    def to_dict(self):
        return {"pid": self.pid}


def watch(events, processes, seconds=4.0):
    """Return what was seen, and how many of the events it took."""
    watcher, heard = Watcher(processes, Path(), seconds, Sampler), 0
    with suppress(profiled._Enough):
        for event in events:
            heard += 1
            watcher(event)
    watcher.finish()
    return watcher.seen, heard


def test_the_busiest_phase_is_the_one_with_the_highest_rate():
    """And the first where rates are equal or unknown."""
    assert busiest(SCENARIO) == "rush"
    assert busiest({"phases": [{"name": "a"}, {"name": "b"}]}) == "a"


def test_nothing_is_sampled_before_the_busiest_phase():
    """A calm start would dilute what the rush is about."""
    assert watch([*RUSH[:2], progress(5.0)], {"serve": 7}) == ({}, 3)


def test_the_run_ends_when_its_seconds_are_seen():
    """The rest of the scenario is not waited for."""
    events = [*RUSH, progress(13.9), progress(14.0), progress(15.0)]
    assert watch(events, {"serve": 7}) == ({"serve": {"pid": 7}}, 5)


def test_the_end_of_the_phase_ends_it_too():
    """A phase shorter than the seconds asked for is seen whole, and nothing after it."""
    events = [*RUSH, progress(11.0), PhaseEdge("rush", "end", 12.0), progress(13.0)]
    assert watch(events, {"serve": 7}) == ({"serve": {"pid": 7}}, 5)


def test_one_process_that_may_not_be_seen_hides_no_other():
    """Its reason and cure stand beside the profile of the rest."""
    seen, _ = watch([*RUSH, progress(14.0)], {"serve": 7, "worker": 0})
    assert seen == {
        "serve": {"pid": 7},
        "worker": {"unavailable": "not allowed", "cure": "be root"},
    }


def test_where_nothing_may_be_seen_the_run_ends_at_once():
    """No load is generated for nothing."""
    seen, heard = watch([*RUSH, progress(11.0)], {"serve": 0})
    assert (seen["serve"]["unavailable"], heard) == ("not allowed", 3)


def test_a_service_without_known_processes_is_refused():
    """Before any load is put on it."""

    class Subject:
        class service:  # noqa: N801 - stands in for a value
            processes = {}  # noqa: RUF012 - as above

    with pytest.raises(Unavailable):
        profiled.profiled(None, Subject, 1.0)
