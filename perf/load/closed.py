"""The closed model: a user's own Locust file, recorded as it is.

Its users wait for an answer before they ask again, so when the server stalls they ask less, and the
requests that would have met the stall are never made. That cannot be mended afterwards. What is
recorded is the service time, to the microsecond, and results say "closed" wherever they state it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from gevent.event import Event  # type: ignore[import-untyped] # it ships no types
from locust.env import Environment

from perf.load.performer import Part, Performer
from perf.load.recording import Key, Recording, status_kind
from perf.load.scenario import Phase


class ClosedWork:
    """Records what Locust's users do, from the start until it is told to stop."""

    idle_s = 0.0

    def __init__(self, phase: Phase, environment: Environment, part: Part) -> None:
        self.recording = Recording()
        self._phase = phase
        self._began = part.began
        self._over = Event()
        self._events: Any = environment.events  # Locust does not type them

    def run(self) -> None:
        """Listen to Locust's request events."""
        self._events.request.add_listener(self._heed)
        try:
            self._over.wait()
        finally:
            self._events.request.remove_listener(self._heed)

    def stop(self) -> None:
        """Listen no more."""
        self._over.set()

    def told(self) -> Mapping[str, Any]:
        """Return nothing more."""
        return {}

    def _heed(
        self,
        name: str,
        response_time: float | None = None,
        response: Any = None,
        exception: object = None,
        **_: Any,
    ) -> None:
        """Take a request that just ended; those begun before the start do not count."""
        end_s = time.monotonic() - self._began
        sent_s = end_s - (response_time or 0.0) / 1000
        if sent_s < 0:
            return
        key = Key(self._phase.name, name, warmup=sent_s < self._phase.warmup_s)
        self.recording.schedule(key, sent_s)
        self.recording.send(key, sent_s, sent_s)
        self.recording.finish(key, sent_s, sent_s, end_s, _kind(response, exception))


def attach(phase: Phase, environment: Environment) -> None:
    """Make this environment's runner record the phase when it is told to."""
    Performer(environment, lambda part: ClosedWork(phase, environment, part)).listen()


def _kind(response: Any, exception: object) -> str | None:
    """Name a failure by its status where the server answered, else by what was raised."""
    if not exception:
        return None
    status = getattr(response, "status_code", None)
    if isinstance(status, int) and status:
        return status_kind(status)
    return type(exception).__name__ if isinstance(exception, BaseException) else str(exception)
