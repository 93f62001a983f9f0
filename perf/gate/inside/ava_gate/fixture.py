"""The `benchmark` fixture: what suites use of pytest-benchmark's and pytest-codspeed's, parked."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import Any

from .bodies import Body, plain, prepared
from .parking import Channel, Parking


class Stats:
    """Statistics of the calls so far, by attribute or by key, in seconds a call."""

    def __init__(self, parking: Parking) -> None:
        self._parking = parking

    @property
    def stats(self) -> Stats:
        """Return this: pytest-benchmark keeps its figures one level deeper."""
        return self

    @property
    def data(self) -> list[float]:
        """Return the time of each round."""
        return list(self._parking.per_call)

    def as_dict(self) -> dict[str, float]:
        """Return the figures that pytest-benchmark's tables are made of."""
        times = sorted(self._parking.per_call)
        quarter = max(1, len(times) // 4)
        q1, q3 = times[quarter - 1], times[-quarter]
        mean = statistics.fmean(times)
        return {
            "min": times[0],
            "max": times[-1],
            "mean": mean,
            "median": statistics.median(times),
            "stddev": statistics.stdev(times) if len(times) > 1 else 0.0,
            "q1": q1,
            "q3": q3,
            "iqr": q3 - q1,
            "ops": 1 / mean if mean else 0.0,
            "total": sum(times),
            "rounds": len(times),
            "iterations": self._parking.iterations,
        }

    def __getattr__(self, name: str) -> float:
        try:
            return self.as_dict()[name]
        except KeyError:
            raise AttributeError(name) from None

    def __getitem__(self, name: str) -> float:
        return self.as_dict()[name]


class Benchmark:
    """One test's benchmark: it parks in the call that pytest-benchmark would have timed."""

    disabled = False
    enabled = True
    skipped = False
    cprofile = None

    def __init__(self, channel: Channel, item: Any) -> None:
        self._channel, self._item = channel, item
        self.name: str = item.name
        self.fullname: str = item.nodeid
        spec = getattr(item, "callspec", None)
        self.param = spec.id if spec else None
        self.params = spec.params if spec else None
        mark = item.get_closest_marker("benchmark")
        self.group = mark.kwargs.get("group") if mark else None
        self.extra_info: dict[str, Any] = {}
        self.stats: Stats | None = None
        self.used = self.has_error = False

    def __call__(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Measure `function(*args, **kwargs)`; also a decorator of a function without arguments."""
        self._use()
        return self._park(lambda: plain(function, (args, kwargs)), None)

    def pedantic(  # noqa: PLR0913, PLR0917 - pytest-benchmark's signature
        self,
        target: Callable[..., Any],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
        setup: Callable[[], Any] | None = None,
        teardown: Callable[..., Any] | None = None,
        rounds: int = 1,
        warmup_rounds: int = 0,
        iterations: int = 1,
    ) -> Any:
        """Measure a call that may have a set-up of its own.

        The number of rounds is the gate's to choose; the one given here says how often the call
        may be repeated for certain.
        """
        self._use()
        if min(rounds, iterations) < 1 or warmup_rounds < 0:
            raise ValueError("rounds and iterations are at least 1, warmup_rounds at least 0")
        if setup and iterations > 1:
            raise ValueError("with a setup there is one iteration a round")
        allowed = None if setup else (rounds + warmup_rounds) * iterations
        arguments = (tuple(args), dict(kwargs or {}))
        return self._park(lambda: prepared(target, arguments, setup, teardown), allowed)

    def weave(self, *_: Any, **__: Any) -> None:
        """Refuse: which calls it would time is known only after they were made."""
        raise RuntimeError(
            "benchmark.weave and benchmark.patch cannot be gated: they time calls made elsewhere; "
            "call benchmark(function) instead"
        )

    patch = weave

    def _use(self) -> None:
        if self.used:
            self.has_error = True
            raise RuntimeError("the benchmark fixture can be used once in a test")
        self.used = True

    def _park(self, body: Callable[[], Body], allowed: int | None) -> Any:
        try:
            parking = Parking(self._channel, body(), allowed)
            self.stats = Stats(parking)
            return parking.park(self._item.nodeid)
        except BaseException:
            self.has_error = True
            raise
