"""Parameters that many routes share, with their bounds."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query

from ava.db.page import MAX_LIMIT

LONGEST = 64  # characters of a name or a symbol

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="How many rows at most.")]
Cursor = Annotated[
    str | None, Query(max_length=1024, description="The `next_cursor` of the page before.")
]
Name = Annotated[str, Path(min_length=1, max_length=LONGEST)]
