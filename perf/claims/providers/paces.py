"""Row C8: the signal system's paces under more load than they take, and where they do not fit.

Counted on a virtual clock (`perf.claims.providers.virtual`), so minutes at a limit take
milliseconds and come out the same each time. The providers enforce what the real ones publish, and
forgive nothing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

from ava.clock import ManualClock
from ava.errors import ProviderError
from ava.net.client import Client
from ava.net.limiter import LocalLimiter
from ava.net.spec import ProviderSpec, Rate
from ava.providers import alpha_vantage, chat, massive
from perf.claim import Category, Plan, claim, counter_example, exactly
from perf.claims.providers.virtual import VIRTUAL, Virtual
from perf.instruments import Count, Counted, Occurrence, Witness
from perf.lab.lab import Lab

ANY_WAIT_S = 1e6

Question = Callable[[int], Awaitable[object]]
Ask = Callable[[Client, Sequence[str]], Question]


def _quotes_of(feed: type[Any]) -> Ask:
    def asking(client: Client, symbols: Sequence[str]) -> Question:
        made = feed(client)
        return lambda n: made.quote(symbols[n % len(symbols)], keep=None, deadline_s=ANY_WAIT_S)

    return asking


def _questions_to(model: str) -> Ask:
    def asking(client: Client, _symbols: Sequence[str]) -> Question:
        made = chat.Chat(client)
        return lambda n: made.complete(f"question {n}", model=model, deadline_s=ANY_WAIT_S)

    return asking


PACES: dict[str, tuple[ProviderSpec, Ask, float, str]] = {
    "massive": (
        massive.spec(massive.Plan.SIGNALS), _quotes_of(massive.Massive), 120.0,
        "5 a second, burst 10; the provider takes 100 a second",
    ),
    "alpha_vantage": (
        alpha_vantage.spec(alpha_vantage.SIGNALS), _quotes_of(alpha_vantage.AlphaVantage), 600.0,
        "0.2 a second, burst 5, beside the provider's one a second; the day's 25 are lifted",
    ),
    "xai": (
        chat.XAI_SPEC, _questions_to("grok-4"), 300.0,
        "1 a second, burst 5; the provider takes 8 a second",
    ),
    "perplexity": (
        chat.SONAR_SPEC, _questions_to("sonar"), 600.0,
        "1 a second, burst 5, beside the provider's 50 a minute (its lowest tier)",
    ),
}  # fmt: skip


@claim(
    id="C8.{provider}.refusals",
    rows=["C8"],
    title="{provider} refuses no call for coming too fast under more load than it takes",
    source="003.4",
    target=exactly(0, "refusals"),
    category=Category.RESILIENCE,
    cases=[{"provider": name} for name in PACES],
)
def pace_refusals(lab: Lab, provider: str) -> Plan:
    """Let 20 callers ask without end, and count what is refused."""
    spec, asking, within_s, pace = PACES[provider]

    async def count() -> Counted:
        desk = Virtual(provider, seed=lab.seed, unmetered=True)
        await desk.saturate(asking(desk.client(spec), desk.symbols), within_s)
        answered, most = desk.answered(within_s), allowed(spec, within_s)
        facts = {
            "limits": pace,
            "answered": answered,
            "share_of_the_limit_pct": round(100 * answered / most, 1),
            "seconds": within_s,
            "measured": VIRTUAL,
        }
        return Counted(desk.limited, facts)

    return Count(count, "refusals")


def allowed(spec: ProviderSpec, within_s: float) -> float:
    """Return the most calls that the spec's limits let through in a time from nothing."""
    return min(
        limit.burst + limit.permits * within_s / limit.per_s
        if isinstance(limit, Rate)
        else limit.permits * (within_s // limit.per_s + 1)
        for limit in spec.limits
    )


@claim(
    id="C8.refuted.sonar-lowest-tier",
    rows=["C8"],
    title="One call a second to Sonar is refused within ten minutes at the lowest tier",
    source="003.4",
    target=counter_example(),
    category=Category.RESILIENCE,
)
def sonar_lowest_tier(lab: Lab) -> Plan:
    """Ask at the document's pace alone: 60 a minute where 50 are taken."""
    spec = chat.sonar_spec(chat.SIGNALS)
    return _refused_at(lab, spec, _questions_to("sonar"), 600.0, "60 a minute are more than 50")


@claim(
    id="C8.refuted.alpha-vantage-burst",
    rows=["C8"],
    title="A burst of 5 to Alpha Vantage is refused",
    source="003.4",
    target=counter_example(),
    category=Category.RESILIENCE,
)
def alpha_vantage_burst(lab: Lab) -> Plan:
    """Ask at the document's pace alone: five at once where one a second is taken."""
    spec = replace(alpha_vantage.SPEC, limits=(alpha_vantage.SIGNALS,))
    asking = _quotes_of(alpha_vantage.AlphaVantage)
    return _refused_at(lab, spec, asking, 4.0, "the provider takes one call a second")


def _refused_at(lab: Lab, spec: ProviderSpec, asking: Ask, within_s: float, why: str) -> Plan:
    """Return a witness that a pace of its own is refused by its provider."""

    async def example() -> Occurrence:
        desk = Virtual(spec.name, seed=lab.seed)
        once = replace(spec, retry=replace(spec.retry, attempts=1))
        ask = asking(desk.client(once), desk.symbols)

        async def try_to(number: int) -> None:
            if not desk.limited:  # the first refusal is the example; what follows adds nothing
                with contextlib.suppress(ProviderError):
                    await ask(number)
            else:
                await desk.clock.sleep(within_s)

        await desk.saturate(try_to, within_s, callers=5)
        facts = {"refused": desk.limited, "calls": len(desk.arrived), "measured": VIRTUAL}
        return Occurrence(desk.limited > 0, why, facts)

    return Witness(example)


@claim(
    id="C8.refuted.five-a-minute",
    rows=["C8"],
    title="0.2 calls a second with a burst of 5 are more than 5 a minute",
    source="003.4",
    target=counter_example(),
    category=Category.RESILIENCE,
)
def five_a_minute(_lab: Lab) -> Plan:
    """Count the calls that the document's token bucket lets through in its first minute."""

    async def example() -> Occurrence:
        clock = ManualClock(jump=True)
        limiter = LocalLimiter("alpha_vantage", (alpha_vantage.SIGNALS,), clock=clock)
        passed = 0
        await limiter.acquire()
        while clock.monotonic() < 60:
            passed += 1
            await limiter.acquire()
        return Occurrence(
            passed > 5,
            "0.2 a second are 12 a minute, and the burst comes on top",
            {"in_the_first_minute": passed, "document": "0.2 req/s (5/min), burst=5"},
        )

    return Witness(example)
