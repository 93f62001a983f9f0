"""Who wants to know when something stops being true: listeners for invalidations.

A listener is told once each tier has let go of what is no longer true, so that whoever asks because
of it finds the new. Without Redis that is at once; with it, when the message has come back from
there, this process's own too. After an outage anything may have changed, and that is what it is
told then. News may come twice and never gets lost while the process runs.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable

from ava.cache.invalidation import Invalidation

Listener = Callable[[Invalidation], None]

_LOG = logging.getLogger("ava.cache")


class Watchers:
    """The listeners of one cache."""

    def __init__(self) -> None:
        self._listeners: dict[int, Listener] = {}
        self._numbers = itertools.count()

    def add(self, listener: Listener) -> Callable[[], None]:
        """Tell a listener from now on; return what ends that."""
        number = next(self._numbers)
        self._listeners[number] = listener
        return lambda: self._listeners.pop(number, None) and None

    def tell(self, what: Invalidation) -> None:
        """Tell all; one that fails does not keep it from the others."""
        for listener in list(self._listeners.values()):
            try:
                listener(what)
            except Exception:  # noqa: BLE001 - whatever it is, it is the listener's
                _LOG.exception("a listener failed on an invalidation")
