"""The dispatcher: sends what is due, when it is due, and waits for no answer.

One greenlet walks the schedule and starts a greenlet for each arrival. When it is behind, it sends
the next at once, and the time from due to sent is kept as the generator's own lag. What the run's
end finds unsent, unfinished or given up is counted, since each of these would flatter the server.
"""

from __future__ import annotations

import errno
import resource
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import gevent  # type: ignore[import-untyped] # it ships no types

from perf.load.alarm import Alarm, alarm
from perf.load.recording import UNFINISHED, Key, Recording, status_kind
from perf.load.scenario import Answer, Ask, Scenario
from perf.load.schedule import Arrival, picker
from perf.load.transport import TIMEOUT_S, BrokenAnswerError, Transport

IN_FLIGHT = 4096
GRACE_S = 2.0  # after the last due time; what is unsent then is called so instead of being sent
_FILES = 128  # left for all that is no request
_LOOK_S = 0.02
_BREATH = 64  # arrivals that are only counted, between two turns of the loop


@dataclass(frozen=True, slots=True)
class Ended:
    """One request that ended, for those who watch."""

    ask: Ask
    response_s: float
    answer: Answer | None
    error: str | None


Watch = Callable[[Ended], None]


def affordable() -> int:
    """Return how many requests may be under way: `IN_FLIGHT`, or what open files allow."""
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return IN_FLIGHT if allowed < 0 else max(1, min(IN_FLIGHT, allowed - _FILES))


@dataclass(slots=True)
class Dispatcher:
    """Sends one worker's share of a scenario through a transport, recording what happens.

    `recording` may be exchanged for a new one at any time between two of its events.
    """

    scenario: Scenario
    transport: Transport
    watch: Watch | None = None
    limit: int = field(default_factory=affordable)
    recording: Recording = field(default_factory=Recording)
    in_flight: int = 0
    stopping: bool = False
    _bell: Alarm = field(default_factory=alarm)
    _began: float = 0.0
    _open: set[gevent.Greenlet] = field(default_factory=set)

    def run(self, due: Iterable[Arrival], began: float) -> None:
        """Send everything due, `began` on `time.monotonic()` being the start, and await the ends.

        Requests without an answer a timeout after the last due time are recorded as unfinished.
        """
        self._began = began
        try:
            self._dispatch(due)
        finally:
            self._bell.close()
        self._await_ends(time.monotonic() + TIMEOUT_S)
        gevent.killall(list(self._open))

    def stop(self) -> None:
        """Send nothing more; what is under way is recorded as unfinished."""
        self.stopping = True

    @property
    def idle_s(self) -> float:
        """How long it has been on a core without anything to do."""
        return self._bell.idle_s

    def now(self) -> float:
        """Return the seconds since the start."""
        return time.monotonic() - self._began

    def _dispatch(self, due: Iterable[Arrival]) -> None:
        pick = picker(self.scenario).pick
        last_s = self.scenario.duration_s + GRACE_S
        for number, arrival in enumerate(due):
            ask = pick(arrival)
            key = Key(arrival.phase, ask.name, arrival.warmup)
            if self.now() < arrival.due_s:
                self._bell.until(self._began + arrival.due_s)
            if self.stopping:
                return
            self.recording.schedule(key, arrival.due_s)
            if self.now() < last_s:
                self._start(key, ask, arrival.due_s)
            if self.now() < last_s or number % _BREATH == 0:
                gevent.sleep(0)  # what was started leaves now, not when the next is picked

    def _await_ends(self, deadline: float) -> None:
        while self._open and not self.stopping and time.monotonic() < deadline:
            gevent.sleep(_LOOK_S)

    def _start(self, key: Key, ask: Ask, due_s: float) -> None:
        if self.in_flight >= self.limit:
            self.recording.drop(key, due_s)
            return
        self.in_flight += 1
        started = gevent.spawn(self._chain, key, ask, due_s)
        self._open.add(started)
        started.rawlink(self._closed)

    def _closed(self, ended: gevent.Greenlet) -> None:
        self.in_flight -= 1
        self._open.discard(ended)

    def _chain(self, key: Key, ask: Ask, due_s: float) -> None:
        """Send a request, and those that its answer leads to."""
        answer = self._request(key, ask, due_s)
        while answer is not None and ask.follow is not None and not self.stopping:
            following = ask.follow(answer)
            if following is None:
                return
            ask, key, due_s = following, Key(key.phase, following.name, key.warmup), self.now()
            self.recording.schedule(key, due_s)
            answer = self._request(key, ask, due_s)

    def _request(self, key: Key, ask: Ask, due_s: float) -> Answer | None:
        """Send one request; return its answer if that was an expected one."""
        sent_s = self.now()
        self.recording.send(key, due_s, sent_s)
        answer, error = self._outcome(ask)
        end_s = self.now() if answer is None else answer.ended - self._began
        self.recording.finish(key, due_s, sent_s, end_s, error)
        if self.watch is not None:
            self.watch(Ended(ask, end_s - due_s, answer, error))
        return answer if error is None else None

    def _outcome(self, ask: Ask) -> tuple[Answer | None, str | None]:
        try:
            answer = self.transport.send(ask)
        except TimeoutError:
            return None, "timeout"
        except BrokenAnswerError as error:
            return None, type(error).__name__
        except OSError as error:
            return None, _kind(error)
        except gevent.GreenletExit:
            return None, UNFINISHED
        return answer, None if answer.status in ask.expect else status_kind(answer.status)


def _kind(error: OSError) -> str:
    """Name an error by its class where that tells it, else by its number's name."""
    named = errno.errorcode.get(error.errno or 0)
    return named if type(error) is OSError and named else type(error).__name__
