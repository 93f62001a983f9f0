"""Answers that no route makes: problems, and the header that every answer has."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

import msgspec
from starlette.responses import Response

from ava.problems import Problem

PROBLEM: Final = "application/problem+json"
# What we send is what we say it is; a browser must not make a script of it.
NOSNIFF: Final = (b"x-content-type-options", b"nosniff")


def answer_problem(found: Problem) -> Response:
    """Return the response that states a problem."""
    headers = {"Cache-Control": "no-store"}
    if found.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    if found.retry_after_s is not None:
        headers["Retry-After"] = str(int(found.retry_after_s) + 1)
    body = msgspec.json.encode(found)
    return Response(body, found.status, headers, media_type=PROBLEM)


def hardened(response: Response) -> Response:
    """Return a response that is sent from outside the layer that adds this header to all."""
    response.raw_headers.append(NOSNIFF)
    return response
