"""One log line: what was said, by whom, in which request; as JSON, or for a person's eyes.

A `Line` holds values only, no record, frame or traceback, so that it can wait in a queue. Lines are
turned into bytes by the writer's thread. A request's line is an `Access`, which costs its request
next to nothing and holds nothing that a caller chose: the route's template, never the path.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import msgspec

from ava.telemetry.context import REQUEST
from ava.telemetry.scrub import Scrubber

LONGEST: Final = 16_384  # characters of a message or a traceback
_OWN: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_PLAIN: Final = len(vars(logging.makeLogRecord({})))  # fields of a record with no extra ones

Form = Callable[[dict[str, Any], Scrubber], str]


class Line(NamedTuple):
    """What one record says."""

    at: float
    level: int
    logger: str
    message: str
    fields: dict[str, Any]
    error: str | None
    request: str | None
    trace: str | None

    def shown(self, _offset_s: float) -> dict[str, Any]:
        """Return the line's values, in the order they are written."""
        found = {
            "at": _time(self.at),
            "level": logging.getLevelName(self.level).lower(),
            "logger": self.logger,
            "message": self.message,
            **self.fields,
        }
        if self.request is not None:
            found["request"] = self.request
        if self.trace is not None:
            found["trace"] = self.trace
        if self.error is not None:
            found["error"] = self.error
        return found


class Access(NamedTuple):
    """An answered request; `at` is of the monotonic clock."""

    at: float
    method: str
    route: str
    status: int
    seconds: float
    bytes: int
    caller: str | None
    request: str | None
    trace: str | None

    def shown(self, offset_s: float) -> dict[str, Any]:
        """Return the line's values; `offset_s` is what the time of day is ahead of the clock."""
        found = {
            "at": _time(self.at + offset_s),
            "level": "info",
            "logger": "ava.access",
            "message": f"{self.method} {self.route} {self.status}",
            "method": self.method,
            "route": self.route,
            "status": self.status,
            "ms": round(self.seconds * 1e3, 3),
            "bytes": self.bytes,
        }
        told = (("caller", self.caller), ("request", self.request), ("trace", self.trace))
        found.update((name, value) for name, value in told if value is not None)
        return found


def line_of(record: logging.LogRecord) -> Line:
    """Return what a record says; its arguments may change once it was logged, a line does not."""
    error = None
    if record.exc_info and record.exc_info[1] is not None:
        error = "".join(traceback.format_exception(record.exc_info[1]))[-LONGEST:]
    request = REQUEST.get()
    said = vars(record)
    extra: dict[str, Any] = {}
    if len(said) > _PLAIN:
        extra = {name: value for name, value in said.items() if name not in _OWN}
    return Line(
        record.created,
        record.levelno,
        record.name,
        record.getMessage()[:LONGEST],
        extra,
        error,
        None if request is None else request.id,
        None if request is None else request.trace,
    )


def as_json(shown: dict[str, Any], scrub: Scrubber) -> str:
    """Return the line as a JSON object."""
    return scrub(msgspec.json.encode(shown, enc_hook=str).decode())


def as_text(shown: dict[str, Any], scrub: Scrubber) -> str:
    """Return the line for a terminal; a traceback goes below it."""
    rest = dict(shown)
    at, level, logger = rest.pop("at"), rest.pop("level"), rest.pop("logger")
    message, error = rest.pop("message"), rest.pop("error", None)
    told = " ".join(f"{name}={value}" for name, value in rest.items())
    line = f"{at[11:23]} {level:<8} {logger}: {message}{'  ' if told else ''}{told}"
    return scrub(line if error is None else f"{line}\n{error.rstrip()}")


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
