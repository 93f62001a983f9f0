"""Selecting claims by expression."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.claim import Category, Claim, at_least
from perf.select import SelectionError, parse


def make(claim_id, rows=("D3",), title="Odds sync is faster"):
    """Return a claim of that id."""
    return Claim(
        claim_id, rows, title, "000.6", Category.DATABASE, at_least(1, "x"), lambda _: None
    )


ODDS = make("D3.odds-sync.n50-rtt1")
POOL = make("D1.pool.size", rows=("D1", "S5"), title="One pool serves both faces")


@pytest.mark.parametrize(
    ("expression", "chosen"),
    [
        ("D3", [ODDS]),
        ("d3", [ODDS]),
        ("S5", [POOL]),
        ("D", [ODDS, POOL]),
        ("odds and rtt1", [ODDS]),
        ("odds and rtt5", []),
        ("odds or pool", [ODDS, POOL]),
        ("not odds", [POOL]),
        ("not (odds or pool)", []),
        ("database", [ODDS, POOL]),
        ("'both faces'", [POOL]),
        ("pool and not odds or odds", [ODDS, POOL]),
    ],
)
def test_an_expression_chooses(expression, chosen):
    """Words match ids, rows, categories and titles; operators bind as in Python."""
    assert [claim for claim in (ODDS, POOL) if parse(expression)(claim)] == chosen


@pytest.mark.parametrize(
    "expression", ["", "and", "odds and", "(odds", "odds)", "not", "'open", "or x"]
)
def test_a_broken_expression_is_an_error(expression):
    """Nothing is guessed: a run of the wrong claims looks like a run of the right ones."""
    with pytest.raises(SelectionError):
        parse(expression)


@given(st.text(alphabet="ab ()'\"andornot-", max_size=30))
def test_any_text_is_parsed_or_refused(expression):
    """No input ends in another kind of error."""
    try:
        predicate = parse(expression)
    except SelectionError:
        return
    assert predicate(ODDS) in {True, False}
