"""Who asks: a key in the Authorization header, checked once, before anything else sees it.

Keys are named, so that a log can say who asked without saying with what. They are compared by
digest in constant time. A request without a key is anybody's and reaches what is open to anybody; a
wrong key is refused outright, since its sender believes to be somebody.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, MutableMapping
from enum import Enum
from typing import Any, Final

from ava.errors import SettingsError, UnauthorisedError
from ava.section import Secret
from ava.settings import ApiSettings

CALLER: Final = "ava.caller"  # in the scope: the name of the key, or None
TURNS: Final = "ava.turns"  # in the scope: what a caller's turn is taken from
_BEARER: Final = b"bearer "


class Access(Enum):
    """Who may ask: anybody, or whoever has a key.

    A key is asked for by what changes something, what may cost a provider's quota, and what shows
    an account.
    """

    OPEN = "open"
    KEY = "key"


class Keys:
    """The keys that are known, by name."""

    def __init__(self, keys: Secret | None) -> None:
        text = "" if keys is None else keys.reveal()
        pairs = [pair.strip().partition(":") for pair in text.split(",") if pair.strip()]
        if not all(name and secret for name, _, secret in pairs):
            raise SettingsError(
                f"{ApiSettings.key('keys')} must be name:secret pairs with commas between"
            )
        self._digests = {_digest(secret.encode()): name for name, _, secret in pairs}

    def name_of(self, secret: bytes) -> str | None:
        """Return the name of a key, None for one that is not known."""
        asked = _digest(secret)
        found = None
        for digest, name in self._digests.items():  # all of them: the time must not tell
            if hmac.compare_digest(digest, asked):
                found = name
        return found

    def caller(self, headers: Iterable[tuple[bytes, bytes]]) -> str | None:
        """Return who sends these headers; None is anybody.

        Raises UnauthorisedError for a key that is not known.
        """
        for name, value in headers:
            if name == b"authorization":
                return self._named(value)
        return None

    def known(self, header: bytes) -> str | None:
        """Return the name of the key in an Authorization header, None for one that is not known."""
        if header[: len(_BEARER)].lower() != _BEARER:
            return None
        return self.name_of(header[len(_BEARER) :].strip())

    def _named(self, header: bytes) -> str:
        named = self.known(header)
        if named is None:
            raise UnauthorisedError("the key is not known; send `Authorization: Bearer KEY`")
        return named


def admit(scope: MutableMapping[str, Any]) -> None:
    """Let a caller with a key pass, as often as it may.

    Raises UnauthorisedError for anybody else, and TooManyRequestsError.
    """
    caller = scope.get(CALLER)
    if caller is None:
        setting = ApiSettings.key("keys")
        raise UnauthorisedError(
            f"this needs a key: send `Authorization: Bearer KEY`, one of those in {setting}"
        )
    if TURNS in scope:
        scope[TURNS](caller)


def _digest(secret: bytes) -> bytes:
    return hashlib.sha256(secret).digest()
