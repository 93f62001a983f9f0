"""Logs through a queue: who logs appends a line and goes on; one thread writes them in batches.

The queue is bounded. When it is full a line is dropped and counted, since an event loop that waits
for its log waits for a disk, or for a reader of stderr that stopped reading. What was dropped is
said in the log itself once there is room. Lines lie in the queue for `EVERY_S` at most, errors not
at all, and `configure_logging` writes what is left before it returns; a process that is killed
loses that tenth of a second.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Final

from ava.clock import Clock, SystemClock
from ava.settings import Settings
from ava.telemetry.lines import Access, Form, Line, as_json, as_text, line_of
from ava.telemetry.scrub import Scrubber

MOST: Final = 10_000  # lines in the queue
EVERY_S: Final = 0.1
_BATCH = 500  # lines written at once
_FORMS: Final[dict[str, Form]] = {"json": as_json, "human": as_text}


class Backlog:
    """Lines that wait to be written. Appending and popping are atomic: there is no lock."""

    def __init__(self, most: int = MOST) -> None:
        self._lines: deque[Line | Access] = deque()
        self._most = most
        self.dropped = 0
        self.wake = threading.Event()

    def __len__(self) -> int:
        return len(self._lines)

    def add(self, line: Line | Access) -> None:
        """Take a line, or count it as dropped; never wait."""
        if len(self._lines) >= self._most:
            self.dropped += 1
        else:
            self._lines.append(line)

    def take(self, most: int) -> list[Line | Access]:
        """Return up to `most` of the oldest lines."""
        lines = self._lines
        return [lines.popleft() for _ in range(min(most, len(lines)))]


class Queued(logging.Handler):
    """Turns records into lines of a backlog."""

    def __init__(self, backlog: Backlog) -> None:
        super().__init__()
        self.backlog = backlog

    def createLock(self) -> None:  # noqa: N802 - logging's name
        """Have no lock: the backlog needs none, and it would cost as much as the rest."""
        self.lock = None

    def emit(self, record: logging.LogRecord) -> None:
        """Take a record; an error in its own arguments is reported as logging does."""
        try:
            self.backlog.add(line_of(record))
        except Exception:  # noqa: BLE001 - a log call must not fail for what it logs
            self.handleError(record)
        if record.levelno >= logging.ERROR:
            self.backlog.wake.set()


class Writer:
    """Writes the lines of a backlog to a stream, from a thread between start and stop."""

    def __init__(
        self, backlog: Backlog, stream: IO[str], form: Form, scrub: Scrubber, offset_s: float
    ) -> None:
        self._backlog = backlog
        self._stream = stream
        self._form = form
        self._scrub = scrub
        self._offset_s = offset_s
        self._told = 0  # how many of the dropped the log already says
        self._ended = False
        self._writing = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="ava-log", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def stop(self) -> None:
        """Write what is left, and end."""
        self._ended = True
        self._backlog.wake.set()
        self._thread.join()
        self.flush()

    def flush(self) -> None:
        """Write every line that is there; what a failing stream loses is counted as dropped."""
        with self._writing:
            while lines := self._backlog.take(_BATCH):
                text = "".join(f"{self._text(line)}\n" for line in lines)
                self._write(text + self._dropped())

    def _run(self) -> None:
        while not self._ended:
            self._backlog.wake.wait(EVERY_S)
            self._backlog.wake.clear()
            self.flush()

    def _text(self, line: Line | Access) -> str:
        return self._form(line.shown(self._offset_s), self._scrub)

    def _dropped(self) -> str:
        """Return the line that says how many were dropped since the last such."""
        count = self._backlog.dropped - self._told
        if not count:
            return ""
        self._told += count
        record = logging.makeLogRecord(
            {
                "name": __name__,
                "levelno": logging.WARNING,
                "msg": f"{count} log lines were dropped: the queue was full",
            }
        )
        return f"{self._text(line_of(record))}\n"

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):  # a closed pipe, a full disk: nothing is left to tell it to
            self._backlog.dropped += text.count("\n")


class Logs:
    """The logs of this process while they are configured."""

    def __init__(self, backlog: Backlog, writer: Writer, *, access: bool) -> None:
        self.backlog = backlog
        self.writer = writer
        self.access = backlog if access else None


_installed: list[Logs] = []


def installed() -> Logs | None:
    """Return the logs that are configured now, None outside of `configure_logging`."""
    return _installed[-1] if _installed else None


def access() -> Backlog | None:
    """Return where requests are logged, None where they are not."""
    return _installed[-1].access if _installed else None


@contextmanager
def configure_logging(
    settings: Settings,
    *,
    stream: IO[str] | None = None,
    clock: Clock | None = None,
    most: int = MOST,
) -> Iterator[Logs]:
    """Send everything that is logged to `stream` (stderr) by way of a queue, within a block.

    The root logger's handlers are set aside meanwhile; warnings are logged too.
    """
    clock, stream = clock or SystemClock(), sys.stderr if stream is None else stream
    form = settings.log.form_for(terminal=stream.isatty())
    backlog = Backlog(most)
    offset_s = clock.now().timestamp() - clock.monotonic()
    writer = Writer(backlog, stream, _FORMS[form], Scrubber(settings), offset_s)
    logs = Logs(backlog, writer, access=settings.log.access == "on")
    _installed.append(logs)
    writer.start()
    try:
        with _rooted(Queued(backlog), settings.log.level.upper()):
            yield logs
    finally:
        _installed.remove(logs)
        writer.stop()


@contextmanager
def _rooted(handler: logging.Handler, level: str) -> Iterator[None]:
    """Have everything from a level on go to one handler, and put back what was."""
    root, chatty = logging.getLogger(), logging.getLogger("httpx")
    before = (root.handlers[:], root.level, chatty.level)
    root.handlers[:] = [handler]
    root.setLevel(level)
    if level != "DEBUG":  # it has a line for each request to a provider
        chatty.setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)
    try:
        yield
    finally:
        logging.captureWarnings(capture=False)
        root.handlers[:] = before[0]
        root.setLevel(before[1])
        chatty.setLevel(before[2])
