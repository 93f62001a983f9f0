"""The handle on simulated providers: start them, trouble them, and ask what they saw.

The server is a process of its own, so it shares no interpreter lock with the client under test; it
goes with the process that started it, however that ends. Orders travel by HTTP to an address that
only the holder of a random token may use, on connections that are not counted. This module knows no
provider and imports nothing heavy: addresses and keys come from the server.
"""

from __future__ import annotations

import http.client
import json
import secrets
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from types import TracebackType
from typing import Any, Self

from perf.lab.guard import PACKAGE_ROOT, Guard
from perf.lab.processes import Stop
from perf.lab.providers.faults import Fault
from perf.lab.providers.provider import Grade
from perf.lab.providers.tally import Counts
from perf.lab.providers.wait import Latency

_LOOPBACK = "127.0.0.1"
_PATIENCE_S = 20.0
_END_S = 5.0
_OPENING = timedelta(hours=14, minutes=30)  # UTC: New York's session has begun, winter or summer
_DAY_S = 86_400.0


class SimulationError(Exception):
    """The providers cannot do what they were told; the message says why."""


class Simulation:
    """Simulated providers on a loopback port, all of them without `names`.

    `latency` are seconds before each answer, or a `Latency`. The provider's clock starts at the
    present, or at 14:30 UTC of `today`, and runs `pace` times as fast; two simulations tell the
    same only with the same seed and `today`. Each answer carries the number of its call in
    X-Sim-Sequence, so that a fresh answer can be told from a kept one. `slack_s` are real seconds
    that limits forgive, 0 for a provider that forgives nothing: say so where it is used. Prices
    stand still unless `moving`, so that two clients can be compared. With `guard` the process is
    the run's; it ends with its parent in any case.
    """

    def __init__(  # noqa: PLR0913 - all of them by name, and each with its default
        self,
        *names: str,
        seed: int = 0,
        pace: float = 1.0,
        latency: float | Latency = 0.0,
        slack_s: float = 0.0,
        moving: bool = False,
        today: date | None = None,
        guard: Guard | None = None,
    ) -> None:
        self._guard = guard
        self._token = secrets.token_urlsafe(24)
        job = {
            "names": names,
            "seed": seed,
            "pace": _positive(pace),
            "latency": asdict(_latency(latency)),
            "slack_s": slack_s,
            "moving": moving,
            "start": time.time() if today is None else _opening(today),
            "token": self._token,
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "perf.lab.providers.server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=PACKAGE_ROOT,
            start_new_session=True,  # the terminal's Ctrl-C is its parent's business
        )
        if guard is not None:
            guard.own(self._process.pid, Stop.TERMINATE)
        try:
            told = self._begin(job)
        except BaseException:
            self.close()
            raise
        self.port = int(told["port"])
        self._keys: dict[str, dict[str, str]] = told["keys"]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def names(self) -> tuple[str, ...]:
        """The providers served."""
        return tuple(self._keys)

    @property
    def pid(self) -> int:
        """The server's process id."""
        return self._process.pid

    def url(self, name: str) -> str:
        """Return what stands for the provider's base URL; raise SimulationError for a stranger."""
        self._known(name)
        return f"http://{_LOOPBACK}:{self.port}/{name}"

    def key(self, name: str, grade: Grade = Grade.FULL) -> str:
        """Return a key of that grade; a provider that wants none has one that it ignores."""
        keys = self._known(name)
        if grade not in keys:
            raise SimulationError(f"{name} has no key that is {grade}")
        return keys[grade]

    def fault(self, name: str | None, plan: Fault | Sequence[Fault] = ()) -> None:
        """Replace the plan of faults of one provider, or of all; an empty plan ends them."""
        faults = [plan] if isinstance(plan, Fault) else plan
        self._order("fault", name=name, plan=[fault.to_dict() for fault in faults])

    def counts(self, name: str) -> Counts:
        """Return what the provider saw since the start or `reset`."""
        self._known(name)
        return Counts.from_dict(self._order("counts", name=name))

    def reset(self, name: str | None = None) -> None:
        """Empty counts, windows, spent credits and plans of faults, of one provider or of all."""
        self._order("reset", name=name)

    def set_latency(self, latency: float | Latency, name: str | None = None) -> None:
        """Change how long answers take, of one provider or of all."""
        self._order("latency", name=name, latency=asdict(_latency(latency)))

    def set_pace(self, pace: float) -> None:
        """Let the providers' clock run `pace` times as fast as ours from now on."""
        self._order("pace", pace=_positive(pace))

    def set_moving(self, moving: bool, name: str | None = None) -> None:  # noqa: FBT001 - a state
        """Let prices change each second of the provider's clock, or stand still."""
        self._order("terms", name=name, terms={"moving": moving})

    def set_limits(self, name: str, *windows: tuple[int, float]) -> None:
        """Replace a provider's limits by windows of (calls, seconds); none at all lifts them."""
        self._known(name)
        self._order("limits", name=name, windows=windows)

    def set_credits(self, name: str, limit: int) -> None:
        """Change the credits of a period; raise SimulationError for a provider without any."""
        self._known(name)
        self._order("credits", name=name, limit=limit)

    def expire_sessions(self, name: str) -> None:
        """End a provider's cookies, crumbs and tokens: the next call with one is refused."""
        self._known(name)
        self._order("expire", name=name)

    def advance(self, seconds: float = _DAY_S) -> None:
        """Move the providers' clock ahead, a day by default, so that quotas begin anew."""
        self._order("advance", seconds=seconds)

    def now(self) -> datetime:
        """Return the providers' time of day."""
        return datetime.fromtimestamp(self._order("now"), UTC)

    def close(self) -> None:
        """End the server's process and with it all connections."""
        with self._process as process:
            if process.stdin is not None:
                with suppress(BrokenPipeError):
                    process.stdin.close()
            try:
                process.wait(_END_S)
            except subprocess.TimeoutExpired:
                process.kill()
        if self._guard is not None:
            self._guard.disown(process.pid)

    def _known(self, name: str) -> dict[str, str]:
        if name not in self._keys:
            raise SimulationError(f"{name!r} is not served; there are {', '.join(self._keys)}")
        return self._keys[name]

    def _begin(self, job: dict[str, Any]) -> dict[str, Any]:
        process = self._process
        with suppress(BrokenPipeError):  # the missing answer tells
            if process.stdin is not None:
                process.stdin.write(json.dumps(job).encode() + b"\n")
                process.stdin.flush()
        line = process.stdout.readline() if process.stdout is not None else b""
        told: dict[str, Any] = json.loads(line) if line else {"error": "their process has ended"}
        if "error" in told:
            raise SimulationError(f"the providers did not start: {told['error']}")
        return told

    def _order(self, order: str, **args: Any) -> Any:
        connection = http.client.HTTPConnection(_LOOPBACK, self.port, timeout=_PATIENCE_S)
        try:
            connection.request(
                "POST",
                f"/_control/{order}",
                json.dumps(args),
                {"Authorization": f"Bearer {self._token}"},
            )
            answer = connection.getresponse()
            told = json.loads(answer.read())
        except OSError as error:
            raise SimulationError("the providers' process has ended") from error
        finally:
            connection.close()
        if answer.status != http.client.OK:
            raise SimulationError(f"{order}: {told['error']}")
        return told


def _latency(latency: float | Latency) -> Latency:
    return latency if isinstance(latency, Latency) else Latency(latency)


def _positive(pace: float) -> float:
    if not pace > 0:
        raise ValueError(f"a clock's pace is positive, not {pace}")
    return pace


def _opening(today: date) -> float:
    midnight = datetime(today.year, today.month, today.day, tzinfo=UTC)
    return (midnight + _OPENING).timestamp()
