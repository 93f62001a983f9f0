"""Robinhood's tokens: got for a password, renewed when they expire, kept out of every text.

A token is renewed once, however many callers notice at once that it has expired; and the renewal
runs to its end even if all of them are cancelled, because the refresh token it uses up is replaced
by the answer. What a login cannot do is confirm itself: where the brokerage wants a person to look
at a device, that ends as AuthenticationError.
"""

from __future__ import annotations

import asyncio
from typing import Self
from urllib.parse import urlencode

from msgspec import Struct

from ava.errors import AuthenticationError, BadRequestError
from ava.net.client import Client, Request
from ava.net.spec import Answer
from ava.providers import parse
from ava.section import Secret

_PATH = "/oauth2/token/"
_FORM = {"content-type": "application/x-www-form-urlencoded"}


class _Tokens(Struct):
    access_token: str
    refresh_token: str | None = None


class Login:
    """The tokens of one account; `client_id` and `device_token` are those they were given to."""

    def __init__(
        self, token: Secret, refresh: Secret | None, *, client_id: str, device_token: str
    ) -> None:
        self._token = token
        self._refresh = refresh
        self._device = {"client_id": client_id, "device_token": device_token, "scope": "internal"}
        self._renewal: asyncio.Task[None] | None = None

    @classmethod
    async def open(  # noqa: PLR0913 - what the form asks for
        cls,
        client: Client,
        username: str,
        password: Secret,
        *,
        client_id: str,
        device_token: str,
        mfa_code: str | None = None,
    ) -> Self:
        """Log in, and let `client` use the token; raise AuthenticationError for what is refused."""
        login = cls(Secret(""), None, client_id=client_id, device_token=device_token)
        form = {"username": username, "password": password.reveal()}
        if mfa_code is not None:
            form["mfa_code"] = mfa_code
        await login._obtain(client, {"grant_type": "password", **form})
        return login

    @property
    def token(self) -> Secret:
        """The access token in use."""
        return self._token

    async def renew(self, client: Client, stale: Secret) -> None:
        """Replace the token unless another caller has replaced `stale` already.

        Raises AuthenticationError where there is no refresh token, or it is refused.
        """
        if self._token is not stale:
            return
        if self._renewal is None:
            self._renewal = asyncio.create_task(self._renew(client))
            self._renewal.add_done_callback(self._ended)
        await asyncio.shield(self._renewal)

    def __repr__(self) -> str:
        return "Login(***)"

    def _ended(self, renewal: asyncio.Task[None]) -> None:
        self._renewal = None
        if not renewal.cancelled():
            renewal.exception()  # taken, so that nobody's leaving makes it an unheard one

    async def _renew(self, client: Client) -> None:
        if self._refresh is None:
            raise AuthenticationError(
                "Robinhood's token has expired and cannot be renewed; log in again",
                provider=client.spec.name,
            )
        form = {"grant_type": "refresh_token", "refresh_token": self._refresh.reveal()}
        try:
            await self._obtain(client, form)
        except AuthenticationError:
            self._refresh = None  # it will be refused again
            raise

    async def _obtain(self, client: Client, form: dict[str, str]) -> None:
        """Exchange `form` for tokens; the request is sent without the token it replaces."""
        body = urlencode({**form, **self._device}).encode()
        request = Request(_PATH, method="POST", body=body, headers=_FORM, repeatable=False)
        client.use_key(None)
        try:
            self._token, refresh = await client.fetch(request, _read_tokens)
            self._refresh = refresh or self._refresh
        except BadRequestError as error:  # how Robinhood refuses a password or a refresh token
            raise AuthenticationError(
                "Robinhood refuses the login; check the password, or log in again",
                provider=client.spec.name,
                status=error.status,
            ) from None
        finally:
            client.use_key(self._token if self._token.reveal() else None)


def _read_tokens(answer: Answer) -> tuple[Secret, Secret | None]:
    tokens = parse.read_json(answer, _Tokens)
    refresh = tokens.refresh_token
    return Secret(tokens.access_token), None if refresh is None else Secret(refresh)
