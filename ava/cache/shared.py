"""The tier that processes share: entries in Redis, their locks, and the indexes to find them by.

Each method is one round trip. An entry is "A1", the moment until which it is fresh (milliseconds
of Redis's clock, 13 digits), and a body made here: a label (absence? which tags?) behind its
length, then the bytes of the value. Redis stamps and compares, so the machines' own clocks need not
agree; readers translate by an offset learnt from the replies. Reads are plain GET and MGET.
Whatever must be atomic is a Lua script.

The lock is the fence: an invalidation or a newer value takes it away, and what was fetched under a
lock is stored only while the lock is held. So nothing fetched before an invalidation is stored
after it. The server must not evict keys (`maxmemory-policy noeviction`), or indexes are lost.
"""

from __future__ import annotations

import importlib.resources
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, NamedTuple

import msgspec

from ava.cache.invalidation import Invalidation
from ava.clock import Clock
from ava.redis import RedisLink, Script

LOCK_MS = 1000
MAGIC = b"A1"
_STAMP_END = len(MAGIC) + 13
_LENGTH = 2  # bytes before the label that say how long it is
_LABEL_AT = _STAMP_END + _LENGTH
# A key whose fetch is under way stays listed this long; the heartbeat of the lock renews it.
_LISTED_MS = 60_000
_NEVER_ENOUGH_MS = 2**52


class Entry(NamedTuple):
    """What an entry of Redis says: how long it is still fresh (negative: stale), and its value.

    `absent` marks the answer "there is no such thing", whose words `payload` then holds.
    """

    left_s: float
    tags: tuple[str, ...]
    payload: bytes
    absent: bool


@dataclass(frozen=True, slots=True)
class Found:
    """A claim's answer: an entry fresh enough is there already."""

    entry: Entry


@dataclass(frozen=True, slots=True)
class Leading:
    """A claim's answer: this process is to fetch; `older` is the stale entry, if there is one."""

    token: str
    older: Entry | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A claim's answer: another fetches, and its lock ends within `lock_s` unless extended."""

    lock_s: float


_labels = msgspec.msgpack.Decoder(tuple[bool, tuple[str, ...]])


@lru_cache(maxsize=4096)
def _label(raw: bytes) -> tuple[bool, tuple[str, ...]]:
    """Return whether the entry is an absence, and its tags; many entries share their label."""
    return _labels.decode(raw)


@dataclass(frozen=True, slots=True)
class Parcel:
    """A value on its way to Redis."""

    key: str
    ttl_s: float
    payload: bytes
    absent: bool = False

    def body(self, tags: Sequence[str]) -> bytes:
        """Return what follows the stamp."""
        label = msgspec.msgpack.encode((self.absent, tags))
        return len(label).to_bytes(_LENGTH) + label + self.payload


def _source(name: str) -> str:
    return (importlib.resources.files("ava.cache") / "lua" / f"{name}.lua").read_text("utf-8")


@cache
def _script(name: str) -> Script:
    return Script("\n".join(_source(part) for part in ("prelude", name)))


class SharedStore:
    """The entries and locks of one namespace; every method raises SharedStoreDownError."""

    def __init__(self, link: RedisLink, namespace: str, clock: Clock) -> None:
        self._link = link
        self._monotonic = clock.monotonic
        # The braces keep a namespace in one hash slot of a cluster.
        self._namespace = f"{{{namespace}}}"
        self._entries = f"{self._namespace}:entry:"
        self.channel = f"{self._namespace}:news"
        self._offset_ms = 0.0  # Redis's clock less this process's

    async def synchronise(self) -> None:
        """Learn the time of Redis."""
        before = self._monotonic()
        seconds, micros = await self._link.ask(lambda client: client.time())
        middle = (before + self._monotonic()) / 2
        self._offset_ms = seconds * 1000 + micros / 1000 - middle * 1000

    async def evicts(self) -> bool:
        """Say whether the server may drop keys when its memory is full."""
        told = await self._link.ask(lambda client: client.info("memory"))
        return bool(told.get("maxmemory")) and told.get("maxmemory_policy") != "noeviction"

    async def get(self, key: str) -> Entry | None:
        """Return the entry of `key`, fresh or not; what cannot be read is None."""
        return self._read(await self._link.command(b"GET", (self._entries + key).encode()))

    async def get_many(self, keys: Sequence[str]) -> list[Entry | None]:
        """Return the entries of `keys` in order, in one round trip."""
        names = [(self._entries + key).encode() for key in keys]
        return self._read_all(await self._link.command(b"MGET", *names))

    async def claim(
        self, key: str, token: str, tags: Sequence[str], min_left_s: float | None = 0.0
    ) -> Found | Leading | Waiting:
        """Read the entry if it stays fresh for more than `min_left_s`, else take or ask the lock.

        With None no entry is good enough.
        """
        least_ms = _NEVER_ENOUGH_MS if min_left_s is None else round(1000 * min_left_s)
        what, now_ms, detail = await self._run(
            "claim", key, token, LOCK_MS, least_ms, _LISTED_MS, *tags
        )
        self._offset_ms = now_ms - self._monotonic() * 1000
        if what == 3:  # noqa: PLR2004 - the script's own word for it
            return Waiting(max(0, detail) / 1000)
        entry = self._read(detail)
        if what == 1 and entry is not None:
            return Found(entry)
        if what == 1:  # fresh by its stamp, and unreadable behind it
            return await self.claim(key, token, tags, None)
        return Leading(token, entry)

    async def extend(self, key: str, token: str, tags: Sequence[str]) -> bool:
        """Keep the lock for another LOCK_MS; say whether it was still held."""
        return bool(await self._run("extend", key, token, LOCK_MS, _LISTED_MS, *tags))

    async def finish(self, parcel: Parcel, token: str, stale_s: float, tags: Sequence[str]) -> bool:
        """Store under the lock and release it; say whether the lock was still held."""
        body, times = parcel.body(tags), (_ms(parcel.ttl_s), round(1000 * stale_s))
        return bool(await self._run("finish", parcel.key, token, *times, body, *tags))

    async def release(self, key: str, token: str) -> None:
        """Give up the lock, if it is still held."""
        await self._run("release", key, token)

    async def put(
        self, parcels: Iterable[Parcel], stale_s: float, tags: Sequence[str], origin: str
    ) -> None:
        """Store whatever was there before, and tell all processes but `origin`."""
        held = list(parcels)
        news = Invalidation(keys=tuple(parcel.key for parcel in held), origin=origin).encode()
        triples = [part for p in held for part in (p.key, _ms(p.ttl_s), p.body(tags))]
        await self._run("put", b"i" + news, round(1000 * stale_s), len(tags), *tags, *triples)

    async def invalidate(self, what: Invalidation) -> None:
        """Delete all that `what` names and tell every process."""
        parts = [x for names in (what.keys, what.tags, what.patterns) for x in (len(names), *names)]
        await self._run("invalidate", b"i" + what.encode(), *parts)

    async def _run(self, name: str, *args: Any) -> Any:
        return await self._link.run(_script(name), [self._namespace], *args)

    def _read(self, raw: Any) -> Entry | None:
        return self._read_all([raw])[0]

    def _read_all(self, raws: list[Any]) -> list[Entry | None]:
        """Read entries in one loop: fifty at a time, their cost is what a caller waits for."""
        now_s = self._monotonic() + self._offset_ms / 1000
        entries: list[Entry | None] = []
        for raw in raws:
            entry = None
            if raw and raw.startswith(MAGIC):
                try:
                    end = _LABEL_AT + (raw[_STAMP_END] << 8) + raw[_STAMP_END + 1]
                    absent, tags = _label(raw[_LABEL_AT:end])
                    left_s = int(raw[2:_STAMP_END]) / 1000 - now_s
                    entry = Entry(left_s, tags, raw[end:], absent)
                except (ValueError, IndexError, msgspec.MsgspecError):
                    pass  # not an entry of ours: as good as none
            entries.append(entry)
        return entries


def _ms(seconds: float) -> int:
    return max(1, round(1000 * seconds))
