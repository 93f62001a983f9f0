"""The text a client gets to ask for the next page: opaque, URL-safe, and checked when it returns.

It holds the list's name and the key values of the last row as JSON in base64, each with its type,
so that a timestamp returns with its microseconds and a decimal with its digits. A checksum tells a
garbled cursor from a right one; it is no signature, since the values only ever go back as bound
parameters.
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeAlias

from ava.errors import BadCursorError, QueryFileError

KeyValue: TypeAlias = int | str | Decimal | datetime | date | None

_WRITERS: dict[type, tuple[str, Callable[[Any], Any]]] = {
    int: ("i", int),
    str: ("s", str),
    Decimal: ("n", str),
    datetime: ("t", datetime.isoformat),
    date: ("d", date.isoformat),
    type(None): ("0", lambda _: None),
}
_READERS: dict[str, Callable[[Any], Any]] = {
    "i": int,
    "s": str,
    "n": Decimal,
    "t": datetime.fromisoformat,
    "d": date.fromisoformat,
    "0": lambda _: None,
}


def encode(name: str, values: Sequence[KeyValue]) -> str:
    """Return the cursor of the list `name` behind a row with these key values."""
    tagged = [_tagged(name, value) for value in values]
    body = json.dumps([name, tagged], separators=(",", ":"), ensure_ascii=False).encode()
    sealed = zlib.crc32(body).to_bytes(4, "big") + body
    return base64.urlsafe_b64encode(sealed).decode().rstrip("=")


def decode(cursor: str, name: str) -> tuple[KeyValue, ...]:
    """Return the key values; raise BadCursorError for a cursor that `encode` never gave `name`."""
    try:
        sealed = base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        body = sealed[4:]
        owner, tagged = json.loads(body)
        values = tuple(_READERS[tag](value) for tag, value in tagged)
        intact = int.from_bytes(sealed[:4], "big") == zlib.crc32(body)
    except (binascii.Error, ArithmeticError, KeyError, RecursionError, TypeError, ValueError):
        raise _garbled() from None
    if not intact or encode(owner, values) != cursor:
        raise _garbled()
    if owner != name:
        raise BadCursorError(f"the cursor belongs to another list, not to {name}; start again")
    return values


def _tagged(name: str, value: KeyValue) -> tuple[str, Any]:
    try:
        tag, write = _WRITERS[type(value)]
    except KeyError:
        kind = type(value).__name__
        raise QueryFileError(f"{name} is ordered by a {kind}, which a cursor cannot hold") from None
    return tag, write(value)


def _garbled() -> BadCursorError:
    return BadCursorError("the page cursor is garbled; start again from the first page")
