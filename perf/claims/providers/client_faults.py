"""Row C1: what becomes of a call when the provider or the way to it fails, for every provider.

Each fault of the simulator befalls a question to each of the ten providers, once and for good. A
wrong outcome is a wrong value, an error of another kind than the fault's, an error that is not
ours, or a call past its deadline. Waits between attempts are on clocks that jump over them; the
faults themselves take the time they take.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from ava.errors import (
    BadDataError,
    OutageError,
    ProviderError,
    QuotaExhaustedError,
    RateLimitedError,
)
from ava.net.spec import BreakerRule, RetryRule, Timeouts
from ava.providers.chat import Completion
from perf.claim import Category, Plan, claim, exactly
from perf.claims.providers.outside import SPECS, Ask, Outside, outcomes, question
from perf.claims.providers.virtual import VIRTUAL, Virtual
from perf.instruments import Count, Counted
from perf.lab.lab import Lab
from perf.lab.providers import Fault, Kind, Simulation

# What a fault that lasts must end as; one that passes ends as the right answer.
LASTING: Mapping[Kind, type[ProviderError] | None] = {
    Kind.STATUS: OutageError,
    Kind.TOO_FAST: RateLimitedError,
    Kind.SPENT: QuotaExhaustedError,
    Kind.SILENCE: OutageError,
    Kind.DRIP: OutageError,
    Kind.RESET: OutageError,
    Kind.DROP: None,  # a new connection is spared, so the question is answered all the same
    Kind.SHORT: OutageError,
    Kind.GARBAGE: BadDataError,
    Kind.TRUNCATED: BadDataError,
    Kind.WRONG_TYPES: BadDataError,
    Kind.WRONG_CONTENT: BadDataError,
}
HAVE_A_QUOTA = frozenset({"alpha_vantage", "odds_api", "xai"})
SLOW = frozenset({Kind.SILENCE, Kind.DRIP})
# Long against an answer from this machine, short against the patience of a reader.
CHANGED = {
    "retry": RetryRule(attempts=2, reserve=10_000),
    "breaker": BreakerRule(failures=10_000),
    "timeouts": Timeouts(connect_s=0.25, read_s=0.25, total_s=300.0),
}
REAL_S = 5.0  # two attempts of half a second, and room for a busy machine


@claim(
    id="C1.faults.outcomes",
    rows=["C1"],
    title="Every fault at every provider ends in time, as the right error or the right answer",
    source="000.7, 001.3",
    target=exactly(0, "wrong outcomes"),
    category=Category.RESILIENCE,
)
def fault_outcomes(lab: Lab) -> Plan:
    """Run the matrix: faults x providers x (passing, lasting)."""
    simulation = lab.providers()

    async def count() -> Counted:
        outside = Outside(simulation, CHANGED, jumping=True)
        questions = outside.questions()
        right = await outcomes(questions)
        wrong = [f"{name}: {value!r}" for name, value in right.items() if _failed(value)]
        cases, rows = len(right), []
        for kind, lasting in LASTING.items():
            for times in (1, None):
                found, seconds = await _under(simulation, Fault(kind, times=times), questions)
                judged = {
                    name: _is_right(kind, times, lasting, value, right[name])
                    for name, value in found.items()
                    if kind is not Kind.SPENT or name in HAVE_A_QUOTA
                }
                cases += len(judged)
                late = seconds > REAL_S
                bad = sorted(name for name, good in judged.items() if late or not good)
                wrong += [f"{kind} at {name}: {type(found[name]).__name__}" for name in bad]
                length = "once" if times else "for good"
                rows.append([kind.value, length, len(judged), len(bad)])
        await outside.aclose()
        table = {"columns": ["fault", "how long", "providers", "wrong"], "rows": rows}
        return Counted(len(wrong), {"cases": cases, "wrong": wrong, "table": table})

    return Count(count, "wrong outcomes", repeats=1)


@claim(
    id="C1.faults.connections",
    rows=["C1"],
    profiles=("full",),
    title="Faults and cancelled calls leave no connection behind",
    source="product target",
    target=exactly(0, "leaked connections"),
    category=Category.RESILIENCE,
)
def fault_connections(lab: Lab) -> Plan:
    """Break and cancel calls to all providers, close, and count sockets on both sides."""
    simulation = lab.providers()
    kinds = (Kind.RESET, Kind.SHORT, Kind.DROP, Kind.TRUNCATED, Kind.SILENCE)

    async def count() -> Counted:
        before = _sockets()
        outside = Outside(simulation, CHANGED, jumping=True)
        questions = outside.questions()
        await outcomes(questions)
        for kind in kinds:
            await _under(simulation, Fault(kind), questions)
        for turns in range(0, 60, 3):
            await _cancelled(questions, turns)
        held = sum(simulation.counts(name).open for name in questions)
        await outside.aclose()
        ours, theirs = await _left(simulation, before)
        facts = {"open before closing": held, "sockets here": ours, "at the providers": theirs}
        return Counted(ours + theirs, facts)

    return Count(count, "leaked connections")


@claim(
    id="C1.keys.redacted",
    rows=["C1"],
    title="No error, traceback or log line of any failing call holds the key it was made with",
    source="product target",
    target=exactly(0, "leaks"),
    category=Category.RESILIENCE,
)
def keys_redacted(lab: Lab) -> Plan:
    """Fail in every quick way, and look for the keys in all that was told and logged."""
    simulation = lab.providers()
    secrets = {name: simulation.key(name) for name in simulation.names if name != "yahoo"}

    async def count() -> Counted:
        outside = Outside(simulation, CHANGED, jumping=True)
        questions = outside.questions()
        await outcomes(questions)
        errors: list[BaseException] = []
        with _logged() as lines:
            for kind in (kind for kind in LASTING if kind not in SLOW):
                found, _ = await _under(simulation, Fault(kind, times=None), questions)
                errors += [value for value in found.values() if isinstance(value, BaseException)]
        await outside.aclose()
        texts = [text for error in errors for text in _told(error)] + lines
        leaks = sum(key in text for text in texts for key in secrets.values())
        facts = {"errors": len(errors), "log lines": len(lines), "keys": len(secrets)}
        return Counted(leaks, facts)

    return Count(count, "leaks")


@claim(
    id="C1.limits.refused",
    rows=["C1", "C9"],
    title="In virtual time, under more load than they take, no provider says that calls come too"
    " fast",
    source="003.4, 001.11",
    target=exactly(0, "refused calls"),
    category=Category.RESILIENCE,
)
def limits_refused(lab: Lab) -> Plan:
    """Let 20 callers a provider ask on for as long as its limits are, in virtual time."""

    async def count() -> Counted:
        rows, refused = [], 0
        for name, spec in SPECS.items():
            seconds = 2.0 + max([10.0, *(limit.per_s for limit in spec.limits)])
            virtual = Virtual(name, seed=lab.seed, unmetered=True)
            patient = replace(spec, timeouts=Timeouts(total_s=10_000))  # nobody leaves the line
            await virtual.saturate(question(virtual.client(patient)), seconds)
            limits = ", ".join(map(str, spec.limits)) or "none known"
            refused += virtual.limited
            rows.append([name, limits, seconds, len(virtual.arrived), virtual.limited])
        columns = ["provider", "our limits", "seconds", "calls", "refused"]
        facts = {"clock": VIRTUAL, "table": {"columns": columns, "rows": rows}}
        return Counted(refused, facts)

    return Count(count, "refused calls", repeats=1)


async def _under(
    simulation: Simulation, fault: Fault, questions: Mapping[str, Ask]
) -> tuple[dict[str, Any], float]:
    """Ask all under a fault; return what came of it, and the real seconds it took."""
    loop = asyncio.get_running_loop()
    simulation.fault(None, fault)
    started = loop.time()
    found = await outcomes(questions)
    seconds = loop.time() - started
    simulation.fault(None)
    return found, seconds


def _is_right(
    kind: Kind, times: int | None, lasting: type[ProviderError] | None, value: Any, right: Any
) -> bool:
    # A spent quota is the truth at once: asking again is what a client must not do.
    if lasting is not None and (times is None or kind is Kind.SPENT):
        return type(value) is lasting
    if isinstance(value, Completion) and isinstance(right, Completion):
        return value.model == right.model and bool(value.text)  # the words differ each time
    return bool(value == right)


def _failed(value: Any) -> bool:
    return isinstance(value, BaseException)


async def _cancelled(questions: Mapping[str, Ask], turns: int) -> None:
    tasks = [asyncio.ensure_future(ask()) for ask in questions.values()]
    for _ in range(turns):
        await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


def _sockets() -> int:
    """Count this process's sockets."""
    found = 0
    for link in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # the descriptor of the listing itself is gone by now
            found += str(link.readlink()).startswith("socket:")
    return found


async def _left(simulation: Simulation, before: int) -> tuple[int, int]:
    """Return the sockets that remain here and there, once both sides had time to close."""
    for _ in range(50):
        gc.collect()
        await asyncio.sleep(0.01)
        theirs = sum(simulation.counts(name).open for name in simulation.names)
        ours = max(0, _sockets() - before)
        if not ours + theirs:
            break
    return ours, theirs


def _told(error: BaseException) -> list[str]:
    """Return every text there is of an error and of what it was raised from."""
    texts = ["".join(traceback.format_exception(error))]
    errors = [error]
    while errors:
        one = errors.pop()
        texts += [repr(one), repr(vars(one))]
        errors += [other for other in (one.__cause__, one.__context__) if other is not None]
    return texts


@contextmanager
def _logged() -> Iterator[list[str]]:
    """Collect every log line of every library for the length of a block."""
    lines: list[str] = []

    class Collect(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(self.format(record))

    root, handler = logging.getLogger(), Collect()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield lines
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
