"""What must not reach a reader: credentials, control characters, and the literals of statements.

The harness keeps credentials out of its results; this is the second fence, because a report is
mailed about and a fact may quote a driver's error. It errs on the side of hiding. It does not
guess at secrets without a name (a bare key in prose looks like any other word).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from perf.redact import redact

HIDDEN = "***"

_SECRET_KEY = re.compile(
    r"[\w-]*(?:password|passwd|secret|token|api[_-]?key|access[_-]?key|pgpass|authorization)",
    re.IGNORECASE,
)
_HEADER = re.compile(
    r"(\bauthorization['\"]?\s*[=:]\s*['\"]?)(?:\w+\s+)?[^\s'\",;]+", re.IGNORECASE
)
# Characters XML 1.0 forbids; lone surrogates among them could not even be written as UTF-8.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_LITERAL = re.compile(r"'(?:[^']|'')*'")


def clean(value: Any) -> Any:
    """Return the JSON value with every string in it made fit to show."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, Mapping):
        return {clean_text(str(key)): _under(str(key), item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [clean(item) for item in value]
    return value


def _under(key: str, value: Any) -> Any:
    hides = isinstance(value, str) and bool(value) and _SECRET_KEY.fullmatch(key)
    return HIDDEN if hides else clean(value)


def clean_text(text: str) -> str:
    """Hide credentials and replace characters no page or XML file may hold."""
    text = _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text)
    return redact(_HEADER.sub(rf"\1{HIDDEN}", text))


def without_literals(sql: str) -> str:
    """Return a statement or condition with its quoted literals elided: they may be user data."""
    return _LITERAL.sub("'\N{HORIZONTAL ELLIPSIS}'", sql)
