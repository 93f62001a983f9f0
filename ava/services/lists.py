"""Lists of rows, a page at a time, as typed values with the cursor of the next page."""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec
from msgspec import Struct

from ava.db.page import Page

T = TypeVar("T")


class Listed(Struct, Generic[T], frozen=True, kw_only=True):
    """One page; `next_cursor` continues it exactly, and is None on the last."""

    items: list[T]
    next_cursor: str | None = None


def listed(page: Page, kind: type[T]) -> Listed[T]:
    """Return the rows of a page as values of a type."""
    return Listed(items=msgspec.convert(page.rows, list[kind]), next_cursor=page.next_cursor)  # type: ignore[valid-type] # a type built at run time
