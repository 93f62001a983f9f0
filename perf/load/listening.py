"""Listeners: WebSocket connections held open while a run goes on.

Each expects a message at least every `heartbeat_s`. Counted are those that connected, what they
heard, how often one heard nothing for longer than that by half, and how many the server let go of.
They are not requests of the schedule and do not enter its histograms.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import gevent  # type: ignore[import-untyped] # it ships no types
from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

from perf.load.scenario import Listeners

_PATIENCE = 1.5
_OPEN_S = 30.0
_SPREAD_S = 1.0  # over which the connections are opened


@dataclass(slots=True)
class Heard:
    """What the listeners of one worker met with."""

    asked: int = 0
    connected: int = 0
    messages: int = 0
    silences: int = 0
    ended: int = 0
    refused: dict[str, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)


@dataclass(slots=True)
class Audience:
    """The listeners of one worker: `share` of those of the scenario."""

    wanted: Listeners
    url: str
    headers: Mapping[str, str]
    share: int
    heard: Heard = field(default_factory=Heard)
    _open: list[gevent.Greenlet] = field(default_factory=list)

    def gather(self, began: float) -> None:
        """Begin to open the connections at `began` on `time.monotonic()`."""
        self.heard.asked = self.share
        for number in range(self.share):
            after_s = began - time.monotonic() + _SPREAD_S * number / self.share
            self._open.append(gevent.spawn_later(max(0.0, after_s), self._listen))

    def leave(self) -> None:
        """Close all connections."""
        gevent.killall(self._open)

    def _listen(self) -> None:
        try:
            with connect(
                self.url,
                additional_headers=dict(self.headers),
                open_timeout=_OPEN_S,
                close_timeout=1,
                compression=None,
            ) as connection:
                self.heard.connected += 1
                self._hear(connection)
        except (OSError, WebSocketException) as error:
            kind = type(error).__name__
            self.heard.refused[kind] = self.heard.refused.get(kind, 0) + 1

    def _hear(self, connection: ClientConnection) -> None:
        while True:
            try:
                connection.recv(timeout=self.wanted.heartbeat_s * _PATIENCE)
            except TimeoutError:
                self.heard.silences += 1
            except WebSocketException:
                self.heard.ended += 1
                return
            else:
                self.heard.messages += 1


def audience(
    wanted: Listeners, host: str, headers: Mapping[str, str], worker: int, workers: int
) -> Audience:
    """Return the listeners that fall to worker number `worker` of `workers`."""
    url = f"ws{host.removeprefix('http').rstrip('/')}{wanted.path}"
    return Audience(wanted, url, headers, len(range(worker, wanted.number, workers)))
