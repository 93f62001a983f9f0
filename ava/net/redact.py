"""Keys out of texts: what a provider echoes, an error quotes or a log line would show.

Providers repeat the key they were given (Alpha Vantage does so in its daily refusal), and httpx
logs each URL, query and all. A `Redactor` knows the keys of one client, in every spelling a text
may hold them, and `quiet_httpx` keeps queries out of httpx's own log lines. What it refuses to do
is guess: text that merely looks like a key is left alone.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

import httpx

from ava.errors import ProviderError

MASK = "***"
_LONG = 8  # an authorising value shorter than this is a word such as "Bearer" or "json", no secret


class Redactor:
    """Replaces the secrets it was told of by `***`."""

    def __init__(self) -> None:
        self._spellings: tuple[str, ...] = ()

    def learn(self, key: str | None, derived: Iterable[str]) -> None:
        """Remember a key, and values derived from it such as a basic authorisation header."""
        words = {word for value in derived for word in value.split() if len(word) >= _LONG}
        secrets = words | ({key} if key else set())
        found = {text for secret in secrets for text in _spellings(secret)} | set(self._spellings)
        # The longest first: a spelling that holds another one is replaced whole.
        self._spellings = tuple(sorted(found, key=lambda text: (-len(text), text)))

    def __call__(self, text: str) -> str:
        """Return `text` without any secret."""
        for spelling in self._spellings:
            if spelling in text:
                text = text.replace(spelling, MASK)
        return text

    def clean(self, error: ProviderError) -> ProviderError:
        """Take the secrets out of an error's message, and drop the errors it was raised from.

        Those are foreign ones, and may quote the request with its key.
        """
        error.args = tuple(self(arg) if isinstance(arg, str) else arg for arg in error.args)
        error.__cause__ = error.__context__ = None
        return error


class _NoQueries(logging.Filter):
    """Cuts the query off every URL that a record is about to show."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(map(_without_query, record.args))
        return True


_NO_QUERIES = _NoQueries()


def quiet_httpx() -> None:
    """Keep the queries of URLs, which hold keys, out of httpx's log lines."""
    logging.getLogger("httpx").addFilter(_NO_QUERIES)


def _without_query(value: object) -> object:
    return value.copy_with(query=None) if isinstance(value, httpx.URL) else value


def _spellings(secret: str) -> set[str]:
    return {
        secret,
        quote(secret, safe=""),
        quote(secret),
        quote_plus(secret),
        json.dumps(secret)[1:-1],
    }
