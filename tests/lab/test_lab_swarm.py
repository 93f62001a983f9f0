"""Processes that start together: their results, their failures and their ends."""

import os

import pytest

from perf.lab.processes import look
from perf.lab.swarm import Swarm, SwarmError

HERE = "test_lab_swarm"


def index_and_word(start, word):
    start()
    return [start.index, word]


async def coroutine(start):
    await start.wait()
    return os.getpid()


def failing(start):
    start()
    raise ValueError("no such luck")


def talkative(start):
    print("this is no result")
    start()
    return "result"


def endless(start):
    start()
    while True:
        pass


def test_members_return_in_order():
    """Each member knows its index and gets the arguments."""
    with Swarm(f"{HERE}:index_and_word", 3, {"word": "a"}) as swarm:
        swarm.go()
        assert swarm.results() == [[0, "a"], [1, "a"], [2, "a"]]


def test_a_coroutine_member_runs_in_a_process_of_its_own():
    """Members are processes, and a coroutine is run to its end."""
    with Swarm(f"{HERE}:coroutine", 2, {}) as swarm:
        swarm.go()
        assert swarm.results() == swarm.pids


def test_a_failing_member_is_told_with_its_last_words():
    """A member's exception is the parent's."""
    with Swarm(f"{HERE}:failing", 1, {}) as swarm:
        swarm.go()
        with pytest.raises(SwarmError, match="no such luck"):
            swarm.results()


def test_a_killed_member_has_no_result():
    """A kill is part of some measurements and not a failure."""
    with Swarm(f"{HERE}:endless", 2, {}) as swarm:
        swarm.go()
        swarm.kill(0)
        swarm.kill(1)
        assert swarm.results() == [None, None]


def test_what_a_member_prints_is_not_its_result():
    """The pipe is for results alone."""
    with Swarm(f"{HERE}:talkative", 1, {}) as swarm:
        swarm.go()
        assert swarm.results() == ["result"]


def test_members_are_gone_afterwards():
    """Leaving ends those that would never end."""
    with Swarm(f"{HERE}:endless", 2, {}) as swarm:
        swarm.go()
        pids = swarm.pids
    assert [look(pid) for pid in pids] == [None, None]


def test_an_unknown_target_is_told():
    """A misspelt name is found when the swarm starts."""
    with pytest.raises(SwarmError, match="has no attribute"), Swarm(f"{HERE}:nobody", 1, {}):
        pass
