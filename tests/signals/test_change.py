"""Skipping what did not move hides no move."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ava.signals.change import THRESHOLD, Changes
from ava.signals.replay import ReplaySource

DATA = Path(os.environ.get("AVA_PERF_DATA", Path(__file__).parents[2].parent / "shared" / "data"))
TICKS = DATA / "market" / "equity_quote_ticks_ibm_20131011.csv.gz"

steps = st.lists(st.floats(-0.02, 0.02), min_size=1, max_size=80)


@given(steps)
def test_drift_past_the_threshold_is_always_noticed(walk):
    """After any walk, the price is within the threshold of that of the last signal."""
    changes, price, signalled = Changes(), 100.0, None
    for step in walk:
        price *= 1 + step
        if changes.changed({"A": price}):
            changes.signalled(["A"], {"A": price})
            signalled = price
        assert signalled is not None
        assert abs(price - signalled) < THRESHOLD * signalled


@pytest.mark.skipif(not TICKS.is_file(), reason="no real ticks here; AVA_PERF_DATA names them")
@pytest.mark.anyio
async def test_no_real_tick_is_skipped_that_moved_by_the_threshold():
    """The first minutes of a real day of quotes."""
    source, changes, signalled = ReplaySource([TICKS]), Changes(), 0.0
    for _ in range(5_000):
        price = (await source.snapshot(["IBM"])).ticks["IBM"].price
        if changes.changed({"IBM": price}):
            changes.signalled(["IBM"], {"IBM": price})
            signalled = price
        assert abs(price - signalled) < THRESHOLD * signalled


def test_a_slow_doubling_is_noticed_all_the_way():
    """Steps of 0.4 %: the document's comparison with the last price seen would skip every one."""
    changes, price, signals = Changes(), 100.0, 0
    while price < 200:
        if changes.changed({"A": price}):
            changes.signalled(["A"], {"A": price})
            signals += 1
        price *= 1.004
    assert signals == pytest.approx(np.log(2) / np.log(1.004) / 2, abs=2)


def test_a_symbol_without_a_signal_is_worth_one():
    """What was never seen has no reference to be near to."""
    assert Changes().changed({"A": 1.0, "B": 2.0}) == ["A", "B"]


def test_a_move_of_exactly_the_threshold_counts():
    """100 to 100.5 is half a percent, whatever binary fractions make of it."""
    changes = Changes()
    changes.signalled(["A", "B"], {"A": 100.0, "B": 100.0})
    assert changes.changed({"A": 100.5, "B": 100.49}) == ["A"]


def test_references_outlive_the_run():
    """A restart does not make every symbol new."""
    changes = Changes()
    changes.restore({"A": 100.0})
    assert changes.changed({"A": 100.1}) == []
    changes.forget(["A"])
    assert changes.changed({"A": 100.1}) == ["A"]
