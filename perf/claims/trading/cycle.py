"""Rows T4 and T9: a cycle of document 003, and the components of an iteration as 004 lists them.

See `perf.claims.trading.stage` for what both loops have in common.
"""

from __future__ import annotations

from ava.signals.accounts import Component
from perf.claim import Category, Plan, at_least, at_most, claim
from perf.claims.trading.stage import FACTS, Stage, both, names, nine_of_ten, stored
from perf.instruments import Arm, Compare
from perf.lab.lab import Lab
from perf.sample import Scale

_CYCLE = 36  # symbols: 003 counts about 36 calls a cycle, one a symbol
_CYCLE_FACTS = {**FACTS, "symbols": _CYCLE, "document_s": {"before": 0.72, "after": 0.3}}


@claim(
    id="T4.cycle",
    rows=["T4"],
    profiles=("full",),
    title="A signal cycle of 36 symbols takes under 0.3 s",
    source="003 targets",
    category=Category.LATENCY,
    target=at_most(300, "ms"),
)
async def cycle(lab: Lab) -> Plan:
    """Run whole cycles, slow tenths included."""
    stage = Stage(lab)
    loop = await stage.loop(names(_CYCLE), stage.asked(stage.massive()))
    facts = {**_CYCLE_FACTS}
    return stage.ending(nine_of_ten(Arm(lambda: stored(loop)), facts))


@claim(
    id="T4.cycle.faster",
    rows=["T4"],
    profiles=("full",),
    title="A signal cycle is 60 % faster than 36 calls one after the other",
    source="003 targets",
    category=Category.LATENCY,
    target=at_least(60, "%"),
)
async def cycle_faster(lab: Lab) -> Plan:
    """Run whole cycles by both loops."""
    stage, before, after, _ = await both(lab, _CYCLE)
    plan = Compare(
        Arm(before.iterate),
        Arm(lambda: stored(after)),
        scale=Scale.SAVING,
        facts=_CYCLE_FACTS,
        budget_s=2.0,
    )
    return stage.ending(plan)


# What of ours does what the document's component does.
_SAME = {
    "fetch": (Component.FETCH,),
    "predict": (Component.DETECT, Component.PREDICT),
    "store": (Component.STORE,),
    "execute": (Component.EXECUTE,),
    "monitor": (Component.MONITOR,),
}
_DOCUMENTED = {"fetch": "50-100", "predict": "100-200", "store": "20-50", "monitor": "10-20"}


@claim(
    id="T9.components",
    rows=["T9"],
    profiles=("full",),
    title="An iteration with 10 symbols takes under 100 ms in all its components",
    source="004 trading loop performance",
    category=Category.LATENCY,
    target=at_most(100, "ms"),
)
async def components(lab: Lab) -> Plan:
    """Account for 15 iterations of both loops by component, then time whole ones."""
    stage, before, after, parts = await both(lab, 10)
    iterations = 15
    for _ in range(iterations):
        before.iterate()
        await stored(after)
    table = after.accounts.table()
    rows = []
    for name, ours in _SAME.items():
        median_ms = 1e3 * sum(table[component].median_s for component in ours)
        theirs = parts.spent.get(name)
        theirs_ms = None if theirs is None else round(1e3 * theirs / iterations, 2)
        rows.append([name, _DOCUMENTED.get(name), theirs_ms, round(median_ms, 3)])
    columns = ["component", "document says, ms", "document's loop, ms", "ours, ms"]
    facts = {
        **FACTS,
        "symbols": 10,
        "components": {"columns": columns, "rows": rows, "bars": columns[2:]},
        "monitor": "what the document's loop monitors is not shown there, so it is not in it here",
        "predict": "the document's 100-200 ms are of a model it does not show; its mock takes none",
    }
    return stage.ending(nine_of_ten(Arm(lambda: stored(after)), facts))
