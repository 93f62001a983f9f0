"""Tests of how hard a process had to work."""

import pytest

from perf.load.strain import Reading, Strain, between, read


def test_shares_are_of_the_wall_clock():
    """Half a second on a core and a quarter waiting, in two seconds."""
    load = between(Reading(10, 1.0, 3.0), Reading(12, 1.5, 3.25))
    assert (load.cpu_share, load.runqueue_share, load.busy) == (0.25, 0.125, 0.375)


def test_the_whole_run_and_its_worst_second_are_told():
    """A second without time to spare shows even where the mean is calm."""
    strain = Strain()
    for reading in (Reading(0, 0, 0), Reading(1, 0.1, 0), Reading(2, 0.6, 0.5)):
        strain.take(reading)
    assert strain.to_json() == {"cpu_share": 0.3, "runqueue_share": 0.25, "busiest_second": 1.0}


def test_what_the_system_does_not_tell_is_unknown():
    """Without readings the shares are None and not zero."""
    strain = Strain()
    strain.take(None)
    assert set(strain.to_json().values()) == {None}


@pytest.mark.parametrize("text", ["", "garbage here now"])
def test_an_unreadable_account_is_no_reading(tmp_path, text):
    """Another system's file, or none, is unknown."""
    path = tmp_path / "schedstat"
    path.write_text(text)
    assert read(0.0, path=path) is None
    assert read(0.0, path=tmp_path / "absent") is None


def test_the_kernels_account_is_in_nanoseconds(tmp_path):
    """Two billion are two seconds."""
    path = tmp_path / "schedstat"
    path.write_text("2000000000 500000000 17\n")
    assert read(7.0, path=path) == Reading(7.0, 2.0, 0.5)


def test_waiting_on_a_core_is_no_work(tmp_path):
    """The time that was only yielded away is not counted as having been busy."""
    path = tmp_path / "schedstat"
    path.write_text("2000000000 0 17\n")
    assert read(7.0, 0.5, path) == Reading(7.0, 1.5, 0.0)
