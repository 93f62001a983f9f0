"""A server that cannot be read leaves blanks, and never ends a run."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

from perf.demonstration import Figures, Service
from perf.load.server import Sample, Watch, from_json, to_json

NOWHERE = "http://127.0.0.1:9"


def test_what_cannot_be_read_is_unknown():
    """Without a database, a Redis, figures or a living process a sample holds nothing of them."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    service = Service(
        NOWHERE,
        processes={"gone": ended.pid},
        figures=Figures("/metrics", requests="asked"),
        dsn="postgresql://nobody@127.0.0.1:9/none?connect_timeout=1",
        redis_url="redis://127.0.0.1:9",
    )
    with Watch(service) as watch:
        sample = watch.sample(1.0, "begin", asking=True, generating=[ended.pid])
    assert replace(sample, cores=None) == Sample(1.0, "begin")  # cores are the machine's


def test_a_living_process_has_memory_and_time():
    """This very process holds some megabytes and has used some processor time."""
    with Watch(Service(NOWHERE, processes={"self": os.getpid()})) as watch:
        sample = watch.sample(0.0)
    assert 1 < sample.rss_mb["self"] < 100_000
    assert sample.cpu_s["self"] > 0


def test_a_sample_survives_the_result():
    """What was unknown is unknown again."""
    sample = Sample(1.5, "steady end", {"a": 2.0}, {"a": 0.5}, None, {"active": 1.0}, None)
    assert from_json(to_json(sample)) == sample


def test_no_secret_is_shown_of_a_service():
    """Neither keys nor addresses with passwords are part of its text."""
    text = repr(
        Service(NOWHERE, {"Authorization": "secret-1"}, dsn="secret-2", redis_url="secret-3")
    )
    assert "secret" not in text
