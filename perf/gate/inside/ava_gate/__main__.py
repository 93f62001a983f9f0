"""Run pytest as `python -m pytest` does, with a layout of its own and the collector off at first.

Imports make objects that stay, so to look for garbage among them takes time and finds none; the
plugin turns the collector on again when the benchmarks are found.
"""

from __future__ import annotations

import gc
import os
import sys
from random import Random

from .layout import shift

gc.disable()
kept = shift(Random(int(os.environ["AVA_GATE_LAYOUT"])))  # noqa: S311 - no secret

import pytest  # noqa: E402 - what it imports is to be shifted

sys.exit(pytest.console_main())
