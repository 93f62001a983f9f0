"""Rounds of pairs: what is measured, kept, given up, and told."""

import math

import pytest
from gate_fakes import FakeStage

from perf.gate.coordinator import Job, measure
from perf.gate.pace import CLOCK_S, CONFIRMING, SLICES
from perf.gate.rules import GateSettings, rule_for
from perf.gate.sample import Metric, Next, Side
from perf.lab import Unavailable

A, B, C = "m.py::test_a", "m.py::test_b", "n.py::test_c"


def three_pairs(evidences, rules, metric, seconds_left):
    """Want three pairs of everything, then one confirmation, with one control pair."""
    short = tuple(e.id for e in evidences if len(e.pairs) < 3)
    confirm = tuple(e.id for e in evidences if len(e.pairs) == 3 and not e.confirmation)
    control = tuple(e.id for e in evidences if e.pairs and not e.control)
    return Next(short, confirm, control, rounds_left=len(short))


def run(stage, tmp_path, plan=three_pairs, seed=7, **job):
    """Measure a fake comparison to its end."""
    said = []
    made = Job(
        stage=stage.stage(tmp_path),
        rule_of=lambda benchmark: rule_for(benchmark, GateSettings()),
        inspect=job.pop("inspect", lambda _: None),
        seed=seed,
        **job,
    )
    return measure(made, plan, said.append), said


def test_what_the_plan_wants_is_measured_and_kept_where_it_belongs(tmp_path):
    """Pairs, confirmation and control are kept apart."""
    measured, _ = run(FakeStage([A, B]), tmp_path)
    for evidence in measured.evidences:
        assert len(evidence.pairs) == 3
        assert len(evidence.confirmation) == len(evidence.control) == 1
    assert measured.complete


def test_a_confirmation_has_more_slices_and_the_rest_keep_theirs(tmp_path):
    """The pace that was found first stays."""
    measured, _ = run(FakeStage([A]), tmp_path)
    (evidence,) = measured.evidences
    kinds = (evidence.pairs, evidence.control, evidence.confirmation)
    counts = [{len(pair.base) for pair in pairs} for pairs in kinds]
    assert counts == [{SLICES}, {SLICES}, {CONFIRMING * SLICES}]


def test_a_slower_head_shows_in_pairs_and_not_in_the_control(tmp_path):
    """The control compares base with base."""
    measured, _ = run(FakeStage([A], head_ns=2_000_000), tmp_path)
    (evidence,) = measured.evidences
    assert evidence.pairs[0].head[0] == 2 * evidence.pairs[0].base[0]
    assert evidence.control[0].head == evidence.control[0].base


def test_a_pair_shares_a_seed_and_the_next_has_another(tmp_path):
    """What the seed does falls on both sides, and differs from pair to pair."""
    stage = FakeStage([A])
    run(stage, tmp_path)
    pairs = list(zip(stage.seeds[::2], stage.seeds[1::2], strict=True))
    assert all(base == head for base, head in pairs)
    assert len({base for base, _ in pairs}) == len(pairs) > 3


def test_no_worker_is_left(tmp_path):
    """Each that was started is closed."""
    stage = FakeStage([A, B])
    run(stage, tmp_path)
    assert all(worker.closed for worker in stage.started)


def test_an_interruption_lets_workers_put_away_what_they_have(tmp_path):
    """Ctrl-C reaches the workers first, and then they are closed."""
    stage = FakeStage([A])

    def interrupted(evidences, rules, metric, seconds_left):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(stage, tmp_path, plan=interrupted)
    assert all(worker.interrupted and worker.closed for worker in stage.started)


def test_benchmarks_come_in_random_order_with_modules_together(tmp_path):
    """A module's fixtures are made once in a round, and no order is for ever."""
    stage = FakeStage([A, B, C])
    orders = set()
    for seed in range(8):
        stage.started.clear()
        run(stage, tmp_path, seed=seed)
        orders |= {tuple(worker.ran) for worker in stage.started if len(worker.ran) == 3}
    assert all(order.index(C) != 1 for order in orders)
    assert len(orders) == 4


def test_both_sides_of_a_pair_run_in_the_same_order(tmp_path):
    """Else they would wait for each other in different tests."""
    stage = FakeStage([A, B, C])
    run(stage, tmp_path)
    for one, two in zip(stage.started[::2], stage.started[1::2], strict=True):
        assert one.ran == two.ran


def test_what_is_in_one_revision_only_is_told_and_not_measured(tmp_path):
    """Both directions are kept, and have no evidence."""
    measured, _ = run(FakeStage([A, B], [B, C]), tmp_path)
    assert (measured.only_base, measured.only_head) == ((A,), (C,))
    assert [e.id for e in measured.evidences] == [B]


@pytest.mark.parametrize("oddity", ["fails", "fails in a slice", "crashes"])
def test_a_broken_benchmark_has_no_evidence_and_the_others_go_on(tmp_path, oddity):
    """It is broken on its side, with a reason, and never "same"."""
    stage = FakeStage([A, B])
    stage.oddities[Side.HEAD][A] = oddity
    measured, _ = run(stage, tmp_path)
    (broken,) = measured.broken
    assert (broken.id, broken.side) == (A, Side.HEAD)
    assert [len(e.pairs) for e in measured.evidences] == [3]


@pytest.mark.parametrize("seed", range(4))
def test_a_failure_in_the_control_is_one_of_base(tmp_path, seed):
    """There both sides are base, whichever of the two it was that failed."""
    stage = FakeStage([A])
    stage.flaws[2] = {A: "fails"}  # the first worker of the second pair
    wanted = [Next(control=(A,)), Next()]
    plan = lambda *_: wanted.pop(0) if wanted else Next()  # noqa: E731 - a plan of one line
    measured, _ = run(stage, tmp_path, plan=plan, seed=seed)
    assert [(b.id, b.side) for b in measured.broken] == [(A, Side.BASE)]


def test_a_skipped_benchmark_is_listed_and_not_broken(tmp_path):
    """Its reason becomes a note."""
    stage = FakeStage([A, B])
    stage.oddities[Side.BASE][A] = stage.oddities[Side.HEAD][A] = "skips"
    measured, _ = run(stage, tmp_path)
    assert (measured.skipped, measured.broken) == ((A,), ())
    assert A in measured.notes[0]


def test_a_benchmark_with_few_calls_is_measured_with_them(tmp_path):
    """One round finds the limit; the plan's number of pairs is taken all the same."""
    stage = FakeStage([A])
    stage.oddities[Side.BASE][A] = stage.oddities[Side.HEAD][A] = 5
    measured, _ = run(stage, tmp_path)
    assert [len(p.base) for p in measured.evidences[0].pairs] == [4, 4, 4]


def test_a_worker_that_finds_nothing_ends_the_run(tmp_path):
    """A revision that cannot be collected is said to be, by its name."""
    stage = FakeStage([A])
    made = stage.stage(tmp_path)
    start = made.start

    def dead(side, seed, output):
        worker = start(side, seed, output)
        if side is Side.HEAD:
            worker.events[:] = [type(worker.events[0])((), (), {}, ""), *worker.events][1:]
            worker.ids, worker.events = [], ["nonsense"]
        return worker

    stage.stage = lambda folder: type(made)(
        made.commands, made.labels, Metric.WALL, folder, start=dead
    )
    with pytest.raises(Unavailable, match="the head cannot be collected"):
        run(stage, tmp_path)
    assert all(worker.closed for worker in stage.started)


def test_what_inspection_refuses_is_not_measured(tmp_path):
    """Its refusal ends the run before the first slice."""
    stage = FakeStage([A])

    def refuse(found):
        raise Unavailable("another's code")

    with pytest.raises(Unavailable, match="another's code"):
        run(stage, tmp_path, inspect=refuse)
    assert not any(worker.log for worker in stage.started)


def test_a_run_without_time_says_that_it_is_not_complete(tmp_path):
    """It took no pair, and does not look like one that did."""
    measured, _ = run(FakeStage([A]), tmp_path, max_time_s=0.0)
    assert not measured.complete
    assert measured.evidences[0].pairs == ()


def test_progress_says_how_long_it_takes_once_it_can_know(tmp_path):
    """The first line has no estimate, later ones do."""
    _, said = run(FakeStage([A]), tmp_path)
    assert said[0].left_s is None
    assert all(line.left_s is not None and math.isfinite(line.left_s) for line in said[1:])
    assert [line.round for line in said] == list(range(1, len(said) + 1))


def test_what_the_clock_cannot_resolve_is_no_change(tmp_path):
    """A quick benchmark with few calls has short slices, and the floor that they can show."""
    stage = FakeStage([A], call_ns=1_000)
    stage.oddities[Side.BASE][A] = stage.oddities[Side.HEAD][A] = 5
    measured, _ = run(stage, tmp_path)
    assert measured.rules[A].floor == pytest.approx(CLOCK_S)


def test_a_full_slice_keeps_the_rule_as_it_was_given(tmp_path):
    """There the clock is lost in two milliseconds."""
    measured, _ = run(FakeStage([A], call_ns=1_000), tmp_path)
    assert measured.rules[A].floor == 0


def test_a_control_of_few_waits_until_others_need_one_or_nothing_else_is_left(tmp_path):
    """Two processes are not started for one benchmark while there is other work."""
    wanted = [Next(pairs=(A, B, C), control=(A,))] * 2 + [Next(control=(A,))]
    _, said = run(
        FakeStage([A, B, C]), tmp_path, plan=lambda *_: wanted.pop(0) if wanted else Next()
    )
    assert [line.control for line in said] == [False, False, True]
