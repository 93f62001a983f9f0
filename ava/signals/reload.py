"""A configuration file that is looked at between iterations, and read again when it has changed.

A new configuration replaces the old one only as a whole and only if it is good; what is wrong with
one that is not is said once, and trading goes on by the old one.
"""

from __future__ import annotations

import logging
from pathlib import Path

from ava.errors import SettingsError
from ava.signals.config import TradingConfig, read_config

logger = logging.getLogger(__name__)


class ConfigFile:
    """The configuration in a file; raises SettingsError if it is not good at the start."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = _stamp(path)
        self.config = read_config(path)

    def changed(self) -> TradingConfig | None:
        """Return the configuration if the file has become another good one, else None."""
        stamp = _stamp(self._path)
        if stamp == self._seen:
            return None
        self._seen = stamp
        try:
            config = read_config(self._path)
        except SettingsError as error:
            logger.warning("the configuration stays as it was: %s", error)
            return None
        if config == self.config:
            return None
        self.config = config
        return config

    def refuse(self, why: Exception, before: TradingConfig) -> None:
        """Go back to the configuration before one that could not be taken."""
        logger.warning("the configuration stays as it was: %s", why)
        self.config = before


def _stamp(path: Path) -> tuple[int, int, int] | None:
    """Return what changes whenever a file is written or replaced; None while there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
