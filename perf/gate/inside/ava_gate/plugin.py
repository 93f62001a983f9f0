"""The pytest plugin: find the benchmarks, run those that are asked for, say how each ended.

Plugins that would measure, shuffle, distribute, time out or trace the same tests are taken out as
soon as they have registered: their options and hooks stay known, so the project's configuration
still parses, and they do nothing. A test without a benchmark is left out.
"""

from __future__ import annotations

import atexit
import gc
import os
import platform
import random
import sys
import zlib
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from .fixture import Benchmark
from .layout import shift
from .parking import Channel

REPLACED = frozenset(
    {
        "benchmark",
        "pytest_benchmark",
        "pytest_benchmark.plugin",
        "codspeed",
        "pytest_codspeed",
        "pytest_codspeed.plugin",
        "speed",
        "xdist",
        "xdist.plugin",
        "xdist.looponfail",
        "randomly",
        "random_order",
        "timeout",
        "pytest_timeout",
        "rerunfailures",
        "flaky",
        "pytest_cov",
        "forked",
    }
)
MARKS = (
    "benchmark",
    "codspeed_benchmark",
    "ava_gate(threshold, floor): from which change on this benchmark counts as slower",
    "timeout",
    "flaky",
    "no_cover",
    "xdist_group",
    "random_order",
    "forked",
)


def pytest_plugin_registered(plugin: Any, manager: Any) -> None:
    """Take out what would get in the way, when its options are known already.

    Its other names are blocked, lest it comes again (by `-p` and by entry point) with them.
    """
    name = manager.get_name(plugin)
    if name in REPLACED:
        for other in REPLACED:
            if _family(other) == _family(name):
                manager.set_blocked(other)


def _family(name: str) -> str:
    return name.partition(".")[0].replace("pytest_", "")


class Gate:
    """What the plugin knows of one run."""

    def __init__(self, channel: Channel, seed: int) -> None:
        self.channel, self.seed = channel, seed
        self._kept: list[object] = []
        self.errors: list[dict[str, str]] = []
        self.failed: dict[str, tuple[str, str]] = {}
        self.benchmarks: dict[str, Benchmark] = {}
        self.is_over = False

    def make(self, item: Any) -> Benchmark:
        """Return an item's fixture, made once."""
        if item.nodeid not in self.benchmarks:
            self.benchmarks[item.nodeid] = Benchmark(self.channel, item)
        return self.benchmarks[item.nodeid]

    def _shift(self, name: str) -> None:
        """Put what comes next elsewhere, also in respect of what is there already."""
        self._kept = shift(self.seed, name)

    def pytest_collectstart(self, collector: Any) -> None:
        """Shift what a module makes when it is imported."""
        if isinstance(collector, pytest.Module):
            self._shift(collector.nodeid)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collectreport(self, report: Any) -> None:
        """Note what could not be imported."""
        if report.failed:
            self.errors.append({"id": report.nodeid or "collection", "reason": _reason(report)})

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: Any) -> None:
        """Say which benchmarks there are, and keep those that are asked for, in that order."""
        _resume_collector()
        found = {item.nodeid: item for item in session.items if _measured(item)}
        self.channel.send(
            "collected",
            benchmarks=[_described(item) for item in found.values()],
            errors=self.errors,
            modules=_origins(),
            runtime=f"Python {platform.python_version()}, pytest {pytest.__version__}",
        )
        wanted = self.channel.receive()["ids"]
        session.items[:] = [found[name] for name in wanted if name in found]
        session.testsfailed = 0  # collection errors were reported; they must not stop the loop

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: Any) -> Iterator[None]:
        """Give both sides of a pair the same pseudo-random numbers and the same shift."""
        self._shift(item.nodeid)
        _seed(zlib.crc32(item.nodeid.encode()) ^ self.seed)
        yield

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: Any) -> bool | None:
        """Measure a marked test that has no fixture as a whole, as pytest-codspeed does."""
        if _has_fixture(pyfuncitem) or not _measured(pyfuncitem):
            return None
        names = pyfuncitem._fixtureinfo.argnames  # noqa: SLF001 - pytest has no other way
        self.make(pyfuncitem)(pyfuncitem.obj, **{name: pyfuncitem.funcargs[name] for name in names})
        return True

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Remember the first thing that went wrong in a test."""
        if not report.passed and report.nodeid not in self.failed:
            outcome = "skipped" if report.skipped else "failed"
            self.failed[report.nodeid] = (outcome, _reason(report))

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """Say how a benchmark ended."""
        outcome, reason = self.failed.get(nodeid, ("passed", ""))
        made = self.benchmarks.get(nodeid)
        if outcome == "passed" and (made is None or not made.used):
            outcome, reason = "failed", "the test passed without calling its benchmark"
        self.channel.send("finished", id=nodeid, outcome=outcome, reason=reason)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Say that no more comes."""
        self.channel.send("end")
        self.is_over = True

    def leave(self) -> None:
        """End without taking the interpreter apart, which would slow the next pair's start."""
        if self.is_over and self.channel.is_owner():
            os._exit(0)

    @pytest.fixture
    def benchmark(self, request: Any) -> Benchmark:
        """Stand in for the fixture of that name."""
        return self.make(request.node)

    @pytest.fixture
    def codspeed_benchmark(self, request: Any) -> Benchmark:
        """Stand in for pytest-codspeed's own name of it."""
        return self.make(request.node)

    @pytest.fixture
    def benchmark_weave(self) -> None:
        """Refuse, in the words of `Benchmark.weave`."""
        Benchmark.weave(self)  # type: ignore[arg-type]  # it only raises


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: Any) -> None:
    """Join the run that the coordinator started; without one this plugin is nothing."""
    for mark in MARKS:
        config.addinivalue_line("markers", mark)
    for option, value in (("maxfail", 0), ("continue_on_collection_errors", True)):
        setattr(config.option, option, value)
    channel = Channel(int(os.environ["AVA_GATE_FD"]))
    gate = Gate(channel, int(os.environ["PYTHONHASHSEED"]))
    config.pluginmanager.register(gate, "ava_gate")
    atexit.register(gate.leave)  # runs after those of the project, which come later


def _has_fixture(item: Any) -> bool:
    names = getattr(item, "fixturenames", ())
    return any(name in names for name in ("benchmark", "codspeed_benchmark", "benchmark_weave"))


def _measured(item: Any) -> bool:
    marked = any(item.get_closest_marker(name) for name in ("benchmark", "codspeed_benchmark"))
    return _has_fixture(item) or (marked and hasattr(item, "funcargs"))


def _described(item: Any) -> dict[str, Any]:
    mark = item.get_closest_marker("ava_gate")
    group = item.get_closest_marker("benchmark")
    return {
        "id": item.nodeid,
        "group": str(group.kwargs.get("group", "")) if group else "",
        "rule": _rule(mark) if mark else {},
    }


def _rule(mark: Any) -> dict[str, Any]:
    """Return what a mark says; what it cannot say is refused where it is read."""
    values = {**mark.kwargs, **({"positional": mark.args} if mark.args else {})}
    return {key: v if isinstance(v, (int, float)) else repr(v) for key, v in values.items()}


def _reason(report: Any) -> str:
    """Return the one line that says what was raised."""
    longrepr = report.longrepr
    crash = getattr(longrepr, "reprcrash", None)
    if crash is not None:
        return str(crash.message).strip().splitlines()[0]
    text = str(longrepr[2] if isinstance(longrepr, tuple) else longrepr).strip().splitlines()
    raised = [line[1:].strip() for line in text if line.startswith("E ")]
    return (raised or text or ["failed"])[-1]


def _resume_collector() -> None:
    """Turn the collector on again, with all that was imported in its oldest generation."""
    gc.freeze()
    gc.unfreeze()
    gc.enable()


def _origins() -> dict[str, str]:
    """Return where each top-level module came from, to see which copy was imported."""
    found = {}
    for name, module in list(sys.modules.items()):
        path = getattr(module, "__file__", None)
        if path and "." not in name:
            found[name] = _resolved(path)
    return found


def _resolved(path: str) -> str:
    """Return a path without links. Modules lie in few folders, and Path.resolve() looks at each."""
    folder, name = os.path.split(path)
    whole = f"{_folder(folder)}{os.sep}{name}"
    return os.path.realpath(whole) if os.path.islink(whole) else whole  # noqa: PTH114 - as above


@cache
def _folder(path: str) -> str:
    return os.path.realpath(path)


def _seed(number: int) -> None:
    random.seed(number)
    numpy = sys.modules.get("numpy")
    if numpy is not None and hasattr(numpy, "random"):
        numpy.random.seed(number % 2**32)
