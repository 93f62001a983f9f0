"""Stacks become a tree that keeps every sample, however much of it is joined."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.observe import work_of
from perf.stacks import (
    Frame,
    StacksError,
    costs,
    from_dict,
    parse,
    prune,
    to_dict,
    tree,
    trim,
)

STACKS = {("main", "a", "b"): 6, ("main", "a"): 3, ("main", "c"): 1}

paths = st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=60).map(tuple)
profiles = st.dictionaries(paths, st.integers(1, 1000), min_size=1, max_size=60)


def drawn(frame):
    """Return the samples of all frames that have none below them, and those above them ran."""
    return frame.own + sum(drawn(child) for child in frame.children)


def test_lines_with_the_same_stack_add_up():
    """A sampler may write a stack more than once."""
    assert parse("main;a 2\nmain 1\n\nmain;a 3\n") == {("main", "a"): 5, ("main",): 1}


def test_a_name_may_hold_spaces():
    """Only the last word of a line is the count."""
    assert parse("f (a b.py:1);g (c.py:2) 7") == {("f (a b.py:1)", "g (c.py:2)"): 7}


@pytest.mark.parametrize("line", ["main", "main;a x", "main -1", " 3"])
def test_a_line_without_a_count_is_refused(line):
    """Half a profile would look like a whole one."""
    with pytest.raises(StacksError):
        parse(line)


def test_what_all_samples_go_through_is_left_out():
    """The root is the last function that every sample was in."""
    root, left_out = trim(tree(STACKS))
    assert (root.name, root.samples, left_out) == ("main", 10, 0)
    assert trim(tree({("x", "y", "main", "a"): 4}))[1] == 3


@given(profiles)
def test_pruning_loses_no_sample(found):
    """Whatever is joined, the widths still add up to all samples."""
    root = tree(found)
    assert drawn(prune(root, most=20, deepest=5)) == sum(found.values())


@given(profiles)
def test_a_pruned_tree_is_bounded(found):
    """A page has room for so many frames and no more."""
    assert prune(tree(found), most=20, deepest=5).count <= 20


@given(profiles)
def test_a_saved_tree_is_read_as_it_was(found):
    """What is shown again is what was seen."""
    root = prune(tree(found))
    assert from_dict(to_dict(root)) == root


@pytest.mark.parametrize(
    "raw",
    [
        None,
        [],
        {"name": "f"},
        {"name": "f", "samples": "many"},
        {"name": "f", "samples": 1, "children": [{"name": "g", "samples": 2}]},
        {"name": "f", "samples": -1},
    ],
)
def test_what_is_no_tree_is_refused(raw):
    """A drawing is never made from what could not have been seen."""
    with pytest.raises(StacksError):
        from_dict(raw)


def test_a_function_is_counted_once_a_sample():
    """Recursion does not make a total larger than all samples."""
    found = {cost.name: (cost.own, cost.total) for cost in costs({("f", "g", "f", "f"): 5})}
    assert found == {"f": (5, 5), "g": (0, 5)}


def test_the_costliest_stand_first():
    """Time in a function's own lines decides, then its total."""
    assert [cost.name for cost in costs(STACKS)] == ["b", "a", "c", "main"]


def test_work_is_told_from_what_is_around_it():
    """Timed, calibrated and warmed up by the harness, the same work is the same."""
    around = ("main (perf/worker.py:1)", "measure (perf/instruments/timing.py:1)")
    found = {
        (*around, "f (mine.py:1)"): 1,
        (*around, "Bench.call (perf/instruments/bench.py:9)", "f (mine.py:1)"): 2,
        (*around, "run (asyncio/base_events.py:1)", "f (mine.py:1)"): 4,
        (*around, "compare (perf/stats.py:1)", "median (numpy/x.py:1)"): 8,
        around: 16,
    }
    assert work_of(found) == {("f (mine.py:1)",): 7, ("the harness itself",): 24}


def test_own_samples_are_what_no_child_has():
    """A frame's own time is the rest."""
    assert Frame("f", 10, (Frame("g", 4), Frame("h", 1))).own == 5
