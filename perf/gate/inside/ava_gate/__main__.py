"""Run pytest as `python -m pytest` does, with the collector off until the benchmarks are found.

Imports make objects that stay, so to look for garbage among them takes time and finds none.
"""

from __future__ import annotations

import gc
import sys

gc.disable()

import pytest  # noqa: E402 - the collector is off by now

sys.exit(pytest.console_main())
