"""Robinhood's answers: refusals, pages of rows, batches with null for the unknown, single things.

Readers are made once a type: callers with the same reader share one reading of an answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any

import msgspec
from msgspec import Struct

from ava.errors import AuthenticationError, ProviderError, RateLimitedError
from ava.net.spec import Answer
from ava.providers import parse

NAME = "robinhood"

_WAIT = re.compile(r"available in (\d+) second")
_READ = 4096  # bytes of a body in which a refusal names itself


class Page(Struct):
    """A page of rows, and the absolute URL of the next."""

    results: list[Any]
    next: str | None = None


class _Refusal(Struct):
    detail: str


def complaint(answer: Answer) -> ProviderError | None:
    """Find a throttling with its wait, and a login that wants a person's confirmation."""
    if b'"verification_workflow"' in answer.body[:_READ] and _is_challenge(answer.body):
        return AuthenticationError(
            "Robinhood wants this login confirmed on a device; confirm it and log in again",
            provider=NAME,
            status=answer.status,
        )
    if answer.status != 429:  # noqa: PLR2004 - HTTP
        return None
    said = parse.refusal(answer, _Refusal)
    wait = _WAIT.search(said.detail) if said is not None else None
    return RateLimitedError(
        "Robinhood says that requests come too fast",
        provider=NAME,
        status=answer.status,
        retry_after_s=None if wait is None else float(wait[1]),
    )


def _is_challenge(body: bytes) -> bool:
    try:
        told = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return False
    return isinstance(told, dict) and told.get("verification_workflow") is not None


@cache
def page(kind: Any) -> Callable[[Answer], Page]:
    """Return the reader of a page whose rows are of type `kind`."""
    form: Any = msgspec.defstruct("Page", [("results", list[kind]), ("next", str | None, None)])

    def read(answer: Answer) -> Page:
        told = parse.read_json(answer, form)
        return Page(told.results, told.next)

    return read


@cache
def batch(kind: Any) -> Callable[[Answer], list[Any]]:
    """Return the reader of a batch of `kind`, in which null stands for what is unknown.

    A batch is asked for in the size that one page holds; one that goes on has not been read whole.
    """
    read_page = page(kind | None)

    def read(answer: Answer) -> list[Any]:
        told = read_page(answer)
        if told.next is not None:
            raise ValueError("the batch goes on at another page")
        return told.results

    return read


@cache
def one(kind: Any) -> Callable[[Answer], Any]:
    """Return the reader of one `kind`."""
    return lambda answer: parse.read_json(answer, kind)
