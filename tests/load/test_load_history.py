"""What the history keeps of a load run: the figures of a whole, valid one, and no others."""

from __future__ import annotations

import json

import pytest
from load_samples import result

from perf.history import intake, store
from perf.load import judged
from perf.load.result import NAME
from perf.load.scenario import error_rate

RUN = {
    "id": "20260101T000000-load-sample",
    "started": "2026-01-01T00:00:00Z",
    "commit": "abc",
    "dirty": True,
    "subject": "127.0.0.1:8000",
}
SURE = {"low": 90.0, "high": 99.0, "sure": True, "why": "found"}


def document(run, capacity=None):
    """Return a run's file."""
    whole = {"run": RUN, "environment": {"machine": "m"}, "load": {"capacity": capacity}}
    return judged.file_of(run, whole)


@pytest.fixture
def keep(tmp_path):
    """Return what keeps a run, and returns the lines of the history and what was told."""

    def kept(run, capacity=None):
        said = []
        intake.keep(tmp_path / "history.jsonl", NAME, document(run, capacity), said.append)
        return store.lines(tmp_path / "history.jsonl")[0], "".join(said)

    return kept


def test_a_run_is_known_by_its_load(keep):
    """Request, rate and what was loaded: another rate or another server is another series."""
    (line,), _ = keep(result())
    assert line["source"] == "load run of 127.0.0.1:8000"
    assert {one["name"] for one in line["figures"]} == {"sample/steady/page at 100/s"}
    assert (line["commit"], line["dirty"], line["machine"]) == ("abc", True, "m")


def test_users_are_named_where_there_is_no_rate(keep):
    """A closed run's load is how many ask."""
    run = result()
    phases = [{**run.scenario["phases"][0], "rate": None}]
    (line,), _ = keep(result(scenario={**run.scenario, "phases": phases, "users": 7}))
    assert line["figures"][0]["name"] == "sample/steady/page by 7 users"


def test_the_file_of_a_kept_run_is_known(keep, tmp_path):
    """Its report's file holds when, where and on which commit it was, as the history does."""
    keep(result())
    file = tmp_path / NAME
    file.write_text(json.dumps(document(result())))
    assert intake.take(tmp_path / "history.jsonl", file).known == 1


def test_a_run_that_is_not_valid_is_not_kept(keep):
    """What was not measured is no point of a trend."""
    lines, said = keep(result(stopped=True))
    assert lines == []
    assert "not kept in the history" in said
    assert "the run was stopped early" in said


def test_a_run_that_a_bound_ended_is_not_kept(keep):
    """It is a result, and not of the load that it was to put."""
    lines, said = keep(result(stopped=True, errors=9, broken=(error_rate(0),)))
    assert lines == []
    assert "a broken bound ended early" in said


def test_a_search_keeps_its_answer_alone(keep):
    """The runs on the way had rates of their own."""
    (line,), _ = keep(result(), SURE)
    (figure,) = line["figures"]
    assert (figure["name"], figure["metric"]) == ("sample", "capacity")
    assert (figure["value"], figure["low"], figure["high"]) == (90, 90, 99)


@pytest.mark.parametrize("found", [{"low": None}, {"sure": False, "why": "they disagree"}])
def test_a_search_that_is_not_sure_is_not_kept(keep, found):
    """An end that was not confirmed is no figure."""
    lines, said = keep(result(), SURE | found)
    assert lines == []
    assert "not kept in the history" in said
