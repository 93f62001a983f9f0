"""Rows L2 and C4: the circuit breaker, its three figures, its one probe, and what it costs.

Times are virtual: a clock that stands still until it is moved.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from ava.clock import ManualClock
from ava.errors import CircuitOpenError, OutageError
from ava.net.breaker import Breaker, BreakerState
from ava.net.spec import BreakerRule
from perf.claim import Category, Plan, at_least, claim, exactly
from perf.instruments import Arm, Compare, Count, Counted
from perf.lab import Unavailable
from perf.lab.lab import Lab

LOOPS = 1000
CURE = "pip install 'ava-perf[peers]'"
RULES = {
    "default": BreakerRule(),
    "odds": BreakerRule(failures=3, recovery_s=300.0),
}
CASES = (
    {"rule": "default", "failures": 5, "recovery": 60, "source": "003.5"},
    {"rule": "odds", "failures": 3, "recovery": 300, "source": "001.3"},
)


async def _fail() -> None:
    raise OutageError("down", provider="bench")


async def _answer() -> int:
    return 1


@claim(
    id="L2.closed-call",
    rows=["L2"],
    title="A call through the closed breaker costs at most half of one through circuitbreaker",
    source="product target",
    category=Category.LATENCY,
    target=at_least(2, "x"),
)
def closed_call(lab: Lab) -> Plan:  # noqa: ARG001 - nothing of the lab is needed
    """Call a function that does nothing, a thousand times."""
    theirs = _circuitbreaker(recovery_s=60)(_answer)
    ours = Breaker("bench", BreakerRule())

    async def before() -> int:
        return sum([await theirs() for _ in range(LOOPS)])

    async def after() -> int:
        return sum([await ours.call(_answer) for _ in range(LOOPS)])

    facts = {
        "before": "a coroutine function decorated by circuitbreaker",
        "after": "the same function through Breaker.call",
    }
    return Compare(Arm(before), Arm(after), facts=facts)


def _circuitbreaker(recovery_s: float) -> Any:
    try:
        # A peer: it may be missing, and ships no types.
        from circuitbreaker import (  # type: ignore[import-untyped]  # noqa: PLC0415
            CircuitBreaker,
        )
    except ImportError:
        raise Unavailable("circuitbreaker is not installed", CURE) from None
    return CircuitBreaker(failure_threshold=5, recovery_timeout=recovery_s)


async def _opened(breaker: Breaker) -> int:
    """Fail until it opens, and return how often that was."""
    failures = 0
    while breaker.state is BreakerState.CLOSED:
        failures += 1
        await asyncio.gather(breaker.call(_fail), return_exceptions=True)
    return failures


async def _recovery_s(breaker: Breaker, clock: ManualClock) -> int:
    """Try every virtual second until a call is let through; return how many passed."""
    for second in range(1000):
        try:
            await breaker.call(_answer)
        except CircuitOpenError:
            await clock.advance(1)
        else:
            return second
    raise RuntimeError("the breaker never let a call through")


def _history(rule: str, what: str) -> Plan:
    """Open a breaker, wait, close it, and count one figure of that."""

    async def count() -> Counted:
        clock = ManualClock()
        breaker = Breaker("bench", RULES[rule], clock=clock)
        seen = {"failures": await _opened(breaker)}
        seen["virtual seconds"] = await _recovery_s(breaker, clock)
        seen["successes"] = 1
        while breaker.state is not BreakerState.CLOSED:
            await breaker.call(_answer)
            seen["successes"] += 1
        return Counted(seen[what], {"history": seen})

    return Count(count, what)


@claim(
    id="L2.breaker.opens.{rule}",
    rows=["L2", "C4"],
    title="The {rule} breaker opens after {failures} failures in a row",
    source="{source}",
    category=Category.RESILIENCE,
    target=lambda failures, **_: exactly(failures, "failures"),
    cases=CASES,
)
def opens(lab: Lab, rule: str, **_case: Any) -> Plan:  # noqa: ARG001 - nothing of the lab is needed
    """Fail until it opens."""
    return _history(rule, "failures")


@claim(
    id="L2.breaker.recovers.{rule}",
    rows=["L2", "C4"],
    title="The {rule} breaker lets a call through again after {recovery} s, in virtual time",
    source="{source}",
    category=Category.RESILIENCE,
    target=lambda recovery, **_: exactly(recovery, "virtual seconds"),
    cases=CASES,
)
def recovers(lab: Lab, rule: str, **_case: Any) -> Plan:  # noqa: ARG001 - nothing of the lab is needed
    """Try every virtual second until one call is let through."""
    return _history(rule, "virtual seconds")


@claim(
    id="L2.breaker.closes",
    rows=["L2"],
    title="Two good probes close the breaker",
    source="003.5",
    category=Category.RESILIENCE,
    target=exactly(2, "successes"),
)
def closes(lab: Lab) -> Plan:  # noqa: ARG001 - nothing of the lab is needed
    """Answer until it closes."""
    return _history("default", "successes")


@claim(
    id="L2.half-open.one-probe",
    rows=["L2"],
    title="Of 200 concurrent calls to a half-open breaker one reaches the provider",
    source="peers: Breakers",
    category=Category.RESILIENCE,
    target=exactly(1, "calls"),
)
def one_probe(lab: Lab) -> Plan:  # noqa: ARG001 - nothing of the lab is needed
    """Let 200 callers come at once when the recovery time is over, to ours and to a peer."""

    async def count() -> Counted:
        clock = ManualClock()
        breaker = Breaker("bench", BreakerRule(), clock=clock)
        await _opened(breaker)
        await clock.advance(60)
        theirs = _circuitbreaker(recovery_s=0)
        failing = theirs(_fail)
        await asyncio.gather(*(failing() for _ in range(5)), return_exceptions=True)
        ours_reached = await _flood(breaker.call)
        theirs_reached = await _flood(lambda probe: theirs(probe)())
        rows = [["ava", ours_reached], ["circuitbreaker", theirs_reached]]
        table = {"columns": ["breaker", "of 200 calls reach the provider"], "rows": rows}
        return Counted(ours_reached, {"table": table})

    return Count(count, "calls")


async def _flood(call: Callable[[Callable[[], Awaitable[None]]], Awaitable[None]]) -> int:
    """Make 200 calls at once that end together; return how many got through the breaker."""
    reached, gate = 0, asyncio.Event()

    async def probe() -> None:
        nonlocal reached
        reached += 1
        await gate.wait()

    async def caller() -> None:
        await call(probe)

    callers = [asyncio.create_task(caller()) for _ in range(200)]
    for _ in range(5):  # every caller has by then entered, or been turned away
        await asyncio.sleep(0)
    gate.set()
    await asyncio.gather(*callers, return_exceptions=True)
    return reached
