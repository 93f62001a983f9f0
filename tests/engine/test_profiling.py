"""Profiles: which claims get one, what is kept when it cannot be had, and a real one."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from perf import observe, profiling
from perf.claim import Category, Claim, at_least, at_most, exactly
from perf.errors import UserError
from perf.instruments import profile
from perf.lab import Unavailable
from perf.report.build import Judged
from perf.runner import Measured
from perf.sample import Kind, Measurement
from perf.verdict import Judgement, Verdict

SAMPLE = Path(__file__).parent / "sample_project"


def judged(name, verdict, target, estimate, key=None):
    claim = Claim(name, ("A1",), "t", "s", Category.LATENCY, target, lambda lab: lab)
    judgement = Judgement(verdict, "its reason", estimate, None, target.unit)
    return Judged(Measured(claim, Measurement(Kind.TIMING), key or name, 1.0), judgement)


def names(found):
    return [item.measured.claim.id for item in found]


def test_the_worst_come_first():
    """Ten times too slow is worse than two times too little gained, whatever the units."""
    items = [
        judged("A1.half", Verdict.MISSED, at_least(10, "x"), 5.0),
        judged("A1.tenth", Verdict.MISSED, at_most(1, "ms"), 10.0),
    ]
    assert names(profiling.worst(items)) == ["A1.tenth", "A1.half"]


def test_only_what_missed_its_time_is_profiled():
    """A count has no time to look for, and what is met needs no excuse."""
    items = [
        judged("A1.met", Verdict.MET, at_least(10, "x"), 20.0),
        judged("A1.unsure", Verdict.INCONCLUSIVE, at_least(10, "x"), 9.0),
        judged("A1.counted", Verdict.MISSED, exactly(1, "calls"), 9.0),
    ]
    assert profiling.worst(items) == []


def test_a_measurement_is_profiled_once():
    """Its several figures have one cause; the hardest stands for all."""
    items = [
        judged("A1.10x", Verdict.MISSED, at_least(10, "x"), 5.0, "shared"),
        judged("A1.50x", Verdict.MISSED, at_least(50, "x"), 5.0, "shared"),
    ]
    assert names(profiling.worst(items)) == ["A1.50x"]


def test_no_more_than_a_few_are_profiled():
    """An audit must end in time however much is missed."""
    items = [judged(f"A1.n{n}", Verdict.MISSED, at_least(10, "x"), 5.0) for n in range(9)]
    assert len(profiling.worst(items)) == profiling.MOST


class Runner:
    """A runner whose observers see what they are told to, or nothing."""

    def __init__(self, seen=None):
        self.seen, self.asked = seen, []

    def observe(self, claim, observer, seconds):
        self.asked.append((claim.id, observer, seconds))
        if self.seen is None:
            raise Unavailable("not allowed", "be root")
        return self.seen


MISSED = [
    judged("A1.a", Verdict.MISSED, at_least(10, "x"), 1.0),
    judged("A1.b", Verdict.MISSED, at_least(10, "x"), 5.0),
]


def test_each_of_the_worst_is_observed_for_its_seconds():
    """The time an audit takes for it is bounded and known."""
    runner = Runner({"samples": 3})
    profiling.profile_worst(runner, MISSED, 5.0, lambda _: None)
    assert runner.asked == [("A1.a", "cpu", 5.0), ("A1.b", "cpu", 5.0)]


def test_a_machine_that_forbids_it_is_asked_once():
    """The reason and its cure are kept; the audit goes on."""
    runner = Runner()
    found = profiling.profile_worst(runner, MISSED, 5.0, lambda _: None)
    assert found == {"A1.a": {"claim": "A1.a", "unavailable": "not allowed", "cure": "be root"}}
    assert len(runner.asked) == 1


def document():
    """Return a results document with two entries of one measurement and one of another."""
    entries = [("A1.10x", "A1.10x"), ("A1.50x", "A1.10x"), ("A1.c", "A1.c")]
    return {
        "results": [
            {"id": name, "evidence": {"measurement": f"measurements/{key}.json"}}
            for name, key in entries
        ]
    }


def test_a_profile_is_with_every_figure_of_its_measurement():
    """Whichever of them the page shows first has it."""
    made = document()
    profiling.attach(made, {"A1.10x": {"claim": "A1.50x", "samples": 9}})
    assert ["profile" in entry["evidence"] for entry in made["results"]] == [True, True, False]


def test_the_report_says_what_was_profiled():
    """What is not listed was not looked at."""
    made = document()
    profiling.attach(made, {"A1.c": {"claim": "A1.c", "seconds": 5.0, "samples": 9}})
    assert [(row["claim"], row["seconds"]) for row in made["profiled"]] == [("A1.c", 5.0)]


def test_a_run_without_the_claim_is_refused():
    """A profile is never shown with another claim."""
    with pytest.raises(UserError, match="holds no A1"):
        profiling.attach_to_claim(document(), "A1.z", {})


@pytest.mark.parametrize(("asked", "taken"), [(0.0, 0.5), (5.0, 5.0), (1e9, 60.0)])
def test_the_seconds_are_kept_within_reason(asked, taken):
    """A setting cannot make an audit endless."""
    assert profiling.ProfilingSettings(seconds=asked).bounded_s == taken


def test_work_that_runs_once_only_is_observed_once():
    """A plan need not be able to run twice."""
    calls = []

    def run():
        calls.append(1)
        if len(calls) > 1:
            raise RuntimeError("once only")

    assert observe.resident(run, 30.0)["times"] == 1


def test_work_without_end_is_interrupted(monkeypatch):
    """An audit ends, though what missed its time would take hours; what was seen is kept."""
    monkeypatch.setattr(observe, "_LEAST_S", 0.05)

    def run():
        while True:
            pass

    seen = observe.resident(run, 0.0)
    assert seen["times"] == 0
    assert len(seen["points"]) >= 2


def test_the_place_of_the_largest_allocation_is_found():
    """What was held when most was held, though it is gone at the end."""
    kept = []

    def run():
        kept[:] = [bytes(9_000_000)]

    seen = observe.allocations(run, 0.0)
    place, size, _ = seen["top"][0]
    assert place.startswith("engine/test_profiling.py:")
    assert size > 8_900_000
    assert seen["peak_mb"] >= 9.0


def test_a_process_that_is_gone_is_unavailable():
    """With a reason in one line, and no traceback of the sampler's."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    with pytest.raises(Unavailable) as raised:
        profile.profile_process(process.pid, 1.0)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("path", "short"),
    [
        ("/x/lib/python3.11/site-packages/redis/client.py", "redis/client.py"),
        (f"/usr/lib/python{sys.version_info.major}.11/json/decoder.py", "json/decoder.py"),
        ("/home/somebody/secret/project/app/views.py", "app/views.py"),
        ("ava/db/pool.py", "ava/db/pool.py"),
    ],
)
def test_files_are_named_from_their_package_on(path, short):
    """Where a machine keeps them is nobody's concern."""
    assert profile.from_package(path) == short


def test_a_claims_profile_names_its_work(tmp_path):
    """The command samples the right process, writes what it saw, and prints the function."""
    project = Path(shutil.copytree(SAMPLE, tmp_path / "project"))
    done = subprocess.run(
        [sys.executable, "-P", "-m", "perf.cli", "profile", "G1.more", "--seconds", "0.5"],
        cwd=project,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "spin (sample_claims/__init__.py" in done.stdout
    folder = project / "reports/profiles/G1.more"
    assert json.loads((folder / "cpu.json").read_text())["samples"] > 0
    assert "spin (sample_claims/" in (folder / "cpu.svg").read_text()
