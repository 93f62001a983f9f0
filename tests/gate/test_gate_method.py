"""The gate's verdicts: who may be accused, on what, and what is left undecided."""

import pytest
from gate_world import DEFAULT, World, suite, verdicts
from hypothesis import given
from hypothesis import strategies as st

from perf.gate.method import ALPHA, Noise, Verdict, find, holm, is_confirmed, judge, noise_of
from perf.gate.sample import Evidence, Metric, PairSample, Rule

EIGHT = dict.fromkeys("abcdefgh", 1.0)


def evidence(factor=1.0, later=None, fresh=6, seed=1):
    """Return a benchmark screened at one factor and confirmed at another."""
    machine = World(seed, offset=0.003)
    return Evidence(
        "a",
        pairs=tuple(machine.pair(factor) for _ in range(5)),
        confirmation=tuple(machine.pair(later or factor) for _ in range(fresh)),
        control=(machine.pair(), machine.pair()),
    )


def only(item, rule=DEFAULT, metric=Metric.WALL):
    (judgement,) = judge((item,), {"a": rule}, metric)
    return judgement


def test_a_slowdown_that_new_pairs_confirm_is_slower():
    """Its figure comes from all pairs."""
    said = only(evidence(1.10))
    assert said.verdict is Verdict.SLOWER
    assert said.change == pytest.approx(0.10, abs=0.01)
    assert said.interval[0] < said.change < said.interval[1]
    assert said.pairs == 11


def test_a_gain_that_new_pairs_confirm_is_faster():
    """Both directions are judged alike."""
    assert only(evidence(0.90)).verdict is Verdict.FASTER


def test_a_suspicion_is_not_its_own_witness():
    """However far off the screening was, without new pairs nobody is accused."""
    assert only(evidence(1.5, fresh=0)).verdict is Verdict.UNDECIDED


def test_new_pairs_that_show_nothing_clear_the_suspect():
    """The screening's outlier stays in the estimate, and is outvoted."""
    assert only(evidence(1.04, later=1.0, fresh=12)).verdict is not Verdict.SLOWER


def test_new_pairs_in_the_other_direction_confirm_nothing():
    """Only the suspected direction is tested."""
    assert only(evidence(1.06, later=0.94)).verdict is Verdict.UNDECIDED


def test_a_certain_change_below_the_threshold_is_the_same():
    """A tenth of a percent may be as sure as it likes."""
    assert only(evidence(1.05), Rule(threshold=0.20)).verdict is Verdict.SAME


def test_the_absolute_floor_clears_what_is_under_it():
    """A tenth of ten microseconds is one; a floor of five lets it pass."""
    assert only(evidence(1.10), Rule(floor=5e-6)).verdict is Verdict.SAME
    assert only(evidence(1.10), Rule(floor=5e-7)).verdict is Verdict.SLOWER


def test_a_floor_clears_nothing_that_may_lie_above_it():
    """An estimate under the floor tells little while its interval reaches far beyond."""
    machine = World(1, offset=0.5)
    said = only(Evidence("a", pairs=tuple(machine.pair() for _ in range(3))), Rule(floor=3e-6))
    assert abs(said.change) * said.base < 3e-6
    assert said.verdict is Verdict.UNDECIDED


def test_what_was_not_measured_is_never_the_same():
    """An empty evidence is undecided, with its reason."""
    said = only(Evidence("a"))
    assert said.verdict is Verdict.UNDECIDED
    assert "time was up" in said.reason


def test_one_pair_without_control_is_undecided():
    """There is nothing from which its noise could be known."""
    said = only(Evidence("a", pairs=(World(1).pair(),)))
    assert said.verdict is Verdict.UNDECIDED
    assert said.reason == "time was up before a second pair was measured"


def test_a_restless_control_blinds_the_run():
    """Base against base off by 20 % forbids "the same" of anything."""
    calm = evidence(1.0, fresh=0)
    off = (World(2).pair(1.2), World(3).pair(1.2))
    restless = Evidence("a", calm.pairs, control=off)
    assert only(calm).verdict is Verdict.SAME
    assert only(restless).verdict is Verdict.UNDECIDED


def test_noise_is_the_larger_of_two_witnesses():
    """The pairs' own spread and the control both speak."""
    calm = evidence(1.0, fresh=0)
    loud = Evidence("a", calm.pairs, control=(World(2).pair(1.2), World(3).pair(1.2)))
    assert noise_of((loud,)).variance > noise_of((calm,)).variance
    assert noise_of((loud,)).control == pytest.approx(0.2, abs=0.05)


@pytest.mark.parametrize("count", [2, 3, 5])
def test_few_pairs_do_not_make_the_machine_look_quieter(count):
    """The noise of a pair is found again, however few pairs each benchmark has."""
    machine = World(11)
    few = [Evidence("a", tuple(machine.pair() for _ in range(count))) for _ in range(400)]
    many = Evidence("a", tuple(machine.pair() for _ in range(1000)))
    assert noise_of(few).limit(5) == pytest.approx(noise_of((many,)).limit(5), rel=0.1)


@pytest.mark.parametrize(("by_slices", "worth"), [(1e-4, 3.0), (0.0, 1.0), (0.5e-4, 1.5)])
def test_more_slices_are_worth_what_chance_between_slices_allows(by_slices, worth):
    """Three times the slices are as good as three pairs, or no better, or in between."""
    noise = Noise(variance=1e-4, by_slices=by_slices)
    assert noise.expected([10, 10, 10], 10) == pytest.approx(noise.variance / 3)
    assert noise.expected([30, 30], 10) == pytest.approx(noise.variance / (2 * worth))


def test_layout_is_told_from_chance_between_slices():
    """A machine in which only processes differ, and one in which only slices do."""
    layout, chance = World(5, offset=0.03, spike=0.0), World(5, offset=0.0)
    shares = []
    for machine in (layout, chance):
        noise = noise_of([Evidence("a", tuple(machine.pair() for _ in range(50)))])
        shares.append(noise.by_slices / noise.variance)
    assert shares[0] < 0.05
    assert shares[1] > 0.5


def test_more_pairs_see_smaller_changes():
    """Four times the pairs, half the limit."""
    noise = Noise(variance=1e-4)
    assert noise.limit(20) == pytest.approx(noise.limit(5) / 2, rel=0.02)


@given(chances=st.dictionaries(st.text(max_size=3), st.floats(0, 1), max_size=9))
def test_holm_never_makes_surer_and_keeps_the_order(chances):
    """Corrected p-values are at least the raw ones, and at most Bonferroni's."""
    corrected = holm(chances)
    for name, chance in chances.items():
        assert chance <= corrected[name] <= min(1.0, chance * len(chances)) or chance == 1.0
    ordered = sorted(chances, key=chances.get)
    assert [corrected[n] for n in ordered] == sorted(corrected.values())


def test_holm_is_the_textbook_s():
    """0.01, 0.02 and 0.03 become 0.03, 0.04 and 0.04: three times, twice, and not below."""
    assert holm({"a": 0.01, "b": 0.02, "c": 0.03}) == pytest.approx(
        {"a": 0.03, "b": 0.04, "c": 0.04}
    )


@pytest.mark.parametrize(
    ("counts", "verdict"),
    [
        (((100, 105), (100, 106)), Verdict.SLOWER),
        (((100, 95), (100, 94)), Verdict.FASTER),
        (((100, 101), (100, 99)), Verdict.SAME),
        (((100, 108), (100, 100)), Verdict.UNDECIDED),
        (((0, 0), (0, 0)), Verdict.SAME),
        (((0, 8), (0, 8)), Verdict.SLOWER),
    ],
)
def test_counts_are_judged_without_a_test(counts, verdict):
    """Every pair must say the same; a count that does not repeat is undecided."""
    counted = Evidence("a", tuple(PairSample((float(b),), (float(h),)) for b, h in counts))
    assert only(counted, metric=Metric.INSTRUCTIONS).verdict is verdict


def test_a_chance_above_alpha_confirms_nothing():
    """The correction over the suite decides, not the benchmark alone."""
    item = evidence(1.10)
    finding = find(item, Rule(), noise_of((item,)))
    assert is_confirmed(finding, ALPHA)
    assert not is_confirmed(finding, ALPHA * 1.01)
    assert not is_confirmed(finding, None)


def test_an_unchanged_suite_is_not_accused():
    """In 60 machines with offsets of 1 to 1.5 % at most one suite of eight has a false alarm."""
    changed = {Verdict.SLOWER, Verdict.FASTER}
    alarms = sum(
        any(said.verdict in changed for said in verdicts(seed, EIGHT, offset=offset).values())
        for seed in range(30)
        for offset in (0.010, 0.015)
    )
    assert alarms <= 1


def test_a_slowdown_of_five_percent_is_found_and_only_it():
    """In 30 machines it is missed once at most, its size is right, and the rest stand clear."""
    runs = [verdicts(seed, {**EIGHT, "c": 1.05}) for seed in range(30)]
    found = [run["c"] for run in runs if run["c"].verdict is Verdict.SLOWER]
    assert len(found) >= 29
    assert sum(abs(said.change - 0.05) <= 0.015 for said in found) >= 27
    others = [said for run in runs for said in run.values() if said.id != "c"]
    assert not any(said.verdict is Verdict.SLOWER for said in others)


def test_a_slowdown_of_three_percent_is_mostly_found():
    """Four of five machines show it."""
    found = [verdicts(seed, {**EIGHT, "f": 1.03})["f"].verdict for seed in range(20)]
    assert found.count(Verdict.SLOWER) >= 16


def test_equal_evidence_gives_equal_verdicts():
    """Nothing reads a clock or a global random state."""
    measured, _ = suite(5, {**EIGHT, "a": 1.04})
    rules = dict.fromkeys(EIGHT, Rule())
    one, two = (judge(tuple(measured.values()), rules, Metric.WALL) for _ in range(2))
    assert one == two
