"""The platform's claims: found by discovery, and no row of the documents forgotten."""

from pathlib import Path

import pytest

from perf.claim import ClaimError, TargetKind, claim, discover, exactly, read

CATALOGUE = discover(["perf.claims"])
ROOT = Path(__file__).parent.parent
ROWS = [
    f"{letter}{number}"
    for letter, last in zip("CKLDSTOIHU", (9, 9, 4, 14, 9, 10, 4, 3, 9, 4), strict=True)
    for number in range(1, last + 1)
]
# Rows about the harness itself are shown by tests rather than by claims it would make of itself.
TESTED = {
    "H2": "tests/engine/test_benching.py",
    "H4": "tests/db/test_functions.py",
    "H5": "tests/engine/test_profiling.py",
    "H6": "tests/gate/test_gate_suites.py",
    "H7": "tests/report/test_report_html.py",
    "H8": "tests/engine/test_history.py",
    "H9": "tests/test_guides.py",
}
UNBUILT = {
    "the database audit is not built yet": "I2 I3",
}


def rows_with_a_claim():
    return {row for found in CATALOGUE.claims for row in found.rows}


@pytest.mark.parametrize("row", ROWS)
def test_every_row_has_a_claim_a_test_or_a_stated_reason(row):
    """No row of the documents is forgotten."""
    unbuilt = " ".join(UNBUILT.values()).split()
    assert row in rows_with_a_claim() or row in TESTED or row in unbuilt


@pytest.mark.parametrize("reason", UNBUILT)
def test_a_reason_goes_when_the_row_is_built(reason):
    """A row with a claim no longer needs an excuse."""
    assert rows_with_a_claim() & set(UNBUILT[reason].split()) == set()


@pytest.mark.parametrize("row", TESTED)
def test_the_test_of_a_row_is_there(row):
    """A row that is shown by a test names one that exists."""
    assert "def test_" in (ROOT / TESTED[row]).read_text(encoding="utf-8")


def test_an_id_leads_with_a_row_of_its_claim():
    """The id alone tells where in the documents a claim belongs."""
    assert [c.id for c in CATALOGUE.claims if c.id.split(".")[0] not in c.rows] == []


def test_enough_claims_are_judged_without_a_clock():
    """Continuous integration has something to decide by on a noisy machine."""
    counted = [found for found in CATALOGUE.claims if not found.target.timed]
    assert len(counted) >= 40


def test_the_documents_are_refuted_in_at_least_six_places():
    """Each refutation is a claim with a counter-example that runs."""
    kinds = [found.target.kind for found in CATALOGUE.claims]
    assert kinds.count(TargetKind.COUNTER_EXAMPLE) >= 6


def test_every_claim_names_its_source():
    """A figure without a document is not a claim."""
    assert [found.id for found in CATALOGUE.claims if not found.source.strip()] == []


def test_an_unknown_claim_is_refused():
    """The message says how to see those there are."""
    with pytest.raises(ClaimError, match="ava-perf list"):
        CATALOGUE.find("D3.nothing")


def test_an_id_that_is_no_id_is_refused():
    """Ids are typed into commands, so they keep to one form."""
    with pytest.raises(ClaimError, match="malformed"):
        claim(id="odds sync", rows=["D3"], title="t", source="s", target=exactly(1, "x"))(len)


class _Module:
    """Stands in for a module of claims."""

    __name__ = "twice"

    def __init__(self):
        declare = claim(id="D3.a", rows=["D3"], title="t", source="s", target=exactly(1, "n"))
        for name in ("one", "two"):
            body = declare(_body(name))
            setattr(self, name, body)


def _body(name):
    def body(lab):
        return lab

    body.__module__, body.__name__ = "twice", name
    return body


def test_two_claims_of_one_id_are_refused():
    """Otherwise one verdict would overwrite the other in every report."""
    with pytest.raises(ClaimError, match="declared in twice and again in twice"):
        read([_Module()])
