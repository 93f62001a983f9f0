"""Recorded durations: two files of other people's making, as series in seconds."""

import bz2
import gzip

import pytest

from perf.lab import Unavailable
from perf.lab.realdata.durations import durations

HISTORY = """suite,benchmark,seq,value,unit
end_to_end,get,1,33900,ns/iter
end_to_end,get,2,34000,ns/iter
pipeline,hello,1,49666,ns/iter
"""
LOG = """2017-09-06 08:40:10 UTC [20]: [1-1] LOG:  database system was shut down
2017-09-06 08:41:41 UTC [36]: [121-1] LOG:  duration: 2.280 ms  statement: END;
2017-09-06 08:41:42 UTC [36]: [1-1] LOG:  duration: 0.168 ms  statement: INSERT INTO t VALUES (1);
2017-09-06 08:41:43 UTC [36]: [2-1] LOG:  duration: 2.500 ms  statement: END;
"""


@pytest.fixture
def folder(tmp_path):
    """A folder as AVA_PERF_DATA names it."""
    history = tmp_path / "bench_history" / "hyper_bench_history.csv.gz"
    log = tmp_path / "postgres" / "logs" / "pgbadger_light.postgres.log.bz2"
    for path, data in (
        (history, gzip.compress(HISTORY.encode())),
        (log, bz2.compress(LOG.encode())),
    ):
        path.parent.mkdir(parents=True)
        path.write_bytes(data)
    return tmp_path


def test_series_are_in_seconds_and_in_order(folder):
    """Benchmarks by suite and name, statements by their first words."""
    found = durations({"AVA_PERF_DATA": str(folder)})
    assert found == {
        "end_to_end get": pytest.approx([33.9e-6, 34e-6]),
        "pipeline hello": pytest.approx([49.666e-6]),
        "END": pytest.approx([2.28e-3, 2.5e-3]),
        "INSERT INTO t": pytest.approx([0.168e-3]),
    }


def test_without_the_folder_it_says_how_to_name_it():
    """Nothing is measured on made-up noise instead."""
    with pytest.raises(Unavailable, match="recorded durations"):
        durations({})
