"""The claims on a hundred users: what each reads of the one run, and when it reads nothing."""

import json
from types import SimpleNamespace

import pytest

from loadtests.dashboard_users import SCENARIO
from perf.claim import discover
from perf.claims.load import truth, users
from perf.experiments.load_truth.trials import Trial
from perf.experiments.load_truth.truth import held
from perf.lab import Unavailable
from perf.load.recording import Key, Recording
from perf.load.result import Result
from perf.load.server import Sample
from perf.load.told import Spread, Told
from perf.load.validity import Generator, Worker
from perf.sample import Kind
from perf.verdict import Verdict, judge

CLAIMS = {found.id: found for found in discover(["perf.claims.load"]).claims}
START_S = dict(zip((p.name for p in SCENARIO.phases), SCENARIO.starts(), strict=True))["steady"]
END_S = SCENARIO.duration_s
HEARD = {"asked": 100, "connected": 100, "messages": 170, "silences": 0, "ended": 0}


def recording(seconds=0.01, failed=0):
    """Return what every request of the scenario took, ten a second of the steady phase."""
    made, names = Recording(), {*users._CACHED, "dashboard of days"}
    for name in sorted(names):
        for number in range(300):
            due_s = START_S + 2 + number / 12
            key = Key("steady", name)
            made.schedule(key, due_s)
            made.send(key, due_s, due_s)
            made.finish(key, due_s, due_s, due_s + seconds, "status 500" if failed else None)
            failed = max(0, failed - 1)
    return made


def samples(hits, misses, mb=120.0, requests=2100):
    """Return the server's side at the steady phase's edges."""
    nothing = Spread(0, 0.0, ())
    told = [Told(0, nothing, 0, 0), Told(requests, nothing, hits, misses)]
    return tuple(
        Sample(at_s, rss_mb={"serve": mb}, told=one)
        for at_s, one in zip((START_S + 2, END_S), told, strict=True)
    )


def result(**what):
    """Return a run that went well, but for `what`."""
    usual = {
        "scenario": SCENARIO.described(),
        "thresholds": (),
        "generator": Generator("open", (Worker("worker 1", 0.2, 0.1, 0.4),)),
        "recording": recording(),
        "server": samples(930, 70),
        "listeners": [HEARD],
    }
    return Result(**{**usual, **what})


@pytest.fixture
def lab(tmp_path):
    """A lab in which the preparation left a run."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()

    def make(run, climbed=None, statements=None):
        kept = {
            "result": run.to_json(),
            "climbed": climbed or {"met": 800, "not_met": 1600, "tried": [[100, "met", ""]]},
            "statements": statements or {"within": 990.0, "all": 1000.0},
        }
        (scratch / "load.json").write_text(json.dumps(kept))
        return SimpleNamespace(
            scratch=tmp_path / "another", prepared={users.NEED: {"file": "scratch/load.json"}}
        )

    return make


def verdict(claim_id, lab):
    """Judge a claim as the audit does."""
    found = CLAIMS[claim_id]
    return judge(found.target, found.plan(lab).measure(None), seed=claim_id).verdict


SEEN = sorted(name for name in CLAIMS if name.startswith(("S8", "U4")))


@pytest.mark.parametrize("claim_id", SEEN)
def test_a_run_that_went_well_meets_every_target(claim_id, lab):
    """Each claim finds its figure in the run, in its target's unit."""
    assert verdict(claim_id, lab(result())) is Verdict.MET


@pytest.mark.parametrize("claim_id", [name for name in SEEN if name != "S8.load.capacity"])
def test_nothing_of_an_invalid_run_is_a_figure(claim_id, lab):
    """A lost worker leaves every claim unmeasured, however good the figures look."""
    lost = Generator("open", (Worker("worker 1", 0.2, 0.1, 0.4),), lost=("worker 2",))
    assert verdict(claim_id, lab(result(generator=lost))) is Verdict.NOT_MEASURED


@pytest.mark.parametrize(
    ("claim_id", "what"),
    [
        ("S8.load.cached.portfolio", {"recording": recording(seconds=0.15)}),
        ("S8.load.uncached", {"recording": recording(seconds=0.6)}),
        ("S8.load.errors", {"recording": recording(failed=1)}),
        ("S8.load.hits.85", {"server": samples(800, 200)}),
        ("S8.load.memory", {"server": samples(930, 70, mb=320.0)}),
        ("U4.load.listeners", {"listeners": [{**HEARD, "silences": 1}]}),
        ("U4.load.listeners", {"listeners": [{**HEARD, "connected": 99}]}),
    ],
)
def test_each_target_can_be_missed(claim_id, what, lab):
    """One figure on the wrong side is a miss of its own claim."""
    assert verdict(claim_id, lab(result(**what))) is Verdict.MISSED


def test_slow_statements_miss_their_target(lab):
    """Nine of ten within the time are fewer than 95 of 100."""
    slow = {"within": 900.0, "all": 1000.0}
    assert verdict("S8.load.statements", lab(result(), statements=slow)) is Verdict.MISSED


def test_a_capacity_that_was_never_offered_is_not_measured(lab):
    """A generator too weak for a hundred users says nothing of the platform."""
    climbed = {"met": 0, "not_met": 100, "tried": [[100, "unoffered", ""]]}
    assert verdict("S8.load.capacity", lab(result(), climbed=climbed)) is Verdict.NOT_MEASURED


def test_a_capacity_below_a_hundred_is_missed(lab):
    """Where a hundred are too many, the figure is none."""
    climbed = {"met": 0, "not_met": 100, "tried": [[100, "missed", ""]]}
    assert verdict("S8.load.capacity", lab(result(), climbed=climbed)) is Verdict.MISSED


def test_nobody_who_listened_is_no_proof(lab):
    """Without connections no heartbeat was missed, and none was heard."""
    assert verdict("U4.load.listeners", lab(result(listeners=None))) is Verdict.NOT_MEASURED


def test_the_table_shows_every_request_of_the_run(lab):
    """A reader sees all of the run beside the one figure."""
    plan = CLAIMS["S8.load.errors"].plan(lab(result()))
    measurement = plan.measure(None)
    assert measurement.kind is Kind.SHARE
    assert len(measurement.facts["table"]["rows"]) == 7


def test_figures_of_an_invalid_trial_are_not_used():
    """The generator's honesty is not shown by a run in which it could not be honest."""
    trial = Trial(tuple(held({"p50": 1.0}, {"p50": 1.0})), ("it starved",), 1, 1)
    with pytest.raises(Unavailable, match="it starved"):
        truth._valid(trial)
