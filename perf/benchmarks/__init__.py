"""Microbenchmarks of hot paths, for pytest-benchmark: `make bench`.

They watch what a claim is too coarse for. Nothing here is judged; two runs on one machine are
compared with `--benchmark-compare`.
"""
