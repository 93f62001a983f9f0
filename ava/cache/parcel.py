"""A value between a tier's entry and its caller: what may be shared, and how absence is kept."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from ava.cache.codec import UncodableError, decode, encode
from ava.cache.memory import MISSING
from ava.cache.shared import Entry, Parcel
from ava.errors import NotFoundError

MAX_VALUE_BYTES: Final = 1 << 20  # a larger one would hold up everybody's reads on the way


class Absent(msgspec.Struct, array_like=True, frozen=True):
    """The answer "there is no such thing", as it is kept."""

    provider: str
    message: str
    status: int | None = None

    def error(self) -> NotFoundError:
        """Return the error that callers get again."""
        return NotFoundError(self.message, provider=self.provider, status=self.status)


_absents = msgspec.msgpack.Decoder(Absent)


def pack(key: str, value: Any, ttl_s: float) -> Parcel | None:
    """Return `value` (or Absent) made up for Redis, None if it cannot or should not go there."""
    if isinstance(value, Absent):
        return Parcel(key, ttl_s, msgspec.msgpack.encode(value), absent=True)
    try:
        payload = encode(value)
    except UncodableError:
        return None
    return Parcel(key, ttl_s, payload) if len(payload) <= MAX_VALUE_BYTES else None


def unpack(entry: Entry, kind: Any) -> Any:
    """Return the value of an entry (or Absent), MISSING if it holds none of that kind."""
    if not entry.absent:
        return decode(entry.payload, kind)
    try:
        return _absents.decode(entry.payload)
    except msgspec.MsgspecError:
        return MISSING
