"""Invalidations as data: what they hit, and that nothing forgotten counts as valid."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ava.cache.invalidation import (
    EVERYTHING,
    Invalidation,
    Recent,
    TagIndex,
    Undelivered,
    matcher,
    read,
)


@pytest.mark.parametrize(
    ("pattern", "key", "fits"),
    [
        ("portfolio:*", "portfolio:7", True),
        ("portfolio:*", "portfolio:", True),
        ("portfolio:*", "my-portfolio:7", False),
        ("*", "", True),
        ("*:AAPL", "quote:AAPL", True),
        ("*:AAPL", "quote:AAPL2", False),
        ("a*b*c", "a-b-b-c", True),
        ("a.c", "abc", False),
        ("a?c", "abc", False),
        ("[ab]", "a", False),
        ("a*", "a\nb", True),
        ("", "a", False),
    ],
)
def test_only_the_star_is_special(pattern, key, fits):
    """`*` is any text; all else is itself."""
    assert bool(matcher(pattern)(key)) is fits


def test_an_invalidation_names_keys_tags_and_patterns():
    """Any of the three is enough."""
    what = Invalidation(keys=("a",), tags=("t",), patterns=("p:*",))
    assert what.hits("a", ())
    assert what.hits("b", ("s", "t"))
    assert what.hits("p:1", ())
    assert not what.hits("b", ("s",))


@given(st.builds(Invalidation, st.tuples(st.text()), st.tuples(st.text()), st.tuples(st.text())))
def test_a_message_says_what_was_meant(what):
    """What is encoded is read again."""
    assert read(what.encode()) == what


@pytest.mark.parametrize("raw", [b"", b"garbage", b"\x91\x91\x01", b"\x94\x91\xa1\xff\x90\x90\xa0"])
def test_an_unreadable_message_is_taken_for_the_worst(raw):
    """A newer program's message may mean anything, so it counts as everything."""
    assert read(raw) == EVERYTHING


def test_what_came_before_the_mark_does_not_count():
    """Only later invalidations overtake."""
    recent = Recent()
    recent.add(Invalidation(keys=("a",)))
    mark = recent.mark()
    assert not recent.overtaken(mark, "a", ())
    recent.add(Invalidation(keys=("b",)))
    assert not recent.overtaken(mark, "a", ())
    recent.add(Invalidation(tags=("t",)))
    assert recent.overtaken(mark, "a", ("t",))


def test_a_reset_overtakes_all_marks_before_it():
    """After a loss anything may have happened."""
    recent = Recent()
    mark = recent.mark()
    recent.add_all()
    assert recent.overtaken(mark, "a", ())
    assert not recent.overtaken(recent.mark(), "a", ())


class Diary:
    """Recent without a limit: the model it is held against."""

    def __init__(self):
        self.all = []

    def overtaken(self, since, key, tags):
        return any(what is None or what.hits(key, tags) for what in self.all[since:])


events = st.none() | st.builds(Invalidation, keys=st.tuples(st.sampled_from("abc")))


@given(st.lists(events, max_size=30), st.integers(0, 30), st.sampled_from("abc"))
def test_a_bounded_memory_errs_to_the_safe_side(happened, since, key):
    """With few places, Recent never calls valid what the whole diary calls overtaken."""
    small, large, diary = Recent(limit=4), Recent(limit=100), Diary()
    for what in happened:
        for memory in (small, large):
            memory.add_all() if what is None else memory.add(what)
        diary.all.append(what)
    since = min(since, len(happened))
    expected = diary.overtaken(since, key, ())
    assert large.overtaken(since, key, ()) is expected
    assert small.overtaken(since, key, ()) or not expected


def test_undelivered_are_kept_in_order_until_delivered():
    """The oldest is delivered first."""
    waiting = Undelivered()
    first = waiting.add(Invalidation(keys=("a",)))
    waiting.add(Invalidation(keys=("b",)))
    assert waiting.first() == (first, Invalidation(keys=("a",)))
    waiting.delivered(first)
    assert waiting.first()[1].keys == ("b",)
    assert len(waiting) == 1


def test_too_many_undelivered_become_everything():
    """Memory stays bounded, and nothing is lost."""
    waiting = Undelivered(limit=3)
    for number in range(4):
        waiting.add(Invalidation(keys=(str(number),)))
    assert len(waiting) == 1
    assert waiting.first()[1] == EVERYTHING


def test_the_tag_index_forgets_keys_that_are_gone():
    """Its size is bounded by what lives, not by what ever was."""
    index, living = TagIndex(), set()
    for number in range(20_000):
        key = str(number)
        living.add(key)
        living.discard(str(number - 10))
        index.add(key, ("t", f"tag{number}"), living.__contains__)
    assert len(index) < 2000
    assert living <= index.take("t")
    assert index.take("t") == set()
