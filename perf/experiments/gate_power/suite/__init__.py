"""Eight benchmarks whose slowdown is known, since each does a number of equal units of work."""
