"""Names of cached values: canonical text, the same in every process and after every restart.

A key is its kind, then what was asked for: `scan:AAPL:dte=30:sectors={Energy,Tech}`. Two calls that
ask for the same thing give the same text (sets and mappings are sorted, numbers written one way,
moments in UTC), and two that differ never do: text keeps its separators escaped, and text that
would read as a number, a date or a list is marked with a leading apostrophe. Keys that would be
long end in a digest of that text instead.

Nothing rests on `hash()`, which differs from process to process, and nothing on `repr` or `str` of
an object, which may show an address or leave a field out: a type not known here is refused.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from urllib.parse import quote

LONGEST = 200  # characters of a key that people still read; longer ones are digested
_KIND = re.compile(r"[a-z][a-z0-9_.-]*")
_PLAIN = re.compile(r"[A-Za-z_^/][A-Za-z0-9_^/.-]*")  # needs neither escape nor mark
_MARKED = re.compile(r"[-0-9]")  # how a number begins; what else begins a value is escaped anyway
_SAFE = "^/"  # beside letters, digits and _.-~ these stand for themselves
_SHORT_INTEGER = 10**15
_LONGEST_ZEROS = 20  # places beyond which a number is written with an exponent


def key(kind: str, /, *parts: object, **named: object) -> str:
    """Return the key of one thing of a kind.

    Values may be text, numbers, booleans, None, dates, moments with a zone, bytes, enums (by their
    value), and lists, tuples, sets and mappings of these. A list and a tuple are the same; 1, 1.0
    and Decimal("1.00") are the same; 1 and "1" are not. Raises ValueError for a kind that is not a
    lower-case word, a moment without a zone and a number that is not finite, TypeError for a type
    that has no canonical form.
    """
    if not _KIND.fullmatch(kind):
        raise ValueError(f"a kind of key is a lower-case word, without colons: {kind!r}")
    words = [_write(part) for part in parts]
    words += [f"{_text(name)}={_write(named[name])}" for name in sorted(named)]
    if not words:
        return kind
    body = ":".join(words)
    if len(kind) + 1 + len(body) > LONGEST:
        body = "#" + hashlib.blake2b(body.encode(), digest_size=16).hexdigest()
    return f"{kind}:{body}"


def _write(value: object) -> str:
    if isinstance(value, Enum):
        return _write(value.value)
    if isinstance(value, str):
        return _text(value)
    if value is None or isinstance(value, bool):
        return f"@{value}".lower()
    return _write_exact(value)


def _write_exact(value: object) -> str:
    if isinstance(value, int | float | Decimal):
        return _number(value)
    if isinstance(value, date):
        return _moment(value)
    if isinstance(value, bytes):
        return f"@x{value.hex()}"
    return _collection(value)


def _collection(value: object) -> str:
    if isinstance(value, list | tuple):
        return f"[{','.join(_write(item) for item in value)}]"
    if isinstance(value, AbstractSet):
        return f"{{{','.join(sorted({_write(item) for item in value}))}}}"
    if isinstance(value, Mapping):
        pairs = sorted(f"{_write(name)}={_write(item)}" for name, item in value.items())
        return f"({','.join(pairs)})"
    raise TypeError(
        f"a {type(value).__name__} has no canonical text; name its fields, as in key(kind, a=x.a)"
    )


def _text(value: str) -> str:
    if _PLAIN.fullmatch(value):
        return value
    # A lone surrogate is legal in str and not in UTF-8; it must not end as an error in Redis.
    escaped = quote(value, safe=_SAFE, errors="surrogatepass")
    return f"'{escaped}" if not value or _MARKED.match(value) else escaped


def _number(value: float | Decimal) -> str:
    if isinstance(value, int) and -_SHORT_INTEGER < value < _SHORT_INTEGER:
        return str(int(value))
    if not math.isfinite(value):
        raise ValueError(f"{value} is no number to ask for; use None for 'no limit'")
    exact = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    sign, digits, exponent = exact.as_tuple()
    significant = "".join(map(str, digits)).lstrip("0")
    stripped = significant.rstrip("0")
    if not stripped:
        return "0"
    places = int(exponent) + len(significant) - len(stripped)
    return "-" * sign + _scaled(stripped, places)


def _scaled(digits: str, places: int) -> str:
    """Write `digits` times ten to the power of `places`, which end in no zero."""
    if 0 <= places <= _LONGEST_ZEROS:
        return digits + "0" * places
    if -_LONGEST_ZEROS <= places < 0:
        padded = digits.rjust(1 - places, "0")
        return f"{padded[:places]}.{padded[places:]}"
    return f"{digits}e{places}"


def _moment(value: date) -> str:
    if not isinstance(value, datetime):
        return f"@{value.isoformat()}"
    if value.utcoffset() is None:
        raise ValueError(f"{value.isoformat()} has no zone, so it is not one moment")
    return f"@{value.astimezone(UTC).replace(tzinfo=None).isoformat()}Z"
