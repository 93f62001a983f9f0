"""Lists of symbols in a request, with their bounds: read once, and the same for every route."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import Depends, Query
from msgspec import Meta

from ava.api.parameters import SYMBOL

MOST: Final = 100
_ONE: Final = SYMBOL.removeprefix("^").removesuffix("$")
LIST: Final = f"^{_ONE}(,{_ONE}){{0,{MOST - 1}}}$"

Symbol = Annotated[str, Meta(pattern=SYMBOL)]
OneSymbol = Annotated[str, Query(pattern=SYMBOL, description="A symbol, such as AAPL.")]


def _read(
    symbols: Annotated[
        str,
        Query(
            pattern=LIST,
            max_length=33 * MOST,
            description=f"Up to {MOST} symbols with commas between, such as AAPL,BRK.B.",
            examples=["AAPL,MSFT"],
        ),
    ],
) -> tuple[str, ...]:
    """Return the symbols, each once, in the order given."""
    return tuple(dict.fromkeys(symbols.split(",")))


Symbols = Annotated[tuple[str, ...], Depends(_read)]
