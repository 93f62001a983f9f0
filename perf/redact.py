"""Keep secrets out of everything that is written: reasons, logs, reports.

Foreign libraries put connection strings and keys into their error texts, so every text that comes
from an exception or a child process passes here before it is stored or shown.
"""

from __future__ import annotations

import re

_URL_PASSWORD = re.compile(r"(?P<head>\b[a-z][a-z0-9+.-]*://[^\s/:@]*):[^\s@/]+@", re.IGNORECASE)
_PAIR = re.compile(
    r"(?P<key>\b[\w-]*(?:password|passwd|secret|token|api_?key|pgpass)\b)"
    r"(?P<sep>\s*[=:]\s*)(?P<value>'[^']*'|\"[^\"]*\"|[^\s&,;'\"]+)",
    re.IGNORECASE,
)
_BEARER = re.compile(r"(?P<head>\b(?:Bearer|Basic)\s+)[\w.~+/=-]{6,}", re.IGNORECASE)


def redact(text: str) -> str:
    """Return `text` with passwords in URLs and values of secret-looking keys replaced."""
    text = _URL_PASSWORD.sub(r"\g<head>:***@", text)
    text = _BEARER.sub(r"\g<head>***", text)
    return _PAIR.sub(r"\g<key>\g<sep>***", text)
