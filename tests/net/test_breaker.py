"""The breaker: when it opens, how it tries, and what it does not count."""

import asyncio

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ava.clock import ManualClock
from ava.errors import (
    AuthenticationError,
    BadDataError,
    CircuitOpenError,
    DeadlineError,
    NotFoundError,
    OutageError,
    RateLimitedError,
)
from ava.net.breaker import Breaker, BreakerState, judge
from ava.net.spec import BreakerRule

pytestmark = pytest.mark.anyio

RULE = BreakerRule(failures=5, successes=2, recovery_s=60.0)


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def breaker(clock):
    return Breaker("x", RULE, clock=clock)


async def fail():
    raise OutageError("down", provider="x")


async def answer():
    return "answer"


async def opened(breaker):
    for _ in range(RULE.failures):
        with pytest.raises(OutageError):
            await breaker.call(fail)


async def test_five_failures_in_a_row_open_it(breaker):
    """The sixth call is not made, and the error says when to come back."""
    await opened(breaker)
    with pytest.raises(CircuitOpenError, match="5 times in a row") as caught:
        await breaker.call(answer)
    assert caught.value.retry_after_s == 60.0
    stats = breaker.stats()
    assert (stats.state, stats.opened, stats.rejected) == (BreakerState.OPEN, 1, 1)


async def test_an_answer_in_between_starts_the_count_again(breaker):
    """Only failures in a row count."""
    for _ in range(3):
        for _ in range(RULE.failures - 1):
            with pytest.raises(OutageError):
                await breaker.call(fail)
        await breaker.call(answer)
    assert breaker.state is BreakerState.CLOSED


async def test_two_good_probes_close_it(breaker, clock):
    """After the recovery time one call at a time is tried, and two answers are enough."""
    await opened(breaker)
    await clock.advance(59.9)
    with pytest.raises(CircuitOpenError):
        await breaker.call(answer)
    await clock.advance(0.1)
    assert await breaker.call(answer) == "answer"
    assert breaker.state is BreakerState.HALF_OPEN
    await breaker.call(answer)
    assert breaker.state is BreakerState.CLOSED
    assert breaker.stats().failures == 0


async def test_a_bad_probe_opens_it_again(breaker, clock):
    """One failure is enough, the time starts anew, and earlier good probes are forgotten."""
    await opened(breaker)
    await clock.advance(60)
    await breaker.call(answer)
    with pytest.raises(OutageError):
        await breaker.call(fail)
    assert breaker.state is BreakerState.OPEN
    with pytest.raises(CircuitOpenError) as caught:
        breaker.enter()
    assert caught.value.retry_after_s == 60.0
    await clock.advance(60)
    await breaker.call(answer)
    assert breaker.state is BreakerState.HALF_OPEN


async def test_one_of_many_callers_is_the_probe(breaker, clock):
    """Of 200 concurrent calls when it is half open, one reaches the provider."""
    await opened(breaker)
    await clock.advance(60)
    reached = []

    async def slow():
        reached.append(1)
        await clock.sleep(1)

    calls = [asyncio.create_task(breaker.call(slow)) for _ in range(200)]
    await clock.advance(1)
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert len(reached) == 1
    assert sum(isinstance(result, CircuitOpenError) for result in results) == 199


async def test_a_cancelled_probe_gives_its_place_back(breaker, clock):
    """It has shown nothing: the state stays, and the next caller is the probe."""
    await opened(breaker)
    await clock.advance(60)
    probe = asyncio.create_task(breaker.call(clock.sleep, 10))
    await asyncio.sleep(0)
    with pytest.raises(CircuitOpenError, match="at this moment"):
        breaker.enter()
    probe.cancel()
    with pytest.raises(asyncio.CancelledError):
        await probe
    assert await breaker.call(answer) == "answer"
    assert breaker.state is BreakerState.HALF_OPEN


async def test_results_of_before_it_opened_are_no_news(breaker, clock):
    """Late failures neither count again nor end a probe; late answers do not close it."""
    early = [breaker.enter() for _ in range(3)]
    await opened(breaker)
    breaker.leave(early[0], ok=False)
    await clock.advance(60)
    probe = breaker.enter()
    breaker.leave(early[1], ok=True)
    breaker.leave(early[2], ok=False)
    assert breaker.state is BreakerState.HALF_OPEN
    assert breaker.stats().opened == 1
    with pytest.raises(CircuitOpenError):
        breaker.enter()
    breaker.leave(probe, ok=True)
    breaker.leave(probe, ok=True)
    assert breaker.state is BreakerState.HALF_OPEN


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (OutageError("", provider="x"), False),
        (BadDataError("", provider="x"), False),
        (ConnectionError(), False),
        (NotFoundError("", provider="x"), True),
        (AuthenticationError("", provider="x"), True),
        (RateLimitedError("", provider="x"), None),
        (DeadlineError("", provider="x"), None),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_an_error_shows(error, shown):
    """A provider that refuses is there, one that complains of speed is neither well nor ill."""
    assert judge(error) is shown


@pytest.mark.parametrize(
    "rule", [BreakerRule(failures=0), BreakerRule(successes=0), BreakerRule(recovery_s=-1)]
)
def test_a_rule_that_cannot_work_is_refused(rule):
    """It is found when the breaker is made."""
    with pytest.raises(ValueError, match="counts from one"):
        Breaker("x", rule)


class AnyHistory(RuleBasedStateMachine):
    """Calls that begin and end in any order, and time that passes."""

    def __init__(self):
        super().__init__()
        self.clock = ManualClock()
        self.breaker = Breaker("x", BreakerRule(3, 2, 10.0), clock=self.clock)
        self.under_way, self.probes = [], set()

    @rule()
    def begin(self):
        """A call is let through, or rejected."""
        closed = self.breaker.state is BreakerState.CLOSED
        try:
            permit = self.breaker.enter()
        except CircuitOpenError:
            assert not closed
            return
        self.under_way.append(permit)
        if not closed:
            assert not self.probes
            self.probes.add(permit)

    @precondition(lambda self: self.under_way)
    @rule(data=st.data(), ok=st.sampled_from([True, False, None]))
    def end(self, data, ok):
        """Any call under way ends in any way."""
        permit = data.draw(st.sampled_from(self.under_way))
        self.under_way.remove(permit)
        before, probe = self.breaker.state, permit in self.probes
        self.breaker.leave(permit, ok)
        self.probes.discard(permit)
        if before is not BreakerState.CLOSED and not probe:
            assert self.breaker.state is before

    @rule(seconds=st.sampled_from([1.0, 9.0, 10.0]))
    def wait(self, seconds):
        """Time passes."""
        asyncio.run(self.clock.advance(seconds))

    @invariant()
    def is_never_stuck(self):
        """Without a probe under way, waiting is all it takes to be let through."""
        if self.breaker.state is BreakerState.HALF_OPEN and not self.probes:
            permit = self.breaker.enter()
            self.breaker.leave(permit, None)


TestAnyHistory = AnyHistory.TestCase
