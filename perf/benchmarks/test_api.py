"""What the API adds to an answer that is there: its headers, its place among spikes, a command."""

from itertools import count
from random import Random
from typing import Any

import msgspec

from ava.api.fastpath import name_of
from ava.api.route import headers_of
from ava.redis_wire import pack
from ava.services.fresh import Fresh
from ava.telemetry.spikes import Series, SpikeRule, learn

_ROWS = [{"symbol": f"S{number}", "price": 100.0 + number} for number in range(50)]


def _durations(many: int) -> list[float]:
    rng = Random(1)  # noqa: S311 - invented times
    return [rng.lognormvariate(-5, 0.3) for _ in range(many)]


def test_name_of_a_request(benchmark: Any) -> None:
    """The canonical name of an address that is new."""
    benchmark(name_of, "/api/v1/quotes", b"symbols=MSFT,AAPL&span=1d", None)


def test_body_and_headers(benchmark: Any) -> None:
    """Fifty rows written as JSON, and the headers that belong to them."""
    fresh = Fresh(_ROWS, 30.0)
    benchmark(lambda: headers_of(fresh, msgspec.json.encode(fresh.value)))


def test_usual_duration(benchmark: Any) -> None:
    """A durations' distribution learnt from what was seen."""
    benchmark(learn, _durations(500), SpikeRule())


def test_duration_noted(benchmark: Any) -> None:
    """A duration like all others, taken as the platform takes each: now and then it learns anew."""
    rule = SpikeRule()
    series, moments = Series(rule), count()
    for seconds in _durations(rule.window + rule.recent):
        series.observe(seconds, float(next(moments)))

    def note() -> None:
        if not series.calm(0.006):
            series.observe(0.006, float(next(moments)))

    benchmark(note)


def test_pack_a_read(benchmark: Any) -> None:
    """A GET as it goes over the wire to Redis."""
    benchmark(pack, "GET", "quote:symbol=AAPL")
