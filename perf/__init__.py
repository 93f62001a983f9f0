"""A harness that measures documented performance claims and judges what it measured.

Data flows one way: a *claim* names a sentence and a target; it returns a *plan*; the plan's
instrument takes a *measurement*; `judge` compares measurement and target; a *report* shows it.
Measuring and judging meet only in files, so either can be run again without the other.
"""
