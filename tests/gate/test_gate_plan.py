"""What is measured next: clear cases end early, suspects get new pairs, and time may be up."""

from dataclasses import replace

import pytest
from gate_world import World, suite

from perf.gate.method import LOOKS, confirmations, find, is_confirmed, noise_of
from perf.gate.plan import CONTROL, COUNTED, EARLY, MANY, SCREEN, wanted
from perf.gate.sample import Evidence, Metric, Rule

RULES = {"a": Rule(), "b": Rule()}


def some(count, factor=1.0, name="a", offset=0.002):
    machine = World(3, offset=offset)
    return Evidence(name, pairs=tuple(machine.pair(factor) for _ in range(count)))


def next_of(*evidences, seconds=60.0, metric=Metric.WALL):
    return wanted(evidences, RULES, metric, seconds)


def test_everything_is_screened_first():
    """The first round has every benchmark and no control: there may be nothing to compare."""
    todo = next_of(Evidence("a"), Evidence("b"))
    assert todo.pairs == ("a", "b")
    assert not todo.confirm
    assert not todo.control
    assert todo.rounds_left == SCREEN


def test_control_pairs_are_taken_in_between():
    """One after the first pair, one after the third, and no more."""
    first = some(1)
    assert next_of(first).control == ("a",)
    once = replace(first, control=first.pairs)
    assert not next_of(once).control
    third = replace(some(3), control=first.pairs)
    assert next_of(third).control == ("a",)
    assert not next_of(replace(third, control=first.pairs * CONTROL)).control


def test_a_large_suite_needs_one_control_pair():
    """Many benchmarks tell in one pair how restless the machine is."""
    names = [str(number) for number in range(MANY)]
    rules = dict.fromkeys(names, Rule())
    fresh = [some(1, name=name) for name in names]
    assert wanted(fresh, rules, Metric.WALL, 60.0).control == tuple(names)
    later = [replace(some(3, name=name), control=fresh[0].pairs) for name in names]
    assert not wanted(later, rules, Metric.WALL, 60.0).control


def test_a_clear_case_ends_early():
    """In a quiet machine three pairs tell that nothing changed."""
    assert next_of(some(EARLY)).pairs == ()


def test_a_plain_slowdown_is_confirmed_at_once():
    """It need not be screened to the end."""
    todo = next_of(some(EARLY, factor=1.2))
    assert todo.confirm == ("a",)
    assert todo.rounds_left == LOOKS[0]


def test_a_doubtful_case_is_screened_to_the_end():
    """In a restless machine a single interval is wide."""
    assert next_of(some(EARLY, offset=0.04)).pairs == ("a",)


def test_who_is_not_settled_after_screening_is_a_suspect():
    """A change of two percent is neither."""
    assert next_of(some(SCREEN, factor=1.02)).confirm == ("a",)


def test_a_suspect_is_measured_until_the_first_look():
    """No verdict is looked for in between."""
    suspect = some(SCREEN, factor=1.2)
    for fresh in range(LOOKS[0]):
        assert next_of(replace(suspect, confirmation=suspect.pairs[:1] * fresh)).confirm


def test_a_suspect_that_looks_innocent_is_let_go_before_the_next_look():
    """To clear early accuses nobody."""
    calm = some(SCREEN)
    assert LOOKS[0] > 1
    assert next_of(replace(calm, confirmation=calm.pairs[:1], control=calm.pairs[:CONTROL])).done


def test_a_confirmed_suspect_is_done():
    """Twenty percent need one look."""
    machine = World(4, offset=0.002)
    suspect = Evidence(
        "a",
        pairs=tuple(machine.pair(1.2) for _ in range(SCREEN)),
        confirmation=tuple(machine.pair(1.2) for _ in range(LOOKS[0])),
        control=(machine.pair(), machine.pair()),
    )
    assert next_of(suspect).done


def test_a_confirmed_change_is_measured_until_its_size_is_told():
    """Fifty percent are certain at the first look; how many percent is not."""
    machine = World(6, offset=0.15, spike=0.0)
    pairs = tuple(machine.pair(1.8) for _ in range(SCREEN + LOOKS[0]))
    vague = Evidence("a", pairs[:SCREEN], pairs[SCREEN:], (machine.pair(), machine.pair()))
    finding = find(vague, Rule(), noise_of((vague,)))
    (chance,) = confirmations([finding], noise_of((vague,))).values()
    assert is_confirmed(finding, chance)
    assert not finding.is_sized
    assert next_of(vague).confirm


def test_looks_run_out():
    """What the last look cannot tell stays undecided, and nobody measures for ever."""
    machine = World(5, offset=0.2)
    restless = Evidence(
        "a",
        pairs=tuple(machine.pair() for _ in range(SCREEN)),
        confirmation=tuple(machine.pair() for _ in range(LOOKS[-1])),
        control=(machine.pair(), machine.pair()),
    )
    assert next_of(restless).done


@pytest.mark.parametrize("seconds", [0.0, -1.0])
def test_nothing_is_wanted_when_time_is_up(seconds):
    """The plan obeys --max-time."""
    assert next_of(Evidence("a"), seconds=seconds).done


def test_counts_need_two_pairs_and_no_control():
    """Instructions repeat."""
    todo = next_of(Evidence("a"), some(COUNTED, name="b"), metric=Metric.INSTRUCTIONS)
    assert (todo.pairs, todo.control, todo.rounds_left) == (("a",), (), COUNTED)


@pytest.mark.parametrize("offset", [0.001, 0.02, 0.2])
def test_every_plan_ends(offset):
    """Quiet or hopeless, a suite takes no more rounds than screening and all looks."""
    _, rounds = suite(7, dict.fromkeys("abcd", 1.0), offset=offset)
    assert rounds <= SCREEN + LOOKS[-1]


def test_a_quiet_suite_is_cheap():
    """Where nothing changed and the machine is quiet, three pairs and a control pair are all."""
    evidence, rounds = suite(7, dict.fromkeys("abcdefgh", 1.0), offset=0.001, spike=0.0)
    assert rounds == EARLY
    assert all(len(e.pairs) == EARLY and not e.confirmation for e in evidence.values())
