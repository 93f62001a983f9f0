"""Parameters that many routes share, with their bounds."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import Path, Query

from ava.db.page import MAX_LIMIT

LONGEST = 64  # characters of a name or a symbol
TEXT: Final = r"^[^\x00-\x1f\x7f]+$"  # PostgreSQL's text holds no NUL, and no name a line break
SYMBOL: Final = r"^[A-Z0-9^][A-Z0-9.^=-]{0,31}$"  # AAPL, BRK.B, ^GSPC, BTC-USD, EURUSD=X
_MOST_ROWS = 2**63 - 1  # bigint

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="How many rows at most.")]
Cursor = Annotated[
    str | None, Query(max_length=1024, description="The `next_cursor` of the page before.")
]
Name = Annotated[str, Path(min_length=1, max_length=LONGEST)]
RowId = Annotated[int, Path(ge=1, le=_MOST_ROWS)]
AccountId = Annotated[int, Query(ge=1, le=_MOST_ROWS, description="The id of an account.")]
