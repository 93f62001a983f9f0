"""The memory instrument: what it reads, and how a level is judged."""

import pytest

from perf.claim import at_most
from perf.instruments import Bench, Memory
from perf.instruments.memory import resident_mb
from perf.sample import Kind, Measurement
from perf.stats import GRAIN_MB
from perf.verdict import Verdict, judge


class Meter:
    """A process whose memory is set by hand."""

    def __init__(self):
        self.mb = 100.0

    def grow(self, mb):
        return lambda _step: setattr(self, "mb", self.mb + mb)


@pytest.fixture
def bench():
    made = Bench()
    yield made
    made.close()


def test_the_growth_is_read_after_each_step_above_the_start(bench):
    """Three steps of 2 MB are levels 2, 4 and 6, whatever was there before."""
    meter = Meter()
    plan = Memory(meter.grow(2.0), steps=3, operations=10, resident=lambda: meter.mb)
    assert plan.measure(bench).samples == {"level": [2.0, 4.0, 6.0]}


def test_the_curves_of_both_stand_side_by_side(bench):
    """The one before starts from its own level, and may run for fewer steps."""
    meter = Meter()
    plan = Memory(
        meter.grow(0.0),
        steps=3,
        operations=10,
        before=meter.grow(5.0),
        before_steps=2,
        resident=lambda: meter.mb,
    )
    measured = plan.measure(bench)
    assert measured.samples == {"level": [0.0, 0.0, 0.0]}
    assert measured.facts["table"] == {
        "columns": ["operations", "before, MB above the start", "after, MB above the start"],
        "rows": [[10, 5.0, 0.0], [20, 10.0, 0.0], [30, None, 0.0]],
    }


def test_steps_are_numbered_and_may_be_coroutines(bench):
    """Work can give each step its own keys."""
    seen = []

    async def work(step):
        seen.append(step)

    Memory(work, steps=3, operations=1, resident=lambda: 0.0).measure(bench)
    assert seen == [0, 1, 2]


def test_garbage_is_collected_before_a_reading(bench):
    """What nobody holds is no growth."""
    alive = []

    class Ring:
        def __init__(self):
            alive.append(1)
            self.me = self

        def __del__(self):
            alive.pop()

    plan = Memory(lambda _step: Ring() and None, steps=2, operations=1, resident=lambda: len(alive))
    assert plan.measure(bench).samples == {"level": [0, 0]}


def test_work_that_was_not_done_is_not_measured(bench):
    """Doing nothing takes no memory, and proves nothing."""
    plan = Memory(lambda _step: None, steps=1, operations=1, check=lambda: False)
    measured = plan.measure(bench)
    assert judge(at_most(1, "MB"), measured, seed="s").verdict is Verdict.NOT_MEASURED


def test_a_real_process_grows_by_what_it_holds(bench):
    """Forty megabytes that are written to are resident."""
    held = []
    plan = Memory(lambda _step: held.append(bytearray(b"x" * 40_000_000)), steps=1, operations=1)
    (level,) = plan.measure(bench).samples["level"]
    assert 35 < level < 60
    assert resident_mb() > level


def level(*values):
    """Return a measurement of these readings."""
    return Measurement(Kind.LEVEL, "MB", {"level": values})


@pytest.mark.parametrize(
    ("highest", "verdict"),
    [
        (10 - GRAIN_MB, Verdict.MET),
        (10 - GRAIN_MB / 2, Verdict.INCONCLUSIVE),
        (10 + GRAIN_MB / 2, Verdict.INCONCLUSIVE),
        (10 + GRAIN_MB + 0.1, Verdict.MISSED),
    ],
)
def test_a_level_is_judged_by_its_highest_reading_and_the_grain_of_memory(highest, verdict):
    """Nearer to the bound than an allocator's arena nothing can be told, noise or none."""
    for noise in (0.0, 0.5):
        judged = judge(at_most(10, "MB"), level(1.0, highest, 2.0), seed="s", noise=noise)
        assert judged.verdict is verdict
        assert judged.estimate == highest


def test_a_level_that_is_met_says_how_it_was_read():
    """The reason names the figure, the readings and the target."""
    reason = judge(at_most(10, "MB"), level(1.0, 3.0), seed="s").reason
    assert reason == "highest level 3 MB of 2 readings, target <= 10"


def test_a_level_is_no_time():
    """The same clockless figure is judged in continuous integration too."""
    assert not at_most(10, "MB").timed
