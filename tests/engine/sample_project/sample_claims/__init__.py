"""Claims of an imaginary service: good ones, and every way a claim can go wrong."""

import asyncio
import os
import signal
import threading
import time

from perf.claim import at_least, at_most, claim, counter_example, exactly, prepare
from perf.instruments import Arm, Compare, Count, Latency, Occurrence, Witness
from perf.lab import Unavailable


def spin(seconds):
    """Burn processor time for `seconds`."""
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass
    return "done"


@prepare("numbers")
def numbers(lab):
    """Prepare a value that a claim needs."""
    return {"answer": 42, "profile": str(lab.profile)}


@prepare("ruins")
def ruins(lab):
    """Fail to prepare."""
    raise Unavailable("no quarry here", "apt-get install quarry")


@claim(id="G1.speed", rows=["G1"], title="Twice as fast", source="x.1", target=at_least(2, "x"))
@claim(id="G1.more", rows=["G1"], title="Thousand times", source="x.2", target=at_least(1000, "x"))
def speed(lab):
    """One measurement, two figures, either of them far from what a busy machine could turn."""
    return Compare(Arm(lambda: spin(0.05)), Arm(lambda: spin(0.001)), budget_s=0.3)


@claim(
    id="G2.count",
    rows=["G2"],
    title="Counts",
    source="x",
    target=exactly(42, "rows"),
    needs=["numbers"],
)
def count(lab):
    """Use what was prepared."""
    return Count(lambda: lab.prepared["numbers"]["answer"], "rows")


@claim(id="G3.refuted", rows=["G3"], title="Wrong", source="x", target=counter_example())
def refuted(lab):
    """Show a counter-example."""
    return Witness(lambda: Occurrence(occurred=True, explanation="it occurred"))


@claim(id="G4.async", rows=["G4"], title="Async", source="x", target=at_most(1000, "ms"))
async def coroutine(lab):
    """Plan and run on one event loop."""
    loop = asyncio.get_running_loop()

    async def work():
        return asyncio.get_running_loop() is loop

    return Latency(Arm(work), check=bool, budget_s=0.1)


@claim(id="B1.raises", rows=["B1"], title="Raises", source="x", target=at_least(1, "x"))
def raises(lab):
    """Fail with a secret in the message."""
    raise RuntimeError("cannot reach postgresql://ava:hunter2@db/x")


@claim(id="B2.hangs", rows=["B2"], title="Hangs", source="x", target=at_least(1, "x"), deadline_s=1)
def hangs(lab):
    """Wait for ever."""
    threading.Event().wait()


@claim(id="B3.wrong", rows=["B3"], title="Wrong result", source="x", target=at_least(1, "x"))
def wrong(lab):
    """Be fast and wrong."""
    return Compare(Arm(lambda: spin(0.002)), Arm(lambda: "nonsense"))


@claim(id="B4.crashes", rows=["B4"], title="Crashes", source="x", target=at_least(1, "x"))
def crashes(lab):
    """Die as a segmentation fault does."""
    os.kill(os.getpid(), signal.SIGSEGV)


@claim(id="B5.exits", rows=["B5"], title="Exits", source="x", target=at_least(1, "x"))
def exits(lab):
    """Leave with success and without a result."""
    os._exit(0)


@claim(id="B6.unavailable", rows=["B6"], title="Lacks", source="x", target=at_least(1, "x"))
def unavailable(lab):
    """Need what is not there."""
    raise Unavailable("no unicorn here", "apt-get install unicorn")


@claim(
    id="B7.unprepared",
    rows=["B7"],
    title="Unprepared",
    source="x",
    target=at_least(1, "x"),
    needs=["ruins"],
)
def unprepared(lab):
    """Need what could not be prepared."""
    return Count(lambda: 1, "rows")


@claim(id="B8.no-plan", rows=["B8"], title="No plan", source="x", target=at_least(1, "x"))
def no_plan(lab):
    """Forget to return a plan."""


@claim(id="B9.unit", rows=["B9"], title="Other unit", source="x", target=at_least(1, "x"))
def other_unit(lab):
    """Measure something else than the target is about."""
    return Count(lambda: 1, "rows")
