"""The commands of `ava-perf`: a module each, found by its name."""
