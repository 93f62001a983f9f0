"""The process that serves the simulated providers, and ends with its parent.

It reads one line of JSON from stdin (which providers, how, and the token of the control address),
binds a port that is free, says it on stdout, and serves until stdin ends: at a normal close and at
SIGKILL of the parent alike. One thread, no locks. `/_control/<order>` takes orders as JSON from who
knows the token; they are not counted.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import hmac
import importlib
import json
import os
import pkgutil
import socket
import sys
import time
import traceback
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

from perf.lab.providers.faults import Fault, Plan, fault_from, spoil
from perf.lab.providers.http import Connection
from perf.lab.providers.limits import Window
from perf.lab.providers.provider import (
    Provider,
    Reply,
    Request,
    Terms,
    bearer,
    refused,
    split_target,
    told,
)
from perf.lab.providers.tally import Tally
from perf.lab.providers.wait import Latency

_LOOPBACK = "127.0.0.1"
_BACKLOG = 1024
_CONTROL = "_control"
_LOOK_S = 1.0


class Hands:
    """The provider's clock: it starts at `start` and runs `pace` times as fast as ours."""

    def __init__(self, start: float, pace: float) -> None:
        self._start, self._mark, self.pace = start, time.monotonic(), pace

    def now(self) -> float:
        """Return seconds since 1970 on the provider's clock."""
        return self._start + (time.monotonic() - self._mark) * self.pace

    def set(self, *, pace: float | None = None, ahead_s: float = 0.0) -> None:
        """Run at another pace from now on, or jump ahead."""
        self._start, self._mark = self.now() + ahead_s, time.monotonic()
        self.pace = self.pace if pace is None else pace


@dataclass(slots=True)
class Served:
    """One provider with all that is kept about it."""

    provider: Provider
    plan: Plan
    tally: Tally
    random: Random
    latency: Latency

    def answer(self, request: Request, now: float, *, reused: bool) -> tuple[Reply, Fault | None]:
        """Count a request, let the plan of faults have its say, and return what is sent."""
        label = self.provider.label(request)
        self.tally.arrived(label, now)
        fault = self.plan.draw(label, reused=reused)
        try:
            if fault is None:
                reply = self.provider.answer(request, now)
            else:
                reply = spoil(fault, self.provider, request, now, time.time())
        except Exception:  # noqa: BLE001 - a request it cannot take must not end the connection
            traceback.print_exc()
            reply = refused(500, {"error": "the simulated provider could not take this request"})
        self.tally.decided(reply.outcome, faulted=fault is not None)
        numbered = (*reply.headers, ("X-Sim-Sequence", str(self.tally.requests)))
        return replace(reply, headers=numbered), fault

    def counts(self) -> dict[str, Any]:
        """Return the counts as JSON values."""
        used = self.provider.credits.total if self.provider.credits is not None else 0
        busiest = {gauge.name: gauge.busiest for gauge in self.provider.gauges}
        return self.tally.to_dict(used, busiest)

    def reset(self) -> None:
        """Forget counts, faults and what was spent."""
        self.tally.clear()
        self.plan.put([])
        self.provider.reset()

    def adjust(self, order: str, args: Mapping[str, Any]) -> None:
        """Obey one order; raise ValueError for what there is not."""
        provider = self.provider
        match order:
            case "reset":
                self.reset()
            case "expire":
                provider.expire()
            case "fault":
                self.plan.put([fault_from(fault) for fault in args["plan"]])
            case "latency":
                self.latency = Latency(**args["latency"])
            case "limits":
                provider.gauges = [Window(*window) for window in args["windows"]]
            case "credits" if provider.credits is not None:
                provider.credits.limit = args["limit"]
            case "terms":
                provider.terms = replace(provider.terms, **args["terms"])
            case _:
                raise ValueError(f"{provider.name} takes no such order: {order}")


class Simulator:
    """All providers of one server."""

    def __init__(self, job: Mapping[str, Any], port: int) -> None:
        self._token = job["token"]
        self._hands = Hands(job["start"], job["pace"])
        self._served = {name: _served(name, job, port) for name in job["names"]}

    def keys(self) -> dict[str, dict[str, str]]:
        """Return each provider's keys by grade."""
        return {
            name: {grade: key for key, grade in served.provider.keys.items()}
            for name, served in self._served.items()
        }

    def serve(self, connection: Connection, target: str, request: Request) -> None:
        """Answer a request: count it, let chance and the plan of faults have their say, send."""
        name, path, query = split_target(target)
        if name == _CONTROL:
            connection.answer(self._control(path[1:], request), 0.0, _nothing)
            return
        served = self._served.get(name)
        if served is None:
            missing = refused(404, {"error": f"no such provider: {name}"})
            connection.answer(missing, 0.0, _nothing)
            return
        if connection.owner is None:
            connection.owner = name
            served.tally.opened()
        asked = Request(request.method, path, query, request.headers, request.body)
        reply, fault = served.answer(asked, self._hands.now(), reused=connection.served > 0)
        delay_s = served.latency.draw(served.random)
        connection.answer(reply, delay_s, served.tally.left, fault)

    def gone(self, connection: Connection) -> None:
        """Count a connection out."""
        if connection.owner is not None:
            self._served[connection.owner].tally.closed()

    def _control(self, order: str, request: Request) -> Reply:
        if not hmac.compare_digest(bearer(request).encode(), self._token.encode()):
            return refused(403, {"error": "the control address needs its token"})
        try:
            return Reply(200, told(self._obey(order, json.loads(request.body or b"{}"))))
        except (KeyError, TypeError, ValueError) as error:
            return refused(400, {"error": f"{type(error).__name__}: {error}"})

    def _obey(self, order: str, args: Mapping[str, Any]) -> Any:
        match order:
            case "counts":
                return self._served[args["name"]].counts()
            case "now":
                return self._hands.now()
            case "advance":
                self._hands.set(ahead_s=args["seconds"])
                return None
            case "pace":
                self._hands.set(pace=args["pace"])
                args = {"terms": {"pace": args["pace"]}}
                order = "terms"
        name = args.get("name")
        for served in [self._served[name]] if name else self._served.values():
            served.adjust(order, args)
        return None


def load(name: str) -> type[Provider]:
    """Return the provider called `name`; raise ValueError when there is none."""
    if name in _modules():
        for member in vars(importlib.import_module(f"{__package__}.{name}")).values():
            if isinstance(member, type) and getattr(member, "name", None) == name:
                provider: type[Provider] = member
                return provider
    raise ValueError(f"there is no simulated provider called {name!r}")


def everybody() -> list[str]:
    """Return the names of all providers."""
    found = []
    for name in _modules():
        with contextlib.suppress(ValueError):
            load(name)
            found.append(name)
    return found


def _modules() -> list[str]:
    return [module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)])]


def _served(name: str, job: Mapping[str, Any], port: int) -> Served:
    terms = Terms(
        base=f"http://{_LOOPBACK}:{port}/{name}",
        seed=job["seed"],
        pace=job["pace"],
        slack_s=job["slack_s"],
        moving=job["moving"],
        started=job["start"],
    )
    chance = zlib.crc32(f"{job['seed']}:{name}".encode())
    return Served(
        load(name)(terms),
        Plan(Random(chance)),  # noqa: S311 - a plan that repeats
        Tally(),
        Random(chance + 1),  # noqa: S311 - latencies that repeat
        Latency(**job["latency"]),
    )


def _nothing() -> None:
    """Count nothing: for what is no provider's call."""


def main() -> None:
    """Serve what the first line of stdin asks for until stdin ends."""
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(json.loads(sys.stdin.readline())))


async def _serve(job: dict[str, Any]) -> None:
    listener = socket.socket()
    listener.bind((_LOOPBACK, 0))
    port = int(listener.getsockname()[1])
    try:
        job["names"] = job["names"] or everybody()
        simulator = Simulator(job, port)
    except ValueError as error:
        print(json.dumps({"error": str(error)}), flush=True)
        return
    gc.freeze()  # what is built by now stays: no collection needs to walk it
    loop = asyncio.get_running_loop()
    await loop.create_server(lambda: Connection(simulator), sock=listener, backlog=_BACKLOG)
    print(json.dumps({"port": port, "keys": simulator.keys()}), flush=True)
    ended = asyncio.Event()
    loop.add_reader(sys.stdin.fileno(), ended.set)
    parent = os.getppid()
    # A child forked by the parent may hold the other end of stdin open: look after both.
    while os.getppid() == parent and not ended.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(ended.wait(), _LOOK_S)
    os._exit(0)  # answers that never come must not keep the process


if __name__ == "__main__":
    main()
