"""What a client counts, and what it remembers of the last exchanges.

The counts are the documented six (001.9). They count finished calls: one that was cancelled is as
if it had not been made, and appears nowhere.
"""

from __future__ import annotations

from collections import deque
from dataclasses import asdict, dataclass

_REMEMBERED = 256


@dataclass(frozen=True, slots=True)
class ClientStats:
    """Counts since the client was made.

    `requests` are questions that were taken to the provider, `successes` and `failures` how they
    ended: callers that joined another's request, and hits of the cache, are no requests. `retries`
    are attempts after the first. `circuit_breaks` are the failures that an open breaker refused.
    """

    requests: int = 0
    successes: int = 0
    failures: int = 0
    retries: int = 0
    cache_hits: int = 0
    circuit_breaks: int = 0

    def to_dict(self) -> dict[str, int]:
        """Return the counts under their documented names."""
        return asdict(self)


@dataclass(slots=True)
class Tally:
    """The running counts behind `ClientStats`."""

    successes: int = 0
    failures: int = 0
    retries: int = 0
    cache_hits: int = 0
    circuit_breaks: int = 0

    def stats(self) -> ClientStats:
        """Return the counts as they stand."""
        return ClientStats(
            requests=self.successes + self.failures,
            successes=self.successes,
            failures=self.failures,
            retries=self.retries,
            cache_hits=self.cache_hits,
            circuit_breaks=self.circuit_breaks,
        )


class Recent:
    """The last exchanges with a provider: how long each took and whether the provider was sound."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, bool]] = deque(maxlen=_REMEMBERED)

    def add(self, seconds: float, *, sound: bool) -> None:
        """Remember an exchange."""
        self._seen.append((seconds, sound))

    def latency_s(self, quantile: float = 0.5) -> float | None:
        """Return a quantile (nearest rank) of the latencies, None before the first exchange."""
        if not self._seen:
            return None
        ordered = sorted(seconds for seconds, _ in self._seen)
        return ordered[min(len(ordered) - 1, int(quantile * len(ordered)))]

    def error_share(self) -> float | None:
        """Return the share of exchanges in which the provider failed, None before the first."""
        if not self._seen:
            return None
        return sum(not sound for _, sound in self._seen) / len(self._seen)
