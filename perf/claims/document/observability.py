"""What the documents have for observability: a rule in words, a decorator, a file of log lines."""

from __future__ import annotations

import logging
import math
from collections import deque
from pathlib import Path


class TwoSigma:
    """000 AI-3: "Auto-alert on >2 sigma latency spikes", over the last `window` samples.

    The document gives the rule and no code. This is what it says, on the window that ours has, and
    with as many samples before the first alert.
    """

    def __init__(self, window: int = 256, least: int = 64) -> None:
        self._window: deque[float] = deque(maxlen=window)
        self._least = least

    def is_spike(self, seconds: float) -> bool:
        """Say whether a sample lies above mean + 2 sigma of those before it."""
        seen = self._window
        found = False
        if len(seen) >= self._least:
            mean = sum(seen) / len(seen)
            sigma = math.sqrt(sum((one - mean) ** 2 for one in seen) / len(seen))
            found = seconds > mean + 2 * sigma
        seen.append(seconds)
        return found


def direct_logger(path: Path) -> logging.Logger:
    """Return a logger as 004 PERF-009 finds it: each call formats its line and writes it."""
    logger = logging.Logger("argo.direct", logging.INFO)  # noqa: LOG001 - not to be found by others
    handler = logging.FileHandler(path)
    handler.setFormatter(logging.Formatter("%(asctime)s - %(name)s - %(levelname)s - %(message)s"))
    logger.addHandler(handler)
    return logger
