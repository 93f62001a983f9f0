"""What every simulated provider is: a class that turns (request, now) into a reply.

No I/O, no clock of its own, no chance that is not seeded: so a provider can be tested by calling
it. A subclass names its keys, limits and routes and answers in its provider's words; the order of
the checks (path, key, speed, credits) is here, because it is the same for all of them, and so is
the memory of answers: what cannot change before the next tick is built once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import lru_cache
from typing import Any, ClassVar, TypeVar
from urllib.parse import parse_qsl, unquote

from perf.lab.providers.limits import Credits, Gauge

_REMEMBERED = 4096

Headers = tuple[tuple[str, str], ...]


class Grade(StrEnum):
    """What a key is good for."""

    FULL = "full"
    FREE = "free"  # valid, without the features of a paid plan
    BLOCKED = "blocked"


class Outcome(StrEnum):
    """What a reply amounts to, whatever its status pretends."""

    OK = "ok"
    LIMITED = "limited"  # too fast, or the credits are spent
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Request:
    """One request, its path below the provider's prefix; header names are in lower case.

    `grade` is what its key is good for, once that is known.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    grade: Grade = Grade.FULL


@dataclass(frozen=True, slots=True)
class Reply:
    """What is sent back, and the credits it costs where there are any."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: Headers = ()
    outcome: Outcome = Outcome.OK
    cost: int = 1


@dataclass(slots=True)
class Terms:
    """What a simulation sets for a provider: where it is, how its clock runs, and its chance.

    `slack_s` are real seconds a limit forgives: a network's jitter does not shrink with `pace`.
    `moving` lets prices change each second of the provider's clock.
    """

    base: str = "http://127.0.0.1"
    seed: int = 0
    pace: float = 1.0
    slack_s: float = 0.0
    moving: bool = False
    started: float = 1_767_625_200.0  # 2026-01-05 15:00 UTC, a Monday


class Refusal(Exception):  # noqa: N818 - an answer, not a fault of the program
    """The provider's way of saying no; `reply` is what goes out."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


@dataclass(frozen=True, slots=True)
class Route:
    """One path of a provider, and the method that answers it."""

    method: str
    pattern: re.Pattern[str]
    handler: Handler
    free: bool
    fresh: bool


Handler = Callable[[Any, Request, float], Any]
H = TypeVar("H", bound=Handler)


def route(
    pattern: str, *, method: str = "GET", free: bool = False, fresh: bool = False
) -> Callable[[H], H]:
    """Let a method answer what matches `pattern`, in which `{name}` is one segment of the path.

    `free` routes cost no credits, so they are answered when these are spent; `fresh` ones are made
    anew for each call, the answers of other GETs are remembered until the next tick. The handler is
    called
    with the provider, the request and now; segments are added to the query. It returns the JSON of
    a 200 or a `Reply`, which are charged, or raises Refusal, which is not.
    """

    def mark(handler: H) -> H:
        handler.__dict__["route"] = Route(
            method, _compiled(pattern), handler, free=free, fresh=fresh or method != "GET"
        )
        return handler

    return mark


class Provider:
    """One provider: its keys, its limits, its answers."""

    name: ClassVar[str]
    keys: ClassVar[Mapping[str, Grade]]
    _routes: ClassVar[tuple[Route, ...]] = ()

    def __init_subclass__(cls) -> None:
        own = (getattr(member, "route", None) for member in vars(cls).values())
        cls._routes = (*cls._routes, *(made for made in own if made is not None))

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self.gauges = self.limits()
        self.credits = self.allowance()
        self.sequence = 0
        self._answers: dict[Any, Reply] = {}

    # What a subclass says of itself.

    def limits(self) -> list[Gauge]:
        """Return the limits on speed."""
        return []

    def allowance(self) -> Credits | None:
        """Return the credits of a period, if there are any."""
        return None

    def grade(self, _request: Request) -> Grade:
        """Return what the request's key is good for; raise Refusal."""
        return Grade.FULL

    def too_fast(self, _wait_s: float, _request: Request) -> Reply:
        """Say that calls come too fast; `_wait_s` are real seconds until the next would pass."""
        return limited(429, {"error": "too many requests"})

    def expire(self) -> None:
        """End all sessions and tokens, where there are any."""

    def spent(self, request: Request) -> Reply:
        """Say that the credits of the period are spent; most providers have none."""
        return self.too_fast(60.0, request)

    def unknown(self, request: Request) -> Reply:
        """Say that there is no such path."""
        return refused(404, {"error": f"no such path: {request.path}"})

    def label(self, request: Request) -> str:
        """Return the name under which a call is counted."""
        return request.path

    def limited_by(self, _request: Request, _grade: Grade) -> list[Gauge]:
        """Return the limits that hold for this call."""
        return self.gauges

    def stamp(self, reply: Reply, _now: float, _paid: int) -> Reply:
        """Add what the provider's headers say of its limits; `_paid` are the call's credits."""
        return reply

    # What is the same for all.

    @property
    def slack_s(self) -> float:
        """Return the seconds of the provider's clock that a limit forgives."""
        return self.terms.slack_s * self.terms.pace

    def key(self, grade: Grade) -> str:
        """Return a key of that grade."""
        return next(key for key, given in self.keys.items() if given is grade)

    def reset(self) -> None:
        """Forget the calls that were made."""
        for gauge in self.gauges:
            gauge.clear()
        if self.credits is not None:
            self.credits.clear()

    def answer(self, request: Request, now: float) -> Reply:
        """Answer what arrives at `now`, in seconds since 1970 of the provider's clock."""
        self.sequence += 1
        try:
            reply, paid = self._admitted(request, now)
        except Refusal as refusal:
            reply, paid = refusal.reply, 0
        return self.stamp(reply, now, paid)

    def tick(self, now: float) -> float:
        """Return the moment that prices are of: the whole second, or the start if they stand."""
        return float(int(now)) if self.terms.moving else self.terms.started

    def _admitted(self, request: Request, now: float) -> tuple[Reply, int]:
        """Return the answer and the credits it took; raise Refusal."""
        found = self._find(request)
        grade = self.grade(request)
        self._admit(request, grade, now)
        if self.credits is None or found[0].free:
            return self._built(found, request, grade, now), 0
        if self.credits.left(now) <= 0:
            raise Refusal(self.spent(request))
        reply = self._built(found, request, grade, now)
        self.credits.spend(reply.cost, now)
        return reply, reply.cost

    def _admit(self, request: Request, grade: Grade, now: float) -> None:
        gauges = self.limited_by(request, grade)
        for gauge in gauges:
            gauge.arrive(now)
        wait_s = max((gauge.wait(now, self.slack_s) for gauge in gauges), default=0.0)
        if wait_s > 0:
            raise Refusal(self.too_fast(wait_s / self.terms.pace, request))
        for gauge in gauges:
            gauge.take(now)

    def _find(self, request: Request) -> tuple[Route, dict[str, str]]:
        for known in self._routes:
            match = known.pattern.fullmatch(request.path)
            if match and known.method == request.method:
                return known, match.groupdict()
        raise Refusal(self.unknown(request))

    def _built(
        self, found: tuple[Route, dict[str, str]], request: Request, grade: Grade, now: float
    ) -> Reply:
        known, segments = found
        asked = replace(request, query={**request.query, **segments}, grade=grade)
        if known.fresh:
            return _reply(known.handler(self, asked, now))
        memory = (request.path, tuple(asked.query.items()), grade, self.tick(now))
        reply = self._answers.get(memory)
        if reply is None:
            reply = _reply(known.handler(self, asked, self.tick(now)))
            if len(self._answers) >= _REMEMBERED:
                self._answers.clear()
            self._answers[memory] = reply
        return reply


def told(value: Any) -> bytes:
    """Write JSON the way most APIs do: without blanks."""
    return json.dumps(value, separators=(",", ":")).encode()


def refused(
    status: int, value: Any, *, headers: Headers = (), outcome: Outcome = Outcome.REFUSED
) -> Reply:
    """Return a reply that says no, in JSON."""
    return Reply(status, told(value), headers=headers, outcome=outcome)


def limited(status: int, value: Any, *, headers: Headers = ()) -> Reply:
    """Return a reply that says too fast or too much, in JSON."""
    return refused(status, value, headers=headers, outcome=Outcome.LIMITED)


def bearer(request: Request) -> str:
    """Return the token of the Authorization header, or nothing."""
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


def listed(text: str) -> list[str]:
    """Return the items of a comma-separated parameter."""
    return [item for item in text.split(",") if item]


@lru_cache(maxsize=_REMEMBERED)
def split_target(target: str) -> tuple[str, str, dict[str, str]]:
    """Return a target's provider, the path below it, and its query; the query is not to change."""
    path, _, query = target.partition("?")
    _, _, below = path.partition("/")
    name, slash, rest = below.partition("/")
    return name, unquote(slash + rest) or "/", dict(parse_qsl(query, keep_blank_values=True))


def _reply(made: Any) -> Reply:
    return made if isinstance(made, Reply) else Reply(200, told(made))


def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", pattern))
