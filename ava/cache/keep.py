"""How long something fetched is kept, and what may be done with it after that."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Keep:
    """A rule for one kind of value; all times are seconds.

    Within `ttl_s` the value is fresh. For `stale_s` more it is served when fetching fails. From
    `refresh_at` (a part of the ttl; 1 switches it off) on, one caller's hit starts a fetch in the
    background and nobody waits. An answer "there is no such thing" is kept for `negative_s`, 0 for
    not at all. Each entry's ttl is shortened by a random part of up to `jitter`, so that what was
    stored together does not expire together. `tags` name what can invalidate it.
    """

    ttl_s: float
    stale_s: float = 0.0
    refresh_at: float = 1.0
    negative_s: float = 0.0
    jitter: float = 0.1
    tags: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        times = (self.ttl_s, self.stale_s, self.negative_s)
        if self.ttl_s <= 0 or not all(0 <= time < float("inf") for time in times):
            raise ValueError(
                f"a time to live must be positive and finite, and others not negative: {self}"
            )
        if not (0 < self.refresh_at <= 1 and 0 <= self.jitter < 1):
            raise ValueError(f"refresh_at lies in (0, 1] and jitter in [0, 1): {self}")
