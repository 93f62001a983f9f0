"""Who watches the exchanges with providers: traces, and whoever looks for slow ones.

A gateway has one watch at most. It is told of each exchange when it begins and when it ends, and
may add headers to it, which is how a trace goes on at a provider that is to know of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Protocol, Self


class Exchange(Protocol):
    """One exchange that is watched, for as long as it is entered; `headers` go with the request."""

    @property
    def headers(self) -> Mapping[str, str]:
        """What is sent besides."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def ended(self, took_s: float, outcome: object) -> None:
        """Take how long the provider took, and what came of it: a reading, or the error."""
        ...


class Watch(Protocol):
    """What wants to know of every exchange."""

    def exchange(self, provider: str, method: str) -> Exchange:
        """Return what is told of an exchange that is about to begin."""
        ...
