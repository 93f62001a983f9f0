"""How well change points are found: our finder, Otava's defaults, and saying nothing at all.

`python -m perf.experiments.change_points --data DIR [--otava PYTHON]` judges all three on the same
series: labelled by people, made with known steps, and real noise without any. `DIR` is the folder
of labelled series, `PYTHON` an interpreter that has apache-otava. Results lie beside this file.

The finder's constants were chosen on made series with seeds 1 and 2 (180 with steps, 180 without,
of the kinds in `made.CHOSEN_ON`), over alarms of 1 and 5 %, clips of 2.5, 3 and 4, one of four
prices of a step and of three prices of wandering: the best F1 among those with false alarms in at
most 3 % of the series. Labelled series took no part; nothing was changed after they were judged.
"""
