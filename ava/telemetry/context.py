"""Which request the running code works for, so that a log line can name it."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Final, Protocol


class Named(Protocol):
    """A request: its id, made when it is first asked for, and the trace that it is a part of."""

    @property
    def id(self) -> str:
        """The id of the request."""
        ...

    trace: str | None


# None outside of any request.
REQUEST: Final[ContextVar[Named | None]] = ContextVar("ava.request", default=None)
