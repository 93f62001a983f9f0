"""What comes first: the sentence, the warnings due, the order and the next steps."""

from __future__ import annotations

import pytest
from sample_results import CURE, large, small

from perf.claim import at_least
from perf.report import rank
from perf.report.read import read
from perf.sample import Kind, Measurement
from perf.verdict import Verdict, judge


def claim(name, verdict, **more):
    """Return one claim of a document, met by a wide margin unless told otherwise."""
    evidence = {"kind": "timing", "reproduce": f"ava-perf audit -k {name}", **more.pop("by", {})}
    return {
        "id": name,
        "verdict": verdict,
        "target": {"kind": "at_most", "bound": 10, "unit": "ms"},
        "estimate": 5,
        "interval": [4, 6],
        "evidence": evidence,
        **more,
    }


def report(*claims, **parts):
    run = {"planned": len(claims), **parts.pop("run", {})}
    environment = {"noise": 0.01, **parts.pop("environment", {})}
    document = {"schema": 1, "results": list(claims), "run": run, "environment": environment}
    return read({**document, **parts})


def ids(entries):
    return [entry.id for entry in entries]


@pytest.mark.parametrize(
    ("verdicts", "sentence", "rest"),
    [
        ("missed missed met", "2 of 3 targets missed", "1 met"),
        ("met not_measured", "1 of 2 targets not measured", "1 met"),
        ("met inconclusive", "1 of 2 targets inconclusive", "1 met"),
        ("met met refuted", "All 2 targets met", "1 refuted"),
        ("met", "The one target met", ""),
        ("missed", "1 of 1 target missed", ""),
        ("refuted", "All 1 refuted", ""),
        ("", "No target was checked", ""),
    ],
)
def test_the_headline_speaks_of_the_worst(verdicts, sentence, rest):
    """One sentence tells the worst that happened, the rest is counted behind it."""
    claims = [claim(f"D1.c{turn}", verdict) for turn, verdict in enumerate(verdicts.split())]
    found = rank.headline(report(*claims))
    assert (found.sentence, found.rest) == (sentence, rest)


def test_claims_not_run_are_in_the_headline():
    """A run cut short does not look complete."""
    found = rank.headline(report(claim("D1.a", "met"), run={"planned": 9}))
    assert found.rest == "8 not run"


def test_order_is_by_need():
    """Missed, not measured, inconclusive, near the limit, met, refuted."""
    entries = report(
        claim("D1.refuted", "refuted"),
        claim("D1.met", "met"),
        claim("D1.near", "met", estimate=9.5),
        claim("D1.inconclusive", "inconclusive"),
        claim("D1.unknown", "not_measured"),
        claim("D1.missed", "missed", estimate=20),
    ).entries
    assert ids(rank.order(entries)) == [
        "D1.missed",
        "D1.unknown",
        "D1.inconclusive",
        "D1.near",
        "D1.met",
        "D1.refuted",
    ]


def test_the_largest_shortfall_comes_first():
    """Ten times too slow outranks twice too slow, and equals keep the order of the run."""
    entries = report(
        claim("D1.twice", "missed", estimate=20),
        claim("D1.ten", "missed", estimate=100),
        claim("D1.also-twice", "missed", estimate=20),
    ).entries
    assert ids(rank.order(entries)) == ["D1.ten", "D1.twice", "D1.also-twice"]


def test_an_exact_count_is_not_near_its_limit():
    """A count of ten with a limit of ten is met for good: it does not waver."""
    entry = report(claim("D1.a", "met", estimate=10, by={"kind": "count"})).entries[0]
    assert not entry.is_near_limit


@pytest.mark.parametrize(
    ("parts", "titles"),
    [
        ({}, []),
        ({"run": {"interrupted": True}}, ["Partial run"]),
        ({"run": {"selection": "-k D3"}}, ["Partial run"]),
        ({"run": {"planned": 2}}, ["Partial run"]),
        ({"run": {"dirty": True}}, ["Uncommitted changes"]),
        ({"environment": {"noise": 0.2}}, ["Noisy machine"]),
        ({"environment": {"noise": 0.2, "noise_limit": 0.3}}, []),
        ({"environment": {"noise": None}}, ["Noise unknown"]),
        ({"environment": {"machine": "a"}, "baseline": {"machine": "b"}}, ["Another machine"]),
        ({"environment": {"machine": "a"}, "baseline": {"machine": "a"}}, []),
    ],
)
def test_banners_appear_only_when_due(parts, titles):
    """A warning is shown for a circumstance that limits the figures, and for nothing else."""
    found = rank.banners(report(claim("D1.a", "met"), **parts))
    assert [banner.title for banner in found] == titles


def test_next_steps_are_the_best_of_each_sort():
    """The worst miss, the cure and the unfinished measurement, in this order, with commands."""
    steps = rank.next_steps(read(large()))
    assert [step.entry.verdict for step in steps] == ["missed", "not_measured", "inconclusive"]
    assert steps[1].command == CURE
    assert all(step.command for step in steps)


def test_there_are_three_steps_at_most():
    """With misses alone the three worst are named."""
    claims = [claim(f"D1.c{turn}", "missed", estimate=20 + turn) for turn in range(9)]
    assert ids(s.entry for s in rank.next_steps(report(*claims))) == ["D1.c8", "D1.c7", "D1.c6"]


def test_one_cure_is_one_step():
    """A package that enables four claims is installed once, and counts four verdicts."""
    claims = [claim(f"D1.c{turn}", "not_measured", by={"cure": "make x"}) for turn in range(4)]
    (step,) = rank.next_steps(report(*claims))
    assert (step.command, step.gain) == ("make x", "4 more verdicts")


def test_what_has_no_cure_is_no_step():
    """Nothing is advised where nothing is known to help."""
    assert rank.next_steps(report(claim("D1.a", "not_measured"))) == []


def test_a_clean_run_has_no_next_step():
    """Met and refuted claims call for nothing."""
    assert rank.next_steps(report(claim("D1.a", "met"), claim("D1.b", "refuted"))) == []


def test_the_rounds_are_those_the_judgement_names():
    """The number of rounds is read in the very words `judge` writes."""
    before = [2.0, 3.0] * 8 + [2.0]
    measurement = Measurement(Kind.COMPARISON, "x", {"before": before, "after": [1.0] * 17})
    judgement = judge(at_least(2.5, "x"), measurement, seed="rounds")
    assert judgement.verdict is Verdict.INCONCLUSIVE
    entry = report(claim("D1.a", "inconclusive", reason=judgement.reason)).entries[0]
    (step,) = [rank.step(entry, [entry])]
    assert step.action == "Measure longer"


def test_a_longer_measurement_uses_the_full_profile():
    """More rounds are had by the full profile, and the time they take is estimated."""
    entry = next(e for e in read(small()).entries if e.verdict is Verdict.INCONCLUSIVE)
    step = rank.step(entry, [entry])
    assert step.command.endswith("--profile full")
    assert step.gain.startswith("a verdict after about 132 rounds, some ")


def test_no_rounds_no_promise():
    """Where more rounds would not tell, a quieter machine is advised."""
    noisy = claim("D1.a", "inconclusive", reason="nearer to the bound than this machine's noise")
    entry = report(noisy).entries[0]
    assert rank.step(entry, [entry]).action == "Measure again on a quieter machine"


def test_nobody_is_sent_to_wait_for_days():
    """A figure on its very bound would take a quarter of a million rounds to tell."""
    reason = "the bound lies inside it; about 248634 rounds would tell"
    found = report(claim("D1.a", "inconclusive", reason=reason))
    assert rank.next_steps(found) == []


@pytest.mark.parametrize(
    ("kind", "estimate", "factor"),
    [("at_least", 5, 2), ("at_most", 20, 2), ("at_least", -1, float("inf")), ("exactly", 40, 4)],
)
def test_shortfall_is_a_factor_whatever_the_direction(kind, estimate, factor):
    """Half of what was promised and double of what was allowed are equally short."""
    target = {"kind": kind, "bound": 10, "unit": "x"}
    (entry,) = report(claim("D1.a", "missed", estimate=estimate, target=target)).entries
    assert rank.shortfall(entry) == factor


def test_the_sentence_repeats_no_digits_the_report_does_not_have():
    """The judgement's figures are written again with three digits."""
    reason = "median 5.1234 ms, interval [4.001, 6.009], target <= 10: all of it on the good side"
    by = {"estimator": "median"}
    (entry,) = report(claim("D1.a", "met", estimate=5.1234, reason=reason, by=by)).entries
    expected = "Median 5.12 ms, interval [4.00, 6.00], target ≤ 10 ms: all of it on the good side"
    assert rank.sentence(entry).replace("\N{NO-BREAK SPACE}", " ") == f"{expected}, so met."
