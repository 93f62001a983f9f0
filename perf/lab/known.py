"""Servers whose behaviour is known beforehand, so that a load generator can be held against it.

Each is a process of its own on a loopback port (`perf.lab.known_server`) that counts what it was
asked, by path, and tells it on `/metrics`, which it does not count. What it does is one of the
behaviours below: plain data, and a pure function of how many came before.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.request
from contextlib import AbstractContextManager, suppress
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import Any, Protocol, Self

from perf.demonstration import Figures, Service
from perf.lab import Unavailable
from perf.lab.guard import PACKAGE_ROOT, Guard, Stop
from perf.lab.launch import LOOPBACK

METRICS = "/metrics"
TIMES = "known_request_seconds"  # a histogram's count and sum by path, without buckets
ASIDE = "/aside"
_LINE = re.compile(rf'^{TIMES}_count{{path="([^"]*)"}} (\d+)$', re.MULTILINE)
_PATIENCE_S = 15.0  # it may stall when it is asked


class Behaviour(Protocol):
    """How long a server takes."""

    def delay_s(self, number: int, path: str) -> float:
        """Return how long the answer to request `number`, from 0, takes."""
        ...


@dataclass(frozen=True, slots=True)
class Steady:
    """Every answer takes the same time."""

    seconds: float = 0.0

    def delay_s(self, number: int, path: str) -> float:  # noqa: ARG002 - the same for all
        """Return that time."""
        return self.seconds


@dataclass(frozen=True, slots=True)
class Tail:
    """One answer in so many is slow: in any run of whole rounds, exactly that share."""

    usual_s: float = 0.001
    slow_s: float = 0.2
    one_in: int = 50

    def delay_s(self, number: int, path: str) -> float:  # noqa: ARG002 - by number
        """Return the slow time for the last of each round."""
        return self.slow_s if number % self.one_in == self.one_in - 1 else self.usual_s


@dataclass(frozen=True, slots=True)
class Stalling:
    """The whole process stops for a while, again and again, and answers at once otherwise.

    Over whole periods, open-loop arrivals see the same distribution whenever they begin.
    """

    every_s: float = 5.0
    for_s: float = 1.0

    def delay_s(self, number: int, path: str) -> float:  # noqa: ARG002 - it stops whatever comes
        """Return nothing: what is late is late because the process stands still."""
        return 0.0


@dataclass(frozen=True, slots=True)
class Serial:
    """One answer after the other, each taking so long: asked for more, a queue grows."""

    seconds: float

    def delay_s(self, number: int, path: str) -> float:  # noqa: ARG002 - the same for all
        """Return that time; the wait for the others comes to it."""
        return self.seconds


@dataclass(frozen=True, slots=True)
class Asked:
    """An answer takes as many microseconds as the last part of the path says: /us/300."""

    def delay_s(self, number: int, path: str) -> float:  # noqa: ARG002 - by path
        """Return what the path says."""
        return int(path.rpartition("/")[2]) / 1e6


_KINDS: dict[str, type[Any]] = {
    kind.__name__: kind for kind in (Steady, Tail, Stalling, Serial, Asked)
}


def packed(behaviour: Behaviour) -> str:
    """Return the behaviour as text for a command line."""
    return json.dumps([type(behaviour).__name__, asdict(behaviour)])  # type: ignore[call-overload] # all are dataclasses


def unpacked(text: str) -> Behaviour:
    """Read what `packed` returned."""
    name, values = json.loads(text)
    made: Behaviour = _KINDS[name](**values)
    return made


class Known(AbstractContextManager["Known"]):
    """A server of that behaviour, from entering to leaving; it ends with its parent in any case."""

    def __init__(self, behaviour: Behaviour, *, guard: Guard | None = None) -> None:
        self.behaviour = behaviour
        self._guard = guard

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "perf.lab.known_server", packed(self.behaviour)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=PACKAGE_ROOT,
            env={**os.environ, "PYTHONPATH": str(PACKAGE_ROOT)},
        )
        if self._guard is not None:
            self._guard.own(self._process.pid, Stop.TERMINATE)
        line = self._process.stdout.readline() if self._process.stdout else b""
        if not line:
            self.__exit__(None, None, None)
            raise Unavailable("the server of known behaviour did not start")
        self.port = int(json.loads(line)["port"])
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with suppress(ProcessLookupError):
            self._process.kill()
        self._process.wait()
        if self._guard is not None:
            self._guard.disown(self._process.pid)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    @property
    def url(self) -> str:
        """Return where it listens."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def service(self) -> Service:
        """Return it as a service that load can be put on; what asks for `ASIDE` is not counted."""
        processes = {"server": self._process.pid}
        figures = Figures(METRICS, requests=TIMES, aside=("path", ASIDE))
        return Service(self.url, processes=processes, servers=[self._process.pid], figures=figures)

    def counts(self) -> dict[str, int]:
        """Return how often each path was asked so far."""
        with urllib.request.urlopen(self.url + METRICS, timeout=_PATIENCE_S) as answer:  # noqa: S310 - our own loopback URL
            return {path: int(n) for path, n in _LINE.findall(answer.read().decode())}

    def count(self) -> int:
        """Return how many requests it had in all."""
        return sum(self.counts().values())
