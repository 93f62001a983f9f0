"""What runs in the user's process: what is called, what is timed, and what is said of it."""

import ast
import asyncio
import gc
import os
import sys
import weakref
from collections import Counter
from pathlib import Path
from threading import Thread

import pytest

from perf.gate.inside import ava_gate
from perf.gate.inside.ava_gate.bodies import plain, prepared
from perf.gate.inside.ava_gate.fixture import Benchmark
from perf.gate.inside.ava_gate.layout import shift
from perf.gate.inside.ava_gate.meters import meter
from perf.gate.inside.ava_gate.parking import Parking

NOTHING = ((), {})


class Trace:
    """A meter that notes what happens between its start and stop."""

    def __init__(self):
        self.events = []

    def start(self):
        self.events.append("start")

    def stop(self):
        self.events.append("stop")

    def values(self):
        return {"wall": 1}


class Script:
    """A channel whose coordinator asks what is written here, and hears what is said."""

    def __init__(self, *wishes):
        self.wishes, self.said = [*wishes, {"do": "leave"}], []

    def send(self, event, **values):
        self.said.append((event, values))

    def receive(self):
        return self.wishes.pop(0)


def wish(calls=2, warm=1, metric="wall", *, collector=False, core=None):
    """Return a request for a slice."""
    asked = {"calls": calls, "warm": warm, "metric": metric, "collector": collector, "core": core}
    return {"do": "slice", **asked}


class Item:
    """As much of a pytest item as the fixture looks at."""

    name, nodeid = "test_a[1]", "test_a.py::test_a[1]"

    def get_closest_marker(self, _):
        return None


def test_it_imports_nothing_but_the_standard_library_and_pytest():
    """The project under test may have other versions of all else, or none."""
    for path in Path(ava_gate.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module]
            tops = {name.partition(".")[0] for name in names}
            assert tops <= sys.stdlib_module_names | {"pytest"}, path.name


def test_a_shift_moves_objects_of_every_size():
    """Those of one size lie in pools of their own, so each size has a number of its own."""
    drawn = [Counter(-(-sys.getsizeof(one) // 16) for one in shift(n, "a")) for n in range(20)]
    for size in range(1, 33):
        numbers = [kept[size] for kept in drawn]
        assert len(set(numbers)) > 5, size
        assert max(numbers) * 16 * size <= 2**14, size


def test_both_sides_of_a_pair_are_shifted_alike():
    """The seed they share, and the test, say all; the next test has another shift."""
    sizes = [[*map(sys.getsizeof, shift(*drawn))] for drawn in ((5, "a"), (5, "a"), (5, "b"))]
    assert sizes[0] == sizes[1] != sizes[2]


def test_only_the_calls_are_measured_of_a_prepared_benchmark():
    """Set-up and tear-down of each call lie outside."""
    trace = Trace()

    def setup():
        trace.events.append("setup")
        return (1,), {"b": 2}

    def call(a, b):
        trace.events.append(f"call {a} {b}")

    prepared(call, NOTHING, setup, lambda *_, **__: trace.events.append("teardown")).run(2, trace)
    assert trace.events == ["setup", "start", "call 1 2", "stop", "teardown"] * 2


def test_a_plain_slice_is_measured_as_a_whole():
    """The meter is not read between calls."""
    trace = Trace()
    plain(trace.events.append, (("call",), {})).run(3, trace)
    assert trace.events == ["start", "call", "call", "call", "stop"]


def test_coroutines_are_awaited_on_one_loop():
    """A lock or a session that one call makes serves the next."""
    loops = set()

    async def call():
        loops.add(asyncio.get_running_loop())

    body = plain(call, NOTHING)
    body.once()
    body.run(3, Trace())
    body.close()
    assert len(loops) == 1
    assert all(loop.is_closed() for loop in loops)


@pytest.mark.anyio
async def test_a_coroutine_inside_a_running_loop_is_refused():
    """It cannot be called in turn there, and the message says what to do."""

    async def call():
        """Do nothing."""

    with pytest.raises(RuntimeError, match="plain test function"):
        plain(call, NOTHING)


def test_arguments_may_come_from_one_place_only():
    """As pytest-benchmark has it."""
    body = prepared(print, (("a",), {}), lambda: ((1,), {}), None)
    with pytest.raises(TypeError, match="not both"):
        body.once()


def test_a_parked_benchmark_calls_as_often_as_it_is_asked():
    """Once on arrival, and per slice the warm calls and the measured ones."""
    calls = []
    channel = Script(wish(calls=5, warm=1), wish(calls=2, warm=0))
    result = Parking(channel, plain(lambda: calls.append(0) or len(calls), NOTHING), None).park("a")
    assert len(calls) == 1 + 6 + 2
    assert result == 1
    assert [event for event, _ in channel.said] == ["parked", "slice", "slice"]


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system binds no thread")
def test_a_slice_runs_on_its_core_and_what_follows_anywhere():
    """Both sides share a core while they are compared; the tests beside them do not."""
    home, seen = os.sched_getaffinity(0), []
    core = max(home)
    channel = Script(wish(core=core))
    Parking(channel, plain(lambda: seen.append(os.sched_getaffinity(0)), NOTHING), None).park("a")
    assert seen[0] == home
    assert seen[1:] == [{core}] * (len(seen) - 1)
    assert os.sched_getaffinity(0) == home


def test_the_processor_time_of_a_call_is_that_of_its_threads_too():
    """It tells a benchmark that uses several cores at a time."""

    def call():
        thread = Thread(target=lambda: sum(range(2_000_000)))
        thread.start()
        thread.join()

    channel = Script()
    Parking(channel, plain(call, NOTHING), None).park("a")
    (_, said), *_ = channel.said
    assert said["busy"] > 5e6


def test_the_collector_is_off_in_a_slice_and_as_before_after_it():
    """Its pauses fall on no side by chance; long calls keep it."""
    seen = []
    channel = Script(wish(), wish(collector=True))
    assert gc.isenabled()
    Parking(channel, plain(lambda: seen.append(gc.isenabled()), NOTHING), None).park("a")
    assert seen == [False, False, False, False, True, True, True]
    assert gc.isenabled()


def test_what_one_slice_left_is_collected_before_the_next():
    """Else the garbage of one would slow the other down."""
    living = weakref.WeakSet()
    seen = []

    class Node:
        def __init__(self):
            self.itself = self
            seen.append(len(living))
            living.add(self)

    channel = Script(wish(calls=3, warm=0), wish(calls=3, warm=0))
    Parking(channel, plain(lambda: Node() and None, NOTHING), None).park("a")
    assert seen == [0, 0, 1, 2, 0, 1, 2]


def test_a_call_that_fails_after_its_authors_number_is_exhausted():
    """The test itself goes on: what it asked for was done."""
    left = [1, 2, 3]
    channel = Script(wish(calls=2, warm=0), wish(calls=2, warm=0))
    assert Parking(channel, plain(left.pop, NOTHING), 3).park("a") == 3
    assert [event for event, _ in channel.said] == ["parked", "slice", "exhausted"]


def test_a_call_that_fails_within_its_authors_number_is_a_failure():
    """The exception reaches the test."""
    channel = Script(wish(calls=2, warm=0))
    with pytest.raises(IndexError):
        Parking(channel, plain([1].pop, NOTHING), 10).park("a")


@pytest.mark.parametrize("metric", ["wall", "cpu", "memory"])
def test_a_meter_reads_what_its_name_says(metric):
    """A megabyte is seen as one; clocks go forward."""
    reading = meter(metric)
    plain(lambda: bytes(1_000_000), NOTHING).run(1, reading)
    assert reading.values()[metric] > (1_000_000 if metric == "memory" else 0)


def test_counting_without_valgrind_is_refused():
    """It would count nothing."""
    with pytest.raises(RuntimeError, match=r"valgrind|instructions"):
        meter("instructions")


def test_the_fixture_serves_one_benchmark_a_test():
    """Two would be one name for two things."""
    benchmark = Benchmark(Script(), Item())
    assert benchmark(sorted, [2, 1], reverse=True) == [2, 1]
    with pytest.raises(RuntimeError, match="once"):
        benchmark(sorted, [])


def test_statistics_are_there_for_tests_that_read_them():
    """By attribute, by key, and one level deeper as pytest-benchmark keeps them."""
    benchmark = Benchmark(Script(wish(calls=4)), Item())
    benchmark.pedantic(sorted, args=([],), rounds=3)
    stats = benchmark.stats
    assert 0 < stats["min"] <= stats.stats.mean <= stats.stats["max"]
    assert (stats["rounds"], stats.iterations) == (2, 4)
    with pytest.raises(AttributeError):
        _ = stats.nothing


@pytest.mark.parametrize(
    "wrong",
    [{"rounds": 0}, {"iterations": 0}, {"warmup_rounds": -1}, {"setup": dict, "iterations": 2}],
)
def test_numbers_that_pytest_benchmark_refuses_are_refused(wrong):
    """A suite that is wrong there is wrong here."""
    with pytest.raises(ValueError, match=r"rounds|setup"):
        Benchmark(Script(), Item()).pedantic(sorted, args=([],), **wrong)


def test_weaving_is_refused_with_what_to_do_instead():
    """Which calls it would time is known only when they have been made."""
    with pytest.raises(RuntimeError, match="cannot be gated"):
        Benchmark(Script(), Item()).weave(sorted)
