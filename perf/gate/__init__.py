"""The regression gate: whether head is slower than base, for any pytest-benchmark suite, unchanged.

Base and head lie beside each other; fresh pairs of processes run the user's own pytest, park inside
each benchmark, and are asked for short slices of calls in turn (`inside`, `process`, `pair`,
`coordinator`). A pure half judges what was measured and says what to measure next (`method`). The
two meet in `sample` and nowhere else.
"""
