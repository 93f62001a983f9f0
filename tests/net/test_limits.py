"""Limits as plain state: their bounds hold for any arrivals, and their forecasts come true."""

import heapq
import math

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from ava.net.limits import TRAVEL_S, gate, longest, shared_out, tightened
from ava.net.spec import Rate, Window

RATES = st.builds(
    Rate, st.integers(1, 20), st.sampled_from([0.5, 1.0, 60.0]), st.integers(1, 12).map(float)
)
WINDOWS = st.builds(Window, st.integers(1, 12), st.sampled_from([0.5, 1.0, 60.0]))
LIMITS = st.lists(RATES | WINDOWS, min_size=1, max_size=3)
STEPS = st.lists(st.sampled_from([0.0, 0.0, 0.01, 0.1, 0.5, 1.0, 7.0]), min_size=1, max_size=150)


def most(times, per_s):
    """Return the most moments in any window [t, t + per_s); rounding errors are forgiven."""
    times, best, first = sorted(times), 0, 0
    for last, moment in enumerate(times):
        while times[first] <= moment - per_s + 1e-9:
            first += 1
        best = max(best, last - first + 1)
    return best


def bound(limit):
    return limit.permits + (limit.burst if isinstance(limit, Rate) else 0)


def grants(limits, arrivals):
    tried = gate(limits)
    return [moment for moment in arrivals if tried.take(moment)]


def arrivals(steps, scale=1.0):
    moments, now = [], 0.0
    for step in steps:
        now += step * scale
        moments.append(now)
    return moments


@given(LIMITS, STEPS)
def test_no_window_holds_more_than_the_limits_promise(limits, steps):
    """Whatever the arrivals and however many limits stand together, each one's bound holds."""
    granted = grants(limits, arrivals(steps, longest(limits) / 10))
    assert granted
    assert all(most(granted, limit.per_s) <= bound(limit) for limit in limits)


@given(WINDOWS, STEPS)
def test_a_window_lets_through_all_that_it_may(limit, steps):
    """The gate agrees with counting the grants of the last window, arrival by arrival."""
    tried, granted = gate([limit]), []
    for moment in arrivals(steps, limit.per_s / 10):
        room = sum(moment < past + limit.per_s for past in granted) < limit.permits
        assert tried.take(moment) is room
        if room:
            granted.append(moment)


SPANS = st.sampled_from([0.0, 0.01, 0.3, 0.9, 1.0, 1.1, 3.0])
CALLS = st.lists(
    st.tuples(STEPS.map(lambda steps: steps[0]), SPANS, SPANS, st.sampled_from(["answer", "loss"]))
    | st.tuples(STEPS.map(lambda steps: steps[0]), SPANS, SPANS, st.just("unsent")),
    min_size=1,
    max_size=80,
)


def arrivals_of(limits, calls):
    """Return when calls arrive that ask as soon as they may, each (step, there, back, how).

    A call that is lost ends for its caller up to `TRAVEL_S` before it arrives; the gate is told.
    """
    tried, now, ends, arrived = gate(limits), 0.0, [], []

    def pass_time(until):
        while ends and ends[0][0] <= until:
            tried.end(heapq.heappop(ends)[1])

    for number, (step, there, back, how) in enumerate(calls):
        now += step
        pass_time(now)
        while not tried.take(now):
            # Whatever is on its way ends some time; until then `due` is only the earliest.
            now = min(tried.due(now), ends[0][0] if ends else math.inf)
            pass_time(now)
        tried.begin()
        if how == "unsent":
            heapq.heappush(ends, (now + back, now, number))
            continue
        arrives = now + there
        arrived.append(arrives)
        ended = arrives + back if how == "answer" else arrives - min(there, TRAVEL_S)
        heapq.heappush(ends, (ended, ended if how == "answer" else ended + TRAVEL_S, number))
    return arrived


@given(st.lists(WINDOWS, min_size=1, max_size=3), CALLS)
def test_no_window_sees_more_arrive_than_it_lets_pass(limits, calls):
    """However unevenly calls travel, and be their answers lost: the provider counts no excess."""
    arrived = arrivals_of(limits, calls)
    assert all(most(arrived, limit.per_s) <= limit.permits for limit in limits if arrived)


@given(st.lists(RATES | WINDOWS, min_size=1, max_size=3), CALLS)
def test_calls_on_their_way_let_others_pass_in_the_end(limits, calls):
    """Every call is made, and what is remembered of them stays bounded."""
    asked = [call for call in calls if call[3] != "unsent"]
    assert len(arrivals_of(limits, calls)) == len(asked)


def test_a_call_keeps_its_place_until_a_window_after_its_answer():
    """Until the answer nobody knows when the next may pass, but not before a window from now."""
    tried = gate([Window(1, 1.0)])
    assert tried.take(0.0)
    tried.begin()
    assert (tried.free_at, tried.due(0.7)) == (math.inf, 1.7)
    assert not tried.take(5.0)
    tried.end(5.0)
    assert [tried.take(moment) for moment in (5.9, 6.0)] == [False, True]


def test_a_call_that_never_left_counts_from_its_grant():
    """As one does of which nobody tells more than that it passed."""
    tried = gate([Window(1, 1.0)])
    tried.take(0.0)
    tried.begin()
    tried.end(0.0)
    assert tried.free_at == 1.0


def test_who_passed_meanwhile_does_not_count_for_a_call_that_never_left():
    """The log stays in order: the earlier of two leaves first, whichever was noted first."""
    tried = gate([Window(2, 1.0)])
    tried.take(0.0)
    tried.begin()
    tried.take(0.9)
    tried.end(0.0)
    assert [tried.take(moment) for moment in (1.0, 1.8, 1.9)] == [True, False, True]


def test_who_passes_after_a_lost_call_is_the_one_that_begins():
    """A lost call counts a little later than now, and keeps that place."""
    tried = gate([Window(2, 1.0)])
    for _ in range(2):
        tried.take(0.0)
        tried.begin()
    tried.end(1.2)
    tried.end(0.0)
    assert tried.take(1.0)
    tried.begin()
    assert tried.free_at == 2.2


@pytest.mark.parametrize("limits", [[Window(1)], [Window(1), Rate(5)]])
def test_a_hold_outlasts_calls_on_their_way(limits):
    """A pause is not forgotten when one of them ends."""
    held = gate(limits)
    held.take(0.0)
    held.begin()
    held.hold(9.0)
    held.end(3.0)
    assert (held.due(3.0), held.free_at) == (9.0, 9.0)


def test_a_long_window_remembers_no_more_calls_than_it_lets_pass():
    """Ten thousand calls later it holds three of them."""
    tried = gate([Window(3, 1.0)])
    for second in range(10_000):
        tried.take(2.0 * second)
        tried.begin()
        tried.end(2.0 * second + 0.5)
    assert len(tried._stamps) == 3


@given(RATES, STEPS)
def test_a_rate_lets_through_what_a_bucket_would(limit, steps):
    """GCRA admits as a bucket of `burst` tokens does that refills continuously."""
    tried, tokens, seen = gate([limit]), limit.burst, 0.0
    for moment in arrivals(steps, limit.per_s / limit.permits / 3):
        tokens = min(limit.burst, tokens + (moment - seen) * limit.permits / limit.per_s)
        seen = moment
        assume(abs(tokens - 1) > 1e-6)  # where rounding decides, either answer is right
        assert tried.take(moment) is (tokens >= 1)
        tokens -= tokens >= 1


@given(RATES | WINDOWS, STEPS, st.integers(0, 30))
def test_the_forecast_comes_true(limit, steps, ahead):
    """`due` is when the caller gets through if those before it go as early as they can."""
    tried, moments = gate([limit]), arrivals(steps, limit.per_s / 10)
    for moment in moments:
        tried.take(moment)
    forecast = tried.due(moments[-1], ahead)
    now = moments[-1]
    for _ in range(ahead):
        now = max(now, tried.free_at)
        assert tried.take(now)
    assert max(now, tried.free_at) == pytest.approx(forecast)


@given(LIMITS, STEPS, st.integers(0, 5))
def test_the_forecast_of_several_limits_is_never_too_late(limits, steps, ahead):
    """Together they may be slower than each alone, so a deadline is never refused wrongly."""
    tried, moments = gate(limits), arrivals(steps, longest(limits) / 10)
    for moment in moments:
        tried.take(moment)
    forecast, now = tried.due(moments[-1], ahead), moments[-1]
    for _ in range(ahead):
        now = max(now, tried.free_at)
        tried.take(now)
    assert forecast <= max(now, tried.free_at) + 1e-6


@pytest.mark.parametrize(
    "limits", [[], [Rate(5, burst=3)], [Window(3, 2)], [Rate(5, burst=3), Window(2)]]
)
def test_a_held_gate_lets_nobody_through(limits):
    """Until the end of the hold nobody passes, then the first does."""
    held = gate(limits)
    held.hold(10.0)
    assert held.due(0.0) == 10.0
    assert [held.take(moment) for moment in (0.0, 9.99, 10.0)] == [False, False, True]


def test_a_rate_starts_without_a_burst_after_a_hold():
    """A provider that said "too fast" is not met with a burst."""
    held = gate([Rate(10, burst=5)])
    held.hold(3.0)
    assert [held.take(moment) for moment in (3.0, 3.0, 3.05, 3.1)] == [True, False, False, True]


def test_a_hold_is_never_shortened():
    """The longest of several holds counts."""
    held = gate([Window(1)])
    held.hold(10.0)
    held.hold(5.0)
    assert not held.take(9.0)


def test_both_limits_of_a_provider_hold_together():
    """Of 60 a minute and 30 a second, the first second brings 30 and the first minute 60."""
    tried = gate([Window(60, 60), Window(30, 1)])
    times = [tick / 10 for tick in range(900)]
    granted = [moment for moment in times for _ in range(10) if tried.take(moment)]
    assert (most(granted, 1), most(granted, 60)) == (30, 60)
    assert [sum(t < end for t in granted) for end in (1, 2, 60, 61, 90)] == [30, 60, 60, 90, 120]


@given(
    RATES | WINDOWS, STEPS, st.floats(0.001, 0.5), st.lists(st.floats(0, 1), min_size=1, max_size=9)
)
@example(Rate(100, 1.0, 1.0), [0.0] + [0.001] * 140, 0.05, [1.0, 0.5, 0.0])
def test_a_tightened_limit_leaves_room_for_late_use(limit, steps, span, delays):
    """What is granted by it and used up to `span` later keeps the limit it was made from."""
    span *= limit.per_s
    granted = grants([tightened(limit, span)], arrivals(steps, limit.per_s / 10))
    uses = [moment + delays[i % len(delays)] * span for i, moment in enumerate(granted)]
    assert most(uses, limit.per_s) <= bound(limit)


@given(RATES | WINDOWS, st.integers(2, 8), STEPS)
def test_shares_together_keep_the_limit(limit, processes, steps):
    """That many processes, each at its share, stay within the bound and the average."""
    part = shared_out(limit, 1 / processes)
    assume(part is not None)
    moments = arrivals(steps, limit.per_s / 10)
    granted = [moment for _ in range(processes) for moment in grants([part], moments)]
    assert most(granted, limit.per_s) <= bound(limit)
    assert part.permits * processes <= limit.permits + 1e-9


def test_a_share_of_less_than_one_call_is_none():
    """One call a second cannot be divided; one process alone has all of it."""
    assert shared_out(Window(1), 1 / 8) is None
    assert shared_out(Rate(1), 1 / 8) is None
    assert shared_out(Window(1), 1.0) == Window(1)
    assert shared_out(Window(60, 60), 1 / 8) == Window(7, 60)


@pytest.mark.parametrize(
    "limit", [Rate(0), Rate(1, 0), Rate(1, burst=0.5), Window(0), Window(1, 0), Rate(math.nan)]
)
def test_a_limit_that_admits_nobody_is_refused(limit):
    """It is found when the limiter is made, not when the first caller waits for ever."""
    with pytest.raises(ValueError, match="at least"):
        gate([limit])
