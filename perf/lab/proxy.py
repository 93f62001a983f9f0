"""A network between a client and a server: with distance, faults, and a count of what crosses it.

The proxy is a process of its own, so it shares no interpreter lock with what is measured; this
module is the handle on it. It lengthens the round trip, cuts, stalls, narrows, and counts
statements and round trips on PostgreSQL's own protocol, which is exact where a clock is not.
It refuses to guess: where the traffic is encrypted, or is no PostgreSQL, there are no counts.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal, Self

from perf.lab.guard import PACKAGE_ROOT, Guard
from perf.lab.processes import Stop

Protocol = Literal["postgres", "raw"]
_END_S = 5.0


class ProxyError(Exception):
    """The proxy cannot do what it was asked; the message says why."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """What crossed the proxy: bytes sent are the client's, bytes received the server's."""

    connections: int
    bytes_sent: int
    bytes_received: int


@dataclass(frozen=True, slots=True)
class WireCounts:
    """What crossed the proxy as PostgreSQL's messages.

    Statements are Query and Execute messages, so BEGIN and COMMIT count, and a Query with two
    statements in its text is one. Round trips are the server's ReadyForQuery after the first:
    one for a statement alone, one for a whole pipeline.
    """

    statements: int
    round_trips: int
    connections: int
    bytes_sent: int
    bytes_received: int


class Proxy:
    """A TCP proxy on a loopback port in front of `target_host:target_port`.

    `target_host` may be the path of a unix socket; the port is then ignored. Opening a connection
    takes a round trip as well, as it does on a real network.
    """

    def __init__(
        self,
        target_host: str,
        target_port: int,
        *,
        rtt_ms: float = 0.0,
        protocol: Protocol = "postgres",
        guard: Guard | None = None,
    ) -> None:
        self.host = "127.0.0.1"
        self._guard = guard
        self._mutex = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "perf.lab.relay", target_host, str(target_port), protocol],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=PACKAGE_ROOT,
            start_new_session=True,  # the terminal's Ctrl-C is its parent's business
        )
        if guard is not None:
            guard.own(self._process.pid, Stop.TERMINATE)
        try:
            self.port = int(self._read()["port"])
            self.set_rtt(rtt_ms)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def set_rtt(self, ms: float) -> None:
        """Add `ms` to each round trip, half on each way, from the next byte on."""
        if ms < 0:
            raise ValueError(f"a round trip cannot be shortened: {ms} ms")
        self._do("rtt", ms / 1000)

    def set_rate(self, bytes_per_s: float | None) -> None:
        """Let at most `bytes_per_s` pass on each way, over all connections; None is no limit."""
        if bytes_per_s is not None and bytes_per_s <= 0:
            raise ValueError(f"a rate is positive, not {bytes_per_s}; use stall() for no traffic")
        self._do("rate", bytes_per_s)

    def cut(self, *, refuse: bool = False) -> None:
        """Reset all connections; with `refuse`, refuse new ones until `resume`."""
        self._do("cut", refuse)

    def stall(self) -> None:
        """Hold every byte, of new connections too, without closing anything, until `resume`."""
        self._do("stall")

    def resume(self) -> None:
        """End a stall or a refusal; what was held is sent."""
        self._do("resume")

    def traffic(self) -> Traffic:
        """Return connections and bytes since the start or `reset_counts`, for any protocol."""
        told = self._do("counts")
        return Traffic(*(told[name] for name in ("connections", "bytes_sent", "bytes_received")))

    def counts(self) -> WireCounts:
        """Return what crossed since the start or `reset_counts`.

        Raises ProxyError where messages could not be told apart: another protocol, or encryption.
        """
        told = self._do("counts")
        unread = told.pop("unread")
        if unread:
            raise ProxyError(f"statements cannot be counted: {unread}")
        return WireCounts(**told)

    def reset_counts(self) -> None:
        """Count from zero again."""
        self._do("reset")

    def close(self) -> None:
        """Reset what is open and end the proxy's process."""
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

    def _do(self, order: str, value: float | bool | None = None) -> dict[str, Any]:  # noqa: FBT001 - a value on the wire, not a switch
        """Give an order and return the answer, which says that it is in force."""
        line = json.dumps([order, value]).encode() + b"\n"
        with self._mutex:
            if self._process.stdin is None or self._process.stdin.closed:
                raise ProxyError("the proxy is closed")
            with suppress(BrokenPipeError):  # the missing answer tells
                self._process.stdin.write(line)
                self._process.stdin.flush()
            return self._read()

    def _read(self) -> dict[str, Any]:
        line = self._process.stdout.readline() if self._process.stdout is not None else b""
        if not line:
            raise ProxyError("the proxy's process has ended")
        answer: dict[str, Any] = json.loads(line)
        return answer
