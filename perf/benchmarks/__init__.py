"""Microbenchmarks of hot paths, for pytest-benchmark: `ava-perf bench`.

They watch what a claim is too coarse for. Nothing here is judged: a run is shown beside the last
one, and the gate compares revisions by the same functions.
"""
