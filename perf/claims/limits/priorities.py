"""Row L4: interactive calls go before background ones, and those still advance.

Who waits how long is counted on a clock that stands still until it is moved, where every run is the
same, and timed once more on the machine's.
"""

from __future__ import annotations

import asyncio
from statistics import mean

from ava.clock import ManualClock
from ava.net.limiter import LocalLimiter
from ava.net.spec import Priority, Rate, Window
from perf.claim import Category, Plan, at_least, at_most, claim
from perf.instruments import Arm, Compare, Count, Counted
from perf.lab.lab import Lab


async def _saturate(callers: int, permits: int) -> dict[Priority, list[float]]:
    """Let as many callers of each priority come again and again; return their waits, in virtual s.

    The limit grants ten a second, and everybody asks again as soon as it was served.
    """
    clock, waits = ManualClock(), {priority: list[float]() for priority in Priority}
    limiter = LocalLimiter("bench", [Window(1, 0.1)], clock=clock)

    async def caller(priority: Priority) -> None:
        while True:
            asked = clock.monotonic()
            await limiter.acquire(priority=priority)
            waits[priority].append(clock.monotonic() - asked)

    tasks = [asyncio.create_task(caller(p)) for _ in range(callers) for p in Priority]
    await clock.advance(permits * 0.1)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return waits


@claim(
    id="L4.saturated.wait",
    rows=["L4"],
    title="Under saturation interactive calls wait at most a fifth of background ones, in virtual"
    " time",
    source="000 AI-2",
    category=Category.RESILIENCE,
    target=at_most(20, "% of the background wait"),
)
def saturated_wait(lab: Lab) -> Plan:  # noqa: ARG001 - nothing of the lab is needed
    """Let ten callers of each kind ask again and again for a thousand permits."""

    async def count() -> Counted:
        waits = await _saturate(10, 1000)
        means = {str(p.name).lower(): mean(waits[p][10:]) for p in Priority}
        share = 100 * means["interactive"] / means["background"]
        return Counted(round(share, 6), {"mean_wait_s": means})

    return Count(count, "% of the background wait")


@claim(
    id="L4.saturated.background",
    rows=["L4"],
    title="Under saturation one permit in ten goes to background calls, which never stop",
    source="000 AI-2",
    category=Category.RESILIENCE,
    target=at_least(10, "% of permits"),
)
def background_goes_on(lab: Lab) -> Plan:  # noqa: ARG001 - nothing of the lab is needed
    """Count who got the permits of the same flood."""

    async def count() -> Counted:
        waits = await _saturate(10, 1000)
        got = {str(p.name).lower(): len(waits[p]) for p in Priority}
        share = 100 * got["background"] / sum(got.values())
        return Counted(round(share), {"granted": got, "exact_share": share})

    return Count(count, "% of permits")


@claim(
    id="L4.saturated.real",
    rows=["L4"],
    title="Under saturation a background call waits at least five times as long as a person's",
    source="000 AI-2",
    category=Category.LATENCY,
    target=at_least(5, "x"),
)
async def saturated_real(lab: Lab) -> Plan:  # noqa: ARG001 - nothing of the lab is needed
    """Time one call of each kind amid callers that never stop, on the machine's clock."""
    limiter = LocalLimiter("bench", [Rate(2000)])

    async def caller(priority: Priority) -> None:
        while True:
            await limiter.acquire(priority=priority)

    tasks = [asyncio.create_task(caller(p)) for _ in range(5) for p in Priority]

    def arm(priority: Priority) -> Arm:
        async def run() -> bool:
            await limiter.acquire(priority=priority)
            return not any(task.done() for task in tasks)

        return Arm(run)

    facts = {
        "before": "a background call's wait, at 2,000 permits a second and ten callers",
        "after": "an interactive call's wait in the same crowd",
    }
    arms = arm(Priority.BACKGROUND), arm(Priority.INTERACTIVE)
    return Compare(*arms, facts=facts, budget_s=0.8)
