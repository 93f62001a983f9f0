"""Traces of cache requests: the forms they come in, and the published ones themselves."""

import gzip
import os
from pathlib import Path

import pytest

from perf.lab import Unavailable
from perf.lab.policies import replay
from perf.lab.policies.recency import Lru
from perf.lab.policies.traces import read_trace, trace_files
from perf.lab.realdata import DataFileError

FOLDER = Path(os.environ.get("AVA_PERF_DATA", Path(__file__).parents[2].parent / "shared" / "data"))
OLTP = FOLDER / "cache_traces" / "arc_OLTP.blocks.csv.gz"


def written(folder, text):
    path = folder / "trace.csv.gz"
    path.write_bytes(gzip.compress(text.encode()))
    return path


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("key\na\nb\na\n", ["a", "b", "a"]),
        ("time,key,size\n1,a,10\n2,b,20\n", ["a", "b"]),
        ("start_block,n_blocks\n5,2\n9,1\n", ["5", "6", "9"]),
    ],
)
def test_each_form_becomes_keys(tmp_path, text, keys):
    """A key a row, whatever else the row has; a range of blocks is a key a block."""
    path = written(tmp_path, text)
    assert read_trace(path) == keys
    assert read_trace(path, 2) == keys[:2]


def test_another_form_is_refused(tmp_path):
    """The message names the file and its columns."""
    with pytest.raises(DataFileError, match=r"trace\.csv\.gz.*price"):
        read_trace(written(tmp_path, "day,price\n1,2\n"))


@pytest.mark.parametrize("environ", [{}, {"AVA_PERF_DATA": "/nowhere"}])
def test_a_missing_folder_is_unavailable(environ):
    """The cure names the variable."""
    with pytest.raises(Unavailable) as missing:
        trace_files(environ)
    assert missing.value.cure.startswith("AVA_PERF_DATA=")


@pytest.mark.skipif(not OLTP.is_file(), reason="no cache traces here; AVA_PERF_DATA names them")
def test_lru_hits_what_the_readme_says_on_oltp():
    """32.83 % with room for 1,000 pages, which was computed there by other means."""
    keys = read_trace(OLTP)
    assert (len(keys), len(set(keys))) == (914_145, 186_880)
    assert round(100 * replay(Lru(1000), keys) / len(keys), 2) == 32.83
