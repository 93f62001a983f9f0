"""Experiments on the harness itself: run with `python -m`, results beside them."""
