"""What can go wrong between a provider and its client, and the plan of when it does.

A plan is a list of faults; a call gets the first that is not used up, fits its path, and is drawn
by its share. Chance is seeded, so a plan repeats. Most faults spoil a real answer on its way, after
the provider has charged for it; `STATUS`, `TOO_FAST`, `SPENT` and `DROP` come in its place and cost
nothing.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from email.utils import formatdate
from enum import StrEnum
from fnmatch import fnmatchcase
from random import Random
from typing import Any

from perf.lab.providers.provider import Outcome, Provider, Reply, Request


class Kind(StrEnum):
    """The faults there are."""

    STATUS = "status"  # an answer with `status`, and `retry_after` where given
    TOO_FAST = "too_fast"  # the provider's own words for too many calls
    SPENT = "spent"  # the provider's own words for a spent quota
    SILENCE = "silence"  # never answers
    DRIP = "drip"  # the body comes over `seconds`, in small pieces
    RESET = "reset"  # the connection is reset in the middle of the body
    DROP = "drop"  # a connection used before is closed when used again; a new one is spared
    SHORT = "short"  # the connection ends before the length promised
    GARBAGE = "garbage"  # a body that is no text at all
    TRUNCATED = "truncated"  # half of the JSON, with a length that fits
    WRONG_TYPES = "wrong_types"  # every value is a list of itself
    WRONG_CONTENT = "wrong_content"  # a page of HTML with status 200


_PAGE = b"<!DOCTYPE html><html><head><title>Just a moment...</title></head><body></body></html>"
_NOISE = bytes(range(128, 256)) * 2


@dataclass(frozen=True, slots=True)
class Fault:
    """One entry of a plan.

    It befalls the next `times` calls (None: all from now on) whose path fits the glob `path`, each
    with the probability `share`. `retry_after` is what the header says: seconds (real ones), or
    "date:SECONDS" for an HTTP date so far ahead; None sends no header. `seconds` is how long a drip
    takes, and the wait that a TOO_FAST tells of where the provider tells one.
    """

    kind: Kind
    times: int | None = 1
    share: float = 1.0
    path: str = "*"
    status: int = 503
    retry_after: str | None = None
    seconds: float = 1.0

    def to_dict(self) -> dict[str, Any]:
        """Return what `fault_from` reads."""
        return asdict(self)


def fault_from(raw: dict[str, Any]) -> Fault:
    """Read what `Fault.to_dict` returned."""
    return Fault(**{**raw, "kind": Kind(raw["kind"])})


@dataclass(slots=True)
class Plan:
    """The faults to come, and how many calls each has left."""

    random: Random
    faults: list[Fault] = field(default_factory=list)

    def put(self, faults: Sequence[Fault]) -> None:
        """Replace the plan."""
        self.faults = list(faults)

    def draw(self, label: str, *, reused: bool) -> Fault | None:
        """Return what befalls the call counted as `label`, on a connection used before or not."""
        for index, fault in enumerate(self.faults):
            if self._befalls(fault, label, reused=reused):
                self._use(index)
                return fault
        return None

    def _befalls(self, fault: Fault, label: str, *, reused: bool) -> bool:
        if fault.kind is Kind.DROP and not reused:
            return False
        return fnmatchcase(label, fault.path) and (
            fault.share >= 1.0 or self.random.random() < fault.share
        )

    def _use(self, index: int) -> None:
        fault = self.faults[index]
        if fault.times is None:
            return
        if fault.times > 1:
            self.faults[index] = replace(fault, times=fault.times - 1)
        else:
            del self.faults[index]


def spoil(fault: Fault, provider: Provider, request: Request, now: float, real: float) -> Reply:
    """Return what comes of a request that `fault` befalls; `real` is the machine's time."""
    match fault.kind:
        case Kind.STATUS:
            return _status(fault, real)
        case Kind.TOO_FAST:
            return provider.stamp(provider.too_fast(fault.seconds, request), now, 0)
        case Kind.SPENT:
            return provider.stamp(provider.spent(request), now, 0)
        case Kind.DROP:
            return Reply(500, b"", outcome=Outcome.REFUSED)  # never sent
        case _:
            return _spoilt(fault.kind, provider.answer(request, now))


def _spoilt(kind: Kind, reply: Reply) -> Reply:
    match kind:
        case Kind.GARBAGE:
            return replace(reply, body=_NOISE)
        case Kind.TRUNCATED:
            return replace(reply, body=reply.body[: max(1, len(reply.body) // 2)])
        case Kind.WRONG_TYPES:
            return replace(reply, body=_wrapped(reply.body))
        case Kind.WRONG_CONTENT:
            return replace(reply, status=200, body=_PAGE, content_type="text/html")
        case _:
            return reply


def _status(fault: Fault, real: float) -> Reply:
    headers: tuple[tuple[str, str], ...] = ()
    if fault.retry_after is not None:
        _, dated, ahead = fault.retry_after.rpartition("date:")
        value = formatdate(real + float(ahead), usegmt=True) if dated else ahead
        headers = (("Retry-After", value),)
    return Reply(fault.status, b"", "text/plain", headers, Outcome.REFUSED)


def _wrapped(body: bytes) -> bytes:
    try:
        return json.dumps(_in_lists(json.loads(body))).encode()
    except ValueError:
        return b'[["not", "what", "was", "asked", "for"]]'


def _in_lists(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _in_lists(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_in_lists(item) for item in value]
    return [value]
