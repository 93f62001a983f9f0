"""What the claim about kills would find, and a few kills."""

from dataclasses import replace
from decimal import Decimal

import pytest

from perf.claims.trading.child import executions
from perf.claims.trading.kills import Kept, added, faults, kept_locally, killed
from perf.instruments import Counted

ORDERS = {"1": ("A", "buy", Decimal(10)), "2": ("A", "sell", Decimal(4))}
GOOD = Kept(ORDERS, ORDERS, {"A": Decimal(6)}, sound=True)
DONE = ["1", "2"]
ONE = {"1": ORDERS["1"]}


def found(kept=GOOD, executed=DONE, calm=GOOD):
    """Return the faults there are."""
    return {what for what, times in faults(kept, executed, calm).items() if times}


def test_what_fits_has_no_fault():
    """The three records say the same."""
    assert found() == set()


@pytest.mark.parametrize(
    ("kept", "executed", "expected"),
    [
        (GOOD, ["1", "2", "2"], {"executed more than once"}),
        (GOOD, ["1"], {"ordered and not executed", "filled and not executed"}),
        (
            replace(GOOD, fills=ONE),
            DONE,
            {"executed without a fill", "holdings other than their fills"},
        ),
        (replace(GOOD, held={"A": Decimal(5)}), DONE, {"holdings other than their fills"}),
        (replace(GOOD, sound=False), DONE, {"damage found in the file"}),
    ],
)
def test_each_fault_is_found(kept, executed, expected):
    """A lost fill, a double execution, a holding that does not add up, a torn file."""
    assert found(kept, executed) == expected


def test_an_order_that_a_calm_run_has_not_is_a_fault():
    """A run that was killed decides what a run that was not would have."""
    calm = Kept(ONE, ONE, {"A": Decimal(10)}, sound=True)
    assert found(calm=calm) == {"orders that a calm run has not, or has alone"}


def test_a_few_kills_lose_nothing(lab):
    """A hundred are in the full audit."""
    place, calm = (str(lab.scratch / f"{name}.db") for name in ("killed", "calm"))
    counted = killed(lab, place, calm, kept_locally, 2)
    assert counted.value == 0, counted.facts
    assert len(executions(lab.scratch / "executions0.txt")) == counted.facts["orders"] > 10


def test_faults_of_several_stores_are_added():
    """Counts are summed, kind by kind; what is said once is said once."""
    table = {"columns": ["fault", "found"], "rows": [["lost", 1], ["torn", 0]]}
    one = Counted(1, {"kills": 50, "moment": "seeded", "table": table})
    both = added([one, one])
    assert (both.value, both.facts["kills"], both.facts["moment"]) == (2, 100, "seeded")
    assert both.facts["table"]["rows"] == [["lost", 2], ["torn", 0]]
