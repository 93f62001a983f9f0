"""Run pytest as `python -m pytest` does, shifted in memory and with the collector off at first.

Imports make objects that stay, so to look for garbage among them takes time and finds none; the
plugin turns the collector on again when the benchmarks are found.
"""

from __future__ import annotations

import gc
import os
import sys

from .layout import shift

gc.disable()
kept = shift(int(os.environ["PYTHONHASHSEED"]), "pytest")

import pytest  # noqa: E402 - what it imports is to be shifted

sys.exit(pytest.console_main())
