"""The platform's claims: found by discovery, and none of the database rows without one."""

import pytest

from perf.claim import ClaimError, TargetKind, claim, discover, exactly, read

CATALOGUE = discover(["perf.claims"])
DATABASE_ROWS = [f"D{number}" for number in range(1, 15)]


@pytest.mark.parametrize("row", DATABASE_ROWS)
def test_every_database_row_has_a_claim(row):
    """No row of the documents' database table is left unjudged in the quick profile."""
    assert any(row in found.rows and "quick" in found.profiles for found in CATALOGUE.claims)


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
