"""Values as bytes, and back with the types they had.

What is shared is msgpack: data, so whoever can write to Redis can at worst give a wrong value and
never run code. Before the payload stands a header, behind its length: the format's version, every
record type (Struct, dataclass, named tuple) found in the value with a fingerprint of its fields,
and every class msgpack has no form for (Decimal, an enum). A reader names the kind it expects: all
that the header names must be part of that kind, with the same fields, and the payload must decode
strictly. Anything else, garbage included, is MISSING: a miss and never an error. None, 0, [] and {}
are values.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import typing
from collections.abc import Hashable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, TypeVar, cast

import msgspec

from ava.cache.memory import MISSING, Missing

VERSION = 1

T = TypeVar("T")

_NATIVE = frozenset({type(None), bool, int, float, str, bytes, list, dict})
_DECODE_ERRORS = (msgspec.MsgspecError, ValueError, TypeError, RecursionError)


class UncodableError(ValueError):
    """A value has no form in msgpack, so it cannot be shared."""


_LENGTH = 2
_encoder = msgspec.msgpack.Encoder()
_headers = msgspec.msgpack.Decoder(tuple[int, list[str]])


def encode(value: Any) -> bytes:
    """Return `value` as bytes; raise UncodableError when it has no form in msgpack."""
    try:
        header = _header(frozenset(_found(value)))
        return header + _encoder.encode(value)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise UncodableError(f"a {type(value).__name__} cannot be shared: {error}") from error


def decode(raw: bytes, kind: type[T]) -> T | Missing:
    """Return the value of type `kind` that `raw` holds, or MISSING if it does not hold one."""
    end = _LENGTH + int.from_bytes(raw[:_LENGTH])
    try:
        # Many entries have the same header, so what follows from it is worked out once.
        decoder = _reader(raw[_LENGTH:end], cast("Hashable", kind))
        return MISSING if decoder is None else cast("T", decoder.decode(memoryview(raw)[end:]))
    except _DECODE_ERRORS:
        return MISSING


@functools.lru_cache(maxsize=1024)
def _header(types: frozenset[type]) -> bytes:
    text = _encoder.encode((VERSION, sorted(map(name_of, types))))
    return len(text).to_bytes(_LENGTH) + text


@functools.lru_cache(maxsize=1024)
def _reader(header: bytes, kind: Any) -> msgspec.msgpack.Decoder[Any] | None:
    """Return what decodes payloads behind `header` as `kind`; None if they are something else."""
    version, names = _headers.decode(header)
    return _decoder(kind) if version == VERSION and _known(kind).issuperset(names) else None


@functools.lru_cache(maxsize=1024)
def _decoder(kind: Any) -> msgspec.msgpack.Decoder[Any]:
    return msgspec.msgpack.Decoder(kind)


@functools.lru_cache(maxsize=1024)
def _known(kind: Any) -> frozenset[str]:
    """Return what a header may name for `kind`."""
    return frozenset(name_of(part) for part in _parts(kind) if isinstance(part, type))


@functools.lru_cache(maxsize=1024)
def name_of(kind: type) -> str:
    """Return the type's name; a record's has the fingerprint of its fields, nested ones' too."""
    name = f"{kind.__module__}.{kind.__qualname__}"
    if not _is_record(kind):
        return name
    text = "|".join(_layout(record) for record in _records_in(kind))
    return f"{name}#{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def _found(value: Any) -> set[type]:
    """Return the types in `value` that msgpack does not carry by itself.

    Containers are walked; a record's fields are not, since its declaration speaks for them.
    """
    found: set[type] = set()
    waiting: list[Iterable[Any]] = [(value,)]
    while waiting:
        items = waiting.pop()
        for item in items:
            kind = type(item)
            if kind is dict:
                waiting += (item.keys(), item.values())
            elif kind is list:
                waiting.append(item)
            elif kind not in _NATIVE and not (kind is datetime and item.tzinfo is not None):
                found.add(kind)
                if kind in (tuple, set, frozenset):
                    waiting.append(item)
    return found


def _records_in(kind: type) -> Iterator[type]:
    return (part for part in _parts(kind) if isinstance(part, type) and _is_record(part))


def _parts(kind: Any) -> list[Any]:
    """Return every class `kind` is made of, itself first, each once, through records' fields."""
    seen: list[Any] = []
    waiting = [kind]
    while waiting:
        part = waiting.pop(0)
        if part in seen:
            continue
        seen.append(part)
        # Of list[Quote], the container is a part as well as what it holds.
        waiting += [origin] if (origin := typing.get_origin(part)) is not None else []
        waiting += typing.get_args(part)
        waiting += [hint for _, hint in _fields(part)] if _is_record(part) else []
    return seen


def _is_record(kind: Any) -> bool:
    return isinstance(kind, type) and (
        issubclass(kind, msgspec.Struct)
        or dataclasses.is_dataclass(kind)
        or (issubclass(kind, tuple) and hasattr(kind, "_fields"))
    )


def _fields(record: type) -> list[tuple[str, Any]]:
    """Return the fields of a record as they are written, with their types."""
    if issubclass(record, msgspec.Struct):
        return [(item.encode_name, item.type) for item in msgspec.structs.fields(record)]
    hints: Mapping[str, Any] = typing.get_type_hints(record, include_extras=True)
    if dataclasses.is_dataclass(record):
        return [(item.name, hints[item.name]) for item in dataclasses.fields(record)]
    names: tuple[str, ...] = getattr(record, "_fields", ())
    return [(name, hints.get(name, Any)) for name in names]


def _layout(record: type) -> str:
    """Return one line that changes when the record's written form does."""
    config = getattr(record, "__struct_config__", None)
    form = (config.array_like, config.tag_field, config.tag) if config is not None else ()
    fields = ",".join(f"{name}:{hint!r}" for name, hint in _fields(record))
    return f"{record.__module__}.{record.__qualname__}{form!r}({fields})"
