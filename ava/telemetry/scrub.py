"""Secrets out of log lines: those of the settings wherever they stand, and what looks like one.

The texts of foreign errors quote connection strings and URLs with their keys. So a `Scrubber` knows
every secret of the settings in every spelling (`ava.net.redact`), and besides blanks passwords in
URLs, values of names such as `password` or `apikey`, and what follows `Bearer`. Of a short secret
only the last holds: blanking each "ava" would blank the log.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields
from urllib.parse import unquote, urlsplit

import psycopg
from psycopg.conninfo import conninfo_to_dict

from ava.net.redact import MASK, Redactor
from ava.section import Secret, Section
from ava.settings import Settings

_LONG = 6  # characters from which a secret is looked for by itself

_IN_URL = re.compile(r"(?P<head>\b[a-z][a-z0-9+.-]*://[^\s/:@\"]*):[^\s@/\"]+@", re.IGNORECASE)
_NAMED = re.compile(
    r"(?P<name>\b[\w-]*(?:password|passwd|secret|token|api_?key|apikey)\b)"
    r"(?P<sep>\\*\"?\s*[=:]\s*\\*\"?)(?P<value>'[^']*'|[^\s&,;'\"\\]+)",
    re.IGNORECASE,
)
_BEARER = re.compile(r"(?P<head>\b(?:Bearer|Basic)\s+)[\w.~+/=-]{6,}", re.IGNORECASE)


class Scrubber:
    """Blanks secrets in texts; without settings, what looks like one."""

    def __init__(self, settings: Settings | None = None) -> None:
        self._redact = Redactor()
        if settings is not None:
            for secret in secrets(settings):
                self._redact.learn(secret, ())

    def __call__(self, text: str) -> str:
        """Return the text without secrets."""
        text = self._redact(text)
        if "://" in text:
            text = _IN_URL.sub(rf"\g<head>:{MASK}@", text)
        text = _BEARER.sub(rf"\g<head>{MASK}", text)
        return _NAMED.sub(rf"\g<name>\g<sep>{MASK}", text)


def secrets(settings: Settings) -> set[str]:
    """Return every secret text of the settings that is long enough to look for."""
    held: list[object] = [getattr(settings, item.name) for item in fields(settings)]
    sections = [section for section in held if isinstance(section, Section)]
    values: list[object] = [getattr(s, item.name) for s in sections for item in fields(s)]
    texts = {
        text for value in values if isinstance(value, Secret) for text in _parts(value.reveal())
    }
    return {text for text in texts if len(text) >= _LONG}


def _parts(text: str) -> Iterator[str]:
    """Yield a secret and the passwords or keys inside of it."""
    yield text
    if "://" in text:
        try:
            password = urlsplit(text).password
        except ValueError:
            password = None
        if password:
            yield password
            yield unquote(password)
    elif "=" in text:
        try:
            yield str(conninfo_to_dict(text).get("password") or "")
        except psycopg.Error:
            return
    else:  # pairs of name and key, as in AVA_API_KEYS
        yield from (pair.strip().partition(":")[2] for pair in text.split(",") if ":" in pair)
